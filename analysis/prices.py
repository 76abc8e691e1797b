"""The prices of each year's money that bound every programme, and what a year other than the favoured one gives up.

The bound is convex in the prices and made of planes, one a choice of the tree: a model of the planes met so far is
minimised near the best prices until it meets the bound (Kelley 1960, within a box). What a work's other years give up
says in which order works are taken, which of them are worth searching among, and which cannot be in a better programme.
"""

from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.planes import lowest_of
from analysis.schedule import MUST, Schedule, Task, arrange, branch_ratio, greedy, is_possible, price_out, reached
from geo.compiled import compiled

Floats = NDArray[np.float64]
CLOSE = 1e-6  # prices are good enough when the model is so near the bound
SHAKES = (0.0, 3e-4, 1e-3, 3e-3)  # by how much prices are shaken to meet other programmes
TRIALS = 4 * len(SHAKES) + 1


@compiled
def _alone(parent: Any, cost: Any, value: Any, lock: Any, money: Any, own: Any, best: Any) -> None:
    """Value every work with what hangs on it, by its year (`own`) and when its year may be that or later (`best`)."""
    count, years = len(parent), len(money)
    for work in range(count - 1, -1, -1):
        for turn in range(years):
            own[work, turn] += value[work, turn] - money[turn] * cost[work]
            if lock[work] == 2:
                own[work, turn] = -np.inf
        if lock[work] == 1:
            own[work, years] = -np.inf
        top = own[work, years]
        best[work, years] = top
        for turn in range(years - 1, -1, -1):
            top = max(top, own[work, turn])
            best[work, turn] = top
        if parent[work] >= 0:
            for turn in range(years + 1):
                own[parent[work], turn] += best[work, turn]


@compiled
def whole_values(parent: Any, own: Any, best: Any, total: float, whole: Any) -> None:
    """Value the best whole schedule in which a work has a given year."""
    count, years = own.shape[0], own.shape[1] - 1
    for work in range(count):
        above = parent[work]
        if above < 0:
            for turn in range(years + 1):
                whole[work, turn] = own[work, turn] + total - best[work, 0]
            continue
        top = -np.inf
        for turn in range(years + 1):
            if whole[above, turn] > -np.inf:
                top = max(top, whole[above, turn] - best[work, turn])
            whole[work, turn] = own[work, turn] + top


@compiled
def _spread_locks(parent: Any, lock: Any) -> None:
    """Lock in what a locked work needs, and out what hangs on a work that is locked out."""
    for work in range(len(parent) - 1, -1, -1):
        if lock[work] == 1 and parent[work] >= 0:
            lock[parent[work]] = 1
    for work in range(len(parent)):
        if parent[work] >= 0 and lock[parent[work]] == 2:
            lock[work] = 2


def _standing(task: Task, prices: Floats) -> float:
    """Return what prices add to the bound by themselves: the budgets' part and the towns'."""
    years = len(task.budgets)
    whole = float(prices[:years] @ task.budgets)
    return whole + (float((task.fair.bonus - prices[years:]) @ task.fair.share) if task.fair else 0.0)


def regrets(task: Task, prices: Floats) -> tuple[float, Floats]:
    """Bound every programme in which a work has a given year.

    Parameters
    ----------
    prices
        Price of every year's money, not below zero; then, where towns have a share, what one more person of each is
        worth (from zero to the bonus).

    Returns
    -------
    bound, regret
        What no programme exceeds, and how much lower that bound is (row a work, column a year, the last: not at all)
        when the work has that year; infinite where its lock forbids it.

    Examples
    --------
    >>> two = Task(np.array([-1, 0]), np.array([1.0, 1.0]), np.array([0.0, 9.0]), np.zeros(2, np.int64), np.array([2.0]))
    >>> bound, regret = regrets(two, np.array([1.0]))
    >>> bound, regret.tolist()
    (9.0, [[0.0, 7.0], [0.0, 7.0]])

    """
    years, count = len(task.budgets), len(task.parent)
    lock = task.lock.copy()
    _spread_locks(task.parent, lock)
    own, best, whole = (np.zeros((count, years + 1)) for _ in range(3))
    _alone(task.parent, task.cost, task.values(prices), lock, prices[:years], own, best)
    total = float(best[task.parent < 0, 0].sum())
    whole_values(task.parent, own, best, total, whole)
    return total + _standing(task, prices), np.maximum(total - whole, 0.0)


def best_prices(task: Task, *, rounds: int = 60, start: Floats | None = None) -> tuple[Floats, float]:
    """Find the prices whose bound is lowest -> prices (of each year's money, then of towns), bound.

    `start` are prices of a question that differs little.
    """
    count, years, fair = len(task.parent), len(task.budgets), task.fair
    lock = task.lock.copy()
    _spread_locks(task.parent, lock)
    gain, chosen = np.zeros((count, years)), np.zeros(count, np.int64)
    usual = float(task.worth.sum()) / max(float(task.cost.sum()), 1e-9) * task.left[:-1]
    scale = np.full(years, float(usual.max(initial=1e-9)))
    if fair is not None:
        usual = np.r_[usual, np.full(len(fair.share), fair.bonus / 2)]
        scale = np.r_[scale, np.full(len(fair.share), max(fair.bonus, 1e-9))]
        rounds += 4 * len(fair.share)
    top = np.full(len(usual), np.inf)
    if fair is not None:
        top[years:] = fair.bonus
    price = usual if start is None or len(start) != len(usual) else np.minimum(start, top)
    radius = 1.0 if start is None else 0.05
    best, bound = np.asarray(price, np.float64), np.inf
    slopes, levels = np.empty((rounds, len(usual))), np.empty(rounds)
    for turn in range(rounds):
        value = float(
            price_out(task.parent, task.cost, task.values(price), lock, price[:years], gain, chosen)
        ) + _standing(task, price)
        slopes[turn] = _slope(task, chosen)
        levels[turn] = value - float(slopes[turn] @ price)
        if value < bound:
            is_far = bool((np.abs(price - best) >= 0.99 * radius * scale).any())
            best, bound = np.asarray(price, np.float64), value
            radius *= 2.0 if is_far and turn else 1.0
        elif turn > 3:
            radius *= 0.7 if fair is None else 0.9
        low, high = np.maximum(best - radius * scale, 0.0), np.minimum(best + radius * scale, top)
        found, lowest = lowest_of(slopes[: turn + 1], levels[: turn + 1], low, high)
        if found is None or bound - lowest <= CLOSE * abs(bound):
            break
        price = np.clip(found, 0.0, top)
    return best, bound


def _slope(task: Task, chosen: Any) -> Floats:
    """Say how the bound changes with each price: money left over, and what towns are served beyond their share."""
    years, fair = len(task.budgets), task.fair
    money = task.budgets - np.bincount(chosen, weights=task.cost, minlength=years + 1)[:years]
    if fair is None:
        return np.asarray(money, np.float64)
    some = (chosen < years) & (fair.town >= 0)
    served = np.bincount(fair.town[some], weights=fair.people[some], minlength=len(fair.share))
    return np.asarray(np.r_[money, served - fair.share], np.float64)


def relax(
    task: Task,
    *,
    rounds: int = 60,
    target: float = 0.0,
    until: float = np.inf,
    start: Floats | None = None,
    trials: int = TRIALS,
) -> Schedule:
    """Schedule by pricing money: an upper bound, and the best programme met on the way.

    Parameters
    ----------
    rounds
        How many price lists are tried at most.
    target
        Stop when the gap is this small.
    until
        Stop at this reading of the monotonic clock.
    start
        Prices of a question that differs little.
    trials
        How many programmes are made of the prices, at most.
    """
    years, count = len(task.budgets), len(task.parent)
    if count == 0:
        return Schedule(np.empty(0, np.int64), 0.0, 0.0, "lagrange")
    money, bound = best_prices(task, rounds=rounds, start=start)
    bound = min(bound, task.most())
    best, objective = np.full(count, years, np.int64), -np.inf
    rng = np.random.default_rng(7)
    for turn in range(trials):
        trial = greedy(task) if turn == 0 else repaired(task, money, SHAKES[turn % len(SHAKES)], turn % 2 == 0, rng)
        if is_possible(task, trial) and reached(task, trial) > objective:
            best, objective = trial, reached(task, trial)
        if bound - objective <= target * abs(bound) or monotonic() > until:
            break
    return Schedule(best, objective, max(bound, objective), "lagrange", money)


def repaired(task: Task, money: Floats, shake: float, by_ratio: bool, rng: np.random.Generator) -> Any:
    """Make a programme of what shaken prices choose: the surest works first, or those of the best branches.

    `shake` is the share by which the prices of money are drawn around `money` at most. Where locks leave no such programme
    the locked works come first.
    """
    years = len(task.budgets)
    shaken = np.r_[money[:years] * rng.uniform(1 - shake, 1 + shake, years), money[years:]]
    _, regret = regrets(task, shaken)
    chosen = regret.argmin(axis=1)
    if by_ratio:
        key = -branch_ratio(task, chosen < years)
    else:
        key = np.where(chosen < years, -np.partition(regret, 1, axis=1)[:, 1], regret[:, :years].min(axis=1))
    order = np.lexsort((key, task.lock != MUST, chosen))
    trial = arrange(task, order, locked_first=False)
    return trial if is_possible(task, trial) else arrange(task, order)
