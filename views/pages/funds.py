"""资金: plan, allocation and payment by source, shares by document, ceilings apart, totals that add up."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker import events, evidence, funds, money, projects
from tracker.funds import Posting
from views import atlas, moving, panels
from views.context import Context
from views.labels import Language, label, say
from views.labels import money as write_money
from views.moment import choose_moment, moment_basis, show_moment
from views.proposing import cny_of

STAGES = ("plan", "allocation", "payment", "ceiling")
KEYS = ("town", "year", "source", "project_id")


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


def in_scope(context: Context, found: list[Posting]) -> list[Posting]:
    """Keep the postings a person may see: a town clerk those of the own towns."""
    towns = set(context.user.towns)
    return [item for item in found if not towns or item.town in towns]


def show_funds(context: Context) -> None:
    """Show what was planned, allocated and paid, from whom, and whether it fits."""
    first, second, third, last = st.columns([1.1, 0.8, 1.6, 1.5], vertical_alignment="bottom")
    with first:
        town = panels.choose_town(context)
    with last, st.container(horizontal=True, gap="small"):
        moment = choose_moment(context.language)
        if (
            context.user.may("fund")
            and not moment.is_past
            and st.button(say(context.language, "enter_money"), icon=":material/add:", key="fund_new")
        ):
            open_form(context)
    show_moment(moment, context.language)
    whole = in_scope(context, funds.postings(context.office.ledger, as_of=moment.as_of, known_on=moment.known_on))
    year = second.selectbox(
        label("programme", "year", context.language),
        sorted({item.year for item in whole}),
        index=None,
        placeholder=say(context.language, "all"),
        key="fund_year",
    )
    with third:
        by = st.pills(
            say(context.language, "add_up_by"),
            list(KEYS),
            default=["source"],
            selection_mode="multi",
            format_func=lambda name: label("fund_column", name, context.language),
            key="fund_by",
        ) or ["source"]
    kept = [item for item in whole if (town is None or item.town == town) and (year is None or item.year == year)]
    if not whole:
        st.info(
            say(context.language, "no_money", context=panels.plain(share_text(context))), icon=":material/payments:"
        )
        return
    show_headline(kept, context.language)
    left, right = st.columns([1.3, 1], gap="medium")
    with left:
        table = total_table(context, kept, by)
        st.caption(say(context.language, "cny_10k_a_ceiling_is_what"))
        st.dataframe(
            in_cny10k(table),
            hide_index=True,
            height="content" if len(table) <= 10 else 380,
            key="fund_totals",
            placeholder="—",
        )
    with right:
        shares = show_shares(context, kept)
    for sentence in funds.faults(kept):
        st.warning(panels.plain(sentence), icon=":material/error:")
    detail = posting_table(context, kept)
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.caption(say(context.language, "postings_click_a_row_to_correct", count=len(detail)))
    with button:
        panels.offer_download(
            context, {say(context.language, "totals"): table, say(context.language, "shares"): shares, say(context.language, "postings"): detail}, say(context.language, "funds"), **{label("field", "town", context.language): town, label("programme", "year", context.language): year},
            **moment_basis(moment, context.language),
        )  # fmt: skip
    panels.show_table(
        in_cny10k(detail), key="fund_table", ids=[str(item.seq) for item in kept], kind="postings", height=240
    )
    chosen = next((item for item in kept if str(item.seq) == panels.selected("postings")), None)
    if chosen is not None and context.user.may("fund") and not moment.is_past:
        show_correction(context, chosen)


def in_cny10k(table: pd.DataFrame) -> Any:
    """Write every amount of a table with thousands separators and two decimals; the download keeps every cent."""
    amounts = table.select_dtypes("float").columns
    return table.style.format("{:,.2f}", na_rep="—", subset=list(amounts))


def show_headline(found: list[Posting], language: Language) -> None:
    """Show the four sums; the ceiling is no money."""
    sums, entered = funds.totals(found)[()], {item.stage for item in found}
    panels.show_figures(
        [
            (
                label("fund_stage", stage, language),
                write_money(float(getattr(sums, stage)) / 1e4, language) if stage in entered else "—",
                say(language, f"fund_help_{stage}"),
            )
            for stage in STAGES
        ]
    )


def total_table(context: Context, found: list[Posting], by: list[str]) -> pd.DataFrame:
    """Make the totals in 万元 with a last row 合计; projects by title."""
    table = funds.total_table(found, by)
    titles = {item.project_id: item.description.title for item in projects.projects(context.office.ledger)}
    if "project_id" in by:
        table["project_id"] = [
            f"{key} {titles[key]}" if key in titles else (key or say(context.language, "no_project"))
            for key in table["project_id"]
        ]
    table["ceiling_cny10k"] = table["ceiling_cny10k"].where(table["ceiling_cny10k"] != 0)  # none named is not 0
    names = {f"{stage}_cny10k": label("fund_stage", stage, context.language) for stage in STAGES}
    heads = {key: label("fund_column", key, context.language) for key in by}
    return table[[*by, *names]].rename(columns={**heads, **names}).astype({heads[key]: "str" for key in by})


def show_shares(context: Context, found: list[Posting]) -> pd.DataFrame:
    """Show what each payer owes by the document's shares, what came, and the rest."""
    shares = payers(context)
    st.caption(panels.plain(share_text(context)))
    if not shares:
        return pd.DataFrame({label("field", "note", context.language): [share_text(context)]})
    stage = (
        st.segmented_control(
            say(context.language, "which_kind_to_check"),
            STAGES[:3],
            default="allocation",
            format_func=lambda key: label("fund_stage", key, context.language),
            key="fund_stage",
            label_visibility="collapsed",
        )
        or "allocation"
    )
    table = funds.share_table(found, shares, stage=stage)
    for column in ("expected_cny", "actual_cny", "difference_cny"):
        table[column] = [float(value / 10000) for value in table[column]]
    table = table.rename(
        columns={
            "source": label("fund_column", "source", context.language),
            "expected_cny": say(context.language, "share_due_cny_10k"),
            "actual_cny": say(context.language, "share_actual", stage=label("fund_stage", stage, context.language)),
            "difference_cny": say(context.language, "over_under_cny_10k"),
        }
    )
    st.dataframe(in_cny10k(table), hide_index=True, height="content", key="fund_shares", placeholder="—")
    return table


def posting_table(context: Context, found: list[Posting]) -> pd.DataFrame:
    """List the postings one by one, in 万元."""
    return pd.DataFrame(
        [
            (item.seq, item.at.isoformat(), label("fund_stage", item.stage, context.language), item.source, float(item.amount_cny / 10000),
             item.project_id, item.town, item.year, item.document, item.note)
            for item in found
        ],
        columns=[
            label("posting", name, context.language)
            for name in ("seq", "at", "stage", "source", "amount", "project_id", "town", "year", "document", "note")
        ],
    )  # fmt: skip


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
