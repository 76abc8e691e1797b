"""Draw a road for a natural village on the map, have it costed, save it, and say which line the programme uses."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
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
from views import choices, panels
from views.context import Context
from views.labels import Language, distance, label, number, percent
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
        now, _ = _now(context, held, drawing)  # the card says why it has no cost
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


def show(context: Context, natural_village_id: str, state: str) -> None:
    """Show a village's lines with their figures; draw, save, choose and undo."""
    if state not in MIXED:
        return
    language = context.language
    st.markdown(f"##### {tell(language, 'title')}")
    try:
        held = bench(context, natural_village_id)
    except AppError as error:
        st.info(panels.plain(error))
        return
    drawing = st.session_state.get(STATE)
    if drawing is not None and drawing["village"] != natural_village_id:
        stop()
        drawing = None
    now, fault = _now(context, held, drawing)
    _offer_drawing(context, held, natural_village_id, drawing)
    if drawing is not None and len(drawing["line"]) < 2:
        st.info(tell(language, "draw_first"), icon=":material/draw:")
    if fault:
        st.error(panels.plain(fault), icon=":material/error:")
    kept = choices.lines_of(context.office, natural_village_id, context.day)
    _show_table(context, held, kept, now, natural_village_id)
    if now is not None:
        _show_now(context, now)
        _offer_save(context, held, natural_village_id, now, drawing or {})
    _offer_choice(context, held, natural_village_id, kept)
    st.caption(tell(language, "legend"))
    st.caption(_basis(context, held, float((drawing or {}).get("tolerance", TOLERANCE_M))))


def _now(context: Context, held: Bench, drawing: Any) -> tuple[Costing | None, str]:
    if drawing is None or len(drawing["line"]) < 2:
        return None, ""
    try:
        return costed(context, held, drawing["line"], drawing["tolerance"]), ""
    except AppError as error:
        return None, str(error)


def _offer_drawing(context: Context, held: Bench, village: str, drawing: Any) -> None:
    language = context.language
    if not context.user.may("edit", sector="transport"):
        st.caption(tell(language, "cannot"))
        return
    if drawing is not None:
        left, right = st.columns(2, vertical_alignment="bottom")
        with left:
            drawing["tolerance"] = float(
                st.number_input(tell(language, "tolerance"), 1.0, 50.0, drawing["tolerance"], 1.0, help=tell(language, "tolerance_help"), key="draw_tolerance_now")
            )  # fmt: skip
        right.button(tell(language, "stop"), on_click=stop, key="draw_stop", width="stretch")
        return
    used = used_line(context, village)
    line = lonlat(context, held.line) if held.line is not None else ()
    left, right = st.columns(2)
    left.button(
        tell(language, "start_empty"), icon=":material/draw:", on_click=begin, args=(village, ()), key="draw_empty", width="stretch",
    )  # fmt: skip
    first, text = (used.line.points, "start_kept") if used is not None else (line, "start_computed")
    right.button(
        tell(language, text), icon=":material/edit_road:", on_click=begin, args=(village, first), key="draw_edit",
        disabled=len(first) < 2, help=tell(language, "none_computed") if len(first) < 2 else None, width="stretch",
    )  # fmt: skip


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
    return tell(language, "difference", km=signed(km, 2), money=signed(money, 1))


def _show_table(
    context: Context, held: Bench, kept: Sequence[choices.KeptLine], now: Costing | None, village: str
) -> None:
    """Show every line of a village one under the other, each told against the computed one."""
    language, prices = context.language, held.table.prices
    rows: list[tuple[str, dict[str, Any], str, str, bool]] = []
    computed = figures_of(held.costing, prices) if held.costing is not None else None
    used = used_line(context, village)
    if computed is not None:
        rows.append((tell(language, "computed"), computed, "", "", used is None))
    for line in kept:
        try:
            found = figures_of(costed(context, held, line.line.points, line.line.tolerance_m), prices)
        except AppError as error:
            found = dict.fromkeys(figures_of(held.costing, prices)) if held.costing else {}
            rows.append((line.line.name, found, f"{line.by} {line.entered}", str(error), False))
            continue
        is_used = used is not None and used.seq == line.seq
        rows.append((line.line.name, found, f"{line.by} {line.entered}", line.why, is_used))
    if now is not None:
        rows.append((tell(language, "now_drawn"), figures_of(now, prices), "", "", False))
    if not rows:
        return
    heads = {"cost_cny10k": "cost", "gap_km": "soft_km", "new_km": "new_km", "subsidy_cny10k": "subsidy", "max_grade_percent": "grade", "steep_share": "steep"}  # fmt: skip
    table = pd.DataFrame(
        [
            {
                tell(language, "what"): name,
                tell(language, "against"): against(found, computed, language)
                if computed is not None and found.get("gap_km") is not None and place > 0
                else "",
                **{tell(language, text): _cell(column, found.get(column)) for column, text in heads.items()},
                tell(language, "used"): is_used,
                tell(language, "by"): by,
                tell(language, "why"): why,
            }
            for place, (name, found, by, why, is_used) in enumerate(rows)
        ]
    )
    st.dataframe(table, hide_index=True, key="draw_table")


def _cell(column: str, value: float | None) -> str:
    """Write a figure; what is not known is a dash."""
    return percent(value, 0) if column == "steep_share" else number(value, 1 if column == "max_grade_percent" else 2)


def _show_now(context: Context, now: Costing) -> None:
    """Say of the line being drawn whether it arrives, and list its stretches."""
    language = context.language
    if now.is_reaching:
        st.success(tell(language, "reaches"), icon=":material/check_circle:")
    else:
        st.warning(tell(language, "falls_short", m=distance(now.short_m, language)), icon=":material/warning:")
    for note in now.notes:
        st.caption(panels.plain(note))
    parts = pd.DataFrame(
        [
            {
                tell(language, "what"): tell(language, f"part_{part.kind}"),
                tell(language, "road"): part.road_id or "—",
                label("unit", "m", language): round(part.length_m),
            }
            for part in now.parts
            if part.length_m >= 0.5
        ]
    )
    if len(parts):
        st.dataframe(parts, hide_index=True, key="draw_parts", height=min(36 * (len(parts) + 1) + 4, 190))


def _offer_save(context: Context, held: Bench, village: str, now: Costing, drawing: Any) -> None:
    language = context.language
    with st.form("draw_save", border=False):
        name = st.text_input(tell(language, "name"), placeholder=tell(language, "name_example"))
        why = st.text_input(tell(language, "why"), placeholder=tell(language, "why_example"))
        if st.form_submit_button(tell(language, "save"), icon=":material/bookmark_add:", type="primary"):
            try:
                choices.keep_line(
                    context.office,
                    village,
                    name=name,
                    points=drawing["line"],
                    tolerance_m=drawing["tolerance"],
                    why=why,
                    figures=figures_of(now, held.table.prices),
                    day=context.day,
                    by=context.user.username,
                    event_id=drawing["form"],
                )
            except AppError as error:
                st.error(panels.plain(error), icon=":material/error:")
                return
            stop()
            st.toast(tell(language, "saved", name=panels.plain(name.strip())), icon=":material/check_circle:")
            st.rerun()


def _refuse_open(context: Context, held: Bench, line: choices.KeptLine | None) -> None:
    """Refuse a line the programme could not build: one that does not arrive, or without a cost."""
    if line is None:
        return
    found = costed(context, held, line.line.points, line.line.tolerance_m)
    if not found.is_reaching:
        raise InputError(tell(context.language, "falls_short", m=distance(found.short_m, context.language)))
    if not np.isfinite(found.cost_cny10k):
        raise InputError("；".join(found.notes))


def _offer_choice(context: Context, held_bench: Bench, village: str, kept: Sequence[choices.KeptLine]) -> None:
    """Let the person say which line the programme uses, take a choice back, or withdraw a line."""
    language = context.language
    if not kept or not context.user.may("edit", sector="transport"):
        return
    held = choices.choice_of(context.office, village, context.day)
    used = used_line(context, village)
    names: dict[int | None, str] = {None: tell(language, "computed"), **{line.seq: line.line.name for line in kept}}
    with st.form("draw_choice", border=False):
        options = list(names)
        chosen = st.radio(
            tell(language, "use"), options, index=options.index(used.seq if used else None),
            format_func=names.__getitem__, horizontal=True,
        )  # fmt: skip
        why = st.text_input(tell(language, "use_why"))
        if st.form_submit_button(tell(language, "use_button"), icon=":material/alt_route:"):

            def choose() -> None:
                _refuse_open(context, held_bench, next((line for line in kept if line.seq == chosen), None))
                choices.choose_line(context.office, village, chosen, why=why, day=context.day, by=context.user.username)

            _act(choose, tell(language, "use_done", name=panels.plain(names[chosen])))
    left, right = st.columns(2)
    if held is not None and left.button(
        tell(language, "undo_use"), icon=":material/undo:", key="draw_undo", width="stretch"
    ):
        reason = tell(language, "undo_use")
        _act(
            lambda: choices.undo(context.office, held.seq, by=context.user.username, reason=reason),
            tell(language, "undo_done"),
        )
    with right.popover(tell(language, "withdraw"), icon=":material/delete:", width="stretch"):
        for line in kept:
            if st.button(panels.plain(line.line.name), key=f"draw_withdraw_{line.seq}", width="stretch"):
                seq, reason = line.seq, tell(language, "withdraw")
                _act(
                    lambda seq=seq, reason=reason: choices.undo(
                        context.office, seq, by=context.user.username, reason=reason
                    ),
                    tell(language, "withdrawn", name=panels.plain(line.line.name)),
                )


def _act(work: Any, done: str) -> None:
    """Do what was asked and run the page anew, or say why not."""
    try:
        work()
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
        return
    st.toast(done, icon=":material/check_circle:")
    st.rerun()


def _basis(context: Context, held: Bench, tolerance_m: float) -> str:
    """Say where the prices and the grade limit come from."""
    language = context.language
    prices, sources = [], []
    for key in ("cost.hardening_cny10k_per_km", "cost.new_road_cny10k_per_km"):
        value = value_on(context.policy, key, context.day)
        prices.append("—" if value is None else number(float(value.amount), 1))
        sources.append(tell(language, "no_price") if value is None else panels.plain(source_text(value, language)))
    text = tell(
        language, "priced", hard=prices[0], hard_source=sources[0], new=prices[1], new_source=sources[1], tolerance=tolerance_m
    )  # fmt: skip
    limit = value_on(context.policy, "road.max_grade_percent", context.day)
    if held.table.elevation_m is None:
        return text + tell(language, "no_terrain")
    if limit is not None:
        return text + tell(
            language, "grade_limit", limit=float(limit.amount), source=panels.plain(source_text(limit, language))
        )
    return text


def source_text(value: Value, language: Language) -> str:
    """Say where a value of the policy comes from and of which year its prices are, as plain text."""
    source = value.reference or value.source or tell(language, "unsourced")
    if value.price_year:
        return tell(language, "price_of", source=source, year=value.price_year)
    is_price = "cny" in value.unit.lower() or "元" in value.unit
    return f"{source}，{tell(language, 'price_year_unknown')}" if is_price else source
