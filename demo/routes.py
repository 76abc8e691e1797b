"""Decide which places a road joins, and which route each stretch belongs to."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from demo.settlements import Settlements
from demo.sizes import Array, Size
from demo.terrain import Terrain, lattice_graph

CLASSES = np.array(list("GSXYCW"), dtype=object)
G, S, X, Y, C, W = range(6)
NO_ROAD_SHARE = 0.04
LOOP_SHARE = 0.16


@dataclass(frozen=True)
class Links:
    """Roads between terminals (village seats, then natural villages) as paths over lattice cells.

    `first`, `last` are terminals, `from_cell`, `to_cell` the cells where the two halves of the path meet, `route` a row
    of `route_class` and `route_start`; `up` leads every cell to its terminal.
    """

    terminal_cell: Array
    seat_terminal: Array
    hamlet_terminal: Array
    first: Array
    last: Array
    from_cell: Array
    to_cell: Array
    route: Array
    route_class: Array
    route_start: Array
    up: Array
    roadless: Array


def _candidates(terrain: Terrain, cells: Array) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Find, for every two terminals with adjoining catchments, the easiest way from one to the other."""
    steep = (terrain.slope_percent / 11.0) ** 2
    cost = np.where(terrain.inside, 1.0 + steep + np.where(terrain.river, 5.0, 0.0), np.inf).astype(np.float64)
    graph = lattice_graph(cost, terrain.cell_m)
    distance, up, source = csgraph.dijkstra(graph, indices=cells, min_only=True, return_predecessors=True)
    edges = sparse.triu(graph).tocoo()
    a, b = source[edges.row], source[edges.col]
    crossing = (a != b) & (a >= 0) & (b >= 0)
    start, end, weight = edges.row[crossing], edges.col[crossing], edges.data[crossing]
    terminal = np.full(cost.size, -1, dtype=np.int64)
    terminal[cells] = np.arange(cells.size)
    a, b = terminal[a[crossing]], terminal[b[crossing]]
    swap = a > b
    a, b, start, end = (
        np.where(swap, b, a),
        np.where(swap, a, b),
        np.where(swap, end, start),
        np.where(swap, start, end),
    )
    total = distance[start] + weight + distance[end]
    order = np.lexsort((start, total, b, a))
    a, b, start, end, total = a[order], b[order], start[order], end[order], total[order]
    best = np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))
    return a[best], b[best], start[best], end[best], total[best], up


def _matrix(first: Array, last: Array, value: Array, n: int) -> sparse.csr_matrix:
    """Make a symmetric matrix from edges."""
    return sparse.csr_matrix(
        (np.concatenate([value, value]), (np.concatenate([first, last]), np.concatenate([last, first]))), shape=(n, n)
    )


def _choose(first: Array, last: Array, cost: Array, n: int, rng: np.random.Generator) -> Array:
    """Keep the cheapest edges that join everything, and some short ones that close loops."""
    number = sparse.csr_matrix((np.arange(1, first.size + 1), (first, last)), shape=(n, n))
    tree = csgraph.minimum_spanning_tree(sparse.csr_matrix((cost, (first, last)), shape=(n, n))).tocoo()
    keep = np.zeros(first.size, dtype=bool)
    keep[np.asarray(number[tree.row, tree.col]).ravel() - 1] = True
    spare = np.flatnonzero(~keep & (cost <= np.quantile(cost, 0.7)))
    keep[rng.choice(spare, size=min(spare.size, int(n * LOOP_SHARE)), replace=False)] = True
    return keep


class _Routing:
    """Hand edges to routes: each place claims the way to its tree's root as far as it is still free."""

    def __init__(self, first: Array, last: Array, cost: Array, n: int) -> None:
        self.graph = _matrix(first, last, cost, n)
        self.number = _matrix(first, last, np.arange(1, first.size + 1), n)
        self.route = np.full(first.size, -1, dtype=np.int64)
        self.classes: list[int] = []
        self.starts: list[int] = []

    def claim(self, roots: Array, places: Array, classes: Array) -> None:
        """Walk from each place towards the nearest root and give free edges to a new route of its class."""
        _, above, _ = csgraph.dijkstra(self.graph, indices=roots, min_only=True, return_predecessors=True)
        edge = np.full(above.size, -1, dtype=np.int64)
        below = np.flatnonzero(above >= 0)
        edge[below] = np.asarray(self.number[below, above[below]]).ravel() - 1
        for place, kind in zip(places.tolist(), classes.tolist(), strict=True):
            node, route = place, len(self.classes)
            while edge[node] >= 0 and self.route[edge[node]] < 0:
                self.route[edge[node]] = route
                node = int(above[node])
            if node != place:
                self.classes.append(kind)
                self.starts.append(place)

    def rest(self, first: Array) -> None:
        """Give each edge nobody claimed a route of its own."""
        for edge in np.flatnonzero(self.route < 0).tolist():
            self.route[edge] = len(self.classes)
            self.classes.append(W)
            self.starts.append(int(first[edge]))


def make_links(terrain: Terrain, places: Settlements, size: Size, rng: np.random.Generator) -> Links:
    """Join all places by roads that follow the ground, and sort the roads into routes G, S, X, Y, C and W."""
    seat_cells, hamlet_cells = places.villages["cell"].to_numpy(), places.hamlets["cell"].to_numpy()
    cells, inverse = np.unique(np.concatenate([seat_cells, hamlet_cells]), return_inverse=True)
    seats, hamlets = inverse[: seat_cells.size], inverse[seat_cells.size :]
    first, last, start, end, cost, up = _candidates(terrain, cells)
    keep = _choose(first, last, cost, cells.size, rng)
    roadless = _leave_out(first, last, keep, seats, hamlets, size, rng)
    first, last, start, end, cost = first[keep], last[keep], start[keep], end[keep], cost[keep]
    routing = _Routing(first, last, cost, cells.size)
    towns = seats[places.towns["seat"].to_numpy()]
    xy = terrain.xy(cells[towns])
    trunk = np.array([np.argmin(xy[:, 0]), np.argmax(xy[:, 0])])
    second = np.array([np.argmin(xy[:, 1]), np.argmax(xy[:, 1])])
    routing.claim(towns[:1], towns[trunk], np.full(2, G))
    heads = towns[~places.towns["county"].duplicated().to_numpy()]
    routing.claim(towns[:1], np.concatenate([towns[second], heads]), np.full(2 + heads.size, S))
    routing.claim(towns[:1], towns, np.full(towns.size, X))
    routing.claim(towns, seats, np.where(rng.random(seats.size) < 0.45, Y, C))
    routing.claim(np.unique(seats), hamlets, np.where(rng.random(hamlets.size) < 0.12, C, W))
    routing.rest(first)
    return Links(
        terminal_cell=cells,
        seat_terminal=seats,
        hamlet_terminal=hamlets,
        first=first,
        last=last,
        from_cell=start,
        to_cell=end,
        route=routing.route,
        route_class=np.array(routing.classes),
        route_start=np.array(routing.starts),
        up=up,
        roadless=roadless,
    )


def _leave_out(
    first: Array, last: Array, keep: Array, seats: Array, hamlets: Array, size: Size, rng: np.random.Generator
) -> Array:
    """Drop the only road of a few natural villages at the end of the line; return their terminals."""
    n = int(max(first.max(), last.max())) + 1
    degree = np.bincount(first[keep], minlength=n) + np.bincount(last[keep], minlength=n)
    ends = np.setdiff1d(np.intersect1d(np.flatnonzero(degree == 1), hamlets), seats)
    chosen = rng.choice(ends, size=min(ends.size, int(size.natural_villages * NO_ROAD_SHARE)), replace=False)
    gone = np.isin(first, chosen) | np.isin(last, chosen)
    keep &= ~gone
    return np.sort(chosen)
