"""What the worker does with one file: copy it, look at its first bytes, unpack, hand to the right reader, write."""

import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from geo import cellpatch
from geo.archive import SHAPE_PARTS, DataSet, Member, datasets, open_checked, siblings, unpack
from geo.errors import InputError
from geo.formats import ACCEPTED, KINDS, mismatch, sniffed
from geo.kml import parse_kml, parse_ovjsn
from geo.parsed import ROWS, Limits, Parsed, Wish, shown
from geo.shapefile import parse_shapefile
from geo.textfile import parse_text
from geo.topojson import parse_topojson
from geo.vector import parse_geojson, parse_parquet, parse_vector
from geo.workbook import look_over, parse_workbook

RESULT = "result.arrow"
_GEOJSON_TYPES = re.compile(
    rb'"type"\s*:\s*"(FeatureCollection|Feature|(Multi)?(Point|LineString|Polygon)|GeometryCollection)"'
)
_LONE_TEXT = (".txt", ".json", ".dbf")


def open_dropped(path: Path, job: Path, wish: Wish) -> Parsed:
    """Read a file or folder by way of a copy under a name of our own, so that nothing is written beside it."""
    if path.is_dir():
        return _open_folder(path, job, wish)
    suffix = path.suffix.lower()
    if suffix in SHAPE_PARTS:
        return _open_loose_shape(path, job, wish)
    kind = KINDS.get(suffix)
    copy = job / f"input{suffix if kind else '.bin'}"
    if kind is None:
        raise InputError(f"不认识的文件格式“{shown(path.suffix, 20) or '（没有扩展名）'}”。可以读取：{ACCEPTED}。")
    shutil.copyfile(path, copy)
    return _open_file(copy, kind, job, wish)


def _open_loose_shape(path: Path, job: Path, wish: Wish) -> Parsed:
    parts = siblings(path)
    endings = {part.suffix.lower() for part in parts}
    for part in parts:
        shutil.copyfile(part, job / f"input{part.suffix.lower()}")
    if ".shp" not in endings and path.suffix.lower() != ".dbf":
        raise InputError("只有 Shapefile 的附属文件，缺少 .shp。请把 .shp、.shx、.dbf、.prj 放在一起再选。")
    return parse_shapefile(job / ("input.shp" if ".shp" in endings else "input.dbf"), wish)


def _open_file(path: Path, kind: str, job: Path, wish: Wish) -> Parsed:
    with path.open("rb") as file:
        head = file.read(4096)
    found = sniffed(head)
    other = mismatch(kind, found)
    if other is not None:
        raise InputError(f"内容与扩展名 {path.suffix} 不符：里面是{other}。请确认文件，改成正确的扩展名或重新导出。")
    if kind == "zip":
        return _open_zip(path, job, wish)
    if kind == "kmz":
        return _open_kmz(path, job, wish)
    if kind == "kml":
        return parse_kml(path.read_bytes(), is_ovital=path.suffix == ".ovkml")
    if kind == "ovjsn":
        return parse_ovjsn(path.read_bytes())
    if kind == "json":
        return _open_json(path, wish)
    if kind == "text":
        return parse_text(path.read_bytes(), wish)
    if kind == "workbook":
        return _open_workbook(path, found, wish)
    if kind == "parquet":
        return parse_parquet(path, wish)
    return parse_vector(path, {"gpkg": "GPKG", "osm": "OSM"}[kind], wish)


def _open_json(path: Path, wish: Wish) -> Parsed:
    with path.open("rb") as file:
        head = file.read(65_536)
        file.seek(max(0, path.stat().st_size - 4096))
        tail = file.read()
    if b"gdal_streamed_alg" in head:
        raise InputError("内容不是 GeoJSON，而是 GDAL 处理指令，可能有恶意，已拒绝。")
    if b"\x00" in head[:200]:
        return parse_geojson(path, wish)
    if re.search(rb'"type"\s*:\s*"Topology"', head[:4096] + tail):
        return parse_topojson(path.read_bytes(), wish)
    if b'"ObjItems"' in head:
        return parse_ovjsn(path.read_bytes())
    if not _GEOJSON_TYPES.search(head + tail):
        raise InputError("内容不是 GeoJSON 或 TopoJSON：找不到 type（FeatureCollection 等）。请确认导出的格式。")
    return parse_geojson(path, wish)


def _open_workbook(path: Path, found: str, wish: Wish) -> Parsed:
    note = None
    if found == "ole":
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise InputError("工作簿有打开密码，读不了。请在 Excel 中去掉密码后另存再试。")
        if path.suffix != ".xls":
            note = f"扩展名是 {path.suffix}，内容是旧版 .xls，已按 .xls 读取。"
            path = path.rename(path.with_suffix(".xls"))
    elif found == "zip":
        if path.suffix == ".xls":
            note = "扩展名是 .xls，内容是新版 .xlsx，已按 .xlsx 读取。"
            path = path.rename(path.with_suffix(".xlsx"))
    elif found == "" and path.suffix == ".xls":
        parsed = parse_text(path.read_bytes(), Wish(wish.name, None, wish.encoding, wish.limits))
        parsed.notes.insert(0, "扩展名是 .xls，内容是文本表格，已按 CSV 读取。")
        return parsed
    elif found == "markup":
        raise InputError("内容是网页或 XML 表格，不是真正的 Excel 工作簿。请用 Excel 打开后另存为 .xlsx 再试。")
    else:
        raise InputError("内容不是 Excel 工作簿。请用 Excel 打开检查后另存为 .xlsx 再试。")
    parsed = parse_workbook(path, wish)
    if note:
        parsed.notes.insert(0, note)
    return parsed


def _open_kmz(path: Path, job: Path, wish: Wish) -> Parsed:
    archive, members = open_checked(path, wish.limits)
    with archive:
        inside = [member for member in members if member.suffix in (".kml", ".ovkml")]
        if not inside:
            raise InputError("KMZ 里没有 .kml。请重新导出。")
        main = next((member for member in inside if PurePosixPath(member.name).name.lower() == "doc.kml"), inside[0])
        target = job / "inside.kml"
        unpack(archive, main, target, wish.limits)
    parsed = parse_kml(target.read_bytes(), is_ovital=path.suffix == ".ovkmz")
    if len(inside) > 1:
        parsed.notes.append(f"KMZ 里有 {len(inside)} 个 .kml，只读取了“{shown(main.name)}”。")
    return parsed


def _open_zip(path: Path, job: Path, wish: Wish) -> Parsed:
    archive, members = open_checked(path, wish.limits)
    with archive:
        base = _geodatabase([member.name for member in members])
        if base is not None:
            folder = job / "input.gdb"
            folder.mkdir()
            for member in members:
                name = PurePosixPath(member.name).name
                if member.name.startswith(base) and re.fullmatch(r"[\w.]+", name):
                    unpack(archive, member, folder / name, wish.limits)
            return parse_vector(folder, "OpenFileGDB", wish)
        chosen, rest, names = _pick(datasets(members, set(KINDS) - {".zip"}), wish)
        for part in chosen.members:
            unpack(archive, part, job / f"inside{part.suffix}", wish.limits)
    return _finish(job, chosen, rest, names, Wish(_stem(chosen.name), wish.layer, wish.encoding, wish.limits))


def _open_folder(path: Path, job: Path, wish: Wish) -> Parsed:
    if path.suffix.lower() == ".gdb":
        shutil.copytree(path, job / "input.gdb", symlinks=True)
        return parse_vector(job / "input.gdb", "OpenFileGDB", wish)
    files = sorted(item for item in path.iterdir() if item.is_file() and not item.is_symlink())
    found = datasets([Member(item.name, None) for item in files], KINDS)  # type: ignore[arg-type]
    chosen, rest, names = _pick(found, wish)
    for part in chosen.members:
        shutil.copyfile(path / part.name, job / f"inside{part.suffix}")
    return _finish(job, chosen, rest, names, Wish(_stem(chosen.name), wish.layer, wish.encoding, wish.limits))


def _geodatabase(names: list[str]) -> str | None:
    bases = {match.group(1) for name in names if (match := re.match(r"^(.*?\.gdb/)[^/]+$", name, re.IGNORECASE))}
    return bases.pop() if len(bases) == 1 else None


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _pick(found: list[DataSet], wish: Wish) -> tuple[DataSet, list[DataSet], tuple[str, ...]]:
    """Choose what to open: the one that was named, or the only one; a stray .txt or .json does not count as a layer."""
    names = tuple(_stem(item.name) for item in found)
    if not found:
        raise InputError(f"里面没有可以读取的文件。可以读取：{ACCEPTED}。")
    if wish.layer is not None:
        named = [item for item in found if wish.layer in (item.name, _stem(item.name), PurePosixPath(item.name).name)]
        if len(named) == 1:
            return named[0], [], names
    serious = [item for item in found if item.suffix not in _LONE_TEXT] or found
    if len(serious) > 1:
        known = "、".join(shown(PurePosixPath(item.name).name, 40) for item in serious[:20])
        raise InputError(f"里面有 {len(serious)} 个图层文件，请指定要读哪一个，或分开打包：{known}。")
    return serious[0], [item for item in found if item is not serious[0]], names


def _finish(job: Path, chosen: DataSet, rest: list[DataSet], names: tuple[str, ...], wish: Wish) -> Parsed:
    inner = None if wish.layer in (chosen.name, _stem(chosen.name), PurePosixPath(chosen.name).name) else wish.layer
    wish = Wish(wish.name, inner, wish.encoding, wish.limits)
    path = job / f"inside{chosen.suffix}"
    is_shape = chosen.suffix in SHAPE_PARTS
    if is_shape and inner is not None:
        raise InputError(f"没有名为“{shown(inner)}”的图层。现有：{'、'.join(shown(name, 40) for name in names[:20])}。")
    parsed = parse_shapefile(path, wish) if is_shape else _open_file(path, KINDS[chosen.suffix], job, wish)
    if not parsed.layers:
        parsed.layer, parsed.layers = parsed.layer or _stem(chosen.name), names
    if rest:
        others = "、".join(shown(PurePosixPath(item.name).name, 40) for item in rest[:10])
        parsed.notes.append(f"只读取了“{shown(PurePosixPath(chosen.name).name, 40)}”，没有读取：{others}。")
    return parsed


def on_workbook(path: Path, job: Path, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Do what is asked on the cells of a workbook: `outline` says where formulas are, `patch` changes single cells."""
    copy = job / f"input{path.suffix.lower()}"
    shutil.copyfile(path, copy)
    with copy.open("rb") as file:
        is_old = sniffed(file.read(16)) == "ole"
    notes: list[str] = []
    if is_old:
        copy = cellpatch.convert(copy, job)
        notes.append("旧版 .xls 不能原样回填：已转成 .xlsx，保留各表的数值和合并单元格，字体、颜色、公式不保留。")
    look_over(copy, limits, [])
    if request["do"] == "outline":
        return {**cellpatch.outline(copy, limits), "notes": notes, "is_old": is_old}
    more = cellpatch.patch(copy, job, request["sheet"], request["changes"], mark=request["mark"], limits=limits)
    return {"notes": [*notes, *more], "is_old": is_old}


def write_result(parsed: Parsed, job: Path) -> dict[str, Any]:
    """Write the columns as an Arrow file into the job folder and return everything else."""
    table = parsed.table().append_column(ROWS, pa.array(np.asarray(parsed.rows, dtype=np.int64)))
    with pa.OSFile(str(job / RESULT), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return {
        "driver": parsed.driver,
        "crs": parsed.crs,
        "encoding": parsed.encoding,
        "layer": parsed.layer,
        "layers": list(parsed.layers),
        "header_rows": parsed.header_rows,
        "notes": parsed.notes,
        "default_shift": parsed.default_shift,
        "columns": list(parsed.places),
    }
