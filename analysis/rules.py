"""The closed set of rule kinds: has, near, road, share, flag, all. Each measures one need for every unit at once.

The logic of the unknown, everywhere: what is there always counts; what is absent counts only where the layer holds
everything there is on the day; a feature whose deciding attribute is unknown can make an answer unknown, never yes
or no.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.answers import NO, UNKNOWN, YES, Answer, Context, kinds_of, three_way
from analysis.features import Features, choose, distances, select
from analysis.reach import near
from analysis.shares import road, share
from analysis.units import COUNTY, Flags, Ints, Units
from geo.errors import PolicyError
from layers.workspace import Workspace

Rule = Callable[[Units, Workspace, Mapping[str, Any], Context], pd.DataFrame]


def measure(kind: str, units: Units, ws: Workspace, parameters: Mapping[str, Any], context: Context) -> pd.DataFrame:
    """Measure one need for every unit by its rule kind; `all` is combined afterwards, by `all_of`.

    Returns
    -------
    DataFrame
        One row a unit, in its order, columns `answers.MEASURED_COLUMNS`.

    Raises
    ------
    PolicyError
        No such rule kind, or the rule names a column that its layer does not have.

    Examples
    --------
    >>> from datetime import date
    >>> from pyproj import CRS
    >>> from analysis.units import make_units
    >>> ws = Workspace({}, CRS("EPSG:4547"), {}, (), "")
    >>> measure("has", make_units(ws, "county"), ws, {"kind": "clinic"}, Context(date(2018, 1, 1))).loc[0, "note"]
    '没有设施图层'
    """
    rules: Mapping[str, Rule] = {"has": has, "near": near, "road": road, "share": share, "flag": flag}
    if kind not in rules:
        raise PolicyError(f"不认识的规则 {kind}；只能是 {'、'.join(rules)}、all")
    return rules[kind](units, ws, parameters, context)


def has(units: Units, ws: Workspace, parameters: Mapping[str, Any], context: Context) -> pd.DataFrame:
    """Count the features of a kind that belong to each unit or lie in it: enough (at least `min_count`) or not.

    Parameters
    ----------
    parameters
        kind; min_count (1); where (column -> value); layer ("facilities"). Facilities belong by village_id, lines and
        areas to every unit whose polygon they touch.

    Returns
    -------
    DataFrame
        One row a unit, in its order, columns `MEASURED_COLUMNS`.
    """
    layer, kinds = parameters.get("layer", "facilities"), kinds_of(parameters)
    least = float(parameters.get("min_count", 1))
    features = choose(ws, layer, kinds, parameters.get("where"))
    reason = context.absence(ws, layer, kinds)
    of_unit, of_feature, astray = _holdings(units, ws, features, context)
    sure = np.bincount(of_unit[features.is_sure[of_feature]], minlength=len(units))
    perhaps = np.bincount(of_unit[~features.is_sure[of_feature]], minlength=len(units)) + astray
    answer = Answer(len(units), unit="count", threshold=least, layer=layer)
    enough, short = sure >= least, (sure + perhaps < least) & (not reason)
    answer.value[:] = np.where(enough | short | (sure > 0), sure, np.nan)
    answer.measured[enough], answer.measured[short] = YES, NO
    doubt = ~enough & ~short
    _first(answer, features, of_unit, of_feature, features.is_sure, enough)
    _first(answer, features, of_unit, of_feature, ~features.is_sure, doubt)
    answer.say(doubt & (perhaps > 0), "有设施的状态、属性或归属不明，不能断定")
    answer.say(doubt, reason)
    _nearest_note(answer, units, select(features, features.is_sure), short)
    return answer.table()


def _holdings(units: Units, ws: Workspace, features: Features, context: Context) -> tuple[Ints, Ints, Ints]:
    """Pairs (unit, feature), and for each unit how many features that belong to nobody could be its own."""
    astray = np.zeros(len(units), dtype=np.int64)
    nobody = np.empty(0, dtype=np.int64)
    frame = ws.get(features.layer)
    if frame is None or not len(features.ids) or not len(units):
        return nobody, nobody, astray
    is_placed, is_solid = ~shapely.is_missing(features.shapes), shapely.get_type_id(units.shapes) >= 3
    if units.kind == COUNTY:
        return np.zeros(len(features.ids), np.int64), np.arange(len(features.ids), dtype=np.int64), astray
    if features.layer == "facilities" and units.kind != "natural_village":
        owner = context.members(ws, features.layer, units)[features.rows]
        is_free = (owner < 0) & _is_free(frame, units)[features.rows]
        is_lost = is_free if units.kind == "town" else is_free & ~is_placed
        astray += np.where(is_solid, is_lost.sum(), is_free.sum())
        held = np.flatnonzero(owner >= 0).astype(np.int64)
        return owner[held], held, astray
    placed, solid = np.flatnonzero(is_placed), np.flatnonzero(is_solid)
    astray += np.where(is_solid, (~is_placed).sum(), len(features.ids))
    if not len(solid) or not len(placed):
        return nobody, nobody, astray
    tree = shapely.STRtree(features.shapes[placed])
    unit, feature = tree.query(units.shapes[solid], predicate="intersects")
    return solid[unit].astype(np.int64), placed[feature].astype(np.int64), astray


def _is_free(frame: pd.DataFrame, units: Units) -> Flags:
    """Whether a facility names no unit, or a town that shares its name with another."""
    if units.kind != "town":
        return np.asarray(frame["village_id"].isna(), dtype=bool)
    names = units.frame["name"]
    return np.asarray(frame["town"].isna() | frame["town"].isin(names[names.duplicated()]), dtype=bool)


def _first(answer: Answer, features: Features, of_unit: Ints, of_feature: Ints, wanted: Flags, where: Flags) -> None:
    """Name the first wanted feature (by id) of each unit as its evidence."""
    keep = wanted[of_feature]
    lowest = np.full(len(answer.value), len(features.ids), dtype=np.int64)
    np.minimum.at(lowest, of_unit[keep], of_feature[keep])
    found = where & (lowest < len(features.ids))
    answer.evidence[found] = features.ids[lowest[found]]


def _nearest_note(answer: Answer, units: Units, features: Features, mask: Flags) -> None:
    """Where there is none: name the nearest one and its distance, or say that the layer holds none."""
    rows = np.flatnonzero(mask)
    if not len(rows):
        return
    index, metres = distances(units.points[rows], features)
    for row, found, distance in zip(rows, index, metres, strict=True):
        answer.distance_m[row] = distance if np.isfinite(distance) else np.nan
        if found >= 0:
            answer.evidence[row] = features.ids[found]
            answer.note[row] = f"最近的在 {distance:.0f} 米处"
        else:
            answer.note[row] = "没有位置，无法找最近的" if len(features.ids) else "查遍图层，一处也没有"


def flag(units: Units, ws: Workspace, parameters: Mapping[str, Any], _context: Context) -> pd.DataFrame:
    """Read a yes/no column of the villages layer; without a `field` only the registers can answer.

    Examples
    --------
    >>> from datetime import date
    >>> from pyproj import CRS
    >>> from analysis.units import make_units
    >>> ws = Workspace({}, CRS("EPSG:4547"), {}, (), "")
    >>> flag(make_units(ws, "county"), ws, {}, Context(date(2018, 1, 1))).loc[0, ["measured", "note"]].tolist()
    ['unknown', '只看台账']
    """
    field = parameters.get("field")
    answer = Answer(len(units), unit="", threshold=np.nan, layer="villages" if field else "claims")
    frame = ws.get("villages")
    if not field:
        answer.say(np.ones(len(units), dtype=bool), "只看台账")
    elif units.kind != "village" or frame is None:
        answer.say(np.ones(len(units), dtype=bool), "没有行政村图层")
    elif field not in frame:
        raise PolicyError(f"政策规则 flag：行政村图层没有列 {field}；请改正 parameters.field")
    else:
        held = pd.Series(three_way(frame[field]), index=frame["village_id"]).reindex(units.frame["unit_id"]).to_numpy()
        answer.measured[held == 1], answer.measured[held == 0] = YES, NO
        answer.evidence[:] = units.frame["unit_id"].to_numpy(dtype=object)
        answer.say(held == -1, f"{field} 没有填")
    return answer.table()


def all_of(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Combine answers: no if any is no, yes if all are yes, else unknown.

    Examples
    --------
    >>> yes, no, unknown = (np.array([word], dtype=object) for word in ("yes", "no", "unknown"))
    >>> [all_of(parts)[0] for parts in ([yes, yes], [yes, unknown], [unknown, no])]
    ['yes', 'unknown', 'no']
    """
    if not parts:
        raise ValueError("all_of needs at least one part")
    table = np.stack(parts)
    result = np.full(table.shape[1], UNKNOWN, dtype=object)
    result[(table == YES).all(axis=0)] = YES
    result[(table == NO).any(axis=0)] = NO
    return result
