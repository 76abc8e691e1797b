"""What changed between two assessments, and why: the rule, the data, a layer too old, or what a register claims."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.assess import Assessment
from analysis.features import is_stale

KEY = ["unit_kind", "unit_id", "need"]
RULE = ("rule", "threshold", "reference", "strength")
COLUMNS = ["unit_kind", "unit_id", "town", "need", "before", "after", "why"]
NOTHING = "none"


def status_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """List every unit and need whose status differs, with the reason.

    Parameters
    ----------
    before, after
        Findings. A unit or need that only one of them has counts as status `none` in the other.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. `why` is `rule` (another rule, threshold or clause, or the need is asked by one policy
        only), `claim` (the register says something else, the map the same), `stale` (on one side a layer is older than
        its day, so that nothing is known there), or `data` (what was measured differs).

    """
    both = before.merge(after, on=KEY, how="outer", suffixes=("_before", "_after"))
    for side in ("before", "after"):
        both[f"status_{side}"] = both[f"status_{side}"].astype(object).where(both[f"status_{side}"].notna(), NOTHING)
    changed = both[both["status_before"] != both["status_after"]]
    needs = set(before["need"]), set(after["need"])
    rows = [
        (row["unit_kind"], row["unit_id"], _first(row["town_after"], row["town_before"]), row["need"],
         row["status_before"], row["status_after"], reason(row, needs))
        for row in changed.to_dict("records")
    ]  # fmt: skip
    told = pd.DataFrame(rows, columns=COLUMNS)
    told["why"] = _as_its_parts(told, (changed["rule_after"] == "all").to_numpy())
    return told


def _as_its_parts(told: pd.DataFrame, is_whole: npt.NDArray[np.bool_]) -> pd.Series:
    """A whole group of needs that differs only because its parts are stale is stale too."""
    parts = told[~is_whole].groupby(["unit_kind", "unit_id"])["why"].agg(lambda why: set(why) == {"stale"})
    keys = pd.MultiIndex.from_frame(told[["unit_kind", "unit_id"]])
    is_stale_only = parts.reindex(keys).eq(True).to_numpy()
    return told["why"].mask(is_whole & is_stale_only & told["why"].eq("data").to_numpy(), "stale")


def _first(one: Any, other: Any) -> Any:
    return other if pd.isna(one) else one


def reason(row: Mapping[Any, Any], needs: tuple[set[str], set[str]]) -> str:
    """Say why a status differs."""
    if NOTHING in (row["status_before"], row["status_after"]):
        return "data" if all(row["need"] in held for held in needs) else "rule"
    if any(_differ(row[f"{name}_before"], row[f"{name}_after"]) for name in RULE):
        return "rule"
    if row["measured_before"] == row["measured_after"] and row["claimed_before"] != row["claimed_after"]:
        return "claim"
    return lost(row, "measured")


def lost(row: Mapping[Any, Any], what: str) -> str:
    """Tell whether one side alone knows nothing because a layer is older than its day: `stale`, else `data`."""
    sides = [row[f"{what}_{side}"] == "unknown" and is_stale(row[f"note_{side}"]) for side in ("before", "after")]
    return "stale" if sides[0] != sides[1] else "data"


def _differ(one: Any, other: Any) -> bool:
    return not (pd.isna(one) and pd.isna(other)) and (pd.isna(one) or pd.isna(other) or bool(one != other))


def village_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """List every natural village whose being due or whose road state differs, with the reason, as `status_changes`."""
    columns = ["natural_village_id", "town", "population", "threshold", "is_due", "state", "note"]
    both = before[columns].merge(after[columns], on="natural_village_id", how="outer", suffixes=("_before", "_after"))
    rows = []
    for row in both.to_dict("records"):
        old, new = (
            standing(row["is_due_before"], row["state_before"]),
            standing(row["is_due_after"], row["state_after"]),
        )
        if old == new:
            continue
        is_rule = _differ(row["threshold_before"], row["threshold_after"]) and not _differ(
            row["population_before"], row["population_after"]
        )
        town = _first(row["town_after"], row["town_before"])
        rows.append(
            (
                "natural_village",
                row["natural_village_id"],
                town,
                "road",
                old,
                new,
                "rule" if is_rule else lost(row, "state"),
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def standing(is_due: Any, state: Any) -> str:
    """Say how a natural village stands: its road state when it is due, else that it is not or that nobody knows.

    >>> standing(True, "harden"), standing(False, "harden"), standing(pd.NA, "harden")
    ('harden', 'not_due', 'unknown')
    """
    if pd.isna(state):
        return NOTHING
    if pd.isna(is_due):
        return "unknown"
    return str(state) if is_due else "not_due"


def sums(before: Assessment, after: Assessment, people: tuple[pd.Series, pd.Series]) -> pd.DataFrame:
    """Sum up per village need: villages and people met before and after.

    `people` is population by village id on either side; unknown populations count nothing.
    """
    sides = []
    for done, population in zip((before, after), people, strict=True):
        met = done.findings[(done.findings["unit_kind"] == "village") & (done.findings["status"] == "met")]
        counted = met.assign(people=met["unit_id"].map(population).astype(float)).groupby("need")
        sides.append(pd.DataFrame({"villages": counted.size(), "people": counted["people"].sum()}))
    names = list(dict.fromkeys([*before.coverage["need"], *after.coverage["need"]]))
    first, second = sides[0].add_suffix("_before"), sides[1].add_suffix("_after")
    joined = first.join(second, how="outer").reindex(names).fillna(0)
    return joined.assign(
        villages=joined["villages_after"] - joined["villages_before"], people=joined["people_after"] - joined["people_before"]
    )  # fmt: skip


def signed(value: float) -> str:
    """Write a difference with its sign.

    >>> signed(312), signed(-1), signed(0)
    ('+312', '−1', '±0')
    """
    whole = round(value)
    return "±0" if whole == 0 else f"{'+' if whole > 0 else '−'}{abs(whole):,}"
