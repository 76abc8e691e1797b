"""道路计划: which roads, in which year, and why – with the money on sliders and the distance to the best proven."""

import pandas as pd
import streamlit as st

from analysis.plan import Programme
from views import (
    library_panel,
    panels,
    paper,
    plan_beside,
    plan_map,
    plan_questions,
    planning,
    road_words,
    scenarios,
    weighing,
)
from views.context import Context
from views.labels import Language, label, number, percent, say
from views.planning import Question, Works

COLUMNS = ("project_id", "year", "people", "poor_people", "length_km", "cost_cny10k", "villages", "after", "why")
FORMATS = {"length_km": "%.3f", "cost_cny10k": "%.2f"}
LAST = "plan_last"
VERDICTS = ("certain", "arguable", "out")


def show_headline(made: Programme, question: Question, works: Works, language: Language) -> None:
    """Show what the money buys, and how far that can be from the best."""
    sums = planning.figures(made, question)
    frontier = made.frontier
    at = (
        frontier.iloc[(frontier["budget_cny10k"] - question.total_cny10k).abs().argsort()[:1]]
        if len(frontier)
        else frontier
    )
    greedy = float(at["people_greedy"].iloc[0]) if len(at) else float("nan")
    panels.show_figures(
        [
            (
                say(language, "people_connected_at_the_end"),
                number(sums["people"]),
                say(language, "people_of_the_candidates_that_have"),
            ),
            (
                label("programme", "villages", language),
                f"{sums['villages']:.0f} / {len(works.road_plan.candidates)}",
                say(language, "candidates_at_the_population_threshold_a"),
            ),
            (
                say(language, "spent_budget"),
                f"{sums['cost_cny10k']:,.0f} / {question.total_cny10k:,.0f}",
                say(language, "cny_10k_what_a_year_leaves"),
            ),
            (
                say(language, "length"),
                say(language, "km", length_km=number(sums["length_km"], 1)),
                say(language, "shared_segments_are_built_once"),
            ),
            (
                say(language, "at_most_from_the_best"),
                percent(made.gap, 2),
                say(language, "a_proven_ceiling_solved_in_s", seconds=made.seconds, solver=made.solver),
            ),
            (
                say(language, "same_money_queued_by_value"),
                number(greedy),
                say(language, "people_connected_by_building_in_order"),
            ),
        ]
    )


def tell_change(made: Programme, question: Question, threshold: int | None, language: Language) -> None:
    """Tell what the last change of the question did to the programme, until the next one."""
    now = planning.figures(made, question)
    asked = (question, threshold)
    held = st.session_state.get(LAST)
    if held is not None and held[0] != asked:
        st.session_state[LAST + "_told"] = planning.difference(now, held[1], language)
    st.session_state[LAST] = (asked, now)
    if LAST + "_told" in st.session_state:
        told = st.session_state[LAST + "_told"]
        st.markdown(say(language, "last_change", told=panels.plain(told)))


def project_table(made: Programme, works: Works, firmness: pd.DataFrame | None, language: Language) -> pd.DataFrame:
    """Lay out one row a project, in order of year; with how firmly it stands when that was asked for."""
    names = works.road_plan.natural_villages.set_index("natural_village_id")["name"]
    shown = made.projects.assign(
        villages=made.projects["natural_village_ids"].map(
            lambda ids: "、".join(str(names.get(i, i)) for i in str(ids).split(";") if i)
        ),
        why=[road_words.told(text, language) for text in made.projects["why"]],
    )
    table = shown[list(COLUMNS)].rename(columns={name: label("programme", name, language) for name in COLUMNS})
    if firmness is not None:
        known = firmness.set_index("project_id")
        table.insert(
            2,
            say(language, "firm"),
            shown["project_id"]
            .map(known["verdict"])
            .map({name: label("programme", name, language) for name in VERDICTS}),
        )
        table.insert(3, say(language, "share_of_draws"), shown["project_id"].map(known["share"]))
        first = shown["project_id"].map(known["check_first"])
        table.insert(4, say(language, "check_first"), first.map(lambda name: weighing.number_to_check(name, language)))
    return table


def frontier_table(made: Programme, language: Language) -> pd.DataFrame:
    """Name the columns of people against money in the reader's language."""
    return made.frontier.rename(columns={name: label("programme", name, language) for name in made.frontier.columns})


def show_projects(context: Context, works: Works, made: Programme, question: Question) -> None:
    """Show the projects, what stands firm, and offer the project library."""
    left, right = st.columns([3, 1.4], vertical_alignment="bottom")
    firm = None
    if right.toggle(say(context.language, "is_it_firm_people_10_cost"), key="plan_firm"):
        with st.spinner(say(context.language, "drawing")):
            weights = planning.weights_of(context, question, works)
            firm = planning.standing(context.key, question, works, weights, made)
        what = weighing.number_to_check(str(firm.attrs.get("check_first")), context.language)
        counts = {name: int(firm["verdict"].eq(name).sum()) for name in VERDICTS}
        left.caption(
            say(context.language, "stability_counts", **counts)
            + say(context.language, "check_first_its_error_changes_the", what=what)
        )
    else:
        villages = works.road_plan.natural_villages
        mark = "；" if context.language == "zh" else ". "
        notes = mark.join(road_words.named_in(road_words.told(note, context.language), villages) for note in made.notes)
        left.caption(
            say(context.language, "projects_by_year_choose_a_row", count=len(made.projects)) + panels.plain(notes)
        )
    table = project_table(made, works, firm, context.language)
    panels.show_table(
        table, key="plan_table", ids=made.projects["project_id"].tolist(), kind="works", height=330,
        column_config={
            **{
                label("programme", name, context.language): st.column_config.NumberColumn(format=form)
                for name, form in FORMATS.items()
            },
            say(context.language, "share_of_draws"): st.column_config.NumberColumn(format="percent"),
        },
    )  # fmt: skip
    library = library_panel.named(library_panel.current(context, works, made)[0], context.language)
    names = {
        say(context.language, "programme"): table,
        say(context.language, "project_library"): library,
        say(context.language, "money_and_people"): frontier_table(made, context.language),
    }
    paper.offer(context, works, made, question)
    panels.offer_download(
        context,
        names,
        label("page", "programme", context.language),
        **{
            say(context.language, "scenario_budgets"): str(dict(question.budgets)),
            **weighing.told(question, context.language),
        },
    )


def page(context: Context) -> None:
    """Plan which roads to harden in which year."""
    if context.assessment.natural_villages.empty or context.workspace.get("roads") is None:
        st.info(say(context.language, "natural_villages_with_population_and_roa"))
        return
    base = plan_questions.priced(context)
    if base is None:
        return
    context = base
    threshold = plan_questions.threshold_now(context)
    asked = plan_questions.assuming(context, threshold)
    with st.spinner(say(context.language, "joining_the_candidates_into_one_shared")):
        whole = planning.works(context).cost_cny10k
        works = planning.works(asked)
    if not works.tree.project_id and threshold is None:
        st.success(say(context.language, "nothing_to_connect_every_natural_village"))
        return
    question = plan_questions.ask(context, works, whole)
    if threshold is not None:
        plan_questions.tell_assumption(context, threshold, question, works)
    if not works.tree.project_id:
        st.success(say(context.language, "nothing_to_connect_every_natural_village"))
        return
    show(asked, context, works, question, threshold)


def show(context: Context, own: Context, works: Works, question: Question, threshold: int | None) -> None:
    """Show the answer to a question: headline, map, what stands beside it, projects and the library.

    `context` is the one under the threshold that is tried, `own` the page's.
    """
    made = planning.answer(context, question, exact=weighing.is_exact())
    show_headline(made, question, works, context.language)
    tell_change(made, question, threshold, context.language)
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        plan_map.draw(context, works, made, question)
    with right:
        beside, listed, kept = st.tabs(
            [
                say(context.language, "money_and_people_2"),
                say(context.language, "against_your_list"),
                say(context.language, "scenarios"),
            ]
        )
        with beside:
            st.altair_chart(plan_beside.frontier_chart(made, question, context.language))
            st.caption(weighing.next_money(made, question, context.language))
        with listed:
            plan_beside.show_own_list(works, question, made, context.language)
        with kept:
            scenarios.show(own, question, made, threshold)
    show_projects(context, works, made, question)
    library_panel.show(context, works, made)
