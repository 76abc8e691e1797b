"""What the registers say on a day: one answer a unit and need, from the latest claims."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import NO, UNKNOWN, YES
from analysis.policy import Need
from layers.problem import Problem
from layers.workspace import Workspace

CLAIM_COLUMNS = ("unit_id", "need", "claimed", "amount", "source", "by", "day", "note")
COUNTED = frozenset({"dangerous_houses", "poor_households", "poor_population", "hardened"})
_WORDS: Mapping[str, str] = {"yes": YES, "no": NO}


def latest_claims(ws: Workspace, day: date) -> pd.DataFrame:
    """Give the claim that holds for every unit and need on a day.

    The latest claim made on or before the day counts; one without a day counts as the oldest. Claims of the same day
    that disagree cancel out.

    Parameters
    ----------
    ws
        Its `claims` layer has unit_id, need, value (yes, no or a number as text), source, by, day.

    Returns
    -------
    DataFrame
        Columns `CLAIM_COLUMNS`, one row a unit and need, sorted by them. `claimed` is yes, no or unknown; a number
        leaves it unknown and stands in `amount`. Empty without claims.

    Examples
    --------
    >>> from pyproj import CRS
    >>> rows = pd.DataFrame({"unit_id": ["v1", "v1"], "need": ["clinic", "clinic"], "value": ["yes", "no"],
    ...                      "source": ["台账", "台账"], "by": ["甲", "乙"], "day": ["2017-01-01", "2018-01-01"]})
    >>> ws = Workspace({"claims": rows}, CRS("EPSG:4547"), {}, (), "")
    >>> [latest_claims(ws, date(year, 6, 1))["claimed"].tolist() for year in (2016, 2017, 2018)]
    [[], ['yes'], ['no']]
    """
    frame = ws.get("claims")
    if frame is None or not len(frame):
        return pd.DataFrame({name: pd.Series(dtype="object") for name in CLAIM_COLUMNS})
    held = pd.DataFrame({name: frame[name] for name in ("unit_id", "need", "value")})
    for name in ("source", "by", "day"):
        held[name] = frame[name].astype("str").fillna("") if name in frame else ""
    held = held[held["unit_id"].notna() & held["need"].notna() & (held["day"] <= day.isoformat())]
    if not len(held):
        return pd.DataFrame({name: pd.Series(dtype="object") for name in CLAIM_COLUMNS})
    newest = held.groupby(["unit_id", "need"], sort=False)["day"].transform("max")
    held = held[held["day"] == newest].assign(value=lambda rows: rows["value"].astype("str").str.strip())
    held = held.sort_values(["unit_id", "need", "value", "source", "by"], kind="stable")
    held = held.assign(
        amount=pd.to_numeric(held["value"], errors="coerce").astype(np.float64),
        claimed=held["value"].str.lower().map(_WORDS).fillna(UNKNOWN),
    )
    return _settled(held)


def _settled(held: pd.DataFrame) -> pd.DataFrame:
    """One row a unit and need; several different values of one day are no answer."""
    groups = held.groupby(["unit_id", "need"], sort=True)
    result = groups.first().reset_index()
    values = groups["value"].nunique().to_numpy() > 1
    result["note"] = ""
    result.loc[values, "claimed"] = UNKNOWN
    result.loc[values, "amount"] = np.nan
    result.loc[values, "note"] = "台账同一天说法不一，不采用"
    blank = (result["claimed"] == UNKNOWN) & result["amount"].isna() & ~values
    result.loc[blank, "note"] = "台账的说法读不懂：" + result.loc[blank, "value"].fillna("")
    return result[list(CLAIM_COLUMNS)]


def unused_claims(ws: Workspace, units: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Name the claims nothing can be done with: about no need of the policy, or about a unit nobody knows.

    Parameters
    ----------
    units
        Each need of the policy -> the unit ids it can be asked of.

    Examples
    --------
    >>> from pyproj import CRS
    >>> rows = pd.DataFrame({"unit_id": ["v1"], "need": ["heating"], "value": ["yes"]})
    >>> ws = Workspace({"claims": rows}, CRS("EPSG:4547"), {}, (), "")
    >>> [problem.message for problem in unused_claims(ws, {})]
    ['台账里 1 条“heating”不是本政策的事项，没有采用；请核对事项编号，或换用对应的政策']
    """
    frame = ws.get("claims")
    if frame is None:
        return ()
    found = []
    for name, held in frame.groupby("need", sort=True):
        if name in COUNTED:
            continue
        if name not in units:
            words = f"台账里 {len(held)} 条“{name}”不是本政策的事项，没有采用；请核对事项编号，或换用对应的政策"
            found.append(Problem("claims", None, "need", words, "note", "unused_claim", str(name)))
            continue
        lost = sorted(set(held["unit_id"].dropna()) - set(units[name]))
        if lost:
            some = "、".join(lost[:5]) + ("等" if len(lost) > 5 else "")
            words = f"台账“{name}”写了 {len(lost)} 个图上没有的单位（{some}），没有采用；请核对代码或补上图层"
            found.append(Problem("claims", None, "unit_id", words, "warning", "unknown_unit", str(name)))
    return tuple(found)


def claimed_for(need: Need, parameters: Mapping[str, Any], claims: pd.DataFrame, unit_ids: pd.Series) -> pd.DataFrame:
    """Read the claims about one need as yes or no, for every unit.

    A number is compared with what the rule asks for: at least `min_count` or `min_share` (a share above 1 is read as
    per cent), at least the number of needs of an `all`, above 0 for a flag. A number about a distance or a road stays
    unknown: it may mean kilometres that are there or kilometres that are missing.

    Returns
    -------
    DataFrame
        Columns claimed, amount, source, by, day, note in the order of `unit_ids`; unknown where nobody said anything.

    Examples
    --------
    >>> claims = pd.DataFrame({"unit_id": ["v1"], "need": ["clinic"], "claimed": ["unknown"], "amount": [2.0],
    ...                        "source": [""], "by": [""], "day": [""], "note": [""]})
    >>> need = Need("clinic", "", "has", "facilities", {}, "hard", "")
    >>> claimed_for(need, {"min_count": 2}, claims, pd.Series(["v1", "v2"]))["claimed"].tolist()
    ['yes', 'unknown']
    """
    mine = claims[claims["need"] == need.id].set_index("unit_id").reindex(unit_ids).reset_index(drop=True)
    mine = mine.astype({"amount": np.float64})
    amount = mine["amount"].to_numpy(dtype=np.float64)
    said = mine["claimed"].fillna(UNKNOWN).to_numpy(dtype=object).copy()
    text = {name: mine[name].fillna("").to_numpy(dtype=object).copy() for name in ("source", "by", "day", "note")}
    counted = np.isfinite(amount)
    enough = _enough(need, parameters, amount)
    if enough is None:
        text["note"][counted] = [f"台账写的是数 {number:g}，不能读成有或没有" for number in amount[counted]]
    else:
        said[counted] = np.where(enough[counted], YES, NO)
    return pd.DataFrame({"claimed": said, "amount": amount, **text})


def _enough(need: Need, parameters: Mapping[str, Any], amount: Any) -> Any:
    """Say which numbers are enough; None where a number may mean anything (a distance? kilometres missing?)."""
    if need.kind == "has":
        return amount >= float(parameters.get("min_count", 1))
    if "min_share" in parameters:
        return np.where(amount > 1, amount / 100, amount) >= float(parameters["min_share"])
    if need.kind == "all":
        return amount >= len(parameters["needs"])
    return amount > 0 if need.kind == "flag" else None
