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
    edge is paid for twice; every year's cost, worked out again from lengths and prices, is within its budget.

    Raises
    ------
    RuntimeError
        With the first fault found. It means a bug, not bad data.
    """
    core, states = road_plan.core, road_plan.states
    if core is None or states is None or len(tree.cost) == 0:
        return
    network, prices = states.network, road_plan.prices or {}
    built = [work for work in range(len(year)) if year[work] < len(money)]
    edges = np.concatenate([np.empty(0, np.int64), *(tree.edges[work] for work in built)])
    if len(np.unique(edges)) != len(edges):
        raise RuntimeError("programme pays for a stretch of road twice")
    table = road_plan.natural_villages.set_index("natural_village_id")
    ids = road_plan.candidates["natural_village_id"]
    at = table.index.get_indexer(ids)
    new_of = table["new_km"].to_numpy(np.float64)
    is_chosen = np.isin(np.arange(len(table)), list(states.chosen))
    origin, is_drawn = np.maximum(states.origin, 0), states.origin < 0
    is_hard = ~is_drawn & core.is_usable[origin] & (core.surface[origin] == HARDENED)
    core_nodes = network.edge_from[~is_drawn & core.is_core[origin]]
    for turn, limit in enumerate(money):
        works = [work for work in built if year[work] == turn]
        is_hard[np.concatenate([np.empty(0, np.int64), *(tree.edges[work] for work in works)])] = True
        cost = 0.0
        for work in works:
            own, rows = tree.edges[work], at[tree.villages[work]]
            hard_km = network.edge_length_mm[own[~is_drawn[own]]].sum(dtype=np.int64) / 1e6
            rows = rows[~is_chosen[rows]]  # the new alignment of a drawn line is among the edges
            new_km = network.edge_length_mm[own[is_drawn[own]]].sum(dtype=np.int64) / 1e6
            new_km += float(new_of[rows].sum())
            cost += hard_km * prices["hardening"] if hard_km else 0.0
            cost += new_km * prices["new_road"] if new_km else 0.0
        if cost > limit + 1e-6 * max(1.0, limit):
            raise RuntimeError(f"programme spends {cost} of {limit} in year {turn}")
        piece = pieces_of(network, is_hard)
        reached = np.isin(piece, piece[core_nodes])
        for work in works:
            lost = [row for row in tree.villages[work] if not reached[states.node[at[row]]]]
            if lost:
                raise RuntimeError(
                    f"programme counts {ids.iloc[lost[0]]} in year {turn}, but no hardened road leads there"
                )
