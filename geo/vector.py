"""Geodata files through GDAL and Arrow. Imported only by the worker process, after the driver list is set."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyogrio
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError

from geo.encoding import decode, is_utf8
from geo.errors import InputError
from geo.parsed import Limits, Parsed, Wish, listed, shown, unique_names
from geo.values import numbers_from_text, settled

OSM_TAGS = (
    "highway", "surface", "name", "amenity", "place", "population", "ref", "bridge", "width", "lanes", "tracktype",
    "smoothness", "tunnel", "layer", "healthcare", "building", "power", "junction", "service", "access", "abandoned",
)  # fmt: skip
_HSTORE = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_MOST_LISTED = 200


def parse_vector(path: Path, driver: str, wish: Wish) -> Parsed:
    """Read one layer of a GeoPackage, GeoJSON, OSM extract or file geodatabase.

    Raises
    ------
    InputError
        The content is not of that format, is damaged, or holds several layers and none was named.
    """
    names = _layers(path)
    notes: list[str] = []
    name = _chosen(path, names, wish, notes)
    meta, table = read_layer(path, wish.limits, layer=name)
    parsed = as_parsed(meta, table, driver, notes)
    parsed.layer = "" if driver == "GeoJSON" else name
    parsed.layers = () if driver == "GeoJSON" else tuple(names)
    parsed.encoding = "UTF-8"
    if driver == "OSM":
        parsed.columns = _with_tags(parsed.columns)
    return parsed


def _layers(path: Path) -> list[str]:
    try:
        names = [str(name) for name, _ in pyogrio.list_layers(path)]
    except (DataSourceError, DataLayerError) as broken:
        raise InputError(_damaged(broken)) from broken
    if not names:
        raise InputError("文件里没有任何图层。请确认导出是否成功。")
    return names


def _damaged(broken: Exception) -> str:
    """GDAL's own sentence carries the place of the fault; our path in it says nothing to anyone."""
    where = re.search(r"At line \d+, character \d+[^;]*|at offset \d+", str(broken))
    return f"内容与扩展名不符，或已经损坏{f'（{where.group(0)[:120]}）' if where else ''}，打不开。请重新导出后再试。"


def _chosen(path: Path, names: list[str], wish: Wish, notes: list[str]) -> str:
    shown_names = "、".join(shown(name, 30) for name in names[:_MOST_LISTED])
    if wish.layer is not None:
        if wish.layer not in names:
            raise InputError(f"文件里没有名为“{shown(wish.layer)}”的图层。现有：{shown_names}。")
        return wish.layer
    if len(names) == 1:
        return names[0]
    if len(names) > _MOST_LISTED:
        raise InputError(f"文件里有 {len(names)} 个图层，太多了，请指定要读的图层名。例如：{shown_names[:300]}。")
    filled = [name for name in names if _count(path, name) != 0]
    if len(filled) == 1:
        notes.append(f"文件里有 {len(names)} 个图层，只有“{shown(filled[0], 30)}”有内容，已读取。")
        return filled[0]
    raise InputError(f"文件里有多个图层，请指定要读哪一个：{shown_names}。")


def _count(path: Path, name: str) -> int:
    try:
        return int(pyogrio.read_info(path, layer=name)["features"])
    except (DataSourceError, DataLayerError):
        return 0


def read_layer(path: Path, limits: Limits, **wanted: Any) -> tuple[dict[str, Any], Any]:
    """Read one layer with GDAL as pyogrio's metadata and an Arrow table, within the limits."""
    try:
        meta, table = pyogrio.raw.read_arrow(path, max_features=limits.rows + 1, **wanted)
    except (
        DataSourceError,
        DataLayerError,
        FeatureError,
        FieldError,
        RuntimeError,
        ValueError,
        pa.ArrowException,
    ) as e:
        raise InputError(_damaged(e)) from e
    if table.num_rows > limits.rows or table.num_columns > limits.columns:
        raise InputError(f"图层超过 {limits.rows:,} 条或 {limits.columns:,} 个字段。请按乡镇拆分后分别导入。")
    return meta, table


def as_parsed(meta: dict[str, Any], table: Any, driver: str, notes: list[str]) -> Parsed:
    """Part an Arrow table into plain columns and usable shapes."""
    geometry_name = meta["geometry_name"] or "wkb_geometry"
    has_geometry = geometry_name in table.column_names and meta.get("geometry_type") is not None
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    names = [name for name in table.column_names if name != geometry_name]
    columns = {
        ours: settled(table[name].combine_chunks(), name) for name, ours in zip(names, unique_names(names), strict=True)
    }
    geometry = usable(table[geometry_name].to_pylist(), rows, notes) if has_geometry else None
    return Parsed(columns, geometry, rows, driver, crs=_crs(meta["crs"]), notes=notes)


def _crs(stated: object) -> str | None:
    text = str(stated) if stated else ""
    return text if text and "undefined" not in text.lower()[:60] else None


def usable(wkb: Sequence[bytes | None], rows: NDArray[np.int64], notes: list[str]) -> list[bytes | None]:
    """Keep the shapes that can be built; what cannot (ring not closed, too few points) becomes None and is listed."""
    given = np.array(wkb, dtype=object)
    shapes = shapely.from_wkb(given, on_invalid="ignore")
    absent = np.array([value is None for value in wkb], dtype=bool)
    broken = shapely.is_missing(shapes) & ~absent
    empty = shapely.is_empty(shapes)
    if broken.any():
        notes.append(
            f"第 {listed(rows[broken].tolist())} 条的图形残缺（环未闭合或点数不足），共 {int(broken.sum())} 条，已保留属性但没有位置。"
        )
    if (absent | empty).any():
        count = int((absent | empty).sum())
        notes.append(f"第 {listed(rows[absent | empty].tolist())} 条没有图形，共 {count} 条，已保留属性但没有位置。")
    good = ~(broken | absent | empty)
    result: list[bytes | None] = [None] * len(wkb)
    for position, shape in zip(np.flatnonzero(good), shapely.to_wkb(shapely.force_2d(shapes[good])), strict=True):
        result[position] = shape
    return result


def _with_tags(columns: dict[str, Any]) -> dict[str, Any]:
    """Lift the tags that matter out of GDAL's `other_tags` text; the rest stays there."""
    others = columns.get("other_tags")
    if others is None:
        return columns
    records = [dict(_HSTORE.findall(text)) if text else {} for text in others.to_pylist()]
    result = {name: column for name, column in columns.items() if name != "other_tags"}
    for tag in OSM_TAGS:
        if tag not in result and any(tag in record for record in records):
            values = [record.get(tag) for record in records]
            result[tag] = numbers_from_text(pa.array(values, type=pa.string()), tag)
    return {**result, "other_tags": others}


def parse_geojson(path: Path, wish: Wish) -> Parsed:
    """Read GeoJSON; text in another encoding than UTF-8 is rewritten in the working copy first."""
    data = path.read_bytes()
    notes = []
    encoding = "UTF-8"
    if not is_utf8(data):
        text, found = decode(data, wish.encoding)
        path.write_bytes(text.encode("utf-8"))
        encoding = found.label
        notes.append(f"GeoJSON 应为 UTF-8，此文件是 {found.label}，已转换后读取（原文件未改动）。")
    parsed = parse_vector(path, "GeoJSON", Wish(wish.name, None, None, wish.limits))
    parsed.notes[:0] = notes
    parsed.encoding = encoding
    return parsed


def parse_parquet(path: Path, wish: Wish) -> Parsed:
    """Read GeoParquet (or plain Parquet, which is a table without places).

    Raises
    ------
    InputError
        Damaged, too big, or geometry in an encoding other than WKB.
    """
    try:
        file = pq.ParquetFile(path)
        if file.metadata.num_rows > wish.limits.rows or file.metadata.num_columns > wish.limits.columns:
            raise InputError(f"图层超过 {wish.limits.rows:,} 条或 {wish.limits.columns:,} 个字段。请拆分后分别导入。")
        table = file.read(use_threads=False)
        geo = json.loads((file.schema_arrow.metadata or {}).get(b"geo", b"null"))
    except (pa.ArrowException, OSError, ValueError) as broken:
        raise InputError("Parquet 文件已损坏或不是 Parquet，打不开。请重新导出。") from broken
    notes: list[str] = []
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    primary, column = _primary(geo)
    if primary is not None and primary not in table.column_names:
        raise InputError("GeoParquet 的几何列不存在，文件损坏。请重新导出。")
    names = [name for name in table.column_names if name != primary and not name.startswith("__index_level_")]
    columns = {
        ours: settled(table[name].combine_chunks(), name) for name, ours in zip(names, unique_names(names), strict=True)
    }
    if primary is None:
        return Parsed(columns, None, rows, "Parquet", notes=notes)
    if str(column.get("encoding", "WKB")).upper() != "WKB":
        raise InputError("GeoParquet 的几何不是 WKB 编码，请导出为 WKB 编码的 GeoParquet。")
    wkb = usable(pc.cast(table[primary], pa.binary()).to_pylist(), rows, notes)
    return Parsed(columns, wkb, rows, "GeoParquet", crs=_parquet_crs(column), notes=notes)


def _primary(geo: Any) -> tuple[str | None, dict[str, Any]]:
    if not isinstance(geo, dict) or not isinstance(geo.get("columns"), dict):
        return None, {}
    name = geo.get("primary_column")
    column = geo["columns"].get(name)
    return (name, column) if isinstance(name, str) and isinstance(column, dict) else (None, {})


def _parquet_crs(column: dict[str, Any]) -> str | None:
    if "crs" not in column:
        return "EPSG:4326"
    crs = column["crs"]
    if not isinstance(crs, dict):
        return None
    identity = crs.get("id")
    if isinstance(identity, dict) and identity.get("authority") == "EPSG":
        return f"EPSG:{identity.get('code')}"
    return "EPSG:4326" if isinstance(identity, dict) and identity.get("code") == "CRS84" else json.dumps(crs)
