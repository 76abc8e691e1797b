"""Swaps that better a list step by step: what leaves it, what enters, and each step fits the money of every year."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.schedule import FREE, NEVER, Task, arrange, is_possible, reached

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
SWAP_COLUMNS = [
    *("step", "take_out", "take_in", "people_out", "people_in", "people_change", "cost_change_cny10k"),
    *("people_after", "objective_after"),
]
STEPS, LOOKED_IN, LOOKED_OUT = 10, 8, 7  # swaps told, and how many groups are tried for each


def swaps_between(task: Task, own: Ints, best: Ints, people: Any, names: list[Any]) -> pd.DataFrame:
    """Find swaps from a schedule towards a better one.

    Parameters
    ----------
    own, best
        Year of every work (T: not at all) in the list as it stands and in the best programme.
    people, names
        People and names of the villages each work connects.

    Returns
    -------
    DataFrame
        One row a swap: first, where the list leaves money over, all that it still pays for and nothing out; then the
        greatest gain of the objective first. Each starts from where the one before ended and takes in
        villages of the best programme with the works they need and takes out at most two groups of others; what
        that leaves over is spent, too. What is
        left after every row is a schedule that keeps each year's money (`people_after`, `objective_after`). No row: no
        single swap betters it.
    """
    years = len(task.budgets)
    year, goal = own.copy(), best < years
    rows: list[tuple[Any, ...]] = []
    for step in range(1, STEPS + 1):
        found = _filled(task, year, best, goal, people) if step == 1 else None
        found = found if found is not None else _best_swap(task, year, best, goal, people)
        if found is None:
            break
        more = _filled(task, found, best, goal, people) if step > 1 else None
        found = found if more is None else more
        before, after = year < years, found < years
        gone, new = before & ~after, after & ~before
        told = [
            ";".join(sorted(str(name) for work in np.flatnonzero(some) for name in names[work])) for some in (gone, new)
        ]
        people_out, people_in = float(people[gone].sum()), float(people[new].sum())
        cost = float(task.cost[new].sum() - task.cost[gone].sum())
        now = float(people[after].sum()), reached(task, found)
        rows.append((step, *told, people_out, people_in, people_in - people_out, cost, *now))
        year = found
    return pd.DataFrame(rows, columns=SWAP_COLUMNS)


def _best_swap(task: Task, year: Ints, best: Ints, goal: Flags, people: Any) -> Ints | None:
    """Find the one swap that gains most, as the schedule after it; None when none gains."""
    years = len(task.budgets)
    held, top = year < years, reached(task, year)
    found: Ints | None = _arranged(task, held, year, best)
    if found is not None and reached(task, found) <= top + 1e-9:
        found = None
    top = max(top, reached(task, found)) if found is not None else top
    entering = sorted(_entering(task, held, goal), key=lambda works: -_rate(task, people, works))[:LOOKED_IN]
    leaving = sorted(_leaving(task, held, goal), key=lambda works: _rate(task, people, works))[:LOOKED_OUT]
    outs = [np.zeros(len(held), bool), *leaving]
    outs += [one | two for number, one in enumerate(leaving) for two in leaving[number + 1 :]]
    for works in entering:
        for out in outs:
            wanted = _closed(task, held & ~out | works)
            trial = _arranged(task, wanted, year, best)
            if trial is not None and reached(task, trial) > top + 1e-9:
                found, top = trial, reached(task, trial)
    return found


def _filled(task: Task, year: Ints, best: Ints, goal: Flags, people: Any) -> Ints | None:
    """Spend what the list leaves over on works of the best programme, those that gain most per money first."""
    found: Ints | None = None
    held, now = year < len(task.budgets), year
    for works in sorted(_entering(task, held, goal), key=lambda works: -_rate(task, people, works)):
        held_now = now < len(task.budgets)
        if (held_now & works).sum() == works.sum():
            continue
        trial = _arranged(task, held_now | works, now, best)
        if trial is not None and reached(task, trial) > reached(task, now) + 1e-9:
            found = now = trial
    return found


def _rate(task: Task, people: Any, works: Flags) -> float:
    return float(people[works].sum()) / max(float(task.cost[works].sum()), 1e-9)


def _closed(task: Task, wanted: Flags) -> Flags:
    """Keep of some works those whose every forerunner is kept, too."""
    kept = wanted.copy()
    for work in range(len(kept)):
        above = task.parent[work]
        if kept[work] and above >= 0 and not kept[above]:
            kept[work] = False
    return kept


def _entering(task: Task, held: Flags, goal: Flags) -> list[Flags]:
    """List, for each village work still to come, the works it lacks."""
    groups = []
    for work in np.flatnonzero(goal & ~held & (task.worth > 0)).tolist():
        group, at = np.zeros(len(held), bool), work
        while at >= 0 and not held[at]:
            group[at] = True
            at = int(task.parent[at])
        groups.append(group)
    return groups


def _leaving(task: Task, held: Flags, goal: Flags) -> list[Flags]:
    """List, for each village work that is not wanted in the end, what goes with it and what then leads nowhere."""
    groups: dict[bytes, Flags] = {}
    for work in np.flatnonzero(held & ~goal & (task.worth > 0)).tolist():
        group = np.zeros(len(held), bool)
        group[work] = True
        for later in range(work + 1, len(held)):
            if held[later] and task.parent[later] >= 0 and group[task.parent[later]]:
                group[later] = True
        at = int(task.parent[work])
        while at >= 0 and task.worth[at] <= 0 and not (held & ~group & (task.parent == at)).any():
            group[at] = True
            at = int(task.parent[at])
        groups[group.tobytes()] = group
    return list(groups.values())


def _arranged(task: Task, wanted: Flags, year: Ints, best: Ints) -> Ints | None:
    """Give works their years, all of them, within every year's money; None when no order tried does it."""
    years = len(task.budgets)
    only = replace(task, lock=np.where(wanted, FREE, NEVER))
    found: Ints | None = None
    spare = float(task.budgets.sum() - task.cost[wanted].sum())
    if spare < -1e-6:
        return None
    for key in ((best, year), (year, best), (-task.worth / np.maximum(task.cost, 1e-9),)):
        trial = arrange(only, np.lexsort((-task.cost, *key[::-1])))
        fits = bool((trial[wanted] < years).all()) and is_possible(only, trial)
        if fits and (found is None or reached(task, trial) > reached(task, found)):
            found = trial
    return found
