"""Helper units: who answers for a village, what is open and overdue in the villages of each unit."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from tracker import houses, projects
from tracker.houses import House
from tracker.projects import Project
from tracker.responsibility import Responsibility, responsibilities
from views import panels
from views.context import Context
from views.house_card import deadline
from views.labels import label, say
from views.recheck import need_label

COLUMNS = (
    "unit", "person", "villages", "gaps", "unknown", "projects", "projects_late", "houses", "houses_late",
)  # fmt: skip
ITEM_COLUMNS = ("unit", "town", "village", "what", "item", "status", "since", "late")
FINISHED = ("completed", "accepted", "closed", "cancelled")


def head(name: str, context: Context) -> str:
    """Name a column of these tables."""
    return label("responsibility", name, context.language)


def held(context: Context, day: date, *, known_on: date | None = None) -> list[Responsibility]:
    """Return who answers on a day for the villages this person may see."""
    villages = context.frame("villages")
    seen = set(villages["village_id"]) if len(villages) else set()
    return [item for item in responsibilities(context.office.ledger, day, known_on=known_on) if item.village_id in seen]


def show_units(context: Context, village: str) -> None:
    """Say on the card of a village who answers for it today."""
    found = [item for item in held(context, context.office.today) if item.village_id == village]
    if found:
        texts = [
            say(context.language, "unit_of_village", unit=item.unit, person=item.person or "—", since=item.since)
            for item in found
        ]
        st.caption(panels.plain(f"{head('unit', context)}：{'；'.join(texts)}"))


def choose_unit(context: Context, place: Any, key: str, found: list[Responsibility]) -> set[str] | None:
    """Let the person keep the villages of one helper unit; None keeps all."""
    chosen = place.selectbox(
        head("unit", context), sorted({item.unit for item in found}), index=None,
        placeholder=say(context.language, "all"), key=key,
    )  # fmt: skip
    return None if chosen is None else {item.village_id for item in found if item.unit == chosen}


def villages_of(project: Project) -> set[str]:
    """Return the villages a project is for: those named, and those whose own gap it is to close."""
    return {*project.description.village_ids, *(unit for unit, _ in project.description.needs)}


def units_in(found: Iterable[Responsibility], villages: Collection[str]) -> str:
    """Return the helper units of some villages as one text."""
    return "、".join(dict.fromkeys(item.unit for item in found if item.village_id in villages))


def is_late(project: Project, day: date) -> bool:
    """Tell whether a project should have been finished: the year it was planned for is over and it is not completed."""
    return project.status not in FINISHED and day.year > project.description.year


def items(
    context: Context, found: list[Responsibility], day: date, *, known_on: date | None = None, as_of: date | None = None
) -> pd.DataFrame:
    """List what is open in the villages of every unit: gaps of the assessment, projects, dangerous houses."""
    villages = context.frame("villages").set_index("village_id")
    units: dict[str, list[str]] = {}
    for item in found:
        units.setdefault(item.village_id, []).append(item.unit)
    rows = [
        (unit, villages.at[village, "town"], villages.at[village, "name"], *rest, village)
        for village, *rest in [
            *_gaps(context, units),
            *_projects(context, units, day, as_of, known_on),
            *_houses(context, units, day, as_of, known_on),
        ]
        for unit in units[village]
    ]
    return pd.DataFrame(rows, columns=[*ITEM_COLUMNS, "village_id"]).sort_values(
        ["unit", "town", "village", "what"], kind="stable", ignore_index=True
    )


def _gaps(context: Context, units: Collection[str]) -> list[tuple[Any, ...]]:
    rows = context.assessment.findings
    parts = {need.id for need in context.policy.needs if need.kind != "all"}
    rows = rows[rows["unit_id"].isin(list(units)) & rows["need"].isin(parts) & rows["status"].isin(("gap", "unknown"))]
    since = context.day.isoformat()
    return [(r.unit_id, "gap", need_label(context, r.need), r.status, since, False) for r in rows.itertuples()]


def _projects(
    context: Context, units: Collection[str], day: date, as_of: date | None, known_on: date | None
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for project in projects.projects(context.office.ledger, as_of=as_of, known_on=known_on):
        if project.status in {"closed", "cancelled"}:
            continue
        text = f"{project.project_id} {project.description.title}"
        rest = ("project", text, project.status, project.since.isoformat(), is_late(project, day))
        rows.extend((village, *rest) for village in sorted(villages_of(project) & set(units)))
    return rows


def _houses(
    context: Context, units: Collection[str], day: date, as_of: date | None, known_on: date | None
) -> list[tuple[Any, ...]]:
    limit = deadline(context)
    found: list[House] = houses.houses(context.office.ledger, as_of=as_of, known_on=known_on)
    return [
        (house.village_id, "house", house.household_id, house.status, house.since.isoformat(), bool(limit and day > limit))
        for house in found
        if house.is_open and house.village_id in units
    ]  # fmt: skip


def unit_table(found: list[Responsibility], listed: pd.DataFrame) -> pd.DataFrame:
    """Count for every unit its villages and what is open and overdue in them; one row a unit."""
    rows = []
    for unit in sorted({item.unit for item in found}):
        own = [item for item in found if item.unit == unit]
        part = listed[listed["unit"] == unit]
        people = "、".join(dict.fromkeys(item.person for item in own if item.person))
        kinds = {name: part[part["what"] == name] for name in ("gap", "project", "house")}
        rows.append(
            (
                unit, people, len({item.village_id for item in own}),
                int((kinds["gap"]["status"] == "gap").sum()), int((kinds["gap"]["status"] == "unknown").sum()),
                kinds["project"]["item"].nunique(), kinds["project"].loc[kinds["project"]["late"].astype(bool), "item"].nunique(),
                len(kinds["house"]), int(kinds["house"]["late"].astype(bool).sum()),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def without_unit(context: Context, found: list[Responsibility]) -> pd.DataFrame:
    """List the villages of the document's list (or, without a list, all) that nobody answers for."""
    villages = context.frame("villages")
    listed = villages[villages["list_type"].isin(("poor", "key"))] if "list_type" in villages else villages.iloc[:0]
    rows = listed if len(listed) else villages
    rows = rows[~rows["village_id"].isin([item.village_id for item in found])]
    table = rows[["village_id", "name", "town"]].sort_values(["town", "village_id"], ignore_index=True)
    return table.rename(columns={"village_id": head("village_id", context), "name": head("village", context), "town": head("town", context)})  # fmt: skip


def shown_items(context: Context, listed: pd.DataFrame, *, with_households: bool) -> pd.DataFrame:
    """Write the open items as people read them; single households only for who may see them."""
    table = listed if with_households else listed[listed["what"] != "house"]
    groups = {"gap": "status", "project": "project_status", "house": "house_status"}
    language = context.language
    written = [
        label(groups[what], status, language) for what, status in zip(table["what"], table["status"], strict=True)
    ]
    late = [label("yes_no", "yes", language) if is_so else "" for is_so in table["late"]]
    table = table.assign(status=written, late=late, what=[head(f"what_{what}", context) for what in table["what"]])
    return table[list(ITEM_COLUMNS)].rename(columns={name: head(name, context) for name in ITEM_COLUMNS})
