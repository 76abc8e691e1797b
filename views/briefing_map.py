"""Map pictures for papers: patterns beside colours, scale bar, north arrow, day, CRS, data version, mark."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon
from matplotlib.patheffects import withStroke

from analysis.assess import Assessment
from analysis.policy import Policy
from layers.workspace import Workspace
from views.briefing import Briefing, Picture
from views.briefing_fonts import find_font
from views.briefing_tables import is_yes, kept_apart
from views.labels import label
from views.palette import NO_DATA, STATE, Pattern, Swatch

HATCHES = {"solid": "", "hatch": "////", "dots": "..", "cross": "xx", "none": ""}
SIZE_INCHES = (9.6, 6.0)
DPI = 160
_OUT_OF_SCOPE = Swatch("不在范围", "#ffffff", "solid", "#ffffff", "#9aa5ae")
_HARD = ("asphalt", "concrete")


def draw_pictures(done: Assessment, ws: Workspace, policy: Policy, brief: Briefing) -> tuple[Picture, ...]:
    """Draw the maps of a briefing; none where its publication rules allow no boundaries.

    A public briefing has the coverage map alone: villages by status, nothing precise. The pictures are PNG and hold no
    time, so that the same briefing gives the same bytes.

    Raises
    ------
    InputError
        The machine has no Chinese font.
    """
    villages = ws.get("villages")
    if not brief.rules.has_maps or villages is None or not len(villages):
        return ()
    pictures = [_coverage(done, ws, policy, brief)]
    if not brief.rules.is_public:
        pictures += [_roads(done, ws, brief), _houses(done, ws, brief)]
    return tuple(picture for picture in pictures if picture is not None)


def _coverage(done: Assessment, ws: Workspace, policy: Policy, brief: Briefing) -> Picture | None:
    apart = kept_apart(ws, policy, brief.rules)
    title, wanted = _counted(policy, apart)
    found = done.findings[done.findings["need"].isin(wanted) & (done.findings["unit_kind"] == "village")]
    if not len(found):
        return None
    gaps = found.assign(gap=found["status"] == "gap", unclear=found["status"].isin(["unknown", "disputed"]))
    counts = gaps.groupby("unit_id")[["gap", "unclear"]].sum()
    villages = ws.layers["villages"]
    many = villages["village_id"].map(counts["gap"]).to_numpy(dtype=np.float64)
    unclear = villages["village_id"].map(counts["unclear"]).fillna(0).to_numpy() > 0

    def paint(axes: Any) -> list[Any]:
        keys = _choropleth(axes, villages, many, "项", _OUT_OF_SCOPE)
        _dots(axes, villages.geometry[unclear & ~np.isnan(many)])
        keys.append(Line2D([], [], marker="D", ls="", color="#8a6700", mfc="#f2c12e", ms=5, label="另有不明或争议项"))
        return keys

    text = f"每个村在 {len(wanted)} 项要求中核实没有达到的项数；不明和有争议的项另用菱形标出，不算作缺口。"
    return Picture(title, _render(ws, brief, title, paint), text)


def _counted(policy: Policy, apart: frozenset[str]) -> tuple[str, list[str]]:
    """Choose the needs whose gaps the map counts: those the first whole is made of, else every need of villages."""
    single = {need.id for need in policy.needs if need.unit == "village" and need.kind != "all"} - apart
    for need in policy.needs:
        parts = [name for name in need.parameters.get("needs", ()) if name in single] if need.kind == "all" else []
        if parts:
            return f"{need.group or need.label}缺口项数", parts
    return "各村缺口项数", sorted(single)


def _choropleth(axes: Any, villages: Any, many: Any, unit: str, blank: Swatch) -> list[Any]:
    """Fill villages by count, light to dark with patterns; villages without a count as `blank`."""
    keys = []
    for swatch, chosen in _classes(many, unit):
        _fill(axes, villages.geometry[chosen], swatch)
        keys.append(_key(swatch, swatch.label))
    if np.isnan(many).any():
        _fill(axes, villages.geometry[np.isnan(many)], blank)
        keys.append(_key(blank, blank.label))
    return keys


def _classes(many: Any, unit: str) -> list[tuple[Swatch, Any]]:
    """Split counts into none and up to four classes of about equally many villages.

    >>> [swatch.label for swatch, _ in _classes(np.array([0.0, 1.0, 2.0, 9.0, np.nan]), "项")]
    ['0 项', '1—2 项', '3—9 项']
    """
    some = many[many > 0]
    steps = (
        sorted({int(np.quantile(some, share, method="higher")) for share in (0.25, 0.5, 0.75, 1.0)})
        if len(some)
        else []
    )
    found = [(Swatch(f"0 {unit}", "#cfe3f1", "solid", "#333333", "#555555"), many == 0)]
    low = 1
    for place, high in enumerate(steps):
        text = f"{low} {unit}" if low == high else f"{low}—{high} {unit}"
        chosen = (many >= low) & (many <= high)
        found.append((Swatch(text, _WARM[place], _PATTERNS[place], "#6b1f00", "#555555"), chosen))
        low = high + 1
    return [(swatch, chosen) for swatch, chosen in found if chosen.any()]


_WARM = ("#fdd9b5", "#f7a563", "#e0702f", "#c23f05")
_PATTERNS: tuple[Pattern, ...] = ("solid", "hatch", "cross", "dots")


def _roads(done: Assessment, ws: Workspace, brief: Briefing) -> Picture | None:
    roads, natural = ws.get("roads"), done.natural_villages
    if roads is None or not len(natural):
        return None
    places = ws.layers["natural_villages"].set_index("natural_village_id").geometry
    due = natural[is_yes(natural, "is_due")]
    segments = done.roads.get("segments")

    def paint(axes: Any) -> list[Any]:
        _fill(axes, ws.layers["villages"].geometry, Swatch("", "#fbfbf9", "solid", "#ffffff", "#d5d9dc"), width=0.3)
        hard = roads["surface"].isin(_HARD).to_numpy()
        draw_lines(axes, roads.geometry[~hard], "#b9a58c", 0.35)
        draw_lines(axes, roads.geometry[hard], "#3a8fc4", 0.5)
        keys = [
            Line2D([], [], color="#3a8fc4", lw=1.6, label="硬化路"),
            Line2D([], [], color="#b9a58c", lw=1.2, label="未硬化或不明"),
        ]
        if segments is not None and len(segments):
            draw_lines(axes, segments.geometry, "#c23f05", 1.8)
            keys.append(Line2D([], [], color="#c23f05", lw=2.4, label="待硬化路段"))
        marks = {"connected": "o", "harden": "^", "build": "s", "unknown": "D"}
        for state, mark in marks.items():
            points = shapely.centroid(places.reindex(due.loc[due["state"] == state, "natural_village_id"]).to_numpy())
            swatch = STATE[state]
            axes.scatter(
                shapely.get_x(points), shapely.get_y(points), marker=mark, s=13 if state == "connected" else 26,
                c=swatch.color, edgecolors="#222222", linewidths=0.5, zorder=6,
            )  # fmt: skip
            style = {"marker": mark, "ls": "", "mfc": swatch.color, "mec": "#222222", "ms": 6}
            keys.append(Line2D([], [], **style, label=f"{label('state', state)}（{len(points)}）"))  # type: ignore[arg-type]
        return keys

    text = "到达人口下限的自然村能否沿硬化路通到干线，以及为此要硬化的路段。"
    return Picture("自然村通硬化路", _render(ws, brief, "自然村通硬化路", paint), text)


def _houses(done: Assessment, ws: Workspace, brief: Briefing) -> Picture | None:
    if not len(done.housing):
        return None
    villages, homes = ws.layers["villages"], ws.layers["households"]
    counts = villages["village_id"].map(done.housing["village_id"].value_counts()).fillna(0).to_numpy(dtype=np.float64)
    counts[~villages["village_id"].isin(homes["village_id"]).to_numpy()] = np.nan

    def paint(axes: Any) -> list[Any]:
        return _choropleth(axes, villages, counts, "户", NO_DATA)

    text = "每个村鉴定为 C、D 级的户数（按登记所在村；不含住户位置）。没有农户数据的村单列，不算作 0。"
    return Picture("各村C、D级危房", _render(ws, brief, "各村C、D级危房", paint), text)


def _fill(axes: Any, shapes: Any, swatch: Swatch, *, width: float = 0.6) -> None:
    for shape in shapes:
        for part in getattr(shape, "geoms", [shape]):
            if part.geom_type != "Polygon":
                continue
            axes.add_patch(Polygon(np.asarray(part.exterior.coords)[:, :2], **_face(swatch), linewidth=width, zorder=2))


def _face(swatch: Swatch) -> dict[str, Any]:
    style = {"facecolor": swatch.color, "edgecolor": swatch.outline}
    hatch = HATCHES[swatch.pattern]
    return style | ({"hatch": hatch, "hatchcolor": swatch.ink, "hatch_linewidth": 0.35} if hatch else {})


def _key(swatch: Swatch, text: str) -> Patch:
    return Patch(**_face(swatch), linewidth=0.6, label=text)


def _dots(axes: Any, shapes: Any) -> None:
    points = shapely.point_on_surface(np.asarray(shapes, dtype=object))
    place = {"marker": "D", "s": 15, "c": "#f2c12e", "edgecolors": "#5b4300", "linewidths": 0.6, "zorder": 6}
    axes.scatter(shapely.get_x(points), shapely.get_y(points), **place)


def draw_lines(axes: Any, shapes: Any, color: str, width: float) -> None:
    """Draw lines in one colour; wider ones lie on top."""
    parts = shapely.get_parts(np.asarray(shapes, dtype=object))
    lines = [shapely.get_coordinates(part) for part in parts]
    axes.add_collection(LineCollection(lines, colors=color, linewidths=width, zorder=3 + width / 2))


def _render(ws: Workspace, brief: Briefing, title: str, paint: Callable[[Any], Sequence[Any]]) -> bytes:
    """Draw one map sheet: the map left, legend and facts right, the mark across and below."""
    font = FontProperties(family=find_font().family)
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.015, 0.03, 0.735, 0.94))
    keys = paint(axes)
    draw_towns(axes, ws, font)
    draw_furniture(axes, ws, font)
    side = figure.add_axes((0.755, 0.03, 0.24, 0.94))
    side.set_axis_off()
    side.text(0, 0.99, title, fontproperties=font, fontsize=16, fontweight="bold", va="top")
    if "虚构" in brief.office:
        side.text(0, 0.925, "虚构示范数据", fontproperties=font, fontsize=10, color="#8a2a00", va="top")
    prop = font.copy()
    prop.set_size(10)
    side.legend(handles=list(keys), loc="upper left", bbox_to_anchor=(-0.03, 0.885), prop=prop, frameon=False,
                handlelength=2.2, handleheight=1.3, labelspacing=0.6)  # fmt: skip
    facts = [
        brief.office,
        f"评估日 {brief.day}",
        f"坐标系 {ws.crs.to_string()}",
        f"数据版本 {brief.sources['数据版本']}",
    ]
    facts.append(brief.rules.mark)
    side.text(
        0, 0.0, "\n".join(facts), fontproperties=font, fontsize=8.5, color="#333333", va="bottom", linespacing=1.5
    )
    if not brief.rules.is_public:
        figure.text(0.38, 0.5, brief.rules.mark, fontproperties=font, fontsize=40, color="#000000", alpha=0.07,
                    rotation=24, ha="center", va="center", zorder=20)  # fmt: skip
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw_towns(axes: Any, ws: Workspace, font: FontProperties) -> None:
    """Draw the borders and names of towns."""
    towns = ws.get("towns")
    if towns is None:
        return
    edges = shapely.boundary(towns.geometry.to_numpy())
    draw_lines(axes, edges, "#333333", 1.0)
    halo = [withStroke(linewidth=2.6, foreground="white")]
    for name, point in zip(towns["name"], shapely.point_on_surface(towns.geometry.to_numpy()), strict=True):
        axes.text(point.x, point.y, str(name), fontproperties=font, fontsize=9.5, ha="center", va="center",
                  path_effects=halo, zorder=9, parse_math=False)  # fmt: skip


def draw_furniture(axes: Any, ws: Workspace, font: FontProperties) -> None:
    """Frame a map on the county, with scale bar and north arrow."""
    west, south, east, north = ws.layers["villages"].total_bounds
    margin = 0.04 * max(east - west, north - south)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - margin, north + margin)
    axes.set_aspect("equal")
    axes.set_axis_off()
    _scale_bar(axes, font)
    _north(axes, font)


def _scale_bar(axes: Any, font: FontProperties) -> None:
    """Draw a bar of a round number of kilometres, measured in the map's own metres."""
    west, east = axes.get_xlim()
    length = round_length((east - west) / 4)
    south, north = axes.get_ylim()
    y, x = south + 0.015 * (north - south), west + 0.03 * (east - west)
    height = 0.008 * (north - south)
    for part in range(2):
        left = x + part * length / 2
        axes.add_patch(Polygon(
            [(left, y), (left + length / 2, y), (left + length / 2, y + height), (left, y + height)],
            facecolor="#222222" if part == 0 else "white", edgecolor="#222222", linewidth=0.8, zorder=12,
        ))  # fmt: skip
    for share in (0, 0.5, 1):
        kilometres = length * share / 1000
        text = f"{kilometres:g}" + (" 公里" if share == 1 else "")
        axes.text(x + share * length, y + 1.6 * height, text, fontproperties=font, fontsize=8, ha="center", zorder=12)


def round_length(metres: float) -> float:
    """Give the largest 1, 2 or 5 times a power of ten that is not above a length.

    >>> round_length(7300.0), round_length(1999.0)
    (5000.0, 1000.0)
    """
    power = 10.0 ** np.floor(np.log10(max(metres, 1.0)))
    return float(max(step * power for step in (1, 2, 5) if step * power <= max(metres, 1.0)))


def _north(axes: Any, font: FontProperties) -> None:
    style = {"arrowstyle": "-|>", "color": "#222222", "lw": 1.6}
    axes.annotate("", (0.035, 0.985), (0.035, 0.915), xycoords="axes fraction", arrowprops=style)
    axes.text(0.035, 0.9, "北", transform=axes.transAxes, fontproperties=font, fontsize=10, ha="center", va="top")
