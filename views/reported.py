"""Figures somebody reported for a target: listed, corrected, taken back; what they said first stays readable."""

from datetime import date
from typing import Any

import streamlit as st

from tracker import events, measures
from views import moving
from views.context import Context
from views.labels import label, number, percent, say


def show_reported(context: Context, row: Any, day: date) -> None:
    """Offer to correct or take back the figures reported for the measure of one target."""
    if not context.user.may("edit"):
        return
    found = measures.observed(context.office.ledger, as_of=day)
    found = found[found["measure"] == row["measure"]]
    if found.empty:
        return
    language = context.language
    with st.expander(say(language, "reported_title", count=len(found)), icon=":material/edit_note:"):
        texts = {int(item.seq): _line(context, item, row["unit"]) for item in found[::-1].itertuples()}
        seq = st.selectbox(
            say(language, "reported_which"), list(texts), format_func=texts.__getitem__, key="reported_seq"
        )
        held = found[found["seq"] == seq].iloc[0]
        name = f"reported_{seq}"
        with st.form(name, border=False):
            left, right = st.columns(2)
            left.number_input(
                f"{say(language, 'why_figure_head')}（{label('unit', row['unit'], language)}）",
                value=float(held["value"]), format="%.4f", key=f"{name}_value",
            )  # fmt: skip
            moving.ask_day(
                context, say(language, "day"), date.fromisoformat(held["day"]), key=f"{name}_at", place=right
            )
            st.text_input(say(language, "what_was_wrong_required"), key=f"{name}_why", max_chars=300)
            left, right = st.columns(2)
            left.form_submit_button(
                say(language, "correct"), on_click=_correct, args=(context, int(seq), name, row["unit"]), type="primary"
            )
            right.form_submit_button(say(language, "take_back"), on_click=_withdraw, args=(context, int(seq), name))


def _line(context: Context, item: Any, unit: str) -> str:
    value = (
        percent(item.value) if unit == "share" else f"{number(item.value, 2)} {label('unit', unit, context.language)}"
    )
    return say(context.language, "reported_line", day=item.day, value=value, source=item.source or "—", seq=item.seq)


def _correct(context: Context, seq: int, name: str, unit: str) -> None:
    state, by = st.session_state, context.user.username
    value, at, why = state[f"{name}_value"], state[f"{name}_at"], state[f"{name}_why"]
    key = moving.form_id(name)
    moving.save(
        context, name, f"measure:{seq}", {say(context.language, "reason"): why},
        lambda _: measures.correct(context.office.ledger, seq, value, by=by, why=why, at=at, event_id=key, unit=unit),
        say(context.language, "no_is_corrected_the_first_entry", seq=seq),
    )  # fmt: skip


def _withdraw(context: Context, seq: int, name: str) -> None:
    why = st.session_state[f"{name}_why"]
    moving.save(
        context, name, f"measure:{seq}", {say(context.language, "reason"): why},
        lambda _: events.withdraw(context.office.ledger, seq, by=context.user.username, reason=why),
        say(context.language, "no_is_taken_back_the_first", seq=seq),
    )  # fmt: skip
