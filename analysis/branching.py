"""Split what is open in two, again and again, and bound each part by pricing money: kernels of `analysis.proof`.

A part says for every work which year it may have at the earliest and at the latest (the number of years: not at all). Its
bound is the lowest of some planes in the prices of money, as for the whole (`analysis.prices`); the weights of the planes
that meet there are a programme in fractions, which says where to split. Years that no better programme can have are taken
out of each part before it is split. The part with the highest bound is split first: that bound holds for all.
"""

from typing import Any

import numpy as np

from analysis.planes import descend
from analysis.prices import whole_values
from geo.compiled import compiled

ROUNDS, FIRST_ROUNDS = 14, 20  # price lists for a part, and for the first
NEAR, FAR = 0.05, 0.2  # how far prices may move at first, as a share of the highest
CLOSE_ENOUGH = 0.02  # of the way from a bound to the programme in hand: better prices are not worth looking for
HALF_DONE = 0.02  # a work is open where its fraction is so far from nothing and from all


@compiled
def settle(parent: Any, low: Any, high: Any) -> bool:
    """Make years follow from years: nothing before what it hangs on, which comes before the last year of what follows."""
    for work in range(len(parent) - 1, -1, -1):
        if parent[work] >= 0 and high[parent[work]] > high[work]:
            high[parent[work]] = high[work]
    for work in range(len(parent)):
        if parent[work] >= 0 and low[work] < low[parent[work]]:
            low[work] = low[parent[work]]
        if low[work] > high[work]:
            return False
    return True


@compiled
def _priced(
    parent: Any, cost: Any, value: Any, low: Any, high: Any, money: Any, own: Any, best: Any, year: Any
) -> float:
    """Choose every work's year within its part when money has prices; return the value without the budgets' part."""
    years, total = len(money), 0.0
    own[:] = 0.0
    for work in range(len(parent) - 1, -1, -1):
        top = -np.inf
        for turn in range(years, -1, -1):
            if turn < years:
                own[work, turn] += value[work, turn] - money[turn] * cost[work]
            if turn < low[work] or turn > high[work]:
                own[work, turn] = -np.inf
            top = max(top, own[work, turn])
            best[work, turn] = top
        if parent[work] >= 0:
            for turn in range(years + 1):
                own[parent[work], turn] += best[work, turn]
        else:
            total += best[work, 0]
    for work in range(len(parent)):
        first = int(low[work])
        if parent[work] >= 0:
            first = max(first, int(year[parent[work]]))
        chosen = first
        for turn in range(first + 1, high[work] + 1):
            if own[work, turn] > own[work, chosen]:
                chosen = turn
        year[work] = chosen
    return total


@compiled
def _lowest(slopes: Any, levels: Any, middle: Any, size: Any, weight: Any, money: Any) -> float:
    """Find the prices in a box where the highest plane is lowest -> its height (-inf when none was found)."""
    count, years = slopes.shape
    heights, unit = np.empty(count), 1e-9
    scaled, place = np.empty((count, years)), np.empty(years)
    for plane in range(count):
        heights[plane] = levels[plane]
        for turn in range(years):
            heights[plane] += slopes[plane, turn] * middle[turn]
            scaled[plane, turn] = slopes[plane, turn] * size[turn]
            unit = max(unit, abs(scaled[plane, turn]))
    top = heights.max()
    unit = max(unit, top - heights.min())
    if not descend(scaled / unit, (heights - top) / unit, place, weight):
        return -np.inf
    for turn in range(years):
        money[turn] = max(middle[turn] + size[turn] * place[turn], 0.0)
    found = -np.inf
    for plane in range(count):
        height = levels[plane]
        for turn in range(years):
            height += slopes[plane, turn] * money[turn]
        found = max(found, height)
    return found


@compiled
def _bound(parent: Any, cost: Any, value: Any, budgets: Any, low: Any, high: Any, money: Any, enough: float, rounds: int, reach: float, own: Any, best: Any, met: Any, weight: Any) -> Any:  # fmt: skip
    """Lower the bound of a part by better prices, left in `money` -> bound, schedules met, best possible one, its worth."""
    years, bound, size, possible, worth = len(money), np.inf, 0, -1, -np.inf
    slopes, levels = np.empty((rounds, years)), np.empty(rounds)
    now, held, scale = money.copy(), money.copy(), max(money.max(), 1e-9)
    middle, half = np.empty(years), np.empty(years)
    weight[:] = 0.0
    weight[0] = 1.0
    for turn in range(rounds):
        height = _priced(parent, cost, value, low, high, now, own, best, met[turn])
        slopes[turn], reached, fits = budgets, 0.0, True
        for work in range(len(parent)):
            year = met[turn, work]
            if year < years:
                slopes[turn, year] -= cost[work]
                reached += value[work, year]
        levels[turn] = height
        for year in range(years):
            height += now[year] * budgets[year]
            levels[turn] += now[year] * (budgets[year] - slopes[turn, year])
            fits = fits and slopes[turn, year] >= -1e-9
        size = turn + 1
        if fits and reached > worth:
            possible, worth = turn, reached
        if height < bound:
            for year in range(years):
                if turn and abs(now[year] - money[year]) >= 0.99 * reach * scale:
                    reach *= 2.0
                    break
            bound = height
            money[:] = now
        elif turn > 2:
            reach *= 0.7
        if bound < enough or size == rounds:
            break
        for year in range(years):
            least, most = max(money[year] - reach * scale, 0.0), money[year] + reach * scale
            middle[year], half[year] = (most + least) / 2, (most - least) / 2
        lowest = _lowest(slopes[:size], levels[:size], middle, half, weight[:size], held)
        if not lowest > -np.inf or bound - lowest <= 1e-7 * abs(bound) + CLOSE_ENOUGH * max(bound - enough, 0.0):
            break
        now[:] = held
    return bound, size, possible, worth


@compiled
def _split_at(parent: Any, cost: Any, met: Any, weight: Any, size: int, low: Any, high: Any, years: int) -> Any:
    """Say at which work and after which year to split: where the fractions are open and much money hangs on it both ways."""
    count = len(parent)
    share, before, after = np.zeros((count, years)), np.zeros((count, years)), np.zeros((count, years))
    for one in range(size):
        if weight[one] > 1e-4:
            for work in range(count):
                for turn in range(met[one, work], years):
                    share[work, turn] += weight[one]
    for work in range(count):
        for turn in range(years):
            if HALF_DONE < share[work, turn] < 1 - HALF_DONE:
                before[work, turn] = cost[work]
                if parent[work] >= 0:
                    before[work, turn] += before[parent[work], turn]
    chosen, after_turn, most = -1, 0, 0.0
    for work in range(count - 1, -1, -1):
        for turn in range(years):
            is_open = HALF_DONE < share[work, turn] < 1 - HALF_DONE
            if not is_open:
                continue
            after[work, turn] += cost[work]
            if parent[work] >= 0:
                after[parent[work], turn] += after[work, turn]
            apart, ahead, behind = share[work, turn] * (1 - share[work, turn]), before[work, turn], after[work, turn]
            score = apart * ahead * behind / max(ahead + behind, 1e-9) + 1e-12
            if score > most and low[work] <= turn < high[work]:
                chosen, after_turn, most = work, turn, score
    if chosen < 0:  # no fractions: the dearest work that is open at all
        for work in range(count):
            if low[work] < high[work] and (chosen < 0 or cost[work] > cost[chosen]):
                chosen, after_turn = work, int(low[work])
    return chosen, after_turn


@compiled
def _sink(heap: Any, size: int, bound: Any) -> None:
    """Put the first of a heap where it belongs; the highest bound comes first, of equal ones the lower number."""
    at = 0
    while True:
        first = at
        for below in (2 * at + 1, 2 * at + 2):
            if below < size:
                one, two = heap[below], heap[first]
                if bound[one] > bound[two] or (bound[one] == bound[two] and one < two):
                    first = below
        if first == at:
            return
        heap[at], heap[first] = heap[first], heap[at]
        at = first


@compiled
def _rise(heap: Any, at: int, bound: Any) -> None:
    while at > 0:
        above = (at - 1) // 2
        one, two = heap[at], heap[above]
        if not (bound[one] > bound[two] or (bound[one] == bound[two] and one < two)):
            return
        heap[at], heap[above] = two, one
        at = above


@compiled
def branch(parent: Any, cost: Any, value: Any, budgets: Any, step: float, low: Any, high: Any, money: Any, bound: Any, split: Any, heap: Any, spare: Any, count: Any, best_year: Any, best: float, parts: int) -> float:  # fmt: skip
    """Look at so many parts more; everything is kept in the arrays, so that it can go on -> the best worth met.

    `count` holds the size of the heap, of the spare places, places ever used, parts looked at, and 1 when places ran out.
    """
    years, works = len(budgets), len(parent)
    own, top, whole = np.empty((works, years + 1)), np.empty((works, years + 1)), np.empty((works, years + 1))
    met, weight = np.empty((FIRST_ROUNDS + 1, works), np.int8), np.empty(FIRST_ROUNDS)
    new_low, new_high, price = np.empty(works, np.int8), np.empty(works, np.int8), np.empty(years)
    end = count[3] + parts
    while count[0] > 0 and count[3] < end and count[4] == 0:
        part = heap[0]
        if bound[part] < best + step:
            count[0] = 0  # no part can hold a better programme
            break
        count[0] -= 1
        heap[0] = heap[count[0]]
        _sink(heap, count[0], bound)
        work, turn, highest = split[part, 0], split[part, 1], bound[part]
        for side in range(2 if work >= 0 else 1):
            new_low[:], new_high[:], price[:] = low[part], high[part], money[part]
            if work >= 0 and side == 0:
                new_high[work] = min(new_high[work], turn)
            elif work >= 0:
                new_low[work] = max(new_low[work], turn + 1)
            count[3] += 1
            if not settle(parent, new_low, new_high):
                continue
            rounds, reach = (ROUNDS, NEAR) if work >= 0 else (FIRST_ROUNDS, FAR)
            now, size, possible, worth = _bound(parent, cost, value, budgets, new_low, new_high, price, best + step, rounds, reach, own, top, met, weight)  # fmt: skip
            if worth > best:
                best = worth
                best_year[:] = met[possible]
            if now < best + step:
                continue
            total = _priced(parent, cost, value, new_low, new_high, price, own, top, met[FIRST_ROUNDS])
            whole_values(parent, own, top, total, whole)
            left = now - best - step
            for one in range(works):
                while new_low[one] < new_high[one] and total - whole[one, new_low[one]] > left:
                    new_low[one] += 1
                while new_low[one] < new_high[one] and total - whole[one, new_high[one]] > left:
                    new_high[one] -= 1
            if not settle(parent, new_low, new_high):
                continue
            chosen, after = _split_at(parent, cost, met, weight, size, new_low, new_high, years)
            if chosen < 0:  # one programme is left: what the prices chose, which was met
                continue
            if count[1] > 0:
                count[1] -= 1
                place = spare[count[1]]
            elif count[2] < len(bound):
                place = count[2]
                count[2] += 1
            else:
                count[4] = 1
                place = part  # its bound holds for what is left of it
            if count[4] == 1:
                bound[part] = highest
            else:
                low[place], high[place], money[place], bound[place] = new_low, new_high, price, min(now, highest)
                split[place, 0], split[place, 1] = chosen, after
            heap[count[0]] = place
            count[0] += 1
            _rise(heap, count[0] - 1, bound)
            if count[4] == 1:
                break
        if count[4] == 0:
            spare[count[1]] = part
            count[1] += 1
    return best
