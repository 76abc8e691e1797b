"""KML and Ovital files, read without GDAL: no links followed, no entities, one row per placemark."""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from lxml import etree

from geo.encoding import decode
from geo.errors import InputError
from geo.parsed import Parsed, listed, unique_names
from geo.values import numbers_from_text

_SHAPES = ("Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Track", "MultiTrack")
_DOCTYPE = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_LINKS = ("NetworkLink", "GroundOverlay", "ScreenOverlay", "PhotoOverlay")


def parse_kml(data: bytes, *, is_ovital: bool) -> Parsed:
    """Read KML text into one row per placemark: folder, name, description, extended data, geometry.

    Parameters
    ----------
    is_ovital
        The file ends in `.ovkml` or `.ovkmz`: coordinates are GCJ-02 unless the file says otherwise.

    Raises
    ------
    InputError
        Not KML, a DOCTYPE or entity in it, nested too deep, or no placemark.
    """
    root, encoding = _root(data)
    records: list[dict[str, str]] = []
    shapes: list[Any] = []
    systems: set[str] = set()
    for placemark, folder in _placemarks(root):
        records.append(_attributes(placemark, folder))
        shapes.append(_geometry(placemark))
        systems.add((_text(placemark, "OvCoordType") or "").upper())
    if not records:
        raise InputError("KML 里没有任何地标（Placemark）。请确认导出时选中了要导出的对象。")
    notes = []
    if any(True for link in _LINKS for _ in root.iter(f"{{*}}{link}")):
        notes.append("KML 里有网络链接或叠加图片，已忽略（不会访问网络）。")
    parsed = _as_parsed(records, shapes, "OVKML" if is_ovital else "KML", notes)
    parsed.encoding = encoding
    parsed.crs, parsed.default_shift = _system(systems, notes, is_ovital=is_ovital)
    return parsed


def _root(data: bytes) -> tuple[Any, str]:
    stated = re.search(rb"<\?xml[^>]{0,100}encoding\s*=\s*[\"']([\w-]+)", data[:300])
    text, found = decode(data, None, stated.group(1).decode("ascii") if stated else None)
    if _DOCTYPE.search(text):
        raise InputError("KML 里含有 DOCTYPE 或实体声明，可能有恶意，已拒绝。请用奥维或谷歌地球重新导出。")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False, encoding="utf-8"
    )
    try:
        root = etree.fromstring(text.strip("\ufeff \r\n\t\x00").encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError) as broken:
        raise InputError(f"KML 内容不完整或格式有误：{_where(broken)}。请重新导出。") from broken
    if etree.QName(root).localname != "kml" and not any(True for _ in root.iter("{*}Placemark")):
        raise InputError(f"内容不是 KML（根元素是 {etree.QName(root).localname[:40]}）。请确认导出的格式。")
    return root, found.label


def _where(broken: Exception) -> str:
    line = getattr(broken, "lineno", None)
    return f"第 {line} 行附近" if line else "无法解析"


def _placemarks(root: Any) -> Iterator[tuple[Any, str]]:
    """Every placemark with the path of folders it lies in, without recursion."""
    stack = [(root, "")]
    while stack:
        node, folder = stack.pop()
        for child in reversed(node):
            if not isinstance(child.tag, str):
                continue
            kind = etree.QName(child).localname
            if kind == "Folder":
                name = _text(child, "name") or ""
                stack.append((child, f"{folder}/{name}" if folder else name))
            elif kind == "Document" or kind == "Placemark":
                stack.append((child, folder))
        if isinstance(node.tag, str) and etree.QName(node).localname == "Placemark":
            yield node, folder


def _text(node: Any, name: str) -> str | None:
    child = node.find(f"{{*}}{name}")
    text = None if child is None else "".join(child.itertext()).strip()
    return text or None


def _attributes(placemark: Any, folder: str) -> dict[str, str]:
    values = {"name": _text(placemark, "name"), "description": _text(placemark, "description"), "folder": folder}
    for item in placemark.iterfind("{*}ExtendedData//{*}SimpleData"):
        values[item.get("name") or ""] = (item.text or "").strip()
    for item in placemark.iterfind("{*}ExtendedData/{*}Data"):
        values[item.get("name") or ""] = _text(item, "value")
    return {key: value for key, value in values.items() if value}


def _geometry(placemark: Any) -> Any:
    shapes = [_shape(child) for child in placemark if isinstance(child.tag, str) and _is_shape(child)]
    known = [shape for shape in shapes if shape is not None]
    return known[0] if len(known) == 1 else (_gathered(known) if known else None)


def _is_shape(node: Any) -> bool:
    return etree.QName(node).localname in _SHAPES


def _shape(node: Any) -> Any:
    kind = etree.QName(node).localname
    try:
        if kind in ("MultiGeometry", "MultiTrack"):
            leaves = list(node.iter("{*}Point", "{*}LineString", "{*}Polygon", "{*}Track"))
            return _gathered([shape for shape in map(_shape, leaves) if shape is not None])
        if kind == "Polygon":
            outer = node.find("{*}outerBoundaryIs/{*}LinearRing")
            holes = [_pairs(ring) for ring in node.iterfind("{*}innerBoundaryIs/{*}LinearRing")]
            return None if outer is None else shapely.Polygon(_pairs(outer), [hole for hole in holes if len(hole) >= 4])
        pairs = _track(node) if kind == "Track" else _pairs(node)
        if kind == "Point":
            return shapely.Point(pairs[0]) if len(pairs) else None
        return shapely.LineString(pairs) if len(pairs) >= 2 else None
    except (ValueError, IndexError, shapely.errors.GEOSException):
        return None


def _pairs(node: Any) -> Any:
    text = _text(node, "coordinates") or ""
    tuples = [part.split(",") for part in re.sub(r"\s*,\s*", ",", text).split()]
    return np.array([[float(part[0]), float(part[1])] for part in tuples], dtype=np.float64).reshape(-1, 2)


def _track(node: Any) -> Any:
    tuples = [(child.text or "").split() for child in node.iterfind("{*}coord")]
    return np.array([[float(part[0]), float(part[1])] for part in tuples], dtype=np.float64).reshape(-1, 2)


def _gathered(shapes: list[Any]) -> Any:
    """Several shapes as one: of one kind a Multi, else a collection."""
    if not shapes:
        return None
    kinds = {shape.geom_type for shape in shapes}
    makers = {"Point": shapely.MultiPoint, "LineString": shapely.MultiLineString, "Polygon": shapely.MultiPolygon}
    return makers.get(kinds.pop() if len(kinds) == 1 else "", shapely.GeometryCollection)(shapes)


def _system(systems: set[str], notes: list[str], *, is_ovital: bool) -> tuple[str | None, str | None]:
    stated = systems - {""}
    if len(stated) == 1 and "" not in systems:
        name = next(iter(stated))
        if "GCJ" in name:
            return None, "gcj02"
        if name in ("CGCS2000", "WGS84", "WGS-84", "WGS 84"):
            notes.append(f"奥维文件自己写明坐标为 {name}，不作 GCJ-02 修正。")
            return ("EPSG:4490" if name == "CGCS2000" else "EPSG:4326"), None
    if stated:
        notes.append(f"文件里的坐标类型标记不一致或不认识（{'、'.join(sorted(stated))[:60]}），请核对坐标系。")
    if is_ovital:
        notes.append("奥维 .ovkml/.ovkmz 没有写明坐标类型，按惯例视为 GCJ-02（火星坐标），入库时会修正。")
        return None, "gcj02"
    notes.append("KML 按规范是 WGS 84；若由奥维 9.3 以后版本导出，可能是 GCJ-02（偏约 500 米），请与影像核对。")
    return "EPSG:4326", None


def parse_ovjsn(data: bytes) -> Parsed:
    """Read an Ovital `.ovjsn` file: points, lines and polygons of its object tree.

    Raises
    ------
    InputError
        Not such a file.
    """
    text, found = decode(data)
    try:
        document = json.loads(text.strip("\ufeff"))
    except (ValueError, RecursionError) as broken:
        raise InputError("奥维 .ovjsn 内容不完整或嵌套过深，无法解析。请重新导出。") from broken
    records: list[dict[str, str]] = []
    shapes: list[Any] = []
    shifted: set[str] = set()
    stack = [(document, "")]
    while stack:
        node, folder = stack.pop()
        if isinstance(node, list):
            stack.extend((child, folder) for child in reversed(node))
        elif isinstance(node, dict):
            detail = node.get("ObjectDetail")
            name = str(node.get("Name") or "")
            if isinstance(detail, dict) and ("Lat" in detail or "Latlng" in detail):
                records.append(
                    {
                        k: v
                        for k, v in (
                            ("name", name),
                            ("description", str(node.get("Comment") or "")),
                            ("folder", folder),
                        )
                        if v
                    }
                )
                shapes.append(_ovital_shape(detail, node.get("Type")))
                shifted.add("GCJ02" if detail.get("Gcj02") else "CGCS2000")
            else:
                inner = "/".join(part for part in (folder, name) if part)
                stack.extend(
                    (child, inner) for child in reversed(list(node.values())) if isinstance(child, list | dict)
                )
    if not records:
        raise InputError("奥维 .ovjsn 里没有点、线或面对象。请确认导出时选中了要导出的对象。")
    notes: list[str] = []
    parsed = _as_parsed(records, shapes, "OVJSN", notes)
    parsed.encoding = found.label
    parsed.crs, parsed.default_shift = _system(shifted, notes, is_ovital=True)
    return parsed


def _ovital_shape(detail: dict[str, Any], kind: object) -> Any:
    try:
        if "Lat" in detail:
            return shapely.Point(float(detail["Lng"]), float(detail["Lat"]))
        pairs = np.array(detail["Latlng"], dtype=np.float64).reshape(-1, 2)[:, ::-1]
        return shapely.Polygon(pairs) if kind == 13 else shapely.LineString(pairs)
    except (ValueError, TypeError, KeyError, OverflowError, shapely.errors.GEOSException):
        return None


def _as_parsed(records: list[dict[str, str]], shapes: list[Any], driver: str, notes: list[str]) -> Parsed:
    names: dict[str, None] = {"name": None}
    for record in records:
        names.update(dict.fromkeys(record))
    columns = {}
    for name, ours in zip(names, unique_names(list(names)), strict=True):
        columns[ours] = numbers_from_text(pa.array([record.get(name) for record in records], type=pa.string()), name)
    lost = [row for row, shape in enumerate(shapes, start=1) if shape is None]
    if lost:
        notes.append(f"第 {listed(lost)} 个对象没有可用的几何，已保留但没有位置。")
    wkb = list(shapely.to_wkb(np.array(shapes, dtype=object)))
    return Parsed(columns, wkb, np.arange(1, len(records) + 1, dtype=np.int64), driver, notes=notes)
