"""Return the good rows of a layer, and a `Problem` for every bad one. Nothing is dropped silently."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import InputError
from layers.duplicates import drop_duplicates
from layers.faults import DETAIL_LIMIT, Findings
from layers.persons import one_row_a_household
from layers.problem import Problem, Severity
from layers.rules import NO_STATUS, check_private, derive, note_suspicious
from layers.schema import GEOMETRY, Field, Schema
from layers.shapes import check_shapes
from layers.values import Parsed, empty, parse


@dataclass(frozen=True)
class Checked:
    """The good rows and what is wrong with the others.

    `frame` has the schema's columns and a RangeIndex, `private` the private columns by id (None when the layer has
    none), `positions` where each good row stood in the frame given, `refused` why each bad row was not kept, by
    position.
    """

    frame: Any
    private: Any
    problems: tuple[Problem, ...]
    positions: NDArray[np.int64]
    refused: Mapping[int, str]


def require_columns(columns: Any, schema: Schema, *, file_columns: Any = ()) -> None:
    """Refuse a file that lacks a required column, saying under which names it was looked for.

    Raises
    ------
    InputError
        Naming the layer, the column, the names tried and the columns the file has.
    """
    have = set(columns)
    missing = [item for item in schema.fields if item.required == "yes" and item.name not in have]
    if not missing:
        return
    listed = "；".join(f"缺少“{item.name}”列（找过 {_tried(item)}）" for item in missing)
    found = "、".join(str(column) for column in list(file_columns)[:30] if column != GEOMETRY)
    tail = f"文件里有：{found}。" if found else ""
    raise InputError(
        f"{schema.name}: {listed}。{tail}请改列名，或用映射文件 [columns] 指明对应的列、用 [constants] 给出统一的值。"
    )


def _tried(item: Field) -> str:
    names = [alias.lstrip("~") for alias in item.aliases]
    return ", ".join(dict.fromkeys(names[:8]))


def check(
    frame: Any,
    schema: Schema,
    *,
    rows: Any = None,
    factors: Mapping[str, float] | None = None,
    file_columns: Any = (),
    relation: Any = None,
    detail_limit: int = DETAIL_LIMIT,
) -> Checked:
    """Read every cell in its type, repair shapes, and part the good rows from the bad.

    A bad value in an optional column becomes unknown and is a warning: it never costs the row. A row is refused when
    its id or another required value is missing or unreadable, when its shape is missing where the layer needs one,
    or when its id stands for two different things.

    Parameters
    ----------
    frame
        Our column names, values as written (see `layers.match.apply`), `geometry` if there is one. Not changed.
    rows
        Row number in the file of every row (1 = first line of the sheet); default 2, 3, ...
    factors
        What to multiply a column by to come to our unit.
    file_columns
        Headers of the file, to be named when a required column is missing.
    relation
        For a ledger with one row a person: what each person is to the head of the household (户主, 配偶, ...).
    detail_limit
        Warnings and notes of one kind and column are listed one by one up to here, then counted. Errors always are
        listed.

    Raises
    ------
    InputError
        When a required column is missing altogether.

    Examples
    --------
    >>> from layers.schema import load
    >>> raw = pd.DataFrame({"unit_id": ["1", "2"], "need": ["clinic", None], "value": ["有", "无"]})
    >>> checked = check(raw, load()["claims"])
    >>> checked.frame["value"].tolist(), [(problem.row, problem.field) for problem in checked.problems]
    (['yes'], [(3, 'need')])
    """
    require_columns(frame.columns, schema, file_columns=file_columns)
    numbers = np.arange(2, len(frame) + 2) if rows is None else np.asarray(rows, dtype=np.int64)
    found = Findings(schema.name, numbers, detail_limit)
    columns: dict[str, Parsed] = {}
    for item in schema.fields:
        columns[item.name] = _column(frame, item, schema, factors or {}, found)
        if item.name == schema.id:
            found.name_subjects(columns[item.name].values)
    table = pd.DataFrame({name: parsed.values for name, parsed in columns.items()})
    derive(table, columns, schema, found)
    check_private(table, schema, found)
    shapes = _shapes(frame, table, schema, found)
    _require_place(table, shapes, schema, found)
    keep = np.ones(len(table), dtype=bool)
    if schema.name == "households":
        keep &= one_row_a_household(table, relation, found)
    keep &= drop_duplicates(table, shapes, schema, found, keep)
    note_suspicious(table, shapes, schema, found)
    if "status" in table.columns and "status" not in frame.columns:
        found.whole(NO_STATUS, "no_status", "warning", "status")
    positions = np.flatnonzero(keep & ~found.is_refused())
    return Checked(
        frame=_public(table, shapes, schema, positions),
        private=_private(table, schema, positions),
        problems=found.problems(),
        positions=positions,
        refused=found.refused(),
    )


def _column(frame: Any, item: Field, schema: Schema, factors: Mapping[str, float], found: Findings) -> Parsed:
    """Read one column and note what could not be read."""
    if item.name not in frame.columns:
        blank = np.ones(len(frame), dtype=bool)
        nothing = np.full(len(frame), "", dtype=object)
        return Parsed(empty(item, len(frame)), nothing, blank, nothing)
    parsed = parse(frame[item.name], item, layer=schema.name, factor=factors.get(item.name, 1.0))
    is_needed = item.required == "yes" and "unknown" not in item.allowed
    severity: Severity = "error" if is_needed else "warning"
    if is_needed:
        text = f"“{item.name}”（{item.description.split('；')[0]}）没有填。请补填后重新导入。"
        found.add(parsed.was_blank, field=item.name, kind="missing_value", severity="error", message=text)
    elif item.required == "yes":
        text = f"“{item.name}”没有填，已记为未知，与它有关的结论也是未知。请补填。"
        found.add(parsed.was_blank, field=item.name, kind="missing_value", severity="warning", message=text)
    tail = "" if is_needed else "，已记为未知"
    shown = item.name if item.is_private else "{written}"
    for fault, why in _whys(item).items():
        mask = parsed.fault == fault
        text = f"“{item.name}”的值“{shown}”{why}{tail}。请改正后重新导入。"
        found.add(mask, field=item.name, kind=fault, severity=severity, message=text, written=parsed.written)
    return parsed


def _whys(item: Field) -> dict[str, str]:
    """Return for each fault of a cell why it is one, in Chinese."""
    bounds = item.bounds
    limits = f"不在 {bounds[0]:.0f} 至 {bounds[1]:.0f} 之间" if bounds else "超出范围"
    unread = {
        "code": f"不认识（可填：{'、'.join(item.allowed)} 或其中文名）",
        "codes": f"不认识（可填：{'、'.join(item.allowed)} 或其中文名，多个用顿号隔开）",
        "boolean": "看不出是“是”还是“否”",
        "day": "不是有效日期（应如 2018-06-30）",
        "year": "不是四位年份",
        "longitude": "不是有效经度",
        "latitude": "不是有效纬度",
    }.get(item.type, "不是数")
    digits = "已变成科学计数或丢失末位数字（应在表格中设为文本格式，从原始资料重填）"
    suffix = "或不是整数" if item.type == "integer" else ""
    return {"unread": unread, "range": limits + suffix, "digits": digits}


def _shapes(frame: Any, table: Any, schema: Schema, found: Findings) -> Any:
    """Return the checked shapes of every row (None where there is none); None for a plain table."""
    if not schema.geometry:
        return None
    if GEOMETRY in frame.columns:
        raw = np.asarray(frame[GEOMETRY], dtype=object)
    elif schema.has("longitude"):
        raw = _points(table)
    else:
        raw = np.full(len(frame), None, dtype=object)
    checked = check_shapes(raw, schema.geometry, is_required=schema.is_geometry_required)
    found.add_faults(checked.faults)
    return checked.shapes


def _points(table: Any) -> Any:
    """Make points of longitude and latitude where both are known."""
    shapes = np.full(len(table), None, dtype=object)
    x, y = table["longitude"].to_numpy(), table["latitude"].to_numpy()
    known = np.isfinite(x) & np.isfinite(y)
    shapes[known] = shapely.points(x[known], y[known])
    return shapes


def _require_place(table: Any, shapes: Any, schema: Schema, found: Findings) -> None:
    """Note rows without a shape where one may be missing, and rows that name no place at all."""
    alternatives = [item.name for item in schema.fields if item.required == "alt"]
    nowhere = table[alternatives].isna().all(axis=1).to_numpy() if alternatives else np.zeros(len(table), dtype=bool)
    if shapes is None:
        text = f"{'、'.join(alternatives)} 都没有填，不知道说的是哪个村。请补填后重新导入。"
        found.add(nowhere, field=alternatives[0], kind="no_place", severity="error", message=text)
        return
    if schema.is_geometry_required:
        return
    missing = shapely.is_missing(shapes) & ~found.is_refused()
    text = "没有坐标，也没有所属村，无法落到任何村。请补填行政村代码，或乡镇和村名，或经纬度。"
    found.add(missing & nowhere, field=GEOMETRY, kind="no_place", severity="warning", message=text)
    if missing.all():
        found.whole(
            f"全部 {len(table)} 行都没有坐标：距离类指标为未知。有坐标后请重新导入。",
            "no_position",
            "warning",
            GEOMETRY,
        )
    else:
        text = "没有坐标，与位置有关的指标为未知。请补填坐标。"
        found.add(missing & ~nowhere, field=GEOMETRY, kind="no_position", severity="warning", message=text)


def _public(table: Any, shapes: Any, schema: Schema, positions: Any) -> Any:
    names = [name for name in schema.columns if name != GEOMETRY]
    public = table.loc[positions, names].reset_index(drop=True)
    return public if shapes is None else gpd.GeoDataFrame(public, geometry=gpd.array.from_shapely(shapes[positions]))


def _private(table: Any, schema: Schema, positions: Any) -> Any:
    if not schema.private:
        return None
    private = table.loc[positions, [schema.id, *schema.private]]
    return private[private[schema.private].notna().any(axis=1)].reset_index(drop=True)
