"""Lifelines: the roads and bridges whose loss, as in the rainy season, cuts people off, and whom."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from analysis.flows import people_of
from analysis.hardened import HardCore
from analysis.roads import RoadPlan
from analysis.units import make_units
from geo.network import Network, Snaps, snap
from geo.paths import pieces_of
from geo.splits import split
from layers.workspace import Workspace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CRITICAL_COLUMNS = [
    "road_id",
    "bridge_id",
    "length_km",
    "people_cut_off",
    "natural_villages_cut_off",
    "edge",
    "geometry",
]
LIFELINE_COLUMNS = [
    *("road_id", "bridge_id", "links", "length_km", "people_cut_off", "natural_villages_cut_off", "edge", "geometry"),
]
BRIDGE_REACH_M = 30.0  # a bridge point lies at most so far from its road line


def _blank(ws: Workspace) -> gpd.GeoDataFrame:
    held = {name: pd.Series(dtype="object") for name in CRITICAL_COLUMNS[:-1]}
    return gpd.GeoDataFrame(held, geometry=[], crs=ws.crs)[CRITICAL_COLUMNS]


def beyond(network: Network, mask: NDArray[np.bool_], root: Ints, amount: Floats) -> tuple[Ints, Floats]:
    """Find the edges whose loss cuts places off from the root nodes, and how much lies beyond each.

    Parameters
    ----------
    mask
        The edges there are.
    root
        Nodes that count as one place: what is to be reached.
    amount
        One column a measure, one row a node.

    Returns
    -------
    edge, lost
        The only links (bridges of the graph, in the mathematical sense) and the sums beyond them, a row an edge.
    """
    count = len(network.node_xy)
    place = np.arange(1, count + 1)
    place[root] = 0
    used = np.flatnonzero(mask & (place[network.edge_from] != place[network.edge_to]))
    one, two = place[network.edge_from[used]], place[network.edge_to[used]]
    ends, others = np.r_[one, two], np.r_[two, one]
    order = np.argsort(ends, kind="stable")
    begin = np.searchsorted(ends[order], np.arange(count + 2))
    other, via = others[order].tolist(), np.r_[np.arange(len(used)), np.arange(len(used))][order].tolist()
    total = np.zeros((count + 1, amount.shape[1]))
    np.add.at(total, place, amount)
    return _only_links(begin.tolist(), other, via, total, used)


def _only_links(begin: list[int], other: list[int], via: list[int], total: Floats, used: Ints) -> tuple[Ints, Floats]:
    """Walk the graph once from node 0 (Tarjan 1974) and pick the edges that no way round avoids."""
    seen, low = [-1] * (len(begin) - 1), [0] * (len(begin) - 1)
    turn = list(begin)
    seen[0] = clock = 0
    path: list[tuple[int, int]] = [(0, -1)]
    edges: list[int] = []
    sums: list[Floats] = []
    while path:
        node, came = path[-1]
        if turn[node] < begin[node + 1]:
            at = turn[node]
            turn[node] += 1
            if via[at] == came:
                continue
            if seen[other[at]] < 0:
                clock += 1
                seen[other[at]] = low[other[at]] = clock
                path.append((other[at], via[at]))
            else:
                low[node] = min(low[node], seen[other[at]])
            continue
        path.pop()
        if path:
            parent = path[-1][0]
            low[parent] = min(low[parent], low[node])
            total[parent] += total[node]
            if low[node] > seen[parent]:
                edges.append(int(used[came]))
                sums.append(total[node].copy())
    return np.array(edges, np.int64), np.array(sums, np.float64).reshape(-1, total.shape[1])


def _to_core(ws: Workspace, plan: RoadPlan, snap_m: float) -> tuple[Network, Ints, Ints, Ints] | None:
    """Put the villages on the network: it, their nodes, each edge's edge of the core's network, the nodes on the core."""
    points = make_units(ws, "natural_village").points
    if plan.core is None or len(points) == 0 or not plan.core.is_core.any():
        return None
    snaps = snap(plan.core.network, points, max_distance_m=snap_m, edge_mask=plan.core.is_usable)
    network, node, origin = split(plan.core.network, snaps)
    is_core = plan.core.is_core[origin]
    return network, node, origin, np.unique(np.r_[network.edge_from[is_core], network.edge_to[is_core]])


def critical_links(ws: Workspace, plan: RoadPlan, *, snap_m: float) -> gpd.GeoDataFrame:
    """List the roads and bridges whose loss, as in the rainy season, cuts most people off from the hardened core.

    Returns
    -------
    GeoDataFrame
        One row a stretch that has no way round, with the bridges that stand on it, most people first. Roads of any
        surface count as passable; villages farther than `snap_m` from a road are left out. `edge` is its number for
        `cut_off`.
    """
    held = _to_core(ws, plan, snap_m)
    if held is None or plan.core is None:
        return _blank(ws)
    core, (network, node, origin, root) = plan.core, held
    amount = np.zeros((len(network.node_xy), 2))
    near = node >= 0
    np.add.at(amount, node[near], np.column_stack([people_of(ws), np.ones(len(node))])[near])
    edge, lost = beyond(network, core.is_usable[origin], root, amount)
    keep = lost[:, 1] > 0
    edge, lost = edge[keep], lost[keep]
    table = pd.DataFrame(
        {
            "road_id": pd.array(core.road_ids[network.edge_road[edge]], dtype="str"),
            "bridge_id": pd.array(_bridges_on(ws, core, network, edge, origin), dtype="str"),
            "length_km": network.edge_length_mm[edge] / 1e6,
            "people_cut_off": lost[:, 0],
            "natural_villages_cut_off": lost[:, 1].astype(np.int64),
            "edge": edge,
        }
    )
    table = gpd.GeoDataFrame(table, geometry=network.edge_geometry[edge], crs=ws.crs)
    return table.sort_values(
        ["people_cut_off", "natural_villages_cut_off", "road_id"],
        ascending=[False, False, True],
        kind="stable",
        ignore_index=True,
    )


def cut_off(ws: Workspace, plan: RoadPlan, edge: int, *, snap_m: float) -> Ints:
    """List the natural villages, by position, that the loss of a row of `critical_links` cuts off from the core."""
    held = _to_core(ws, plan, snap_m)
    if held is None or plan.core is None:
        return np.empty(0, np.int64)
    network, node, origin, root = held
    usable = plan.core.is_usable[origin]
    before = np.isin(pieces_of(network, usable), pieces_of(network, usable)[root])
    usable[edge] = False
    piece = pieces_of(network, usable)
    lost = np.append(before & ~np.isin(piece, piece[root]), False)  # the last stands for villages far from any road
    return np.flatnonzero(lost[node])


def lifelines(links: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put links in a row, whose loss cuts off the same people, together; most people first.

    Returns
    -------
    GeoDataFrame
        road_id and bridge_id (joined by semicolons), links (how many), length_km, people and natural villages cut off,
        the first link's `edge`, geometry.
    """
    xy = np.round(shapely.get_coordinates(shapely.get_point(links.geometry.to_numpy(), [[0], [-1]]).ravel()), 3)
    loss = np.tile(links[["people_cut_off", "natural_villages_cut_off"]].to_numpy(np.float64), (2, 1))
    place = np.unique(np.column_stack([loss, xy.reshape(-1, 2)]), axis=0, return_inverse=True)[1].ravel()
    count = len(links)
    tie = csr_array((np.ones(count), (place[:count], place[count:])), shape=(len(xy), len(xy)))
    owner = connected_components(tie, directed=False)[1][place[:count]] if count else np.empty(0, np.int64)
    rows = []
    for _, held in links.groupby(owner, sort=False):
        bridges = [name for names in held["bridge_id"] for name in str(names).split(";") if name]
        rows.append(
            {
                "road_id": ";".join(dict.fromkeys(held["road_id"])),
                "bridge_id": ";".join(dict.fromkeys(bridges)),
                "links": len(held),
                "length_km": float(held["length_km"].sum()),
                "people_cut_off": float(held["people_cut_off"].iloc[0]),
                "natural_villages_cut_off": int(held["natural_villages_cut_off"].iloc[0]),
                "edge": int(held["edge"].iloc[0]),
                "geometry": shapely.line_merge(shapely.union_all(held.geometry.to_numpy())),
            }
        )
    table = gpd.GeoDataFrame(pd.DataFrame(rows, columns=LIFELINE_COLUMNS), geometry="geometry", crs=links.crs)
    return table.sort_values(
        ["people_cut_off", "natural_villages_cut_off", "road_id"],
        ascending=[False, False, True],
        kind="stable",
        ignore_index=True,
    )


def _bridges_on(ws: Workspace, core: HardCore, network: Network, edge: Ints, origin: Ints) -> list[str]:
    """Name the bridges that stand on each edge."""
    bridges = ws.get("bridges")
    names: list[list[str]] = [[] for _ in edge]
    if bridges is None or not len(bridges):
        return [""] * len(edge)
    placed = np.flatnonzero(~(bridges.geometry.isna() | bridges.geometry.is_empty).to_numpy())
    xy = shapely.get_coordinates(shapely.point_on_surface(bridges.geometry.to_numpy()[placed]))
    snaps: Snaps = snap(network, xy, max_distance_m=BRIDGE_REACH_M, edge_mask=core.is_usable[origin])
    row_of = {int(number): row for row, number in enumerate(edge)}
    for bridge, on in zip(placed, snaps.edge.tolist(), strict=True):
        if on in row_of:
            names[row_of[on]].append(str(bridges["bridge_id"].iloc[bridge]))
    return [";".join(sorted(held)) for held in names]
