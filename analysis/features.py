"""Which features count, whether their absence says anything, and how far the nearest one is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.units import Flags, Floats, Ints, geometries, points_of
from geo.errors import PolicyError
from geo.nearest import nearest_line, nearest_point
from layers.workspace import Workspace

ID_OF: Mapping[str, str] = {
    "towns": "town_id",
    "villages": "village_id",
    "natural_villages": "natural_village_id",
    "households": "household_id",
    "roads": "road_id",
    "bridges": "bridge_id",
    "facilities": "facility_id",
    "lines": "line_id",
    "service_areas": "area_id",
    "hazards": "hazard_id",
}
LABEL_OF: Mapping[str, str] = {
    "villages": "行政村",
    "natural_villages": "自然村",
    "households": "农户",
    "roads": "道路",
    "facilities": "设施",
    "lines": "管线",
    "service_areas": "服务范围",
    "claims": "台账",
}


@dataclass(frozen=True)
class Features:
    """The features of a layer that count for a rule, in the order of their ids (so that row order never matters).

    `is_sure` says that every deciding attribute of a feature is known and passes; the others may or may not count.
    `rows` is their position in the layer.
    """

    layer: str
    ids: npt.NDArray[Any]
    rows: Ints
    shapes: npt.NDArray[Any]
    is_sure: Flags


def absence(ws: Workspace, layer: str, kinds: Sequence[str], day: date, max_age_days: int = 0) -> str:
    """Say why the absence of a feature proves nothing; empty when it does prove that there is none.

    Parameters
    ----------
    kinds
        The facility, line or area kinds that are asked for; empty for layers without kinds.
    max_age_days
        A layer that describes `day - max_age_days` or later is fresh (inclusive).

    Examples
    --------
    >>> from pyproj import CRS
    >>> absence(Workspace({}, CRS("EPSG:4547"), {}, (), ""), "roads", [], date(2018, 1, 1))
    '没有道路图层'
    """
    label = LABEL_OF.get(layer, layer)
    if ws.get(layer) is None:
        return f"没有{label}图层"
    source = ws.sources.get(layer)
    if source is None:
        return f"{label}图层没有来源记录"
    held: Mapping[str, tuple[date, bool]] = getattr(source, "kinds", {}) or {}
    for kind in kinds if held else ():
        if kind not in held:
            return f"{label}图层没有收到过 {kind} 类数据"
        reason = _weakness(f"{label}图层（{kind}）", *held[kind], day, max_age_days)
        if reason:
            return reason
    if held and kinds:
        return ""
    return _weakness(f"{label}图层", source.as_of, source.is_partial, day, max_age_days)


def is_stale(note: object) -> bool:
    """Tell from a finding's note whether a layer it would need is older than the day.

    >>> is_stale("设施图层（clinic）截至 2018-06-30，早于 2019-06-30"), is_stale("最近的在 820 米处"), is_stale(None)
    (True, False, False)
    """
    return isinstance(note, str) and re.search(r"截至 \d{4}-\d\d-\d\d，早于 \d{4}-\d\d-\d\d", note) is not None


def _weakness(what: str, as_of: date, is_partial: bool, day: date, max_age_days: int) -> str:
    if is_partial:
        return f"{what}只有部分数据"
    if as_of + timedelta(days=max_age_days) < day:
        return f"{what}截至 {as_of}，早于 {day}"
    return ""


def known(values: pd.Series) -> Flags:
    """Say which values are known: neither missing nor the word "unknown".

    Examples
    --------
    >>> known(pd.Series(["asphalt", "unknown", None])).tolist()
    [True, False, False]
    """
    return np.asarray(values.notna() & (values.astype(object) != "unknown"), dtype=bool)


def choose(
    ws: Workspace, layer: str, kinds: Sequence[str], where: Mapping[str, Any] | None = None, *, need: str = ""
) -> Features:
    """Pick the features of some kinds that are in service and pass the conditions, surely or perhaps.

    Parameters
    ----------
    kinds
        Empty for every kind.
    where
        Column -> the value it must have, or a list of values. A feature with another value is left out; one whose
        value is unknown is kept, not sure. Planned, broken, duplicate and abandoned features are left out.

    Raises
    ------
    PolicyError
        The layer has no such column.

    Examples
    --------
    >>> from pyproj import CRS
    >>> frame = pd.DataFrame({"facility_id": ["b", "a", "c"], "kind": ["clinic", "clinic", "school"],
    ...                       "status": ["in_service", "unknown", "in_service"]})
    >>> chosen = choose(Workspace({"facilities": frame}, CRS("EPSG:4547"), {}, (), ""), "facilities", ["clinic"])
    >>> chosen.ids.tolist(), chosen.is_sure.tolist()
    (['a', 'b'], [False, True])
    """
    frame = ws.get(layer)
    if frame is None or not len(frame):
        return Features(layer, np.empty(0, object), np.empty(0, np.int64), np.empty(0, object), np.empty(0, bool))
    may, sure = np.ones(len(frame), dtype=bool), np.ones(len(frame), dtype=bool)
    for column, wanted in _conditions(frame, layer, kinds, where or {}, need):
        values = frame[column]
        is_known = known(values)
        passes = np.asarray(values.isin(wanted).fillna(False), dtype=bool)
        may &= passes | ~is_known
        sure &= passes & is_known
    rows = np.flatnonzero(may)
    ids = frame[ID_OF[layer]].to_numpy(dtype=object)[rows]
    order = np.argsort(ids.astype(str), kind="stable")
    rows = rows[order].astype(np.int64)
    return Features(layer, ids[order], rows, geometries(frame)[rows], sure[rows])


def _conditions(
    frame: pd.DataFrame, layer: str, kinds: Sequence[str], where: Mapping[str, Any], need: str
) -> list[tuple[str, list[Any]]]:
    conditions: list[tuple[str, list[Any]]] = [("kind", list(kinds))] if kinds else []
    if "status" in frame and layer in ("facilities", "lines"):
        conditions.append(("status", ["in_service"]))
    for column, wanted in where.items():
        conditions.append((column, list(wanted) if isinstance(wanted, list | tuple) else [wanted]))
    for column, _ in conditions:
        if column not in frame:
            raise PolicyError(f"政策条目 {need}：{LABEL_OF.get(layer, layer)}图层没有列 {column}；请改正 parameters")
    return conditions


def select(features: Features, mask: Flags) -> Features:
    """Keep the features of a mask.

    Examples
    --------
    >>> two = Features("roads", np.array(["a", "b"], object), np.arange(2), np.full(2, None), np.ones(2, bool))
    >>> select(two, np.array([False, True])).ids.tolist()
    ['b']
    """
    return Features(
        features.layer, features.ids[mask], features.rows[mask], features.shapes[mask], features.is_sure[mask]
    )


def distances(points: Floats, features: Features) -> tuple[Ints, Floats]:
    """Find the nearest feature of every point, in a straight line.

    Parameters
    ----------
    points
        (n, 2) in metres, the features' CRS. NaN = no place.

    Returns
    -------
    index, distance_m
        Position among the features and metres to the millimetre; -1 and inf where there is no feature or no place.
        A point on a line or inside a polygon is at 0.

    Examples
    --------
    >>> one = Features("lines", np.array(["a"], object), np.arange(1),
    ...                np.array([shapely.Point(3, 4)], object), np.ones(1, bool))
    >>> index, metres = distances(np.array([[0.0, 0.0], [np.nan, 0.0]]), one)
    >>> index.tolist(), metres.tolist()
    ([0, -1], [5.0, inf])
    """
    index = np.full(len(points), -1, dtype=np.int64)
    metres = np.full(len(points), np.inf)
    placed = np.flatnonzero(np.isfinite(points).all(axis=1))
    kept = np.flatnonzero(~shapely.is_missing(features.shapes))
    if not len(placed) or not len(kept):
        return index, metres
    found, distance = _nearest(points[placed], features.shapes[kept])
    index[placed] = np.where(found >= 0, kept[found], -1)
    metres[placed] = np.round(distance, 3)
    return index, metres


def _nearest(points: Floats, shapes: npt.NDArray[Any]) -> tuple[Ints, Floats]:
    kinds = shapely.get_type_id(shapes)
    if (kinds == 0).all():
        return nearest_point(points, points_of(shapes))
    if np.isin(kinds, (1, 2, 5)).all():
        index, distance, _ = nearest_line(points, shapes)
        return index, distance
    tree = shapely.STRtree(shapes)
    (rows, found), distance = tree.query_nearest(shapely.points(points), return_distance=True, all_matches=True)
    index, metres = np.full(len(points), len(shapes), dtype=np.int64), np.full(len(points), np.inf)
    np.minimum.at(index, rows, found)
    metres[rows] = distance
    return index, metres
