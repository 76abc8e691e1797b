"""The lattice edges in use as one mesh, and the road lines it is walked along and cut into."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from demo.routes import Links
from demo.sizes import Array
from demo.terrain import Terrain


@dataclass(frozen=True)
class Mesh:
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


def mesh_of(terrain: Terrain, links: Links, terminal_xy: Array, pieces: int) -> Mesh:
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
    return Mesh(start, end, link, xy, cell, terminal)


def chains(start: Array, end: Array, key: Array) -> tuple[Array, Array, Array, Array]:
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


def cut(length: Array, chain: Array, wanted: int) -> Array:
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


def gathered(mesh: Mesh, walked: Array, forward: Array, piece: Array) -> tuple[Array, Array, Array, Array]:
    """Gather the vertices of each piece; return coordinates, their piece, and the two end nodes of each piece."""
    tail = np.where(forward, mesh.start[walked], mesh.end[walked])
    head = np.where(forward, mesh.end[walked], mesh.start[walked])
    first = np.append(True, piece[1:] != piece[:-1])
    begin = np.flatnonzero(first)
    node = np.insert(head, begin, tail[begin])
    owner = np.insert(piece, begin, piece[begin])
    finish = np.append(begin[1:], piece.size) - 1
    return mesh.xy[node], owner, tail[begin], head[finish]
