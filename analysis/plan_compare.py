"""A bureau's own list on the same money, and how firmly each project stands when the numbers are uncertain."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.prices import relax
from analysis.programme import MEASURES, Programme, programme, village_numbers, worth_of
from analysis.roads import RoadPlan
from analysis.schedule import Task, arrange, greedy, reached
from analysis.works_tree import WorksTree, works_tree
from geo.errors import InputError

Ints = NDArray[np.int64]
SWAP_COLUMNS = ["step", "take_out", "take_in", "people_out", "people_in", "people_change", "cost_change_cny10k"]
STABILITY_COLUMNS = ["project_id", "share", "verdict", "people", "cost_cny10k", "is_chosen"]
CERTAIN, OUT = 0.9, 0.1  # shares of draws; a reading aid, not a policy figure


@dataclass(frozen=True)
class Comparison:
    """A list as given beside the best programme on the same money.

    `own_people` and `best_people` are connected at the end; `own_objective` and `best_objective` are people times
    years. `not_reached` are villages of the list that its own money does not reach, `unknown` those that are no
    candidates. `swaps` turn the list into the programme, the greatest gain first.
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
        A programme made before on the same budgets.

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
    task = _task(road_plan, tree, budgets)
    listed = _with_parents(tree, order)
    own = arrange(replace(task, lock=np.where(listed, 0, 2)), _complete(order, len(tree.cost)))
    people = village_numbers(road_plan, tree, MEASURES["people"])
    years = len(task.budgets)
    reach = {name for work in np.flatnonzero(own < years) for name in ids[tree.villages[work]]}
    swaps = _swaps(tree, own < years, best.schedule.year < years, people, ids)
    own_people, best_people = (float(people[year < years].sum()) for year in (own, best.schedule.year))
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
        f"同样的钱，原清单连通 {own_people:.0f} 人，优化后 {best_people:.0f} 人；{len(swaps)} 处调整",
        best,
    )


def _task(road_plan: RoadPlan, tree: WorksTree, budgets: Mapping[int, float]) -> Task:
    money = np.array([float(budgets[year]) for year in sorted(budgets)], np.float64)
    return Task(tree.parent, tree.cost, worth_of(road_plan, tree, None), np.zeros(len(tree.cost), np.int64), money)


def _with_parents(tree: WorksTree, works: Ints) -> NDArray[np.bool_]:
    listed = np.zeros(len(tree.cost), bool)
    listed[works] = True
    for work in range(len(listed) - 1, -1, -1):
        if listed[work] and tree.parent[work] >= 0:
            listed[tree.parent[work]] = True
    return listed


def _complete(order: Ints, count: int) -> Ints:
    return np.asarray(np.r_[order, np.setdiff1d(np.arange(count), order)], np.int64)


def _swaps(
    tree: WorksTree, own: NDArray[np.bool_], best: NDArray[np.bool_], people: Any, ids: NDArray[Any]
) -> pd.DataFrame:
    """Pair what leaves the list with what enters, groups of works that hang together, largest gain first."""
    outs, ins = (_groups(tree, mask, people) for mask in (own & ~best, best & ~own))
    outs.sort(key=lambda group: group[1])
    ins.sort(key=lambda group: -group[1])
    rows = []
    for step in range(max(len(outs), len(ins))):
        out = outs[step] if step < len(outs) else ([], 0.0, 0.0)
        new = ins[step] if step < len(ins) else ([], 0.0, 0.0)
        named = [
            ";".join(sorted(str(name) for work in group[0] for name in ids[tree.villages[work]]))
            for group in (out, new)
        ]
        rows.append((step + 1, *named, out[1], new[1], new[1] - out[1], new[2] - out[2]))
    return pd.DataFrame(rows, columns=SWAP_COLUMNS)


def _groups(tree: WorksTree, mask: NDArray[np.bool_], people: Any) -> list[tuple[list[int], float, float]]:
    """Gather works of a mask with those of the mask they hang on -> works, people, cost; groups with people only."""
    head: dict[int, int] = {}
    held: dict[int, list[int]] = {}
    for work in np.flatnonzero(mask).tolist():
        head[work] = head.get(int(tree.parent[work]), work)
        held.setdefault(head[work], []).append(work)
    groups = [(works, float(people[works].sum()), float(tree.cost[works].sum())) for works in held.values()]
    return [group for group in groups if group[1] > 0 or group[2] > 0]


def stability(
    road_plan: RoadPlan,
    *,
    budgets: Mapping[int, float],
    draws: int = 200,
    people_spread: float = 0.1,
    cost_spread: float = 0.2,
    seed: int = 0,
    tree: WorksTree | None = None,
) -> pd.DataFrame:
    """Say how firmly each project stands in the programme when populations and costs are uncertain.

    Parameters
    ----------
    draws
        How many times populations and costs are drawn (lognormal around the given figures) and planned again.
    people_spread, cost_spread
        Relative standard deviation of a village's people and of a project's cost.

    Returns
    -------
    DataFrame
        One row a work: `share` of the draws in which it is chosen, `verdict` certain (at least 0.9), out (at most
        0.1) or arguable between, and whether the programme on the given figures has it. `attrs["check_first"]` names
        the number whose spread moves more projects: people or cost.
    """
    tree = tree or works_tree(road_plan)
    task, rng = _task(road_plan, tree, budgets), np.random.default_rng(seed)
    years, count = len(task.budgets), len(tree.cost)
    base = relax(task, rounds=60).year < years
    chosen, moved = np.zeros(count), {"people": 0.0, "cost": 0.0}
    for draw in range(draws):
        people = task.worth * _noise(rng, people_spread, count)
        cost = task.cost * _noise(rng, cost_spread, count)
        chosen += relax(replace(task, worth=people, cost=cost), rounds=20).year < years
        if draw % 10 == 0:
            moved["people"] += float((relax(replace(task, worth=people), rounds=20).year < years)[~base].sum())
            moved["cost"] += float((relax(replace(task, cost=cost), rounds=20).year < years)[~base].sum())
    share = chosen / max(draws, 1)
    verdict = np.where(share >= CERTAIN, "certain", np.where(share <= OUT, "out", "arguable"))
    table = pd.DataFrame(
        {
            "project_id": pd.array(tree.project_id, dtype="str"),
            "share": share,
            "verdict": verdict,
            "people": village_numbers(road_plan, tree, MEASURES["people"]),
            "cost_cny10k": tree.cost,
            "is_chosen": base,
        },
        columns=STABILITY_COLUMNS,
    )
    table.attrs["check_first"] = max(moved, key=lambda name: moved[name])
    return table


def _noise(rng: np.random.Generator, spread: float, count: int) -> NDArray[np.float64]:
    sigma = np.sqrt(np.log1p(spread**2))
    return np.asarray(rng.lognormal(-(sigma**2) / 2, sigma, count), np.float64)


def usual_list(road_plan: RoadPlan, *, budgets: Mapping[int, float], tree: WorksTree | None = None) -> pd.DataFrame:
    """Return the list that ranking by people per money gives: natural_village_id and year."""
    tree = tree or works_tree(road_plan)
    year = greedy(_task(road_plan, tree, budgets))
    ids = road_plan.candidates["natural_village_id"].astype("object").to_numpy()
    names = sorted(int(number) for number in budgets)
    rows = [(ids[row], names[year[work]]) for work in np.flatnonzero(year < len(names)) for row in tree.villages[work]]
    return pd.DataFrame(rows, columns=["natural_village_id", "year"])
