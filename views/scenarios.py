"""Named road scenarios: saved as events in the office, set side by side, every difference told in a line."""

import uuid
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from analysis.plan import Programme
from geo.errors import AppError
from tracker import events
from views import planning
from views.context import Context
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
        name = left.text_input("给现在这个方案起个名字", placeholder="例：压缩 2018 年预算")
        if right.form_submit_button("保存方案", icon=":material/bookmark_add:") and name.strip():
            payload = {"name": name.strip(), "question": planning.stored(question)}
            draft = events.Draft(
                f"road_scenario:{name.strip()}", SCENARIO, date.today(), "网页", payload, event_id=uuid.uuid4().hex
            )
            events.append(context.office.ledger, draft)
            st.success(f"方案“{name.strip()}”已保存。")
    saved = kept_scenarios(context)
    if not saved:
        st.caption("保存两个以上方案，这里并排比较：多连通多少人、少几个村、钱差多少。")
        return
    now = planning.figures(made, question)
    rows: list[dict[str, Any]] = []
    for title, kept in saved.items():
        try:
            sums = planning.figures(planning.answer(context, kept, frontier_steps=0), kept)
        except AppError as error:
            rows.append({"方案": title, "与现在这个相比": str(error)})
            continue
        rows.append(
            {
                "方案": title, "预算万元": sums["budget_cny10k"], "连通人口": sums["people"], "自然村": sums["villages"], "贫困人口": sums["poor_people"],
                "里程公里": round(sums["length_km"], 1), "用款万元": round(sums["cost_cny10k"], 1), "与现在这个相比": planning.difference(sums, now),
            }
        )  # fmt: skip
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="plan_scenarios")
