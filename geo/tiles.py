"""Frames to vector tiles: prepared once, cut on demand, addressed by what they contain.

A tile is drawn 512 screen pixels wide and holds 4,096 units, so one pixel is 8 units.
"""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS

from geo.errors import CRSError, InputError
from geo.mvt import EXTENT, LINE, POINT, POLYGON, encode_layer
from geo.tilegeometry import (
    FULL_ZOOM,
    Bounds,
    Geometry,
    anchors,
    as_kind,
    clip,
    flatten,
    points_to_world,
    simplify,
    thinned,
    tile_units,
    to_degrees,
    to_world,
    world_of_degrees,
)

__all__ = ["FULL_ZOOM", "MAX_ZOOM", "Bounds", "Geometry", "Prepared", "TileSource"]

MAX_ZOOM = 22
_TOLERANCE_UNITS = 6
_BUFFER_UNITS = {"polygon": 64, "line": 128, "point": 192}
_KINDS = {"polygon": POLYGON, "line": LINE, "point": POINT}
_FORMAT = "3"


@dataclass(frozen=True)
class Prepared:
    """What one zoom draws: frame positions, their shapes in world units (0..1, y down) and their boxes."""

    positions: npt.NDArray[np.int64]
    shapes: Any
    boxes: npt.NDArray[np.float64]


class TileSource:
    """A layer ready to be cut into vector tiles.

    Parameters
    ----------
    frame
        GeoDataFrame in any known CRS. Rows without geometry are in no tile. It is not changed.
    kind
        What is drawn. A polygon or line drawn as a point stands at a point on its surface.
    priority
        One number a row. Where points are thinned the largest stays; lines and points are drawn in rising order.
    min_zooms
        The tile zoom from which each row is drawn (roads by class); by default 0.
    texts
        Text attributes written into the tiles, one text a row, for other programs.

    Raises
    ------
    CRSError
        If the frame has no CRS.
    InputError
        If an array has not one value a row.

    Notes
    -----
    The id of a feature in the tile is its position in the frame, so that attributes can be sent as plain arrays.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> frame = gpd.GeoDataFrame(geometry=[Point(113.75, 25.08)], crs="EPSG:4490")
    >>> source = TileSource(frame, kind="point")
    >>> len(source.tile(0, 0, 0)) > 0, source.tile(1, 0, 0)
    (True, b'')

    """

    def __init__(
        self,
        frame: Any,
        *,
        kind: Geometry,
        name: str = "features",
        priority: npt.ArrayLike | None = None,
        min_zooms: npt.ArrayLike | None = None,
        texts: dict[str, Sequence[str]] | None = None,
    ) -> None:
        if frame.crs is None:
            raise CRSError(f"图层“{name}”没有坐标系，不能绘图。请在导入时指定坐标系。")
        self.kind: Geometry = kind
        self.name = name
        self.count = len(frame)
        self.priority = _one_a_row(priority, self.count, np.float64, name)
        self.min_zooms = _one_a_row(min_zooms, self.count, np.uint8, name)
        self.texts = {key: np.asarray(list(values), dtype=object) for key, values in (texts or {}).items()}
        shapes = np.asarray(frame.geometry.values, dtype=object)
        self._positions = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
        self.digest = self._digest(shapes, CRS.from_user_input(frame.crs))
        drawn = as_kind(shapes[self._positions], kind)
        crs = CRS.from_user_input(frame.crs)
        self._shapes = None if kind == "point" else to_world(drawn, crs)
        self._boxes = _boxes_of(points_to_world(drawn, crs)) if kind == "point" else shapely.bounds(self._shapes)
        self._boxes = self._boxes.reshape(-1, 4)
        self._anchors = anchors(self._shapes) if kind == "polygon" else None
        self._first_zoom = thinned(self._boxes[:, :2], self.priority[self._positions]) if kind == "point" else None
        self._prepared: dict[int, Prepared] = {}
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Roughly how much memory the source takes with its usual zooms prepared."""
        corners = 0 if self._shapes is None else int(shapely.get_num_coordinates(self._shapes).sum())
        return corners * 48 + self.count * 120 + 1000

    @property
    def bounds(self) -> Bounds | None:
        """West, south, east, north in degrees; None when nothing has a geometry."""
        return to_degrees(self._boxes)

    def bounds_of(self, position: int) -> Bounds | None:
        """Return west, south, east, north of one row in degrees; None without geometry or out of range."""
        return to_degrees(self._boxes[self._positions == position])

    def within(self, ring: Sequence[tuple[float, float]]) -> npt.NDArray[np.int64]:
        """Return the positions of rows that touch a polygon.

        Parameters
        ----------
        ring
            Longitude and latitude of at least three corners, in degrees.

        Returns
        -------
        array
            Frame positions in rising order; points on the edge count.

        """
        corners = np.asarray(ring, dtype=np.float64)
        if corners.ndim != 2 or len(corners) < 3 or not np.isfinite(corners).all():
            return np.zeros(0, dtype=np.int64)
        area = shapely.make_valid(shapely.Polygon(world_of_degrees(corners)))
        shapely.prepare(area)
        west, south, east, north = area.bounds
        box = self._boxes
        near = np.flatnonzero((box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south))
        if self._shapes is None:
            touches = shapely.intersects_xy(area, box[near, 0], box[near, 1])
        else:
            touches = shapely.intersects(area, self._shapes[near])
        found: npt.NDArray[np.int64] = self._positions[near[touches]]
        return found

    def warm(self, zooms: Sequence[int]) -> None:
        """Prepare zooms ahead of the first request."""
        for zoom in zooms:
            self._at(zoom)

    def tile(self, z: int, x: int, y: int) -> bytes:
        """Return one tile as bytes; empty when nothing is in it.

        Raises
        ------
        InputError
            If there is no such tile.

        """
        if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
            raise InputError(f"没有这个瓦片：{z}/{x}/{y}。")
        prepared = self._at(z)
        reach = _BUFFER_UNITS[self.kind] / EXTENT
        west, east = (x - reach) / 2**z, (x + 1 + reach) / 2**z
        north, south = (y - reach) / 2**z, (y + 1 + reach) / 2**z
        box = prepared.boxes
        hit = np.flatnonzero((box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= south) & (box[:, 3] >= north))
        if len(hit) == 0:
            return b""
        if self.kind == "point":
            corners, parts = box[hit, :2], np.arange(len(hit) + 1)
            return self._encode(prepared.positions[hit], tile_units(corners, z, x, y), parts, parts)
        shapes = clip(prepared.shapes[hit], box[hit], (west, north, east, south))
        drawn = self._encode(prepared.positions[hit], *flatten(shapes, self.kind, z, x, y))
        return drawn + self._anchor_layer(z, x, y)

    def _anchor_layer(self, z: int, x: int, y: int) -> bytes:
        """Where the names of areas stand: each in the one tile that holds its point, layer `anchors`."""
        if self._anchors is None:
            return b""
        corners = self._anchors * 2**z - (x, y)
        here = np.flatnonzero(((corners >= 0) & (corners < 1)).all(axis=1) & (self.min_zooms[self._positions] <= z))
        each = np.arange(len(here) + 1)
        units = tile_units(self._anchors[here], z, x, y)
        return encode_layer("anchors", POINT, self._positions[here], units, each, each)

    def _encode(self, positions: Any, coordinates: Any, part_offsets: Any, feature_offsets: Any) -> bytes:
        full = np.diff(feature_offsets) > 0
        positions = positions[full]
        texts = {key: values[positions] for key, values in self.texts.items()}
        starts = np.append(feature_offsets[:-1][full], feature_offsets[-1])
        return encode_layer(self.name, _KINDS[self.kind], positions, coordinates, part_offsets, starts, texts)

    def _at(self, zoom: int) -> Prepared:
        key = min(zoom, FULL_ZOOM)
        with self._lock:
            if key not in self._prepared:
                self._prepared[key] = self._prepare(key)
            return self._prepared[key]

    def _prepare(self, zoom: int) -> Prepared:
        drawn = self.min_zooms[self._positions] <= zoom
        if self._first_zoom is not None:
            drawn &= self._first_zoom <= zoom
        chosen = np.flatnonzero(drawn)
        if self.kind != "polygon":
            chosen = chosen[np.argsort(self.priority[self._positions[chosen]], kind="stable")]
        if self.kind == "point":
            return Prepared(self._positions[chosen], None, self._boxes[chosen])
        shapes = np.asarray(self._shapes)[chosen]
        if zoom < FULL_ZOOM:
            shapes = simplify(shapes, self.kind, _TOLERANCE_UNITS / EXTENT / 2**zoom)
        return Prepared(self._positions[chosen], shapes, shapely.bounds(shapes).reshape(-1, 4))

    def _digest(self, shapes: Any, crs: CRS) -> str:
        state = hashlib.blake2b(digest_size=16)
        for text in (_FORMAT, self.kind, self.name, crs.to_wkt(), str(self.count)):
            state.update(text.encode() + b"\0")
        state.update(b"".join(shapely.to_wkb(shapes[self._positions])))
        state.update(self._positions.tobytes() + self.priority.tobytes() + self.min_zooms.tobytes())
        for key, values in self.texts.items():
            state.update("\0".join([key, *map(str, values)]).encode())
        return state.hexdigest()


def _boxes_of(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.hstack([points, points])


def _one_a_row(values: npt.ArrayLike | None, count: int, dtype: Any, name: str) -> Any:
    if values is None:
        return np.zeros(count, dtype=dtype)
    array = np.asarray(values).astype(dtype)
    if array.shape != (count,):
        raise InputError(f"图层“{name}”有 {count} 行，但给出的数组有 {array.shape} 个值。应为每行一个值。")
    return array
