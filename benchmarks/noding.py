"""How many junctions come out wrong when road lines as delivered are made a network, by method, against the truth.

The truth is a drawn grid with side roads that meet the inside of others, and expressways that pass over everything.
Delivered, every end misses its place by up to 0.8 m, side roads stop short or run past by up to 1.5 m. A junction is
wrong when its distance along the network from more than half of 20 others is off by more than 1 % and 10 m.
"""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from analysis.surfaces import road_network
from benchmarks.drawn_roads import METRIC, STEP_M
from benchmarks.kernels import seconds

Graph = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # places, ends, ends, lengths
SIDE, FAR = 45, 20


def truth(seed: int = 1) -> tuple[Graph, list[np.ndarray], np.ndarray]:
    """Draw the network as it is -> graph, lines as delivered, which are expressways."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), -1).reshape(-1, 2) * STEP_M
    xy = list(grid + rng.uniform(-0.25, 0.25, grid.shape) * STEP_M)
    number = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    pairs = np.vstack(
        [np.c_[number[:-1].ravel(), number[1:].ravel()], np.c_[number[:, :-1].ravel(), number[:, 1:].ravel()]]
    )
    pairs = pairs[rng.random(len(pairs)) < 0.8]
    ends: list[tuple[int, int]] = []
    lines: list[np.ndarray] = []
    for one, two in pairs.tolist():
        lines.append(missed(np.array([xy[one], xy[two]]), rng))
        if rng.random() < 0.4:
            at = xy[one] + (xy[two] - xy[one]) * rng.uniform(0.3, 0.7)
            along = (xy[two] - xy[one]) / np.hypot(*(xy[two] - xy[one]))
            away = np.array([-along[1], along[0]]) * rng.choice([-1, 1])
            end = at + away * rng.uniform(80, 160)
            lines.append(np.array([at - away * rng.uniform(-1.5, 1.5), end]))
            ends += [(one, len(xy)), (len(xy), two), (len(xy), len(xy) + 1)]
            xy += [at, end]
        else:
            ends.append((one, two))
    is_fast = np.zeros(len(lines) + 4, bool)
    for row in (7, 18, 29, 40):
        first, last = number[row, 0], number[row, -1]
        middle = np.array([[STEP_M * (row + 0.45), STEP_M * column] for column in range(1, SIDE - 1)])
        is_fast[len(lines)] = True
        whole = np.vstack([xy[first], middle, xy[last]])
        lines.append(missed(whole, rng))
        ends.append((int(first), int(last), float(np.hypot(*np.diff(whole, axis=0).T).sum())))  # type: ignore[arg-type]
    one, two = (np.array([pair[side] for pair in ends]) for side in (0, 1))
    places = np.array(xy)
    length = np.hypot(*(places[one] - places[two]).T)
    length[-4:] = [pair[2] for pair in ends[-4:]]  # type: ignore[misc]
    return (places, one, two, length), lines, is_fast


def missed(line: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move both ends of a line by up to 0.8 m."""
    moved = line.copy()
    for end in (0, -1):
        turn, away = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.8)
        moved[end] += away * np.array([np.cos(turn), np.sin(turn)])
    return moved


def of_pieces(parts: np.ndarray) -> Graph:
    """Make a graph of lines that meet at exactly equal ends."""
    first, last = (shapely.get_coordinates(shapely.get_point(parts, end)) for end in (0, -1))
    places, place = np.unique(np.vstack([first, last]), axis=0, return_inverse=True)
    return places, place[: len(parts)], place[len(parts) :], shapely.length(parts)


def by_ours(roads: gpd.GeoDataFrame) -> Graph:
    """Node roads as the product does."""
    network = road_network(roads)
    return network.node_xy, network.edge_from, network.edge_to, network.edge_length_mm / 1000


def by_union(grid_size: float | None) -> Callable[[gpd.GeoDataFrame], Graph]:
    """Node roads by one call of shapely."""

    def noded(roads: gpd.GeoDataFrame) -> Graph:
        options = {} if grid_size is None else {"grid_size": grid_size}
        return of_pieces(shapely.get_parts(shapely.union_all(roads.geometry.to_numpy(), **options)))

    return noded


def by_ends(roads: gpd.GeoDataFrame) -> Graph:
    """Make a networkx graph of lines whose ends are equal when rounded to 2 m, as scripts and momepy do."""
    graph: nx.MultiGraph = nx.MultiGraph()
    for line in roads.geometry:
        one, two = (tuple(np.round(np.array(line.coords[end][:2]) / 2) * 2) for end in (0, -1))
        graph.add_edge(one, two, metres=line.length)
    places = {place: row for row, place in enumerate(graph.nodes)}
    rows = [(places[one], places[two], metres) for one, two, metres in graph.edges(data="metres")]
    one, two, metres = (np.array(column) for column in zip(*rows, strict=True))
    return np.array(list(graph.nodes)), one.astype(int), two.astype(int), metres


def distances(graph: Graph, sources: np.ndarray) -> np.ndarray:
    """Metres along the network from some nodes to all."""
    places, one, two, metres = graph
    order = np.argsort(-metres)  # of parallel edges the shortest is written last
    matrix = csr_array((len(places), len(places)))
    low, high = np.minimum(one, two)[order], np.maximum(one, two)[order]
    key, first = np.unique((low * len(places) + high)[::-1], return_index=True)
    weight = np.maximum(metres[order][::-1][first], 1e-6)
    matrix = csr_array((weight, (key // len(places), key % len(places))), shape=matrix.shape)
    return dijkstra(matrix, directed=False, indices=sources)


def wrong(graph: Graph, true: Graph, junctions: np.ndarray) -> tuple[float, float]:
    """Share of junctions too far or out of reach, and share falsely near."""
    sources = junctions[np.linspace(0, len(junctions) - 1, FAR).astype(int)]
    goal = distances(true, sources)[:, junctions]
    _, at = cKDTree(graph[0]).query(true[0][junctions])
    found = distances(graph, at[np.searchsorted(junctions, sources)])[:, at]
    reach = np.isfinite(goal)
    slack = np.maximum(0.01 * np.where(reach, goal, 0), 10.0)
    with np.errstate(invalid="ignore"):
        too_far = (reach & ~(found <= goal + slack)).mean(axis=0) > 0.5
        too_near = ((found < goal - slack) & (np.isfinite(found))).mean(axis=0) > 0.5
    return float(too_far.mean()), float((too_near & ~too_far).mean())


def noding_rows() -> dict[str, Any]:
    """Measure every method on the same lines."""
    true, lines, is_fast = truth()
    roads = gpd.GeoDataFrame(
        {
            "road_id": [f"R{row}" for row in range(len(lines))],
            "technical_grade": pd.array(np.where(is_fast, "expressway", "class4"), dtype="str"),
        },
        geometry=[shapely.LineString(line) for line in lines],
        crs=METRIC,
    )
    degree = np.bincount(np.r_[true[1], true[2]], minlength=len(true[0]))
    junctions = np.flatnonzero(degree >= 3)
    road_network(roads.iloc[:50])
    methods: dict[str, Callable[[gpd.GeoDataFrame], Graph]] = {
        "ours": by_ours,
        "union_all": by_union(None),
        "union_all(grid_size=2)": by_union(2.0),
        "networkx, ends rounded to 2 m": by_ends,
    }
    report: dict[str, Any] = {"roads": len(lines), "junctions": len(junctions)}
    for name, method in methods.items():
        spent, graph = seconds(lambda method=method: method(roads), runs=1)
        far, near = wrong(graph, true, junctions)
        report[name] = {
            "cpu": spent,
            "too_far_percent": round(100 * far, 2),
            "falsely_near_percent": round(100 * near, 2),
        }
    return report
