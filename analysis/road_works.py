"""The rest of the road clauses: narrow roads to widen, dangerous bridges, risky stretches without a barrier."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.policy import Policy, value_on
from analysis.surfaces import HARDENED, admin_classes, price, surfaces, usable
from geo.stretches import places_along, stretches
from layers.problem import Problem
from layers.workspace import Workspace

Floats = NDArray[np.float64]
Works = tuple[gpd.GeoDataFrame, list[Problem]]
WIDENING_COLUMNS = [
    *("road_id", "route_code", "name", "town", "admin_class", "length_km", "pavement_width_m", "subgrade_width_m"),
    *("min_pavement_m", "min_subgrade_m", "cost_cny10k", "note", "geometry"),
]
BRIDGE_COLUMNS = [
    *("bridge_id", "name", "route_code", "admin_class", "town", "rating", "length_m", "max_span_m", "deck_width_m"),
    *("span_class", "required_width_m", "area_m2", "subsidy_ceiling_cny10k", "note", "geometry"),
]
SAFETY_COLUMNS = [
    *("road_id", "route_code", "name", "town", "admin_class", "status", "start_km", "end_km", "length_km"),
    *("max_slope_percent", "min_radius_m", "cost_cny10k", "subsidy_ceiling_cny10k", "geometry"),
]
SPAN_CLASSES = (("super_large", 1000.0, 150.0), ("large", 100.0, 40.0), ("medium", 30.0, 20.0), ("small", 8.0, 5.0))
STEP_M = 25.0  # how finely a road is looked at
REACH_M = 50.0  # slope and bend are judged over so much to either side


def _held(policy: Policy, key: str, day: date) -> float:
    value = value_on(policy, key, day)
    return float("nan") if value is None else float(value.amount)


def _empty(columns: list[str], ws: Workspace) -> gpd.GeoDataFrame:
    blank = {name: pd.Series(dtype="object") for name in columns[:-1]}
    return gpd.GeoDataFrame(blank, geometry=[], crs=ws.crs)[columns]


def _column(frame: pd.DataFrame, name: str) -> Any:
    return frame[name].to_numpy() if name in frame else np.full(len(frame), np.nan)


def _number(frame: pd.DataFrame, name: str) -> Floats:
    return np.asarray(pd.to_numeric(frame[name]).to_numpy(np.float64, na_value=np.nan))


def narrow_roads(ws: Workspace, policy: Policy, day: date) -> Works:
    """List hardened roads that are narrower than the policy asks; a road of unknown width is counted, not listed.

    Returns
    -------
    widening, problems
        One row a road whose known pavement or subgrade is below the policy's minimum (a road exactly as wide is
        wide enough). Without minimums in the policy, or roads, the table is empty.
    """
    roads = ws.get("roads")
    least = {name: _held(policy, f"road.min_{name}_m", day) for name in ("pavement", "subgrade")}
    if roads is None or not len(roads) or all(np.isnan(width) for width in least.values()):
        return _empty(WIDENING_COLUMNS, ws), []
    hard = usable(roads) & (surfaces(roads, policy, day) == HARDENED)
    widths = {name: _number(roads, f"{name}_width_m") for name in least}
    is_narrow = hard & np.logical_or(*(widths[name] < least[name] for name in least))
    unsure = hard & ~is_narrow & np.logical_or(*(np.isnan(widths[name]) & ~np.isnan(least[name]) for name in least))
    frame = gpd.GeoDataFrame(roads.loc[is_narrow], crs=ws.crs).reset_index(drop=True)
    frame["admin_class"] = admin_classes(frame)
    frame["length_km"] = frame.geometry.length / 1000
    cost = price(policy, "cost.widening_cny10k_per_km", day)
    frame["cost_cny10k"] = frame["length_km"] * cost
    frame["min_pavement_m"], frame["min_subgrade_m"] = least["pavement"], least["subgrade"]
    frame["note"] = "" if np.isfinite(cost) else "政策没有给出拓宽单位造价，费用待定"
    frame["town"] = _column(frame, "town")
    problems = []
    if unsure.any():
        km = shapely.length(roads.geometry.to_numpy()[unsure]).sum() / 1000
        message = f"{int(unsure.sum())} 段硬化路（{km:.1f} 公里）宽度不明，不能判断是否要拓宽，请补充路面和路基宽度"
        problems.append(Problem("roads", None, "pavement_width_m", message, "warning", "unknown_width"))
    return frame[WIDENING_COLUMNS], problems


def span_class(length_m: float, max_span_m: float) -> str:
    """Class a bridge by its whole length and longest span: super_large, large, medium, small, culvert; blank unknown.

    Source: JTG D60 classes as in domain 2.2 (super large above 1000 m or a span above 150 m; large from 100 m or
    40 m, medium from 30 m or 20 m, small from 8 m or 5 m). The larger class of the two counts; where one figure is
    missing the other decides.

    >>> span_class(1000, 150), span_class(1001, 10), span_class(30, 20), span_class(8, 5), span_class(7, 4)
    ('large', 'super_large', 'medium', 'small', 'culvert')
    """
    if np.isnan(length_m) and np.isnan(max_span_m):
        return ""
    for name, least_length, least_span in SPAN_CLASSES:
        if name == "super_large":
            if length_m > least_length or max_span_m > least_span:
                return name
        elif length_m >= least_length or max_span_m >= least_span:
            return name
    return "culvert"


def dangerous_bridges(ws: Workspace, policy: Policy, day: date) -> Works:
    """List bridges rated dangerous, with the width after rebuilding and the subsidy that may be sought at most.

    Returns
    -------
    bridges, problems
        Ratings from the policy (`bridge.dangerous_ratings`, 4 and 5 when it names none). The subsidy is a ceiling by
        span class times length times deck width, never money in hand. Unrated bridges are counted, not listed.
    """
    bridges = ws.get("bridges")
    if bridges is None or not len(bridges):
        return _empty(BRIDGE_COLUMNS, ws), []
    value = value_on(policy, "bridge.dangerous_ratings", day)
    wanted = {str(rating) for rating in (value.amount if value else (4, 5))}
    rating = (
        bridges["rating"]
        .astype("object")
        .map(lambda text: str(text).removesuffix(".0") if pd.notna(text) else "unknown")
    )
    frame = gpd.GeoDataFrame(bridges.loc[rating.isin(wanted).to_numpy()], crs=ws.crs).reset_index(drop=True)
    frame["rating"] = rating[rating.isin(wanted)].to_numpy()
    frame["admin_class"] = admin_classes(frame)
    county, village = (_held(policy, f"bridge.min_deck_width_{kind}_m", day) for kind in ("county", "village"))
    by_class = frame["admin_class"].map({"X": county, "Y": county, "C": village, "Z": village, "W": village})
    frame["required_width_m"] = by_class.astype("float64")
    length, span, width = (_number(frame, name) for name in ("length_m", "max_span_m", "deck_width_m"))
    frame["span_class"] = [span_class(*pair) for pair in zip(length, span, strict=True)]
    frame["area_m2"] = length * width
    rates = {name: _held(policy, f"bridge.subsidy_cny_per_m2.{name}", day) for name, *_ in SPAN_CLASSES}
    frame["subsidy_ceiling_cny10k"] = frame["area_m2"] * frame["span_class"].map(rates).astype("float64") / 10_000
    frame["note"] = np.where(np.isfinite(frame["subsidy_ceiling_cny10k"]), "补助为可争取的上限，不是已落实的资金", "")
    frame["town"] = _column(frame, "town")
    problems = []
    unrated = int(rating.eq("unknown").sum())
    if unrated:
        message = f"{unrated} 座桥没有技术状况评定，不能判断是否危桥，请补充评定等级"
        problems.append(Problem("bridges", None, "rating", message, "warning", "unknown_rating"))
    return frame[BRIDGE_COLUMNS], problems


def safety_works(ws: Workspace, policy: Policy, day: date, *, dem: Any = None) -> Works:
    """List risky stretches (steep or sharply bent) of road that are not known to have a barrier.

    Parameters
    ----------
    dem
        A raster path, or a function (n,2) places -> elevation in metres; without it only bends are judged.

    Returns
    -------
    safety, problems
        `status` missing (no barrier) or unknown (nobody says). The limits are the policy's
        `safety.min_slope_percent` and `safety.max_radius_m`, both inclusive; without either the table is empty.
    """
    roads = ws.get("roads")
    steep, sharp = _held(policy, "safety.min_slope_percent", day), _held(policy, "safety.max_radius_m", day)
    if roads is None or not len(roads) or (np.isnan(steep) and np.isnan(sharp)):
        return _empty(SAFETY_COLUMNS, ws), []
    barrier = roads["has_safety_barrier"].astype("boolean")
    looked = np.flatnonzero(usable(roads) & ~barrier.fillna(False).to_numpy(bool))
    elevation = _elevation(dem)
    parts, owner = shapely.get_parts(roads.geometry.to_numpy()[looked], return_index=True)
    frame = _risks(parts, elevation, steep, sharp)
    frame["road"] = looked[owner[frame.pop("part")]]
    problems = []
    if elevation is None and not np.isnan(steep):
        message = "没有高程数据，险路只按弯道判断，坡度不明，请补充 dem"
        problems.append(Problem("roads", None, "has_safety_barrier", message, "note", "no_dem"))
    if not len(frame):
        return _empty(SAFETY_COLUMNS, ws), problems
    frame["status"] = np.where(barrier.isna().to_numpy()[frame["road"]], "unknown", "missing")
    for name in ("road_id", "route_code", "name", "town"):
        frame[name] = _column(roads, name)[frame["road"]]
    frame["admin_class"] = admin_classes(roads)[frame["road"]]
    frame["cost_cny10k"] = frame["length_km"] * price(policy, "cost.safety_cny10k_per_km", day)
    frame["subsidy_ceiling_cny10k"] = frame["length_km"] * _held(policy, "subsidy.safety_cny10k_per_km", day)
    return gpd.GeoDataFrame(frame[SAFETY_COLUMNS], geometry="geometry", crs=ws.crs), problems


def _elevation(dem: Any) -> Callable[[Floats], Floats] | None:
    if dem is None or callable(dem):
        return dem  # type: ignore[no-any-return]
    from geo.raster import sample

    return lambda xy: sample(Path(dem), xy)


def _risks(parts: Any, elevation: Callable[[Floats], Floats] | None, steep: float, sharp: float) -> pd.DataFrame:
    """Find the stretches of lines that are too steep or bend too sharply; lines too short to judge are left out."""
    metres = shapely.length(parts)
    count = np.where(metres >= 2 * REACH_M, np.ceil(metres / STEP_M).astype(np.int64) + 1, 0)
    part = np.repeat(np.arange(len(parts)), count)
    turn = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
    length = metres[part]
    at = turn * length / np.maximum(count[part] - 1, 1)
    before, after = np.maximum(at - REACH_M, 0.0), np.minimum(at + REACH_M, length)
    back, here, ahead = (places_along(parts, part, where) for where in (before, at, after))
    radius, slope = _radius(back, here, ahead), np.full(len(at), np.nan)
    if elevation is not None and len(at):
        there, behind = np.split(elevation(np.vstack([ahead, back])), 2)
        slope = np.abs(there - behind) / (after - before) * 100
    is_risky = (slope >= steep) | (radius <= sharp)
    is_last = np.r_[part[1:] != part[:-1], True][: len(part)]
    is_first = np.r_[True, is_last[:-1]][: len(part)]
    start = np.flatnonzero(is_risky & (is_first | ~np.r_[False, is_risky[:-1]][: len(part)]))
    stop = np.flatnonzero(is_risky & (is_last | ~np.r_[is_risky[1:], False][: len(part)]))
    begin, end = np.maximum(at[start] - STEP_M / 2, 0.0), np.minimum(at[stop] + STEP_M / 2, length[start])
    known = np.where(np.isfinite(slope), slope, -np.inf)
    edges = np.column_stack([start, stop + 1]).ravel()  # from each start to just before its stop, and what lies between
    worst = np.maximum.reduceat(np.append(known, -np.inf), edges)[::2] if len(edges) else np.empty(0)
    sharpest = np.minimum.reduceat(np.append(radius, np.inf), edges)[::2] if len(edges) else np.empty(0)
    shapes = stretches(parts[part[start]], begin, end)
    return pd.DataFrame(
        {
            "part": part[start],
            "start_km": begin / 1000,
            "end_km": end / 1000,
            "length_km": (end - begin) / 1000,
            "max_slope_percent": np.where(np.isfinite(worst), worst, np.nan),
            "min_radius_m": sharpest,
            "geometry": shapes,
        }
    )


def _radius(a: Floats, b: Floats, c: Floats) -> Floats:
    """Return the radius of the circle through three places; infinite on a straight."""
    sides = np.hypot(*(b - a).T) * np.hypot(*(c - b).T) * np.hypot(*(c - a).T)
    twice = np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))
    radius = np.full(len(a), np.inf)
    bent = twice > 1e-6 * np.maximum(sides, 1e-9) ** (2 / 3)
    radius[bent] = sides[bent] / (2 * twice[bent])
    return radius
