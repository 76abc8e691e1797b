"""What happens to geometry on its way into a tile: projecting, thinning, simplifying, cutting, rounding.

World units run from 0 to 1 over web mercator, y down; tile units from 0 to 4,096 over one tile.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer

from geo.mvt import EXTENT

Geometry = Literal["polygon", "line", "point"]
Bounds = tuple[float, float, float, float]

FULL_ZOOM = 16  # from this tile zoom on every point is in its tile and no shape is simplified
UNITS_PER_PIXEL = 8
_CELL_PX = 4
_WORLD_M = 20037508.342789244


def as_kind(shapes: Any, kind: Geometry) -> Any:
    """Return shapes that can be drawn as `kind`: areas mended, anything drawn as a point reduced to one."""
    if kind == "point":
        wide = shapely.get_type_id(shapes) != 0
        shapes = shapes.copy()
        shapes[wide] = shapely.point_on_surface(shapes[wide])
        return shapes
    if kind == "line":
        return np.where(shapely.get_dimensions(shapes) == 2, shapely.boundary(shapes), shapes)
    broken = ~shapely.is_valid(shapes)
    if broken.any():
        shapes = shapes.copy()
        shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return shapes


def to_world(shapes: Any, crs: CRS) -> Any:
    """Project shapes to web mercator scaled to 0..1 with y down."""
    return np.asarray(shapely.transform(shapes, _projector(crs)), dtype=object)


def points_to_world(shapes: Any, crs: CRS) -> npt.NDArray[np.float64]:
    """Project points likewise and return their coordinates: no shape is kept for a point."""
    return _projector(crs)(shapely.get_coordinates(shapes))


def _projector(crs: CRS) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    move = Transformer.from_crs(crs, "EPSG:3857", always_xy=True)

    def project(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        east, north = move.transform(xy[:, 0], xy[:, 1])
        return np.column_stack([0.5 + np.asarray(east) / _WORLD_M / 2, 0.5 - np.asarray(north) / _WORLD_M / 2])

    return project


def anchors(shapes: Any) -> npt.NDArray[np.float64]:
    """Return where the name of each area stands."""
    points: npt.NDArray[np.float64] = shapely.get_coordinates(shapely.point_on_surface(shapes)).reshape(-1, 2)
    return points


def world_of_degrees(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the world units of longitudes and latitudes."""
    latitude = np.radians(np.clip(corners[:, 1], -85.05, 85.05))
    return np.column_stack([0.5 + corners[:, 0] / 360, 0.5 - np.arcsinh(np.tan(latitude)) / (2 * np.pi)])


def to_degrees(boxes: npt.NDArray[np.float64]) -> Bounds | None:
    """Return west, south, east, north in degrees around boxes in world units; None without any."""
    if len(boxes) == 0:
        return None
    west, top = boxes[:, :2].min(axis=0)
    east, bottom = boxes[:, 2:].max(axis=0)
    south, north = (float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * v))))) for v in (bottom, top))
    return float(west * 360 - 180), south, float(east * 360 - 180), north


def thinned(points: npt.NDArray[np.float64], priority: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return the zoom from which each point is drawn: one a cell of four pixels, the highest priority first."""
    first = np.full(len(points), FULL_ZOOM, dtype=np.uint8)
    order = np.argsort(-priority, kind="stable")
    kept = 0
    for zoom in range(FULL_ZOOM):
        side = 2**zoom * (EXTENT // UNITS_PER_PIXEL // _CELL_PX)
        cells = np.floor(points[order] * side).astype(np.int64)
        _, chosen = np.unique(cells[:, 0] * side + cells[:, 1], return_index=True)
        fresh = chosen[chosen >= kept]
        if len(fresh) == 0:
            continue
        first[order[fresh]] = zoom
        rest = np.ones(len(order), dtype=bool)
        rest[:kept] = False
        rest[fresh] = False
        order = np.concatenate([order[:kept], order[fresh], order[rest]])
        kept += len(fresh)
        if kept == len(order):
            break
    return first


def simplify(shapes: Any, kind: Geometry, tolerance: float) -> Any:
    """Simplify for one zoom; areas that share edges keep sharing them."""
    if kind == "polygon" and len(shapes) and np.isin(shapely.get_type_id(shapes), (3, 6)).all():
        return shapely.coverage_simplify(shapes, tolerance)
    return shapely.simplify(shapes, tolerance, preserve_topology=kind == "polygon")


def clip(shapes: Any, boxes: npt.NDArray[np.float64], window: Bounds) -> Any:
    """Cut shapes that reach beyond the window; those inside are passed on untouched."""
    west, north, east, south = window
    inside = (boxes[:, 0] >= west) & (boxes[:, 2] <= east) & (boxes[:, 1] >= north) & (boxes[:, 3] <= south)
    if inside.all():
        return shapes
    out = shapes.copy()
    out[~inside] = shapely.clip_by_rect(shapes[~inside], west, north, east, south)
    return out


def tile_units(corners: npt.NDArray[np.float64], z: int, x: int, y: int) -> npt.NDArray[np.int64]:
    """Round world units to the units of one tile."""
    units: npt.NDArray[np.int64] = np.rint((corners * 2**z - (x, y)) * EXTENT).astype(np.int64)
    return units


def flatten(shapes: Any, kind: Geometry, z: int, x: int, y: int) -> tuple[Any, Any, Any]:
    """Return tile coordinates, where each line or ring begins, and where each shape begins among those."""
    lines, owner = shapely.get_parts(shapes, return_index=True)
    if kind == "polygon":
        areal = shapely.get_type_id(lines) == 3
        lines, ring_owner = shapely.get_rings(shapely.orient_polygons(lines[areal]), return_index=True)
        owner = owner[areal][ring_owner]
    corners, part = shapely.get_coordinates(lines, return_index=True)
    units = tile_units(corners, z, x, y)
    new = np.ones(len(units), dtype=bool)
    new[1:] = (units[1:] != units[:-1]).any(axis=1) | (part[1:] != part[:-1])
    if kind == "polygon":
        ends = np.append(part[1:] != part[:-1], True) if len(part) else np.zeros(0, dtype=bool)
        new &= ~ends
    least = 3 if kind == "polygon" else 2
    sizes = np.bincount(part[new], minlength=len(lines))
    new &= sizes[part] >= least
    sizes = np.where(sizes >= least, sizes, 0)
    whole = sizes > 0
    part_offsets = np.concatenate([[0], np.cumsum(sizes[whole])]).astype(np.int64)
    feature_offsets = np.searchsorted(owner[whole], np.arange(len(shapes) + 1)).astype(np.int64)
    return units[new], part_offsets, feature_offsets
