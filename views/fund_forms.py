"""Entering money: an amount or a total divided by the document's shares; correcting or taking back a posting."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import streamlit as st

from geo.errors import AppError
from tracker import events, evidence, funds, money, projects
from tracker.funds import Posting
from views import atlas, moving, panels
from views.context import Context
from views.labels import label, say
from views.labels import money as write_money
from views.proposing import cny_of

STAGES = ("plan", "allocation", "payment", "ceiling")


def payers(context: Context) -> dict[str, float]:
    """Give the document's payers and their weights; empty where it names no shares."""
    table = context.policy.tables.get("fund_shares", {})
    return {str(item["payer"]): float(item["weight"]) for item in table.get("payers", [])}


def share_text(context: Context) -> str:
    """Write the document's shares with their clause."""
    table, shares = context.policy.tables.get("fund_shares", {}), payers(context)
    if not shares:
        rule = table.get("rule", say(context.language, "the_document_names_no_shares"))
        return say(
            context.language, "share_rule", title=context.policy.title, get=table.get("reference", ""), rule=rule
        )
    ratio = ":".join(f"{weight:g}" for weight in shares.values())
    return say(
        context.language,
        "share_ratio",
        title=context.policy.title,
        get=table.get("reference", ""),
        shares="、".join(shares),
        ratio=ratio,
    )


def open_form(context: Context) -> None:
    """Open the form that enters money."""
    st.dialog(say(context.language, "enter_money"), width="large")(show_form)(context)


def show_form(context: Context) -> None:
    """Let the person enter an amount, or divide a planned total by the document's shares."""
    shares = payers(context)
    known = [*shares, *sorted({item.source for item in funds.postings(context.office.ledger)} - set(shares))]
    listed = {item.project_id: item for item in projects.projects(context.office.ledger) if item.status != "cancelled"}
    texts = {
        "": say(context.language, "no_single_project"),
        **{key: f"{key} {item.description.title}" for key, item in listed.items()},
    }
    first, second = st.columns(2)
    stage = first.selectbox(
        label("field", "kind", context.language),
        STAGES,
        format_func=lambda key: label("fund_stage", key, context.language),
    )
    is_split = second.checkbox(
        say(context.language, "divide_among_payers_by_the_policy"),
        disabled=not shares,
        help=panels.plain(share_text(context)),
    )
    project = st.selectbox(label("field", "need", context.language), list(texts), format_func=texts.__getitem__)
    with st.form("fund", border=False):
        first, second, third = st.columns(3)
        source = first.selectbox(
            say(context.language, "source"),
            known,
            index=None,
            accept_new_options=True,
            placeholder=say(context.language, "choose_or_type"),
            disabled=is_split,
        )
        amount = second.number_input(
            say(context.language, "amount_cny_10k"),
            value=None,
            step=0.1,
            format="%.4f",
            help=say(context.language, "returned_or_cut_negative_with_a"),
        )
        start = listed[project].description if project else None
        year = third.number_input(
            say(context.language, "year_of_the_money"), 2000, 2100, start.year if start else context.day.year, step=1
        )
        first, second, third = st.columns(3)
        towns = ["", *atlas.town_names(context.workspace)]
        town = first.selectbox(
            label("field", "town", context.language),
            towns,
            index=towns.index(start.town) if start and start.town in towns else 0,
            format_func=lambda name: name or say(context.language, "county"),
        )
        at = moving.ask_day(context, say(context.language, "day"), place=second)
        document = third.text_input(say(context.language, "document_number"), max_chars=120)
        note = st.text_input(say(context.language, "remark"), max_chars=300)
        files = st.file_uploader(say(context.language, "scanned_voucher"), moving.UPLOADS, accept_multiple_files=True)
        if st.form_submit_button(say(context.language, "enter"), type="primary"):
            given = {
                "year": int(year),
                "at": at,
                "project_id": project,
                "town": town,
                "document": document,
                "note": note,
            }
            _enter(context, stage, amount, source or "", shares if is_split else {}, given, files)


def _enter(
    context: Context,
    stage: str,
    amount: float | None,
    source: str,
    shares: Mapping[str, float],
    given: dict[str, Any],
    files: Any,
) -> None:
    whole = cny_of(amount)
    if whole is None:
        st.error(say(context.language, "please_give_an_amount"))
        return
    number = moving.form_id("fund")
    parts = money.split(whole, shares) if shares else {source: whole}
    try:
        proof = [evidence.keep(context.office.path, item.name, bytes(item.getbuffer())) for item in files or []]
        for position, (payer, value) in enumerate(parts.items()):
            if value != Decimal(0) or len(parts) == 1:
                funds.post(
                    context.office.ledger, stage, source=payer, amount_cny=value, by=context.user.username, evidence=proof,
                    event_id=f"{number}-{position}", **given,
                )  # fmt: skip
    except AppError as error:
        st.error(panels.plain(error))
        return
    st.session_state.pop("form_fund", None)
    st.session_state[moving.NOTICE] = (
        "success",
        say(context.language, "posted", count=len(parts), whole=write_money(float(whole) / 10000.0, context.language)),
    )
    st.rerun()


def show_correction(context: Context, posting: Posting) -> None:
    """Offer to correct or take back one posting; what it said stays readable."""
    name = f"posting_{posting.seq}"
    with st.form(name):
        st.markdown(
            say(
                context.language,
                "correct_no",
                seq=posting.seq,
                source=panels.plain(posting.source),
                stage=label("fund_stage", posting.stage, context.language),
            )
        )
        first, second, third, fourth = st.columns([1, 1, 1, 2])
        first.number_input(
            say(context.language, "amount_cny_10k"),
            value=float(posting.amount_cny) / 1e4,
            step=0.1,
            format="%.4f",
            key=f"{name}_amount",
        )
        moving.ask_day(context, say(context.language, "day"), posting.at, key=f"{name}_at", place=second)
        third.text_input(say(context.language, "source"), posting.source, key=f"{name}_source", max_chars=60)
        fourth.text_input(say(context.language, "what_was_wrong_required_kept_as"), key=f"{name}_why", max_chars=300)
        left, right, _ = st.columns([1, 1, 4])
        left.form_submit_button(
            say(context.language, "correct"), on_click=_correct, args=(context, posting, name), type="primary"
        )
        right.form_submit_button(say(context.language, "take_back"), on_click=_withdraw, args=(context, posting, name))


def _correct(context: Context, posting: Posting, name: str) -> None:
    state = st.session_state
    why = state[f"{name}_why"].strip()
    if not why:
        state[moving.NOTICE] = ("error", say(context.language, "a_correction_must_say_what_was"))
        return
    moving.save(
        context, name,
        f"posting:{posting.seq}",
        {say(context.language, "amount"): say(context.language, "amount_cny10k", state=state[f"{name}_amount"]), say(context.language, "reason"): why},
        lambda _: funds.correct(
            context.office.ledger, posting.seq, by=context.user.username, at=state[f"{name}_at"], note=why,
            amount_cny=cny_of(state[f"{name}_amount"]), source=state[f"{name}_source"],
        ),
        say(context.language, "no_is_corrected_the_first_entry", seq=posting.seq),
    )  # fmt: skip


def _withdraw(context: Context, posting: Posting, name: str) -> None:
    why = st.session_state[f"{name}_why"]
    moving.save(
        context,
        name,
        f"posting:{posting.seq}",
        {
            say(context.language, "take_back"): say(context.language, "no", seq=posting.seq),
            say(context.language, "reason"): why,
        },
        lambda _: events.withdraw(context.office.ledger, posting.seq, by=context.user.username, reason=why),
        say(context.language, "no_is_taken_back_the_first", seq=posting.seq),
    )
