"""会议: five slides in large type, turned by the arrow keys, with the questions a meeting asks worked out on the spot."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from geo.errors import AppError
from views import panels, whatif
from views.context import Context
from views.frozen import show_decisions, show_freeze
from views.labels import label, money, number, percent, say
from views.pages import housing, overview
from views.pages.coverage import village_needs
from views.pages.roads import STATES
from views.pages.roads import draw as draw_roads
from views.palette import GRADE

STYLE = Path(__file__).resolve().parents[1] / "meeting.css"
MAP_HEIGHT = 560
LONGEST_LIST = 12
STEP = 50


def whole(context: Context) -> None:
    """整体: how many villages have everything, what is missing, and where."""
    rows = overview.coverage_rows(context, None)
    overview.show_headline(context, None, rows)
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        if len(rows):
            first = rows["group"].iloc[0]
            st.altair_chart(overview.bars(context, rows[rows["group"] == first], size=22))
    with right:
        overview.draw(context, None, key="meeting_map", height=MAP_HEIGHT)
    if not context.assessment.natural_villages.empty:
        whatif.road_figures(context, None)  # ready before the slide that asks


def towns(context: Context) -> None:
    """分镇: the towns side by side, the least met first."""
    table = overview.town_table(context)
    low, high = (label("field", name, context.language) for name in ("low", "high"))
    table = table.sort_values(low, kind="stable")
    config = {
        name: st.column_config.ProgressColumn(name, min_value=0.0, max_value=1.0, format="percent") for name in (low, high)
    }  # fmt: skip
    st.dataframe(table, hide_index=True, column_config=config, row_height=56, height=56 * (len(table) + 1) + 8)
    st.caption(say(context.language, "towns_note"))


def ask(context: Context) -> tuple[int | None, float, int]:
    """Let the meeting move threshold, yearly budget and last year."""
    language, own = context.language, whatif.threshold_of(context)
    first, second, third = st.columns(3, gap="medium")
    threshold = None
    if own is not None:
        threshold = first.slider(
            say(language, "ask_threshold", own=own), STEP, max(500, own), own, step=STEP, key="meeting_threshold"
        )
    top = max(100.0, round(whatif.road_figures(context, None)["cost_cny10k"], -2))
    budget = second.slider(
        say(language, "ask_budget"), 0.0, top, min(1000.0, top), step=100.0, key="meeting_budget", format="%.0f"
    )
    year = context.day.year
    until = third.slider(say(language, "ask_until"), year, year + 5, year + 2, key="meeting_until")
    return (None if threshold == own else threshold), float(budget), int(until)


def roads(context: Context) -> None:
    """道路: what a threshold asks for, and what a yearly budget builds until a year."""
    language = context.language
    if context.assessment.natural_villages.empty:
        st.info(say(language, "no_natural_villages"))
        return
    threshold, budget, until = ask(context)
    before, now = whatif.road_figures(context, None), whatif.road_figures(context, threshold)
    figures = [
        (say(language, "roads_due"), "due", 0, ""),
        (label("state", "connected", language), "connected", 0, ""),
        (say(language, "people_missing"), "people_missing", 0, ""),
        (say(language, "roads_length"), "length_km", 1, label("unit", "km", language)),
    ]
    columns = st.columns(len(figures) + 1)
    for column, (title, key, decimals, unit) in zip(columns, figures, strict=False):
        change = now[key] - before[key]
        text = f"{number(now[key], decimals)} {unit}".strip()
        delta = f"{change:+,.{decimals}f}" if threshold is not None else None
        column.metric(title, text, delta=delta, delta_color="off", border=True)
    columns[-1].metric(say(language, "roads_cost_all"), money(now["cost_cny10k"], language), border=True)
    built = whatif.budget_figures(context, threshold, budget, until)
    sentence = say(
        language, "budget_answer", until=until, budget=money(budget, language), villages=number(built["villages"]),
        people=number(built["people"]), left=number(built["left"]), gap=percent(built["gap"]),
    )  # fmt: skip
    left, right = st.columns([1, 1.35], gap="medium")
    with left:
        st.markdown(f"### {panels.plain(sentence)}")
        if threshold is not None:
            st.warning(say(language, "assumed", threshold=threshold), icon=":material/science:")
        st.caption(say(language, "budget_note"))
    with right:
        plan, _ = whatif.roads_at(context, threshold)
        due = plan.natural_villages[plan.natural_villages["is_due"].fillna(False).astype(bool)]
        draw_roads(context, due, None, list(STATES), key="meeting_roads", height=520)


def houses(context: Context) -> None:
    """危房: how many, by grade and town; no single household on the wall."""
    rows, language = context.assessment.housing, context.language
    if rows.empty:
        st.info(say(language, "no_houses"))
        return
    housing.show_headline(context, rows)
    grades = [name for name in GRADE if name in {"C", "D"}]
    table = rows.groupby(["town", "grade"]).size().unstack(fill_value=0).reindex(columns=grades, fill_value=0)
    table[label("field", "sum", language)] = table.sum(axis=1)
    table = table.sort_values(list(table.columns)[-1], ascending=False, kind="stable")
    table = table.rename(columns={name: label("grade", name, language) for name in grades})
    shown = table.rename_axis(label("field", "town", language)).reset_index()
    st.dataframe(shown, hide_index=True, row_height=56, height=56 * (len(shown) + 1) + 8)


def worst(context: Context) -> pd.DataFrame:
    """List the villages with most gaps: what is missing, and how many people wait."""
    language = context.language
    needs = {need.id: need.label for need in village_needs(context) if need.kind != "all"}
    findings = context.assessment.findings
    gaps = findings[(findings["unit_kind"] == "village") & (findings["status"] == "gap") & findings["need"].isin(needs)]
    names = gaps.assign(text=gaps["need"].map(needs)).groupby("unit_id")["text"]
    villages = context.frame("villages").set_index("village_id")
    table = pd.DataFrame({"gap_count": names.size(), "missing": names.agg("、".join)})
    table = table.join(villages[["town", "name", "population"]])
    table = table.sort_values(["gap_count", "population"], ascending=False, kind="stable").head(LONGEST_LIST)
    heads = {key: label("field", key, language) for key in ("town", "population", "gap_count", "missing")}
    order = ["town", "name", "population", "gap_count", "missing"]
    return table[order].rename(columns={**heads, "name": label("field", "village", language)})


def tasks(context: Context) -> None:
    """清单: the villages that wait for most, and the decision to freeze."""
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        st.dataframe(worst(context), hide_index=True, row_height=50, height=560)
    with right:
        threshold = st.session_state.get("meeting_threshold_kept")
        budget, until = st.session_state.get("meeting_money_kept", (1000.0, context.day.year + 2))
        show_freeze(context, {"threshold": threshold, "budget_cny10k": budget, "until": until})
        show_decisions(context)


SLIDES: dict[str, Callable[[Context], None]] = {
    "whole": whole,
    "towns": towns,
    "roads": roads,
    "houses": houses,
    "tasks": tasks,
}


def turn(to: int) -> None:
    """Show another slide; the questions asked on the roads slide are kept."""
    st.session_state["meeting_slide"] = max(0, min(to, len(SLIDES) - 1))


def keep_questions(context: Context) -> None:
    """Keep what the sliders say while another slide is shown."""
    held = st.session_state
    if "meeting_budget" in held:
        own = whatif.threshold_of(context)
        asked = held.get("meeting_threshold")
        held["meeting_threshold_kept"] = None if asked == own else asked
        held["meeting_money_kept"] = (float(held["meeting_budget"]), int(held["meeting_until"]))


def page(context: Context) -> None:
    """Show one slide of the agenda; the arrow keys and the numbers turn it."""
    st.html(f"<style>{STYLE.read_text(encoding='utf-8')}</style>")
    keep_questions(context)
    language = context.language
    current = max(0, min(int(st.session_state.get("meeting_slide", 0)), len(SLIDES) - 1))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("◀", key="meeting_back", shortcut="Left", on_click=turn, args=(current - 1,), disabled=current == 0)
        for place, name in enumerate(SLIDES):
            kind = "primary" if place == current else "secondary"
            text = say(language, f"slide_{name}")
            st.button(text, key=f"slide_{name}", type=kind, shortcut=str(place + 1), on_click=turn, args=(place,))  # type: ignore[arg-type]
        last = current == len(SLIDES) - 1
        st.button("▶", key="meeting_on", shortcut="Right", on_click=turn, args=(current + 1,), disabled=last)
    try:
        list(SLIDES.values())[current](context)
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
