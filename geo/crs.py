"""Choose, require and repair coordinate systems."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as UnknownCRS

from geo.errors import CRSError
from geo.guess import PROVEN, SWAPPED, CRSGuess, coordinates, guess_crs, lonlat, metres_apart
from geo.parsed import listed
from geo.shift import REPAIRS, bd09_from_wgs84, gcj02_from_wgs84, wgs84_from_bd09, wgs84_from_gcj02

__all__ = [
    "STORAGE_CRS",
    "CRSGuess",
    "bd09_from_wgs84",
    "coordinate_faults",
    "gcj02_from_wgs84",
    "guess_crs",
    "measurement_crs",
    "require_metric",
    "require_same_crs",
    "to_storage",
    "wgs84_from_bd09",
    "wgs84_from_gcj02",
]

STORAGE_CRS = CRS.from_epsg(4490)


def measurement_crs(longitude: float, latitude: float) -> CRS:
    """Choose the metric coordinate system in which distances around a place are measured.

    Inside China (73.5-136.5 degrees east, 3-54 degrees north, inclusive) the CGCS2000 3-degree Gauss-Krueger zone,
    EPSG 4534 + round(longitude / 3) - 25; elsewhere the WGS 84 UTM zone (contract.md, Layers).

    Parameters
    ----------
    longitude, latitude
        Degrees of the centre of the villages.

    Examples
    --------
    >>> measurement_crs(113.75, 25.1).to_epsg(), measurement_crs(77.5, 34.1).to_epsg(), measurement_crs(43.1, 11.6).to_epsg()
    (4547, 4535, 32638)
    """
    if not (-180.0 <= longitude <= 180.0 and -90.0 <= latitude <= 90.0):
        raise CRSError(
            f"无法选择量算坐标系：中心点经度 {longitude}、纬度 {latitude} 不是有效的经纬度，请检查图层坐标系。"
        )
    if 73.5 <= longitude <= 136.5 and 3.0 <= latitude <= 54.0:
        return CRS.from_epsg(4534 + min(max(round(longitude / 3), 25), 45) - 25)
    zone = min(int((longitude + 180.0) // 6) + 1, 60)
    return CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


def require_metric(frame: Any, *, what: str) -> None:
    """Refuse a frame whose coordinates are not metres.

    Raises
    ------
    CRSError
        When the frame has no CRS, or one in degrees or another unit.
    """
    if frame.crs is None:
        raise CRSError(f"{what}：没有坐标系，不能量距离。请先说明坐标系（如 EPSG:4490）。")
    crs = CRS.from_user_input(frame.crs)
    if not crs.is_projected or any(axis.unit_name not in ("metre", "meter") for axis in crs.axis_info[:2]):
        raise CRSError(f"{what}：坐标系 {crs.name} 的单位不是米，不能量距离。请先投影到 CGCS2000 3 度带。")


def require_same_crs(left: Any, right: Any, *, what: str) -> None:
    """Refuse to combine two frames in different coordinate systems, or without one.

    Raises
    ------
    CRSError
        When either CRS is missing or they differ.
    """
    if left.crs is None or right.crs is None:
        raise CRSError(f"{what}：两个图层中有一个没有坐标系，不能叠加。请先补上坐标系。")
    if CRS.from_user_input(left.crs) != CRS.from_user_input(right.crs):
        raise CRSError(
            f"{what}：两个图层坐标系不同（{CRS.from_user_input(left.crs).name} 与 "
            f"{CRS.from_user_input(right.crs).name}），不能直接叠加。请先转换到同一坐标系。"
        )


def coordinate_faults(frame: Any) -> Any:
    """Say for each row why its coordinates cannot be used.

    Returns
    -------
    Series of str
        Same index; a Chinese reason, NaN where nothing is wrong or there is no geometry at all. Points at exactly (0, 0)
        count as not filled in.

    Examples
    --------
    >>> list(coordinate_faults(gpd.GeoSeries.from_xy([113.0, 0.0], [25.0, 0.0])).fillna("好"))
    ['好', '坐标是 (0, 0)，等于没有填写']
    """
    shapes = np.asarray(frame.geometry.array, dtype=object)
    return pd.Series(_faults(shapes), index=frame.index, dtype="str")


def _faults(shapes: Any) -> NDArray[np.object_]:
    reasons = np.full(len(shapes), None, dtype=object)
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    with np.errstate(invalid="ignore"):
        wild = ~np.isfinite(points).all(axis=1) | (np.abs(points) > 1e9).any(axis=1)
        zero = (np.abs(points) < 1e-9).all(axis=1) & (shapely.get_type_id(shapes)[owner] == 0)
    reasons[np.unique(owner[zero])] = "坐标是 (0, 0)，等于没有填写"
    reasons[np.unique(owner[wild])] = "坐标不是有效数字（空值、无穷大或大得离谱）"
    return reasons


def to_storage(frame: Any, crs: str | None, reference: Any = None) -> tuple[Any, list[str]]:
    """Bring a frame to EPSG:4490, the coordinate system in which layers are kept.

    Parameters
    ----------
    frame
        GeoDataFrame (not changed); a frame without geometry is handed back as it is.
    crs
        "EPSG:n", "gcj02" or "bd09", each with "+swapped" when the axes changed places; None to use what the frame
        states, else the one guess that the reference proves.
    reference
        Known places in EPSG:4490 (polygons or points).

    Returns
    -------
    GeoDataFrame, list of str
        Same rows and index, in EPSG:4490; Chinese notes. Rows whose coordinates cannot be used
        (see `coordinate_faults`) keep their values and lose their geometry.

    Raises
    ------
    CRSError
        The system is not known, or is contradicted by the numbers; the message ranks what it can be.

    Examples
    --------
    >>> frame = gpd.GeoDataFrame({"name": ["甲"]}, geometry=gpd.points_from_xy([474678.9], [2775493.4]))
    >>> stored, notes = to_storage(frame, "EPSG:4547")
    >>> stored.crs.to_epsg(), round(stored.geometry[0].x, 3), round(stored.geometry[0].y, 3)
    (4490, 113.749, 25.085)
    """
    if getattr(frame, "geometry", None) is None or not isinstance(frame, gpd.GeoDataFrame):
        return frame, []
    shapes = np.asarray(frame.geometry.array, dtype=object)
    notes: list[str] = []
    faults = _faults(shapes)
    lost = np.array([reason is not None for reason in faults], dtype=bool)
    if lost.any():
        reasons = "；".join(sorted({str(reason) for reason in faults[lost]}))
        notes.append(f"有 {int(lost.sum())} 条{reasons}，已保留属性但没有位置。")
        shapes = np.where(lost, None, shapes)
    moved = shapes
    if len(coordinates(shapes)):
        clean = gpd.GeoSeries(shapes, index=frame.index)
        moved = _moved(shapes, _code(clean, frame.crs, crs, reference, notes), clean, reference, notes)
    geometry = gpd.GeoSeries(moved, index=frame.index, crs=STORAGE_CRS)
    name = frame.geometry.name
    rest = pd.DataFrame(frame.drop(columns=[name]))
    stored = gpd.GeoDataFrame(rest, geometry=geometry.rename("geometry"), crs=STORAGE_CRS)
    return stored, notes


def _code(clean: Any, stated: Any, given: str | None, reference: Any, notes: list[str]) -> str:
    """What was given, else what the file states, else the one guess that is proven."""
    if given is not None and given.strip():
        text = given.strip()
        return text.lower() if text.lower().removesuffix(SWAPPED) in REPAIRS else text
    if stated is not None:
        code = CRS.from_user_input(stated)
        epsg = code.to_epsg()
        return f"EPSG:{epsg}" if epsg else code.to_wkt()
    guesses = guess_crs(clean, reference)
    if guesses and guesses[0].score >= PROVEN:
        notes.append(
            f"文件没有写明坐标系，按与已知边界的吻合程度判定为 {guesses[0].code}：{guesses[0].reason}。请核对。"
        )
        return guesses[0].code
    raise CRSError(f"文件没有写明坐标系，无法确定位置。{_advice(guesses)}")


def _advice(guesses: list[CRSGuess]) -> str:
    if not guesses:
        return "请向提供单位询问坐标系，再用 --crs 指定（如 EPSG:4490、EPSG:4526、gcj02、bd09）。"
    ranked = "；".join(f"{at}. {guess.code}（{guess.reason}）" for at, guess in enumerate(guesses[:4], start=1))
    more = f"；等共 {len(guesses)} 种" if len(guesses) > 4 else ""
    return f"请用 --crs 指定下列之一（按可能性排列）：{ranked}{more}。拿不准时请询问提供单位。"


def _moved(shapes: Any, code: str, clean: Any, reference: Any, notes: list[str]) -> Any:
    base = code.removesuffix(SWAPPED)
    is_swapped = code.endswith(SWAPPED)
    if is_swapped:
        shapes = shapely.transform(shapes, lambda points: points[:, ::-1])
    source = STORAGE_CRS if base in REPAIRS else _known(base)
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
            f"坐标系说是经纬度，数值却是米（如 {points[0, 0]:.1f}, {points[0, 1]:.1f}）。{_advice(guess_crs(clean, reference))}"
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
            f"坐标系 {source.name} 的单位是米，数值却是经纬度（如 {points[0, 0]:.4f}, {points[0, 1]:.4f}）。{_advice(guess_crs(clean, reference))}"
        )
    datum = f"{source.name} {source.datum.name if source.datum else ''}"
    if "Xian 1980" in datum or "Beijing 1954" in datum:
        notes.append(
            f"{source.name} 转 CGCS2000 没有公开的精确参数，只能近似转换，可能错开几十米到一百多米。"
            "请用本地七参数或控制点在专业软件中转换后再导入；800 米以内的达标判断须谨慎。"
        )
    transformer = Transformer.from_crs(source, STORAGE_CRS, always_xy=True)
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
        f"按 {source.name} 换算，数据落在{somewhere}，不在该坐标系的适用范围。{_advice(guess_crs(clean, reference))}"
    )
