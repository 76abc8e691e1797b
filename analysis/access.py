"""Distance and time to services by road: unit x service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from analysis.features import Features, choose, distances, select
from analysis.policy import Policy, value_on
from analysis.units import Floats, Ints, Units, make_units, points_of
from geo.nearest import LineIndex, line_index, nearest_line
from geo.network import Network, Snaps, build_network, cheapest_edges
from layers.workspace import Workspace

ACCESS_COLUMNS = ("unit_id", "unit_kind", "service", "facility_id", "straight_m", "network_m", "minutes")
SERVICES = (
    *("clinic", "school", "kindergarten", "bus_stop", "bus_station", "nursing_home", "cultural_venue"),
    *("finance_point", "cash_point"),
)
SURFACES = ("asphalt", "concrete", "light", "gravel", "earth", "none", "unknown")
UNIT_KINDS = ("natural_village", "village")


@dataclass(frozen=True)
class RoadGraph:
    """A network ready for many searches: lengths in millimetres, minutes per edge (NaN where no speed is known).

    `walk_min_per_m` is what the way between a place and its road costs; `snap_m` how long it may be.
    """

    network: Network
    lines: LineIndex
    lengths: Any
    edge_of: Ints
    key: Ints
    edge_minutes: Floats
    walk_min_per_m: float
    snap_m: float

    def snap(self, points: Floats) -> Snaps:
        """Find where places meet the roads; (n, 2) in metres, NaN allowed."""
        index, metres, at = nearest_line(points, self.lines)
        found = np.flatnonzero((index >= 0) & (metres <= self.snap_m))
        edge, fraction, distance_m = (
            np.full(len(index), -1, dtype=np.int64),
            np.zeros(len(index)),
            np.full(len(index), np.inf),
        )
        edge[found], distance_m[found] = index[found], np.round(metres[found], 3)
        shapes = self.network.edge_geometry[edge[found]]
        fraction[found] = shapely.line_locate_point(shapes, shapely.points(at[found]), normalized=True)
        return Snaps(edge, fraction, distance_m)


@dataclass(frozen=True)
class Ways:
    """The shortest way from every node to its nearest feature: metres, minutes, and which feature (-1 none)."""

    node_mm: Floats
    node_minutes: Floats
    node_feature: Ints
    starts: Snaps
    features: Features


def speeds(policy: Policy, day: date) -> Mapping[str, float]:
    """Read the speeds of a policy, km/h: `speed.<surface>_kmh` and `speed.walk_kmh`. Missing ones stay missing.

    Examples
    --------
    >>> from analysis.policy import Value
    >>> held = {"speed.gravel_kmh": (Value(date.min, 20, "km/h", "", unsourced=True),)}
    >>> speeds(Policy("p", "", "", held, ()), date(2018, 1, 1))
    {'gravel': 20.0}
    """
    found = {name: value_on(policy, f"speed.{name}_kmh", day) for name in (*SURFACES, "walk")}
    return {name: float(value.amount) for name, value in found.items() if value is not None}


def road_graph(network: Network, roads: Any, speed_kmh: Mapping[str, float], *, snap_m: float = np.inf) -> RoadGraph:
    """Make a network ready for searches.

    Parameters
    ----------
    roads
        The frame the network was built from; its `surface` decides the speed.
    speed_kmh
        By surface, and "walk" for the way to the road. A surface without a speed makes the minutes over it unknown.
    snap_m
        A place farther from every road than this is not reached (the bound itself is).
    """
    lengths, edge_of = cheapest_edges(network, network.edge_length_mm.astype(np.float64))
    rows = np.repeat(np.arange(lengths.shape[0]), np.diff(lengths.indptr))
    surface = roads["surface"].to_numpy(dtype=object)[network.edge_road] if len(network.edge_road) else []
    kmh = pd.Series(surface, dtype="object").map(dict(speed_kmh)).to_numpy(dtype=np.float64)
    walk = speed_kmh.get("walk", np.nan)
    return RoadGraph(
        network,
        line_index(network.edge_geometry),
        lengths,
        np.asarray(edge_of, dtype=np.int64),
        rows.astype(np.int64) * lengths.shape[0] + lengths.indices,
        network.edge_length_mm * 0.06 / (kmh * 1000.0),
        0.06 / walk,
        snap_m,
    )


def ways_to(graph: RoadGraph, features: Features) -> Ways:
    """Search from all features at once: the way from every node of the network to its nearest feature.

    The way begins with the straight line from the feature to its road; it never leads through another one's.
    """
    starts = graph.snap(points_of(features.shapes))
    held = np.flatnonzero(starts.edge >= 0)
    nodes = len(graph.network.node_xy)
    if not len(held):
        blank = np.full(nodes, np.inf), np.full(nodes, np.nan), np.full(nodes, -1, dtype=np.int64)
        return Ways(*blank, starts, features)
    edge, far = starts.edge[held], starts.distance_m[held] * 1000.0
    length = graph.network.edge_length_mm[edge].astype(np.float64)
    legs = np.column_stack([starts.fraction[held], 1.0 - starts.fraction[held]]) * length[:, None]
    ends = np.column_stack([graph.network.edge_from[edge], graph.network.edge_to[edge]])
    loop = ends[:, 0] == ends[:, 1]
    legs[loop] = legs[loop].min(axis=1, keepdims=True)
    matrix = _with_starts(graph.lengths, ends, np.rint(legs + far[:, None]))
    node_mm, before, source = dijkstra(
        matrix, directed=True, indices=np.arange(nodes, nodes + len(held)), min_only=True, return_predecessors=True
    )
    first = (
        graph.edge_minutes[edge][:, None] * np.divide(legs, length[:, None])
        + far[:, None] / 1000 * graph.walk_min_per_m
    )
    minutes = _minutes(graph, before, nodes, ends, first)
    feature = np.where(np.isfinite(node_mm[:nodes]), held[np.clip(source[:nodes] - nodes, 0, None)], -1)
    return Ways(node_mm[:nodes], minutes, feature.astype(np.int64), starts, features)


def _with_starts(lengths: Any, ends: Ints, legs: Floats) -> Any:
    """Append one node per feature, with one-way edges to both ends of its road."""
    nodes, more = lengths.shape[0], len(ends)
    once = ends[:, 0] == ends[:, 1]
    keep = np.column_stack([np.ones(more, dtype=bool), ~once])
    indptr = np.append(lengths.indptr, lengths.indptr[-1] + np.cumsum(keep.sum(axis=1)))
    data, indices = np.append(lengths.data, legs[keep]), np.append(lengths.indices, ends[keep])
    return csr_array((data, indices, indptr), shape=(nodes + more, nodes + more))


def _minutes(graph: RoadGraph, before: Any, nodes: int, ends: Ints, first: Floats) -> Floats:
    """Add up the minutes along each node's way by doubling steps."""
    parent = before[:nodes].astype(np.int64)
    minutes = np.full(nodes + 1, np.nan)
    inner = np.flatnonzero((parent >= 0) & (parent < nodes))
    place = np.searchsorted(graph.key, parent[inner] * nodes + inner)
    minutes[inner] = graph.edge_minutes[graph.edge_of[place]]
    border = np.flatnonzero(parent >= nodes)
    start = parent[border] - nodes
    side = np.where(ends[start, 0] == border, 0, 1)
    minutes[border] = first[start, side]
    minutes[nodes] = 0.0
    step = np.append(np.where((parent < 0) | (parent >= nodes), nodes, parent), nodes)
    while (step != nodes).any():
        minutes = minutes + minutes[step]
        step = step[step]
    minutes[:nodes][parent < 0] = np.nan
    result: Floats = minutes[:nodes]
    return result


def arrive(graph: RoadGraph, ways: Ways, snaps: Snaps) -> tuple[Ints, Floats, Floats]:
    """Measure the way from places on the network to their nearest feature.

    Returns
    -------
    index, network_m, minutes
        Position among the features (-1 none), metres (inf none) = snap distance at the place + along the roads + snap
        distance at the feature, and the minutes of that way (NaN unknown).
    """
    index = np.full(len(snaps.edge), -1, dtype=np.int64)
    metres, minutes = np.full(len(snaps.edge), np.inf), np.full(len(snaps.edge), np.nan)
    here = np.flatnonzero(snaps.edge >= 0)
    edge, fraction = snaps.edge[here], snaps.fraction[here]
    length, pace = graph.network.edge_length_mm[edge].astype(np.float64), graph.edge_minutes[edge]
    best, time, found = np.full(len(here), np.inf), np.full(len(here), np.nan), np.full(len(here), -1)
    for end, part in ((graph.network.edge_from[edge], fraction), (graph.network.edge_to[edge], 1.0 - fraction)):
        total = ways.node_mm[end] + np.rint(part * length)
        better = total < best
        best[better], found[better] = total[better], ways.node_feature[end[better]]
        time[better] = ways.node_minutes[end[better]] + part[better] * pace[better]
    for row, start, part in zip(*_same_edge(edge, fraction, ways.starts), strict=True):
        total = np.rint(part * length[row]) + np.rint(ways.starts.distance_m[start] * 1000.0)
        if total < best[row]:
            best[row], found[row] = total, start
            time[row] = part * pace[row] + ways.starts.distance_m[start] * graph.walk_min_per_m
    index[here] = np.where(np.isfinite(best), found, -1)
    metres[here] = np.round(snaps.distance_m[here] + best / 1000.0, 3)
    minutes[here] = time + snaps.distance_m[here] * graph.walk_min_per_m
    return index, metres, minutes


def _same_edge(edge: Ints, fraction: Floats, starts: Snaps) -> tuple[Ints, Ints, Floats]:
    """Pairs of places and features on one edge, with the part of the edge between them."""
    place = pd.DataFrame({"edge": edge, "row": np.arange(len(edge)), "at": fraction})
    held = np.flatnonzero(starts.edge >= 0)
    goal = pd.DataFrame({"edge": starts.edge[held], "start": held, "to": starts.fraction[held]})
    pairs = place.merge(goal, on="edge", how="inner").sort_values(["row", "start"], kind="stable")
    between = (pairs["at"] - pairs["to"]).abs().to_numpy(dtype=np.float64)
    return pairs["row"].to_numpy(dtype=np.int64), pairs["start"].to_numpy(dtype=np.int64), between


def access_table(
    ws: Workspace,
    policy: Policy,
    day: date,
    *,
    graph: RoadGraph | None = None,
    services: Sequence[str] = SERVICES,
    kinds: Sequence[str] = UNIT_KINDS,
) -> pd.DataFrame:
    """Measure each unit's way to the nearest facility of each service that the workspace holds.

    Parameters
    ----------
    graph
        The roads, as `make_graph` prepares them; made here when missing.
    services
        Facility kinds people travel to.
    kinds
        Which units: natural villages and villages.

    Returns
    -------
    DataFrame
        Columns `ACCESS_COLUMNS`, sorted by unit_kind, unit_id, service. `straight_m` is to the nearest facility in a
        straight line, `facility_id`, `network_m` and `minutes` to the nearest along the roads (which may be another);
        NaN and blank where no road leads there, minutes also NaN where the policy gives no speed. Only facilities
        that are surely in service count.

    Examples
    --------
    >>> from pyproj import CRS
    >>> list(access_table(Workspace({}, CRS("EPSG:4547"), {}, (), ""), Policy("", "", "", {}, ()), date(2018, 1, 1)))
    ['unit_id', 'unit_kind', 'service', 'facility_id', 'straight_m', 'network_m', 'minutes']
    """
    graph = graph or make_graph(ws, policy, day)
    facilities = ws.get("facilities")
    held = set() if facilities is None else set(facilities["kind"].dropna())
    tables = []
    places = [unit for unit in (make_units(ws, kind) for kind in sorted(kinds)) if len(unit)]
    snaps = [graph.snap(unit.points) if graph else None for unit in places]
    for service in (name for name in services if name in held and places):
        features = choose(ws, "facilities", [service])
        features = select(features, features.is_sure)
        ways = ways_to(graph, features) if graph else None
        for units, snapped in zip(places, snaps, strict=True):
            tables.append(_service(units, service, features, graph, ways, snapped))
    if not tables:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in ACCESS_COLUMNS})
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values(["unit_kind", "unit_id", "service"], kind="stable", ignore_index=True)


def make_graph(ws: Workspace, policy: Policy, day: date, *, network: Network | None = None) -> RoadGraph | None:
    """Prepare the roads of a workspace for searches; None without any road."""
    roads = ws.get("roads")
    if roads is None or not len(roads):
        return None
    limit = value_on(policy, "access.snap_m", day)
    snap_m = np.inf if limit is None else float(limit.amount)
    return road_graph(network or build_network(roads), roads, speeds(policy, day), snap_m=snap_m)


def _service(units: Units, service: str, features: Features, graph: Any, ways: Any, snaps: Any) -> pd.DataFrame:
    _, straight = distances(units.points, features)
    if graph is None:
        index, metres = np.full(len(units), -1), np.full(len(units), np.inf)
        minutes = np.full(len(units), np.nan)
    else:
        index, metres, minutes = arrive(graph, ways, snaps)
    ids = np.append(features.ids, "")
    return pd.DataFrame(
        {
            "unit_id": units.frame["unit_id"].astype("str"),
            "unit_kind": units.kind,
            "service": service,
            "facility_id": ids[np.where(index >= 0, index, len(features.ids))],
            "straight_m": np.where(np.isfinite(straight), straight, np.nan),
            "network_m": np.where(np.isfinite(metres), metres, np.nan),
            "minutes": np.where(np.isfinite(metres), np.round(minutes, 3), np.nan),
        }
    )
