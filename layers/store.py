"""The office folder: layers and rasters by the digest of their bytes, written once and never changed.

A digest is the SHA-256 of the file. Rows are stored in one order that follows from their content (along a Hilbert
curve, then by id), so that the same content gives the same digest whatever the order of rows in the file it came from,
and a file that was altered or damaged no longer agrees with its own name.
"""

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from geo.boxes import hilbert
from geo.crs import STORAGE_CRS, require_same_crs
from geo.errors import InputError, StoreError
from layers import schema as schemas
from layers.disk import damaged, existing, file_digest, read_whole, store_error, write_once
from layers.schema import GEOMETRY, Schema
from layers.values import empty

DIGEST = re.compile(r"^[0-9a-f]{64}$")
NAME = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
PRIVATE_DIGEST = b"qiyou_private"
SHORTENED = ".shortened"


def write_layer(office: str | Path, layer: str, frame: Any, private: Any = None) -> str:
    """Store a layer in an office and return its digest; storing the same content twice changes nothing.

    Parameters
    ----------
    office
        Folder of the office.
    frame
        Checked layer in EPSG:4490, as `layers.intake.take` returns it. Not changed.
    private
        Private columns by id, kept apart in `private/` for the service account alone; None when there are none.

    Raises
    ------
    StoreError
        When the folder cannot be written (no space left, read-only) or an existing file is damaged.
    """
    schema = _schema(layer)
    secret = b""
    if private is not None and len(private):
        secret = _private_bytes(private, schema)
    content = _layer_bytes(frame, schema, hashlib.sha256(secret).hexdigest() if secret else "")
    digest = hashlib.sha256(content).hexdigest()
    if secret:
        write_once(private_path(office, layer, digest), secret, mode=0o600)
    write_once(layer_path(office, layer, digest), content)
    return digest


def read_layer(office: str | Path, layer: str, digest: str) -> Any:
    """Read a stored layer; the same digest always gives the same frame.

    Raises
    ------
    StoreError
        When the file is missing, damaged or altered, with what to do.
    """
    schema = _schema(layer)
    path = layer_path(office, layer, digest)
    content = read_whole(path, digest, what=f"图层“{schema.label}”")
    return _frame(pq.read_table(io.BytesIO(content)), schema)


def read_private(office: str | Path, layer: str, digest: str) -> Any:
    """Read the private columns that belong to a stored layer, by id; None when it has none.

    Whether the person may see them is for the caller to decide and to log.
    """
    schema = _schema(layer)
    metadata = pq.read_schema(existing(layer_path(office, layer, digest), what=f"图层“{schema.label}”")).metadata or {}
    expected = metadata.get(PRIVATE_DIGEST, b"").decode()
    if not expected:
        return None
    path = private_path(office, layer, digest)
    content = read_whole(path, _expected_now(path, expected), what=f"图层“{schema.label}”的个人信息")
    return _text_columns(pq.read_table(io.BytesIO(content)).to_pandas(ignore_metadata=True))


def forget(office: str | Path, layer: str, digest: str, identity: str) -> bool:
    """Take one row out of the private columns of a stored layer; True when it was there. The layer itself stays.

    Beside the file a note then says what it holds now, so that a damaged file is still told from a shortened one.
    """
    schema = _schema(layer)
    held = read_private(office, layer, digest)
    if held is None or not bool((held[schema.id] == identity).any()):
        return False
    content = _private_bytes(held[held[schema.id] != identity], schema)
    path = private_path(office, layer, digest)
    write_once(path.with_suffix(SHORTENED), hashlib.sha256(content).hexdigest().encode(), mode=0o600)
    write_once(path, content, mode=0o600)
    return True


def _expected_now(path: Path, expected: str) -> str:
    """Give the digest a private file must have: as it was written, or as it is since somebody was forgotten."""
    note = path.with_suffix(SHORTENED)
    later = note.read_text("ascii", errors="replace").strip() if note.is_file() else ""
    return later if DIGEST.match(later) and path.is_file() and file_digest(path) == later else expected


def write_raster(office: str | Path, name: str, path: str | Path) -> str:
    """Copy a raster into an office by the digest of its bytes, and return the digest."""
    source = Path(path)
    try:
        digest = file_digest(source)
        target = _raster_file(office, name, digest)
        if not target.exists():
            write_once(target, source.read_bytes())
    except OSError as error:
        raise store_error(error, source) from error
    return digest


def raster_path(office: str | Path, name: str, digest: str) -> Path:
    """Return where a stored raster lies, after checking that it is what it was.

    Raises
    ------
    StoreError
        When it is missing, damaged or altered.
    """
    path = existing(_raster_file(office, name, digest), what=f"栅格“{name}”")
    if file_digest(path) != digest:
        raise damaged(path, f"栅格“{name}”")
    return path


def layer_path(office: str | Path, layer: str, digest: str) -> Path:
    """Return where the layer with this digest lies in an office."""
    return Path(office) / "layers" / _schema(layer).name / f"{_checked(digest)}.parquet"


def private_path(office: str | Path, layer: str, digest: str) -> Path:
    """Return where the private columns of the layer with this digest lie."""
    return Path(office) / "private" / _schema(layer).name / f"{_checked(digest)}.parquet"


def _raster_file(office: str | Path, name: str, digest: str) -> Path:
    if not NAME.match(name):
        raise InputError(f"栅格名称“{name}”只能用小写字母、数字和下划线，如 dem、population、landcover。")
    return Path(office) / "rasters" / name / f"{_checked(digest)}.tif"


def _checked(digest: str) -> str:
    if not DIGEST.match(digest):
        raise StoreError(
            f"“{digest[:80]}”不是图层摘要（应为 64 位十六进制），办公室文件夹的记录可能已损坏，请用备份恢复。"
        )
    return digest


def _schema(layer: str) -> Schema:
    schema = schemas.load().get(layer)
    if schema is None:
        raise InputError(f"没有叫“{layer}”的图层。可用的图层：{'、'.join(schemas.load())}。")
    return schema


def _order(frame: Any, schema: Schema) -> Any:
    """Return the order of rows that follows from content alone: along a Hilbert curve, then by every column."""
    rank = np.zeros(len(frame), dtype=np.int64)
    if schema.geometry and len(frame):
        boxes = shapely.bounds(np.asarray(frame.geometry, dtype=object))
        centre = np.column_stack([boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]]) / 2
        known = np.isfinite(centre).all(axis=1)
        if known.any():
            rank[known] = 1 + np.asarray(hilbert(centre[known]), dtype=np.int64)
    if schema.name != "claims":
        ids = frame[schema.id].fillna("").to_numpy(dtype=object).astype("U")
        return np.lexsort((ids, rank))
    texts = frame.fillna("").astype("str")
    return np.lexsort([texts[name].to_numpy(dtype=object).astype("U") for name in reversed(list(texts.columns))])


def _layer_bytes(frame: Any, schema: Schema, private_digest: str) -> bytes:
    missing = [name for name in schema.columns if name not in frame.columns]
    if missing:
        raise InputError(f"{schema.name}: 缺少列 {'、'.join(missing)}，请先经过检查再入库。")
    metadata: dict[bytes, bytes] = {b"qiyou_layer": schema.name.encode()}
    if private_digest:
        metadata[PRIVATE_DIGEST] = private_digest.encode()
    if schema.geometry:
        require_same_crs(frame, gpd.GeoSeries([], crs=STORAGE_CRS), what=f"{schema.label}入库")
        metadata[b"geo"] = _geo_metadata(frame)
    order = _order(frame, schema)
    arrays, fields = [], []
    for item in schema.fields:
        if item.is_stored and not item.is_private:
            arrays.append(_array(frame[item.name].iloc[order], item.type))
            fields.append(pa.field(item.name, arrays[-1].type))
    if schema.geometry:
        wkb = shapely.to_wkb(np.asarray(frame.geometry, dtype=object)[order], byte_order=1)
        arrays.append(pa.array(wkb, type=pa.binary()))
        fields.append(pa.field(GEOMETRY, pa.binary()))
    return _parquet(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata)))


def _array(column: Any, kind: str) -> Any:
    if kind in {"number", "integer", "year"}:
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        return pa.array(numbers, type=pa.float64(), mask=np.isnan(numbers))
    if kind == "boolean":
        return pa.array(column.astype("boolean"), type=pa.bool_())
    texts = column.to_numpy(dtype=object)
    return pa.array(texts, type=pa.string(), mask=np.asarray(pd.isna(texts), dtype=bool))


def _geo_metadata(frame: Any) -> bytes:
    shapes = np.asarray(frame.geometry, dtype=object)
    kinds = sorted(set(frame.geometry.geom_type.dropna()))
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": kinds,
        "crs": STORAGE_CRS.to_json_dict(),
        "edges": "planar",
    }
    if len(shapes) and not bool(shapely.is_missing(shapes).all()):
        column["bbox"] = [float(edge) for edge in shapely.total_bounds(shapes)]
    content = {"version": "1.0.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
    return json.dumps(content, sort_keys=True, ensure_ascii=False).encode()


def _private_bytes(private: Any, schema: Schema) -> bytes:
    names = [schema.id, *schema.private]
    ordered = private[names].sort_values(names, kind="stable", na_position="first")
    arrays = [_array(ordered[name], "text") for name in names]
    return _parquet(pa.Table.from_arrays(arrays, names=names))


def _parquet(table: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_statistics=True)
    return sink.getvalue()


def _frame(table: Any, schema: Schema) -> Any:
    stored = [item for item in schema.fields if item.is_stored and not item.is_private]
    columns: dict[str, Any] = {}
    for item in stored:
        if item.name not in table.column_names:
            columns[item.name] = empty(item, table.num_rows)
        elif item.type == "boolean":
            columns[item.name] = table.column(item.name).to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
        elif item.type in {"number", "integer", "year"}:
            columns[item.name] = pd.Series(table.column(item.name).to_numpy(zero_copy_only=False).astype(float))
        else:
            columns[item.name] = table.column(item.name).to_pandas().astype("str")
    frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))
    if not schema.geometry:
        return frame
    shapes = shapely.from_wkb(table.column(GEOMETRY).to_numpy(zero_copy_only=False))
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=STORAGE_CRS)


def _text_columns(frame: Any) -> Any:
    return frame.astype(dict.fromkeys(frame.columns, "str"))
