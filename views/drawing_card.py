"""The card of a village's lines: figures side by side, the line being drawn, save, choose and undo."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from analysis.alternative import TOLERANCE_M, Costing
from analysis.policy import value_on
from geo.errors import AppError, InputError
from views import choices, panels, road_words
from views.context import Context
from views.drawing import (
    MIXED,
    STATE,
    Bench,
    against,
    begin,
    bench,
    costed,
    figures_of,
    lonlat,
    now_costed,
    source_text,
    stop,
    tell,
    used_line,
)
from views.labels import distance, label, number, percent


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
    now, fault = now_costed(context, held, drawing)
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
        st.caption(panels.plain(road_words.told(note, language)))
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
