"""What a road is for: a bus within the policy's distance, and lamps along the village's main street."""

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.features import absence, choose
from analysis.policy import Policy, value_on
from analysis.surfaces import usable
from analysis.units import make_units
from geo.nearest import nearest_line, nearest_point
from layers.workspace import Workspace

Flags = NDArray[np.bool_]
BUS_COLUMNS = [
    *("unit_id", "name", "town", "people", "status", "distance_m", "max_distance_m", "facility_id", "note", "geometry"),
]
LAMP_COLUMNS = [
    *("road_id", "village_id", "village", "town", "status", "length_km", "lamps", "max_distance_m", "note", "geometry"),
]
BUS, LAMP = "bus_stop", "street_lamp"
LAMP_NEED = "RD-14"  # the catalogue's number for lamps on main streets


def _empty(columns: list[str], ws: Workspace) -> gpd.GeoDataFrame:
    blank = {name: pd.Series(dtype="object") for name in columns[:-1]}
    return gpd.GeoDataFrame(blank, geometry=[], crs=ws.crs)[columns]


def bus_access(ws: Workspace, policy: Policy, day: date, *, max_age_days: int = 0) -> gpd.GeoDataFrame:
    """Say of every natural village whether a bus stops within the policy's distance.

    Parameters
    ----------
    max_age_days
        How much older than `day` the facilities may be and still prove that there is no stop.

    Returns
    -------
    GeoDataFrame
        One row a natural village with a place: `status` met (a stop surely in service within `bus.max_distance_m`,
        inclusive, in a straight line), gap, or unknown (only a stop of unknown status is near, or the layer proves no
        absence); `distance_m` to the nearest stop surely in service, blank when there is none. Empty where the policy
        gives no distance or there are no natural villages.
    """
    held, units = value_on(policy, "bus.max_distance_m", day), make_units(ws, "natural_village")
    if held is None or not len(units):
        return _empty(BUS_COLUMNS, ws)
    limit, frame = float(held.amount), units.frame
    reason = absence(ws, "facilities", (BUS,), day, max_age_days)
    sure_m, near_m = np.full(len(units), np.inf), np.full(len(units), np.inf)
    stop = np.full(len(units), None, dtype=object)
    placed: Flags = np.asarray(np.isfinite(units.points).all(axis=1), bool)
    if ws.get("facilities") is not None:
        stops = choose(ws, "facilities", [BUS])
        xy = shapely.get_coordinates(shapely.point_on_surface(stops.shapes)) if len(stops.rows) else np.empty((0, 2))
        if stops.is_sure.any():
            nearest, sure_m[placed] = nearest_point(units.points[placed], xy[stops.is_sure])
            stop[placed] = np.asarray(stops.ids)[stops.is_sure][nearest]
        if len(xy):
            near_m[placed] = nearest_point(units.points[placed], xy)[1]
    is_met = sure_m <= limit
    doubt = np.where(near_m <= limit, "附近的停靠点是否在用不明", reason)
    table = pd.DataFrame(
        {
            "unit_id": frame["unit_id"].to_numpy(),
            "name": frame["name"].to_numpy(),
            "town": frame["town"].to_numpy(),
            "people": pd.to_numeric(frame["population"]).to_numpy(np.float64, na_value=np.nan),
            "status": np.where(is_met, "met", np.where(doubt != "", "unknown", "gap")),
            "distance_m": np.where(np.isfinite(sure_m), sure_m, np.nan),
            "max_distance_m": limit,
            "facility_id": stop,
            "note": np.where(is_met, "", doubt),
        }
    )
    points = shapely.points(np.nan_to_num(units.points))
    return gpd.GeoDataFrame(table, geometry=points, crs=ws.crs)[placed].reset_index(drop=True)[BUS_COLUMNS]


def lamps_on_main_streets(ws: Workspace, policy: Policy, day: date, *, max_age_days: int = 0) -> gpd.GeoDataFrame:
    """Say of the main street of every village in scope whether a lamp stands on it.

    No layer says which street is the main one; here it is the usable road nearest to the village's seat, at most
    `hardening.snap_m` away, as far as it lies in the village. The document gives no spacing: one lamp is enough.

    Returns
    -------
    GeoDataFrame
        One row a village in scope of the policy's need (catalogue RD-14) with a street: `status` met (a lamp surely in
        service at most `lamp.max_distance_m` from it, inclusive), gap or unknown; `lamps` counts the sure ones. Empty
        where the policy asks for no lamps.
    """
    need = next((need for need in policy.needs if need.catalogue == LAMP_NEED), None)
    reach, snap = (value_on(policy, key, day) for key in ("lamp.max_distance_m", "hardening.snap_m"))
    roads, units = ws.get("roads"), make_units(ws, "village")
    if need is None or reach is None or snap is None or roads is None or not len(units):
        return _empty(LAMP_COLUMNS, ws)
    rows = np.flatnonzero(np.isfinite(units.points).all(axis=1) & _in_scope(units.frame, need.scope))
    good = np.flatnonzero(usable(roads))
    if not len(rows) or not len(good):
        return _empty(LAMP_COLUMNS, ws)
    lines = roads.geometry.to_numpy()
    which, metres, _ = nearest_line(units.points[rows], lines[good])
    near = (which >= 0) & (metres <= float(snap.amount))
    rows, road = rows[near], good[which[near]]
    streets = np.array(
        [_inside(lines[at], units.shapes[row]) for at, row in zip(road, rows, strict=True)], dtype=object
    )
    sure, some = _lamps(ws, streets, float(reach.amount))
    reason = absence(ws, "facilities", (LAMP,), day, max_age_days)
    doubt = np.where(some > 0, "附近的路灯是否在用不明", reason)
    frame = units.frame.iloc[rows]
    table = pd.DataFrame(
        {
            "road_id": roads["road_id"].to_numpy()[road],
            "village_id": frame["unit_id"].to_numpy(),
            "village": frame["name"].to_numpy(),
            "town": frame["town"].to_numpy(),
            "status": np.where(sure > 0, "met", np.where(doubt != "", "unknown", "gap")),
            "length_km": shapely.length(streets) / 1000,
            "lamps": sure,
            "max_distance_m": float(reach.amount),
            "note": np.where(sure > 0, "", doubt),
        }
    )
    return gpd.GeoDataFrame(table, geometry=streets, crs=ws.crs)[LAMP_COLUMNS]


def _in_scope(frame: pd.DataFrame, scope: tuple[str, ...]) -> Flags:
    if not scope:
        return np.ones(len(frame), bool)
    return np.asarray(frame["list_type"].isin(list(scope)).fillna(False).to_numpy(bool))


def _inside(line: Any, shape: Any) -> Any:
    """Cut a road to its part in the village; the whole road where that leaves nothing."""
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon"):
        return line
    part = shapely.intersection(line, shape)
    return part if not part.is_empty and part.length > 0 else line


def _lamps(ws: Workspace, streets: Any, reach_m: float) -> tuple[Any, Any]:
    """Count the lamps near each street: those surely in service, and those that may be."""
    none = np.zeros(len(streets), np.int64)
    if ws.get("facilities") is None or not len(streets):
        return none, none
    lamps = choose(ws, "facilities", [LAMP])
    if not len(lamps.rows):
        return none, none
    tree = shapely.STRtree(lamps.shapes)
    street, lamp = tree.query(streets, predicate="dwithin", distance=reach_m)
    is_sure = np.asarray(lamps.is_sure, bool)[lamp]
    sure = np.bincount(street[is_sure], minlength=len(streets))
    return sure, np.bincount(street[~is_sure], minlength=len(streets))
