"""Turn a gap into a project: from a village's card, from a natural village, from a house, or by hand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker.accounts import SECTORS
from tracker.projects import Description, Project, projects, propose
from views import atlas, moving, panels
from views.context import Context
from views.labels import label, say
from views.plain import plain
from views.recheck import CONNECTED, HOUSE, need_label, owner_of, place_name, sector_of

KINDS = (*SECTORS, "other")
OPEN = ("gap", "disputed", "unknown")


@dataclass(frozen=True)
class Seed:
    """What a proposal begins with; everything can be changed in the form."""

    title: str = ""
    kind: str = "transport"
    town: str = ""
    village_id: str = ""
    needs: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    cost_cny10k: float | None = None
    length_km: float | None = None
    basis: dict[str, Any] = field(default_factory=dict)


def cny_of(cny10k: float | None) -> Decimal | None:
    """Turn 万元 into yuan to the cent; unknown stays unknown.

    >>> cny_of(12.34567)
    Decimal('123456.70')
    """
    return None if cny10k is None else (Decimal(str(cny10k)) * 10000).quantize(Decimal("0.01"))


def seed_of_village(context: Context, village_id: str, need: str) -> Seed:
    """Begin a project that closes one gap of a village; its other open needs can be added."""
    rows = context.assessment.findings
    rows = rows[rows["unit_id"] == village_id]
    parts = {item.id for item in context.policy.needs if item.kind != "all"}
    is_open = rows["need"].isin(parts) & rows["status"].isin(OPEN)
    options = tuple((village_id, name) for name in rows.loc[is_open, "need"])
    chosen = ((village_id, need),) if need in parts else ()
    name = place_name(context, village_id)
    return Seed(
        title=f"{name}{need_label(context, need)}",
        kind=sector_of(context, need),
        town=_town(context, "villages", "village_id", village_id),
        village_id=village_id,
        needs=chosen,
        options=tuple(dict.fromkeys([*chosen, *options])),
        owner=owner_of(context, need),
        basis=_basis(context),
    )


def seed_of_natural_village(context: Context, natural_village_id: str) -> Seed:
    """Begin a road project for a natural village, with the length and cost the assessment estimated."""
    rows = context.assessment.natural_villages
    row = rows[rows["natural_village_id"] == natural_village_id].iloc[0]
    need = (natural_village_id, CONNECTED)
    lengths = [float(row[name]) for name in ("gap_km", "new_km") if pd.notna(row[name])]
    village = row["village_id"] if isinstance(row["village_id"], str) else ""
    return Seed(
        title=say(context.language, "proposal_road", name=row["name"]),
        kind="transport",
        town=row["town"] if isinstance(row["town"], str) else "",
        village_id=village,
        needs=(need,),
        options=(need,),
        owner=owner_of(context, CONNECTED),
        cost_cny10k=float(row["cost_cny10k"]) if pd.notna(row["cost_cny10k"]) else None,
        length_km=round(sum(lengths), 3) if lengths else None,
        basis=_basis(context),
    )


def seed_of_house(context: Context, household_id: str, village_id: str, town: str) -> Seed:
    """Begin a renovation project for a dangerous house; the other dangerous houses of the village can be added."""
    rows = context.assessment.housing
    others = rows.loc[rows["village_id"] == village_id, "household_id"] if len(rows) else []
    chosen = (household_id, HOUSE)
    return Seed(
        title=say(context.language, "proposal_house", it=place_name(context, village_id) if village_id else town),
        kind="housing",
        town=town,
        village_id=village_id,
        needs=(chosen,),
        options=tuple(dict.fromkeys([chosen, *((str(unit), HOUSE) for unit in others)])),
        owner=owner_of(context, HOUSE),
        basis=_basis(context),
    )


def existing(context: Context) -> dict[tuple[str, str], list[Project]]:
    """Give the projects not cancelled that already stand for a need."""
    found: dict[tuple[str, str], list[Project]] = {}
    for project in projects(context.office.ledger):
        if project.status != "cancelled":
            for need in project.description.needs:
                found.setdefault(need, []).append(project)
    return found


def offer_village(context: Context, village_id: str, need: str, status: str) -> None:
    """Put a button on a village's card: propose a project, or say which one already stands for this need."""
    if status in OPEN:
        _offer(context, (village_id, need), lambda: seed_of_village(context, village_id, need))


def offer_natural_village(context: Context, natural_village_id: str, state: str) -> None:
    """Put a button on a natural village's card."""
    if state != "connected":
        _offer(context, (natural_village_id, CONNECTED), lambda: seed_of_natural_village(context, natural_village_id))


def offer_house(context: Context, household_id: str, village_id: str, town: str) -> None:
    """Put a button on the card of a dangerous house."""
    _offer(context, (household_id, HOUSE), lambda: seed_of_house(context, household_id, village_id, town))


def _offer(context: Context, need: tuple[str, str], make: Any) -> None:
    for project in existing(context).get(need, []):
        st.caption(
            panels.plain(
                say(
                    context.language,
                    "there_is_project",
                    project_id=project.project_id,
                    title=project.description.title,
                    status=label("project_status", project.status, context.language),
                    since=project.since,
                )
            )
        )
    if context.user.may("edit", sector=sector_of(context, need[1])) and st.button(
        say(context.language, "propose"), icon=":material/add_task:", key=f"propose_{need[0]}_{need[1]}", type="primary"
    ):
        open_form(context, make())


def open_form(context: Context, seed: Seed) -> None:
    """Open the form of a proposal."""
    st.dialog(say(context.language, "propose_enter_as_a_reserve_project"), width="large")(show_form)(context, seed)


def show_form(context: Context, seed: Seed) -> None:
    """Let the person complete and enter a proposal; sent twice, it is entered once."""
    towns = [town for town in atlas.town_names(context.workspace) if context.user.may("edit", town=town)]
    with st.form("proposal", border=False):
        title = st.text_input(say(context.language, "title"), seed.title, max_chars=120)
        first, second, third = st.columns(3)
        kind = first.selectbox(
            label("field", "kind", context.language),
            KINDS,
            index=KINDS.index(seed.kind),
            format_func=lambda key: label("sector", key, context.language),
        )
        town = second.selectbox(
            label("field", "town", context.language),
            towns,
            index=towns.index(seed.town) if seed.town in towns else (0 if len(towns) == 1 else None),
            placeholder=say(context.language, "choose"),
        )
        year = third.number_input(say(context.language, "planned_year"), 2000, 2100, context.day.year, step=1)
        needs = choose_needs(context, seed, seed.town or None)
        first, second, third = st.columns(3)
        owner = first.text_input(
            say(context.language, "responsible"),
            seed.owner,
            max_chars=120,
            help=say(context.language, "filled_in_where_the_document_names"),
        )
        cost = second.number_input(
            say(context.language, "planned_cost_cny_10k"),
            min_value=0.0,
            value=seed.cost_cny10k,
            step=0.1,
            format="%.2f",
            help=say(context.language, "blank_not_known_yet"),
        )
        length = third.number_input(
            say(context.language, "planned_length_km"), min_value=0.0, value=seed.length_km, step=0.01, format="%.3f"
        )
        note = st.text_input(say(context.language, "remark"), max_chars=300)
        at = moving.ask_day(context, say(context.language, "day_of_the_meeting_or_approval"))
        if st.form_submit_button(say(context.language, "enter_as_a_reserve_project"), type="primary"):
            villages = _villages_of(context, needs) or ((seed.village_id,) if seed.village_id else ())
            town = town or _town_of(context, villages)
            described = Description(
                title.strip(), kind, town or "", int(year), villages, tuple(needs), owner.strip(), cny_of(cost), length, seed.basis, note
            )  # fmt: skip
            _enter(context, described, at)


def _enter(context: Context, described: Description, at: date) -> None:
    if not described.town and context.user.towns:
        st.error(say(context.language, "please_choose_a_town"))
        return
    try:
        number = propose(
            context.office.ledger, described, at=at, by=context.user.username, event_id=moving.form_id("proposal")
        )
    except AppError as error:
        st.error(plain(error))
        return
    st.session_state.pop("form_proposal", None)
    st.session_state[moving.NOTICE] = (
        "success",
        say(context.language, "is_entered_go_on_under_projects", number=number, title=described.title),
    )
    panels.select("projects", number)
    st.rerun()


def _town_of(context: Context, villages: Iterable[str]) -> str:
    """Return the one town some villages lie in, empty where there are several or none."""
    frame = context.frame("villages")
    towns = set(frame.loc[frame["village_id"].isin(list(villages)), "town"].dropna())
    return str(next(iter(towns))) if len(towns) == 1 else ""


def choose_needs(context: Context, seed: Seed, town: str | None) -> list[tuple[str, str]]:
    """Let the person choose which gaps the project closes: the seed's, or any of the county's or town's.

    `town` must be the same at every drawing of a form, not what another field of it says: with other options the choice is lost.
    """
    options = list(seed.options) or open_needs(context, town)
    names = _names(context)
    texts = {
        need: f"{names.get(need[0], need[0])} · {need_label(context, need[1])}"
        for need in dict.fromkeys([*seed.needs, *options])
    }
    return st.multiselect(
        say(context.language, "which_gaps_it_closes_one_project"),
        list(texts),
        list(seed.needs),
        format_func=texts.__getitem__,
        placeholder=say(context.language, "search_village_or_need"),
        select_all=False,
    )


def open_needs(context: Context, town: str | None) -> list[tuple[str, str]]:
    """List every open need of villages and every natural village without a paved road, of a town if given."""
    parts = {item.id for item in context.policy.needs if item.kind != "all"}
    rows = context.assessment.findings
    rows = rows[rows["need"].isin(parts) & rows["status"].isin(OPEN) & (rows["unit_kind"] == "village")]
    natural = context.assessment.natural_villages
    natural = natural[natural["state"].isin(["harden", "build"])]
    if town:
        rows, natural = rows[rows["town"] == town], natural[natural["town"] == town]
    found = list(zip(rows["unit_id"], rows["need"], strict=True))
    return [*found, *((unit, CONNECTED) for unit in natural["natural_village_id"])]


def _names(context: Context) -> dict[str, str]:
    names: dict[str, str] = {}
    for layer, key in (("natural_villages", "natural_village_id"), ("villages", "village_id")):
        frame = context.frame(layer)
        if len(frame):
            names.update(zip(frame[key], frame["name"].fillna(""), strict=True))
    return names


def _villages_of(context: Context, needs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    natural = context.frame("natural_villages")
    parent = dict(zip(natural["natural_village_id"], natural["village_id"], strict=True)) if len(natural) else {}
    known = set(context.frame("villages")["village_id"]) if len(context.frame("villages")) else set()
    found = [unit if unit in known else parent.get(unit) for unit, need in needs if need != HOUSE]
    return tuple(dict.fromkeys(unit for unit in found if isinstance(unit, str)))


def _town(context: Context, layer: str, key: str, unit: str) -> str:
    frame = context.frame(layer)
    names = dict(zip(frame[key], frame["town"], strict=True)) if len(frame) else {}
    found = names.get(unit)
    return found if isinstance(found, str) else ""


def _basis(context: Context) -> dict[str, Any]:
    """Say which assessment proposed the project, so that the figure can be traced later."""
    done = context.assessment
    return {
        "policy_id": done.policy_id,
        "policy_digest": done.policy_digest,
        "workspace_digest": done.workspace_digest,
        "day": done.day.isoformat(),
    }
