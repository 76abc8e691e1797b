"""The rule `near`: how far the nearest feature is, from a unit or from its households."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from analysis.answers import NO, UNKNOWN, YES, Answer, Context, count, kinds_of
from analysis.features import Features, choose, distances, select
from analysis.shares import judge_share, unlisted
from analysis.units import Flags, Floats, Ints, Units, points_of
from geo.nearest import containing
from layers.workspace import Workspace


def near(units: Units, ws: Workspace, parameters: Mapping[str, Any], context: Context) -> pd.DataFrame:
    """Measure the distance to the nearest feature: at most `max_distance_m` (inclusive) or not.

    Parameters
    ----------
    parameters
        kind or layer (facilities, lines, service_areas, roads); max_distance_m; by ("straight", "network"); where;
        of = "households" with min_share: the share of a unit's households within reach; max_vertical_m: also at most
        so many metres higher or lower, where there is a terrain.

    Returns
    -------
    DataFrame
        One row a unit, in its order, columns `MEASURED_COLUMNS`. The households columns count the households of the
        unit within reach, those for which that is known, and all; NaN without a household layer.

    Examples
    --------
    >>> from datetime import date
    >>> from pyproj import CRS
    >>> from analysis.units import make_units
    >>> ws = Workspace({}, CRS("EPSG:4547"), {}, (), "")
    >>> answer = near(make_units(ws, "county"), ws, {"kind": "clinic", "max_distance_m": 5}, Context(date(2018, 1, 1)))
    >>> answer.loc[0, ["measured", "note"]].tolist()
    ['unknown', '单元没有位置；没有设施图层']
    """
    layer, kinds = parameters.get("layer", "facilities"), kinds_of(parameters)
    features = _counting(ws, layer, kinds, parameters)
    reasons = context.absence(ws, layer, kinds), context.absence(ws, "roads")
    reach = _Reach(features, float(parameters["max_distance_m"]), parameters, context, *reasons)
    holder = np.empty(0, dtype=np.int64)
    homes = None
    if ws.get("households") is not None:
        everyone = context.members(ws, "households", units)
        rows = np.flatnonzero(everyone >= 0)
        holder = everyone[rows]
        homes = reach.of(context.points(ws, "households")[rows], is_measured=False)
    if parameters.get("of") == "households":
        answer = _near_share(units, ws, context, holder, homes, float(parameters.get("min_share", 1.0)), layer)
    else:
        answer = _near_units(units, reach.of(units.points), features, reach.most, layer)
    doubt = answer.measured == UNKNOWN
    answer.say(doubt, reasons[0])
    answer.say(doubt, reasons[1] if reach.is_by_road else "")
    if parameters.get("max_vertical_m") is not None and context.elevation_m is None:
        answer.say(np.ones(len(units), dtype=bool), "没有高程，未检验高差")
    if homes is not None:
        answer.reach[:, 0] = count(holder, homes.within, len(units))
        answer.reach[:, 1] = count(holder, homes.within | homes.beyond, len(units))
        answer.reach[:, 2] = count(holder, None, len(units))
    return answer.table()


def _counting(ws: Workspace, layer: str, kinds: Sequence[str], parameters: Mapping[str, Any]) -> Features:
    features = choose(ws, layer, kinds, parameters.get("where"))
    frame = ws.get(layer)
    if layer != "roads" or frame is None or "is_duplicate" not in frame:
        return features
    counts = ~np.asarray(frame["is_duplicate"].fillna(False), dtype=bool)
    return select(features, counts[features.rows])


@dataclass(frozen=True)
class _Found:
    within: Flags
    beyond: Flags
    index: Ints
    metres: Floats
    placed: Flags


@dataclass(frozen=True)
class _Reach:
    """Which places lie within reach of a feature: surely (within), surely not (beyond), or neither."""

    features: Features
    most: float
    parameters: Mapping[str, Any]
    context: Context
    reason: str
    road_reason: str

    @property
    def is_by_road(self) -> bool:
        return self.parameters.get("by") == "network"

    def of(self, points: Floats, *, is_measured: bool = True) -> _Found:
        """Judge places, (n, 2) in metres; unmeasured, a place that no area covers may stay without its distance."""
        placed = np.asarray(np.isfinite(points).all(axis=1), dtype=bool)
        sure = np.flatnonzero(self.features.is_sure)
        index, metres = self._way(points, select(self.features, self.features.is_sure), is_measured)
        index = np.where(index >= 0, sure[index] if len(sure) else -1, -1)
        within = (metres <= self.most) & self._level(points, index)
        possible = within
        if not self.features.is_sure.all():
            any_index, any_metres = self._way(points, self.features, is_measured)
            possible = within | ((any_metres <= self.most) & self._level(points, any_index))
        is_lost = bool(shapely.is_missing(self.features.shapes).any())
        beyond: Flags = placed & ~possible & np.full(len(points), not self.reason and not is_lost)
        if self.is_by_road and (self.road_reason or self.context.by_road is None):
            beyond &= distances(points, self.features)[1] > self.most
        return _Found(within, beyond, index, metres, placed)

    def _way(self, points: Floats, features: Features, is_measured: bool) -> tuple[Ints, Floats]:
        if not self.is_by_road:
            if self.most == 0 and not is_measured and (shapely.get_type_id(features.shapes) >= 3).all():
                index = containing(points, features.shapes)
                return index, np.where(index >= 0, 0.0, np.inf)
            return distances(points, features)
        if self.context.by_road is None:
            return np.full(len(points), -1, dtype=np.int64), np.full(len(points), np.inf)
        return self.context.by_road(points, features)

    def _level(self, points: Floats, index: Ints) -> Flags:
        most = self.parameters.get("max_vertical_m")
        result = np.ones(len(points), dtype=bool)
        if most is None or self.context.elevation_m is None:
            return result
        found = np.flatnonzero(index >= 0)
        here = self.context.elevation_m(points[found])
        there = self.context.elevation_m(points_of(self.features.shapes)[index[found]])
        drop = np.abs(here - there)
        result[found] = (drop <= float(most)) | ~np.isfinite(drop)
        return result


def _near_units(units: Units, found: _Found, features: Features, most: float, layer: str) -> Answer:
    answer = Answer(len(units), unit="m", threshold=most, layer=layer)
    answer.measured[found.within], answer.measured[found.beyond] = YES, NO
    answer.value[:] = answer.distance_m[:] = np.where(np.isfinite(found.metres), found.metres, np.nan)
    named = found.index >= 0
    answer.evidence[named] = features.ids[found.index[named]]
    doubt = ~found.within & ~found.beyond
    answer.say(doubt & ~found.placed, "单元没有位置")
    answer.say(doubt & found.placed & (not features.is_sure.all()), "有设施的状态、属性不明，不能断定")
    answer.say(doubt & found.placed & shapely.is_missing(features.shapes).any(), "有设施没有位置，不能断定")
    answer.say(found.beyond & ~named, "查遍图层，没有可到达的")
    return answer


def _near_share(
    units: Units, ws: Workspace, context: Context, holder: Ints, homes: _Found | None, least: float, layer: str
) -> Answer:
    answer = Answer(len(units), unit="share", threshold=least, layer=layer)
    if homes is None:
        answer.say(np.ones(len(units), dtype=bool), "没有农户图层")
        return answer
    judge_share(answer, holder, homes.within, homes.beyond, least, unlisted(ws, "households", units, context))
    return answer
