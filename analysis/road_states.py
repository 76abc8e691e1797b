"""What can be said of points and the hardened core: straight distances, state, what is missing, and why."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.hardened import HardCore, States
from analysis.outlets import LARGEST
from analysis.policy import Policy
from analysis.surfaces import HARDENED, surfaces, usable
from geo.nearest import nearest_line
from layers.workspace import Workspace

Floats = NDArray[np.float64]


class Notes:
    """Sentences gathered row by row."""

    def __init__(self, count: int) -> None:
        self.rows: list[list[str]] = [[] for _ in range(count)]

    def say(self, mask: Any, sentence: str) -> None:
        """Add a sentence to the rows of a mask."""
        for row in np.flatnonzero(np.asarray(mask, bool)):
            self.rows[row].append(sentence)

    def text(self) -> list[str]:
        """Join the sentences of each row."""
        return ["；".join(row) for row in self.rows]


def straight_distances(ws: Workspace, policy: Policy, day: date, points: Floats, notes: Notes) -> dict[str, Floats]:
    """Measure the straight distance to the nearest hardened and to any usable road; unknown surfaces leave it open."""
    roads = ws.get("roads")
    none = np.full(len(points), np.nan)
    if roads is None or not len(roads):
        return {"hardened_distance_m": none, "road_distance_m": none.copy()}
    shapes, good, surface = roads.geometry.to_numpy(), usable(roads), surfaces(roads, policy, day)
    road_m = nearest_line(points, shapes[good])[1]
    hard_m = nearest_line(points, shapes[good & (surface == HARDENED)])[1]
    maybe_m = nearest_line(points, shapes[good & (surface < 0)])[1]
    is_open = maybe_m < hard_m
    notes.say(is_open, "有更近的道路路面不明，到硬化路的距离不能确定")
    hard_m = np.where(is_open | ~np.isfinite(hard_m), np.nan, hard_m)
    return {"hardened_distance_m": hard_m, "road_distance_m": np.where(np.isfinite(road_m), road_m, np.nan)}


def state_columns(
    core: HardCore | None, states: States | None, points: Floats, reason: str, notes: Notes
) -> dict[str, Any]:
    """Say the state of every point, with what is missing in km; what rests on an absence that proves nothing is open."""
    count = len(points)
    has_place = np.isfinite(points).all(axis=1)
    notes.say(~has_place, "没有位置")
    if core is None or states is None:
        notes.say(np.ones(count, bool), reason or "没有道路图层")
        blank = np.full(count, np.nan)
        return {
            "state": np.full(count, "unknown", dtype=object),
            "gap_km": blank,
            "new_km": blank.copy(),
            "outlet": pd.array([None] * count, dtype="str"),
        }
    if core.basis == LARGEST:
        notes.say(has_place, f"没有出口和国省县道，以{LARGEST}为硬化路网")
    state = states.state.copy()
    low, high = states.gap_low_mm / 1e6, states.gap_high_mm / 1e6
    is_open = has_place & ((low != high) | (states.low_state != states.high_state))
    for row in np.flatnonzero(is_open):
        most = f"{high[row]:.3f}" if np.isfinite(high[row]) else "不能到达"
        notes.rows[row].append(f"途中道路路面不明，未硬化里程在 {low[row]:.3f} 至 {most} 公里之间")
    weak = np.isin(state, ("harden", "build")) & bool(reason)
    for row in np.flatnonzero(weak):
        notes.rows[row].append(f"{reason}，按现有道路须{'硬化' if state[row] == 'harden' else '新建'}，不能断定")
    state[weak] = "unknown"
    closed = ~is_open & has_place & ~weak & np.isfinite(high)
    new_km = np.where(has_place & ~weak & (state != "unknown"), states.new_m / 1000, np.nan)
    notes.say((state == "build") & np.isnan(new_km), "没有可接的硬化路网或缺绕行系数，新建里程不能确定")
    labels = np.array([*core.labels, None], dtype=object)
    outlet = labels[np.where(has_place, states.meets_road, -1)]
    return {
        "state": state,
        "gap_km": np.where(closed, high, np.nan),
        "new_km": new_km,
        "outlet": pd.array(outlet, dtype="str"),
    }
