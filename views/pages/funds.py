"""资金: plan, allocation and payment by source, shares by document, ceilings apart, totals that add up."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker import events, evidence, funds, money, projects
from tracker.funds import Posting
from views import atlas, moving, panels
from views.context import Context
from views.labels import label
from views.labels import money as write_money
from views.moment import choose_moment, moment_basis, show_moment
from views.proposing import cny_of

STAGES = ("plan", "allocation", "payment", "ceiling")
KEYS = {"town": "乡镇", "year": "年度", "source": "来源", "project_id": "项目"}


def payers(context: Context) -> dict[str, float]:
    """Give the document's payers and their weights; empty where it names no shares."""
    table = context.policy.tables.get("fund_shares", {})
    return {str(item["payer"]): float(item["weight"]) for item in table.get("payers", [])}


def share_text(context: Context) -> str:
    """Write the document's shares with their clause."""
    table, shares = context.policy.tables.get("fund_shares", {}), payers(context)
    if not shares:
        rule = table.get("rule", "文件没有写分担比例")
        return f"《{context.policy.title}》{table.get('reference', '')}：{rule}，不按比例核对。"
    ratio = ":".join(f"{weight:g}" for weight in shares.values())
    return f"《{context.policy.title}》{table.get('reference', '')}：{'、'.join(shares)}按 {ratio} 分担。"


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
            and st.button("登记资金", icon=":material/add:", key="fund_new")
        ):
            show_form(context)
    show_moment(moment, context.language)
    whole = in_scope(context, funds.postings(context.office.ledger, as_of=moment.as_of, known_on=moment.known_on))
    year = second.selectbox(
        "年度", sorted({item.year for item in whole}), index=None, placeholder="全部", key="fund_year"
    )
    with third:
        by = st.pills(
            "按什么汇总",
            list(KEYS),
            default=["source"],
            selection_mode="multi",
            format_func=KEYS.__getitem__,
            key="fund_by",
        ) or ["source"]
    kept = [item for item in whole if (town is None or item.town == town) and (year is None or item.year == year)]
    if not whole:
        st.info(f"还没有资金记录。{panels.plain(share_text(context))}", icon=":material/payments:")
        return
    show_headline(kept)
    left, right = st.columns([1.3, 1], gap="medium")
    with left:
        table = total_table(context, kept, by)
        st.caption("万元。“上限”是文件说可争取的数，不是资金，单独一列，不进任何合计。")
        st.dataframe(table, hide_index=True, height="content" if len(table) <= 10 else 380, key="fund_totals")
    with right:
        shares = show_shares(context, kept)
    for sentence in funds.faults(kept):
        st.warning(panels.plain(sentence), icon=":material/error:")
    detail = posting_table(context, kept)
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.caption(f"逐笔 {len(detail)} 条。点一行可以更正或撤回。")
    with button:
        panels.offer_download(
            context, {"汇总": table, "分担核对": shares, "逐笔": detail}, "资金", 乡镇=town, 年度=year,
            **moment_basis(moment, context.language),
        )  # fmt: skip
    panels.show_table(detail, key="fund_table", ids=[str(item.seq) for item in kept], kind="postings", height=240)
    chosen = next((item for item in kept if str(item.seq) == panels.selected("postings")), None)
    if chosen is not None and context.user.may("fund") and not moment.is_past:
        show_correction(context, chosen)


def show_headline(found: list[Posting]) -> None:
    """Show the four sums; the ceiling is no money."""
    sums = funds.totals(found)[()]
    texts = {
        "plan": "批准的计划",
        "allocation": "下达到账的",
        "payment": "已支付的",
        "ceiling": "文件说可争取的数，不是资金，不进合计",
    }
    panels.show_figures(
        [(label("fund_stage", stage), write_money(float(getattr(sums, stage)) / 1e4), texts[stage]) for stage in STAGES]
    )


def total_table(context: Context, found: list[Posting], by: list[str]) -> pd.DataFrame:
    """Make the totals in 万元 with a last row 合计; projects by title."""
    table = funds.total_table(found, by)
    titles = {item.project_id: item.description.title for item in projects.projects(context.office.ledger)}
    if "project_id" in by:
        table["project_id"] = [
            f"{key} {titles[key]}" if key in titles else (key or "未分项目") for key in table["project_id"]
        ]
    names = {f"{stage}_cny10k": label("fund_stage", stage, context.language) for stage in STAGES}
    return table[[*by, *names]].rename(columns={**KEYS, **names}).astype({KEYS[key]: "str" for key in by})


def show_shares(context: Context, found: list[Posting]) -> pd.DataFrame:
    """Show what each payer owes by the document's shares, what came, and the rest."""
    shares = payers(context)
    st.caption(panels.plain(share_text(context)))
    if not shares:
        return pd.DataFrame({"说明": [share_text(context)]})
    stage = (
        st.segmented_control(
            "核对哪一类",
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
            "source": "来源",
            "expected_cny": "应分担万元",
            "actual_cny": f"实际{label('fund_stage', stage)}万元",
            "difference_cny": "多(+)少(-)万元",
        }
    )
    st.dataframe(table, hide_index=True, height="content", key="fund_shares")
    return table


def posting_table(context: Context, found: list[Posting]) -> pd.DataFrame:
    """List the postings one by one, in 万元."""
    return pd.DataFrame(
        [
            (item.seq, item.at.isoformat(), label("fund_stage", item.stage, context.language), item.source, float(item.amount_cny / 10000),
             item.project_id, item.town, item.year, item.document, item.note)
            for item in found
        ],
        columns=["号", "发生日", "类别", "来源", "万元", "项目", "乡镇", "年度", "文号", "备注"],
    )  # fmt: skip


@st.dialog("登记资金", width="large")
def show_form(context: Context) -> None:
    """Let the person enter an amount, or divide a planned total by the document's shares."""
    shares = payers(context)
    known = [*shares, *sorted({item.source for item in funds.postings(context.office.ledger)} - set(shares))]
    listed = {item.project_id: item for item in projects.projects(context.office.ledger) if item.status != "cancelled"}
    texts = {"": "不分到项目", **{key: f"{key} {item.description.title}" for key, item in listed.items()}}
    first, second = st.columns(2)
    stage = first.selectbox("类别", STAGES, format_func=lambda key: label("fund_stage", key, context.language))
    is_split = second.checkbox("按政策比例分给各出资方", disabled=not shares, help=panels.plain(share_text(context)))
    project = st.selectbox("项目", list(texts), format_func=texts.__getitem__)
    with st.form("fund", border=False):
        first, second, third = st.columns(3)
        source = first.selectbox(
            "来源", known, index=None, accept_new_options=True, placeholder="选择或输入", disabled=is_split
        )
        amount = second.number_input(
            "金额（万元）", value=None, step=0.1, format="%.4f", help="退回、核减填负数，并写备注"
        )
        start = listed[project].description if project else None
        year = third.number_input("资金年度", 2000, 2100, start.year if start else context.day.year, step=1)
        first, second, third = st.columns(3)
        towns = ["", *atlas.town_names(context.workspace)]
        town = first.selectbox(
            "乡镇",
            towns,
            index=towns.index(start.town) if start and start.town in towns else 0,
            format_func=lambda name: name or "县本级",
        )
        at = second.date_input("发生日", moving.today(), format="YYYY-MM-DD", min_value=date(2000, 1, 1))
        document = third.text_input("文号或凭证号", max_chars=120)
        note = st.text_input("备注", max_chars=300)
        files = st.file_uploader("凭证扫描件", moving.UPLOADS, accept_multiple_files=True)
        if st.form_submit_button("登记", type="primary"):
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
        st.error("请填写金额。")
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
    st.session_state[moving.NOTICE] = ("success", f"已登记 {len(parts)} 笔，共 {write_money(float(whole) / 1e4)}。")
    st.rerun()


def show_correction(context: Context, posting: Posting) -> None:
    """Offer to correct or take back one posting; what it said stays readable."""
    name = f"posting_{posting.seq}"
    with st.form(name):
        st.markdown(f"**更正第 {posting.seq} 号**：{panels.plain(posting.source)} {label('fund_stage', posting.stage)}")
        first, second, third, fourth = st.columns([1, 1, 1, 2])
        first.number_input(
            "金额（万元）", value=float(posting.amount_cny) / 1e4, step=0.1, format="%.4f", key=f"{name}_amount"
        )
        second.date_input("发生日", posting.at, format="YYYY-MM-DD", key=f"{name}_at", min_value=date(2000, 1, 1))
        third.text_input("来源", posting.source, key=f"{name}_source", max_chars=60)
        fourth.text_input("原先错在哪里（必填，记入备注）", key=f"{name}_why", max_chars=300)
        left, right, _ = st.columns([1, 1, 4])
        left.form_submit_button("更正", on_click=_correct, args=(context, posting, name), type="primary")
        right.form_submit_button("撤回", on_click=_withdraw, args=(context, posting, name))


def _correct(context: Context, posting: Posting, name: str) -> None:
    state = st.session_state
    why = state[f"{name}_why"].strip()
    if not why:
        state[moving.NOTICE] = ("error", "更正要写明原先错在哪里。")
        return
    moving.save(
        context, name,
        f"posting:{posting.seq}",
        {"金额": f"{state[f'{name}_amount']} 万元", "原因": why},
        lambda _: funds.correct(
            context.office.ledger, posting.seq, by=context.user.username, at=state[f"{name}_at"], note=why,
            amount_cny=cny_of(state[f"{name}_amount"]), source=state[f"{name}_source"],
        ),
        f"第 {posting.seq} 号已更正，原记录仍可查。",
    )  # fmt: skip


def _withdraw(context: Context, posting: Posting, name: str) -> None:
    why = st.session_state[f"{name}_why"]
    moving.save(
        context,
        name,
        f"posting:{posting.seq}",
        {"撤回": f"第 {posting.seq} 号", "原因": why},
        lambda _: events.withdraw(context.office.ledger, posting.seq, by=context.user.username, reason=why),
        f"第 {posting.seq} 号已撤回，原记录仍可查。",
    )
