"""Who uses which road: people over every segment on their way to a service, and who is cut off when one is lost."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.features import choose, select
from analysis.hardened import HardCore
from analysis.roads import RoadPlan
from analysis.surfaces import HARDENED, UNKNOWN
from analysis.units import make_units
from geo.network import Network, Snaps, snap, split
from geo.paths import Ways, pieces_of, ways
from layers.workspace import Workspace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TRACE_COLUMNS = ["road_id", "surface", "is_hardened", "length_km", "people", "natural_villages", "geometry"]
CRITICAL_COLUMNS = ["road_id", "bridge_id", "length_km", "people_cut_off", "natural_villages_cut_off", "geometry"]
BRIDGE_REACH_M = 30.0  # a bridge point lies at most so far from its road line


def flow(found: Ways, node: Ints, amount: Floats) -> tuple[Floats, int]:
    """Add up what passes over every edge when each node sends its amount along its way to the source.

    Returns
    -------
    over_node, lost
        For every node what passes over the edge that leads from it towards its source; and how many of the nodes
        reach no source.
    """
    over = np.zeros(len(found.first_mm))
    reached = (node >= 0) & np.isfinite(found.first_mm[node])
    np.add.at(over, node[reached], amount[reached])
    order = np.lexsort((found.then_mm, found.first_mm))[::-1]
    for here in order[found.before[order] >= 0].tolist():  # farthest first
        over[found.before[here]] += over[here]
    return over, int((~reached).sum())


def _people(ws: Workspace) -> Floats:
    """Return the people of every natural village, blanks as nobody."""
    frame = ws.layers["natural_villages"]
    return np.asarray(np.nan_to_num(pd.to_numeric(frame["population"]).to_numpy(np.float64, na_value=np.nan)))


def trace(ws: Workspace, plan: RoadPlan, service: str, *, snap_m: float) -> gpd.GeoDataFrame:
    """Show how many people pass over each road on their shortest way to a service.

    Parameters
    ----------
    service
        A facility kind; only facilities surely in service count.
    snap_m
        How far a village or facility may be from its road (inclusive).

    Returns
    -------
    GeoDataFrame
        One row a stretch of one road with the same people, most people first; `is_hardened` is blank where the
        surface is unknown. Villages that reach no such facility are in `attrs["not_reached"]`. A village of unknown
        population counts as a village without people.
    """
    points = make_units(ws, "natural_village").points
    chosen = choose(ws, "facilities", [service]) if ws.get("facilities") is not None else None
    if plan.core is None or chosen is None or len(points) == 0:
        return _blank(TRACE_COLUMNS, ws)
    sure = select(chosen, chosen.is_sure)
    goals = shapely.get_coordinates(shapely.point_on_surface(ws.layers["facilities"].geometry.to_numpy()[sure.rows]))
    both = snap(plan.core.network, np.vstack([points, goals]), max_distance_m=snap_m, edge_mask=plan.core.is_usable)
    network, node, origin = split(plan.core.network, both)
    length = np.where(plan.core.is_usable[origin], network.edge_length_mm, np.inf)
    home, work = node[: len(points)], node[len(points) :]
    found = ways(network, first_mm=length, then_mm=length, sources=work[work >= 0])
    people, lost = flow(found, home, _people(ws))
    heads, _ = flow(found, home, np.ones(len(points)))
    here = np.flatnonzero((heads > 0) & (found.edge >= 0))
    table = _drawn(ws, plan.core, network, found.edge[here], people[here], heads[here], origin)
    table.attrs["not_reached"] = lost
    return table


def _drawn(
    ws: Workspace, core: HardCore, network: Network, edge: Ints, people: Floats, heads: Floats, origin: Ints
) -> gpd.GeoDataFrame:
    """Merge edges of one road that carry the same people into one row."""
    if len(edge) == 0:
        return _blank(TRACE_COLUMNS, ws)
    frame = pd.DataFrame({"road": network.edge_road[edge], "people": people, "heads": heads})
    owner = frame.groupby(["road", "people", "heads"], sort=False).ngroup().to_numpy()
    order = np.argsort(owner, kind="stable")
    first = np.unique(owner, return_index=True)[1]
    road = frame["road"].to_numpy()[first]
    surface = core.surface[origin[edge]][first]
    shapes = shapely.line_merge(shapely.multilinestrings(network.edge_geometry[edge[order]], indices=owner[order]))
    table = pd.DataFrame(
        {
            "road_id": pd.array(core.road_ids[road], dtype="str"),
            "surface": ws.layers["roads"]["surface"].to_numpy()[road],
            "is_hardened": pd.array(surface == HARDENED, dtype="boolean"),
            "length_km": np.bincount(owner, weights=network.edge_length_mm[edge].astype(np.float64)) / 1e6,
            "people": people[first],
            "natural_villages": heads[first].astype(np.int64),
        }
    )
    table.loc[surface == UNKNOWN, "is_hardened"] = pd.NA
    table = gpd.GeoDataFrame(table, geometry=shapes, crs=ws.crs)
    return table.sort_values(["people", "road_id"], ascending=[False, True], kind="stable", ignore_index=True)


def _blank(columns: list[str], ws: Workspace) -> gpd.GeoDataFrame:
    held = {name: pd.Series(dtype="object") for name in columns[:-1]}
    return gpd.GeoDataFrame(held, geometry=[], crs=ws.crs)[columns]


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


def critical_links(ws: Workspace, plan: RoadPlan, *, snap_m: float) -> gpd.GeoDataFrame:
    """List the roads and bridges whose loss, as in the rainy season, cuts most people off from the hardened core.

    Returns
    -------
    GeoDataFrame
        One row a stretch that has no way round, with the bridges that stand on it, most people first. Roads of any
        surface count as passable; villages farther than `snap_m` from a road are left out.
    """
    points = make_units(ws, "natural_village").points
    if plan.core is None or len(points) == 0 or not plan.core.is_core.any():
        return _blank(CRITICAL_COLUMNS, ws)
    core = plan.core
    snaps = snap(core.network, points, max_distance_m=snap_m, edge_mask=core.is_usable)
    network, node, origin = split(core.network, snaps)
    is_core = core.is_core[origin]
    root = np.unique(np.r_[network.edge_from[is_core], network.edge_to[is_core]])
    amount = np.zeros((len(network.node_xy), 2))
    near = node >= 0
    np.add.at(amount, node[near], np.column_stack([_people(ws), np.ones(len(points))])[near])
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
        }
    )
    table = gpd.GeoDataFrame(table, geometry=network.edge_geometry[edge], crs=ws.crs)
    return table.sort_values(["people_cut_off", "road_id"], ascending=[False, True], kind="stable", ignore_index=True)


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


def stranded_pieces(plan: RoadPlan) -> gpd.GeoDataFrame:
    """Show the pieces of the road network that never connect to the core, longest first: piece, length_km, geometry."""
    if plan.core is None:
        return gpd.GeoDataFrame({"piece": [], "length_km": []}, geometry=[], crs=plan.candidates.crs)
    core, network = plan.core, plan.core.network
    piece = pieces_of(network, core.is_usable)[network.edge_from]
    alone = np.flatnonzero(core.is_usable & ~np.isin(piece, piece[core.is_core_high]))
    order = alone[np.argsort(piece[alone], kind="stable")]
    owner = np.unique(piece[order], return_inverse=True)[1].ravel()
    km = np.bincount(owner, weights=network.edge_length_mm[order].astype(np.float64)) / 1e6
    shapes = shapely.multilinestrings(network.edge_geometry[order], indices=owner) if len(order) else []
    frame = gpd.GeoDataFrame({"length_km": km}, geometry=shapes, crs=plan.candidates.crs)
    frame = frame.sort_values("length_km", ascending=False, kind="stable", ignore_index=True)
    frame.insert(0, "piece", np.arange(1, len(frame) + 1))
    return frame
