"""Guess which coordinate system some coordinates are in: from how big they are, and from where they land.

Size tells degrees from metres, 3-degree zones (prefix 25-45) from 6-degree ones (13-23), and swapped axes (domain.md 3.1).
Only known polygons or points can tell GCJ-02 and BD-09 from true degrees, or find the central meridian of six-digit eastings.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from geo.shift import REPAIRS

Floats = NDArray[np.float64]

PROVEN = 0.9
"""A guess with at least this score stands on proof against known places."""
SWAPPED = "+swapped"
_MOST_POINTS = 2000
_MOST_CORNERS = 800
_NEAR_EDGE_M = 60.0
_NEAR_POINT_M = 150.0
_EARTH_M_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class CRSGuess:
    """One possible coordinate system of a file.

    `code` can be given back as the `crs` of an import: "EPSG:4527", "gcj02", "bd09", each with "+swapped" when the two
    axes changed places. `score` (0-1) is at least 0.9 only when known places prove it. `shift_m` is how far the repair
    moves things, None where nothing is repaired. `reason` is a Chinese sentence.
    """

    code: str
    score: float
    shift_m: float | None
    reason: str


def coordinates(shapes: Any, most: int = _MOST_POINTS) -> Floats:
    """Every n-th finite coordinate of some shapes, at most `most`, as an (n, 2) array."""
    found: Floats = shapely.get_coordinates(shapes)
    found = found[np.isfinite(found).all(axis=1) & (np.abs(found) > 1e-9).any(axis=1)]
    return found[:: max(1, len(found) // most)][:most]


def guess_crs(frame: Any, reference: Any = None) -> list[CRSGuess]:
    """Rank the coordinate systems that a frame's coordinates can be in, whatever it claims.

    Parameters
    ----------
    frame
        GeoDataFrame or GeoSeries; its own CRS is not looked at.
    reference
        Known places in EPSG:4490: polygons of towns or villages that should contain the features or share their
        borders, or points they should lie on. Without them GCJ-02 cannot be told from true degrees.

    Returns
    -------
    list of CRSGuess
        Best first; empty when there is no usable coordinate or none fits.

    Examples
    --------
    >>> import geopandas as gpd
    >>> guess_crs(gpd.GeoSeries.from_xy([38474678.9], [2775493.4]))[0].code
    'EPSG:4526'
    """
    shapes = np.asarray(frame.geometry.array, dtype=object)
    points = coordinates(shapes)
    if not len(points):
        return []
    guesses = _by_size(points)
    if reference is None or not guesses:
        return sorted(guesses, key=lambda guess: -guess.score)
    known = np.asarray(reference.geometry.array, dtype=object)
    known = known[~shapely.is_missing(known) & ~shapely.is_empty(known)]
    return _proven(guesses, shapes, points, known) if len(known) else guesses


def lonlat(code: str, points: Floats) -> Floats:
    """Bring coordinates in a guessed system to degrees east and north; NaN where that is not possible."""
    base, is_swapped = code.removesuffix(SWAPPED), code.endswith(SWAPPED)
    x, y = (points[:, 1], points[:, 0]) if is_swapped else (points[:, 0], points[:, 1])
    if base in REPAIRS:
        return np.column_stack(REPAIRS[base](x, y))
    if base in ("EPSG:4490", "EPSG:4326"):
        return np.column_stack([x, y])
    transformer = Transformer.from_crs(CRS.from_user_input(base), CRS.from_epsg(4490), always_xy=True)
    try:
        lon, lat = transformer.transform(x, y)
    except ProjError:
        return np.full(points.shape, np.nan)
    found = np.column_stack([lon, lat]).astype(np.float64)
    found[~np.isfinite(found).all(axis=1)] = np.nan
    return found


def metres_apart(left: Floats, right: Floats) -> Floats:
    """Distance in metres between pairs of nearby degrees (plane approximation, good to 1 % under 10 km)."""
    east = (left[:, 0] - right[:, 0]) * np.cos(np.radians(left[:, 1]))
    result: Floats = np.hypot(east, left[:, 1] - right[:, 1]) * _EARTH_M_PER_DEGREE
    return result


def _share(mask: NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _by_size(points: Floats) -> list[CRSGuess]:
    """Candidates from the size of the numbers alone."""
    found: list[CRSGuess] = []
    for is_swapped in (False, True):
        x, y = (points[:, 1], points[:, 0]) if is_swapped else (points[:, 0], points[:, 1])
        found += _degrees(x, y, is_swapped=is_swapped) or _metres(x, y, is_swapped=is_swapped)
    if not found and _share((np.abs(points[:, 0]) <= 180) & (np.abs(points[:, 1]) <= 90)) > 0.98:
        found.append(CRSGuess("EPSG:4326", 0.5, None, "数值是经纬度，但不在中国范围内"))
    return found


def _degrees(x: Floats, y: Floats, *, is_swapped: bool) -> list[CRSGuess]:
    if _share((x >= 73.0) & (x <= 136.5) & (y >= 3.0) & (y <= 54.0)) < 0.9:
        return []
    tail, said = (SWAPPED, "，但经度和纬度两列放反了") if is_swapped else ("", "")
    true = np.column_stack([x, y])
    found = [CRSGuess(f"EPSG:4490{tail}", 0.6, None, f"数值是中国范围内的经纬度{said}")]
    for code, prior, owner in (("gcj02", 0.3, "高德、腾讯、奥维"), ("bd09", 0.2, "百度")):
        shift_m = float(np.median(metres_apart(true, lonlat(code, true))))
        reason = f"可能是{owner}地图的偏移坐标，还原需移动约 {shift_m:.0f} 米{said}"
        found.append(CRSGuess(f"{code}{tail}", prior, shift_m, reason))
    return found


def _metres(x: Floats, y: Floats, *, is_swapped: bool) -> list[CRSGuess]:
    if _share((y >= 3.2e5) & (y <= 6.05e6)) < 0.9:
        return []
    tail, said = (SWAPPED, "，且横、纵坐标两列放反了") if is_swapped else ("", "")
    zones = np.floor(x / 1e6)
    zone = int(np.median(zones))
    within = _share((zones == zone) & (x - zones * 1e6 >= 1e5) & (x - zones * 1e6 <= 9e5))
    found = []
    if within >= 0.6 and 25 <= zone <= 45:
        where = f"横坐标 8 位、带号 {zone}（3 度带，中央经线 {zone * 3}°）{said}"
        found += _datums(where, tail, 4513 + zone - 25, 2349 + zone - 25, 2401 + zone - 25, within)
    elif within >= 0.6 and 13 <= zone <= 23:
        where = f"横坐标 8 位、带号 {zone}（6 度带，中央经线 {zone * 6 - 3}°）{said}"
        found += _datums(where, tail, 4491 + zone - 13, 2327 + zone - 13, 21413 + zone - 13, within)
    elif within >= 0.6 and zone == 0:
        where = "横坐标 6 位、没有带号，中央经线要另外说明"
        found += [
            CRSGuess(f"EPSG:{4534 + n}{tail}", 0.1, None, f"{where}（3 度带 {75 + 3 * n}°）{said}") for n in range(21)
        ]
        found += [
            CRSGuess(f"EPSG:{4502 + n}{tail}", 0.05, None, f"{where}（6 度带 {75 + 6 * n}°）{said}") for n in range(11)
        ]
    if not is_swapped and _share((x >= 8.1e6) & (x <= 1.52e7)) >= 0.9:
        found.append(CRSGuess("EPSG:3857", 0.3, None, "数值像网页地图的墨卡托坐标"))
    return found


def _datums(where: str, tail: str, cgcs: int, xian: int, beijing: int, share: float) -> list[CRSGuess]:
    """One zone in the three systems that write it with the same numbers; which one it is, the numbers do not say."""
    return [
        CRSGuess(f"EPSG:{cgcs}{tail}", 0.7 * share, None, f"{where}，2018 年 7 月以后的成果应是 CGCS2000"),
        CRSGuess(f"EPSG:{xian}{tail}", 0.3 * share, None, f"{where}，较早的成果可能是西安 80"),
        CRSGuess(f"EPSG:{beijing}{tail}", 0.2 * share, None, f"{where}，更早的成果可能是北京 54"),
    ]


@dataclass(frozen=True)
class _Fit:
    """How well one guess agrees with the known places: shares 0-1, and how many of how many points are off."""

    inside: float
    touching: float
    outside: int


def _proven(guesses: list[CRSGuess], shapes: Any, points: Floats, known: Any) -> list[CRSGuess]:
    """Score each guess by where it puts the features; raise the best to proven when it is clearly ahead."""
    measure = _measure(shapes, points, known)
    fits = [measure(guess.code) for guess in guesses]
    ranked = sorted(
        zip(guesses, fits, strict=True), key=lambda pair: (-(pair[1].inside + pair[1].touching), -pair[0].score)
    )
    best, fit = ranked[0]
    rivals = [(guess, other) for guess, other in ranked[1:] if not _is_same_numbers(best, guess)]
    is_proven = fit.inside >= 0.9 and all(_beats(fit, other) for _, other in rivals)
    result = []
    for guess, other in ranked:
        top = PROVEN - 0.05 if guess is not best or not is_proven else 0.99
        floor = PROVEN if guess is best and is_proven else 0.0
        score = min(max(0.85 * other.inside + 0.1 * other.touching + 0.04 * guess.score, floor), top)
        said = f"；{other.inside:.1%} 落在已知范围内" + (
            f"，{other.touching:.0%} 与已知边界重合" if other.touching else ""
        )
        result.append(replace(guess, score=round(score, 4), reason=guess.reason + said))
    return sorted(result, key=lambda guess: -guess.score)


def _is_same_numbers(best: CRSGuess, other: CRSGuess) -> bool:
    """Xian 80 and Beijing 54 put the same numbers within metres of CGCS2000: no map can tell them apart."""
    return (
        any(name in other.reason for name in ("西安 80", "北京 54"))
        and best.reason.split("，")[0] == other.reason.split("，")[0]
    )


def _beats(best: _Fit, other: _Fit) -> bool:
    if best.touching >= 0.25 and best.touching >= 2.5 * other.touching + 0.05:
        return True
    return other.outside - best.outside >= max(4, 0.02 * (other.outside + 100))


def _measure(shapes: Any, points: Floats, known: Any) -> Callable[[str], _Fit]:
    """Prepare the known places once, then test guess after guess against them."""
    is_area = shapely.get_dimensions(known) == 2
    places = coordinates(shapely.point_on_surface(shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)]))
    if not is_area.any():
        return lambda code: _near(lonlat(code, places), known)
    tree = shapely.STRtree(known[is_area])
    is_bordered = bool((shapely.get_dimensions(shapes[~shapely.is_missing(shapes)]) == 2).mean() > 0.5)
    edges = shapely.STRtree(_segments(known[is_area])) if is_bordered else None
    corners = points[:: max(1, len(points) // _MOST_CORNERS)]

    def fit(code: str) -> _Fit:
        landed = lonlat(code, places)
        finite = np.isfinite(landed).all(axis=1)
        hits = tree.query(shapely.points(landed[finite]), predicate="intersects")[0]
        inside = len(np.unique(hits))
        touching = _touching(lonlat(code, corners), edges) if edges is not None else 0.0
        return _Fit(inside / len(landed), touching, len(landed) - inside)

    return fit


def _segments(polygons: Any) -> Any:
    """Borders cut into pieces of about twenty corners, so that the nearest one is found quickly."""
    pieces = []
    for line in shapely.get_parts(shapely.boundary(polygons)):
        corners = shapely.get_coordinates(line)
        pieces += [shapely.LineString(corners[at : at + 21]) for at in range(0, len(corners) - 1, 20)]
    return np.array(pieces, dtype=object)


def _touching(landed: Floats, edges: Any) -> float:
    landed = landed[np.isfinite(landed).all(axis=1)]
    if not len(landed):
        return 0.0
    reach = _NEAR_EDGE_M / _EARTH_M_PER_DEGREE
    hits = edges.query(shapely.points(landed), predicate="dwithin", distance=reach)[0]
    return len(np.unique(hits)) / len(landed)


def _near(landed: Floats, known: Any) -> _Fit:
    finite = landed[np.isfinite(landed).all(axis=1)]
    if not len(finite):
        return _Fit(0.0, 0.0, len(landed))
    reach = _NEAR_POINT_M / _EARTH_M_PER_DEGREE
    hits = shapely.STRtree(known).query(shapely.points(finite), predicate="dwithin", distance=reach)[0]
    near = len(np.unique(hits))
    return _Fit(near / len(landed), 0.0, len(landed) - near)
