"""Shapes as files bring them: missing, broken or of the wrong kind ones are named, the rest repaired."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.problem import Severity

POINT, LINE, RING, POLYGON, MULTI_POINT, MULTI_LINE, MULTI_POLYGON, COLLECTION = range(8)
FAMILY = {
    POINT: "point",
    MULTI_POINT: "point",
    LINE: "line",
    RING: "line",
    MULTI_LINE: "line",
    POLYGON: "polygon",
    MULTI_POLYGON: "polygon",
}
CHINESE = {"point": "点", "line": "线", "polygon": "面", "": "混合图形"}
APPROVAL_PERCENT = 1.0
LARGEST = 1e9


@dataclass(frozen=True)
class Fault:
    """What is wrong with the shape of one row; an error means the row has no usable shape."""

    position: int
    kind: str
    message: str
    severity: Severity


@dataclass(frozen=True)
class Shapes:
    """Shapes of the allowed kinds (None where there is none), and the faults found."""

    shapes: Any
    faults: list[Fault]


def check_shapes(shapes: Any, allowed: frozenset[str], *, is_required: bool) -> Shapes:
    """Keep the shapes of the allowed kinds, repair what can be repaired and name every fault.

    Self-crossing polygons are repaired by the structure method, and the change of area is stated; above 1 % a person
    is asked to approve it. Heights are dropped. Where points are wanted, a polygon gives a point inside it.

    Parameters
    ----------
    shapes
        Array of shapely shapes or None, in any one CRS.
    allowed
        Of point, line, polygon.
    is_required
        True when a row without a shape cannot be kept.

    Examples
    --------
    >>> bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    >>> checked = check_shapes(np.array([bow_tie, None]), frozenset({"polygon"}), is_required=True)
    >>> [fault.kind for fault in checked.faults], checked.shapes[0].geom_type
    (['no_shape', 'repaired'], 'MultiPolygon')
    """
    array = shapely.force_2d(np.asarray(shapes, dtype=object))
    faults: list[Fault] = []
    array = _drop_missing(array, faults, is_required)
    array = _drop_wild(array, faults)
    array = _fit_kind(array, allowed, faults)
    array = _repair(array, faults)
    return Shapes(array, faults)


def _where(mask: Any) -> NDArray[np.int64]:
    return np.flatnonzero(mask).astype(np.int64)


def _none(array: Any, positions: Any) -> Any:
    array = array.copy()
    array[positions] = None
    return array


def _drop_missing(array: Any, faults: list[Fault], is_required: bool) -> Any:
    missing = _where(shapely.is_missing(array) | shapely.is_empty(array))
    if is_required:
        text = "没有图形或图形为空，无法上图。请在原文件中补画后重新导入。"
        faults += [Fault(int(position), "no_shape", text, "error") for position in missing]
    return _none(array, missing)


def _drop_wild(array: Any, faults: list[Fault]) -> Any:
    """Take out coordinates that are no place on earth: NaN, infinite, huge, or a point at exactly 0,0."""
    coordinates, owner = shapely.get_coordinates(array, return_index=True)
    with np.errstate(invalid="ignore"):
        wild = ~np.isfinite(coordinates).all(axis=1) | (np.abs(coordinates) > LARGEST).any(axis=1)
    bad = np.unique(owner[wild])
    is_point = shapely.get_type_id(array) == POINT
    zero = np.setdiff1d(owner[(coordinates == 0).all(axis=1) & is_point[owner]], bad)
    text = "坐标不是有效的数（空值、无穷大或大得离谱），无法上图。请核对坐标后重新导入。"
    faults += [Fault(int(position), "wild_shape", text, "error") for position in bad]
    text = "坐标是 (0, 0)，多半是没有定位成功。请核对坐标后重新导入。"
    faults += [Fault(int(position), "zero_shape", text, "error") for position in zero]
    return _none(array, np.union1d(bad, zero).astype(np.int64))


def _fit_kind(array: Any, allowed: frozenset[str], faults: list[Fault]) -> Any:
    """Bring every shape to an allowed kind, or take it out."""
    array = array.copy()
    types = shapely.get_type_id(array)
    families = np.array([FAMILY.get(number, "") for number in range(8)], dtype=object)
    family = np.where(types < 0, "none", families[types])
    for position in _where(types == COLLECTION):
        parts = [
            part for part in shapely.get_parts(array[position]) if FAMILY.get(shapely.get_type_id(part)) in allowed
        ]
        if parts and len({FAMILY[shapely.get_type_id(part)] for part in parts}) == 1:
            array[position] = parts[0] if len(parts) == 1 else shapely.union_all(parts)
            family[position] = FAMILY[shapely.get_type_id(parts[0])]
    if "polygon" not in allowed and "point" in allowed:
        for position in _where(family == "polygon"):
            array[position] = shapely.point_on_surface(shapely.make_valid(array[position]))
            faults.append(Fault(int(position), "point_in_polygon", "原为面，取面内一点作为位置。", "note"))
            family[position] = "point"
    single = _where(types == MULTI_POINT)
    for position in single:
        parts = shapely.get_parts(array[position])
        if len(parts) == 1:
            array[position] = parts[0]
        elif "point" in allowed:
            text = f"一行有 {len(parts)} 个点，不知道用哪一个。请拆成一行一点后重新导入。"
            faults.append(Fault(int(position), "many_points", text, "error"))
            array[position] = None
    wanted = "或".join(CHINESE[kind] for kind in sorted(allowed))
    wrong = _where(~np.isin(family, [*allowed, "none"]))
    for position in wrong:
        text = f"图形是{CHINESE.get(family[position], '混合图形')}，这个图层要{wanted}。请核对是否选错了图层或文件。"
        faults.append(Fault(int(position), "wrong_shape", text, "error"))
    return _none(array, wrong)


def _repair(array: Any, faults: list[Fault]) -> Any:
    array = array.copy()
    types = shapely.get_type_id(array)
    is_line = np.isin(types, [LINE, RING, MULTI_LINE])
    for position in _where(is_line & ~(shapely.length(array) > 0)):
        faults.append(Fault(int(position), "zero_length", "线的长度为零，无法使用。请删除或重画。", "error"))
        array[position] = None
    for position in _where(np.isin(types, [POLYGON, MULTI_POLYGON]) & ~shapely.is_valid(array)):
        before, reason = float(shapely.area(array[position])), shapely.is_valid_reason(array[position])
        mended = _polygons(shapely.make_valid(array[position], method="structure", keep_collapsed=False))
        after = float(shapely.area(mended)) if mended is not None else 0.0
        if mended is None or not after > 0:
            text = "面的边界有误，修复后没有面积，无法使用。请重画后重新导入。"
            faults.append(Fault(int(position), "collapsed", text, "error"))
            array[position] = None
            continue
        faults.append(_repaired(int(position), reason, abs(after - before) / after * 100))
        array[position] = mended
    return array


def _repaired(position: int, reason: str, percent: float) -> Fault:
    kind = "自相交" if "Self-intersection" in reason else "环有误"
    place = reason[reason.find("[") :] if "[" in reason else ""
    if percent > APPROVAL_PERCENT:
        text = f"面{kind}{place}，已自动修复，面积变化 {percent:.2f}%（超过 1%），请核对边界并认可，或重画后重新导入。"
        return Fault(position, "repaired", text, "warning")
    return Fault(position, "repaired", f"面{kind}{place}，已自动修复，面积变化 {percent:.4f}%。", "note")


def _polygons(shape: Any) -> Any:
    """Return only the polygon parts of a repaired shape, None when there are none."""
    parts = [part for part in shapely.get_parts(shape) if shapely.get_type_id(part) == POLYGON]
    parts += [
        inner
        for part in shapely.get_parts(shape)
        if shapely.get_type_id(part) == MULTI_POLYGON
        for inner in shapely.get_parts(part)
    ]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
