"""The rules that ask for a share of members: `share`, and `road` over natural villages."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import NO, YES, Answer, Context, count, first, three_way
from analysis.features import ID_OF, LABEL_OF
from analysis.units import Flags, Floats, Ints, Units
from geo.errors import PolicyError
from layers.workspace import Workspace


def share(units: Units, ws: Workspace, parameters: Mapping[str, Any], context: Context) -> pd.DataFrame:
    """Measure the share of a unit's members that have something: at least `min_share` (inclusive) or not.

    Members whose value is unknown make a low (all of them without it) and a high (all with it): the answer is yes
    when the low is enough, no when even the high is not, else unknown.

    Parameters
    ----------
    parameters
        of ("households", "natural_villages"); field (a yes/no column); min_share (0 to 1, default 1).

    Returns
    -------
    DataFrame
        One row a unit, in its order, columns `MEASURED_COLUMNS`; `value` is the share among the members that are
        known, the evidence the first member (by id) that lacks it, else the first that is unknown.

    Raises
    ------
    PolicyError
        The layer has no such column.

    Examples
    --------
    >>> from datetime import date
    >>> from pyproj import CRS
    >>> from analysis.units import make_units
    >>> from layers.workspace import Source
    >>> day = date(2018, 1, 1)
    >>> frame = pd.DataFrame({"household_id": ["a", "b"], "safe_water": pd.array([True, None], dtype="boolean")})
    >>> ws = Workspace({"households": frame}, CRS("EPSG:4547"), {"households": Source("households", "", "", day, False, 2)}, (), "")
    >>> rule = {"of": "households", "field": "safe_water", "min_share": 0.5}
    >>> share(make_units(ws, "county"), ws, rule, Context(day)).loc[0, ["measured", "note"]].tolist()
    ['yes', '2 个中 1 个不明，占比在 50.0% 至 100.0%']
    """
    layer, least = parameters.get("of", "households"), float(parameters.get("min_share", 1.0))
    answer = Answer(len(units), unit="share", threshold=least, layer=layer)
    frame = ws.get(layer)
    if frame is None:
        answer.say(np.ones(len(units), dtype=bool), f"没有{LABEL_OF[layer]}图层")
        return answer.table()
    field = parameters["field"]
    if field not in frame:
        raise PolicyError(f"政策规则 share：{LABEL_OF[layer]}图层没有列 {field}；请改正 parameters.field")
    holder = context.members(ws, layer, units)
    held = three_way(frame[field]) if frame[field].dtype == object else _quick(frame[field])
    reason = context.absence(ws, layer)
    missing = unlisted(ws, layer, units, context)
    judge_share(answer, holder, held == 1, held == 0, least, missing)
    answer.say((answer.measured == "unknown") & (missing != 0), reason)
    _worst(answer, ws, layer, holder, held, context)
    return answer.table()


def _quick(values: pd.Series) -> np.ndarray[Any, np.dtype[np.int8]]:
    if values.dtype == "boolean":
        return np.where(values.isna(), -1, values.fillna(False).to_numpy(dtype=bool)).astype(np.int8)
    return three_way(values)


def unlisted(ws: Workspace, layer: str, units: Units, context: Context) -> Floats:
    """Count the members of each unit that a layer does not list: 0 in a census, NaN where nobody knows.

    For households of a partial or old layer, the unit's own number of households says how many are missing.
    """
    if not context.absence(ws, layer):
        return np.zeros(len(units))
    if layer != "households":
        return np.full(len(units), np.nan)
    listed = count(context.members(ws, layer, units), None, len(units))
    total = units.frame["households"].to_numpy(dtype=np.float64)
    return np.where(np.isfinite(total), np.maximum(total - listed, 0.0), np.nan)


def judge_share(answer: Answer, holder: Ints, yes: Flags, no: Flags, least: float, missing: Floats) -> None:
    """Fill an answer with the share of yes among the members of each unit.

    Members neither yes nor no may be either, and so may the `missing` ones (NaN: any number of them). A unit without
    members stays unknown.
    """
    size = len(answer.value)
    yeses, noes, listed = count(holder, yes, size), count(holder, no, size), count(holder, None, size)
    total = listed + np.nan_to_num(missing)
    closed, some = np.isfinite(missing), total > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        answer.value[:] = yeses / (yeses + noes)
        low, high = yeses / total, (total - noes) / total
    answer.measured[some & closed & (low >= least)] = YES
    answer.measured[some & np.where(closed, high < least, (noes > 0) & (least >= 1.0))] = NO
    blank = total - yeses - noes
    for row in np.flatnonzero(some & (blank > 0)):
        answer.note[row] = f"{total[row]:.0f} 个中 {blank[row]:.0f} 个不明，占比在 {low[row]:.1%} 至 {high[row]:.1%}"
    answer.say(~some, "没有可统计的对象")


def _worst(answer: Answer, ws: Workspace, layer: str, holder: Ints, held: Any, context: Context) -> None:
    ids = ws.layers[layer][ID_OF[layer]].to_numpy(dtype=object)
    rank = context.order(ws, layer, ID_OF[layer])
    for wanted in (-1, 0):
        row = first(holder, held == wanted, rank, len(answer.value))
        answer.evidence[row >= 0] = ids[row[row >= 0]]


def road(units: Units, ws: Workspace, parameters: Mapping[str, Any], context: Context) -> pd.DataFrame:
    """Ask whether a unit, or enough of the due natural villages of a village, reaches the hardened core.

    Parameters
    ----------
    parameters
        target ("seat": the unit's own point; "natural_villages": those that are due); snap_m; min_share (default 1).

    Returns
    -------
    DataFrame
        One row a unit, in its order, columns `MEASURED_COLUMNS`. For its own point `value` is the kilometres still to
        be hardened or built; for natural villages the share that is connected. A village without any that is due
        lacks nothing.
    """
    snap_m = parameters.get("snap_m")
    if parameters.get("target", "seat") == "natural_villages" and units.kind != "natural_village":
        return _road_share(units, ws, parameters, context)
    answer = Answer(len(units), unit="km", threshold=0.0, layer="roads")
    reason = context.absence(ws, "roads")
    if context.road_states is None or ws.get("roads") is None:
        answer.say(np.ones(len(units), dtype=bool), reason or "没有道路网")
        return answer.table()
    states = context.road_states(units, None if snap_m is None else float(snap_m))
    state = states["state"].to_numpy(dtype=object)
    lacks = np.isin(state, ("harden", "build")) & (not reason)
    answer.note[:] = _text(states["note"])
    if parameters.get("target") == "natural_villages":
        unsure = lacks & (three_way(states["is_due"]) == -1)
        lacks &= ~unsure
        answer.say(unsure, "人口不明，不知是否到期")
    answer.measured[state == "connected"], answer.measured[lacks] = YES, NO
    gap, new = (states[name].to_numpy(dtype=np.float64) for name in ("gap_km", "new_km"))
    to_do = [np.zeros(len(units)), gap + np.nan_to_num(new), np.nan_to_num(gap) + new]
    answer.value[:] = np.select([state == "connected", state == "harden", state == "build"], to_do, np.nan)
    answer.distance_m[:] = answer.value * 1000.0
    evidence = np.where(
        state == "connected", _text(states["outlet"]), _text(states["segment_ids"].str.split(";").str[0])
    )
    answer.evidence[:] = evidence
    answer.say(lacks & (state == "build"), "没有路可通，须新建")
    answer.say((answer.measured == "unknown") & (state != "unknown"), reason)
    return answer.table()


def _text(values: pd.Series) -> Any:
    return values.fillna("").to_numpy(dtype=object)


def _road_share(units: Units, ws: Workspace, parameters: Mapping[str, Any], context: Context) -> pd.DataFrame:
    least = float(parameters.get("min_share", 1.0))
    answer = Answer(len(units), unit="share", threshold=least, layer="natural_villages")
    frame = ws.get("natural_villages")
    everyone = np.ones(len(units), dtype=bool)
    if frame is None or context.road_states is None or ws.get("roads") is None:
        answer.say(everyone, "没有自然村图层" if frame is None else context.absence(ws, "roads") or "没有道路网")
        return answer.table()
    places = context.units(ws, "natural_village")
    states = context.road_states(places, parameters.get("snap_m"))
    state, due = states["state"].to_numpy(dtype=object), three_way(states["is_due"])
    holder = context.members(ws, "natural_villages", units)
    connected = state == "connected"
    lacks = np.isin(state, ("harden", "build")) & (not context.absence(ws, "roads"))
    size = len(units)
    there, gone = count(holder, (due == 1) & connected, size), count(holder, (due == 1) & lacks, size)
    open_ = count(holder, (due == 1) & ~connected & ~lacks, size)
    maybe_there = count(holder, (due == -1) & connected, size)
    maybe_gone, maybe_open = (
        count(holder, (due == -1) & lacks, size),
        count(holder, (due == -1) & ~connected & ~lacks, size),
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        low = there / (there + gone + open_ + maybe_gone + maybe_open)
        high = (there + open_ + maybe_there + maybe_open) / (there + gone + open_ + maybe_there + maybe_open)
        answer.value[:] = there / (there + gone)
    reason = context.absence(ws, "natural_villages")
    none = there + gone + open_ + maybe_there + maybe_gone + maybe_open == 0
    low, high = np.where(np.isnan(low), 1.0, low), np.where(np.isnan(high), 1.0, high)
    answer.measured[(low >= least) & (not reason)] = YES
    answer.measured[(high < least) & (not reason or least >= 1.0)] = NO
    answer.say(none & (not reason), "没有达到人口下限的自然村")
    answer.say((open_ + maybe_open) > 0, "有自然村的道路状况不明")
    answer.say((maybe_gone + maybe_open) > 0, "有自然村人口不明")
    answer.say(answer.measured == "unknown", reason or context.absence(ws, "roads"))
    ids, rank = (
        frame["natural_village_id"].to_numpy(dtype=object),
        context.order(ws, "natural_villages", "natural_village_id"),
    )
    for mask in ((due != 0) & ~connected, (due == 1) & lacks):
        row = first(holder, mask, rank, size)
        answer.evidence[row >= 0] = ids[row[row >= 0]]
    return answer.table()
