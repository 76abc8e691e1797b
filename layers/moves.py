"""What bringing a file to EPSG:4490 did to single rows: axes changed over, places lost."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.problem import Problem
from layers.schema import GEOMETRY, Schema

LOST = "坐标换算后不是地球上的位置，无法上图。请核对坐标和坐标系后重新导入。"
TURNED = "第 {} 行：经度和纬度填反了，已对调。请核对原表。"
TURNABLE = "第 {} 行：经纬度像是填反了（对调后落在辖区内）。请核对后改正重新导入。"
NEAR_DEGREES, FAR_DEGREES = 0.02, 0.1


def lost_places(before: Any, after: Any, schema: Schema) -> NDArray[np.bool_]:
    """Say which rows had a shape, lost it on the way to EPSG:4490, and cannot be kept without one."""
    if before is None or not schema.is_geometry_required or not len(after):
        return np.zeros(len(after), dtype=bool)
    now = shapely.is_missing(np.asarray(after.geometry, dtype=object))
    return np.asarray(now & ~shapely.is_missing(before), dtype=bool)


def note_moves(before: Any, after: Any, reference: Any, rows: Any, schema: Schema) -> list[Problem]:
    """List points whose longitude and latitude were changed over, or look as if they should be, and lost places."""
    if before is None or not len(after):
        return []
    ids = after[schema.id].fillna("").to_numpy(dtype=object)
    shapes = np.asarray(after.geometry, dtype=object)

    def one(place: int, text: str, kind: str, severity: Any = "warning") -> Problem:
        row = int(rows[place])
        return Problem(schema.name, row, GEOMETRY, text.format(row), severity, kind, str(ids[place]))

    severity = "error" if schema.is_geometry_required else "warning"
    lost = np.flatnonzero(shapely.is_missing(shapes) & ~shapely.is_missing(before))
    found = [one(int(place), "第 {} 行：" + LOST, "lost_place", severity) for place in lost]
    points = np.flatnonzero((shapely.get_type_id(shapes) == 0) & (shapely.get_type_id(before) == 0))
    x, y = shapely.get_x(shapes[points]), shapely.get_y(shapes[points])
    x0, y0 = shapely.get_x(before[points]), shapely.get_y(before[points])
    turned = (np.abs(x - y0) < NEAR_DEGREES) & (np.abs(y - x0) < NEAR_DEGREES) & (np.abs(x - x0) > FAR_DEGREES)
    if not turned.all():
        found += [one(int(place), TURNED, "swapped") for place in points[turned]]
    if reference is not None and len(reference):
        west, south, east, north = reference.total_bounds
        inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        would = (y >= west) & (y <= east) & (x >= south) & (x <= north)
        found += [one(int(place), TURNABLE, "swapped") for place in points[~inside & would & ~turned]]
    return found
