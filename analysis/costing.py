"""What a traced line is made of and what it costs: roads to harden, new alignment, grades, what is left to the core."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.hardened import HardCore, States, edge_facts, missing_edges
from analysis.surfaces import HARDENED, UNKNOWN
from analysis.tracing import Roads, Step
from geo.stretches import places_along

Floats = NDArray[np.float64]
Kind = Literal["access", "hardened", "soft", "unknown", "new", "beyond"]
GRADE_STEP_M = 30.0


@dataclass(frozen=True)
class Part:
    """One stretch of a costed line: what it is, on which road, how long, its shape in metres."""

    kind: Kind
    road_id: str
    length_m: float
    line: Any


@dataclass(frozen=True)
class Costing:
    """What a drawn line is made of and what it costs.

    `gap_m` is existing road to harden (each stretch once), `new_m` new alignment, `hardened_m` costs nothing,
    `unknown_m` has no known surface: then `cost_cny10k` is NaN, as it is without a price. `short_m` is how far the end
    is from the core (0 when it is reached) and `nearest_xy` where. Grades are percent, NaN without heights.
    """

    parts: tuple[Part, ...]
    steps: tuple[Step, ...]
    gap_m: float
    new_m: float
    hardened_m: float
    unknown_m: float
    beyond_m: float
    is_reaching: bool
    short_m: float
    nearest_xy: tuple[float, float] | None
    cost_cny10k: float
    max_grade_percent: float
    steep_share: float
    joins_at_access: bool
    new_lengths_m: tuple[float, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The drawing table: the network a line is laid on and what it costs per kilometre. Made once per road plan."""

    core: HardCore
    states: States
    prices: Mapping[str, float]
    elevation_m: Callable[[Any], Any] | None = None
    grade_limit: float = float("nan")
    county: Any = None

    @cached_property
    def roads(self) -> Roads:
        """The usable roads, ready to be followed; of two records of one road the hardened one is followed."""
        is_usable, surface, is_core = edge_facts(self.core, self.states)
        rank = is_core.astype(np.int64) * 2 + (surface == HARDENED)
        return Roads(self.states.network, is_usable, rank)

    @cached_property
    def core_tree(self) -> tuple[Any, Any]:
        """The edges of the core and their search tree."""
        edges = np.flatnonzero(edge_facts(self.core, self.states)[2])
        return edges, shapely.STRtree(self.states.network.edge_geometry[edges])

    @cached_property
    def core_nodes(self) -> frozenset[int]:
        """The nodes of the core."""
        edges, network = self.core_tree[0], self.states.network
        return frozenset(np.r_[network.edge_from[edges], network.edge_to[edges]].tolist())


def covered(steps: Sequence[Step], edge_mm: Any, length_m: Any) -> dict[int, float]:
    """Measure the millimetres of every edge some steps cover, each stretch once.

    >>> from analysis.tracing import Place
    >>> twice = [Step(0, Place(0, 0.0), Place(0, 6.0), None, 0.0), Step(0, Place(0, 4.0), Place(0, 10.0), None, 0.0)]
    >>> covered(twice, [10000], [10.0])
    {0: 10000.0}
    """
    spans: dict[int, list[tuple[float, float]]] = {}
    for step in steps:
        if step.start is not None and step.stop is not None and not step.is_new:
            low, high = sorted((step.start.at_m, step.stop.at_m))
            spans.setdefault(step.edge, []).append((low, high))
    found: dict[int, float] = {}
    for edge, held in spans.items():
        total, reach = 0.0, 0.0
        for low, high in sorted(held):
            total += max(0.0, high - max(low, reach))
            reach = max(reach, high)
        found[edge] = float(np.rint(total / float(length_m[edge]) * float(edge_mm[edge])))
    return found


def costed(
    table: Table,
    row: int,
    access: Any,
    built: list[Step],
    beyond: list[Step],
    is_reaching: bool,
    has_access: bool,
) -> Costing:
    """Add up the stretches of a traced line: `built` up to the core, `beyond` what was drawn after it."""
    surface = edge_facts(table.core, table.states)[1]
    mm = covered(built, table.states.network.edge_length_mm, table.roads.length_m)
    sums = {kind: sum(value for edge, value in mm.items() if surface[edge] == kind) / 1000 for kind in (0, 1, -1)}
    lengths, notes = _new_metres(table, row, built)
    new_m = sum(lengths)
    prices = table.prices
    parts_cost = [
        metres and metres / 1000 * prices.get(name, np.nan)
        for metres, name in ((sums[0], "hardening"), (new_m, "new_road"))
    ]
    cost = float("nan") if sums[UNKNOWN] > 0 or not is_reaching else float(sum(parts_cost))
    if sums[UNKNOWN] > 0:
        notes.append(f"有 {sums[UNKNOWN]:,.0f} 米道路路面不明，费用待定：请先核实路面")
    missing = [text for metres, name, text in ((sums[0], "hardening", "硬化"), (new_m, "new_road", "新建")) if metres and np.isnan(prices.get(name, np.nan))]  # fmt: skip
    if missing:
        notes.append(f"政策没有给出{'和'.join(missing)}的单位造价，费用待定：请在政策文件里补上")
    end = shapely.Point(shapely.get_coordinates(built[-1].line)[-1] if built else table.states.join_xy[row])
    short_m, nearest = (0.0, None) if is_reaching else _shortfall(table, end)
    grade, steep = _grades(table, built)
    parts = (
        *([Part("access", "", float(access.length), access)] if access is not None else []),
        *_parts(table, built),
        *(Part("beyond", "", float(step.line.length), step.line) for step in beyond),
    )
    beyond_m = float(sum(step.line.length for step in beyond))
    if beyond_m > 1:
        notes.append(f"到达硬化路网之后还画了 {beyond_m:,.0f} 米，不计")
    return Costing(
        parts, tuple(built), sums[0], new_m, sums[HARDENED], sums[UNKNOWN], beyond_m, is_reaching, short_m, nearest, cost, grade, steep, has_access, tuple(lengths), tuple(notes),
    )  # fmt: skip


def _new_metres(table: Table, row: int, built: list[Step]) -> tuple[list[float], list[str]]:
    """Measure every stretch of new alignment.

    A bare straight line to the computed joining place is the computed sketch and is measured as that was: straight
    times the detour factor, or over the terrain.
    """
    lengths: list[float] = []
    notes: list[str] = []
    for place, step in enumerate(built):
        if not step.is_new:
            continue
        length = float(step.line.length)
        xy = shapely.get_coordinates(step.line)
        is_sketch = place == 0 and len(xy) == 2 and str(table.states.high_state[row]) == "build"
        if is_sketch and np.hypot(*(xy[-1] - table.states.join_xy[row])) < 1 and table.states.new_m[row] > length:
            notes.append("起点到接路处只是一条直线，按计算值（直线乘绕行系数，或沿地形）计长；画出走向后按实际长度计")
            length = float(table.states.new_m[row])
        lengths.append(length)
    return lengths, notes


def _shortfall(table: Table, end: Any) -> tuple[float, tuple[float, float] | None]:
    """Say how far a place is from the core and where the core is nearest."""
    edges, tree = table.core_tree
    if not len(edges):
        return float("nan"), None
    shape = table.states.network.edge_geometry[int(edges[tree.nearest(end)])]
    x, y = shapely.get_coordinates(shapely.shortest_line(end, shape))[1]
    return float(shapely.distance(end, shape)), (float(x), float(y))


def _parts(table: Table, built: list[Step]) -> list[Part]:
    """Lay out the stretches by kind and road."""
    surface, network = edge_facts(table.core, table.states)[1], table.states.network
    names = {HARDENED: "hardened", UNKNOWN: "unknown", 0: "soft"}
    parts: list[Part] = []
    for step in built:
        if step.is_new:
            parts.append(Part("new", "", float(step.line.length), step.line))
            continue
        kind: Any = names[int(surface[step.edge])]
        road = str(table.core.road_ids[network.edge_road[step.edge]])
        last = parts[-1] if parts else None
        if last is not None and (last.kind, last.road_id) == (kind, road):
            xy = np.vstack([shapely.get_coordinates(last.line), shapely.get_coordinates(step.line)[1:]])
            parts[-1] = replace(last, length_m=last.length_m + float(step.line.length), line=shapely.LineString(xy))
        else:
            parts.append(Part(kind, road, float(step.line.length), step.line))
    return parts


def _grades(table: Table, built: list[Step]) -> tuple[float, float]:
    """Measure the steepest thirty metres of what is to be built, and the share of its length above the policy's limit."""
    surface = edge_facts(table.core, table.states)[1]
    lines = [step.line for step in built if (step.is_new or surface[step.edge] != HARDENED) and step.line.length > 0]
    if table.elevation_m is None or not lines:
        return float("nan"), float("nan")
    xy = [shapely.get_coordinates(lines[0])]
    runs: list[Floats] = []
    for line in lines[1:]:
        here = shapely.get_coordinates(line)
        if np.hypot(*(here[0] - xy[-1][-1])) < 0.5:
            xy.append(here[1:])
        else:
            runs.append(np.vstack(xy))
            xy = [here]
    runs.append(np.vstack(xy))
    steepest, steep, whole = np.nan, 0.0, 0.0
    for run in runs:
        line = shapely.LineString(run if len(run) > 1 else np.vstack([run, run]))
        count = max(int(np.ceil(line.length / GRADE_STEP_M)), 1)
        at = np.linspace(0.0, line.length, count + 1)
        heights = np.asarray(
            table.elevation_m(places_along(np.array([line], dtype=object), np.zeros(len(at), np.int64), at))
        )
        grade = np.abs(np.diff(heights)) / np.maximum(np.diff(at), 0.01) * 100
        known = np.isfinite(grade)
        if known.any() and line.length >= 10:
            steepest = np.nanmax([steepest, grade[known].max()])
            steep += float(np.diff(at)[known & (grade > table.grade_limit)].sum())
            whole += float(np.diff(at)[known].sum())
    return float(steepest), float(steep / whole) if whole and np.isfinite(table.grade_limit) else float("nan")


def computed_line(table: Table, row: int, point_xy: Sequence[float], alignment: Any = None) -> Any:
    """Draw the computed way of a natural village to the core: from the village over its road, None where there is none.

    `alignment` is the line of a new road over the terrain to where it joins; without it a straight line stands for it.
    """
    states = table.states
    if states.node[row] < 0:
        return None
    _, edges = missing_edges(table.core, states, [row], with_hard=True)
    xy = [np.asarray(point_xy, np.float64).reshape(1, 2)]
    if alignment is not None and str(states.high_state[row]) == "build":
        xy.append(shapely.get_coordinates(alignment))
    xy.append(states.join_xy[[row]])
    node, is_core = int(states.node[row]), edge_facts(table.core, states)[2]
    for edge in edges.tolist():
        if is_core[edge]:
            break
        shape = shapely.get_coordinates(states.network.edge_geometry[edge])
        is_forward = int(states.network.edge_from[edge]) == node
        xy.append(shape if is_forward else shape[::-1])
        node = int(states.network.edge_to[edge] if is_forward else states.network.edge_from[edge])
    whole = np.vstack(xy)
    whole = whole[np.r_[True, np.hypot(*np.diff(whole, axis=0).T) > 0.001]]
    return shapely.LineString(whole) if len(whole) > 1 else None
