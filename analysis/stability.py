"""How firmly each project stands when populations, costs and weights are uncertain, and which number to check first."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.prices import relax
from analysis.programme import Programme, programme
from analysis.roads import RoadPlan
from analysis.schedule import Task
from analysis.works_tree import WorksTree, works_tree
from analysis.worth import Weights, village_numbers, worth_of

Floats = NDArray[np.float64]
STABILITY_COLUMNS = ["project_id", "share", "verdict", "check_first", "people", "cost_cny10k", "is_chosen"]
CERTAIN, OUT = 0.9, 0.1  # shares of draws; a reading aid, not a policy figure
ROUNDS = 4  # price lists a draw, from the prices of the given figures


def stability(
    road_plan: RoadPlan,
    *,
    budgets: Mapping[int, float],
    draws: int = 200,
    people_spread: float = 0.1,
    cost_spread: float = 0.2,
    weight_spread: float = 0.3,
    weights: Weights | None = None,
    seed: int = 0,
    tree: WorksTree | None = None,
    made: Programme | None = None,
) -> pd.DataFrame:
    """Say how firmly each project stands in the programme when populations, costs and weights are uncertain.

    Parameters
    ----------
    draws
        How many times the numbers are drawn (lognormal around the given figures) and planned again.
    people_spread, cost_spread, weight_spread
        Relative standard deviation of a village's people, of a project's cost, and of each weight beside that of people.
    made
        A programme on the given figures; then its weights, locks and budgets count.

    Returns
    -------
    DataFrame
        One row a work: `share` of the draws in which it is chosen, `verdict` certain (at least 0.9), out (at most
        0.1) or arguable between, whether the programme on the given figures has it, and for an arguable one the number
        to `check_first`: people, cost or weights - the one whose spread alone changes its place most often.
        `attrs["check_first"]` names the one that moves most projects.
    """
    tree = tree or works_tree(road_plan)
    weighed = weights or Weights()
    made = made or programme(road_plan, budgets=budgets, weights=weighed, tree=tree, frontier_steps=0, tries=4)
    task, start = made.task, relax(made.task)
    spreads = {"people": people_spread, "cost": cost_spread, "weights": weight_spread}
    parts = _parts(road_plan, tree, weighed, task)
    if len(parts) < 2:
        del spreads["weights"]
    rng, base = np.random.default_rng(seed), made.schedule.year < len(task.budgets)
    share = _share(task, parts, spreads, draws, rng, start.money)
    alone = {
        name: _share(task, parts, {name: spread}, max(draws // 4, 10), rng, start.money)
        for name, spread in spreads.items()
    }
    moved = {name: np.abs(found - base) for name, found in alone.items()}
    verdict = np.where(share >= CERTAIN, "certain", np.where(share <= OUT, "out", "arguable"))
    names = np.array(list(moved), dtype=object)
    first = names[np.argmax(np.vstack(list(moved.values())), axis=0)] if len(share) else np.empty(0, object)
    table = pd.DataFrame(
        {
            "project_id": pd.array(tree.project_id, dtype="str"),
            "share": share,
            "verdict": verdict,
            "check_first": pd.array(np.where(verdict == "arguable", first, ""), dtype="str"),
            "people": village_numbers(road_plan, tree, "population"),
            "cost_cny10k": tree.cost,
            "is_chosen": base,
        },
        columns=STABILITY_COLUMNS,
    )
    table.attrs["check_first"] = max(moved, key=lambda name: float(moved[name].sum()))
    return table


def _parts(road_plan: RoadPlan, tree: WorksTree, weights: Weights, task: Task) -> list[Floats]:
    """Split the worth of the works by measure; people first, whose weight is the unit of the others."""
    named = [name for name, weight in weights.measures.items() if weight and name != "people"]
    parts = [worth_of(road_plan, tree, replace(weights, measures={name: weights.measures[name]})) for name in named]
    rest = task.worth - np.sum(parts, axis=0) if parts else task.worth
    return [np.asarray(rest, np.float64), *parts] if (rest > 1e-9).any() or not parts else parts


def _share(
    task: Task,
    parts: list[Floats],
    spreads: Mapping[str, float],
    draws: int,
    rng: np.random.Generator,
    prices: Floats | None,
) -> Floats:
    """Plan again with drawn numbers -> the share of draws in which each work is chosen."""
    count, chosen = len(task.cost), np.zeros(len(task.cost))
    for _ in range(draws):
        weight = [1.0, *_noise(rng, spreads.get("weights", 0.0), len(parts) - 1)]
        people = _noise(rng, spreads.get("people", 0.0), count)
        worth = people * np.sum([share * part for share, part in zip(weight, parts, strict=True)], axis=0)
        drawn = replace(task, worth=worth, cost=task.cost * _noise(rng, spreads.get("cost", 0.0), count))
        if task.fair is not None:
            drawn = replace(drawn, fair=replace(task.fair, people=task.fair.people * people))
        chosen += relax(drawn, rounds=ROUNDS, target=1e-3, start=prices).year < len(task.budgets)
    return chosen / max(draws, 1)


def _noise(rng: np.random.Generator, spread: float, count: int) -> Floats:
    sigma = np.sqrt(np.log1p(spread**2))
    return np.asarray(rng.lognormal(-(sigma**2) / 2, sigma, count), np.float64)
