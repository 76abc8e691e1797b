"""项目与进度: works from gap to closed, their money, and how far the targets of the document are."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from tracker import funds, projects
from tracker.projects import Project
from tracker.status import PROJECT_LABELS
from views import moving, panels
from views.attention import show_wanting
from views.context import Context
from views.labels import label, number, say
from views.moment import Moment, asked_moment, choose_moment, moment_basis, show_moment
from views.pages.funds import show_funds
from views.pages.progress import show_progress
from views.pages.responsibility import show_responsibility
from views.project_card import show_card
from views.proposing import Seed, open_form
from views.recheck import need_label
from views.responsibility import choose_unit, held, units_in, villages_of

COLUMNS = (
    "project_id", "title", "status", "since", "town", "planned_cost_cny10k", "actual_cost_cny10k", "allocation_cny10k",
    "payment_cny10k", "year", "kind", "owner", "planned_length_km", "actual_length_km", "needs", "still_open", "helper_unit",
)  # fmt: skip
PARTS = ("projects", "funds", "targets", "units")
HEIGHT = 440


def in_scope(context: Context, found: list[Project]) -> list[Project]:
    """Keep the projects a person may see: a town clerk those of the own towns."""
    towns = set(context.user.towns)
    return [item for item in found if not towns or item.description.town in towns]


def choose(context: Context, found: list[Project]) -> list[Project]:
    """Narrow the list by town, year, need, unit responsible and status."""
    first, second, third, fourth, fifth, last = st.columns([1, 0.7, 1, 1, 1, 1.5], vertical_alignment="bottom")
    with first:
        town = panels.choose_town(context)
    years = sorted({item.description.year for item in found})
    year = second.selectbox(
        label("programme", "year", context.language),
        years,
        index=None,
        placeholder=say(context.language, "all"),
        key="project_year",
    )
    needs = sorted({need for item in found for _, need in item.description.needs})
    need = third.selectbox(
        label("status", "gap", context.language),
        needs,
        index=None,
        placeholder=say(context.language, "all"),
        format_func=lambda key: need_label(context, key),
        key="project_need",
    )
    owners = sorted({item.description.owner for item in found if item.description.owner})
    owner = fourth.selectbox(
        say(context.language, "responsible"),
        owners,
        index=None,
        placeholder=say(context.language, "all"),
        key="project_owner",
    )
    helped = choose_unit(context, fifth, "project_unit", held(context, asked_moment().as_of or context.office.today))
    with last, st.container(horizontal=True, gap="small"):
        choose_moment(context.language)
        may_enter = context.user.may("edit") and not asked_moment().is_past
        if may_enter and st.button(say(context.language, "new_project"), icon=":material/add:", key="project_new"):
            open_form(context, Seed())
    kept = [item for item in found if town is None or item.description.town == town]
    kept = [item for item in kept if year is None or item.description.year == year]
    kept = [item for item in kept if owner is None or item.description.owner == owner]
    kept = [item for item in kept if helped is None or villages_of(item) & helped]
    return [item for item in kept if need is None or need in {name for _, name in item.description.needs}]


def head(context: Context, name: str) -> str:
    """Name a column of the table of projects."""
    return label("project_column", name, context.language)


def table_of(context: Context, found: list[Project], moment: Moment) -> pd.DataFrame:
    """Make the table of projects with their money, in 万元."""
    sums = funds.totals(
        funds.postings(context.office.ledger, as_of=moment.as_of, known_on=moment.known_on), ["project_id"]
    )
    table = projects.project_table(found)
    for stage in ("allocation", "payment"):
        values = [float(getattr(sums.get((item.project_id,), funds.Sums()), stage)) / 1e4 for item in found]
        table[f"{stage}_cny10k"] = values
    table = table.reindex(columns=list(COLUMNS))
    helping = held(context, moment.as_of or context.office.today, known_on=moment.known_on)
    table["helper_unit"] = [units_in(helping, villages_of(item)) for item in found]
    table["status"] = table["status"].map(lambda key: label("project_status", key, context.language))
    table["kind"] = table["kind"].map(lambda key: label("sector", key, context.language))
    for column, attribute in (("needs", "description"), ("still_open", "")):
        table[column] = [
            say(context.language, "enumeration").join(
                need_label(context, need) for _, need in (item.description.needs if attribute else item.still_open)
            )
            for item in found
        ]
    return table.rename(columns={name: head(context, name) for name in COLUMNS})


def written(context: Context, table: pd.DataFrame) -> Any:
    """Write amounts to two decimals and lengths to three; what is not known is a dash, never a word of the program."""
    decimals = {
        head(context, name): 3 if name.endswith("_km") else 2 for name in COLUMNS if name.endswith(("_cny10k", "_km"))
    }
    return table.style.format({name: partial(number, decimals=places) for name, places in decimals.items()})


def show_projects(context: Context, pills: Any) -> None:
    """Show the list by status, and the card of the one chosen."""
    shown = st.container()
    moment, ledger = asked_moment(), context.office.ledger
    whole = in_scope(context, projects.projects(ledger, as_of=moment.as_of, known_on=moment.known_on))
    with shown:
        kept = choose(context, whole)
    show_moment(moment, context.language)
    counts = {name: sum(item.status == name for item in kept) for name in PROJECT_LABELS}
    with pills:
        keep = panels.choose_classes(
            label("field", "status", context.language), "project_status", counts, context, "project_status"
        )
    kept = [item for item in kept if item.status in keep]
    if not whole:
        key = "no_projects_then" if moment.is_past else "no_projects_yet_click_a_village"
        st.info(say(context.language, key), icon=":material/ads_click:")
        return
    left, right = st.columns([1.45, 1], gap="medium")
    with left:
        table = table_of(context, kept, moment)
        with st.container(height=HEIGHT - 44, border=False, key="project_list"):
            listed = [item.project_id for item in kept]
            panels.show_table(
                written(context, table), key="project_table", ids=listed, kind="projects", height="stretch"
            )
        first, second = st.columns([2.4, 1], vertical_alignment="center")
        first.caption(
            say(
                context.language,
                "projects_planned_paid_cny_10k_click",
                count=len(kept),
                sum=table[head(context, "planned_cost_cny10k")].sum(),
                sum2=table[head(context, "payment_cny10k")].sum(),
            )
        )
        with second:
            panels.offer_download(
                context,
                {label("field", "need", context.language): table},
                label("field", "need", context.language),
                **moment_basis(moment, context.language),
            )
    with right, st.container(height=HEIGHT, border=True, key="project_card"):
        chosen = next((item for item in kept if item.project_id == panels.selected("projects")), None)
        if chosen is None:
            show_wanting(context, kept, moment.as_of or context.office.today)
        else:
            show_card(context, chosen, moment)


def page(context: Context) -> None:
    """Show projects, money, or targets and reports."""
    left, right = st.columns([1.3, 2.2], vertical_alignment="bottom")
    chosen = left.segmented_control(
        say(context.language, "part"), PARTS, default=PARTS[0], format_func=lambda name: label("project_part", name, context.language),
        key="project_part", label_visibility="collapsed",
    )  # fmt: skip
    part = chosen or PARTS[0]
    if moving.show_conflict(context):
        return
    if part == "projects":
        show_projects(context, right)
    elif part == "funds":
        show_funds(context)
    elif part == "targets":
        show_progress(context)
    else:
        show_responsibility(context)
