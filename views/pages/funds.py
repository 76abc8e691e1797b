"""资金: plan, allocation and payment by source, shares by document, ceilings apart, totals that add up."""

from typing import Any

import pandas as pd
import streamlit as st

from tracker import funds, projects
from tracker.funds import Posting
from views import panels
from views.context import Context
from views.fund_forms import STAGES, open_form, payers, share_text, show_correction
from views.labels import Language, label, say
from views.labels import money as write_money
from views.moment import choose_moment, moment_basis, show_moment

KEYS = ("town", "year", "source", "project_id")


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
    table.iloc[-1, 0] = label("field", "sum", context.language)
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
