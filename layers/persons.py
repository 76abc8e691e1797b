"""Ledgers with one row a person: the household's own values are repeated, and are brought to one row."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.faults import Findings

OWN = ("household_id",)
PERSONAL = ("head_name", "id_number", "phone")
ANY_PERSON = ("has_labour",)
UNION = ("category",)


def one_row_a_household(table: Any, relation: Any, found: Findings) -> NDArray[np.bool_]:
    """Fold the persons of a household into its first row, in place, and say which rows stay.

    Without `relation` only rows that differ in nothing but the person are folded. A household value that its persons
    contradict becomes unknown, with a warning. `members` is counted where the ledger does not state it.

    Parameters
    ----------
    table
        One row a person or household; changed in place.
    relation
        What each person is to the head of the household (户主, 配偶, ...), or None.
    """
    keep = np.ones(len(table), dtype=bool)
    ids = table["household_id"]
    repeated = (ids.notna() & ids.duplicated(keep=False)).to_numpy() & ~found.is_refused()
    if not repeated.any():
        return keep
    shared = [name for name in table.columns if name not in (*OWN, *PERSONAL, *ANY_PERSON, *UNION)]
    rows = table.loc[repeated]
    if relation is None:
        rows = _only_persons_differ(rows, [name for name in table.columns if name not in (*OWN, *PERSONAL)])
        if rows.empty:
            return keep
    position = np.arange(len(table))
    lead = _leaders(rows, relation, position)
    order = rows.index.to_numpy()
    first = rows.groupby("household_id", sort=False).head(1).index.to_numpy()
    if relation is None or "members" not in table or table.loc[order, "members"].isna().all():
        count = rows["household_id"].map(rows["household_id"].value_counts())
        table.loc[order, "members"] = table.loc[order, "members"].fillna(count.astype(float))
    _settle(table, rows, shared, first, found)
    for name in ANY_PERSON + UNION:
        _gather(table, rows, name, first)
    for name in PERSONAL:
        table.loc[first, name] = table.loc[lead, name].to_numpy()
    keep[np.setdiff1d(order, first)] = False
    text = f"台账一行一人：{len(order)} 行已按户编号合并为 {len(first)} 户，户内各人重复的住户信息只算一次。"
    found.whole(text, "one_row_a_person", "note", "household_id")
    return keep


def _only_persons_differ(rows: Any, names: list[str]) -> Any:
    """Return the rows of households whose rows agree in everything but the person, and that do name persons."""
    whole = pd.util.hash_pandas_object(rows[names], index=False)
    person = pd.util.hash_pandas_object(rows[list(PERSONAL)], index=False)
    agree = whole.groupby(rows["household_id"]).transform("nunique") == 1
    differ = person.groupby(rows["household_id"]).transform("nunique") > 1
    return rows[agree & differ]


def _leaders(rows: Any, relation: Any, position: Any) -> Any:
    """Return for each household, in order of appearance, the row of its head (else its first row)."""
    if relation is None:
        return rows.groupby("household_id", sort=False).head(1).index.to_numpy()
    text = pd.Series(np.asarray(relation, dtype=object), index=position).loc[rows.index].astype("str").fillna("")
    is_head = text.isin(["户主", "本人", "本人或户主"]).to_numpy()
    ranked = rows.assign(
        _head=~is_head, _row=rows.index, _first=rows.groupby("household_id")["household_id"].cumcount()
    )
    ranked["_order"] = ranked.groupby("household_id", sort=False).ngroup()
    best = ranked.sort_values(["_order", "_head", "_row"]).groupby("_order", sort=True).head(1)
    return best.index.to_numpy()


def _settle(table: Any, rows: Any, shared: list[str], first: Any, found: Findings) -> None:
    """Take each shared value from whichever row states it; contradictions become unknown."""
    groups = rows["household_id"]
    for name in shared:
        column = table.loc[rows.index, name]
        stated = column.groupby(groups, sort=False)
        filled = stated.first()
        distinct = stated.nunique()
        ids = table.loc[first, "household_id"]
        values = ids.map(filled)
        clash = (ids.map(distinct) > 1).to_numpy()
        if clash.any():
            mask = np.zeros(len(table), dtype=bool)
            mask[first[clash]] = True
            text = f"同一户各行的“{name}”不一致，已记为未知。请核对后重新导入。"
            found.add(mask, field=name, kind="person_conflict", severity="warning", message=text)
            values = values.where(~pd.Series(clash, index=values.index))
        table[name] = _put(table[name], first, values)


def _put(column: Any, positions: Any, values: Any) -> Any:
    changed = column.copy()
    changed.loc[positions] = values.astype(column.dtype).to_numpy() if column.dtype != "boolean" else values.to_numpy()
    return changed


def _gather(table: Any, rows: Any, name: str, first: Any) -> None:
    """Any person with labour makes the household have it; categories of all persons add up."""
    column, groups = table.loc[rows.index, name], rows["household_id"]
    ids = table.loc[first, "household_id"]
    if name in ANY_PERSON:
        values = ids.map(column.groupby(groups, sort=False).max())
    else:
        joined = (
            column.dropna()
            .groupby(groups.loc[column.dropna().index], sort=False)
            .agg(
                lambda texts: ";".join(sorted({part for text in texts for part in text.split(";")}, key=_category_rank))
            )
        )
        values = ids.map(joined)
    table[name] = _put(table[name], first, values)


def _category_rank(code: str) -> int:
    order = ("wubao", "dibao", "disabled", "registered", "other")
    return order.index(code) if code in order else len(order)
