"""Drawn road counties of a wished size: a grid of lanes with gaps, a few hardened roads, villages beside the lanes."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from analysis.policy import Policy, Value
from analysis.roads import RoadPlan, natural_villages
from layers.workspace import Source, Workspace

DAY = date(2018, 6, 30)
METRIC = CRS("EPSG:4547")
SIZES = {200: 21, 1_000: 47, 2_000: 66, 20_000: 210}  # candidates wished -> junctions along one side
STEP_M = 900.0
MAIN_EVERY = 20
FIGURES = {
    "hardening.min_population": 200,
    "hardening.surfaces": ["asphalt", "concrete"],
    "hardening.snap_m": 500,
    "hardening.detour_factor": 1.5,
    "cost.hardening_cny10k_per_km": 60,
    "cost.new_road_cny10k_per_km": 100,
}


def drawn_policy() -> Policy:
    """Give the few figures a road plan needs."""
    values = {key: (Value(date(2016, 1, 1), amount, "", ""),) for key, amount in FIGURES.items()}
    return Policy("drawn", "", "", values, ())


def drawn_workspace(candidates: int, *, seed: int = 1) -> Workspace:
    """Draw a county that has about so many natural villages due and not connected (a size of `SIZES`)."""
    side, rng = SIZES[candidates], np.random.default_rng(seed)
    places = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1).astype(float)
    places = places * STEP_M + rng.uniform(-0.3, 0.3, places.shape) * STEP_M
    across = np.stack([places[:-1], places[1:]], -2).reshape(-1, 2, 2)
    along = np.stack([places[:, :-1], places[:, 1:]], -2).reshape(-1, 2, 2)
    row = np.repeat(np.arange(side)[:, None], side - 1, 1).ravel() % MAIN_EVERY == MAIN_EVERY // 2
    lines = np.vstack([across, along])
    is_main = np.r_[np.zeros(len(across), bool), row]
    keep = is_main | (rng.random(len(lines)) < 0.72)
    lines, is_main = lines[keep], is_main[keep]
    count = len(lines)
    middle = lines.mean(axis=1) + rng.uniform(-0.15, 0.15, (count, 2)) * STEP_M
    bent = np.stack([lines[:, 0], middle, lines[:, 1]], axis=1)
    surface = np.where(is_main, "asphalt", rng.choice(["earth", "gravel", "concrete"], count, p=[0.5, 0.42, 0.08]))
    blank = {name: pd.array([None] * count, dtype="str") for name in ("route_code", "name", "technical_grade", "town")}
    numbers = {name: np.full(count, np.nan) for name in ("pavement_width_m", "subgrade_width_m", "built_year")}
    flags = {
        name: pd.array([None] * count, dtype="boolean")
        for name in ("has_safety_barrier", "is_duplicate", "is_dead_end")
    }
    roads = gpd.GeoDataFrame(
        {
            "road_id": pd.array([f"R{number:06d}" for number in range(count)], dtype="str"),
            "surface": pd.array(surface, dtype="str"),
            "admin_class": pd.array(np.where(is_main, "X", "C"), dtype="str"),
            **blank,
            **numbers,
            **flags,
        },
        geometry=shapely.linestrings(bent),
        crs=METRIC,
    )
    return _with_villages(roads, lines[~is_main], side, rng)


def _with_villages(roads: gpd.GeoDataFrame, lanes: np.ndarray, side: int, rng: np.random.Generator) -> Workspace:
    """Set villages beside the lanes: small ones many, large ones few, as populations are."""
    number = int(0.68 * side * side)
    lane = rng.integers(0, len(lanes), number)
    share = rng.uniform(0.1, 0.9, (number, 1))
    xy = lanes[lane, 0] * share + lanes[lane, 1] * (1 - share) + rng.normal(0, 60, (number, 2))
    people = np.maximum(20, np.round(rng.lognormal(5.6, 0.7, number)))
    villages = gpd.GeoDataFrame(
        {
            "natural_village_id": pd.array([f"N{row:06d}" for row in range(number)], dtype="str"),
            "name": pd.array([f"自然村{row}" for row in range(number)], dtype="str"),
            "village_id": pd.array([f"V{row // 8}" for row in range(number)], dtype="str"),
            "town": pd.array(
                [f"T{int(x) * 3}{int(y) * 3}" for x, y in np.clip(xy / (side * STEP_M), 0, 0.999) * 3], dtype="str"
            ),
            "population": people,
            "households": np.full(number, np.nan),
            "poor_population": np.floor(people * rng.beta(1, 6, number)),
        },
        geometry=shapely.points(xy),
        crs=METRIC,
    )
    layers = {"roads": roads, "natural_villages": villages}
    sources = {name: Source(name, "d", f"{name}.shp", DAY, False, len(frame)) for name, frame in layers.items()}
    return Workspace(layers, METRIC, sources, (), f"drawn-{side}")


def drawn_plan(candidates: int, *, seed: int = 1) -> RoadPlan:
    """Make the road plan of a drawn county."""
    return natural_villages(drawn_workspace(candidates, seed=seed), drawn_policy(), DAY)
