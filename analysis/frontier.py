"""What any sum of money reaches at most, beside the usual list and the bound; without locks, years and weights."""

import numpy as np
import pandas as pd

from analysis.polish import search
from analysis.prices import relax
from analysis.roads import RoadPlan
from analysis.schedule import Task, greedy, reached
from analysis.works_tree import WorksTree
from analysis.worth import village_numbers

FRONTIER_COLUMNS = ["budget_cny10k", "people", "people_greedy", "bound"]


def frontier(
    road_plan: RoadPlan,
    tree: WorksTree,
    *,
    steps: int = 12,
    at: float | None = None,
    known: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Show the most people any sum of money reaches.

    Parameters
    ----------
    steps
        How many budgets, from nothing to everything; 0 leaves the table empty.
    at
        One more budget to show, in 万元.
    known
        A frontier of the same works: its rows are not worked out again.

    Returns
    -------
    DataFrame
        `budget_cny10k, people, people_greedy, bound`. People never fall as money grows: less money can still do the
        same.
    """
    if steps <= 0 or len(tree.cost) == 0:
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in FRONTIER_COLUMNS})
    total = float(tree.cost.sum())
    levels = np.unique(np.r_[np.linspace(0.0, total, steps), [] if at is None else min(at, total)])
    held = {} if known is None else {row[0]: row for row in known.itertuples(index=False, name=None)}
    people = village_numbers(road_plan, tree, "population")
    free = np.zeros(len(tree.cost), np.int64)
    rows: list[tuple[float, ...]] = []
    for level in levels.tolist():
        if level in held:
            rows.append(held[level])
            continue
        task = Task(tree.parent, tree.cost, people, free, np.array([level]))
        best = search(task, relax(task, target=1e-4), gap=1e-3, seconds=2, tries=1)
        rows.append((level, best.objective, reached(task, greedy(task)), best.bound))
    table = pd.DataFrame(rows, columns=FRONTIER_COLUMNS)
    table[["people", "people_greedy"]] = table[["people", "people_greedy"]].cummax()
    table["bound"] = table["bound"][::-1].cummin()[::-1]
    table["people"] = table[["people", "people_greedy"]].max(axis=1)
    return table


def marginal(table: pd.DataFrame) -> pd.Series:
    """Say how many people more each 万元 more reaches, from one row of a frontier to the next; the first is blank.

    >>> marginal(pd.DataFrame({"budget_cny10k": [0.0, 50.0, 100.0], "people": [0.0, 400.0, 500.0]})).tolist()
    [nan, 8.0, 2.0]
    """
    return table["people"].diff() / table["budget_cny10k"].diff()
