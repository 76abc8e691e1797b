"""Drawn lines that were chosen take the place of the computed ways: the network gets their new alignment, the plan walks them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.alternative import Costing, DrawnLine, Table, metric_line, recost
from analysis.hardened import HardCore, States, edge_facts, ways_to_core
from analysis.surfaces import HARDENED
from analysis.tracing import Place
from geo.errors import InputError
from geo.network import Network, Snaps
from geo.paths import walk, ways
from geo.splits import split
from layers.problem import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def adopt(
    core: HardCore,
    states: States,
    table: pd.DataFrame,
    points: Floats,
    lines: Sequence[DrawnLine],
    prices: Mapping[str, float],
    crs: Any,
) -> tuple[States, pd.DataFrame, tuple[Problem, ...]]:
    """Put chosen lines in the place of the computed ways.

    Parameters
    ----------
    table
        Natural villages with their computed state and gap, in the order of `points` (metres).
    lines
        At most one for each natural village; the last counts.

    Returns
    -------
    states, table, problems
        `states.chosen` holds the edges of every line; `gap_km`, `new_km`, `outlet` and `note` of its village say what
        the line needs. A line that no longer fits (the village is connected now, or gone; the line no longer
        reaches the core) changes nothing and is a problem, never silently dropped.
    """
    drawing = Table(core, states, prices)
    place_of = {str(name): row for row, name in enumerate(table["natural_village_id"])}
    held: dict[int, tuple[DrawnLine, Costing]] = {}
    problems: list[Problem] = []
    for line in lines:
        row = place_of.get(line.natural_village_id)
        if row is None or str(table["state"].iloc[row]) not in ("harden", "build"):
            problems.append(_unused(line, "这个自然村已连通、情况不明或不在图层里"))
            continue
        try:
            found = recost(drawing, row, points[row], metric_line(line.points, crs), tolerance_m=line.tolerance_m)
        except InputError as error:
            problems.append(_unused(line, str(error)))
            continue
        if found.is_reaching and found.unknown_m == 0 and found.steps:
            held[row] = (line, found)
        else:
            why = "途中路面不明" if found.unknown_m else f"离硬化路网还差 {found.short_m:,.0f} 米"
            problems.append(_unused(line, why))
    if not held:
        return states, table, tuple(problems)
    laid, chosen = _laid(core, states, points, {row: found for row, (_, found) in held.items()})
    return laid, _told(core, laid, table, held, chosen), tuple(problems)


def _unused(line: DrawnLine, why: str) -> Problem:
    message = f"选定的线路“{line.name}”没有采用，仍按计算线路：{why}。请在道路页重画或撤销选用"
    return Problem(
        "natural_villages", None, "geometry", message, "warning", "drawn_line_unused", line.natural_village_id
    )


def _laid(
    core: HardCore, states: States, points: Floats, costings: Mapping[int, Costing]
) -> tuple[States, Mapping[int, Ints]]:
    """Cut the network where the lines join it and add their new alignment."""
    network = states.network
    length_m = shapely.length(network.edge_geometry)
    places: list[Place] = []
    for found in costings.values():
        for step in found.steps:
            places += [place for place in (step.start, step.stop) if place is not None]
    edge = np.array([place.edge for place in places], np.int64)
    fraction = np.array([place.at_m for place in places]) / np.maximum(length_m[edge], 1e-9)
    cut, node, origin = split(network, Snaps(edge, np.clip(fraction, 0.0, 1.0), np.zeros(len(edge))))
    nodes = {place: int(number) for place, number in zip(places, node, strict=True)}
    joins, node_of = states.join_xy.copy(), states.node.copy()
    starts: list[Any] = []
    new: list[tuple[int, int, int, Any]] = []  # millimetres, from, to, shape
    new_of: dict[int, list[int]] = {row: [] for row in costings}
    for row, found in costings.items():
        lengths = iter(found.new_lengths_m)
        for step in found.steps:
            if not step.is_new:
                continue
            if step.start is None:
                one = len(cut.node_xy) + len(starts)
                starts.append(shapely.get_coordinates(step.line)[0])
                node_of[row], joins[row] = one, points[row]
            else:
                one = nodes[step.start]
            two = nodes[step.stop] if step.stop is not None else one
            new_of[row].append(len(cut.edge_road) + len(new))
            new.append((max(1, round(next(lengths) * 1000)), one, two, step.line))
    whole = _with_new(cut, starts, new)
    from_old = np.r_[origin, np.full(len(new), -1, np.int64)]
    known = np.where(from_old >= 0, states.origin[np.maximum(from_old, 0)], -1)
    laid = replace(states, network=whole, origin=known, join_xy=joins, node=node_of)
    laid = replace(laid, high=ways_to_core(core, whole, known))
    chosen = {row: _way(core, laid, row, _edges_of(network, whole, from_old, found, new_of[row])) for row, found in costings.items()}  # fmt: skip
    return replace(laid, chosen=chosen), chosen


def _with_new(cut: Network, starts: list[Any], new: list[tuple[int, int, int, Any]]) -> Network:
    mm, one, two, shapes = zip(*new, strict=True) if new else ((), (), (), ())
    return Network(
        np.vstack([cut.node_xy, *[np.reshape(xy, (1, 2)) for xy in starts]]),
        np.r_[cut.edge_from, np.array(one, np.int64)],
        np.r_[cut.edge_to, np.array(two, np.int64)],
        np.r_[cut.edge_length_mm, np.array(mm, np.uint32)],
        np.r_[cut.edge_road, np.full(len(new), -1, np.int64)],
        np.r_[cut.edge_geometry, np.array([*shapes, None], dtype=object)[:-1]],
        cut.repairs,
    )


def _edges_of(old: Network, whole: Network, from_old: Ints, found: Costing, new: list[int]) -> Ints:
    """List the edges a line runs over: the cut pieces inside its stretches, and its new alignment."""
    kept: list[int] = list(new)
    for step in found.steps:
        if step.start is None or step.stop is None or step.is_new:
            continue
        pieces = np.flatnonzero(from_old == step.edge)
        middle = shapely.line_interpolate_point(whole.edge_geometry[pieces], 0.5, normalized=True)
        at = shapely.line_locate_point(old.edge_geometry[step.edge], middle)
        low, high = sorted((step.start.at_m, step.stop.at_m))
        kept += pieces[(at >= low - 0.001) & (at <= high + 0.001)].tolist()
    return np.unique(np.array(kept, np.int64))


def _way(core: HardCore, laid: States, row: int, edges: Ints) -> Ints:
    """Put the edges of a line in order from the village to the core; a loop that leads back is left out."""
    network = laid.network
    _, surface, is_core = edge_facts(core, laid)
    mm = network.edge_length_mm.astype(np.float64)
    allowed = np.full(len(mm), np.inf)
    allowed[edges] = np.where(surface[edges] == HARDENED, 0.0, mm[edges])
    ends = np.r_[network.edge_from[is_core], network.edge_to[is_core]]
    return walk(ways(network, first_mm=allowed, then_mm=mm, sources=ends), [laid.node[row]])[1]


def _told(
    core: HardCore,
    laid: States,
    table: pd.DataFrame,
    held: Mapping[int, tuple[DrawnLine, Costing]],
    chosen: Mapping[int, Ints],
) -> pd.DataFrame:
    """Write what the chosen lines need into the table of natural villages."""
    gap, new = table["gap_km"].to_numpy(np.float64).copy(), table["new_km"].to_numpy(np.float64).copy()
    outlet, note = table["outlet"].astype("object").to_numpy().copy(), table["note"].astype("object").to_numpy().copy()
    surface, is_core = edge_facts(core, laid)[1:]
    network = laid.network
    for row, (line, _) in held.items():
        edges = chosen[row]
        mm = network.edge_length_mm[edges].astype(np.int64)
        is_new = laid.is_drawn[edges]
        was = [f"{value:.3f}" if np.isfinite(value) else "不明" for value in (gap[row], new[row])]
        gap[row] = mm[~is_new & (surface[edges] != HARDENED)].sum() / 1e6
        new[row] = mm[is_new].sum() / 1e6
        ends = np.r_[network.edge_from[edges[-1:]], network.edge_to[edges[-1:]]]
        met = np.flatnonzero(is_core & (np.isin(network.edge_from, ends) | np.isin(network.edge_to, ends)))
        if len(met):
            outlet[row] = core.labels[network.edge_road[met[0]]]
        told = f"采用画定线路“{line.name}”；计算线路为硬化 {was[0]} 公里、新建 {was[1]} 公里"
        note[row] = "；".join(text for text in (note[row], told) if isinstance(text, str) and text)
    return table.assign(gap_km=gap, new_km=new, outlet=pd.array(outlet, dtype="str"), note=pd.array(note, dtype="str"))
