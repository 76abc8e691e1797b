"""道路计划: which roads, in which year, and why – with the money on sliders and the distance to the best proven."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from analysis.plan import Programme, compare
from geo.errors import AppError
from views import atlas, library_panel, own_list, panels, paper, planning, scenarios, uploads, weighing
from views.context import Context
from views.labels import Language, label, money, number, percent, say
from views.maps import ClassStyle, LayerState, TileLayer, register_column, register_labels, register_source, show_map
from views.planning import Question, Works

MAP_HEIGHT = 480
YEAR_STYLE = (
    ("#045a8d", ()),
    ("#c8450b", (10, 5)),
    ("#6a3d9a", (3, 5)),
    ("#1b7837", (14, 4, 3, 4)),
    ("#8c510a", (2, 3)),
)
COLUMNS = ("project_id", "year", "people", "poor_people", "length_km", "cost_cny10k", "villages", "after", "why")
VERDICTS = ("certain", "arguable", "out")


def ask(context: Context, works: Works) -> Question:
    """Let the person set years, yearly budgets and what one poor person weighs; everything answers at once."""
    language = context.language
    share = round(works.cost_cny10k / 5, -1) or 100.0
    top = float(max(10.0, round(works.cost_cny10k, -1)))
    first, years, second, third = st.columns([0.7, 0.55, 3, 1])
    start = int(first.number_input(say(language, "first_year"), 2000, 2100, context.day.year, key="plan_start"))
    count = int(years.number_input(say(language, "years"), 1, 5, 3, key="plan_years"))
    with second:
        columns = st.columns(count)
        budgets = []
        for offset, column in enumerate(columns):
            year = start + offset
            with column:
                amount = st.slider(
                    say(language, "budget_cny_10k", year=year),
                    0,
                    int(top),
                    int(min(share, top)),
                    step=10,
                    key=f"plan_money_{offset}",
                )
                budgets.append((year, float(amount)))
    with third:
        weight = st.slider(
            say(language, "weight_of_a_poor_person"),
            0.0,
            5.0,
            0.0,
            0.5,
            key="plan_poor",
            help=say(language, "n_0_everybody_alike_2_a_poor"),
        )
    must, never, more = locks(works, language)
    return Question(tuple(budgets), float(weight), must, never, **more)


def locks(works: Works, language: Language) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Let the person lock natural villages in or out, and weigh more than people."""
    candidates = works.road_plan.candidates
    names = dict(
        zip(
            candidates["natural_village_id"],
            candidates["name"].fillna("") + " · " + candidates["town"].fillna("—"),
            strict=True,
        )
    )
    ids = list(names)
    left, right, last = st.columns([2, 2, 1], vertical_alignment="bottom")
    must = left.multiselect(
        say(language, "must_be_done"),
        ids,
        format_func=names.__getitem__,
        key="plan_in",
        placeholder=say(language, "lock_natural_villages_in_with_the"),
    )
    never = right.multiselect(
        say(language, "leave_out_for_now"),
        ids,
        format_func=names.__getitem__,
        key="plan_out",
        placeholder=say(language, "lock_natural_villages_out"),
    )
    with last:
        more = weighing.ask(language)
    return tuple(must), tuple(never), more


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


def styles(question: Question, language: Language) -> dict[str, ClassStyle]:
    """Give each year a colour and a dash; what is left out is a thin grey."""
    found = {
        str(year): ClassStyle(
            say(language, "in_year", year=year),
            color,
            outline="#ffffff",
            width=4.0,
            radius=6,
            rank=len(question.budgets) - number,
            dash=dash,
        )
        for number, ((year, _), (color, dash)) in enumerate(zip(question.budgets, YEAR_STYLE, strict=False))
    }
    found["later"] = ClassStyle(
        say(language, "not_planned"), "#9aa5ad", "hatch", "#6b6b6b", "#6b6b6b", width=1.4, radius=4, dash=(2, 4)
    )
    return found


@st.cache_resource(show_spinner=False, max_entries=4)
def works_source(key: str, _works: Works) -> tuple[str, str]:
    """Register the lines of all works once per data."""
    del key
    lines = _works.lines
    return register_source(lines, id_field="project_id", kind="line"), register_labels(lines["project_id"].tolist())


def draw(context: Context, works: Works, made: Programme, question: Question) -> None:
    """Draw every work by the year it is done, and the natural villages by the year they are connected."""
    if works.lines.empty:
        return
    classes = styles(question, context.language)
    order = list(classes)
    source, texts = works_source(context.key, works)
    done_in = {name: str(year) for name, year in zip(made.projects["project_id"], made.projects["year"], strict=True)}
    years = works.lines["project_id"].map(lambda name: done_in.get(name, "later"))
    chosen = panels.selected("works")
    layers: list[Any] = []
    states: dict[str, Any] = {}
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        layers.append(
            roads.layer(
                say(context.language, "existing_roads"),
                ClassStyle(say(context.language, "existing_roads"), "#aab4bc", width=1.0),
                interactive=False,
            )
        )
        states["roads"] = atlas.state(roads)
    layers.append(TileLayer("works", say(context.language, "planned_works"), source, "line", style=classes["later"]))
    states["works"] = LayerState(
        columns={"class": register_column(atlas.codes_of(years, order))},
        color_by="class",
        classes=(ClassStyle("", "#00000000", "none"), *classes.values()),
        labels_column=texts,
    )
    candidates = works.road_plan.candidates
    points = atlas.drawn(context, "natural_villages", rows="candidates", frame=candidates)
    if points is not None:
        by_year = planning.villages_by_year(made).reindex(points.ids).fillna("later")
        layers.append(points.layer(say(context.language, "candidate_natural_villages"), classes["later"]))
        states["natural_villages"] = atlas.state(points, values=by_year, classes=classes)
    positions = {name: place for place, name in enumerate(works.lines["project_id"])}
    marked = [("works", positions[chosen])] if chosen in positions else []
    event = show_map(
        atlas.spec_of(context, layers, say(context.language, "road_programme")),
        states,
        key="programme_map",
        height=MAP_HEIGHT,
        selected=marked,
        focus=marked[0] if marked else None,
    )
    panels.take_event(event, "programme_map", {"works": pd.Index(works.lines["project_id"])})


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
    return (lines + rule).properties(height=MAP_HEIGHT - 100)


def project_table(made: Programme, works: Works, firmness: pd.DataFrame | None, language: Language) -> pd.DataFrame:
    """Lay out one row a project, in order of year; with how firmly it stands when that was asked for."""
    names = works.road_plan.natural_villages.set_index("natural_village_id")["name"]
    shown = made.projects.assign(
        villages=made.projects["natural_village_ids"].map(
            lambda ids: "、".join(str(names.get(i, i)) for i in str(ids).split(";") if i)
        )
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
        left.caption(say(context.language, "check_first_its_error_changes_the", what=what))
    else:
        left.caption(
            say(context.language, "projects_by_year_choose_a_row", count=len(made.projects)) + "；".join(made.notes)
        )
    table = project_table(made, works, firm, context.language)
    panels.show_table(table, key="plan_table", ids=made.projects["project_id"].tolist(), kind="works", height=330)
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
    if beside.not_reached:
        st.warning(
            say(
                language,
                "natural_villages_of_the_list_cannot",
                count=len(beside.not_reached),
                not_reached=panels.plain("、".join(beside.not_reached[:5])),
            )
        )
    if beside.swaps.empty:
        st.caption(say(language, "no_single_swap_betters_it"))
        return
    st.caption(say(language, "swaps_do_it", count=len(beside.swaps), people=beside.swapped_people))
    st.dataframe(weighing.swap_table(beside.swaps, works, language), hide_index=True, key="plan_swaps")


def page(context: Context) -> None:
    """Plan which roads to harden in which year."""
    if context.assessment.natural_villages.empty or context.workspace.get("roads") is None:
        st.info(say(context.language, "natural_villages_with_population_and_roa"))
        return
    with st.spinner(say(context.language, "joining_the_candidates_into_one_shared")):
        works = planning.works(context)
    if not works.tree.project_id:
        st.success(say(context.language, "nothing_to_connect_every_natural_village"))
        return
    question = ask(context, works)
    made = planning.answer(context, question, exact=weighing.is_exact())
    show_headline(made, question, works, context.language)
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        draw(context, works, made, question)
    with right:
        beside, own, kept = st.tabs(
            [
                say(context.language, "money_and_people_2"),
                say(context.language, "against_your_list"),
                say(context.language, "scenarios"),
            ]
        )
        with beside:
            st.altair_chart(frontier_chart(made, question, context.language))
            st.caption(weighing.next_money(made, question, context.language))
        with own:
            show_own_list(works, question, made, context.language)
        with kept:
            scenarios.show(context, question, made)
    show_projects(context, works, made, question)
    library_panel.show(context, works, made)
