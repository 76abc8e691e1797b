"""TopoJSON: shared arcs to shapes, without GDAL."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from geo.encoding import decode
from geo.errors import InputError
from geo.parsed import Parsed, Wish, listed, shown, unique_names
from geo.values import typed


def parse_topojson(data: bytes, wish: Wish) -> Parsed:
    """Read one object of a TopoJSON file into one row per geometry.

    Without a name the object with the most geometries is read, and the note says so. TopoJSON carries no coordinate
    system, so `crs` is None.

    Raises
    ------
    InputError
        Not TopoJSON, nested too deep, or no object of that name.
    """
    text, found = decode(data, wish.encoding)
    try:
        document = json.loads(text.strip("\ufeff"))
    except (ValueError, RecursionError) as broken:
        raise InputError(f"TopoJSON 不完整或嵌套过深，无法解析（{_where(broken)}）。请重新导出。") from broken
    objects = document.get("objects") if isinstance(document, dict) else None
    if not isinstance(objects, dict) or not objects or not isinstance(document.get("arcs"), list):
        raise InputError("内容不是 TopoJSON：缺少 objects 或 arcs。请确认文件格式。")
    members = {name: _members(node) for name, node in objects.items()}
    notes: list[str] = []
    name = _chosen(members, wish.layer, notes)
    try:
        arcs = _arcs(document)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as broken:
        raise InputError("TopoJSON 的弧段（arcs）损坏，无法还原图形。请重新导出。") from broken
    shapes = [_shape(member, arcs) for member in members[name]]
    lost = [row for row, shape in enumerate(shapes, start=1) if shape is None]
    if lost:
        notes.append(f"第 {listed(lost)} 个对象没有可用的几何，已保留但没有位置。")
    return Parsed(
        _columns(members[name], notes),
        list(shapely.to_wkb(np.array(shapes, dtype=object))),
        np.arange(1, len(shapes) + 1, dtype=np.int64),
        "TopoJSON",
        encoding=found.label,
        layer=name,
        layers=tuple(members),
        notes=notes,
    )


def _where(broken: Exception) -> str:
    return f"第 {broken.lineno} 行第 {broken.colno} 列" if isinstance(broken, json.JSONDecodeError) else "嵌套过深"


def _members(node: Any) -> list[Any]:
    if not isinstance(node, dict):
        return []
    inside = node.get("geometries")
    return [item for item in inside if isinstance(item, dict)] if isinstance(inside, list) else [node]


def _chosen(members: dict[str, list[Any]], wanted: str | None, notes: list[str]) -> str:
    known = "、".join(f"{shown(name, 30)}（{len(items)}）" for name, items in list(members.items())[:20])
    if wanted is not None:
        if wanted not in members:
            raise InputError(f"文件里没有名为“{shown(wanted)}”的图层。现有：{known}。")
        return wanted
    best = max(members, key=lambda name: len(members[name]))
    if len(members) > 1:
        notes.append(f"文件里有多个图层：{known}。已读取最大的“{shown(best, 30)}”，要读别的请指定图层名。")
    return best


def _arcs(document: dict[str, Any]) -> list[NDArray[np.float64]]:
    transform = document.get("transform")
    result = []
    for arc in document["arcs"]:
        points = np.array([point[:2] for point in arc], dtype=np.float64).reshape(-1, 2)
        if transform:
            points = np.cumsum(points, axis=0) * np.array(transform["scale"][:2]) + np.array(transform["translate"][:2])
        result.append(points)
    return result


def _line(indexes: list[int], arcs: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    parts = [arcs[~index][::-1] if index < 0 else arcs[index] for index in indexes]
    return np.concatenate([parts[0], *[part[1:] for part in parts[1:]]])


def _polygon(rings: list[list[int]], arcs: list[NDArray[np.float64]]) -> Any:
    lines = [_line(ring, arcs) for ring in rings]
    return shapely.Polygon(lines[0], [line for line in lines[1:] if len(line) >= 4])


def _shape(member: dict[str, Any], arcs: list[NDArray[np.float64]]) -> Any:
    kind, parts = member.get("type"), member.get("arcs")
    try:
        if kind == "Polygon":
            return _polygon(parts or [], arcs)
        if kind == "MultiPolygon":
            return shapely.MultiPolygon([_polygon(rings, arcs) for rings in parts or []])
        if kind == "LineString":
            return shapely.LineString(_line(parts or [], arcs))
        if kind == "MultiLineString":
            return shapely.MultiLineString([_line(line, arcs) for line in parts or []])
        if kind == "Point":
            return shapely.Point(member["coordinates"][:2])
        if kind == "MultiPoint":
            return shapely.MultiPoint([point[:2] for point in member["coordinates"]])
    except (ValueError, IndexError, TypeError, KeyError, shapely.errors.GEOSException):
        return None
    return None


def _columns(members: list[dict[str, Any]], notes: list[str]) -> dict[str, Any]:
    records = []
    for member in members:
        properties = member.get("properties")
        record = dict(properties) if isinstance(properties, dict) else {}
        if "id" in member and "id" not in record:
            record["id"] = member["id"]
        records.append({str(key): value for key, value in record.items()})
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
    columns = {}
    for name, ours in zip(names, unique_names(list(names)), strict=True):
        cells = [_cell(record.get(name)) for record in records]
        texts = {type(cell) for cell in cells if cell is not None} == {str}
        columns[ours] = pa.array(cells, type=pa.string()) if texts else typed(cells, name, notes)
    return columns


def _cell(value: object) -> object:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53 else value
