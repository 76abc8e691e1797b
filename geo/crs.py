"""Choose, require and repair coordinate systems."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.errors import CRSError
from geo.guess import PROVEN, SWAPPED, CRSGuess, coordinates, guess_crs
from geo.placing import advice, placed
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
        shapes = shapes.copy()
        shapes[lost] = None
    moved = shapes
    if len(coordinates(shapes)):
        clean = gpd.GeoSeries(shapes, index=frame.index)
        moved = placed(shapes, _code(clean, frame.crs, crs, reference, notes), clean, reference, notes)
    geometry = gpd.GeoSeries(moved, index=frame.index, crs=STORAGE_CRS)
    name = frame.geometry.name
    rest = pd.DataFrame(frame.drop(columns=[name]))
    stored = gpd.GeoDataFrame(rest, geometry=geometry.rename("geometry"), crs=STORAGE_CRS)
    return stored, notes


def _written(given: str) -> str:
    """The code behind what a person typed: 4490, epsg：4490, GCJ-02, BD-09, WGS84, CGCS2000."""
    text = given.strip().replace("：", ":")
    base, tail = (text[: -len(SWAPPED)], SWAPPED) if text.lower().endswith(SWAPPED) else (text, "")
    short = base.lower().replace("-", "").replace(" ", "").replace("_", "")
    if short in REPAIRS:
        return short + tail
    names = {"wgs84": "EPSG:4326", "cgcs2000": "EPSG:4490", "大地2000": "EPSG:4490", "国家2000": "EPSG:4490"}
    if short in names or short.isdigit():
        return names.get(short, f"EPSG:{short}") + tail
    return base + tail


def _code(clean: Any, stated: Any, given: str | None, reference: Any, notes: list[str]) -> str:
    """What was given, else what the file states, else the one guess that is proven."""
    if given is not None and given.strip():
        return _written(given)
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
    raise CRSError(f"文件没有写明坐标系，无法确定位置。{advice(guesses)}")
