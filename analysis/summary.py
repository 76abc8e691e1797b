"""Findings -> counts by town, need and status that add up."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

COVERAGE_COLUMNS = (
    *("town", "unit_kind", "need", "met", "gap", "disputed", "unknown", "low", "high"),
    *("households_within", "households_known", "households"),
)
WHOLE = "全部"
NO_TOWN = "未定"
STATUSES = ("met", "gap", "disputed", "unknown")
_REACH = ("households_within", "households_known", "households")


def coverage_table(findings: pd.DataFrame, needs: Sequence[str] | None = None) -> pd.DataFrame:
    """Count statuses per town and for the whole, per need, with the range of the share that is met.

    Parameters
    ----------
    findings
        town, unit_kind, need, status; and, where a need has a distance, households_within, households_known,
        households (missing columns and NaN: no such need).
    needs
        The order of needs; by name when missing.

    Returns
    -------
    DataFrame
        Columns `COVERAGE_COLUMNS`: first the whole (town = `WHOLE`), then the towns by name, units without a town
        last (`NO_TOWN`). `low` = met / all, `high` = (met + disputed + unknown) / all.

    Examples
    --------
    >>> rows = {"town": ["甲", "甲", "乙"], "unit_kind": "village", "need": "clinic", "status": ["met", "gap", "unknown"]}
    >>> table = coverage_table(pd.DataFrame(rows))
    >>> table[["town", "met", "gap", "unknown", "low", "high"]].values.tolist()[:2]
    [['全部', 1, 1, 1, 0.3333333333333333, 0.6666666666666666], ['乙', 0, 0, 1, 0.0, 1.0]]
    """
    if not len(findings):
        return pd.DataFrame({name: pd.Series(dtype="object") for name in COVERAGE_COLUMNS})
    held = pd.DataFrame({name: findings[name].to_numpy(dtype=object) for name in ("town", "unit_kind", "need")})
    held["town"] = held["town"].where(held["town"].notna() & (held["town"] != ""), NO_TOWN)
    status = findings["status"].to_numpy(dtype=object)
    for name in STATUSES:
        held[name] = (status == name).astype(np.int64)
    for name in _REACH:
        held[name] = findings[name].to_numpy(dtype=np.float64) if name in findings else np.nan
    table = pd.concat([_summed(held.assign(town=WHOLE)), _summed(held)], ignore_index=True)
    every = table[list(STATUSES)].sum(axis=1)
    table["low"] = table["met"] / every
    table["high"] = (every - table["gap"]) / every
    order = {name: place for place, name in enumerate(needs or sorted(set(table["need"])))}
    table = table.assign(
        _first=table["town"].map({WHOLE: 0, NO_TOWN: 2}).fillna(1), _need=table["need"].map(order).fillna(len(order))
    )
    table = table.sort_values(["_first", "town", "unit_kind", "_need", "need"], kind="stable", ignore_index=True)
    return table[list(COVERAGE_COLUMNS)]


def _summed(held: pd.DataFrame) -> pd.DataFrame:
    groups = held.groupby(["town", "unit_kind", "need"], sort=True)
    counts = groups[list(STATUSES)].sum()
    reach = groups[list(_REACH)].sum(min_count=1)
    return pd.concat([counts, reach], axis=1).reset_index()


def summarise(
    findings: pd.DataFrame,
    coverage: pd.DataFrame,
    natural_villages: pd.DataFrame,
    housing: pd.DataFrame,
    contradictions: pd.DataFrame,
) -> Mapping[str, Any]:
    """Count what the other files hold, in plain numbers that add up to them.

    Returns
    -------
    dict
        needs (per need: units, met, gap, disputed, unknown, low, high), natural_villages (by is_due and state),
        housing (by grade, eligibility, hazard, isolation, status), contradictions (by need), findings (rows).

    Examples
    --------
    >>> empty = pd.DataFrame()
    >>> summarise(empty, empty, empty, empty, empty)["findings"]
    0
    """
    return {
        "findings": len(findings),
        "needs": _needs(coverage),
        "natural_villages": _natural_villages(natural_villages),
        "housing": _housing(housing),
        "contradictions": {"rows": len(contradictions), "by_need": _counts(contradictions, "need")},
    }


def _needs(coverage: pd.DataFrame) -> list[dict[str, Any]]:
    if not len(coverage):
        return []
    whole = coverage[coverage["town"] == WHOLE]
    return [
        {
            "need": row["need"],
            "unit_kind": row["unit_kind"],
            "units": sum(int(row[name]) for name in STATUSES),
            **{name: int(row[name]) for name in STATUSES},
            "low": round(float(row["low"]), 6),
            "high": round(float(row["high"]), 6),
            **{name: int(row[name]) for name in _REACH if pd.notna(row[name])},
        }
        for row in whole.to_dict("records")
    ]


def _counts(table: pd.DataFrame, column: str) -> dict[str, int]:
    if not len(table) or column not in table:
        return {}
    words = table[column].astype(object).where(table[column].notna(), "unknown").map(_word)
    counts = words.value_counts()
    return {str(name): int(counts[name]) for name in sorted(counts.index)}


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return str(value)


def _natural_villages(table: pd.DataFrame) -> dict[str, Any]:
    counts: dict[str, Any] = {"rows": len(table), "is_due": _counts(table, "is_due"), "state": _counts(table, "state")}
    if len(table) and {"is_due", "state"} <= set(table.columns):
        due = table[table["is_due"].map(_word) == "yes"]
        counts["due_state"] = _counts(due, "state")
        people = (
            pd.to_numeric(due["population"], errors="coerce") if "population" in due else pd.Series(dtype="float64")
        )
        lacks = due["state"].isin(["harden", "build"])
        counts["people_due_not_connected"] = int(people[lacks].sum())
    return counts


def _housing(table: pd.DataFrame) -> dict[str, Any]:
    columns = ("grade", "is_eligible", "treatment", "is_isolated", "status")
    counts: dict[str, Any] = {"rows": len(table)} | {name: _counts(table, name) for name in columns}
    if len(table):
        hazard = table["hazard"].fillna("")
        counts["in_hazard"] = int((~hazard.isin(["", "unknown"])).sum())
        counts["hazard_unknown"] = int((hazard == "unknown").sum())
    return counts
