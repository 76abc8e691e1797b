"""A bureau's own list on the same money, and the swaps that better it, each of them possible as it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.programme import Programme, programme
from analysis.roads import RoadPlan
from analysis.schedule import Task, arrange, greedy, reached
from analysis.swaps import SWAP_COLUMNS, swaps_between
from analysis.works_tree import WorksTree, works_tree
from analysis.worth import Weights, village_numbers, worth_of
from geo.errors import InputError

Ints = NDArray[np.int64]
__all__ = ["SWAP_COLUMNS", "Comparison", "compare", "usual_list"]


@dataclass(frozen=True)
class Comparison:
    """A list as given beside the best programme on the same money.

    `own_people` and `best_people` are connected at the end; `own_objective` and `best_objective` are what the
    programme was chosen by (people times years when nothing is weighed). `not_reached` are villages of the list that
    its own money does not reach, `unknown` those that are no candidates. `swaps` better the list one by one, the
    greatest gain first; after each the rest of the list still fits every year's money. `swapped_people` are connected
    when all of them are made.
    """

    own_people: float
    best_people: float
    own_objective: float
    best_objective: float
    own_cost_cny10k: float
    best_cost_cny10k: float
    not_reached: tuple[str, ...]
    unknown: tuple[str, ...]
    swaps: pd.DataFrame
    swapped_people: float
    sentence: str
    best: Programme


def compare(
    road_plan: RoadPlan,
    own_list: pd.DataFrame,
    budgets: Mapping[int, float],
    *,
    gap: float = 0.01,
    seconds: float = 10,
    best: Programme | None = None,
) -> Comparison:
    """Set a bureau's own list beside the best programme on the same money.

    Parameters
    ----------
    own_list
        Column `natural_village_id`, in order of priority; with a column `year` the order is by year first. Villages
        are taken in that order, each with the shared works it still needs, into the first year with room.
    budgets
        Year -> 万元.
    best
        A programme made before on the same budgets; its weights count for the list, too.

    Raises
    ------
    InputError
        When the list has no column `natural_village_id`.
    """
    if "natural_village_id" not in own_list:
        raise InputError("对比清单缺少列 natural_village_id（自然村编号），请补上后再读入")
    best = best or programme(road_plan, budgets=budgets, gap=gap, seconds=seconds)
    tree = best.tree
    ranked = own_list.sort_values("year", kind="stable") if "year" in own_list else own_list
    names = list(dict.fromkeys(ranked["natural_village_id"].astype("object").astype(str)))
    ids = road_plan.candidates["natural_village_id"].astype("object").astype(str).to_numpy()
    work_of = {str(ids[row]): work for work, rows in enumerate(tree.villages) for row in rows}
    order = np.array([work_of[name] for name in names if name in work_of], np.int64)
    task = replace(best.task, lock=np.zeros(len(tree.cost), np.int64))
    listed = _with_parents(tree, order)
    own = arrange(replace(task, lock=np.where(listed, 0, 2)), _complete(order, len(tree.cost)))
    people = village_numbers(road_plan, tree, "population")
    years = len(task.budgets)
    reach = {name for work in np.flatnonzero(own < years) for name in ids[tree.villages[work]]}
    swaps = swaps_between(task, own, best.schedule.year, people, [ids[rows] for rows in tree.villages])
    own_people, best_people = (float(people[year < years].sum()) for year in (own, best.schedule.year))
    swapped = float(swaps["people_after"].iloc[-1]) if len(swaps) else own_people
    return Comparison(
        own_people,
        best_people,
        reached(task, own),
        best.objective,
        float(tree.cost[own < years].sum()),
        float(tree.cost[best.schedule.year < years].sum()),
        tuple(name for name in names if name in work_of and name not in reach),
        tuple(name for name in names if name not in work_of),
        swaps,
        swapped,
        f"同样的钱，原清单连通 {own_people:.0f} 人，最多 {best_people:.0f} 人；换 {len(swaps)} 处可到 {swapped:.0f} 人",
        best,
    )


def _task(road_plan: RoadPlan, tree: WorksTree, budgets: Mapping[int, float]) -> Task:
    money = np.array([float(budgets[year]) for year in sorted(budgets)], np.float64)
    return Task(tree.parent, tree.cost, worth_of(road_plan, tree, Weights()), np.zeros(len(tree.cost), np.int64), money)


def _with_parents(tree: WorksTree, works: Ints) -> NDArray[np.bool_]:
    listed = np.zeros(len(tree.cost), bool)
    listed[works] = True
    for work in range(len(listed) - 1, -1, -1):
        if listed[work] and tree.parent[work] >= 0:
            listed[tree.parent[work]] = True
    return listed


def _complete(order: Ints, count: int) -> Ints:
    return np.asarray(np.r_[order, np.setdiff1d(np.arange(count), order)], np.int64)


def usual_list(road_plan: RoadPlan, *, budgets: Mapping[int, float], tree: WorksTree | None = None) -> pd.DataFrame:
    """Return the list that ranking by people per money gives: natural_village_id and year."""
    tree = tree or works_tree(road_plan)
    year = greedy(_task(road_plan, tree, budgets))
    ids = road_plan.candidates["natural_village_id"].astype("object").to_numpy()
    names = sorted(int(number) for number in budgets)
    rows = [(ids[row], names[year[work]]) for work in np.flatnonzero(year < len(names)) for row in tree.villages[work]]
    return pd.DataFrame(rows, columns=["natural_village_id", "year"])
