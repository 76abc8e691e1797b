"""Draw the road network as a bureau's line file holds it, small faults included."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from demo.mesh import Mesh, chains, cut, gathered, mesh_of
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


def _crossings(terrain: Terrain, mesh: Mesh) -> Array:
    """Find network nodes in a river bed between two nodes that are on dry ground."""
    wet = np.zeros(mesh.xy.shape[0], dtype=bool)
    known = mesh.cell >= 0
    wet[known] = terrain.river.ravel()[mesh.cell[known]]
    degree = np.bincount(mesh.start, minlength=wet.size) + np.bincount(mesh.end, minlength=wet.size)
    return np.flatnonzero(wet & (degree == 2))


def _reached(mesh: Mesh, is_hard: Array, roots: Array) -> Array:
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
    mesh = mesh_of(terrain, links, terminal_xy, 1 if size.lattice_m < 80 else 2)
    kind = links.route_class[links.route]
    draw = rng.random(kind.size)
    surface = (draw[:, None] > np.cumsum(SURFACE_SHARE[kind], axis=1)[:, :-1]).sum(axis=1)
    chain, walked, forward, _ = chains(mesh.start, mesh.end, links.route[mesh.link] * 8 + surface[mesh.link])
    length = np.hypot(*(mesh.xy[mesh.start[walked]] - mesh.xy[mesh.end[walked]]).T)
    piece = cut(length, chain, int(size.road_edges * THROUGH_SHARE))
    xy, owner, tail, head = gathered(mesh, walked, forward, piece)
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


def _loose_ends(mesh: Mesh, chain: Array, tail: Array, head: Array) -> Array:
    """Tell which ends of pieces end a chain at a junction of three or more edges."""
    degree = np.bincount(mesh.start, minlength=mesh.xy.shape[0]) + np.bincount(mesh.end, minlength=mesh.xy.shape[0])
    opens = np.append(True, chain[1:] != chain[:-1])
    closes = np.append(chain[1:] != chain[:-1], True)
    return np.column_stack([opens & (degree[tail] >= 3), closes & (degree[head] >= 3)])


def _crossing_table(terrain: Terrain, mesh: Mesh, links: Links, node: Array) -> pd.DataFrame:
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
    mesh: Mesh, links: Links, places: Settlements, linked: Array, count: int, rng: np.random.Generator
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
