"""What the worker process found in one file, before it is handed back as Arrow and JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class Limits:
    """What one file may cost before it is refused; sizes in bytes, times in seconds, bounds inclusive."""

    file_bytes: int = 600_000_000
    unpacked_bytes: int = 1_000_000_000
    members: int = 200
    ratio: int = 100
    rows: int = 2_000_000
    columns: int = 2_000
    cells: int = 40_000_000
    seconds: float = 120.0
    cpu_seconds: int = 90
    memory_bytes: int = 3_000_000_000


@dataclass(frozen=True)
class Wish:
    """What the person asked for: which layer or sheet, and in which encoding to read it."""

    name: str = ""
    layer: str | None = None
    encoding: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass
class Parsed:
    """One layer as plain columns, geometry as WKB (None where there is none), and what was noticed."""

    columns: dict[str, Any]
    geometry: Sequence[bytes | None] | None
    rows: NDArray[np.int64]
    driver: str
    crs: str | None = None
    encoding: str | None = None
    layer: str = ""
    layers: tuple[str, ...] = ()
    header_rows: int = 0
    notes: list[str] = field(default_factory=list)
    default_shift: str | None = None
    places: tuple[int, ...] = ()

    def table(self) -> Any:
        """All columns as one Arrow table, the geometry under a name no file can use."""
        arrays = list(self.columns.values())
        names = list(self.columns)
        if self.geometry is not None:
            arrays.append(pa.array(self.geometry, type=pa.binary()))
            names.append(GEOMETRY)
        return pa.Table.from_arrays(arrays, names=names)


GEOMETRY = "\u0000geometry"
ROWS = "\u0000rows"


def listed(numbers: Iterable[int], most: int = 5) -> str:
    """Name the first few row numbers.

    Examples
    --------
    >>> listed([3, 9]), listed(range(1, 9), most=2)
    ('3、9', '1、2 等')
    """
    found = list(numbers)
    return "、".join(str(number) for number in found[:most]) + (" 等" if len(found) > most else "")


def unique_names(names: Sequence[str]) -> list[str]:
    """Give every column a name of its own: blanks become 列N, repeats get _2, _3.

    Examples
    --------
    >>> unique_names(["村名", "", "村名", "geometry"])
    ['村名', '列2', '村名_2', 'geometry_2']
    """
    seen = {"geometry"}
    result = []
    for position, name in enumerate(names, start=1):
        base = name or f"列{position}"
        candidate, number = base, 2
        while candidate in seen:
            candidate, number = f"{base}_{number}", number + 1
        seen.add(candidate)
        result.append(candidate)
    return result


def shown(name: str, most: int = 80) -> str:
    """Make a file or layer name safe to show: control and direction marks as ?, and not too long.

    Examples
    --------
    >>> shown("村界\u202efdp.shp")
    '村界?fdp.shp'
    """
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= most else plain[: most - 1] + "…"
