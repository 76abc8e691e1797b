"""The stretches of unhardened road that candidates need: who depends on each, how long it is, what it costs."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.hardened import UNKNOWN, HardCore, States, missing_edges
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
    shared: dict[int, set[int]] = {}
    for segment_id, users in zip(frame["segment_id"], frame.pop("users"), strict=True):
        for row in users:
            segment_ids.setdefault(row, []).append(segment_id)
            shared.setdefault(row, set()).update(users)
    listed = [";".join(segment_ids.get(row, [])) for row in range(len(table))]
    others = [";".join(sorted(str(ids[user]) for user in shared.get(row, set()) - {row})) for row in range(len(table))]
    table = table.assign(segment_ids=pd.array(listed, dtype="str"), shared_with=pd.array(others, dtype="str"))
    return gpd.GeoDataFrame(frame[SEGMENT_COLUMNS], geometry="geometry", crs=ws.crs), table


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
    numbers = {
        name: pd.to_numeric(table[name]).to_numpy(np.float64, na_value=np.nan)
        for name in ("population", "poor_population")
    }
    rows = []
    for road, users, edges in held:
        shapes = network.edge_geometry[edges]
        line = roads.geometry.iloc[road]
        ends = shapely.line_locate_point(line, np.r_[shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)])
        who = list(users)
        rows.append(
            {
                "road": road,
                "users": users,
                "length_km": int(network.edge_length_mm[edges].sum(dtype=np.int64)) / 1e6,
                "people": numbers["population"][who].sum(),
                "poor_people": numbers["poor_population"][who].sum(),
                "natural_village_ids": ";".join(sorted(str(ids[user]) for user in users)),
                "is_unknown": bool((core.surface[states.origin[edges]] == UNKNOWN).any()),
                "start_km": float(ends.min()) / 1000,
                "end_km": float(ends.max()) / 1000,
                "geometry": shapely.line_merge(shapely.multilinestrings(shapes)) if len(shapes) > 1 else shapes[0],
            }
        )
    names = [
        "road",
        "users",
        "length_km",
        "people",
        "poor_people",
        "natural_village_ids",
        "is_unknown",
        "start_km",
        "end_km",
        "geometry",
    ]
    frame = pd.DataFrame(rows, columns=names).sort_values(
        ["road", "start_km", "end_km"], kind="stable", ignore_index=True
    )
    road = frame["road"].to_numpy(np.int64)
    for name in ["road_id", "surface", *ROAD_COLUMNS]:
        frame[name] = roads[name].iloc[road].to_numpy() if name in roads else np.nan
    turn, turns = frame.groupby("road").cumcount() + 1, frame.groupby("road")["road"].transform("size")
    named = frame["road_id"].astype("object").astype(str)
    frame["segment_id"] = named.where(turns == 1, named + "#" + turn.astype(str))
    frame["cost_cny10k"] = np.where(frame["is_unknown"], np.nan, frame["length_km"] * prices["hardening"])
    return frame
