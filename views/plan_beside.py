"""Beside the road programme: people against money, and the bureau's own list on the same money."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from analysis.plan import Programme, compare
from geo.errors import AppError
from views import own_list, panels, uploads, weighing
from views.labels import Language, label, money, say
from views.planning import Question, Works

CHART_HEIGHT = 380


def frontier_chart(made: Programme, question: Question, language: Language) -> Any:
    """Draw people against money: ours, queueing by value for money, and the proven ceiling."""
    ours, queue, ceiling = (
        say(language, "this_programme"),
        say(language, "queued_by_value"),
        say(language, "proven_ceiling"),
    )
    long = made.frontier.rename(columns={"people": ours, "people_greedy": queue, "bound": ceiling})
    long = long.melt("budget_cny10k", var_name="way", value_name="people")
    lines = (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=alt.X("budget_cny10k:Q", title=say(language, "whole_budget_cny_10k")), y=alt.Y("people:Q", title=say(language, "people_connected_at_the_end")),
            color=alt.Color("way:N", scale=alt.Scale(domain=[ceiling, ours, queue], range=["#9aa5ad", "#045a8d", "#c8450b"]), legend=alt.Legend(orient="top", title=None, labelFontSize=13)),
             tooltip=[alt.Tooltip("way:N", title=say(language, "way")), alt.Tooltip("budget_cny10k:Q", title=label("unit", "cny10k", language), format=",.0f"), alt.Tooltip("people:Q", title=label("field", "population", language), format=",.0f")],
        )
    )  # fmt: skip
    rule = (
        alt.Chart(pd.DataFrame({"x": [question.total_cny10k]}))
        .mark_rule(color="#1b2730", strokeDash=[4, 3])
        .encode(x="x:Q")
    )
    return (lines + rule).properties(height=CHART_HEIGHT)


def show_own_list(works: Works, question: Question, made: Programme, language: Language) -> None:
    """Read the bureau's own list and set it beside the programme on the same money."""
    upload = st.file_uploader(say(language, "the_bureau_s_own_list_excel"), type=["xlsx", "xls", "csv"], key="plan_own")
    if upload is None:
        st.caption(say(language, "it_will_say_how_many_people"))
        return
    try:
        table = uploads.read_table(upload)
    except AppError as error:
        st.error(panels.plain(error))
        return
    own, strangers = own_list.read_own_list(table, works.road_plan.natural_villages["natural_village_id"].tolist())
    if own.empty:
        st.error(say(language, "no_column_of_the_list_holds"))
        return
    beside = compare(works.road_plan, own, dict(question.budgets), best=made)
    st.markdown(
        say(
            language,
            "your_list_connects_people_for_the",
            own_people=beside.own_people,
            own_cost_cny10k=money(beside.own_cost_cny10k, language),
            best_people=beside.best_people,
        )
    )
    if strangers:
        st.warning(
            say(
                language,
                "codes_of_the_list_are_not",
                count=len(strangers),
                strangers=panels.plain("、".join(strangers[:5])),
            )
        )
    names = works.road_plan.natural_villages.set_index("natural_village_id")["name"].fillna("")
    for key, ids in (
        ("villages_of_the_list_are_no_candidates", beside.unknown),
        ("natural_villages_of_the_list_cannot", beside.not_reached),
    ):
        if ids:
            listed = "、".join(str(names.get(name, "")) or name for name in ids[:5]) + ("……" if len(ids) > 5 else "")
            st.warning(say(language, key, count=len(ids), not_reached=panels.plain(listed)))
    if beside.swaps.empty:
        st.caption(say(language, "no_single_swap_betters_it"))
        return
    st.caption(say(language, "swaps_do_it", count=len(beside.swaps), people=beside.swapped_people))
    st.dataframe(weighing.swap_table(beside.swaps, works, language), hide_index=True, key="plan_swaps")
