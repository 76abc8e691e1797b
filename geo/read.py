"""Open any dropped file, in a worker process with limits, and hand back a frame with what is known about it.

This process only copies bytes and counts them; what is in the file is parsed by `geo.worker` (safety.md 3 and 8).
"""

import hashlib
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from geo.archive import SHAPE_PARTS, siblings
from geo.errors import InputError
from geo.formats import ACCEPTED, KINDS
from geo.parsed import GEOMETRY, ROWS, Limits, shown
from geo.pool import pool

__all__ = ["Dropped", "Limits", "read"]

_RESULT = "result.arrow"
_MOST_FOLDER_FILES = 2000
_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Dropped:
    """One layer as it was read, and everything that was found out on the way.

    `frame` has the file's own column names, in its own coordinates; a GeoDataFrame when anything in it has a place.
    `rows` holds the 1-based row of the sheet (or record of the file) each row came from. `crs` is what the file itself
    states, None when it states nothing; `default_shift` is "gcj02" or "bd09" when the kind of file implies one.
    `columns` holds the 1-based sheet column of each column of a workbook or CSV, empty for other files.
    `digest` is the SHA-256 of the file's bytes. `notes` are Chinese sentences for the person who sent the file.
    """

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
    columns: tuple[int, ...] = ()


def read(
    path: str | Path,
    *,
    layer: str | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    limits: Limits = _DEFAULT_LIMITS,
) -> Dropped:
    """Read one file a bureau sent, whatever its format, without touching it.

    Parameters
    ----------
    path
        A file, one part of a shapefile, or a folder that holds one layer.
    layer, sheet
        Layer of a container, or sheet of a workbook; either may be used. When it is left out and there are several,
        a workbook gives its fullest sheet, a TopoJSON its largest object; other containers are refused with the list.
    encoding
        Use this text encoding instead of the one found ("GBK", "UTF-8", ...).
    limits
        What the file may cost.

    Returns
    -------
    Dropped
        An empty table gives a frame without rows; a row whose geometry cannot be built keeps its attributes.

    Raises
    ------
    InputError
        A Chinese sentence: what is wrong with the file and what to do.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "村.csv"
    ...     _ = file.write_bytes("村名,人口,经度,纬度\\n甲村,199,113.7,25.1\\n".encode("gbk"))
    ...     dropped = read(file)
    >>> dropped.encoding, list(dropped.frame["村名"]), dropped.rows.tolist()
    ('GB18030', ['甲村'], [2])
    """
    source = Path(path)
    parts = _parts(source, limits)
    with tempfile.TemporaryDirectory(prefix="qiyou-", ignore_cleanup_errors=True) as folder:
        job = Path(folder)
        request = {
            "path": str(source.resolve()),
            "job": str(job),
            "name": source.stem,
            "layer": layer if layer is not None else sheet,
            "encoding": encoding,
            "limits": asdict(limits),
        }
        found = pool().ask(request, limits.seconds)
        if "error" in found:
            error = InputError(f"{shown(source.name)}：{found['error']}")
            if "trace" in found:
                error.add_note(found["trace"])
            raise error
        with pa.OSFile(str(job / _RESULT), "rb") as file:
            table = pa.ipc.open_file(file).read_all()
        return _dropped(table, found, _digest(parts))


def _parts(source: Path, limits: Limits) -> list[Path]:
    """Every file whose bytes count, after the checks that need no parsing."""
    name = shown(source.name)
    try:
        kind = source.stat().st_mode
    except (OSError, ValueError) as absent:
        raise InputError(f"找不到文件“{name}”。请检查路径；本程序不打开网址和虚拟路径。") from absent
    if stat.S_ISDIR(kind):
        parts = sorted(item for item in source.iterdir() if item.is_file())
        if not parts or len(parts) > _MOST_FOLDER_FILES:
            raise InputError(f"文件夹“{name}”是空的或文件太多，请选具体的图层文件。")
    elif not stat.S_ISREG(kind):
        raise InputError(f"“{name}”不是普通文件，不能读取。")
    elif source.suffix.lower() in SHAPE_PARTS:
        parts = siblings(source)
    elif source.suffix.lower() in KINDS:
        parts = [source]
    else:
        raise InputError(f"{name}：不认识的文件格式。可以读取：{ACCEPTED}。")
    size = sum(part.stat().st_size for part in parts)
    if size == 0 or (source.is_file() and source.stat().st_size == 0):
        raise InputError(f"{name}：文件是空的（0 字节）。请重新导出或重新复制。")
    if size > limits.file_bytes:
        raise InputError(
            f"{name}：文件有 {size / 1e6:,.0f} MB，超过上限 {limits.file_bytes / 1e6:,.0f} MB。请拆分后再试。"
        )
    return parts


def _digest(parts: Iterable[Path]) -> str:
    """SHA-256 of one file; of several, over their endings and contents in order of name."""
    listed = list(parts)
    total = hashlib.sha256()
    for part in listed:
        if len(listed) > 1:
            total.update(
                f"\0{part.name.lower() if part.suffix.lower() not in SHAPE_PARTS else part.suffix.lower()}\0".encode()
            )
        with part.open("rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()


def _dropped(table: Any, found: dict[str, Any], digest: str) -> Dropped:
    rows = table[ROWS].to_numpy().astype(np.int64)
    plain = table.drop_columns([name for name in (ROWS, GEOMETRY) if name in table.column_names])
    frame = plain.to_pandas()
    notes = list(found["notes"])
    if GEOMETRY in table.column_names:
        with np.errstate(invalid="ignore"):  # a coordinate that is no number is listed by the check, row by row
            shapes = shapely.from_wkb(np.array(table[GEOMETRY].to_pylist(), dtype=object), on_invalid="ignore")
        frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, index=frame.index), crs=_known_crs(found, notes))
    return Dropped(
        frame=frame,
        crs=found["crs"] if getattr(frame, "crs", None) is not None else None,
        encoding=found["encoding"],
        digest=digest,
        layer=found["layer"],
        layers=tuple(found["layers"]),
        rows=rows,
        header_rows=found["header_rows"],
        notes=tuple(notes),
        driver=found["driver"],
        default_shift=found["default_shift"],
        columns=tuple(found.get("columns", ())),
    )


def _known_crs(found: dict[str, Any], notes: list[str]) -> str | None:
    stated: str | None = found["crs"]
    if stated is None:
        return None
    try:
        gpd.GeoSeries([], crs=stated)
    except (ValueError, RuntimeError):
        notes.append("文件里的坐标系说明（.prj）无法识别，已忽略，需要另外指定坐标系。")
        return None
    return stated
