"""Where the hardened core begins: outlets, town seats, main roads, else the largest piece."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.surfaces import UNHARDENED, admin_classes
from geo.network import Network, snap
from layers.problem import Problem
from layers.workspace import Workspace

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MAIN_CLASSES = ("G", "S", "X")
LARGEST = "最大连通硬化路"


def seeds_of(
    ws: Workspace, network: Network, surface: NDArray[np.int8], good: Flags, snap_m: float
) -> tuple[Flags | None, str, list[Problem]]:
    """Choose the edges the core grows from; None stands for the largest piece."""
    problems: list[Problem] = []
    for points, basis, layer in (
        (_points(ws.get("outlets")), "出口图层", "outlets"),
        (_seats(ws), "乡镇驻地", "towns"),
    ):
        if not len(points):
            continue
        snaps = snap(network, points, max_distance_m=snap_m, edge_mask=good & (surface != UNHARDENED))
        if (snaps.edge >= 0).any():
            seeds = np.zeros(len(surface), bool)
            seeds[snaps.edge[snaps.edge >= 0]] = True
            return seeds, basis, problems
        message = f"{basis}的点在 {snap_m:g} 米内都没有硬化道路，不能作为硬化路网的起点；改用下一种办法，请核对位置"
        problems.append(Problem(layer, None, "geometry", message, "warning", "outlet_off_road"))
    roads = ws.layers["roads"]
    main = np.isin(admin_classes(roads), MAIN_CLASSES)[network.edge_road] & good & (surface != UNHARDENED)
    if main.any():
        return main, "国省县道", problems
    message = "没有出口图层，也没有国道、省道、县道：以最大的一片连通硬化路作为硬化路网，请补充 outlets 图层或行政等级"
    problems.append(Problem("roads", None, "admin_class", message, "warning", "no_outlet"))
    return None, LARGEST, problems


def _points(frame: Any) -> Floats:
    if frame is None or not len(frame):
        return np.empty((0, 2))
    shapes = frame.geometry.to_numpy()
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(shapes)), np.float64)


def _seats(ws: Workspace) -> Floats:
    """Return the seats of towns that lie in their town (a seat in degrees does not)."""
    towns = ws.get("towns")
    if towns is None or not {"seat_x", "seat_y"} <= set(towns.columns):
        return np.empty((0, 2))
    xy = towns[["seat_x", "seat_y"]].to_numpy(np.float64, na_value=np.nan)
    inside = shapely.intersects_xy(towns.geometry.to_numpy(), *np.nan_to_num(xy, nan=np.inf).T)
    return np.asarray(xy[inside])
