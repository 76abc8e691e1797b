"""The road part of the script a user would write: noding, a networkx graph, the core, gaps, ways to facilities.

Nothing of ours is used. Everything is in metres; lengths on edges are whole millimetres, so that "least unhardened
length, ties by total length" fits into one Python integer.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import shapely
from scipy.spatial import cKDTree
from shapely.geometry import Point
from shapely.ops import substring

MAIN = ("G", "S", "X")
TIE = 10**12
CORE = "core"


@dataclass
class Roads:
    """A networkx graph of the roads that count, and what an edge is made of."""

    graph: nx.MultiGraph
    edges: gpd.GeoDataFrame
    rows: list[dict[str, Any]] = field(default_factory=list)
    tree: Any = None

    def __post_init__(self) -> None:
        self.rows = self.edges.drop(columns="geometry").to_dict("records")
        self.tree = shapely.STRtree(self.edges.geometry.to_numpy())

    def nearest(self, point: Point, within: float) -> tuple[int, float, float] | None:
        """Find the nearest edge: its number, millimetres along it, metres to it."""
        if point is None or point.is_empty:
            return None
        found = int(self.tree.nearest(point))
        line = self.tree.geometries[found]
        away = point.distance(line)
        if away > within:
            return None
        return found, round(line.project(point, normalized=True) * self.rows[found]["mm"]), away


def node_roads(roads: gpd.GeoDataFrame, tolerance_m: float = 2.0) -> Roads:
    """Cut every road where another one ends within the tolerance or crosses it; expressways pass over what they cross."""
    lines = roads[roads.geometry.notna() & ~roads.geometry.is_empty].explode(index_parts=False).reset_index(drop=True)
    shapes = lines.geometry.to_numpy()
    fast = (lines["technical_grade"] == "expressway").to_numpy()
    tree = shapely.STRtree(shapes)
    points: list[Point] = []
    for line in shapes:
        points += [Point(line.coords[0]), Point(line.coords[-1])]
    one, two = tree.query(shapes, predicate="crosses")
    for a, b in zip(one, two, strict=True):
        if a < b and fast[a] == fast[b]:
            meeting = shapes[a].intersection(shapes[b])
            points += [part for part in getattr(meeting, "geoms", [meeting]) if part.geom_type == "Point"]
    xy = np.array([(point.x, point.y) for point in points])
    together = nx.Graph()
    together.add_nodes_from(range(len(points)))
    together.add_edges_from(cKDTree(xy).query_pairs(tolerance_m))
    node_of = {}
    for number, group in enumerate(nx.connected_components(together)):
        for point in group:
            node_of[point] = number
    cuts: dict[int, list[tuple[float, int]]] = defaultdict(list)
    misses: dict[int, float] = {}  # by how much an end stops short of what it joins
    at, owner = tree.query(np.array(points), predicate="dwithin", distance=tolerance_m)
    for point, line in zip(at, owner, strict=True):
        cuts[line].append((shapes[line].project(points[point]), node_of[point]))
        if point < 2 * len(shapes) and line != point // 2:
            away = shapes[line].distance(points[point])
            misses[point] = min(away, misses.get(point, away))
    rows = []
    for line, places in cuts.items():
        places.sort()
        for (start, a), (end, b) in pairwise(places):
            if end - start > 1e-6 and not (a == b and end - start <= 3 * tolerance_m):
                more = misses.get(2 * line, 0) if start < 1e-6 else 0
                more += misses.get(2 * line + 1, 0) if end > shapes[line].length - 1e-6 else 0
                rows.append((line, a, b, substring(shapes[line], start, end), more))
    columns = ["road_id", "surface", "admin_class", "technical_grade", "name", "route_code"]
    edges = gpd.GeoDataFrame(
        lines.loc[[row[0] for row in rows], columns].reset_index(drop=True),
        geometry=[row[3] for row in rows],
        crs=roads.crs,
    )
    edges["u"], edges["v"] = [row[1] for row in rows], [row[2] for row in rows]
    edges["mm"] = ((edges.length + [row[4] for row in rows]) * 1000).round().clip(lower=1).astype(int)
    edges["surface"] = edges["surface"].fillna("unknown")
    graph = nx.MultiGraph()
    for edge in edges.itertuples():
        graph.add_edge(edge.u, edge.v, key=edge.Index, mm=edge.mm, surface=edge.surface, number=edge.Index)
    return Roads(graph, edges)


def core_edges(roads: Roads, hard: set[str]) -> set[int]:
    """Find the hardened edges in one piece with a hardened national, provincial or county road."""
    graph = nx.MultiGraph()
    for u, v, data in roads.graph.edges(data=True):
        if data["surface"] in hard:
            graph.add_edge(u, v, number=data["number"])
    is_main = set(roads.edges.index[roads.edges["admin_class"].isin(MAIN)])
    pieces = [
        {d["number"] for *_, d in graph.subgraph(piece).edges(data=True)} for piece in nx.connected_components(graph)
    ]
    with_main = [piece for piece in pieces if piece & is_main]
    if with_main:
        return set().union(*with_main)
    return max(pieces, key=lambda piece: sum(roads.edges.loc[list(piece), "mm"]), default=set())


def ways_to_core(roads: Roads, hard: set[str], core: set[int]) -> tuple[dict[Any, int], dict[Any, list[Any]]]:
    """Search from the core: least unhardened length, ties by total length, in one number; predecessors for the path."""
    graph = nx.Graph()
    for u, v, data in roads.graph.edges(data=True):
        cost = (0 if data["surface"] in hard else data["mm"]) * TIE + data["mm"]
        if u != v and (not graph.has_edge(u, v) or cost < graph[u][v]["cost"]):
            graph.add_edge(u, v, cost=cost, number=data["number"])
    for number in core:
        for node in (roads.rows[number]["u"], roads.rows[number]["v"]):
            graph.add_edge(CORE, node, cost=0, number=None)
    if CORE not in graph:
        return {}, {}
    before, cost = nx.dijkstra_predecessor_and_distance(graph, CORE, weight="cost")
    return cost, {"graph": graph, "before": before}


def road_states(points: Iterable[Point], roads: Roads, hard: set[str], snap_m: float, detour: float) -> list[dict]:
    """Say of every place how it reaches the core, by both readings of unknown surfaces."""
    readings = []
    for counted in (hard | {"unknown"}, hard):
        core = core_edges(roads, counted)
        readings.append((counted, core, *ways_to_core(roads, counted, core)))
    piece_of = {}
    for number, piece in enumerate(nx.connected_components(roads.graph)):
        for node in piece:
            piece_of[node] = number
    pessimist, optimist = ({piece_of[roads.rows[n]["u"]] for n in readings[i][1]} for i in (1, 0))
    reaching = roads.edges["u"].map(piece_of).isin(pessimist or optimist).to_numpy()
    joined = Roads(roads.graph, roads.edges[reaching].reset_index(names="number"))
    known = (roads, joined, readings, reaching, piece_of, optimist, snap_m, detour)
    return [_state(point, *known) for point in points]


def _state(point, roads, joined, readings, reaching, piece_of, optimist, snap_m, detour):
    blank = {"state": "unknown", "gap_km": np.nan, "new_km": np.nan, "roads": []}
    if point is None or point.is_empty:
        return blank
    near = roads.nearest(point, snap_m)
    stranded = near is None or not reaching[near[0]]
    new_m = 0.0
    if stranded:
        far = joined.nearest(point, math.inf) if len(joined.edges) else None
        if far is None:
            return blank | {"state": "build"}
        if near is not None and piece_of[roads.rows[near[0]]["u"]] in optimist:
            return blank
        near, new_m = (joined.rows[far[0]]["number"], far[1], far[2]), far[2] * detour
    edge = roads.rows[near[0]]
    gaps, paths = [], []
    for counted, core, cost, found in readings:
        if near[0] in core:
            gaps.append(0.0)
            paths.append([])
            continue
        options = []
        for node, part in ((edge["u"], near[1]), (edge["v"], edge["mm"] - near[1])):
            if node in cost:
                own = 0 if edge["surface"] in counted else part
                options.append((cost[node] + own * TIE + part, node, own))
        best = min(options, default=None)
        gap_mm = np.inf if best is None else best[0] // TIE
        gaps.append(0.0 if gap_mm <= 10 else gap_mm / 1e6)  # coordinates are kept to the centimetre
        paths.append(_path(best, edge, found, counted, roads) if best else [])
    states = ["build" if stranded or not np.isfinite(g) else "connected" if g == 0 else "harden" for g in gaps]
    state = states[0] if states[0] == states[1] else "unknown"
    return {
        "state": state,
        "gap_km": gaps[1] if gaps[0] == gaps[1] and states[0] == states[1] and np.isfinite(gaps[1]) else np.nan,
        "new_km": new_m / 1000 if state != "unknown" else np.nan,
        "roads": paths[1],
    }


def _path(best, edge, found, counted, roads):
    """Walk the predecessors from an edge to the core; the roads that are not hardened, in order."""
    names = [] if best[2] == 0 else [edge["road_id"]]
    node = best[1]
    while node != CORE:
        previous = found["before"][node][0]
        number = found["graph"][previous][node]["number"]
        if number is not None and roads.rows[number]["surface"] not in counted:
            names.append(roads.rows[number]["road_id"])
        node = previous
    return list(dict.fromkeys(names))


def minutes_of(mm: float, surface: str, speeds: dict[str, float]) -> float:
    """Give the minutes over so much road; nan where the policy has no speed."""
    return mm / 1e6 / speeds[surface] * 60 if surface in speeds else np.nan


@dataclass
class Ways:
    """From every node the way to its nearest facility: metres, minutes, which."""

    metres: dict[Any, float]
    minutes: dict[Any, float]
    facility: dict[Any, Any]
    on_edge: dict[int, list[tuple[int, float, Any]]]


def ways_to(facilities: gpd.GeoDataFrame, roads: Roads, speeds: dict[str, float], snap_m: float) -> Ways:
    """Search once from all facilities of a service, each hung on its nearest road."""
    graph = nx.Graph()
    for u, v, data in roads.graph.edges(data=True):
        if u != v and (not graph.has_edge(u, v) or data["mm"] < graph[u][v]["mm"]):
            graph.add_edge(u, v, mm=data["mm"], minutes=minutes_of(data["mm"], data["surface"], speeds))
    on_edge: dict[int, list[tuple[int, float, Any]]] = defaultdict(list)
    graph.add_node("all")
    for name, point in zip(facilities["facility_id"], facilities.geometry, strict=True):
        near = roads.nearest(point, snap_m)
        if near is None:
            continue
        edge = roads.rows[near[0]]
        on_edge[near[0]].append((near[1], near[2], name))
        graph.add_edge("all", ("facility", name), mm=0, minutes=0.0)
        for node, part in ((edge["u"], near[1]), (edge["v"], edge["mm"] - near[1])):
            leg = round(near[2] * 1000) + part
            if not graph.has_edge(("facility", name), node) or leg < graph[("facility", name)][node]["mm"]:
                walk = near[2] / 1000 / speeds["walk"] * 60
                graph.add_edge(
                    ("facility", name), node, mm=leg, minutes=walk + minutes_of(part, edge["surface"], speeds)
                )
    before, metres = nx.dijkstra_predecessor_and_distance(graph, "all", weight="mm")
    minutes, facility = {"all": 0.0}, {"all": None}
    for node in metres:  # in order of distance
        if node == "all":
            continue
        previous = before[node][0]
        minutes[node] = minutes[previous] + graph[previous][node]["minutes"]
        facility[node] = node[1] if previous == "all" else facility[previous]
    return Ways(metres, minutes, facility, on_edge)


def way_from(
    point: Point, ways: Ways, roads: Roads, speeds: dict[str, float], snap_m: float
) -> tuple[Any, float, float]:
    """Measure the way of one place: facility, metres, minutes."""
    near = roads.nearest(point, snap_m)
    if near is None:
        return None, np.nan, np.nan
    edge = roads.rows[near[0]]
    best: tuple[float, float, Any] = (math.inf, math.nan, None)
    for node, part in ((edge["u"], near[1]), (edge["v"], edge["mm"] - near[1])):
        if node in ways.metres and ways.metres[node] + part < best[0]:
            time = ways.minutes[node] + minutes_of(part, edge["surface"], speeds)
            best = (ways.metres[node] + part, time, ways.facility[node])
    for place, away, name in ways.on_edge.get(near[0], []):
        part = abs(place - near[1])
        if part + round(away * 1000) < best[0]:
            time = minutes_of(part, edge["surface"], speeds) + away / 1000 / speeds["walk"] * 60
            best = (part + round(away * 1000), time, name)
    if best[2] is None:
        return None, np.nan, np.nan
    return best[2], near[2] + best[0] / 1000, best[1] + near[2] / 1000 / speeds["walk"] * 60
