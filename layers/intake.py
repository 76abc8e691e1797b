"""Take one dropped file into a layer: match, check, locate; what is refused can be mended and read back."""

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.crs import STORAGE_CRS, to_storage
from geo.errors import InputError
from geo.read import Dropped
from layers import schema as schemas
from layers.cells import cell_text
from layers.check import check
from layers.headers import BRACKETS, plain_header
from layers.match import Mapping, apply, complete, factors
from layers.moves import LOST, lost_places, note_moves
from layers.problem import Problem
from layers.schema import GEOMETRY, Schema
from layers.wide import melt_claims

REASON, ROW_NUMBER, SHAPE_TEXT = "原因", "行号", "几何WKT"
OURS_IN_REFUSED = frozenset({plain_header(REASON), plain_header(ROW_NUMBER)})
RELATIONS = frozenset({"与户主关系", "户主关系", "与户主的关系", "aab006"})
TOTALS = ("合计", "总计", "小计", "共计", "制表", "填表", "审核", "注:", "备注:", "说明:", "单位负责人")
EXCEL_CELL = 32_000


@dataclass(frozen=True)
class Intake:
    """One file as a layer. `frame` is in EPSG:4490 with the schema's columns; `private` holds private columns by id.

    `refused` has the file's own columns, plus 原因 and 行号: mend it and read it again. `rows_read` counts the rows of
    the file that hold a record (blank and total rows are not records).
    """

    frame: Any
    private: Any
    problems: tuple[Problem, ...]
    refused: Any
    notes: tuple[str, ...]
    rows_read: int
    is_partial: bool = False
    mapping: Mapping = field(default_factory=Mapping)


def take(
    dropped: Dropped,
    layer: str,
    *,
    mapping: Mapping | None = None,
    crs: str | None = None,
    reference: Any = None,
    is_partial: bool = False,
    needs: MappingABC[str, str] | None = None,
) -> Intake:
    """Turn a dropped file into a checked layer in EPSG:4490.

    Parameters
    ----------
    dropped
        What `geo.read.read` returned. Not changed.
    layer
        Name of the layer, as in `layers.schema.load()`.
    mapping
        What to take from which column; columns it does not mention are proposed by name.
    crs
        "EPSG:n", "gcj02" or "bd09" when the person knows it; else what the file says, else guessed from `reference`.
    reference
        Known polygons in EPSG:4490 (villages, towns) against which coordinates are compared.
    needs
        For claims: what a register calls a need -> its id in the policy.

    Raises
    ------
    InputError
        When there is no such layer, or a required column is missing.
    CRSError
        When the coordinate system cannot be known.
    """
    schema = _schema(layer)
    raw = _with_shapes(dropped.frame, schema)
    columns = [
        str(column) for column in raw.columns if str(column) != GEOMETRY and plain_header(column) not in OURS_IN_REFUSED
    ]
    chosen = complete(mapping, columns, schema)
    notes = list(dropped.notes)
    chosen = _kind_from_name(chosen, schema, dropped.layer, notes)
    rows = np.asarray(dropped.rows, dtype=np.int64)
    ours, kept = apply(raw, chosen, schema)
    is_record = _records(raw.iloc[kept], schema, rows[kept], notes)
    ours, kept = ours[is_record].reset_index(drop=True), kept[is_record]
    rows_read = len(kept)
    if layer == "claims":
        ours, back = melt_claims(ours, raw.iloc[kept], chosen, needs or {}, notes)
        kept = kept[back]
    checked = check(
        ours,
        schema,
        rows=rows[kept],
        factors=factors(chosen, schema),
        file_columns=columns,
        relation=_relation(raw, kept),
    )
    shapes_before = np.asarray(checked.frame.geometry, dtype=object) if schema.geometry else None
    frame, located = _locate(checked.frame, crs or dropped.default_shift or dropped.crs, reference, schema)
    at = rows[kept][checked.positions]
    problems = [*checked.problems, *note_moves(shapes_before, frame, reference, at, schema)]
    lost = lost_places(shapes_before, frame, schema)
    refused = {**checked.refused, **{int(checked.positions[place]): LOST for place in np.flatnonzero(lost)}}
    frame = frame[~lost].reset_index(drop=True) if lost.any() else frame
    return Intake(
        frame=frame,
        private=checked.private,
        problems=tuple(problems),
        refused=_refused(raw, refused, kept, rows, with_shape=not {"longitude", "latitude"} <= set(chosen.columns)),
        notes=tuple(dict.fromkeys([*notes, *located])),
        rows_read=rows_read,
        is_partial=is_partial,
        mapping=chosen,
    )


def _schema(layer: str) -> Schema:
    known = schemas.load()
    if layer not in known:
        listed = "、".join(f"{name}（{schema.label}）" for name, schema in known.items())
        raise InputError(f"没有叫“{layer}”的图层。可用的图层：{listed}。")
    return known[layer]


def _with_shapes(frame: Any, schema: Schema) -> Any:
    """Return the frame with `geometry` as a plain column of shapes, read from a WKT column if that is all there is."""
    plain = pd.DataFrame({str(name): frame[name] for name in frame.columns if str(name) != GEOMETRY}, index=frame.index)
    plain = plain.reset_index(drop=True)
    if isinstance(frame, gpd.GeoDataFrame):
        plain[GEOMETRY] = np.asarray(frame.geometry, dtype=object)
        return plain
    texts = [name for name in plain.columns if plain_header(name) in {"wkt", "几何wkt", "geometry", "thegeom"}]
    if texts and schema.geometry:
        cells = plain[texts[0]].map(lambda cell: cell if isinstance(cell, str) and "(" in cell else None)
        plain[GEOMETRY] = shapely.from_wkt(np.asarray(cells, dtype=object), on_invalid="ignore")
    return plain


def _kind_from_name(mapping: Mapping, schema: Schema, file_layer: str, notes: list[str]) -> Mapping:
    """Take a missing kind from the name of the file or sheet, when it names exactly one."""
    name = schema.guessed_from_name
    if not name or name in mapping.columns or name in mapping.constants:
        return mapping
    text = plain_header(file_layer)
    aliases = schemas.value_aliases(schema.name, name)
    spelt = {theirs.lower(): ours for theirs, ours in aliases.items()} | {
        code: code for code in schema.field(name).allowed
    }
    hits = {theirs: ours for theirs, ours in spelt.items() if len(theirs) > 1 and plain_header(theirs) in text}
    longest = {ours for theirs, ours in hits.items() if not any(theirs != other and theirs in other for other in hits)}
    if len(longest) != 1:
        return mapping
    kind = longest.pop()
    notes.append(f"文件没有“{name}”列，按文件名“{file_layer}”全部记为 {kind}。")
    return Mapping(mapping.columns, {**mapping.constants, name: kind}, mapping.values, mapping.where)


def _records(raw: Any, schema: Schema, rows: NDArray[np.int64], notes: list[str]) -> NDArray[np.bool_]:
    """Say which rows hold a record: not blank, not a total or a signature line below the table."""
    names = [name for name in raw.columns if name != GEOMETRY]
    has_shape = np.zeros(len(raw), dtype=bool)
    if GEOMETRY in raw.columns:
        has_shape = ~shapely.is_missing(np.asarray(raw[GEOMETRY], dtype=object))
    filled = np.zeros(len(raw), dtype=int)
    is_total = np.zeros(len(raw), dtype=bool)
    for name in names:
        codes, distinct = pd.factorize(raw[name])
        texts = [cell_text(value).replace(" ", "") for value in distinct]
        filled += np.array([bool(text) for text in texts] + [False])[codes]
        if raw[name].dtype.kind not in "iuf":
            is_total |= (
                np.array([text.startswith(TOTALS) for text in texts] + [False])[codes] & ~is_total & (filled == 1)
            )
    blank = (filled == 0) & ~has_shape
    is_total &= ~has_shape
    if is_total.any():
        listed = "、".join(str(row) for row in rows[is_total][:10])
        notes.append(f"第 {listed} 行是合计、制表等表尾行，不是{schema.label}，未读入。")
    if blank.any():
        notes.append(f"{int(blank.sum())} 个空行未读入。")
    return np.asarray(~blank & ~is_total, dtype=bool)


def _relation(raw: Any, kept: Any) -> Any:
    for name in raw.columns:
        if BRACKETS.sub("", plain_header(str(name).split("/")[-1])) in RELATIONS:
            return raw[name].iloc[kept].to_numpy(dtype=object)
    return None


def _locate(frame: Any, crs: str | None, reference: Any, schema: Schema) -> tuple[Any, list[str]]:
    """Bring shapes and village seats to EPSG:4490."""
    if not schema.geometry:
        return frame, []
    has_shape = frame.geometry.notna() & ~frame.geometry.is_empty
    notes: list[str] = []
    shapes = np.asarray(frame.geometry, dtype=object).copy()
    if has_shape.any():
        moved, notes = to_storage(frame.loc[has_shape, [GEOMETRY]].reset_index(drop=True), crs, reference)
        shapes[has_shape.to_numpy()] = np.asarray(moved.geometry, dtype=object)
    located = gpd.GeoDataFrame(frame.drop(columns=GEOMETRY), geometry=shapes, crs=STORAGE_CRS)
    if schema.has("seat_x"):
        located = _locate_seats(located, crs, located, notes)
    return located, notes


def _locate_seats(frame: Any, crs: str | None, reference: Any, notes: list[str]) -> Any:
    """Bring seat_x, seat_y to degrees of EPSG:4490; degrees in a metric file are taken as they are."""
    x, y = frame["seat_x"].to_numpy(), frame["seat_y"].to_numpy()
    known = np.isfinite(x) & np.isfinite(y) & ~((x == 0) & (y == 0))
    out_x, out_y = np.where(known, x, np.nan), np.where(known, y, np.nan)
    if known.any():
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x[known], y[known]))
        in_degrees = bool((np.abs(x[known]) <= 180).all() and (np.abs(y[known]) <= 90).all())
        is_shift = str(crs or "").lower() in {"gcj02", "bd09"}
        stated = crs if is_shift or not in_degrees else None if crs is None else "EPSG:4490"
        moved, seat_notes = to_storage(points, stated, reference)
        notes += [f"村委会驻地：{note}" for note in seat_notes]
        out_x[known], out_y[known] = moved.geometry.x.to_numpy(), moved.geometry.y.to_numpy()
    return frame.assign(seat_x=out_x, seat_y=out_y)[list(frame.columns)]


def _refused(raw: Any, reasons: MappingABC[int, str], kept: Any, rows: Any, *, with_shape: bool) -> Any:
    """Return refused rows in the file's own columns, with 原因 and 行号; shapes as WKT where a cell can hold them."""
    merged: dict[int, list[str]] = {}
    for position, reason in reasons.items():
        merged.setdefault(int(kept[position]), []).append(reason)
    at = np.array(sorted(merged), dtype=np.int64)
    names = [name for name in raw.columns if name != GEOMETRY and plain_header(name) not in OURS_IN_REFUSED]
    refused = raw[names].iloc[at].reset_index(drop=True)
    if with_shape and GEOMETRY in raw.columns and SHAPE_TEXT not in names:
        texts = shapely.to_wkt(np.asarray(raw[GEOMETRY].iloc[at], dtype=object), rounding_precision=9)
        refused[SHAPE_TEXT] = [text if isinstance(text, str) and len(text) < EXCEL_CELL else None for text in texts]
    refused[REASON] = ["；".join(dict.fromkeys(merged[int(place)])) for place in at]
    refused[ROW_NUMBER] = rows[at]
    return refused
