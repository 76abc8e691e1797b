"""The sketch on a visit sheet: the village, its roads and settlements, and what is asked about, numbered as in the tables."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from pyproj import Transformer

from geo.crs import STORAGE_CRS
from layers.workspace import Workspace
from tracker.visits import Row
from views.briefing_fonts import find_font
from views.briefing_map import round_length

HARD = ("asphalt", "concrete")
MARKS = {
    "facilities": ("o", "#c87814"),
    "households": ("s", "#963278"),
    "houses": ("s", "#b3261e"),
    "natural_villages": ("^", "#3c8250"),
}
SIZE_INCHES = (7.2, 4.1)


def sketch(
    workspace: Workspace, village_id: str, rows: Sequence[tuple[int, Row]], *, near_m: float | None = None
) -> bytes | None:
    """Draw a village and numbered rows as PNG; None when the village has no outline.

    `near_m` draws only the surroundings of the first row, for a single house.

    Raises
    ------
    InputError
        The machine has no Chinese font.
    """
    villages: Any = workspace.get("villages")
    if villages is None:
        return None
    chosen = villages[villages["village_id"] == village_id]
    if not len(chosen) or "geometry" not in chosen or chosen.geometry.iloc[0] is None:
        return None
    font = FontProperties(family=find_font().family)
    figure = Figure(figsize=SIZE_INCHES, dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.005, 0.01, 0.99, 0.98))
    places = _metres(workspace, [row for _, row in rows])
    window = _window(chosen.geometry.iloc[0].bounds, places, near_m)
    _ground(axes, workspace, chosen, window)
    for (number, row), (x, y) in zip(rows, places, strict=True):
        if np.isfinite(x):
            mark, color = MARKS.get(row.kind, ("D", "#1f4e79"))
            axes.scatter([x], [y], marker=mark, s=26, c=color, edgecolors="white", linewidths=0.6, zorder=6)
            text = row.name if row.kind == "natural_villages" else str(number)
            axes.annotate(text, (x, y), (3, 3), textcoords="offset points", fontproperties=font, fontsize=7, zorder=8,
                          path_effects=[withStroke(linewidth=2, foreground="white")], parse_math=False)  # fmt: skip
    _frame(axes, window, font)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _metres(workspace: Workspace, rows: Sequence[Row]) -> list[tuple[float, float]]:
    change = Transformer.from_crs(STORAGE_CRS, workspace.crs, always_xy=True)
    return [change.transform(row.x, row.y) if row.x is not None else (np.nan, np.nan) for row in rows]


def _window(
    bounds: tuple[float, float, float, float], places: Sequence[tuple[float, float]], near_m: float | None
) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    if near_m is not None and places and np.isfinite(places[0][0]):
        x, y = places[0]
        west, south, east, north = x - near_m, y - near_m, x + near_m, y + near_m
    width, height = max(east - west, 400.0) * 1.08, max(north - south, 300.0) * 1.1
    shape = SIZE_INCHES[0] / SIZE_INCHES[1]
    width, height = max(width, height * shape), max(height, width / shape)
    x, y = (west + east) / 2, (south + north) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _ground(axes: Any, workspace: Workspace, chosen: Any, window: tuple[float, float, float, float]) -> None:
    frame = shapely.box(*window)
    villages: Any = workspace.layers["villages"]
    near = villages[villages.intersects(frame)]
    _lines(axes, shapely.boundary(near.geometry.to_numpy()), "#b4bcc3", 0.7)
    for shape in shapely.get_parts(chosen.geometry.to_numpy()):
        axes.fill(
            *np.asarray(shape.exterior.coords)[:, :2].T,
            facecolor="#f6f3e8",
            edgecolor="#5b6770",
            linewidth=1.4,
            zorder=1,
        )
    roads: Any = workspace.get("roads")
    if roads is not None:
        seen = roads[roads.intersects(frame)]
        hard = seen["surface"].isin(HARD).to_numpy()
        _lines(axes, seen.geometry.to_numpy()[~hard], "#b9a58c", 0.9, dash=True)
        _lines(axes, seen.geometry.to_numpy()[hard], "#3a6f94", 1.2)
    axes.set_xlim(window[0], window[2])
    axes.set_ylim(window[1], window[3])
    axes.set_aspect("equal")
    axes.set_axis_off()


def _lines(axes: Any, shapes: Any, color: str, width: float, *, dash: bool = False) -> None:
    parts = [shapely.get_coordinates(part) for part in shapely.get_parts(np.asarray(shapes, dtype=object))]
    axes.add_collection(
        LineCollection(parts, colors=color, linewidths=width, linestyles="dashed" if dash else "solid", zorder=3)
    )


def _frame(axes: Any, window: tuple[float, float, float, float], font: FontProperties) -> None:
    west, south, east, north = window
    length = round_length((east - west) / 5)
    x, y = west + 0.02 * (east - west), south + 0.05 * (north - south)
    axes.plot([x, x + length], [y, y], color="#222222", linewidth=2.4, zorder=9, solid_capstyle="butt")
    text = f"{length:g} 米" if length < 1000 else f"{length / 1000:g} 公里"
    axes.text(x + length / 2, y + 0.015 * (north - south), text, fontproperties=font, fontsize=8, ha="center", zorder=9)
    axes.annotate("", (0.03, 0.97), (0.03, 0.86), xycoords="axes fraction", arrowprops={"arrowstyle": "-|>", "lw": 1.4})
    axes.text(0.03, 0.84, "北", transform=axes.transAxes, fontproperties=font, fontsize=9, ha="center", va="top")
    axes.text(0.99, 0.015, "蓝线：硬化路　褐虚线：未硬化或不明", transform=axes.transAxes, fontproperties=font, fontsize=7.5,
              ha="right", zorder=9, path_effects=[withStroke(linewidth=2, foreground="white")])  # fmt: skip
