"""The hardened core: hardened roads that an outlet reaches along hardened roads only; and who lies on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.outlets import seeds_of
from analysis.policy import Policy, amount
from analysis.surfaces import HARDENED, UNHARDENED, UNKNOWN, road_network, surfaces, usable
from geo.network import EdgeIndex, Network, Snaps, edge_index, snap_to
from geo.paths import Ways, pieces_of, walk, ways
from geo.splits import split
from layers.problem import Problem
from layers.workspace import Workspace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Stretch = Callable[[Any, Any], Any]
SAME_MM = 10.0  # a place so near the core lies on it: coordinates are kept to the centimetre


@dataclass(frozen=True)
class HardCore:
    """The road network with what is known of its surface, and the core by both readings of unknown surfaces.

    `surface` of every edge: 1 hardened, 0 not, -1 unknown. `is_usable` leaves out duplicate and abandoned roads.
    `is_core` takes unknown surfaces as not hardened, `is_core_high` as hardened; where the two agree the answer is
    known. `basis` says which outlets the core was grown from.
    """

    network: Network
    surface: NDArray[np.int8]
    is_usable: Flags
    is_core: Flags
    is_core_high: Flags
    basis: str
    labels: NDArray[Any]
    road_ids: NDArray[Any]
    problems: tuple[Problem, ...]

    @cached_property
    def usable_index(self) -> EdgeIndex:
        """Sort the usable edges for snapping; of two records of one road the one on the core is the nearest."""
        return edge_index(self.network, self.is_usable, self.is_core.astype(np.int64) + self.is_core_high)

    @cached_property
    def reaching(self) -> Flags:
        """Say which usable edges are in one piece with the core."""
        return _reaching(self, self.is_core if self.is_core.any() else self.is_core_high)

    @cached_property
    def reaching_index(self) -> EdgeIndex:
        """Sort the edges that are in one piece with the core for snapping."""
        return edge_index(self.network, self.reaching)


@dataclass(frozen=True)
class States:
    """How points reach the core, in their order. `meets_road` is the position of the core road they meet (-1 none).

    `low` and `high` are the ways when unknown surfaces count as hardened and as not; `network` has a node where each
    point joins it (`node`, -1 none) and `origin` gives the edge of the core's network each of its edges is part of
    (-1: new alignment of a drawn line). `chosen` are the edges, in order, of the drawn line chosen for a point, by its
    position; they take the place of the computed way.
    """

    state: NDArray[Any]
    gap_low_mm: Floats
    gap_high_mm: Floats
    new_m: Floats
    meets_road: Ints
    node: Ints
    network: Network
    origin: Ints
    high: Ways
    low_state: NDArray[Any]
    high_state: NDArray[Any]
    join_xy: Floats
    chosen: Mapping[int, Ints] = field(default_factory=dict)

    @property
    def is_drawn(self) -> Flags:
        """Say which edges are new alignment of a line somebody drew and chose."""
        return self.origin < 0


def hard_core(ws: Workspace, policy: Policy, day: date, *, network: Network | None = None) -> HardCore | None:
    """Find the hardened core of a workspace, None without roads.

    Outlets in order of preference: the layer `outlets`, town seats (columns seat_x, seat_y of `towns`), hardened
    roads of class G, S, X; else the largest connected piece of hardened road, which `basis` then says.

    Examples
    --------
    >>> from pyproj import CRS
    >>> hard_core(Workspace({}, CRS("EPSG:4547"), {}, (), ""), Policy("", "", "", {}, ()), date(2018, 1, 1)) is None
    True

    """
    roads = ws.get("roads")
    if roads is None or not len(roads):
        return None
    network = network or ws.kept("road_network", "roads", road_network)
    surface, good = surfaces(roads, policy, day)[network.edge_road], usable(roads)[network.edge_road]
    snap_m = float(amount(policy, "hardening.snap_m", day))
    seeds, basis, problems = seeds_of(ws, network, surface, good, snap_m)
    masks = [(surface == HARDENED) & good, (surface != UNHARDENED) & good]
    cores = [_grown(network, mask, seeds) for mask in masks]
    labels, ids = _road_labels(roads), roads["road_id"].astype("object").to_numpy()
    return HardCore(network, surface, good, cores[0], cores[1], basis, labels, ids, tuple(problems))


def _road_labels(roads: pd.DataFrame) -> NDArray[Any]:
    label = roads["name"].astype("object")
    for column in ("route_code", "road_id"):
        label = label.where(label.notna(), roads[column].astype("object"))
    return np.asarray(label, dtype=object)


def _grown(network: Network, mask: Flags, seeds: Flags | None) -> Flags:
    """Keep the hardened edges in one piece with a seed, or the longest piece."""
    piece = pieces_of(network, mask)[network.edge_from]
    if seeds is None:
        metres = np.bincount(piece, weights=np.where(mask, network.edge_length_mm, 0.0))
        return np.asarray(mask & (piece == metres.argmax())) if mask.any() else mask
    return np.asarray(mask & np.isin(piece, piece[seeds & mask]))


def point_states(
    core: HardCore, points: Any, *, snap_m: float, detour_factor: float | None, new_road_m: Stretch | None = None
) -> States:
    """Say how every point reaches the core.

    connected: its nearest place on a usable road, at most `snap_m` away (inclusive), lies on the core. harden: it
    reaches the core over road that is not hardened. build: no usable road within `snap_m`, or that road never reaches
    the core; the new road then runs to the nearest road that does, straight length times `detour_factor`, or
    `new_road_m(from, to)` metres. unknown: the two readings of unknown surfaces differ, or the point has no place.
    """
    xy = np.asarray(points, np.float64).reshape(-1, 2)
    network, reach = core.network, core.reaching
    near = snap_to(network, core.usable_index, xy, max_distance_m=snap_m)
    is_stranded = (near.edge < 0) | ~reach[near.edge] if len(reach) else np.ones(len(xy), bool)
    far = snap_to(network, core.reaching_index, xy[is_stranded], max_distance_m=np.inf)
    joined = Snaps(near.edge.copy(), near.fraction.copy(), near.distance_m.copy())
    for ours, theirs in ((joined.edge, far.edge), (joined.fraction, far.fraction), (joined.distance_m, far.distance_m)):
        ours[is_stranded] = theirs
    cut, node, origin = split(network, joined)
    low, high = (ways_to_core(core, cut, origin, is_high=is_high) for is_high in (True, False))
    gaps = [_gap(found, node) for found in (low, high)]
    states = [_state(gap, is_stranded) for gap in gaps]
    state = np.where(states[0] == states[1], states[0], "unknown").astype(object)
    may_reach = np.append(_reaching(core, core.is_core_high), False)[near.edge]
    state[(is_stranded & may_reach) | ~np.isfinite(xy).all(axis=1)] = "unknown"
    join_xy = np.where((node >= 0)[:, None], cut.node_xy[node] if len(cut.node_xy) else np.nan, np.nan)
    new_m = _new_length(is_stranded, xy, join_xy, joined.distance_m, detour_factor, new_road_m)
    meets = _meeting_road(core, cut, origin, low if not core.is_core.any() else high, node)
    return States(state, gaps[0], gaps[1], new_m, meets, node, cut, origin, high, states[0], states[1], join_xy)


def _reaching(core: HardCore, seeds: Flags) -> Flags:
    """Say which usable edges are in one piece with the core."""
    piece = pieces_of(core.network, core.is_usable)[core.network.edge_from]
    return np.asarray(core.is_usable & np.isin(piece, piece[seeds]))


def ways_to_core(core: HardCore, network: Network, origin: Ints, *, is_high: bool = False) -> Ways:
    """Find the ways to the core with the least unhardened length, ties by total length.

    `is_high` takes unknown surfaces as hardened. Edges without an origin (drawn alignment, -1) are closed.
    """
    is_drawn, origin = origin < 0, np.maximum(origin, 0)
    surface, is_core = core.surface[origin], (core.is_core_high if is_high else core.is_core)[origin] & ~is_drawn
    is_hard = (surface == HARDENED) | (surface == UNKNOWN) if is_high else surface == HARDENED
    length = network.edge_length_mm.astype(np.float64)
    gap = np.where(core.is_usable[origin] & ~is_drawn, np.where(is_hard, 0.0, length), np.inf)
    sources = np.r_[network.edge_from[is_core], network.edge_to[is_core]]
    return ways(network, first_mm=gap, then_mm=length, sources=sources)


def _gap(found: Ways, node: Ints) -> Floats:
    """Give the millimetres to harden on the way of each point; inf where there is none."""
    gap = np.where(node >= 0, found.first_mm[node] if len(found.first_mm) else np.inf, np.inf)
    return np.where(gap <= SAME_MM, 0.0, gap)


def _state(gap: Floats, is_stranded: Flags) -> NDArray[Any]:
    built = is_stranded | ~np.isfinite(gap)
    return np.where(built, "build", np.where(gap == 0, "connected", "harden")).astype(object)


def _new_length(
    is_stranded: Flags,
    xy: Floats,
    join_xy: Floats,
    straight_m: Floats,
    detour_factor: float | None,
    new_road_m: Stretch | None,
) -> Floats:
    """Measure the new road of stranded points to where it meets the network, 0 for the others.

    Over the terrain where `new_road_m` knows it, else straight times the factor; NaN where nothing can be met or no
    factor is given.
    """
    factor = np.nan if detour_factor is None else detour_factor
    length = np.where(is_stranded, np.where(np.isfinite(straight_m), straight_m, np.nan) * factor, 0.0)
    if new_road_m is not None:
        can = np.flatnonzero(is_stranded & np.isfinite(join_xy).all(axis=1) & np.isfinite(xy).all(axis=1))
        laid = np.asarray(new_road_m(xy[can], join_xy[can]), np.float64)
        length[can] = np.where(np.isfinite(laid), laid, length[can])
    return length


def _meeting_road(core: HardCore, network: Network, origin: Ints, found: Ways, node: Ints) -> Ints:
    """Find the core road each point's way comes out on."""
    is_core = (core.is_core if core.is_core.any() else core.is_core_high)[origin]
    road = np.full(len(network.node_xy), -1, np.int64)
    edge = np.flatnonzero(is_core)[::-1]
    for end in (network.edge_to, network.edge_from):
        road[end[edge]] = network.edge_road[edge]
    if not len(road):
        return np.full(len(node), -1, np.int64)
    source = np.where(node >= 0, found.source[node], -1)
    return np.where(source >= 0, road[source], -1)


def edge_facts(core: HardCore, states: States) -> tuple[Flags, NDArray[np.int8], Flags]:
    """Say of every edge of `states.network` whether it is usable, its surface, and whether it lies on the core.

    New alignment of a drawn line is usable, not hardened and not core.
    """
    is_drawn, origin = states.origin < 0, np.maximum(states.origin, 0)
    if not len(core.surface):
        none = np.zeros(len(origin), bool)
        return is_drawn, np.full(len(origin), UNHARDENED, np.int8), none
    surface = np.where(is_drawn, UNHARDENED, core.surface[origin]).astype(np.int8)
    return core.is_usable[origin] | is_drawn, surface, core.is_core[origin] & ~is_drawn


def missing_edges(core: HardCore, states: States, rows: Any, *, with_hard: bool = False) -> tuple[Ints, Ints]:
    """List the edges (of states.network) that must be hardened for each of the points -> position in rows, edge.

    For a point with a chosen line these are the existing roads of that line; its new alignment is not among them.
    """
    wanted = np.asarray(rows, np.int64)
    is_chosen = np.isin(wanted, list(states.chosen))
    position, edge = walk(states.high, np.where(is_chosen, -1, states.node[wanted]))
    for place in np.flatnonzero(is_chosen).tolist():
        own = states.chosen[int(wanted[place])]
        own = own[states.origin[own] >= 0]
        position, edge = np.r_[position, np.full(len(own), place, np.int64)], np.r_[edge, own]
    order = np.argsort(position, kind="stable")
    position, edge = position[order], edge[order]
    if with_hard:
        return position, edge
    keep = edge_facts(core, states)[1][edge] != HARDENED
    return position[keep], edge[keep]
