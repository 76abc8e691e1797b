"""Rows that share an id: the same thing twice, parts of one line, or two things that contradict each other."""

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.faults import Findings
from layers.schema import Schema

CLAIM_KEY = ("unit_id", "town", "village", "need", "source", "day")


def drop_duplicates(table: Any, shapes: Any, schema: Schema, found: Findings, among: Any) -> NDArray[np.bool_]:
    """Say which rows stay, and make ids unique.

    Identical rows are kept once, with a note. Rows of a line layer with one id and different courses are numbered
    `id#1`, `id#2` ... by their course, so that the order of rows does not matter (changes `table` in place). All other
    rows that share an id are refused, each naming the rows it contradicts: nobody here can know which is right.
    """
    keep = np.ones(len(table), dtype=bool)
    key = _keys(table, schema)
    live = np.asarray(among, dtype=bool) & ~found.is_refused() & key.notna().to_numpy()
    repeated = np.flatnonzero(live & key.where(live).duplicated(keep=False).to_numpy())
    if not len(repeated):
        return keep
    part = table.iloc[repeated]
    print_ = pd.util.hash_pandas_object(part.drop(columns=_same_by_key(schema)), index=False).to_numpy()
    course = _courses(shapes, repeated)
    group = pd.DataFrame({"row": repeated, "key": key.iloc[repeated].to_numpy(), "print": print_, "course": course})
    again = group.duplicated(["key", "print", "course"]).to_numpy()
    _note_again(group, again, found)
    keep[group.loc[again, "row"]] = False
    group = group[~again]
    group = group[group["key"].duplicated(keep=False)]
    if schema.geometry == {"line"}:
        group = _number_parts(group, table, schema, found)
    _refuse(group, schema, found)
    return keep


def _courses(shapes: Any, positions: Any) -> Any:
    """Return shapes as bytes that sort from west to east; b"" where there is none."""
    course = np.full(len(positions), b"", dtype=object)
    if shapes is not None:
        known = ~shapely.is_missing(shapes[positions])
        course[known] = shapely.to_wkb(shapes[positions][known], byte_order=0)
    return course


def _keys(table: Any, schema: Schema) -> Any:
    if schema.name != "claims":
        return table[schema.id]
    joined = table[list(CLAIM_KEY)].fillna("").astype("str")
    return joined.apply("\x1f".join, axis=1) if len(joined) else pd.Series([], dtype="str")


def _same_by_key(schema: Schema) -> list[str]:
    return list(CLAIM_KEY) if schema.name == "claims" else [schema.id]


def _note_again(group: Any, again: Any, found: Findings) -> None:
    first = group.groupby(["key", "print", "course"], sort=False)["row"].transform("min")
    for row, original in zip(group.loc[again, "row"], first[again], strict=True):
        text = f"与第 {found.row(int(original))} 行完全相同，只保留一行。"
        found.note(int(row), None, "same_row", "note", text)


def _number_parts(group: Any, table: Any, schema: Schema, found: Findings) -> Any:
    """Number the parts of a line that share an id, by course; return the rows that still contradict each other."""
    clash = group.duplicated(["key", "course"], keep=False)
    clashing = set(group.loc[clash, "key"])
    parts = group[~group["key"].isin(clashing)].sort_values(["key", "course"])
    number = parts.groupby("key").cumcount() + 1
    ids = [f"{key}#{place}" for key, place in zip(parts["key"], number, strict=True)]
    column = table[schema.id].copy()
    column.iloc[parts["row"].to_numpy()] = ids
    table[schema.id] = column
    mask = np.zeros(len(table), dtype=bool)
    mask[parts["row"].to_numpy()] = True
    text = f"“{schema.id}”与其他段重复，已按走向加上 #1、#2… 区分。请为每段编上自己的编号，以便下次更新对得上。"
    found.add(mask, field=schema.id, kind="parts_of_one_id", severity="warning", message=text)
    return group[group["key"].isin(clashing)]


def _refuse(group: Any, schema: Schema, found: Findings) -> None:
    for _, rows in group.groupby("key", sort=False)["row"]:
        numbers = [found.row(int(row)) for row in rows]
        for row in rows:
            others = "、".join(str(number) for number in numbers[:20] if number != found.row(int(row)))
            text = f"“{schema.id}”与第 {others} 行重复而内容不同，无法判断哪一行对，都没有入库。请核对后重新导入。"
            found.note(int(row), schema.id, "duplicate_id", "error", text)


def repeated_rows(shapes: Any, at_least: int) -> NDArray[np.int64]:
    """Return the positions of points that share one place with at least so many others (themselves included)."""
    points = np.flatnonzero(shapely.get_type_id(shapes) == 0)
    if not len(points):
        return points.astype(np.int64)
    xy = pd.DataFrame(shapely.get_coordinates(shapes[points]), columns=["x", "y"])
    count = xy.groupby(["x", "y"])["x"].transform("size").to_numpy()
    crowded: NDArray[np.int64] = points[count >= at_least].astype(np.int64)
    return crowded
