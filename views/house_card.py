"""The card of one dangerous house: where it stands, what may come next, its history. Personal: internal only."""

from datetime import date
from typing import Any

import streamlit as st

from tracker import houses, status
from tracker.houses import House
from tracker.status import CLOSE_REASONS, HOUSE_STEPS, TREATMENTS, Rule
from views import moving, panels, steps
from views.context import Context
from views.labels import label, say
from views.moment import Moment
from views.proposing import offer_house
from views.recheck import place_name

COLORS = {
    "found": "red",
    "appraised": "orange",
    "planned": "violet",
    "under_works": "orange",
    "accepted": "blue",
    "closed": "green",
}
BACK = {
    ("accepted", "under_works"): "house_back_works",
    ("planned", "appraised"): "house_back_appraised",
    ("closed", "found"): "house_back_found",
}
TABS = ("facts", "next", "history")


def notice_days(context: Context) -> int:
    """Give the full days of public notice the document asks for before a renovated house is closed; 0 when none."""
    return int(context.policy.tables.get("notice", {}).get("days", 0))


def deadline(context: Context) -> date | None:
    """Give the document's day by which the houses are to be done."""
    found = context.policy.tables.get("housing", {}).get("deadline")
    return found if isinstance(found, date) else (date.fromisoformat(str(found)) if found else None)


def show_card(context: Context, house: House, *, moment: Moment, day: date) -> None:
    """Show the house; nothing can be changed while another day is looked at."""
    st.markdown(say(context.language, "card_of_house", household_id=panels.plain(house.household_id)))
    with st.container(horizontal=True, gap="small"):
        panels.show_badge(label("house_status", house.status, context.language), COLORS[house.status])
        limit = deadline(context)
        if limit is not None and house.is_open and day > limit:
            panels.show_badge(say(context.language, "days_overdue", days=(day - limit).days), "red")
        st.caption(
            panels.plain(
                f"{house.town} · {(place_name(context, house.village_id) if house.village_id else say(context.language, 'village_not_registered'))}"
            )
        )
    is_past = moment.is_past
    can_edit = not is_past and context.user.may("edit", town=house.town or None, sector="housing")
    subject = f"house:{house.household_id}"
    if not is_past:
        moving.show_changed(context, subject)
    tabs = TABS if can_edit else ("facts", "history")
    chosen = st.segmented_control(
        say(context.language, "what_to_see"), tabs, default="facts", format_func=lambda name: label("card_tab", name, context.language),
        key="house_tab", label_visibility="collapsed",
    ) or "facts"  # fmt: skip
    if chosen == "next":
        show_next(context, house)
    elif chosen == "history":
        steps.show_history(context, subject, can_edit=can_edit, moment=moment)
    else:
        show_facts(context, house, is_past=is_past)


def show_facts(context: Context, house: House, *, is_past: bool) -> None:
    """Show what the ledger knows of the house, and what the assessment proposes."""
    limit = deadline(context)
    table = context.policy.tables.get("housing", {})
    pairs = [
        (
            say(context.language, "grade"),
            label("grade", house.grade, context.language) if house.grade else say(context.language, "not_registered"),
        ),
        (
            say(context.language, "treatment"),
            label("treatment", house.treatment, context.language)
            if house.treatment
            else say(context.language, "not_decided"),
        ),
        (
            say(context.language, "reason_closed"),
            label("close_reason", house.close_reason, context.language) if house.close_reason else "—",
        ),
        (
            say(context.language, "days_of_steps"),
            say(context.language, "comma").join(
                f"{label('house_status', name, context.language)} {at}"
                for name, at in sorted(house.dates.items(), key=lambda item: item[1])
            ),
        ),
        (
            say(context.language, "deadline_2"),
            f"{limit}（{table.get('reference', '')}）"
            if limit
            else say(context.language, "the_document_names_no_deadline"),
        ),
    ]
    rows = context.assessment.housing
    found = rows[rows["household_id"] == house.household_id] if len(rows) else rows
    if len(found):
        row = found.iloc[0]
        pairs.append(
            (
                label("field", "treatment", context.language),
                say(context.language, "treatment_clause", treatment=row["treatment"], clause=row["clause"])
                if isinstance(row["treatment"], str) and row["treatment"]
                else "—",
            )
        )
        if isinstance(row["hazard"], str) and row["hazard"]:
            pairs.append((label("field", "hazard", context.language), row["hazard"]))
    else:
        pairs.append((say(context.language, "latest_register"), say(context.language, "does_not_list_this_house_as")))
    for heading, text in pairs:
        left, right = st.columns([1, 4], gap="small")
        left.caption(heading)
        right.text(text)
    if house.is_open and not is_past:
        offer_house(context, house.household_id, house.village_id, house.town)
    if house.status == "closed" and len(found):
        st.warning(
            say(context.language, "closed_yet_the_latest_register_still"),
            icon=":material/warning:",
        )


def step_name(context: Context, before: str, to: str) -> str:
    """Name a step of a house; a step back says so."""
    back = BACK.get((before, to))
    return say(context.language, back) if back else label("house_status", to, context.language)


def show_next(context: Context, house: House) -> None:
    """Offer the allowed next steps only, each with what it must bring."""
    options = status.next_steps(house.status, of=HOUSE_STEPS)
    texts = {to: step_name(context, house.status, to) for to in options}
    to = st.segmented_control(
        say(context.language, "next_step"),
        list(texts),
        default=next(iter(texts)),
        format_func=texts.__getitem__,
        key=f"to_{house.household_id}_{house.status}",
    )
    if to is None:
        return
    rule = options[to]
    name = f"house_{house.household_id}_{house.status}_{to}"
    with st.form(name, border=False):
        moving.ask_day(context, say(context.language, "day"), key=f"{name}_at")
        _ask_details(context, house, to, rule, name)
        moving.ask_reason_and_evidence(
            context.language, name, needs_reason=rule.needs_reason, needs_evidence=rule.needs_evidence
        )
        st.form_submit_button(
            say(context.language, "enter_step", texts=texts[to]),
            type="primary",
            on_click=_move,
            args=(context, house, to, name),
        )


def _ask_details(context: Context, house: House, to: str, rule: Rule, name: str) -> None:
    if "grade" in rule.fields:
        grades = ["D", "C", "B", "A"]
        st.segmented_control(
            say(context.language, "appraised_grade_required"),
            grades,
            default=house.grade if house.grade in grades else None,
            format_func=lambda key: label("grade", key, context.language),
            key=f"{name}_grade",
        )
    if "treatment" in rule.fields:
        ways = list(TREATMENTS)
        st.selectbox(
            say(context.language, "treatment_required"),
            ways,
            index=ways.index(house.treatment) if house.treatment in ways else None,
            placeholder=say(context.language, "choose"),
            format_func=lambda key: label("treatment", key, context.language),
            key=f"{name}_treatment",
        )
    if to == "closed":
        reasons = list(CLOSE_REASONS)
        st.selectbox(
            say(context.language, "reason_closed_required"),
            reasons,
            index=0 if house.status == "accepted" else None,
            placeholder=say(context.language, "choose"),
            format_func=lambda key: label("close_reason", key, context.language),
            key=f"{name}_close",
        )
        days = notice_days(context)
        if days:
            notice = context.policy.tables.get("notice", {})
            st.date_input(
                say(
                    context.language,
                    "public_notice_from_a_renovated_house",
                    days=days,
                    get=panels.plain(notice.get("reference", "")),
                ),
                None,
                key=f"{name}_notice",
                format="YYYY-MM-DD",
                min_value=date(2000, 1, 1),
            )


def _move(context: Context, house: House, to: str, name: str) -> None:
    state = st.session_state
    at, reason, text = state[f"{name}_at"], state[f"{name}_reason"], state.get(f"{name}_text", "")
    uploads, key = state.get(f"{name}_files"), moving.form_id(name)
    given: dict[str, Any] = {
        "grade": state.get(f"{name}_grade"), "treatment": state.get(f"{name}_treatment"), "close_reason": state.get(f"{name}_close"),
        "notice_from": state.get(f"{name}_notice"), "notice_days": notice_days(context),
    }  # fmt: skip

    def work(version: int | None) -> object:
        proof = moving.kept_evidence(context, uploads or [], text)
        return houses.move(
            context.office.ledger, house.household_id, to, at=at, by=context.user.username, reason=reason, evidence=proof,
            expected_version=version, event_id=key, **given,
        )  # fmt: skip

    mine = {
        say(context.language, "step"): label("house_status", to, context.language),
        say(context.language, "day"): str(at),
        say(context.language, "reason"): reason or "—",
    }
    moving.save(
        context,
        name,
        f"house:{house.household_id}",
        mine,
        work,
        say(
            context.language,
            "household_entered",
            household_id=house.household_id,
            to=label("house_status", to, context.language),
        ),
    )
