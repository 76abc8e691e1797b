"""Draw a road for a natural village on the map: what it is drawn on, what it costs, what the map shows of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import streamlit as st

from analysis import alternative
from analysis.alternative import TOLERANCE_M, Costing, Table
from analysis.choices import NOTHING, RoadChoices
from analysis.policy import Value, value_on
from analysis.roads import RoadPlan
from analysis.setting import Setting
from geo.errors import AppError, CRSError, InputError
from geo.leastcost import least_cost
from views import choices
from views.context import Context
from views.labels import Language, label
from views.maps import MapEvent, Sketch

Points = tuple[tuple[float, float], ...]
STATE, LAST = "road_drawing", "road_drawing_nonce"
MIXED = ("harden", "build")


def tell(language: Language, key: str, **figures: object) -> str:
    """Give a text of the group `drawn`."""
    return label("drawn", key, language).format(**figures)


@dataclass(frozen=True)
class Bench:
    """What a village's lines are drawn and costed on: the network without drawn lines, and the computed line."""

    plan: RoadPlan
    table: Table
    row: int
    point: tuple[float, float]
    line: Any
    costing: Costing | None


@st.cache_resource(show_spinner=False, max_entries=3)
def _table(key: str, _context: Context, _apart: RoadChoices) -> tuple[RoadPlan, Table]:
    """Make the drawing table of a day and policy once: the plan without drawn lines."""
    del key
    allowance = int(_context.office.settings.get("max_age_days", 0))
    dem = _context.office.rasters(_context.day).get("dem")
    setting = Setting(
        _context.workspace, _context.policy, _context.day, max_age_days=allowance, dem=dem, choices=_apart
    )
    limit = value_on(_context.policy, "road.max_grade_percent", _context.day)
    villages = _context.workspace.get("villages")
    county = shapely.union_all(villages.geometry.to_numpy()) if villages is not None else None
    plan = setting.plan
    if plan.core is None or plan.states is None:
        raise InputError("没有道路，不能画线。请先导入道路图层。")
    table = Table(
        plan.core,
        plan.states,
        plan.prices or {},
        setting.elevation_m if dem else None,
        float(limit.amount) if limit else float("nan"),
        county,
    )
    return plan, table


def bench(context: Context, natural_village_id: str) -> Bench:
    """Give what a natural village's lines are drawn on."""
    held = choices.road_choices(context.office, context.day)
    apart = RoadChoices(apart=held.apart) if held.apart else NOTHING
    key = f"{context.workspace.digest}|{context.policy.digest}|{context.day}|{apart.digest}"
    plan, table = _table(key, context, apart)
    row = int(np.flatnonzero(plan.natural_villages["natural_village_id"].eq(natural_village_id).to_numpy())[0])
    shape = context.workspace.layers["natural_villages"].geometry.iloc[row].representative_point()
    point = (float(shape.x), float(shape.y))
    line = alternative.computed_line(table, row, point, _alignment(context, table, row, point))
    costing = alternative.recost(table, row, point, line) if line is not None else None
    return Bench(plan, table, row, point, line, costing)


def _alignment(context: Context, table: Table, row: int, point: tuple[float, float]) -> Any:
    """Lay the new road of a village over the terrain, None where there is none or it cannot tell."""
    dem = context.office.rasters(context.day).get("dem")
    join = table.states.join_xy[row]
    if dem is None or not np.isfinite(table.grade_limit) or str(table.states.high_state[row]) != "build":
        return None
    if not np.isfinite(join).all() or np.hypot(join[0] - point[0], join[1] - point[1]) < 1:
        return None
    try:
        found = least_cost(
            dem, np.array([point]), join[None, :], crs=context.workspace.crs, max_grade_percent=table.grade_limit
        )
    except (InputError, CRSError):
        return None  # too far apart, or heights elsewhere: the straight line stands, as in the computed length
    return found.lines[0] if found.is_feasible[0] else None


def lonlat(context: Context, line: Any) -> Points:
    """Write a line in metres as (longitude, latitude)."""
    xy = gpd.GeoSeries([line], crs=context.workspace.crs).to_crs("EPSG:4490")
    return tuple((float(x), float(y)) for x, y in shapely.get_coordinates(xy.to_numpy()))


def costed(context: Context, held: Bench, points: Sequence[tuple[float, float]], tolerance_m: float) -> Costing:
    """Cost drawn places (longitude, latitude)."""
    line = alternative.metric_line(points, context.workspace.crs)
    return alternative.recost(held.table, held.row, held.point, line, tolerance_m=tolerance_m)


def sketch_of(context: Context, natural_village_id: str | None, state: str | None) -> Sketch | None:
    """Say what the map shows of lines: the one being drawn with its costed stretches, or the computed or chosen one."""
    if natural_village_id is None or state not in MIXED:
        return None
    try:
        held = bench(context, natural_village_id)
    except AppError:
        return None  # the card says what is wrong
    drawing = st.session_state.get(STATE)
    start = lonlat(context, shapely.LineString([held.point, held.point]))[0]
    if drawing is None or drawing["village"] != natural_village_id:
        return Sketch(
            f"show-{natural_village_id}", start, (), _shown(context, held, natural_village_id), editable=False
        )
    parts: list[tuple[str, Points]] = []
    if held.line is not None:
        parts.append(("computed", lonlat(context, held.line)))
    if len(drawing["line"]) > 1:
        now, _ = now_costed(context, held, drawing)  # the card says why it has no cost
        parts += _stretches(context, now) if now is not None else []
    return Sketch(drawing["token"], start, drawing["first"], tuple(parts))


def _shown(context: Context, held: Bench, natural_village_id: str) -> tuple[tuple[str, Points], ...]:
    """Give the stretches of the line the programme uses; beside a chosen one, the computed line."""
    kept = used_line(context, natural_village_id)
    if kept is None:
        return tuple(_stretches(context, held.costing)) if held.costing is not None else ()
    parts: list[tuple[str, Points]] = [("computed", lonlat(context, held.line))] if held.line is not None else []
    try:
        parts += _stretches(context, costed(context, held, kept.line.points, kept.line.tolerance_m))
    except AppError:
        return tuple(parts)
    return tuple(parts)


def _stretches(context: Context, found: Costing) -> list[tuple[str, Points]]:
    parts: list[tuple[str, Any]] = [(part.kind, part.line) for part in found.parts if part.line.length > 0]
    if not found.is_reaching and found.nearest_xy is not None and found.steps:
        end = shapely.get_coordinates(found.steps[-1].line)[-1]
        parts.append(("shortfall", shapely.LineString([end, found.nearest_xy])))
    return [(kind, lonlat(context, line)) for kind, line in parts]


def used_line(context: Context, natural_village_id: str) -> choices.KeptLine | None:
    """Give the drawn line the programme uses for a village, None for the computed one."""
    held = choices.choice_of(context.office, natural_village_id, context.day)
    kept = {line.seq: line for line in choices.lines_of(context.office, natural_village_id, context.day)}
    return kept.get(held.payload["line"]) if held is not None else None


def take_drawing(event: MapEvent) -> None:
    """Keep the line the map sent; the cost is worked out when the page runs again."""
    drawing = st.session_state.get(STATE)
    if event.drawn is None or drawing is None or st.session_state.get(LAST) == event.nonce:
        return
    st.session_state[LAST] = event.nonce
    if not event.drawn:
        st.session_state.pop(STATE)
    else:
        drawing["line"] = event.drawn
    st.rerun()


def begin(village: str, line: Points) -> None:
    """Begin drawing, from nothing or from a line."""
    st.session_state[STATE] = {
        "village": village, "token": uuid.uuid4().hex, "first": line, "line": line,
        "tolerance": float(st.session_state.get("draw_tolerance", TOLERANCE_M)), "form": uuid.uuid4().hex,
    }  # fmt: skip


def stop() -> None:
    """Leave drawing without saving."""
    st.session_state.pop(STATE, None)


def is_drawing(natural_village_id: str) -> bool:
    """Whether a line is being drawn for this natural village."""
    held = st.session_state.get(STATE)
    return held is not None and held["village"] == natural_village_id


def now_costed(context: Context, held: Bench, drawing: Any) -> tuple[Costing | None, str]:
    """Cost the line being drawn; None and why where it has no cost."""
    if drawing is None or len(drawing["line"]) < 2:
        return None, ""
    try:
        return costed(context, held, drawing["line"], drawing["tolerance"]), ""
    except AppError as error:
        return None, str(error)


def figures_of(found: Costing, prices: Any) -> dict[str, Any]:
    """Write the figures of a costing as plain data; unknown is None."""
    km = (found.gap_m + found.new_m) / 1000
    values = {
        "gap_km": found.gap_m / 1000, "new_km": found.new_m / 1000, "cost_cny10k": found.cost_cny10k,
        "subsidy_cny10k": km * prices.get("subsidy", float("nan")), "max_grade_percent": found.max_grade_percent,
        "steep_share": found.steep_share, "short_m": found.short_m,
    }  # fmt: skip
    return {name: round(float(value), 4) if np.isfinite(value) else None for name, value in values.items()}


def against(found: dict[str, Any], computed: dict[str, Any], language: Language) -> str:
    """Tell what a line needs more or less than the computed one.

    >>> against({"gap_km": 1.2, "new_km": 0.4, "cost_cny10k": 60.0}, {"gap_km": 1.2, "new_km": 0.0, "cost_cny10k": 63.2}, "zh")
    '+0.40 公里，−3.2 万元'
    """
    if found.get("short_m"):
        return "—"

    def signed(value: float, decimals: int) -> str:
        return f"{'+' if value >= 0 else '−'}{abs(value):,.{decimals}f}"

    km = found["gap_km"] + found["new_km"] - computed["gap_km"] - computed["new_km"]
    if found["cost_cny10k"] is None or computed["cost_cny10k"] is None:
        return f"{signed(km, 2)} {label('unit', 'km', language)}，{tell(language, 'open_cost')}"
    money = found["cost_cny10k"] - computed["cost_cny10k"]
    if abs(km) < 0.0005 and abs(money) < 0.05:
        return tell(language, "same")
    return tell(language, "difference", km=signed(km, 2), money=signed(money, 1), kilo=signed(money * 10, 0))


def source_text(value: Value, language: Language) -> str:
    """Say where a value of the policy comes from and of which year its prices are, as plain text."""
    source = value.reference or value.source or tell(language, "unsourced")
    if value.price_year:
        return tell(language, "price_of", source=source, year=value.price_year)
    is_price = "cny" in value.unit.lower() or "元" in value.unit
    return f"{source}，{tell(language, 'price_year_unknown')}" if is_price else source
