"""Move coordinates into the storage system, and refuse or repair what cannot be what it claims to be."""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as UnknownCRS

from geo.errors import CRSError
from geo.guess import PROVEN, SWAPPED, CRSGuess, coordinates, guess_crs, lonlat, metres_apart
from geo.parsed import listed
from geo.shift import REPAIRS

_STORAGE = CRS.from_epsg(4490)


def advice(guesses: list[CRSGuess]) -> str:
    """Say what a person can supply, the likeliest first.

    Examples
    --------
    >>> advice([])[:16]
    '请向提供单位询问坐标系，再用 -'
    """
    if not guesses:
        return "请向提供单位询问坐标系，再用 --crs 指定（如 EPSG:4490、EPSG:4526、gcj02、bd09）。"
    ranked = "；".join(f"{at}. {guess.code}（{guess.reason}）" for at, guess in enumerate(guesses[:4], start=1))
    more = f"；等共 {len(guesses)} 种" if len(guesses) > 4 else ""
    return f"请用 --crs 指定下列之一（按可能性排列）：{ranked}{more}。拿不准时请询问提供单位。"


def placed(shapes: Any, code: str, clean: Any, reference: Any, notes: list[str]) -> Any:
    """Bring clean shapes from a coded system to EPSG:4490; what was turned, repaired or lost is added to `notes`.

    Parameters
    ----------
    shapes
        Array of shapes with finite coordinates, None where there is no place.
    code
        "EPSG:n", a WKT, "gcj02" or "bd09", each with "+swapped" when the axes changed places.
    clean
        The same as a GeoSeries, for the guesses of an error message.

    Raises
    ------
    CRSError
        The code is not known, or the numbers contradict it.
    """
    base = code.removesuffix(SWAPPED)
    is_swapped = code.endswith(SWAPPED)
    if is_swapped:
        shapes = shapely.transform(shapes, lambda points: points[:, ::-1])
    source = _STORAGE if base in REPAIRS else _known(base)
    if source.is_geographic:
        shapes = _degrees(shapes, clean, reference, notes)
        if base in REPAIRS:
            return _repaired(shapes, base, notes)
        _suspect(shapes, reference, notes)
        if source.to_epsg() in (4490, 4326) or source.name.startswith(("WGS 84", "CGCS2000")):
            return shapes
    return _projected(shapes, source, clean, reference, notes)


def _known(base: str) -> CRS:
    try:
        return CRS.from_user_input(base)
    except UnknownCRS as unknown:
        raise CRSError(
            f"不认识的坐标系“{base[:60]}”。可用：EPSG:4490 之类的编号、gcj02（火星坐标）、bd09（百度）。"
        ) from unknown


def _degrees(shapes: Any, clean: Any, reference: Any, notes: list[str]) -> Any:
    """Degrees must look like degrees; rows (or a whole file) with the axes changed are turned and listed."""
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    if np.median(np.abs(points).max(axis=1)) > 400.0:
        raise CRSError(
            f"坐标系说是经纬度，数值却是米（如 {points[0, 0]:.1f}, {points[0, 1]:.1f}）。{advice(guess_crs(clean, reference))}"
        )
    turned = _turned(points, owner, len(shapes))
    if turned.any():
        whole = (
            "整个文件"
            if turned.sum() == len(np.unique(owner))
            else f"第 {listed((np.flatnonzero(turned) + 1).tolist())} 条"
        )
        notes.append(f"{whole}（共 {int(turned.sum())} 条）经度和纬度放反了，已对调，请核对原表。")
        shapes = shapes.copy()
        shapes[turned] = shapely.transform(shapes[turned], lambda part: part[:, ::-1])
    return _possible(shapes, notes)


def _turned(points: NDArray[np.float64], owner: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Rows that only make sense with their axes changed: north beyond 90, or far from the rest but among it when turned."""
    middle = np.full((count, 2), np.nan)
    np.put_along_axis(middle, owner[:, None], points, axis=0)
    with np.errstate(invalid="ignore"):
        reversed_ = (middle[:, 0] >= 3) & (middle[:, 0] <= 54) & (middle[:, 1] >= 73) & (middle[:, 1] <= 136.5)
        normal = (middle[:, 0] >= 73) & (middle[:, 0] <= 136.5) & (middle[:, 1] >= 3) & (middle[:, 1] <= 54)
        if not reversed_.any():
            return np.zeros(count, dtype=bool)
        if normal.sum() > reversed_.sum():
            low, high = middle[normal].min(axis=0) - 0.5, middle[normal].max(axis=0) + 0.5
            among = ((middle[:, ::-1] >= low) & (middle[:, ::-1] <= high)).all(axis=1)
            return np.asarray(reversed_ & (among | (middle[:, 1] > 90)))
        return np.asarray(reversed_ & bool(np.nanmedian(middle[reversed_, 1]) > 90))


def _possible(shapes: Any, notes: list[str]) -> Any:
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    wrong = np.unique(owner[(np.abs(points[:, 0]) > 180) | (np.abs(points[:, 1]) > 90)])
    if not len(wrong):
        return shapes
    notes.append(
        f"第 {listed((wrong + 1).tolist())} 条（共 {len(wrong)} 条）经纬度超出可能的范围，已保留属性但没有位置。"
    )
    shapes = shapes.copy()
    shapes[wrong] = None
    return shapes


def _repaired(shapes: Any, base: str, notes: list[str]) -> Any:
    before = coordinates(shapes)
    shift_m = float(np.median(metres_apart(before, lonlat(base, before)))) if len(before) else 0.0
    owner = {"gcj02": "GCJ-02（火星坐标）", "bd09": "BD-09（百度坐标）"}[base]
    notes.append(f"已由 {owner} 还原，移动约 {shift_m:.0f} 米；还原算法非官方公布，换算结果仅供内部参考。")
    return shapely.transform(shapes, lambda points: np.column_stack(REPAIRS[base](points[:, 0], points[:, 1])))


def _suspect(shapes: Any, reference: Any, notes: list[str]) -> None:
    """Say when known places prove that degrees called true are in fact shifted."""
    if reference is None or not len(coordinates(shapes)):
        return
    best = next(iter(guess_crs(gpd.GeoSeries(shapes), reference)), None)
    if best is not None and best.score >= PROVEN and best.code in REPAIRS:
        notes.append(
            f"疑似偏移坐标：与已知边界相比整体错开约 {best.shift_m:.0f} 米，{best.reason}。"
            f"本次未改动坐标；确认后请用 --crs {best.code} 重新导入。"
        )


def _projected(shapes: Any, source: CRS, clean: Any, reference: Any, notes: list[str]) -> Any:
    points = coordinates(shapes)
    if source.is_projected and len(points) and np.abs(points).max() <= 180.0:
        raise CRSError(
            f"坐标系 {source.name} 的单位是米，数值却是经纬度（如 {points[0, 0]:.4f}, {points[0, 1]:.4f}）。{advice(guess_crs(clean, reference))}"
        )
    datum = f"{source.name} {source.datum.name if source.datum else ''}"
    if "Xian 1980" in datum or "Beijing 1954" in datum:
        notes.append(
            f"{source.name} 转 CGCS2000 没有公开的精确参数，只能近似转换，可能错开几十米到一百多米。"
            "请用本地七参数或控制点在专业软件中转换后再导入；800 米以内的达标判断须谨慎。"
        )
    transformer = Transformer.from_crs(source, _STORAGE, always_xy=True)
    moved = shapely.transform(shapes, lambda part: np.column_stack(transformer.transform(part[:, 0], part[:, 1])))
    _require_in_area(moved, source, clean, reference)
    return _possible(_finite(moved, notes), notes)


def _finite(shapes: Any, notes: list[str]) -> Any:
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    wrong = np.unique(owner[~np.isfinite(points).all(axis=1)])
    if len(wrong):
        notes.append(f"第 {listed((wrong + 1).tolist())} 条（共 {len(wrong)} 条）坐标无法换算，已保留属性但没有位置。")
        shapes = shapes.copy()
        shapes[wrong] = None
    return shapes


def _require_in_area(moved: Any, source: CRS, clean: Any, reference: Any) -> None:
    """A Gauss-Krueger zone must put its points within four degrees of its own area; PROJ would give wild numbers silently."""
    area = source.area_of_use
    points: NDArray[np.float64] = shapely.get_coordinates(moved)
    if area is None or not source.is_projected or not len(points):
        return
    finite = np.isfinite(points).all(axis=1)
    inside = finite & (points[:, 0] >= area.west - 4) & (points[:, 0] <= area.east + 4)
    if inside.mean() >= 0.5 or area.west > area.east:
        return
    somewhere = (
        f"经度 {np.median(points[finite, 0]):.1f}、纬度 {np.median(points[finite, 1]):.1f}"
        if finite.any()
        else "无法计算的地方"
    )
    raise CRSError(
        f"按 {source.name} 换算，数据落在{somewhere}，不在该坐标系的适用范围。{advice(guess_crs(clean, reference))}"
    )
