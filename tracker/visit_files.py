"""The tables in a file that came back from a visit, line by line, and the photos beside them. Nothing is judged here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from geo.archive import open_checked, unpack
from geo.errors import InputError
from geo.parsed import shown
from geo.read import Dropped, Limits, read
from geo.sheet import clean_name
from geo.template import outline
from layers.cells import cell_text
from tracker.questions import KINDS
from tracker.visit_geopackage import FOUND, VILLAGE_POINTS
from tracker.visit_workbook import GUIDE, KEY, LISTS, NAME, VISIT

LIMITS = Limits(file_bytes=300_000_000, unpacked_bytes=600_000_000, members=3000, rows=200_000, columns=500, seconds=90)
DATA = (".xlsx", ".xls", ".csv", ".gpkg")
_TABLES = (VILLAGE_POINTS, *KINDS)


@dataclass(frozen=True)
class Line:
    """One row of a table as it came back, before it is held against what was sent."""

    where: str
    visit_id: str
    key: str
    name: str
    cells: Mapping[str, str]
    formulas: frozenset[str] = frozenset()


def files_of(path: Path, folder: Path) -> tuple[list[Path], dict[str, Path]]:
    """Return the data files and the photos, by name; a zip is unpacked under names of our own."""
    if path.suffix.lower() != ".zip":
        if path.suffix.lower() not in DATA:
            raise InputError(f"{shown(path.name)}：交回的要是 .xlsx、.csv、.gpkg，或把它们和照片一起打成的 .zip。")
        return [path], {}
    if path.stat().st_size > LIMITS.file_bytes:
        raise InputError(f"{shown(path.name)} 超过 {LIMITS.file_bytes / 1e6:,.0f} MB，请把照片缩小或分几次交。")
    archive, members = open_checked(path, LIMITS)
    files, photos = [], {}
    with archive:
        for at, member in enumerate(members):
            if member.suffix.startswith(".gpkg-") and member.info.file_size:
                raise InputError(
                    "压缩包里有 .gpkg-wal：工程还开着就压缩了，最后填的还没有写进去。请先在 QGIS 或 QField 里关闭工程，再压缩一次。"
                )
            is_picture = member.suffix in (".jpg", ".jpeg", ".png")
            if not is_picture and member.suffix not in DATA:
                continue
            target = folder / f"{at}{member.suffix}"
            unpack(archive, member, target, LIMITS)
            if is_picture:
                photos[PurePosixPath(member.name).name.lower()] = target
            else:
                files.append(target)
    if not files:
        raise InputError(f"{shown(path.name)} 里没有走访表（.xlsx、.csv、.gpkg）。")
    return files, photos


def lines_of(file: Path) -> tuple[list[Line], list[str]]:
    """Return every line of a file that names its visit, and what was noticed; the file is parsed in the worker."""
    if file.suffix.lower() == ".gpkg":
        return _from_geopackage(file)
    if file.suffix.lower() == ".csv":
        return _from_table(read(file, limits=LIMITS), "CSV", frozenset()), []
    first = read(file, limits=LIMITS)
    cells = outline(file, limits=LIMITS)
    found: list[Line] = []
    for sheet in first.layers:
        if sheet in (GUIDE, LISTS):
            continue
        try:
            dropped = first if sheet == first.layer else read(file, sheet=sheet, limits=LIMITS)
        except InputError as empty:
            if "空的" in str(empty):
                continue
            raise
        found += _from_table(
            dropped, sheet, cells.formulas.get(sheet, frozenset()) | cells.bound.get(sheet, frozenset())
        )
    return found, list(cells.notes)


def _from_table(dropped: Dropped, sheet: str, formulas: frozenset[str]) -> list[Line]:
    """Read a sheet whose rows name their visit; a sheet without those columns is somebody's own notes."""
    heads = {clean_name(head): str(column) for column in dropped.frame.columns if (head := str(column)) != "geometry"}
    if clean_name(VISIT) not in heads or clean_name(KEY) not in heads:
        return []
    letters = dict(zip((str(c) for c in dropped.frame.columns if str(c) != "geometry"), dropped.columns, strict=False))
    lines = []
    for at, row in zip(dropped.rows, dropped.frame.to_dict("records"), strict=True):
        cells = {head: cell_text(row[column]) for head, column in heads.items()}
        by_formula = {
            head
            for head, column in heads.items()
            if column in letters and f"{_letters(letters[column])}{at}" in formulas
        }
        lines.append(
            Line(
                f"{shown(sheet, 31)} 第 {at} 行", cells[clean_name(VISIT)], cells[clean_name(KEY)],
                cells.get(clean_name(NAME), ""), cells, frozenset(by_formula),
            )
        )  # fmt: skip
    return lines


def _letters(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def _from_geopackage(file: Path) -> tuple[list[Line], list[str]]:
    lines, names = [], None
    for table in _TABLES:
        if names is not None and table not in names:
            continue
        try:
            dropped = read(file, layer=table, limits=LIMITS)
        except InputError as error:
            if names is None and "没有名为" in str(error):
                continue
            raise
        names = dropped.layers
        lines += _from_layer(dropped, table)
    if names is None:
        raise InputError("这个 GeoPackage 不是走访包：没有走访图层。请交回当初发出的 visit.gpkg。")
    return lines, []


def _from_layer(dropped: Dropped, table: str) -> list[Line]:
    frame = dropped.frame
    lines = []
    for at, row in zip(dropped.rows, frame.to_dict("records"), strict=True):
        shape = row.pop("geometry", None)
        cells = {str(name): cell_text(value) for name, value in row.items()}
        where = f"{table} 第 {at} 个"
        if table == FOUND:
            point = (
                (round(float(shape.x), 7), round(float(shape.y), 7))
                if shape is not None and shape.geom_type == "Point"
                else None
            )
            cells["longitude"], cells["latitude"] = (str(point[0]), str(point[1])) if point else ("", "")
            digest = hashlib.sha256(repr((point, cells.get("kind", ""))).encode()).hexdigest()[:8]
            lines.append(Line(where, cells.get("visit_id", ""), f"{FOUND}/{digest}", "", cells))
        else:
            lines.append(
                Line(
                    where,
                    cells.get("visit_id", ""),
                    f"{table}/{cells.get('row_key', '')}",
                    cells.get("name", ""),
                    cells,
                )
            )
    return lines
