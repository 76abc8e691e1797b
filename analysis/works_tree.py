"""The joint network of a road plan as a tree of works: what each work opens, costs and needs before it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from analysis.hardened import edge_facts
from analysis.roads import RoadPlan
from analysis.steiner import Joint, joint_tree, matrix_of
from analysis.steiner_chosen import with_chosen
from analysis.steiner_graph import Graph
from analysis.surfaces import HARDENED
from geo.errors import InputError
from geo.paths import pieces_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shape = Literal["joint", "shortest"]


@dataclass(frozen=True)
class WorksTree:
    """Works, each after the one it hangs on.

    `parent` is the work that must be done before (-1 none; always a lower number), `cost` in 万元, `edges` the edges
    of the split network it hardens, `villages` the rows of the candidates it connects, `new_km` the new road it
    builds for each of them. `length_mm` is the joint length and `bound_mm` a length no shared network goes below
    (NaN when not computed).
    """

    project_id: tuple[str, ...]
    parent: Ints
    cost: Floats
    edges: tuple[Ints, ...]
    villages: tuple[Ints, ...]
    new_km: Floats
    length_mm: float
    bound_mm: float
    notes: tuple[str, ...]

    @cached_property
    def village_rows(self) -> tuple[Ints, Ints]:
        """Return the rows of all villages, work by work, and the work of each."""
        return _laid_out(self.villages)

    @cached_property
    def edge_rows(self) -> tuple[Ints, Ints]:
        """Return the edges of all works, work by work, and the work of each."""
        return _laid_out(self.edges)


def _laid_out(groups: tuple[Ints, ...]) -> tuple[Ints, Ints]:
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return np.concatenate([np.empty(0, np.int64), *groups]), owner.astype(np.int64)


def works_tree(road_plan: RoadPlan, *, shape: Shape = "joint") -> WorksTree:
    """Lay the works that connect every candidate out as a tree.

    Parameters
    ----------
    shape
        "joint": one shared network for all candidates; "shortest": each by its own least gap.

    Raises
    ------
    InputError
        When the policy has no price for what has to be built: a programme without prices cannot be made.
    """
    core, states, prices = road_plan.core, road_plan.states, road_plan.prices or {}
    candidates = road_plan.candidates
    if core is None or states is None or len(candidates) == 0:
        return WorksTree((), np.empty(0, np.int64), np.empty(0), (), (), np.empty(0), 0.0, 0.0, ())
    if np.isnan(prices.get("hardening", np.nan)) and candidates["gap_km"].gt(0).any():
        raise InputError("政策没有给出 cost.hardening_cny10k_per_km（道路硬化单位造价），不能安排计划，请先补上")
    rows, notes = _plannable(road_plan)
    table = road_plan.natural_villages
    at = pd.Index(table["natural_village_id"]).get_indexer(candidates["natural_village_id"])[rows]
    new_km = np.where(np.isin(at, list(states.chosen)), 0.0, candidates["new_km"].to_numpy(np.float64)[rows])
    graph, place, edge_of = _contracted(road_plan)
    node = place[states.node[at]]
    is_drawn = states.is_drawn[edge_of]
    ways = {int(node[k]): np.flatnonzero(np.isin(edge_of, states.chosen[row])) for k, row in enumerate(at.tolist()) if row in states.chosen}  # fmt: skip
    grow = joint_tree if shape == "joint" else _shortest
    found = with_chosen(graph, node, ways, is_drawn, grow) if ways else grow(graph, node)
    works = _works(graph, found, node, rows, new_km)
    hard, new = prices.get("hardening", np.nan), prices.get("new_road", np.nan)
    cost = [
        _money(graph.length[edges[~is_drawn[edges]]].sum() / 1e6, hard)
        + _money(graph.length[edges[is_drawn[edges]]].sum() / 1e6 + km, new)
        for _, edges, _, km in works
    ]
    return WorksTree(
        tuple(f"P{number:04d}" for number in range(1, len(works) + 1)),
        np.array([parent for parent, *_ in works], np.int64),
        np.array(cost, np.float64),
        tuple(edge_of[edges] for _, edges, _, _ in works),
        tuple(villages for _, _, villages, _ in works),
        np.array([km for *_, km in works], np.float64),
        found.length,
        found.bound,
        notes,
    )


def _money(km: float, price: float) -> float:
    return 0.0 if km == 0 else km * price


def _plannable(road_plan: RoadPlan) -> tuple[Ints, tuple[str, ...]]:
    """Return the candidates whose missing length, cost and people are known, and say what was left out."""
    table = road_plan.candidates
    open_gap = table["gap_km"].isna() | table["new_km"].isna()
    no_price = ~open_gap & table["cost_cny10k"].isna()
    notes = []
    for mask, why in ((open_gap, "缺口里程不明"), (no_price, "费用不明（政策缺单价）")):
        if mask.any():
            names = "、".join(table.loc[mask, "natural_village_id"].astype("object").head(5).astype(str))
            notes.append(f"{int(mask.sum())} 个自然村{why}，没有编入计划：{names}{'……' if mask.sum() > 5 else ''}")
    return np.flatnonzero(~(open_gap | no_price)), tuple(notes)


def _contracted(road_plan: RoadPlan) -> tuple[Graph, Ints, Ints]:
    """Shrink the network: what is hardened together is one node, the core is node 0; unknown surfaces are closed.

    Returns the graph of unhardened edges, the node of every network node, and the network edge of every graph edge.
    """
    core, states = road_plan.core, road_plan.states
    if core is None or states is None:
        raise InputError("没有道路，不能安排计划")
    network = states.network
    is_usable, surface, is_core = edge_facts(core, states)
    piece = pieces_of(network, is_usable & (surface == HARDENED))
    in_core = np.unique(piece[network.edge_from[is_core]])
    number = np.full(int(piece.max(initial=-1)) + 1, -1, np.int64)
    number[in_core] = 0
    rest = np.flatnonzero(number < 0)
    number[rest] = np.arange(1, len(rest) + 1)
    place = number[piece]
    soft = np.flatnonzero(is_usable & (surface == 0) & (place[network.edge_from] != place[network.edge_to]))
    one, two = place[network.edge_from[soft]], place[network.edge_to[soft]]
    return Graph(one, two, network.edge_length_mm[soft].astype(np.float64), len(rest) + 1), place, soft


def _shortest(graph: Graph, terminals: Ints) -> Joint:
    """Hang every node on its own shortest way to the root."""
    matrix, key, edge_of = matrix_of(graph, np.arange(len(graph.one)))
    _, before = dijkstra(matrix, indices=0, return_predecessors=True)
    parent, edge = np.full(graph.count, -1, np.int64), np.full(graph.count, -1, np.int64)
    here = np.unique(terminals)
    while len(here):
        here = here[(before[here] >= 0) & (parent[here] < 0)]
        parent[here] = before[here]
        edge[here] = edge_of[np.searchsorted(key, parent[here] * graph.count + here)]
        here = np.unique(parent[here])
    return Joint(parent, edge, float(graph.length[edge[edge >= 0]].sum()), float("nan"))


def _works(graph: Graph, tree: Joint, node: Ints, rows: Ints, new_km: Floats) -> list[tuple[int, Ints, Ints, float]]:
    """Cut the tree into works at its villages and branchings -> parent work, graph edges, villages, new road in km.

    A village that needs a new road of its own is a work of its own, after the work that reaches its meeting place.
    """
    inner = np.flatnonzero(tree.parent >= 0)
    children = np.bincount(tree.parent[inner], minlength=graph.count)
    stops = np.zeros(graph.count, bool)
    stops[node] = True
    stops[children >= 2] = True
    stops[0] = True
    depth = _depth(tree)
    ends = inner[stops[inner]]
    ends = ends[np.lexsort((ends, depth[ends]))]
    held: dict[int, list[int]] = {}
    for row, (place, km) in enumerate(zip(node.tolist(), new_km.tolist(), strict=True)):
        if km == 0:
            held.setdefault(place, []).append(row)
    work_of = {0: -1}
    works: list[tuple[int, Ints, Ints, float]] = []
    for end in ends.tolist():
        edges, at = [], end
        while True:
            edges.append(int(tree.edge[at]))
            at = int(tree.parent[at])
            if stops[at]:
                break
        work_of[end] = len(works)
        works.append((work_of[at], np.array(edges, np.int64), rows[held.get(end, [])], 0.0))
    built = np.flatnonzero(new_km > 0)
    none = np.empty(0, np.int64)
    return works + [(work_of[int(node[row])], none, rows[[row]], float(new_km[row])) for row in built]


def _depth(tree: Joint) -> Ints:
    depth = np.where(tree.parent >= 0, -1, 0)
    while (depth < 0).any():
        open_ = np.flatnonzero(depth < 0)
        known = open_[depth[tree.parent[open_]] >= 0]
        depth[known] = depth[tree.parent[known]] + 1
    return depth
