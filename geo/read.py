"""Open any dropped file, in a worker process with limits, and hand back a frame with what is known about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Limits:
    """What one file may cost before it is refused."""

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
class Dropped:
    """One file as it was read: the frame, and everything that was found out on the way."""

    frame: Any
    crs: str | None
    encoding: str | None
    digest: str
    layer: str
    layers: tuple[str, ...]
    rows: NDArray[np.int64]
    header_rows: int
    notes: tuple[str, ...]
    driver: str
    default_shift: str | None


def read(
    path: str | Path,
    *,
    layer: str | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Dropped:
    """Read one dropped file (signature; the worker follows)."""
    raise NotImplementedError
