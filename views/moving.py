"""What project and house cards share: forms that are saved once, and conflicts shown side by side."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from geo.errors import AppError
from tracker import events, evidence, projects
from tracker.events import Event
from tracker.ledger import ConflictError
from views import panels
from views.context import Context
from views.event_words import details, event_label, people
from views.labels import Language, say

NOTICE = "tracker_notice"
CONFLICT = "tracker_conflict"
UPLOADS = ["pdf", "jpg", "jpeg", "png", "doc", "docx", "xls", "xlsx", "zip"]
Save = Callable[[int | None], object]


@dataclass(frozen=True)
class Conflict:
    """A save that came second: what was to be entered, what others entered meanwhile, and how to try again."""

    name: str
    subject: str
    mine: Mapping[str, str]
    theirs: tuple[Event, ...]
    retry: Save


def seen_version(context: Context, subject: str) -> int:
    """Return the version this person opened; it stays until they save or look again."""
    key = f"seen_{subject}"
    if key not in st.session_state:
        st.session_state[key] = events.version(context.office.ledger, subject)
    return int(st.session_state[key])


def look_again(subject: str) -> None:
    """Forget what was seen, so that the next look is at the newest state."""
    st.session_state.pop(f"seen_{subject}", None)


def form_id(name: str) -> str:
    """Give the idempotency key of a form: the same until it is saved, however often it is sent."""
    return str(st.session_state.setdefault(f"form_{name}", uuid.uuid4().hex))


def save(context: Context, name: str, subject: str, mine: Mapping[str, str], work: Save, done: str) -> bool:
    """Save a form inside a callback: success, fault or conflict is shown at the next drawing. True when saved."""
    seen = st.session_state.get(f"seen_{subject}")
    try:
        work(seen)
    except AppError as error:
        theirs = _entered_since(context, subject, seen, error)
        if theirs:
            st.session_state[CONFLICT] = Conflict(name, subject, mine, theirs, work)
        else:
            st.session_state[NOTICE] = ("error", str(error))
        return False
    st.session_state.pop(f"form_{name}", None)
    st.session_state[NOTICE] = ("success", done)
    look_again(subject)
    return True


def _entered_since(context: Context, subject: str, seen: int | None, error: AppError) -> tuple[Event, ...]:
    """Return what others entered since the person looked: the reason, if any, why a save was refused."""
    if isinstance(error, ConflictError):
        return tuple(item for item in error.theirs if isinstance(item, Event))
    if seen is None:
        return ()
    return tuple(event for event in events.history(context.office.ledger, subject) if event.version > seen)


def show_notice() -> None:
    """Show once what became of the last save."""
    kind, text = st.session_state.pop(NOTICE, ("", ""))
    if kind == "error":
        st.error(panels.plain(text), icon=":material/error:")
    elif kind:
        st.toast(panels.plain(text), icon=":material/check_circle:")


def subject_name(context: Context, subject: str) -> str:
    """Name what a save was about: a project by number and title, anything else by its number."""
    kind, _, number = subject.partition(":")
    if kind == "project":
        return f"{number} {projects.project(context.office.ledger, number).description.title}"
    return say(context.language, "household_named", unit=number) if kind == "house" else number


def show_conflict(context: Context) -> bool:
    """Show both sides of a save that came second, and let the person decide. True while there is one."""
    conflict: Conflict | None = st.session_state.get(CONFLICT)
    if conflict is None:
        return False
    names = people(context)
    with st.container(border=True, key="conflict"):
        st.warning(
            say(context.language, "somebody_changed_this_after_you_opened"),
            icon=":material/sync_problem:",
        )
        st.markdown(f"#### {panels.plain(subject_name(context, conflict.subject))}")
        left, right = st.columns(2, gap="large")
        left.markdown(say(context.language, "what_you_were_entering"))
        for heading, text in conflict.mine.items():
            left.text(f"{heading}：{text}")
        right.markdown(say(context.language, "what_others_entered"))
        for event in conflict.theirs:
            right.text(
                say(
                    context.language,
                    "event_line",
                    event=event_label(event, context.language),
                    at=event.at,
                    by=names.get(event.by, event.by),
                    seq=event.seq,
                )
            )
            for line in details(context, event):
                right.text(f"　{line}")
        again, drop, _ = st.columns([1, 1, 2])
        again.button(
            say(context.language, "seen_enter_mine_all_the_same"),
            type="primary",
            on_click=_retry,
            args=(context, conflict),
            key="conflict_retry",
        )
        drop.button(
            say(context.language, "drop_mine_keep_theirs"),
            on_click=_drop,
            args=(conflict.subject,),
            key="conflict_drop",
        )
    return True


def _retry(context: Context, conflict: Conflict) -> None:
    st.session_state.pop(CONFLICT, None)
    newest = max((event.version for event in conflict.theirs), default=None)
    if newest is not None:
        st.session_state[f"seen_{conflict.subject}"] = newest
    save(context, conflict.name, conflict.subject, conflict.mine, conflict.retry, say(context.language, "entered_2"))


def _drop(subject: str) -> None:
    st.session_state.pop(CONFLICT, None)
    look_again(subject)


def ask_day(context: Context, title: str, value: date | None = None, *, key: str | None = None, place: Any = st) -> Any:
    """Ask for the day something happened: today unless another is given, and no day that has not come yet."""
    today = context.office.today
    return place.date_input(
        title, value or today, key=key, format="YYYY-MM-DD", min_value=date(2000, 1, 1), max_value=max(today, value or today)
    )  # fmt: skip


def kept_evidence(context: Context, uploads: Sequence[Any], text: str) -> list[str]:
    """Store uploaded files and return how the event names its evidence, typed references after them."""
    stored = [evidence.keep(context.office.path, item.name, bytes(item.getbuffer())) for item in uploads or ()]
    return [*stored, *(line.strip() for line in text.replace("；", "\n").splitlines() if line.strip())]


def show_changed(context: Context, subject: str) -> None:
    """Say when somebody else changed this after the person opened it."""
    seen, newest = seen_version(context, subject), events.version(context.office.ledger, subject)
    if newest == seen:
        return
    last = events.history(context.office.ledger, subject)[-1]
    if last.by == context.user.username:
        look_again(subject)
        seen_version(context, subject)
        return
    who = people(context).get(last.by, last.by)
    st.info(
        say(
            context.language,
            "after_you_opened_this_entered_below",
            who=panels.plain(who),
            last=event_label(last, context.language),
        ),
        icon=":material/sync:",
    )
    st.button(say(context.language, "noted"), on_click=look_again, args=(subject,), key=f"noted_{subject}")


def ask_reason_and_evidence(language: Language, name: str, *, needs_reason: bool, needs_evidence: bool) -> None:
    """Ask in a form for the reason and the evidence of a step, saying which must be given."""
    st.text_input(
        say(language, "reason_required") if needs_reason else say(language, "reason_or_note"),
        key=f"{name}_reason",
        max_chars=300,
    )
    with st.expander(
        say(language, "evidence_2", it=say(language, "required_2") if needs_evidence else ""), expanded=needs_evidence
    ):
        st.file_uploader(
            say(language, "files_or_photographs"), UPLOADS, accept_multiple_files=True, key=f"{name}_files"
        )
        st.text_input(
            say(language, "or_a_document_or_file_number"),
            key=f"{name}_text",
            placeholder=say(language, "e_g_acceptance_2018_12"),
            max_chars=200,
        )
