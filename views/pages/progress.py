"""目标与报告: every target of the document against what was observed, and its reports on its own cadence."""

from datetime import date
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from analysis.progress import progress
from geo.errors import AppError
from tracker import measures
from views import moving, panels, progressbook
from views.context import Context
from views.labels import Language, label, number, percent, say
from views.moment import Moment, show_moment
from views.pages.reporting import show_reports
from views.reported import show_reported

WHOLE_THINGS = (
    "person",
    "household",
    "village",
    "community",
    "organisation",
    "school",
    "kindergarten",
    "item",
    "count",
)
COLORS = {"met": "blue", "behind": "red", "best_effort_behind": "orange", "not_due": "gray", "unknown": "gray"}
INKS = {
    "met": "#1f5f8b",
    "behind": "#b3261e",
    "best_effort_behind": "#c77700",
    "not_due": "#5b6872",
    "unknown": "#5b6872",
}


def show_progress(context: Context) -> None:
    """Show the targets on a day, and offer the reports that fall due."""
    policy = context.policy
    first, then, second, third = st.columns([0.9, 1.1, 0.8, 2], vertical_alignment="bottom")
    day = first.date_input(
        say(context.language, "as_of"),
        context.office.today,
        key="target_day",
        format="YYYY-MM-DD",
        min_value=date(2000, 1, 1),
    )
    known_on = then.date_input(
        say(context.language, "as_known_on"),
        None,
        key="target_known_on",
        format="YYYY-MM-DD",
        min_value=date(2000, 1, 1),
    )
    with second:
        if (
            context.user.may("edit")
            and known_on is None
            and policy.targets
            and st.button(say(context.language, "enter_an_observation"), icon=":material/add:", key="measure_new")
        ):
            open_form(context)
    third.caption(
        panels.plain(
            say(context.language, "targets_a_missed_best_effort_target", title=policy.title, count=len(policy.targets))
        )
    )
    show_moment(Moment(None, known_on), context.language)
    was_on_map = known_on is None or is_map_known(context, known_on)
    if not was_on_map:
        st.caption(say(context.language, "map_known_later", known_on=known_on))
    seen = progressbook.actuals(
        context.office.ledger,
        policy,
        context.assessment.findings if was_on_map else None,
        context.day,
        progressbook.Cut(day, known_on),
    )
    if policy.targets:
        rows = progress(policy, day, seen)
        show_counts(context, rows)
        left, right = st.columns([1.5, 1], gap="medium")
        with left:
            show_targets(rows, progressbook.target_table(policy, seen, day, context.language), context.language)
        with right, st.container(border=True):
            show_series(context, rows, seen)
            if known_on is None:
                show_reported(context, chosen_row(rows), day)
    else:
        st.info(say(context.language, "sets_no_yearly_targets", title=panels.plain(policy.title)))
    show_reports(context, day)


def is_map_known(context: Context, known_on: date) -> bool:
    """Tell whether the layers the map counts from had all been entered, as they are, by the end of a day."""
    held = {name: source.digest for name, source in context.office.sources(context.day).items()}
    then = {name: source.digest for name, source in context.office.sources(context.day, known_on=known_on).items()}
    return held == then


def show_counts(context: Context, rows: pd.DataFrame) -> None:
    """Show how many targets stand where."""
    counts = rows["status"].value_counts()
    with st.container(horizontal=True, gap="small"):
        for name, color in COLORS.items():
            if counts.get(name, 0):
                panels.show_badge(f"{label('progress', name, context.language)} {counts[name]}", color)


def show_targets(rows: pd.DataFrame, table: pd.DataFrame, language: Language) -> None:
    """Show the table; the chosen target is drawn beside it."""
    colors = {label("progress", key, language): ink for key, ink in INKS.items()}
    units = rows["unit"].tolist()
    heads = {name: label("target_column", name, language) for name in progressbook.TARGET_COLUMNS}
    shown = table.drop(columns=heads["unit"])
    for key in ("target", "actual", "shortfall", "forecast", "forecast_low", "forecast_high"):
        name = heads[key]
        shown[name] = [written(value, unit, language) for value, unit in zip(table[name], units, strict=True)]
    shown = shown.fillna("—")
    styled = shown.style.map(
        lambda text: f"color: {colors.get(text, '#1b2730')}; font-weight: 600", subset=[heads["status"]]
    )
    panels.show_table(
        styled,
        key="target_table",
        ids=rows["target_id"].tolist(),
        kind="targets",
        height="content",
    )


def written(value: float, unit: str, language: Language = "zh") -> str:
    """Write a figure in its unit; shares as percentages.

    >>> written(0.7, "share"), written(3, "village"), written(float("nan"), "share"), written(1467.89, "household")
    ('70.0%', '3 村', '—', '1,468 户')
    """
    if value is None or value != value:
        return "—"
    if unit == "share":
        return percent(value)
    if unit in WHOLE_THINGS:
        value = round(value)
    return f"{number(value, 0 if float(value).is_integer() else 2)} {label('unit', unit, language)}"


def show_series(context: Context, rows: pd.DataFrame, seen: pd.DataFrame) -> None:
    """Draw what was observed of a measure against its targets, with the forecast and its range."""
    row, language = chosen_row(rows), context.language
    series = rows[rows["measure"] == row["measure"]]
    st.markdown(f"**{panels.plain(row['label'])}**")
    panels.show_badge(label("progress", row["status"], context.language), COLORS[row["status"]])
    actual = (
        say(language, "value_on_day", value=written(row["actual"], row["unit"], language), day=row["actual_day"])
        if pd.notna(row["actual"])
        else say(language, "no_data_yet")
    )
    st.text(
        say(
            language,
            "target_actual",
            target=written(row["target"], row["unit"], language),
            due=row["due"],
            actual=actual,
        )
    )
    if pd.notna(row["forecast"]) and str(row["actual_day"]) < str(row["due"]):
        span = (
            f"（{written(row['forecast_low'], row['unit'], language)}–{written(row['forecast_high'], row['unit'], language)}）"
            if pd.notna(row["forecast_low"])
            else say(language, "two_observations_only_no_range")
        )
        st.text(
            say(
                language,
                "at_this_pace_about_when_due",
                forecast=written(row["forecast"], row["unit"], language),
                span=span,
            )
        )
    note = progressbook.said_note(row["note"], language)
    note = f"; {note}" if note else ""
    st.caption(
        panels.plain(
            say(
                language,
                "clause_2",
                strength=label("strength", row["strength"], language),
                reference=row["reference"],
                note=note,
            )
        )
    )
    points = seen[seen["measure"] == row["measure"]]
    st.altair_chart(_chart(series, points, language, is_share=row["unit"] == "share"), height=190)


def chosen_row(rows: pd.DataFrame) -> Any:
    """Return the target chosen in the table, the first where none is."""
    found = rows[rows["target_id"] == panels.selected("targets")]
    return (found if len(found) else rows).iloc[0]


def _chart(series: pd.DataFrame, points: pd.DataFrame, language: Language, *, is_share: bool) -> Any:
    goal, actual = say(language, "target"), say(language, "actual")
    goals = pd.DataFrame({"day": pd.to_datetime(series["due"]), "value": series["target"], "what": goal})
    done = pd.DataFrame({"day": pd.to_datetime(points["day"]), "value": points["value"].astype(float), "what": actual})
    colors = alt.Scale(domain=[goal, actual], range=["#5b6872", "#1f5f8b"])
    form = "%" if is_share else ",.0f"
    base = alt.Chart(pd.concat([goals, done])).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%Y-%m", labelFontSize=12)),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(labelFontSize=12, format=form)),
        color=alt.Color("what:N", scale=colors, legend=alt.Legend(orient="top", title=None, labelFontSize=13)),
        tooltip=[
            alt.Tooltip("what:N", title=""),
            alt.Tooltip("day:T", title=say(language, "date"), format="%Y-%m-%d"),
            alt.Tooltip("value:Q", title=say(language, "why_figure_head"), format=".1%" if is_share else ",.0f"),
        ],
    )
    return base.mark_line(point=alt.OverlayMarkDef(size=70), strokeWidth=2.5)


def open_form(context: Context) -> None:
    """Open the form that enters an observation."""
    st.dialog(say(context.language, "enter_an_observation"))(show_form)(context)


def show_form(context: Context) -> None:
    """Let the person report what a measure stood at on a day, with its source."""
    first = {target.measure: target for target in reversed(context.policy.targets)}
    first = {measure: first[measure] for measure in reversed(first)}  # as the document lists them
    with st.form("measure", border=False):
        measure = st.selectbox(
            say(context.language, "measure"),
            list(first),
            format_func=lambda key: (
                f"{first[key].label.split('（')[0]}（{label('unit', first[key].unit, context.language)}）"
            ),
        )
        value = st.number_input(say(context.language, "value_shares_as_decimals_70_is"), value=None, format="%.4f")
        at = moving.ask_day(context, say(context.language, "day_of_the_value"))
        source = st.text_input(say(context.language, "source_which_report_whose"), max_chars=200)
        if st.form_submit_button(say(context.language, "enter"), type="primary"):
            if value is None or not source.strip():
                st.error(say(context.language, "please_give_a_value_and_its"))
                return
            try:
                number_ = moving.form_id("measure")
                measures.observe(
                    context.office.ledger,
                    measure,
                    value,
                    at=at,
                    by=context.user.username,
                    source=source.strip(),
                    event_id=number_,
                    unit=first[measure].unit,
                )
            except AppError as error:
                st.error(panels.plain(error))
                return
            st.session_state.pop("form_measure", None)
            st.session_state[moving.NOTICE] = ("success", say(context.language, "entered_2"))
            st.rerun()
