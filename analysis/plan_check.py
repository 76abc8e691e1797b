"""An independent check of a programme: walk every village back to the core over what is hardened by its year."""

import numpy as np
from numpy.typing import NDArray

from analysis.roads import RoadPlan
from analysis.surfaces import HARDENED
from analysis.works_tree import WorksTree
from geo.paths import pieces_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def check_programme(road_plan: RoadPlan, tree: WorksTree, year: Ints, money: Floats) -> None:
    """Refuse a programme that does not keep what it says; nothing of the tree is trusted but its edges.

    Every village that is counted from a year on must reach the core over road that is hardened now or by then; no
    edge is paid for twice and no village counted twice; every year's cost, worked out again from lengths and prices, is within its budget.

    Raises
    ------
    RuntimeError
        With the first fault found. It means a bug, not bad data.
    """
    core, states = road_plan.core, road_plan.states
    if core is None or states is None or len(tree.cost) == 0:
        return
    network, prices = states.network, road_plan.prices or {}
    built = np.flatnonzero(year < len(money))
    none = np.empty(0, np.int64)
    edges = np.concatenate([none, *(tree.edges[work] for work in built)])
    edge_year = year[np.repeat(built, [len(tree.edges[work]) for work in built])]
    villages = np.concatenate([none, *(tree.villages[work] for work in built)])
    village_year = year[np.repeat(built, [len(tree.villages[work]) for work in built])]
    if len(np.unique(edges)) != len(edges):
        raise RuntimeError("programme pays for a stretch of road twice")
    if len(np.unique(villages)) != len(villages):
        raise RuntimeError("programme counts a village twice")
    table = road_plan.natural_villages.set_index("natural_village_id")
    ids = road_plan.candidates["natural_village_id"]
    at = table.index.get_indexer(ids)
    new_of = table["new_km"].to_numpy(np.float64)
    is_chosen = np.isin(np.arange(len(table)), list(states.chosen))
    origin, is_drawn = np.maximum(states.origin, 0), states.origin < 0
    is_hard = ~is_drawn & core.is_usable[origin] & (core.surface[origin] == HARDENED)
    core_nodes = network.edge_from[~is_drawn & core.is_core[origin]]
    length_mm = network.edge_length_mm.astype(np.int64)
    for turn, limit in enumerate(money):
        own, rows = edges[edge_year == turn], at[villages[village_year == turn]]
        is_hard[own] = True
        hard_km = int(length_mm[own[~is_drawn[own]]].sum()) / 1e6
        new_km = int(length_mm[own[is_drawn[own]]].sum()) / 1e6
        new_km += float(new_of[rows[~is_chosen[rows]]].sum())  # else the new alignment is among the edges
        cost = hard_km * prices["hardening"] if hard_km else 0.0
        cost += new_km * prices["new_road"] if new_km else 0.0
        if cost > limit + 1e-6 * max(1.0, limit):
            raise RuntimeError(f"programme spends {cost} of {limit} in year {turn}")
        piece = pieces_of(network, is_hard)
        lost = rows[~np.isin(piece, piece[core_nodes])[states.node[rows]]]
        if len(lost):
            name = table.index[lost[0]]
            raise RuntimeError(f"programme counts {name} in year {turn}, but no hardened road leads there")
