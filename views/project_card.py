"""The card of one project: what it is, what may come next, its money, its history."""

from typing import Any

import streamlit as st

from tracker import projects, status
from tracker.funds import postings, totals
from tracker.projects import Project
from tracker.status import PROJECT_LABELS, PROJECT_STEPS, Rule
from views import moving, panels, steps
from views.context import Context
from views.labels import Language, label, money, number, say
from views.moment import NOW, Moment
from views.proposing import KINDS, Seed, choose_needs, cny_of
from views.recheck import data_day, need_label, place_name, standings, still_open

COLORS = {
    "reserve": "gray", "approved": "violet", "tendered": "violet", "started": "orange", "completed": "blue", "accepted": "blue",
    "closed": "green", "cancelled": "gray",
}  # fmt: skip
BACK = {("closed", "started"): "project_again", ("cancelled", "reserve"): "project_reserve_again"}
TABS = ("facts", "next", "history", "amend")


def may_edit(context: Context, project: Project) -> bool:
    """Tell whether the person may change this project: role, town and sector."""
    about = project.description
    return context.user.may("edit", town=about.town or None, sector=about.kind)


def show_card(context: Context, project: Project, moment: Moment = NOW) -> None:
    """Show the project; nothing can be changed while another day is looked at."""
    about = project.description
    st.markdown(f"#### {panels.plain(about.title)}")
    with st.container(horizontal=True, gap="small"):
        panels.show_badge(label("project_status", project.status, context.language), COLORS[project.status])
        st.caption(
            panels.plain(
                say(
                    context.language,
                    "project_line",
                    project_id=project.project_id,
                    kind=label("sector", about.kind, context.language),
                    it=about.town or say(context.language, "no_town"),
                    year=about.year,
                )
            )
        )
    is_past = moment.is_past
    can_edit = not is_past and may_edit(context, project)
    subject = f"project:{project.project_id}"
    if not is_past:
        moving.show_changed(context, subject)
    tabs = TABS if can_edit else ("facts", "history")
    chosen = st.segmented_control(
        say(context.language, "what_to_see"), tabs, default="facts", format_func=lambda name: label("card_tab", name, context.language),
        key="project_tab", label_visibility="collapsed",
    ) or "facts"  # fmt: skip
    if chosen == "next":
        show_next(context, project)
    elif chosen == "history":
        steps.show_history(context, subject, can_edit=can_edit, moment=moment)
    elif chosen == "amend":
        show_amend(context, project)
    else:
        show_facts(context, project, moment)


def show_facts(context: Context, project: Project, moment: Moment = NOW) -> None:
    """Show the facts, the money, and what the map says of every need."""
    about = project.description
    known = postings(context.office.ledger, as_of=moment.as_of, known_on=moment.known_on)
    money_of = totals([item for item in known if item.project_id == project.project_id])[()]
    planned = None if about.planned_cost_cny is None else float(about.planned_cost_cny) / 1e4
    actual = None if project.actual_cost_cny is None else float(project.actual_cost_cny) / 1e4
    length = say(
        context.language,
        "planned_actual_km",
        planned_length_km=number(about.planned_length_km, 3),
        actual_length_km=number(project.actual_length_km, 3),
    )
    pairs = [
        (say(context.language, "responsible"), about.owner or say(context.language, "not_given")),
        (
            say(context.language, "cost"),
            say(
                context.language,
                "planned_actual",
                planned=money(planned, context.language),
                actual=money(actual, context.language),
            ),
        ),
        (
            say(context.language, "funds"),
            say(
                context.language,
                "allocated_paid",
                allocation=money(float(money_of.allocation) / 10000.0, context.language),
                payment=money(float(money_of.payment) / 10000.0, context.language),
            ),
        ),
        (
            say(context.language, "project_length"),
            length if about.planned_length_km is not None or project.actual_length_km is not None else "—",
        ),
        (
            say(context.language, "days_of_steps"),
            say(context.language, "comma").join(
                f"{label('project_status', name, context.language)} {day}"
                for name, day in sorted(project.dates.items(), key=lambda item: item[1])
            ),
        ),
        (
            say(context.language, "basis"),
            say(
                context.language,
                "basis_policy_day",
                get=about.basis.get("policy_id", ""),
                get2=about.basis.get("day", ""),
            )
            if about.basis
            else say(context.language, "entered_by_hand"),
        ),
    ]
    if about.note:
        pairs.append((say(context.language, "remark"), about.note))
    for heading, text in pairs:
        left, right = st.columns([1, 4], gap="small")
        left.caption(heading)
        right.text(text)
    show_recheck(context, project)


def show_recheck(context: Context, project: Project) -> list[tuple[str, str]]:
    """Show what the map says of every need of the project, and return what is still open."""
    found = standings(context, project.description.needs)
    if not found:
        st.caption(say(context.language, "no_gap_is_tied_to_it"))
        return []
    st.markdown(say(context.language, "checked_on_the_map_as_of", day=context.day))
    for item in found:
        left, right = st.columns([1, 4], gap="small")
        with left:
            panels.show_status(item.status, context)
        right.text(f"{item.place} · {item.label}")
    if project.still_open:
        names = say(context.language, "enumeration").join(
            f"{place_name(context, unit)} {need_label(context, need)}" for unit, need in project.still_open
        )
        st.caption(panels.plain(say(context.language, "gaps_the_map_still_showed_when", names=names)))
    late = data_day(context, project)
    if late:
        st.warning(late, icon=":material/update:")
    return still_open(found)


def show_next(context: Context, project: Project) -> None:
    """Offer the allowed next steps only, each with what it must bring."""
    options = status.next_steps(project.status, of=PROJECT_STEPS)
    texts = {to: _step_text(context, project.status, to) for to in options}
    to = st.segmented_control(
        say(context.language, "next_step"),
        list(texts),
        default=next(iter(texts)),
        format_func=texts.__getitem__,
        key=f"to_{project.project_id}_{project.status}",
    )
    if to is None:
        return
    rule = options[to]
    name = f"move_{project.project_id}_{project.status}_{to}"
    remaining = show_recheck(context, project) if to == "closed" else []
    if remaining:
        st.error(
            say(context.language, "the_map_still_shows_gaps_above"),
            icon=":material/error:",
        )
    with st.form(name, border=False):
        moving.ask_day(context, say(context.language, "day"), key=f"{name}_at")
        _ask_details(project, context.language, rule, to, name)
        moving.ask_reason_and_evidence(
            context.language,
            name,
            needs_reason=rule.needs_reason or bool(remaining),
            needs_evidence=rule.needs_evidence,
        )
        st.form_submit_button(
            say(context.language, "enter_step", texts=texts[to]),
            type="primary",
            on_click=_move,
            args=(context, project, to, name, remaining),
        )


def _step_text(context: Context, before: str, to: str) -> str:
    back, order = BACK.get((before, to)), list(PROJECT_LABELS)
    if back:
        return say(context.language, back)
    step = label("project_status", to, context.language)
    is_back = to != "cancelled" and order.index(to) < order.index(before)
    return say(context.language, "step_back", step=step) if is_back else step


def _ask_details(project: Project, language: Language, rule: Rule, to: str, name: str) -> None:
    about = project.description
    if "owner" in rule.fields:
        st.text_input(say(language, "responsible_required"), about.owner, key=f"{name}_owner", max_chars=120)
    if "planned_cost_cny" in rule.fields:
        st.number_input(
            say(language, "planned_cost_cny_10k_required"),
            min_value=0.0,
            value=_cny10k(about.planned_cost_cny),
            step=0.1,
            format="%.4f",
            key=f"{name}_planned",
        )
    if to in {"completed", "accepted"}:
        left, right = st.columns(2)
        must = say(language, "required") if "actual_cost_cny" in rule.fields else ""
        left.number_input(
            say(language, "actual_cost_cny_10k", must=must),
            min_value=0.0,
            value=_cny10k(project.actual_cost_cny),
            step=0.1,
            format="%.4f",
            key=f"{name}_cost",
        )
        right.number_input(
            say(language, "actual_length_km"),
            min_value=0.0,
            value=project.actual_length_km,
            step=0.01,
            format="%.3f",
            key=f"{name}_length",
        )


def _cny10k(value: Any) -> float | None:
    return None if value is None else float(value) / 10000


def _move(context: Context, project: Project, to: str, name: str, remaining: list[tuple[str, str]]) -> None:
    """Enter a step with what the form holds: owner and planned cost first, when they were changed there."""
    state, ledger, by = st.session_state, context.office.ledger, context.user.username
    if remaining and not state[f"{name}_reason"].strip():
        gaps = say(context.language, "enumeration").join(
            f"{place_name(context, unit)} {need_label(context, need)}" for unit, need in remaining
        )
        state[moving.NOTICE] = ("error", say(context.language, "the_map_still_shows_gaps_to", gaps=gaps))
        return
    at, reason, key = state[f"{name}_at"], state[f"{name}_reason"], moving.form_id(name)
    uploads, text = state.get(f"{name}_files"), state.get(f"{name}_text", "")
    about = project.description
    owner, planned = (
        state.get(f"{name}_owner", about.owner),
        cny_of(state.get(f"{name}_planned", _cny10k(about.planned_cost_cny))),
    )
    is_new = owner.strip() != about.owner or planned != about.planned_cost_cny
    cost, length = cny_of(state.get(f"{name}_cost")), state.get(f"{name}_length")

    def work(version: int | None) -> object:
        proof = moving.kept_evidence(context, uploads or [], text)
        if is_new:
            version = projects.amend(
                ledger, project.project_id, at=at, by=by, expected_version=version or 0, owner=owner.strip(), planned_cost_cny=planned
            )  # fmt: skip
            st.session_state[f"seen_project:{project.project_id}"] = version
        return projects.move(
            ledger, project.project_id, to, at=at, by=by, reason=reason, evidence=proof, actual_cost_cny=cost,
            actual_length_km=length, still_open=remaining, expected_version=version, event_id=key,
        )  # fmt: skip

    mine = {
        say(context.language, "step"): label("project_status", to, context.language),
        say(context.language, "day"): str(at),
        say(context.language, "reason"): reason or "—",
        say(context.language, "evidence"): text or "—",
    }
    moving.save(
        context,
        name,
        f"project:{project.project_id}",
        mine,
        work,
        say(
            context.language, "entered", project_id=project.project_id, to=label("project_status", to, context.language)
        ),
    )


def show_amend(context: Context, project: Project) -> None:
    """Offer to change what the project is; the former description stays in the history."""
    about = project.description
    name = f"amend_{project.project_id}"
    with st.form(name, border=False):
        st.text_input(say(context.language, "title"), about.title, key=f"{name}_title", max_chars=120)
        left, right = st.columns(2)
        left.selectbox(
            label("field", "kind", context.language),
            KINDS,
            index=KINDS.index(about.kind) if about.kind in KINDS else 0,
            format_func=lambda key: label("sector", key, context.language),
            key=f"{name}_kind",
        )
        right.number_input(say(context.language, "planned_year"), 2000, 2100, about.year, step=1, key=f"{name}_year")
        st.text_input(say(context.language, "responsible"), about.owner, key=f"{name}_owner", max_chars=120)
        left, right = st.columns(2)
        left.number_input(
            say(context.language, "planned_cost_cny_10k"),
            min_value=0.0,
            value=_cny10k(about.planned_cost_cny),
            step=0.1,
            format="%.4f",
            key=f"{name}_cost",
        )
        right.number_input(
            say(context.language, "planned_length_km"),
            min_value=0.0,
            value=about.planned_length_km,
            step=0.01,
            format="%.3f",
            key=f"{name}_length",
        )
        needs = choose_needs(context, Seed(needs=about.needs, town=about.town), about.town)
        st.text_input(say(context.language, "remark_why_it_changes"), about.note, key=f"{name}_note", max_chars=300)
        if st.form_submit_button(say(context.language, "enter_the_change"), type="primary"):
            _amend(context, project, name, needs)


def _amend(context: Context, project: Project, name: str, needs: list[tuple[str, str]]) -> None:
    state = st.session_state
    changes = {
        "title": state[f"{name}_title"].strip(), "kind": state[f"{name}_kind"], "year": int(state[f"{name}_year"]),
        "owner": state[f"{name}_owner"].strip(), "planned_cost_cny": cny_of(state[f"{name}_cost"]),
        "planned_length_km": state[f"{name}_length"], "needs": tuple(needs), "note": state[f"{name}_note"],
    }  # fmt: skip

    def work(version: int | None) -> object:
        return projects.amend(
            context.office.ledger, project.project_id, at=context.office.today, by=context.user.username,
            expected_version=version or 0, **changes,
        )  # fmt: skip

    mine = {
        label("field", "name", context.language): changes["title"],
        say(context.language, "responsible"): changes["owner"],
        say(context.language, "planned_cost"): say(
            context.language, "amount_cny", it=changes["planned_cost_cny"] or "—"
        ),
    }
    moving.save(
        context,
        name,
        f"project:{project.project_id}",
        mine,
        work,
        say(context.language, "is_changed_what_it_said_can", project_id=project.project_id),
    )
    st.rerun()
