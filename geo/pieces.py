"""Lines and the places where they meet -> the pieces between them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.boxes import hilbert
from geo.lines import TOUCH_M, Lines, repair_table
from geo.noding import Meetings, components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Pieces:
    """Nodes, the two nodes, road and shape of every piece, and the stubs that were dropped."""

    node_xy: Floats
    one: Ints
    two: Ints
    road: Ints
    shapes: NDArray[Any]
    stubs: pd.DataFrame


def _node_places(met: Meetings) -> tuple[Ints, Floats]:
    """Return the node of every point and the place of every node: the best ranked point, then the lowest x, y."""
    cluster = components(met.same, len(met.xy))
    order = np.lexsort((met.xy[:, 1], met.xy[:, 0], -met.rank, cluster))
    first = order[np.unique(cluster[order], return_index=True)[1]]
    place = met.xy[first]
    along = np.lexsort((place[:, 1], place[:, 0], hilbert(place)))
    number = np.empty(len(along), np.int64)
    number[along] = np.arange(len(along))
    return number[cluster], place[along]


def cut_lines(lines: Lines, met: Meetings, *, tolerance_m: float) -> Pieces:
    """Cut the lines at their nodes; stubs no longer than three tolerances that return to their node are dropped."""
    node, node_xy = _node_places(met)
    cuts = met.cuts
    one, two = node[cuts.point[:-1]], node[cuts.point[1:]]
    long_m = np.diff(cuts.chainage_m)
    is_piece = (np.diff(cuts.line) == 0) & (long_m > TOUCH_M)
    is_stub = is_piece & (one == two) & (long_m <= 3 * tolerance_m)
    stub = np.flatnonzero(is_stub)
    road = lines.road[cuts.line[stub]]
    stubs = repair_table("stub", road, -1, node_xy[one[stub]], long_m[stub], is_applied=True)
    piece = np.flatnonzero(is_piece & ~is_stub)
    shapes = _piece_lines(
        lines, cuts.line[piece], cuts.chainage_m[piece], cuts.chainage_m[piece + 1], node_xy, one[piece], two[piece]
    )
    real = shapely.length(shapes) > 0
    piece, shapes = piece[real], shapes[real]
    return Pieces(node_xy, one[piece], two[piece], lines.road[cuts.line[piece]], shapes, stubs)


def _piece_lines(
    lines: Lines, line: Ints, start_m: Floats, end_m: Floats, node_xy: Floats, one: Ints, two: Ints
) -> NDArray[Any]:
    """Draw each piece from its first node over the vertices inside it to its last node."""
    offset = np.cumsum(np.r_[0.0, lines.length_m + 1.0])
    begin, end = offset[line] + start_m, offset[line] + end_m
    at = offset[lines.line] + lines.chainage_m
    owner = np.searchsorted(begin, at, "right") - 1
    inside = (owner >= 0) & (at > begin[owner] + TOUCH_M) & (at < end[owner] - TOUCH_M)
    number = np.arange(len(line))
    order = np.argsort(np.r_[3 * number, 3 * owner[inside] + 1, 3 * number + 2], kind="stable")
    xy = np.vstack([node_xy[one], lines.xy[inside], node_xy[two]])[order]
    return np.asarray(shapely.linestrings(xy, indices=np.r_[number, owner[inside], number][order]), dtype=object)
