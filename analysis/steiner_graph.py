"""The graph that the joint network is sought on, and the same graph without the places where nothing is decided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Graph:
    """An undirected graph: ends and length of its edges, and how many nodes it has. Node 0 is the root."""

    one: Ints
    two: Ints
    length: Floats
    count: int


@dataclass(frozen=True)
class Shrunk:
    """A graph without dead ends and places a road only passes: `parts` are the edges each of its edges stands for."""

    graph: Graph
    terminals: Ints
    parts: tuple[Ints, ...]

    def edges(self, kept: Ints) -> Ints:
        """Give the edges of the whole graph that some edges stand for."""
        return np.sort(np.concatenate([np.empty(0, np.int64), *(self.parts[edge] for edge in kept.tolist())]))


def shrunk(graph: Graph, terminals: Ints) -> Shrunk:
    """Take away what no shortest joint network decides: dead ends, places passed through, the longer of two edges.

    Examples
    --------
    >>> path = Graph(np.array([0, 1, 1]), np.array([1, 2, 3]), np.array([4.0, 3.0, 9.0]), 4)
    >>> small = shrunk(path, np.array([2]))
    >>> small.graph.count, small.graph.length.tolist(), small.terminals.tolist(), small.edges(np.array([0])).tolist()
    (2, [7.0], [1], [0, 1])

    """
    near: list[dict[int, tuple[float, tuple[int, ...]]]] = [{} for _ in range(graph.count)]

    def join(a: int, b: int, length: float, parts: tuple[int, ...]) -> None:
        if a != b and (b not in near[a] or length < near[a][b][0]):
            near[a][b] = near[b][a] = (length, parts)

    for edge, (a, b, length) in enumerate(
        zip(graph.one.tolist(), graph.two.tolist(), graph.length.tolist(), strict=True)
    ):
        join(a, b, length, (edge,))
    is_kept = np.zeros(graph.count, bool)
    is_kept[terminals] = is_kept[0] = True
    queue = np.flatnonzero(~is_kept).tolist()
    while queue:
        node = queue.pop()
        if len(near[node]) not in (1, 2):
            continue
        ends = list(near[node].items())
        for end, _ in ends:
            del near[end][node]
        near[node] = {}
        if len(ends) == 2:
            (a, (first, here)), (b, (second, there)) = ends
            join(a, b, first + second, here + there)
        queue += [end for end, _ in ends if not is_kept[end]]
    held = [(a, b, *near[a][b]) for a in range(graph.count) for b in near[a] if a < b]
    used = np.unique(np.r_[0, terminals, [row[0] for row in held], [row[1] for row in held]]).astype(np.int64)
    one, two = (np.searchsorted(used, np.array([row[end] for row in held], np.int64)) for end in (0, 1))
    small = Graph(one, two, np.array([row[2] for row in held], np.float64), len(used))
    return Shrunk(small, np.searchsorted(used, terminals), tuple(np.array(row[3], np.int64) for row in held))
