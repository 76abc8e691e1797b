"""The history of a project or a house: every event, the files that prove it, and a way to correct a step."""

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from tracker import events, evidence, mending
from tracker.events import OFFICE_ZONE, Event
from tracker.status import CLOSE_REASONS, TREATMENTS
from views import panels
from views.context import Context
from views.event_words import KINDS, details, event_label, people
from views.labels import label, say
from views.moment import NOW, Moment
from views.moving import ask_day, form_id, save
from views.proposing import cny_of

CHOICES = {"grade": ("A", "B", "C", "D"), "treatment": tuple(TREATMENTS), "close_reason": tuple(CLOSE_REASONS)}


def history_table(context: Context, subject: str, moment: Moment = NOW) -> pd.DataFrame:
    """Give every event of a subject, newest first: when it happened, when it was entered, who, what, on which evidence.

    Of another day, only what had happened, and had been entered, by then.
    """
    found = [event for event in events.history(context.office.ledger, subject) if moment.holds(event)]
    names, language = people(context), context.language
    replaced = {event.corrects: event for event in found if event.corrects is not None}
    rows = []
    for event in reversed(found):
        mark = ""
        if event.seq in replaced:
            way = "mark_withdrawn_by" if replaced[event.seq].kind == events.WITHDRAWN else "mark_corrected_by"
            mark = say(language, way, seq=replaced[event.seq].seq)
        elif event.corrects is not None:
            mark = say(
                language, "mark_withdraws" if event.kind == events.WITHDRAWN else "mark_corrects", seq=event.corrects
            )
        rows.append(
            {
                "seq": event.seq,
                "day": event.at.isoformat(),
                "what": event_label(event, context.language),
                "details": "；".join(details(context, event)),
                "evidence": "；".join(event.evidence),
                "by": names.get(event.by, event.by),
                "entered": event.entered.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M"),
                "mark": mark,
                "is_replaced": event.seq in replaced,
            }
        )
    columns = ["seq", "day", "what", "details", "evidence", "by", "entered", "mark", "is_replaced"]
    return pd.DataFrame(rows, columns=columns)


def show_history(context: Context, subject: str, *, can_edit: bool, moment: Moment = NOW) -> None:
    """Show the history as a list a person can read, files to fetch, and a way to correct a step."""
    table = history_table(context, subject, moment)
    for row in table.to_dict("records"):
        left, right = st.columns([1, 3.2], gap="small")
        left.caption(row["day"])
        title = f"**{panels.plain(row['what'])}**"
        right.markdown(f"~~{title}~~　{panels.plain(row['mark'])}" if row["is_replaced"] else title)
        if row["mark"] and not row["is_replaced"]:
            right.caption(row["mark"])
        if row["details"]:
            right.text(row["details"])
        right.caption(
            panels.plain(say(context.language, "on_no", by=row["by"], entered=row["entered"], seq=row["seq"]))
        )
        for number, reference in enumerate(filter(None, row["evidence"].split("；"))):
            _offer_evidence(context, right, reference, f"file_{row['seq']}_{number}")
    if can_edit:
        _correction_form(context, subject)


def _offer_evidence(context: Context, place: Any, reference: str, key: str) -> None:
    content = evidence.fetch(context.office.path, reference)
    if content is None:
        place.text(say(context.language, "evidence_3", reference=reference))
        return
    name = reference.split("/", 1)[1]
    place.download_button(
        panels.plain(name), data=content, file_name=name, icon=":material/attach_file:", key=key, on_click="ignore"
    )


def _correction_form(context: Context, subject: str) -> None:
    """Offer to correct or take back a step that still holds; the step named stays readable."""
    ledger = context.office.ledger
    kinds = [kind for kind in KINDS if kind.startswith(("project_", "house_")) and kind != "project_described"]
    steps = {event.seq: event for event in reversed(events.effective(ledger, kinds, subject=subject))}
    if not steps:
        return
    with st.expander(say(context.language, "a_wrong_entry_correct_a_step"), icon=":material/edit_note:"):
        texts = {
            seq: say(context.language, "no_2", seq=seq, event=event_label(event, context.language), at=event.at)
            for seq, event in steps.items()
        }
        seq = st.selectbox(
            say(context.language, "which_step"), list(texts), format_func=texts.__getitem__, key=f"mend_{subject}"
        )
        name = f"mend_{subject}_{seq}"
        with st.form(name, border=False):
            ask_day(context, say(context.language, "real_day"), steps[seq].at, key=f"{name}_at")
            _ask_details(context, steps[seq], name)
            st.text_area(
                say(context.language, "evidence_one_a_line"),
                "\n".join(steps[seq].evidence),
                key=f"{name}_evidence",
                height=68,
            )
            st.text_input(say(context.language, "what_was_wrong_required"), key=f"{name}_why", max_chars=300)
            left, right = st.columns(2)
            left.form_submit_button(
                say(context.language, "correct"), on_click=_correct, args=(context, subject, seq, name)
            )
            right.form_submit_button(
                say(context.language, "take_the_step_back"), on_click=_withdraw, args=(context, subject, seq, name)
            )


def _ask_details(context: Context, event: Event, name: str) -> None:
    """Ask for what else the step says, as it stands: cost, length, grade, treatment, reason, notice."""
    for field, value in event.payload.items():
        title, key = label("event_field", field, context.language), f"{name}_{field}"
        if field in CHOICES:
            options, group = list(CHOICES[field]), field
            st.selectbox(
                title, options, options.index(value) if value in options else None, key=key,
                format_func=lambda code, group=group: label(group, code, context.language),
            )  # fmt: skip
        elif field == "actual_cost_cny":
            title = say(context.language, "actual_cost_cny_10k", must="")
            st.number_input(title, min_value=0.0, value=float(value) / 10_000, step=0.1, format="%.4f", key=key)
        elif field == "actual_length_km":
            st.number_input(title, min_value=0.0, value=float(value), step=0.01, format="%.3f", key=key)
        elif field == "notice_from":
            ask_day(context, title, date.fromisoformat(value), key=key)


def _changes(event: Event, name: str) -> dict[str, Any]:
    """Return the details of the step that the form now says otherwise."""
    changes: dict[str, Any] = {}
    for field, old in event.payload.items():
        new = st.session_state.get(f"{name}_{field}")
        if new is None or field not in (*CHOICES, "actual_cost_cny", "actual_length_km", "notice_from"):
            continue
        if field == "actual_cost_cny":
            new = str(cny_of(new))
        elif field == "notice_from":
            new = new.isoformat()
        if new != old:
            changes[field] = new
    return changes


def _correct(context: Context, subject: str, seq: int, name: str) -> None:
    state = st.session_state
    proof = [line.strip() for line in state[f"{name}_evidence"].splitlines() if line.strip()]
    day, why, number = state[f"{name}_at"], state[f"{name}_why"], form_id(name)

    changes = _changes(events.event(context.office.ledger, seq), name)

    def work(version: int | None) -> object:
        return mending.correct_step(
            context.office.ledger, seq, by=context.user.username, why=why, at=day, evidence=proof, changes=changes,
            expected_version=version, event_id=number,
        )  # fmt: skip

    save(
        context,
        name,
        subject,
        {
            say(context.language, "correct"): say(context.language, "no", seq=seq),
            say(context.language, "day"): str(day),
            say(context.language, "reason"): why,
        },
        work,
        say(context.language, "no_is_corrected_the_first_entry", seq=seq),
    )


def _withdraw(context: Context, subject: str, seq: int, name: str) -> None:
    why = st.session_state[f"{name}_why"]
    save(
        context,
        name,
        subject,
        {
            say(context.language, "take_back"): say(context.language, "no", seq=seq),
            say(context.language, "reason"): why,
        },
        lambda _: mending.withdraw_step(context.office.ledger, seq, by=context.user.username, reason=why),
        say(context.language, "no_is_taken_back_the_first", seq=seq),
    )
