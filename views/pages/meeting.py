"""会议: five slides in large type, turned by the arrow keys, with the questions a meeting asks worked out on the spot."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import streamlit as st

from analysis.deadline import VERDICTS, last_whole_year, quarter_ends
from geo.errors import AppError
from views import panels, whatif
from views.context import Context
from views.frozen import choose_decision, show_freeze, show_one
from views.labels import Language, label, money, number, percent, say
from views.labels import day as write_day
from views.pages import housing, overview
from views.pages.coverage import village_needs
from views.pages.roads import STATES
from views.pages.roads import draw as draw_roads
from views.palette import GRADE

STYLE = Path(__file__).resolve().parents[1] / "meeting.css"
MAP_HEIGHT = 560
LONGEST_LIST = 7
NAMED = 3
STEP = 50
YEARS = 5
FULL = Path(__file__).resolve().parents[1] / "meeting_full.css"


def whole(context: Context) -> None:
    """整体: how many villages have everything, what is missing, and where."""
    rows = overview.coverage_rows(context, None)
    overview.show_headline(context, None, rows)
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        if len(rows):
            first = rows["group"].iloc[0]
            with st.container(key="meeting_bars"):
                overview.show_bars(context, rows[rows["group"] == first], size=22)
    with right, st.container(key="meeting_whole"):
        overview.draw(context, None, key="meeting_map", height=MAP_HEIGHT)
    if not context.assessment.natural_villages.empty:
        whatif.road_figures(context, None)  # ready before the slide that asks


def towns(context: Context) -> None:
    """分镇: the towns side by side, the least met first."""
    table = overview.town_table(context)
    low, high = (label("field", name, context.language) for name in ("low", "high"))
    table = table.sort_values(low, kind="stable")
    show_wall(table.assign(**{name: [percent(value, 0) for value in table[name]] for name in (low, high)}))
    st.caption(say(context.language, "towns_note"))


def show_wall(table: pd.DataFrame, key: str = "wall_figures") -> None:
    """Show a table for the wall: in the page's own type, lines wrap and nothing is cut; the first column names the row."""
    texts = table.map(lambda value: number(value) if isinstance(value, int | float) else panels.plain(str(value)))
    with st.container(key=key):
        st.table(texts.set_index(texts.columns[0]))


def ask(context: Context) -> tuple[int | None, float, date]:
    """Let the meeting move threshold, yearly budget and deadline."""
    language, own = context.language, whatif.threshold_of(context)
    first, second, third = st.columns(3, gap="medium")
    threshold = None
    if own is not None:
        threshold = first.slider(
            say(language, "ask_threshold", own=own), STEP, max(500, own), own, step=STEP, key="meeting_threshold"
        )
    top = max(100.0, round(whatif.roads_at(context, None)[1].cost.sum(), -2))
    budget = second.slider(
        say(language, "ask_budget"), 0.0, top, min(1000.0, top), step=100.0, key="meeting_budget", format="%.0f"
    )
    ends = quarter_ends(context.day, YEARS)
    deadline = third.select_slider(
        say(language, "ask_deadline"), ends, usual_deadline(context), format_func=lambda day: write_day(day, language),
        key="meeting_deadline",
    )  # fmt: skip
    return (None if threshold == own else threshold), float(budget), deadline


def usual_deadline(context: Context) -> date:
    """Give the end of the third year, which a meeting begins with."""
    return date(context.day.year + 2, 12, 31)


def show_deadline(context: Context, deadline: date) -> None:
    """Say what the deadline means for the goals of the document and for the dangerous houses."""
    language = context.language
    table = whatif.goals_at(context, deadline)
    figures = whatif.deadline_figures(context, deadline, table)
    counts = {name: number(figures[f"goals_{name}"]) for name in VERDICTS}
    told = [say(language, "deadline_goals", day=write_day(deadline, language), goals=len(table), **counts)]
    if len(context.assessment.housing):
        pace = number(figures["houses_each_month"], 1)
        told.append(say(language, "deadline_houses", houses=number(len(context.assessment.housing)), pace=pace))
    comma = "；" if language == "zh" else "; "
    st.markdown(f"**{panels.plain(comma.join(told))}**")
    known = table[table["verdict"] != "unknown"]
    if len(known):
        with st.expander(say(language, "deadline_list", count=len(known))):
            show_goals(known, language)
    st.caption(say(language, "deadline_note"))


def show_goals(table: pd.DataFrame, language: Language) -> None:
    """List goals with what was observed and where the pace leads."""
    shown = table[["label", "due", "target", "actual", "forecast", "reach_day", "verdict"]]
    shown = shown.assign(verdict=[label("verdict", name, language) for name in shown["verdict"]])
    heads = {name: label("target_column", name, language) for name in shown.columns}
    heads["verdict"] = label("target_column", "status", language)
    st.dataframe(shown.rename(columns=heads), hide_index=True, key="meeting_goals")


def roads(context: Context) -> None:
    """道路: what a threshold asks for, and what a yearly budget builds until a year."""
    language = context.language
    if context.assessment.natural_villages.empty:
        st.info(say(language, "no_natural_villages"))
        return
    threshold, budget, deadline = ask(context)
    until = last_whole_year(deadline)
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
    plan, _ = whatif.roads_at(context, threshold)
    cost, is_open = whatif.road_cost(plan)
    title = say(language, "roads_cost_least_all" if is_open else "roads_cost_all")
    columns[-1].metric(title, money(cost, language), border=True)
    built = whatif.budget_figures(context, threshold, budget, until)
    sentence = say(
        language, "budget_answer", until=until, budget=money(budget, language).replace(".0 ", " "), villages=number(built["villages"]),
        people=number(built["people"]), left=number(built["left"]), gap=percent(built["gap"]),
    )  # fmt: skip
    left, right = st.columns([1, 1.35], gap="medium")
    with left, st.container(key="meeting_answer"):
        st.markdown(f"**{panels.plain(sentence)}**")
        if threshold is not None:
            st.warning(say(language, "assumed", threshold=threshold), icon=":material/science:")
        st.caption(say(language, "budget_note"))
        show_deadline(context, deadline)
    with right, st.container(key="meeting_plan"):
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
    show_wall(table.rename_axis(label("field", "town", language)).reset_index())


def shortened(names: list[str], language: Language) -> str:
    """Name the first few of a list and say how many there are.

    >>> shortened(["a", "b"], "en"), shortened(["a", "b", "c", "d", "e"], "en")
    ('a, b', 'a, b, c … 5 in all')
    """
    comma = "、" if language == "zh" else ", "
    if len(names) <= NAMED + 1:
        return comma.join(names)
    return say(language, "and_more", names=comma.join(names[:NAMED]), count=len(names))


def worst(context: Context) -> pd.DataFrame:
    """List the villages with most gaps: what is missing, and how many people wait."""
    language = context.language
    needs = {need.id: need.label for need in village_needs(context) if need.kind != "all"}
    findings = context.assessment.findings
    gaps = findings[(findings["unit_kind"] == "village") & (findings["status"] == "gap") & findings["need"].isin(needs)]
    names = gaps.assign(text=gaps["need"].map(needs)).groupby("unit_id")["text"]
    villages = context.frame("villages").set_index("village_id")
    table = pd.DataFrame(
        {"gap_count": names.size(), "missing": names.agg(lambda found: shortened(list(found), language))}
    )
    table = table.join(villages[["town", "name", "population"]])
    table = table.sort_values(["gap_count", "population"], ascending=False, kind="stable").head(LONGEST_LIST)
    heads = {key: label("field", key, language) for key in ("town", "population", "gap_count", "missing")}
    order = ["town", "name", "population", "gap_count", "missing"]
    return table[order].rename(columns={**heads, "name": label("field", "village", language)})


def tasks(context: Context) -> None:
    """清单: the villages that wait for most, and the decision to freeze."""
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        show_wall(worst(context), key="wall_list")
    with right:
        threshold = st.session_state.get("meeting_threshold_kept")
        budget, deadline = st.session_state.get("meeting_money_kept", (1000.0, usual_deadline(context)))
        show_freeze(context, whatif.parameters_record(threshold, budget, deadline))
        opened = choose_decision(context)
    if opened is not None:
        show_one(context, opened)


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


def fill_screen() -> None:
    """Leave the pages and the basis aside, or bring them back; the marks stay."""
    st.session_state["meeting_full"] = not st.session_state.get("meeting_full")


def keep_questions(context: Context) -> None:
    """Keep what the sliders say while another slide is shown."""
    held = st.session_state
    if "meeting_budget" in held and "meeting_deadline" in held:
        own = whatif.threshold_of(context)
        asked = held.get("meeting_threshold")
        held["meeting_threshold_kept"] = None if asked == own else asked
        held["meeting_money_kept"] = (float(held["meeting_budget"]), held["meeting_deadline"])


def page(context: Context) -> None:
    """Show one slide of the agenda; the arrow keys and the numbers turn it."""
    is_full = bool(st.session_state.setdefault("meeting_full", True))
    st.html(f"<style>{STYLE.read_text(encoding='utf-8')}{FULL.read_text(encoding='utf-8') if is_full else ''}</style>")
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
        text = say(language, "meeting_window" if is_full else "meeting_full")
        icon = ":material/close_fullscreen:" if is_full else ":material/open_in_full:"
        st.button(text, key="meeting_full_button", shortcut="F", icon=icon, type="tertiary", on_click=fill_screen)
    try:
        list(SLIDES.values())[current](context)
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
