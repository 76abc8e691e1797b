"""The stretches of unhardened road that candidates need: who depends on each, how long it is, what it costs."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.hardened import HardCore, States, missing_edges
from analysis.surfaces import UNKNOWN
from layers.workspace import Workspace

Ints = NDArray[np.int64]
SEGMENT_COLUMNS = [
    *("segment_id", "road_id", "length_km", "surface", "people", "poor_people", "natural_village_ids", "cost_cny10k"),
    *("route_code", "name", "town", "admin_class", "technical_grade", "pavement_width_m", "subgrade_width_m"),
    *("start_km", "end_km", "geometry"),
]
ROAD_COLUMNS = ["route_code", "name", "town", "admin_class", "technical_grade", "pavement_width_m", "subgrade_width_m"]


def make_segments(
    ws: Workspace,
    core: HardCore | None,
    states: States | None,
    table: pd.DataFrame,
    rows: Ints,
    prices: Mapping[str, float],
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Gather the edges the candidates need into stretches of one road that the same villages depend on.

    Parameters
    ----------
    table
        Natural villages; `rows` are the positions of the candidates.

    Returns
    -------
    segments, table
        Segments in the order of their road and along it, and the table with `segment_ids` and `shared_with`. A
        stretch is named after its road, with #1, #2 … where a road has several. `people` is blank where a population
        is; the cost of a stretch of unknown surface is blank.
    """
    ids = table["natural_village_id"].astype("object").to_numpy()
    if core is None or states is None:
        position = edge = np.empty(0, np.int64)
    else:
        position, edge = missing_edges(core, states, rows)
    if core is None or states is None or len(edge) == 0:
        blank = pd.Series("", index=table.index, dtype="str")
        return _no_segments(ws), table.assign(segment_ids=blank, shared_with=blank)
    held = _stretches(states, rows[position], edge)
    frame = _measured(ws, core, states, held, table, prices)
    segment_ids: dict[int, list[str]] = {}
    widest: dict[int, tuple[int, ...]] = {}
    for segment_id, users in zip(frame["segment_id"], frame.pop("users"), strict=True):
        for row in users:
            segment_ids.setdefault(row, []).append(segment_id)
            if len(users) > len(widest.get(row, ())):
                widest[row] = users
    listed = [";".join(segment_ids.get(row, [])) for row in range(len(table))]
    others = _shared_with(widest, ids, len(table))
    table = table.assign(segment_ids=pd.array(listed, dtype="str"), shared_with=pd.array(others, dtype="str"))
    return gpd.GeoDataFrame(frame[SEGMENT_COLUMNS], geometry="geometry", crs=ws.crs), table


def _shared_with(widest: Mapping[int, tuple[int, ...]], ids: NDArray[Any], count: int) -> list[str]:
    """Name the other villages on each one's way: those of its most used stretch.

    The ways are a forest that grows towards the core, so whoever joins a way shares all that lies beyond; the most
    used stretch has met everybody.
    """
    others = [""] * count
    named: dict[tuple[int, ...], list[tuple[str, int]]] = {}
    for row, users in widest.items():
        if users not in named:
            named[users] = sorted((str(ids[user]), user) for user in users)
        others[row] = ";".join(name for name, user in named[users] if user != row)
    return others


def _no_segments(ws: Workspace) -> gpd.GeoDataFrame:
    blank = {name: pd.Series(dtype="object") for name in SEGMENT_COLUMNS[:-1]}
    return gpd.GeoDataFrame(blank, geometry=[], crs=ws.crs)[SEGMENT_COLUMNS]


def _stretches(states: States, village: Ints, edge: Ints) -> list[tuple[int, tuple[int, ...], Ints]]:
    """Group edges by road and by the villages that need them -> road position, villages, edges."""
    order = np.lexsort((village, edge))
    village, edge = village[order], edge[order]
    used, begin = np.unique(edge, return_index=True)
    groups: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for number, users in zip(used.tolist(), np.split(village, begin[1:]), strict=True):
        key = (int(states.network.edge_road[number]), tuple(users.tolist()))
        groups.setdefault(key, []).append(number)
    return [(road, users, np.array(edges, np.int64)) for (road, users), edges in groups.items()]


def _measured(
    ws: Workspace,
    core: HardCore,
    states: States,
    held: list[tuple[int, tuple[int, ...], Ints]],
    table: pd.DataFrame,
    prices: Mapping[str, float],
) -> pd.DataFrame:
    """Lay out one row a stretch, in the order of the roads and along them."""
    roads, network = ws.layers["roads"], states.network
    ids = table["natural_village_id"].astype("object").to_numpy()
    edges = np.concatenate([edges for _, _, edges in held])
    owner = np.repeat(np.arange(len(held)), [len(edges) for _, _, edges in held])
    shapes = network.edge_geometry[edges]
    lines = roads.geometry.to_numpy()[network.edge_road[edges]]
    ends = np.vstack([shapely.line_locate_point(lines, shapely.get_point(shapes, end)) for end in (0, -1)]) / 1000
    start, stop = np.full(len(held), np.inf), np.zeros(len(held))
    np.minimum.at(start, owner, ends.min(axis=0))
    np.maximum.at(stop, owner, ends.max(axis=0))
    drawn = shapely.line_merge(shapely.multilinestrings(shapes, indices=owner))
    length_mm = np.bincount(owner, weights=network.edge_length_mm[edges].astype(np.float64))
    people = {
        name: pd.to_numeric(table[name]).to_numpy(np.float64, na_value=np.nan)
        for name in ("population", "poor_population")
    }
    groups = {users: ";".join(sorted(str(ids[user]) for user in users)) for users in {users for _, users, _ in held}}
    sums = {users: [people[name][list(users)].sum() for name in people] for users in groups}
    frame = pd.DataFrame(
        {
            "road": [road for road, _, _ in held],
            "users": [users for _, users, _ in held],
            "length_km": length_mm / 1e6,
            "people": [sums[users][0] for _, users, _ in held],
            "poor_people": [sums[users][1] for _, users, _ in held],
            "natural_village_ids": [groups[users] for _, users, _ in held],
            "is_unknown": np.bincount(owner, weights=core.surface[states.origin[edges]] == UNKNOWN) > 0,
            "start_km": start,
            "end_km": stop,
            "geometry": drawn,
        }
    ).sort_values(["road", "start_km", "end_km"], kind="stable", ignore_index=True)
    road = frame["road"].to_numpy(np.int64)
    for name in ["road_id", "surface", *ROAD_COLUMNS]:
        frame[name] = roads[name].iloc[road].to_numpy() if name in roads else np.nan
    turn, turns = frame.groupby("road").cumcount() + 1, frame.groupby("road")["road"].transform("size")
    named = frame["road_id"].astype("object").astype(str)
    frame["segment_id"] = named.where(turns == 1, named + "#" + turn.astype(str))
    frame["cost_cny10k"] = np.where(frame["is_unknown"], np.nan, frame["length_km"] * prices["hardening"])
    return frame


def whole_cost(segments: pd.DataFrame, new_km: float, new_road_cny10k_per_km: float) -> tuple[float, bool]:
    """Add up what all candidates need by their own least ways, shared segments once, in 万元; a joint network costs less.

    Parameters
    ----------
    segments
        `make_segments` of those that are asked about; blank costs are left out.
    new_km
        New road of the same natural villages; nobody shares it.
    new_road_cny10k_per_km
        NaN when the policy gives no price.

    Returns
    -------
    cost_cny10k, is_open
        NaN when nothing could be priced; open when something could not, so that the cost is the least it can be.

    Examples
    --------
    >>> whole_cost(pd.DataFrame({"cost_cny10k": [60.0, None]}), 0.5, 100.0)
    (110.0, True)

    """
    known, has_blank = segments["cost_cny10k"].sum(min_count=1), bool(segments["cost_cny10k"].isna().any())
    has_new, has_price = new_km > 0, not np.isnan(new_road_cny10k_per_km)
    cost = np.nansum([known, new_km * new_road_cny10k_per_km]) if has_new and has_price else known
    return float(cost), has_blank or (has_new and not has_price)
