"""Named road scenarios: saved as events in the office, set side by side, every difference told in a line."""

import uuid
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from analysis.plan import Programme
from geo.errors import AppError
from tracker import events
from views import plan_questions, planning, weighing, whatif
from views.context import Context
from views.labels import label, say
from views.plain import plain
from views.planning import Question

SCENARIO = "road_scenario"


def kept_scenarios(context: Context) -> dict[str, tuple[Question, int | None]]:
    """Read the scenarios saved in the office, latest version of each name, with the threshold each one assumes."""
    found = events.latest(context.office.ledger, [SCENARIO])
    return {
        str(event.payload["name"]): (planning.stored(event.payload["question"]), event.payload.get("threshold"))
        for event in found
    }


def keep(context: Context, name: str, question: Question, threshold: int | None) -> None:
    """Save a question under a name; the same name again is its next version."""
    payload = {"name": name, "question": planning.stored(question)}
    payload |= {} if threshold is None else {"threshold": threshold}
    draft = events.Draft(
        f"road_scenario:{name}",
        SCENARIO,
        context.office.today,
        context.user.username,
        payload,
        event_id=uuid.uuid4().hex,
    )
    events.append(context.office.ledger, draft)


def show(context: Context, question: Question, made: Programme, threshold: int | None) -> None:
    """Save the question under a name; set saved ones side by side, every difference told in a line.

    `context` is the page's own; `made` answers the question under `threshold` (None: the policy's own).
    """
    language = context.language
    with st.form("plan_save", border=False):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input(
            say(language, "name_this_scenario"), placeholder=say(language, "e_g_smaller_2018_budget")
        )
        if right.form_submit_button(say(language, "keep"), icon=":material/bookmark_add:") and name.strip():
            keep(context, name.strip(), question, threshold)
            st.success(say(language, "scenario_is_kept", strip=plain(name.strip())))
    saved = kept_scenarios(context)
    if not saved:
        st.caption(say(language, "keep_two_or_more_people_villages"))
        return
    now = planning.figures(made, question)
    rows = [_row(context, say(language, "the_present_one"), now, now, threshold)]
    for title, (kept, own) in saved.items():
        try:
            answer = planning.answer(
                plan_questions.assuming(context, own), kept, frontier_steps=0, exact=weighing.is_exact()
            )
        except AppError as error:
            rows.append({say(language, "scenarios"): title, say(language, "against_the_present_one"): str(error)})
            continue
        rows.append(_row(context, title, planning.figures(answer, kept), now, own))
    told = say(language, "against_the_present_one")
    st.markdown(
        "\n".join(f"- **{plain(row[say(language, 'scenarios')])}** {plain(row[told])}" for row in rows if row[told]),
        help=told,
    )
    table = pd.DataFrame(rows).drop(columns=told)
    st.dataframe(table, hide_index=True, key="plan_scenarios", placeholder="—")


def _row(
    context: Context, title: str, sums: Mapping[str, float], now: Mapping[str, float], threshold: int | None
) -> dict[str, Any]:
    """Lay out one scenario; the present one has nothing to be told against."""
    language = context.language
    own = whatif.threshold_of(context)
    text = (
        "—"
        if own is None
        else str(own)
        if threshold is None
        else say(language, "threshold_assumed", threshold=threshold)
    )
    return {
        say(language, "scenarios"): title,
        say(language, "against_the_present_one"): "" if sums is now else planning.difference(sums, now, language),
        say(language, "people_connected"): sums["people"],
        label("field", "natural_village", language): sums["villages"],
        say(language, "budget_cny_10k_2"): sums["budget_cny10k"],
        say(language, "spent_cny_10k"): round(sums["cost_cny10k"], 1),
        say(language, "length_km"): round(sums["length_km"], 1),
        label("field", "poor_population", language): sums["poor_people"],
        say(language, "population_threshold"): text,
    }
