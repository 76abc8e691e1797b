"""Where road lines meet: ends that miss, lines that cross, bridges that do not; every repair listed.

Rules, in this order; `reach` of a line is the tolerance, but never more than a third of its length, so that roads
delivered in very short pieces do not collapse.

1. Ends within reach of one another are one place. Where lines of two levels both run straight through such a place
   (a split road under a split bridge) they stay apart.
2. An end within reach of the inside of another line meets it there (under- or overshoot), whatever the level when
   nothing else ends there, else only on a line of its own level.
3. Lines that cross with no end near are joined where their levels agree - two plain roads at grade meet - and stay
   apart where they differ: a bridge is not a junction. Level = `level` or `layer`, else 1 on `bridge`, -1 in `tunnel`,
   else 0.
4. Meetings within reach of one another along one line are one place.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.lines import TOUCH_M, Lines, at_vertex, crossings, duplicates, feet, repair_table, without_runs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CUT_RANK = 1000  # a place on the inside of a line holds its ground; ends move to it
NEAR_MISS = 5  # an end that misses by up to so many tolerances is listed, not joined


@dataclass(frozen=True)
class Cuts:
    """Places on lines: line, chainage and the point that lies there."""

    line: Ints
    chainage_m: Floats
    point: Ints


@dataclass(frozen=True)
class Meetings:
    """Points, what they rank, which cuts they make and which are one and the same."""

    xy: Floats
    rank: Ints
    cuts: Cuts
    same: Ints  # (n,2) pairs of points


def _places(xy: Floats, group: Ints) -> tuple[Floats, Ints, Ints]:
    """Return distinct places (per group) in order of x, y; the group of each; the place of every input row."""
    order = np.lexsort((group, xy[:, 1], xy[:, 0]))
    ranked, kinds = xy[order], group[order]
    is_new = np.r_[True, (ranked[1:] != ranked[:-1]).any(axis=1) | (kinds[1:] != kinds[:-1])][: len(xy)]
    inverse = np.empty(len(xy), np.int64)
    inverse[order] = np.cumsum(is_new) - 1
    return ranked[is_new], kinds[is_new], inverse


def components(pairs: Ints, count: int) -> Ints:
    """Number the sets that pairs tie together."""
    tie = coo_array((np.ones(len(pairs), np.int32), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(tie.tocsr(), directed=False)[1], np.int64)


def _ends(lines: Lines) -> tuple[Floats, Ints, Floats]:
    """Return xy, line and the direction that leads away from each end (two a line: 2n start, 2n+1 finish)."""
    at = np.column_stack([lines.first, lines.last]).ravel()
    onward = np.column_stack([lines.first + 1, lines.last - 1]).ravel()
    away = lines.xy[onward] - lines.xy[at]
    return lines.xy[at], np.repeat(np.arange(len(lines.first)), 2), away / np.hypot(*away.T)[:, None]


def _end_pairs(places: Floats, group: Ints, reach: Floats, tolerance_m: float) -> Ints:
    if len(places) == 0:
        return np.empty((0, 2), np.int64)
    pairs = cKDTree(places).query_pairs(tolerance_m, output_type="ndarray").astype(np.int64)
    apart = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    near = apart <= np.minimum(reach[pairs[:, 0]], reach[pairs[:, 1]])
    return np.asarray(pairs[near & (group[pairs[:, 0]] == group[pairs[:, 1]])], np.int64)


def _decks(cluster: Ints, level: Floats, away: Floats) -> Ints:
    """Number the levels apart (1, 2, …) at places where two of them run straight through; 0 everywhere else."""
    group = np.zeros(len(cluster), np.int64)
    low, high = np.full(cluster.max(initial=-1) + 1, np.inf), np.full(cluster.max(initial=-1) + 1, -np.inf)
    np.minimum.at(low, cluster, level)
    np.maximum.at(high, cluster, level)
    mixed = np.flatnonzero(low < high)
    if len(mixed) == 0:
        return group
    order = np.argsort(cluster, kind="stable")
    begin, stop = np.searchsorted(cluster[order], mixed), np.searchsorted(cluster[order], mixed, "right")
    for start, end in zip(begin, stop, strict=True):
        ends = order[start:end]
        through = []
        for value in np.unique(level[ends]):
            pair = ends[level[ends] == value]
            if len(pair) == 2 and float(away[pair[0]] @ away[pair[1]]) < -0.7:
                through.append(value)
        if len(through) >= 2:
            group[ends] = 1
            for number, value in enumerate(through, start=1):
                group[ends[level[ends] == value]] = number
    return group


def _kept_apart(xy: Floats, keep_apart: Floats, tolerance_m: float) -> NDArray[np.bool_]:
    """Say which places a person asked to leave as they were."""
    if len(keep_apart) == 0 or len(xy) == 0:
        return np.zeros(len(xy), bool)
    return np.asarray(cKDTree(keep_apart).query(xy)[0] <= tolerance_m)


@dataclass(frozen=True)
class _EndPlaces:
    """Distinct places where lines end."""

    xy: Floats
    group: Ints
    of_end: Ints
    pairs: Ints
    cluster: Ints
    reach_m: Floats
    is_dangling: NDArray[np.bool_]


def _end_places(lines: Lines, tolerance_m: float, keep_apart: Floats) -> _EndPlaces:
    """Gather line ends into places and pair those that miss each other."""
    xy, line, away = _ends(lines)
    group = np.zeros(len(xy), np.int64)
    for turn in (0, 1):
        places, kinds, of_end = _places(xy, group)
        reach = np.zeros(len(places))
        np.maximum.at(reach, of_end, lines.reach_m[line])
        pairs = _end_pairs(places, kinds, reach, tolerance_m)
        pairs = pairs[~_kept_apart((places[pairs[:, 0]] + places[pairs[:, 1]]) / 2, keep_apart, tolerance_m)]
        cluster = components(pairs, len(places))
        if turn == 0:
            group = _decks(cluster[of_end], lines.level[line], away)
            if not group.any():
                break
    crowd = np.bincount(cluster[of_end], minlength=len(places))
    return _EndPlaces(places, kinds, of_end, pairs, cluster, reach, crowd[cluster] == 1)


def _landings(lines: Lines, ends: _EndPlaces, tolerance_m: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find the ends that meet the inside of another line, and those that come near it on another level."""
    near = feet(lines, ends.xy, ends.reach_m)
    place, line = near["place"].to_numpy(), near["line"].to_numpy()
    chainage, length, reach = near["chainage_m"].to_numpy(), lines.length_m[line], lines.reach_m[line]
    keep = near["distance_m"].to_numpy() <= reach
    for side, from_end in ((0, chainage), (1, length - chainage)):
        tip = ends.of_end[2 * line + side]
        keep &= ~((ends.cluster[tip] == ends.cluster[place]) & (from_end <= np.maximum(reach, TOUCH_M)))
        keep &= ~((tip == place) & (from_end <= 4 * tolerance_m))
    near = near[keep].drop_duplicates(["place", "line"])
    place, line = near["place"].to_numpy(), near["line"].to_numpy()
    levels = pd.Series(lines.level[np.repeat(np.arange(len(lines.first)), 2)]).groupby(ends.of_end)
    low, high = levels.min().to_numpy(), levels.max().to_numpy()
    is_level = (low[place] <= lines.level[line]) & (high[place] >= lines.level[line]) | ends.is_dangling[place]
    return near[is_level], near[~is_level]


def meetings(lines: Lines, *, tolerance_m: float, keep_apart: Floats) -> tuple[Meetings, list[pd.DataFrame]]:
    """Find every place where lines meet, and list what had to be mended for it."""
    ends = _end_places(lines, tolerance_m, keep_apart)
    end_line = np.repeat(np.arange(len(lines.first)), 2)
    line_at = np.zeros(len(ends.xy), np.int64)
    line_at[ends.of_end[::-1]] = end_line[::-1]
    repairs = [_missed_ends(lines, ends, line_at)]
    landing, passing = _landings(lines, ends, tolerance_m)
    landing = landing[~_kept_apart(landing[["x", "y"]].to_numpy(), keep_apart, tolerance_m)]
    p, q, s, t, xy = crossings(lines)
    twins, twin = duplicates(lines)
    kept = without_runs(p, q, s, t)
    kept = kept[(twin[p[kept]] != twin[q[kept]]) | (p[kept] == q[kept])]
    p, q, s, t, xy = p[kept], q[kept], s[kept], t[kept], xy[kept]
    repairs.append(_landing_repairs(lines, landing, line_at, (p, q, s, t), tolerance_m))
    is_level = lines.level[p] == lines.level[q]
    repairs.append(repair_table("bridge", lines.road[p], lines.road[q], xy, 0.0, is_applied=False)[~is_level])
    repairs.append(_bridge_ends(lines, passing, line_at))
    joined = is_level & ~_kept_apart(xy, keep_apart, tolerance_m)
    is_new = joined & ~(at_vertex(lines, p, s) & at_vertex(lines, q, t))
    for line, chainage in ((p, s), (q, t)):  # a crossing so near an end was mended with that end
        is_new &= np.minimum(chainage, lines.length_m[line] - chainage) > lines.reach_m[line]
    repairs += [twins, repair_table("crossing", lines.road[p], lines.road[q], xy, 0.0, is_applied=True)[is_new]]
    repairs.append(_near_misses(lines, ends, landing, line_at, tolerance_m))
    return _assemble(lines, ends, landing, (p[joined], q[joined], s[joined], t[joined], xy[joined])), repairs


def _assemble(lines: Lines, ends: _EndPlaces, landing: pd.DataFrame, cross: tuple[Any, ...]) -> Meetings:
    """Number the points: end places first, then landings, then crossings; then list the cuts they make."""
    p, q, s, t, xy = cross
    landed = len(ends.xy) + np.arange(len(landing))
    crossed = len(ends.xy) + len(landing) + np.arange(len(p))
    chain_ends = np.column_stack([np.zeros(len(lines.length_m)), lines.length_m]).ravel()
    line = np.r_[np.repeat(np.arange(len(lines.first)), 2), landing["line"].to_numpy(), p, q]
    chainage = np.r_[chain_ends, landing["chainage_m"].to_numpy(), s, t]
    point = np.r_[ends.of_end, landed, crossed, crossed]
    order = np.lexsort((point, chainage, line))
    cuts = Cuts(line[order].astype(np.int64), chainage[order], point[order].astype(np.int64))
    close = (np.diff(cuts.line) == 0) & (np.diff(cuts.chainage_m) <= lines.reach_m[cuts.line[1:]])
    same = np.vstack(
        [
            ends.pairs,
            np.column_stack([landing["place"].to_numpy(), landed]),
            np.column_stack([cuts.point[:-1][close], cuts.point[1:][close]]),
        ]
    ).astype(np.int64)
    rank = np.r_[np.bincount(ends.of_end, minlength=len(ends.xy)), np.full(len(landing) + len(p), CUT_RANK)]
    return Meetings(np.vstack([ends.xy, landing[["x", "y"]].to_numpy(), xy]), rank.astype(np.int64), cuts, same)


def _missed_ends(lines: Lines, ends: _EndPlaces, line_at: Ints) -> pd.DataFrame:
    one, two = ends.pairs[:, 0], ends.pairs[:, 1]
    apart = np.hypot(*(ends.xy[one] - ends.xy[two]).T)
    road = lines.road[line_at]
    return repair_table("end_to_end", road[one], road[two], ends.xy[one], apart, is_applied=True)


def _landing_repairs(
    lines: Lines, landing: pd.DataFrame, line_at: Ints, cross: tuple[Any, ...], tolerance_m: float
) -> pd.DataFrame:
    """Tell overshoots (the line crosses the other just before its end) from undershoots; exact landings are neither."""
    p, q, s, t = cross
    near_end = 5 * tolerance_m
    over = set()
    for one, two, chain in ((p, q, s), (q, p, t)):
        late = np.minimum(chain, lines.length_m[one] - chain) <= near_end
        over |= set(zip(one[late].tolist(), two[late].tolist(), strict=True))
    own, other = line_at[landing["place"].to_numpy()], landing["line"].to_numpy()
    crossed = [pair in over for pair in zip(own.tolist(), other.tolist(), strict=True)]
    xy, distance = landing[["x", "y"]].to_numpy(), landing["distance_m"].to_numpy()
    table = repair_table("undershoot", lines.road[own], lines.road[other], xy, distance, is_applied=True)
    table.loc[np.array(crossed, bool), "kind"] = "overshoot"
    return table[distance > 1e-3]


def _bridge_ends(lines: Lines, passing: pd.DataFrame, line_at: Ints) -> pd.DataFrame:
    own, other = line_at[passing["place"].to_numpy()], passing["line"].to_numpy()
    xy, distance = passing[["x", "y"]].to_numpy(), passing["distance_m"].to_numpy()
    return repair_table("bridge", lines.road[own], lines.road[other], xy, distance, is_applied=False)


def _near_misses(
    lines: Lines, ends: _EndPlaces, landing: pd.DataFrame, line_at: Ints, tolerance_m: float
) -> pd.DataFrame:
    """List loose ends that stop a little beyond the tolerance from another road: for a person to decide."""
    loose = np.flatnonzero(ends.is_dangling & ~np.isin(np.arange(len(ends.xy)), landing["place"].to_numpy()))
    near = feet(lines, ends.xy[loose], np.full(len(loose), NEAR_MISS * tolerance_m))
    place = loose[near["place"].to_numpy()]
    is_long = lines.length_m[line_at[place]] > 2 * NEAR_MISS * tolerance_m  # a short stub is near what it left
    near = near.assign(place=place)[is_long & (near["line"].to_numpy() != line_at[place])]
    near = near.sort_values(["place", "distance_m", "x", "y"], kind="stable").drop_duplicates("place")
    own, other = line_at[near["place"].to_numpy()], near["line"].to_numpy()
    xy, distance = ends.xy[near["place"].to_numpy()], near["distance_m"].to_numpy()
    return repair_table("near_miss", lines.road[own], lines.road[other], xy, distance, is_applied=False)
