"""Sets of moves that do not clash, and the two of them that fit what is left over and lose least.

The sets lie in boxes by the money they use of the three dearest years; for each set only the eight boxes are looked into
that can hold its counterpart (meet in the middle, Horowitz and Sahni 1974).
"""

from typing import Any

import numpy as np

from geo.compiled import compiled


@compiled
def list_sets(loss: Any, used: Any, clash: Any, most: float, reach: Any, moves: Any, lost: Any, spent: Any) -> int:
    """List the sets of moves that do not clash and lose no more than `most`, smaller sets first; return how many."""
    years, width = used.shape[1], moves.shape[1]
    moves[0, :] = -1
    lost[0] = 0.0
    spent[0, :] = 0.0
    begin, size = 0, 1
    for rank in range(width):
        end = size
        for base in range(begin, end):
            first = moves[base, rank - 1] + 1 if rank > 0 else 0
            for move in range(first, min(len(loss), reach[rank])):
                if lost[base] + loss[move] > most:
                    break
                is_free = True
                for place in range(rank):
                    if clash[moves[base, place], move]:
                        is_free = False
                        break
                if not is_free:
                    continue
                if size == len(lost):
                    return size
                for place in range(width):
                    moves[size, place] = moves[base, place]
                moves[size, rank] = move
                lost[size] = lost[base] + loss[move]
                for money in range(years):
                    spent[size, money] = spent[base, money] + used[move, money]
                size += 1
        begin = end
    return size


@compiled
def _box(one: int, two: int, three: int, mask: int) -> int:
    return ((one * 73856093) ^ (two * 19349663) ^ (three * 83492791)) & mask


@compiled
def meet(moves: Any, lost: Any, spent: Any, size: int, clash: Any, room: Any, prices: Any, axes: Any, most: float, looked: int, pair: Any) -> float:  # fmt: skip
    """Find two sets that fit the room and lose least, money left over included, less than `most` -> what they lose."""
    years, width = len(room), moves.shape[1]
    bits = 1
    while (1 << bits) < size:
        bits += 1
    mask = (1 << bits) - 1
    head, box, item = np.zeros(mask + 2, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    side, low, high = np.ones(3), np.zeros(3, np.int64), np.zeros(3, np.int64)
    for place in range(len(axes)):
        side[place] = most / prices[axes[place]]
    for entry in range(size):
        for place in range(len(axes)):
            low[place] = int(np.floor(spent[entry, axes[place]] / side[place]))
        box[entry] = _box(low[0], low[1], low[2], mask)
        head[box[entry] + 1] += 1
    for place in range(mask + 1):
        head[place + 1] += head[place]
    fill = head.copy()
    for entry in range(size):
        item[fill[box[entry]]] = entry
        fill[box[entry]] += 1
    best, rest = most, np.empty(years)
    pair[0] = -1
    for one in range(size):
        if lost[one] > best / 2:  # the other of a pair loses less
            continue
        for money in range(years):
            rest[money] = room[money] - spent[one, money]
        for place in range(len(axes)):
            top = rest[axes[place]]
            high[place] = int(np.floor((top + 1e-9) / side[place]))
            low[place] = int(np.floor((top - (best - lost[one]) / prices[axes[place]]) / side[place]))
        for first in range(low[0], high[0] + 1):
            for second in range(low[1], high[1] + 1):
                for third in range(low[2], high[2] + 1):
                    at = _box(first, second, third, mask)
                    for place in range(head[at], head[at + 1]):
                        two = item[place]
                        whole = lost[one] + lost[two]
                        for money in range(years):
                            over = rest[money] - spent[two, money]
                            whole += over * prices[money] if over >= -1e-9 else np.inf
                        if whole >= best:
                            continue
                        is_free = True
                        for this in range(width):
                            for that in range(width):
                                if moves[one, this] >= 0 and moves[two, that] >= 0:
                                    is_free = is_free and not clash[moves[one, this], moves[two, that]]
                        if is_free:
                            best = whole
                            pair[0], pair[1] = one, two
                    looked -= head[at + 1] - head[at]
        if looked < 0:
            break
    return best
