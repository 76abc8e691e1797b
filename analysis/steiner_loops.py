"""The two loops behind the joint network: dual ascent and growing a tree to the nearest terminal."""

from typing import Any

import numpy as np

from geo.compiled import compiled


@compiled
def raise_prices(begin: Any, tail: Any, left: Any, terminals: Any, count: int, room: int) -> Any:
    """Lower what is left of the arcs into the set that reaches a terminal, smallest sets first; return the sum.

    Also the sets, as rows and the arcs into them, as far as there is room.

    A terminal whose set holds the root or another waiting terminal needs nothing more: it is reached through that.
    """
    waiting = np.zeros(count, np.bool_)
    size = np.zeros(count, np.int64)
    for terminal in terminals:
        waiting[terminal] = True
        size[terminal] = begin[terminal + 1] - begin[terminal]
    mark = np.zeros(count, np.int64)
    members = np.empty(count, np.int64)
    stamp, bound, active = 0, 0.0, len(terminals)
    set_of, arc_of, held, number = np.empty(room, np.int64), np.empty(room, np.int64), 0, 0
    queue = terminals.copy()
    while active > 0:
        ranked = queue[:active][np.argsort(size[queue[:active]])]
        limit = size[ranked[len(ranked) // 4]] + 8
        kept = 0
        for terminal in ranked:
            done = False
            while not done and size[terminal] <= limit:
                stamp += 1
                mark[terminal] = stamp
                members[0] = terminal
                found, at = 1, 0
                while at < found and not done:
                    node = members[at]
                    at += 1
                    for arc in range(begin[node], begin[node + 1]):
                        other = tail[arc]
                        if left[arc] <= 0 and mark[other] != stamp:
                            if other == 0 or (waiting[other] and other != terminal):
                                done = True
                                break
                            mark[other] = stamp
                            members[found] = other
                            found += 1
                if done:
                    break
                least, cut = np.inf, 0
                for row in range(found):
                    for arc in range(begin[members[row]], begin[members[row] + 1]):
                        if mark[tail[arc]] != stamp:
                            cut += 1
                            least = min(least, left[arc])
                if cut == 0:
                    done = True
                    break
                bound += least
                fits = held + cut <= room
                for row in range(found):
                    for arc in range(begin[members[row]], begin[members[row] + 1]):
                        if mark[tail[arc]] != stamp:
                            left[arc] -= least
                            if fits:
                                set_of[held], arc_of[held] = number, arc
                                held += 1
                number += fits
                size[terminal] = cut
            if done:
                waiting[terminal] = False
            else:
                queue[kept] = terminal
                kept += 1
        active = kept
    return bound, set_of[:held], arc_of[:held]


@compiled
def _sift_up(key: Any, item: Any, at: int, value: float, node: int) -> None:
    """Let an entry rise to its place in the heap."""
    while at > 0:
        above = (at - 1) // 2
        if key[above] > value or (key[above] == value and item[above] > node):
            key[at], item[at] = key[above], item[above]
            at = above
        else:
            break
    key[at], item[at] = value, node


@compiled
def _sift_down(key: Any, item: Any, size: int) -> None:
    """Put the last entry in place of the first and let it sink."""
    value, node, at = key[size], item[size], 0
    while 2 * at + 1 < size:
        below = 2 * at + 1
        if below + 1 < size and (
            key[below + 1] < key[below] or (key[below + 1] == key[below] and item[below + 1] < item[below])
        ):
            below += 1
        if key[below] < value or (key[below] == value and item[below] < node):
            key[at], item[at] = key[below], item[below]
            at = below
        else:
            break
    key[at], item[at] = value, node


@compiled
def grow(begin: Any, head: Any, length: Any, link: Any, is_wanted: Any, start: int) -> Any:
    """Join the terminals to a tree one by one, always the nearest next; return the edges (`link`) it consists of."""
    count = len(begin) - 1
    far, back, via = np.full(count, np.inf), np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    in_tree = np.zeros(count, np.bool_)
    room = 4 * len(head) + 2 * count + 16
    key, item = np.empty(room), np.empty(room, np.int64)
    kept, found, left = np.empty(count, np.int64), 0, 0
    for node in range(count):
        if is_wanted[node] and node != start:
            left += 1
    far[start], in_tree[start] = 0.0, True
    key[0], item[0] = 0.0, start
    size = 1
    while size > 0 and left > 0:
        value, node = key[0], item[0]
        size -= 1
        _sift_down(key, item, size)
        if value > far[node]:
            continue
        if is_wanted[node] and not in_tree[node]:
            at = node
            while not in_tree[at]:
                in_tree[at] = True
                if is_wanted[at]:
                    left -= 1
                kept[found] = via[at]
                found += 1
                far[at] = 0.0
                _sift_up(key, item, size, 0.0, at)
                size += 1
                at = back[at]
            continue
        for arc in range(begin[node], begin[node + 1]):
            other, reach = head[arc], value + length[arc]
            if reach < far[other] and size < room:
                far[other], via[other], back[other] = reach, link[arc], node
                _sift_up(key, item, size, reach, other)
                size += 1
    return kept[:found]
