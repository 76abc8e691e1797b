"""Named road scenarios: saved as events in the office, set side by side, every difference told in a line."""

import uuid
from typing import Any

import pandas as pd
import streamlit as st

from analysis.plan import Programme
from geo.errors import AppError
from tracker import events
from views import planning, weighing
from views.context import Context
from views.labels import label, say
from views.plain import plain
from views.planning import Question

SCENARIO = "road_scenario"


def kept_scenarios(context: Context) -> dict[str, Question]:
    """Read the scenarios saved in the office, latest version of each name."""
    found = events.latest(context.office.ledger, [SCENARIO])
    return {str(event.payload["name"]): planning.stored(event.payload["question"]) for event in found}


def show(context: Context, question: Question, made: Programme) -> None:
    """Save the question under a name; set saved ones side by side, every difference told in a line."""
    with st.form("plan_save", border=False):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input(
            say(context.language, "name_this_scenario"), placeholder=say(context.language, "e_g_smaller_2018_budget")
        )
        if right.form_submit_button(say(context.language, "keep"), icon=":material/bookmark_add:") and name.strip():
            payload = {"name": name.strip(), "question": planning.stored(question)}
            draft = events.Draft(
                f"road_scenario:{name.strip()}",
                SCENARIO,
                context.office.today,
                context.user.username,
                payload,
                event_id=uuid.uuid4().hex,
            )
            events.append(context.office.ledger, draft)
            st.success(say(context.language, "scenario_is_kept", strip=plain(name.strip())))
    saved = kept_scenarios(context)
    if not saved:
        st.caption(say(context.language, "keep_two_or_more_people_villages"))
        return
    now = planning.figures(made, question)
    rows: list[dict[str, Any]] = []
    for title, kept in saved.items():
        try:
            sums = planning.figures(planning.answer(context, kept, frontier_steps=0, exact=weighing.is_exact()), kept)
        except AppError as error:
            rows.append(
                {
                    say(context.language, "scenarios"): title,
                    say(context.language, "against_the_present_one"): str(error),
                }
            )
            continue
        rows.append(
            {
                say(context.language, "scenarios"): title, say(context.language, "budget_cny_10k_2"): sums["budget_cny10k"], say(context.language, "people_connected"): sums["people"], label("field", "natural_village", context.language): sums["villages"], label("field", "poor_population", context.language): sums["poor_people"],
                say(context.language, "length_km"): round(sums["length_km"], 1), say(context.language, "spent_cny_10k"): round(sums["cost_cny10k"], 1), say(context.language, "against_the_present_one"): planning.difference(sums, now, context.language),
            }
        )  # fmt: skip
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="plan_scenarios")
