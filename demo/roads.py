"""Draw the road network as a bureau's line file holds it, small faults included."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from demo.routes import Links, W
from demo.settlements import Settlements
from demo.sizes import Array, Size
from demo.terrain import Terrain

SURFACES = np.array(["asphalt", "concrete", "light", "gravel", "earth", "none", "unknown"], dtype=object)
SURFACE_SHARE = np.array(
    [
        [1.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.90, 0.10, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.62, 0.38, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.06, 0.90, 0.01, 0.02, 0.01, 0.00, 0.00],
        [0.02, 0.87, 0.02, 0.05, 0.03, 0.00, 0.01],
        [0.00, 0.68, 0.02, 0.14, 0.12, 0.02, 0.02],
    ]
)
THROUGH_SHARE = 0.58
UNDERSHOOT_SHARE = 0.12
OVERSHOOT_SHARE = 0.05
OPEN_SHARE = 0.004


@dataclass(frozen=True)
class Roads:
    """Road segments (one row each, `geometry` as an array) and what the planner of the demo knows about them."""

    table: pd.DataFrame
    lines: Array
    seat_connected: Array
    hamlet_connected: Array
    river_crossings: pd.DataFrame
    open_junctions: int
    missed_junctions: int


@dataclass(frozen=True)
class _Mesh:
    """Lattice edges in use: two nodes each, the link they belong to, and node coordinates."""

    start: Array
    end: Array
    link: Array
    xy: Array
    cell: Array
    node_of_terminal: Array


def _used_edges(links: Links) -> tuple[Array, Array, Array]:
    """List the lattice edges of all links once, each with the most important link that runs over it."""
    owner = np.full(links.up.size, -1, dtype=np.int64)
    is_terminal = np.zeros(links.up.size, dtype=bool)
    is_terminal[links.terminal_cell] = True
    order = np.argsort(links.route_class[links.route] * (links.route.size + 1) + links.route, kind="stable")
    for link in order.tolist():
        for cell in (int(links.from_cell[link]), int(links.to_cell[link])):
            here = cell
            while not is_terminal[here] and owner[here] < 0:
                owner[here] = link
                here = int(links.up[here])
    below = np.flatnonzero(owner >= 0)
    start = np.concatenate([below, links.from_cell])
    end = np.concatenate([links.up[below], links.to_cell])
    return start, end, np.concatenate([owner[below], np.arange(links.route.size)])


def _mesh(terrain: Terrain, links: Links, terminal_xy: Array, pieces: int) -> _Mesh:
    """Turn lattice edges into a smooth web of nodes; junctions and ends stay where they are."""
    start, end, link = _used_edges(links)
    cells, inverse = np.unique(np.concatenate([start, end, links.terminal_cell]), return_inverse=True)
    m = start.size
    start, end = inverse[:m], inverse[m : 2 * m]
    terminal = inverse[2 * m :]
    xy = terrain.xy(cells)
    xy[terminal] = terminal_xy
    for _ in range(pieces - 1):
        middle = np.arange(start.size) + xy.shape[0]
        xy = np.concatenate([xy, (xy[start] + xy[end]) / 2])
        start, end, link = np.concatenate([start, middle]), np.concatenate([middle, end]), np.concatenate([link, link])
    near = sparse.csr_matrix(
        (np.ones(2 * start.size), (np.concatenate([start, end]), np.concatenate([end, start]))),
        shape=(xy.shape[0], xy.shape[0]),
    )
    movable = np.diff(near.indptr) == 2
    for _ in range(4):
        mean = near[movable] @ xy / 2
        xy[movable] = 0.5 * xy[movable] + 0.5 * mean
    cell = np.full(xy.shape[0], -1, dtype=np.int64)
    cell[: cells.size] = cells
    return _Mesh(start, end, link, xy, cell, terminal)


def _chains(start: Array, end: Array, key: Array) -> tuple[Array, Array, Array, Array]:
    """Follow edges of one key through the nodes where exactly two of them meet.

    Returns chain number, position and direction (forwards or not) of each edge in walking order, with the edges.
    """
    m = start.size
    node, keys, edge = np.concatenate([start, end]), np.concatenate([key, key]), np.tile(np.arange(m), 2)
    order = np.lexsort((edge, keys, node))
    node, keys, edge = node[order], keys[order], edge[order]
    new = np.append(True, (node[1:] != node[:-1]) | (keys[1:] != keys[:-1]))
    where = np.flatnonzero(new)
    pair = where[np.diff(np.append(where, node.size)) == 2]
    follow = np.full((m, 2), -1, dtype=np.int64)
    for one, other in ((edge[pair], edge[pair + 1]), (edge[pair + 1], edge[pair])):
        follow[one, np.where(end[one] == node[pair], 1, 0)] = other
    followers, starts, ends = follow.tolist(), start.tolist(), end.tolist()
    seen = [False] * m
    chain, forward, walked = [], [], []
    number = 0
    heads = np.concatenate([np.flatnonzero((follow < 0).any(axis=1)), np.arange(m)]).tolist()
    for head in heads:
        if seen[head]:
            continue
        ahead = followers[head][0] < 0 or followers[head][1] >= 0
        current = head
        while current >= 0 and not seen[current]:
            seen[current] = True
            chain.append(number)
            forward.append(ahead)
            walked.append(current)
            at = ends[current] if ahead else starts[current]
            current = followers[current][1 if ahead else 0]
            if current >= 0:
                ahead = starts[current] == at
        number += 1
    return np.array(chain), np.array(walked), np.array(forward), np.arange(m)


def _cut(length: Array, chain: Array, wanted: int) -> Array:
    """Cut chains into about the wanted number of pieces of like length; return the piece of each edge."""
    first = np.append(True, chain[1:] != chain[:-1])
    total = np.bincount(chain, length)
    before = np.cumsum(length) - length
    before = before - before[np.flatnonzero(first)][chain]
    low, high = 1.0, 50_000.0
    for _ in range(40):
        middle = np.sqrt(low * high)
        count = np.maximum(1, np.round(total / middle)).sum()
        low, high = (middle, high) if count > wanted else (low, middle)
    parts = np.maximum(1, np.round(total / high))
    part = np.minimum(np.floor((before + length / 2) / total[chain] * parts[chain]), parts[chain] - 1)
    change = first | np.append(True, part[1:] != part[:-1])
    return np.asarray(np.cumsum(change) - 1)


def _lines(mesh: _Mesh, walked: Array, forward: Array, piece: Array) -> tuple[Array, Array, Array, Array]:
    """Gather the vertices of each piece; return coordinates, their piece, and the two end nodes of each piece."""
    tail = np.where(forward, mesh.start[walked], mesh.end[walked])
    head = np.where(forward, mesh.end[walked], mesh.start[walked])
    first = np.append(True, piece[1:] != piece[:-1])
    begin = np.flatnonzero(first)
    node = np.insert(head, begin, tail[begin])
    owner = np.insert(piece, begin, piece[begin])
    finish = np.append(begin[1:], piece.size) - 1
    return mesh.xy[node], owner, tail[begin], head[finish]


def _miss(xy: Array, owner: Array, loose: Array, rng: np.random.Generator) -> tuple[Array, int, int]:
    """Pull some loose ends back from their junction or push them past it, by up to two metres; a few by more."""
    begin = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    finish = np.append(begin[1:], owner.size) - 1
    xy = xy.copy()
    missed, opened = 0, 0
    for side, (end, inner) in enumerate(((begin, begin + 1), (finish, finish - 1))):
        draw = rng.random(begin.size)
        step = xy[inner] - xy[end]
        reach = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)
        back = np.where(draw < UNDERSHOOT_SHARE, rng.uniform(0.3, 1.8, begin.size), 0.0)
        past = (draw >= UNDERSHOOT_SHARE) & (draw < UNDERSHOOT_SHARE + OVERSHOOT_SHARE)
        back = np.where(past, -rng.uniform(0.3, 1.6, begin.size), back)
        is_open = draw > 1 - OPEN_SHARE
        back = np.where(is_open, rng.uniform(4.0, 9.0, begin.size), back)
        use = loose[:, side] & (reach > 20.0)
        shift = np.where(use, back, 0.0) / reach
        xy[end] += step * shift[:, None]
        missed += int((use & (back != 0) & ~is_open).sum())
        opened += int((use & is_open).sum())
    return xy, missed, opened


def _street_ends(hub: Array, hamlet: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw short village streets: the first three from the middle of the place, each later one from an earlier one."""
    rank = pd.Series(hamlet).groupby(hamlet).cumcount().to_numpy()
    n = hamlet.size
    angle = rng.uniform(0, 2 * np.pi, n) + rank * 2.1
    length = rng.uniform(45.0, 150.0, n)
    step = np.column_stack([np.cos(angle), np.sin(angle)]) * length[:, None]
    begin = hub[hamlet].copy()
    position = np.arange(n)
    for level in range(3, int(rank.max(initial=0)) + 1):
        here = position[rank == level]
        parent = here - 3
        begin[here] = begin[parent] + step[parent] * rng.uniform(0.35, 0.75, here.size)[:, None]
    slack = np.where(rng.random(n) < UNDERSHOOT_SHARE, rng.uniform(0.3, 1.8, n), 0.0)
    return begin + step * (slack / length)[:, None], begin + step


def _crossings(terrain: Terrain, mesh: _Mesh) -> Array:
    """Find network nodes in a river bed between two nodes that are on dry ground."""
    wet = np.zeros(mesh.xy.shape[0], dtype=bool)
    known = mesh.cell >= 0
    wet[known] = terrain.river.ravel()[mesh.cell[known]]
    degree = np.bincount(mesh.start, minlength=wet.size) + np.bincount(mesh.end, minlength=wet.size)
    return np.flatnonzero(wet & (degree == 2))


def _reached(mesh: _Mesh, is_hard: Array, roots: Array) -> Array:
    """Tell which nodes can be reached from any root over hard edges alone."""
    n = mesh.xy.shape[0]
    graph = sparse.csr_matrix((np.ones(int(is_hard.sum())), (mesh.start[is_hard], mesh.end[is_hard])), shape=(n, n))
    _, part = csgraph.connected_components(graph, directed=False)
    return np.asarray(np.isin(part, part[roots]))


def make_roads(terrain: Terrain, places: Settlements, links: Links, size: Size, rng: np.random.Generator) -> Roads:
    """Draw every road segment of the county with route, surface, widths and the faults of real line files."""
    terminal_xy = terrain.xy(links.terminal_cell)
    terminal_xy[links.hamlet_terminal] = places.hamlets[["x", "y"]].to_numpy() + rng.normal(
        0, 25.0, (len(places.hamlets), 2)
    )
    terminal_xy[links.seat_terminal] = places.villages[["seat_x", "seat_y"]].to_numpy()
    mesh = _mesh(terrain, links, terminal_xy, 1 if size.lattice_m < 80 else 2)
    kind = links.route_class[links.route]
    draw = rng.random(kind.size)
    surface = (draw[:, None] > np.cumsum(SURFACE_SHARE[kind], axis=1)[:, :-1]).sum(axis=1)
    chain, walked, forward, _ = _chains(mesh.start, mesh.end, links.route[mesh.link] * 8 + surface[mesh.link])
    length = np.hypot(*(mesh.xy[mesh.start[walked]] - mesh.xy[mesh.end[walked]]).T)
    piece = _cut(length, chain, int(size.road_edges * THROUGH_SHARE))
    xy, owner, tail, head = _lines(mesh, walked, forward, piece)
    first_edge = np.flatnonzero(np.append(True, piece[1:] != piece[:-1]))
    link = mesh.link[walked[first_edge]]
    loose = _loose_ends(mesh, chain[first_edge], tail, head)
    xy, missed, opened = _miss(xy, owner, loose, rng)
    main = shapely.linestrings(np.round(xy, 2), indices=owner)
    table = _main_table(places, links, link, surface, chain[first_edge], rng)
    hard = np.isin(SURFACES[surface[mesh.link]], ["asphalt", "concrete"])
    towns = mesh.node_of_terminal[links.seat_terminal[places.towns["seat"].to_numpy()]]
    core = _reached(mesh, hard, towns)
    linked = core[mesh.node_of_terminal[links.hamlet_terminal]]
    street, street_lines = _streets(mesh, links, places, linked, size.road_edges - int(piece[-1]) - 1, rng)
    crossing = _crossings(terrain, mesh)
    return Roads(
        table=pd.concat([table, street], ignore_index=True),
        lines=np.concatenate([main, street_lines]),
        seat_connected=core[mesh.node_of_terminal[links.seat_terminal]],
        hamlet_connected=linked,
        river_crossings=_crossing_table(terrain, mesh, links, crossing),
        open_junctions=opened,
        missed_junctions=missed,
    )


def _loose_ends(mesh: _Mesh, chain: Array, tail: Array, head: Array) -> Array:
    """Tell which ends of pieces end a chain at a junction of three or more edges."""
    degree = np.bincount(mesh.start, minlength=mesh.xy.shape[0]) + np.bincount(mesh.end, minlength=mesh.xy.shape[0])
    opens = np.append(True, chain[1:] != chain[:-1])
    closes = np.append(chain[1:] != chain[:-1], True)
    return np.column_stack([opens & (degree[tail] >= 3), closes & (degree[head] >= 3)])


def _crossing_table(terrain: Terrain, mesh: _Mesh, links: Links, node: Array) -> pd.DataFrame:
    """Describe river crossings: place, route and the river's catchment, which sets the span."""
    at = np.full(mesh.xy.shape[0], -1, dtype=np.int64)
    at[mesh.end], at[mesh.start] = mesh.link, mesh.link
    return pd.DataFrame(
        {
            "x": mesh.xy[node, 0],
            "y": mesh.xy[node, 1],
            "route": links.route[at[node]],
            "drained_km2": terrain.drained_km2.ravel()[mesh.cell[node]],
        }
    )


def _main_table(
    places: Settlements, links: Links, link: Array, surface: Array, chain: Array, rng: np.random.Generator
) -> pd.DataFrame:
    """Describe the pieces of through roads."""
    route = links.route[link]
    village = _village_of_terminal(places, links)
    return pd.DataFrame(
        {
            "route": route,
            "class": links.route_class[route],
            "surface": surface[link],
            "chain": chain,
            "village": village[links.route_start[route]],
            "is_street": False,
            "width_draw": rng.random(links.route.size)[link],
            "year": (2003 + rng.integers(0, 15, links.route.size))[link],
        }
    )


def _village_of_terminal(places: Settlements, links: Links) -> Array:
    """Give the village row each terminal lies in."""
    village = np.zeros(links.terminal_cell.size, dtype=np.int64)
    village[links.hamlet_terminal] = places.hamlets["village"].to_numpy()
    village[links.seat_terminal] = np.arange(len(places.villages))
    return village


def _streets(
    mesh: _Mesh, links: Links, places: Settlements, linked: Array, count: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, Array]:
    """Draw village streets, more in larger places; half of the places without a road have none either."""
    houses = places.hamlets["houses"].to_numpy().astype(float)
    roadless = np.isin(links.hamlet_terminal, links.roadless)
    houses[roadless & (rng.random(houses.size) < 0.5)] = 0.0
    share = np.sqrt(houses)
    number = np.floor(share / share.sum() * count + rng.random(houses.size)).astype(np.int64)
    hamlet = np.repeat(np.arange(houses.size), number)
    hub = mesh.xy[mesh.node_of_terminal[links.hamlet_terminal]]
    begin, end = _street_ends(hub, hamlet, rng)
    lines = shapely.linestrings(np.round(np.stack([begin, end], axis=1), 2))
    modern = linked | (rng.random(houses.size) < 0.12)
    draw = rng.random(hamlet.size)
    plain = np.where(draw < 0.55, 4, np.where(draw < 0.88, 3, np.where(draw < 0.97, 1, 6)))
    surface = np.where(modern[hamlet], np.where(draw < 0.985, 1, 3), plain)
    return (
        pd.DataFrame(
            {
                "route": -1 - hamlet,
                "class": W,
                "surface": surface,
                "chain": -1,
                "village": places.hamlets["village"].to_numpy()[hamlet],
                "is_street": True,
                "width_draw": rng.random(hamlet.size),
                "year": 2006 + rng.integers(0, 12, hamlet.size),
            }
        ),
        lines,
    )
