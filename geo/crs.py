"""Choose, require and repair coordinate systems."""

from typing import Any

from pyproj import CRS

from geo.errors import CRSError
from geo.shift import bd09_from_wgs84, gcj02_from_wgs84, wgs84_from_bd09, wgs84_from_gcj02

__all__ = [
    "STORAGE_CRS",
    "bd09_from_wgs84",
    "gcj02_from_wgs84",
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


def to_storage(frame: Any, crs: str | None, reference: Any = None) -> tuple[Any, list[str]]:
    """Bring a frame to EPSG:4490 (signature; guessing follows)."""
    stated = crs or frame.crs
    if stated is None:
        raise CRSError("图层没有坐标系。请用 --crs 说明，例如 EPSG:4490、EPSG:4526、gcj02 或 bd09。")
    if stated in ("gcj02", "bd09"):
        raise CRSError("偏移修复尚未完成")
    return frame.set_crs(stated, allow_override=True).to_crs(STORAGE_CRS), []
