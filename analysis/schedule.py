"""Which works in which year: a programme on a tree, near the best, with a bound that no programme can beat.

Work j done in year t of T serves its people for T - t + 1 years. It needs its parent done by then, a year's works
cost no more than its budget (money does not carry over), and nothing is paid twice:

    max sum_j people_j * sum_t y_jt   with y_jt <= y_j(t+1), y_jt <= y_parent(j)t, sum_j cost_j (y_jt - y_j(t-1)) <= B_t

Pricing each year's money (multipliers) leaves a tree problem solved exactly by one pass from the leaves up (`price_out`);
its value is an upper bound whatever the prices (Lagrangian relaxation). `analysis.prices` finds the prices that bound best.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FREE, MUST, NEVER = 0, 1, 2
EPSILON = 1e-9


@dataclass(frozen=True)
class Fair:
    """What is due to every town: `town` of each work (-1 none) and its `people`, the `share` due to each town, `bonus`.

    Up to its share, every person of a town who is connected at the end counts `bonus` more: a concave reward, so a
    town far behind is served first and none is served at any price.
    """

    town: Ints
    people: Floats
    share: Floats
    bonus: float

    def reward(self, is_done: NDArray[np.bool_]) -> float:
        """Return what the towns add to the objective."""
        some = is_done & (self.town >= 0)
        served = np.bincount(self.town[some], weights=self.people[some], minlength=len(self.share))
        return self.bonus * float(np.minimum(served, self.share).sum())


@dataclass(frozen=True)
class Task:
    """Works to schedule: parent (-1 none, always lower), cost, worth of a year, lock (FREE, MUST, NEVER), budgets.

    `years` weighs each year (1 when missing); `fair` is what is due to towns.
    """

    parent: Ints
    cost: Floats
    worth: Floats
    lock: Ints
    budgets: Floats
    years: Floats | None = None
    fair: Fair | None = None

    @property
    def left(self) -> Floats:
        """Say what is left of the years for a work done in each of them, the last: not at all."""
        weight = np.ones(len(self.budgets)) if self.years is None else self.years
        return np.asarray(np.r_[np.cumsum(weight[::-1])[::-1], 0.0], np.float64)

    def values(self, prices: Floats) -> Floats:
        """Value every work by its year under prices of towns (those after the years' money)."""
        value = self.worth[:, None] * self.left[:-1]
        if self.fair is not None:
            price = np.r_[prices[len(self.budgets) :], 0.0]  # -1 is nobody's town
            value = value + (price[self.fair.town] * self.fair.people)[:, None]
        return np.asarray(value, np.float64)

    def most(self) -> float:
        """Return what everything, done at once, would reach."""
        whole = float(self.worth.sum()) * float(self.left[0])
        return whole + (self.fair.bonus * float(self.fair.share.sum()) if self.fair else 0.0)


@dataclass(frozen=True)
class Schedule:
    """Year of every work (0 .. T-1, T = not at all), what it reaches, what nothing can exceed, the prices that say so."""

    year: Ints
    objective: float
    bound: float
    solver: str
    money: Floats | None = None

    @property
    def gap(self) -> float:
        """How far the bound lies above the programme, as a share of the bound."""
        return max(self.bound - self.objective, 0.0) / self.bound if self.bound > 0 else 0.0


def reached(task: Task, year: Ints) -> float:
    """Add up what a schedule reaches: worth times the weight of the years it is there, and what towns add."""
    whole = float((task.worth * task.left[year]).sum())
    return whole + (task.fair.reward(year < len(task.budgets)) if task.fair else 0.0)


@compiled
def price_out(parent: Any, cost: Any, value: Any, lock: Any, money: Any, best: Any, year: Any) -> float:
    """Choose every work's year when money of year t costs money[t]; return the value without the budgets' part."""
    count, years = len(parent), len(money)
    gain = np.zeros((count, years))
    for work in range(count - 1, -1, -1):
        top = 0.0 if lock[work] != 1 else -np.inf
        for turn in range(years - 1, -1, -1):
            if lock[work] == 2:
                best[work, turn] = 0.0
                continue
            top = max(top, gain[work, turn] + value[work, turn] - money[turn] * cost[work])
            best[work, turn] = top
        if parent[work] >= 0:
            for turn in range(years):
                gain[parent[work], turn] += best[work, turn]
    total = 0.0
    for work in range(count):
        first = 0
        if parent[work] >= 0:
            first = year[parent[work]]
        else:
            total += best[work, 0]
        year[work] = years
        if first < years and lock[work] != 2:
            wanted = best[work, first]
            if lock[work] == 1 or wanted > 0.0:
                chosen = first
                while chosen + 1 < years and best[work, chosen + 1] == wanted:
                    chosen += 1
                year[work] = chosen
    return total


@compiled
def _fill(parent: Any, cost: Any, lock: Any, budgets: Any, order: Any, year: Any, room: Any) -> None:
    """Take works in order, each with what must be done before it, into the first year with room for it all."""
    years = len(budgets)
    chain = np.empty(len(parent), np.int64)
    for work in order:
        if year[work] < years or lock[work] == 2:
            continue
        size, at, need, blocked = 0, work, 0.0, False
        while at >= 0 and year[at] == years:
            if lock[at] == 2:
                blocked = True
                break
            chain[size] = at
            need += cost[at]
            size += 1
            at = parent[at]
        if blocked:
            continue
        first = year[at] if at >= 0 else 0
        for turn in range(first, years):
            if need <= room[turn] + 1e-9:
                for step in range(size):
                    year[chain[step]] = turn
                room[turn] -= need
                break


@compiled
def _pull(parent: Any, cost: Any, order: Any, year: Any, room: Any) -> None:
    """Move works to earlier years where there is room and what comes before is done."""
    years = len(room)
    for work in order:
        if year[work] == years:
            continue
        first = year[parent[work]] if parent[work] >= 0 else 0
        for turn in range(first, year[work]):
            if cost[work] <= room[turn] + 1e-9:
                room[year[work]] += cost[work]
                room[turn] -= cost[work]
                year[work] = turn
                break


def arrange(task: Task, order: Ints, *, locked_first: bool = True) -> Ints:
    """Make a programme by taking works in an order of preference, locked ones first (or where they stand in it)."""
    years = len(task.budgets)
    year, room = np.full(len(task.parent), years, np.int64), task.budgets.copy()
    must = np.flatnonzero(task.lock == MUST) if locked_first else np.empty(0, np.int64)
    _fill(task.parent, task.cost, task.lock, task.budgets, must[np.argsort(order.argsort()[must])], year, room)
    _fill(task.parent, task.cost, task.lock, task.budgets, order, year, room)
    _pull(task.parent, task.cost, np.arange(len(year)), year, room)
    _fill(task.parent, task.cost, task.lock, task.budgets, order, year, room)
    return year


def is_possible(task: Task, year: Ints) -> bool:
    """Say whether a schedule keeps budgets, precedence and locks."""
    years = len(task.budgets)
    spent = np.bincount(year, weights=task.cost, minlength=years + 1)[:years]
    child = task.parent >= 0
    return bool(
        (spent <= task.budgets + 1e-6).all()
        and (year[child] >= year[task.parent[child]]).all()
        and (year[task.lock == MUST] < years).all()
        and (year[task.lock == NEVER] == years).all()
    )


@compiled
def _pass_down(parent: Any, whole: Any) -> None:
    """Add to every work what all works before it hold."""
    for work in range(len(parent)):
        if parent[work] >= 0:
            whole[work] += whole[parent[work]]


@compiled
def pass_up(parent: Any, taken: Any, whole: Any) -> None:
    """Add to every work what is taken of the works after it."""
    for work in range(len(parent) - 1, -1, -1):
        if taken[work] and parent[work] >= 0:
            whole[parent[work]] += whole[work]


def greedy(task: Task) -> Ints:
    """Make the programme of the usual list: people per money of each work with all that must come before it."""
    whole = task.cost.copy()
    _pass_down(task.parent, whole)
    return arrange(task, np.argsort(-task.worth / np.maximum(whole, EPSILON), kind="stable"))


def branch_ratio(task: Task, taken: NDArray[np.bool_]) -> Floats:
    """Give each work the worth per cost of what is taken from it onwards."""
    worth, cost = np.where(taken, task.worth, 0.0), np.where(taken, task.cost, 0.0)
    for whole in (worth, cost):
        pass_up(task.parent, taken, whole)
    alone = task.worth / np.maximum(task.cost, EPSILON)
    return np.where(taken, worth / np.maximum(cost, EPSILON), alone)


def without_idle(task: Task, year: Ints) -> Ints:
    """Leave out works that open nothing: nobody gains by them and by what follows them."""
    years, kept = len(task.budgets), year.copy()
    gain = np.where(year < years, task.worth, 0.0)
    if task.fair is not None:
        gain = gain + np.where((year < years) & (task.fair.town >= 0), task.fair.people, 0.0)
    _drop_idle(task.parent, task.lock, gain, kept, years)
    return kept


@compiled
def _drop_idle(parent: Any, lock: Any, gain: Any, year: Any, years: int) -> None:
    """Put works off for good whose own gain and that of all that follows is nothing."""
    for work in range(len(parent) - 1, -1, -1):
        if gain[work] <= 0 and lock[work] != 1:
            year[work] = years
        if parent[work] >= 0:
            gain[parent[work]] += gain[work] + (1.0 if lock[work] == 1 else 0.0)
