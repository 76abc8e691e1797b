"""危房台账: every dangerous house from first report to closed, with its deadline. Personal data: internal only."""

from datetime import date

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker import houses
from tracker.houses import House
from tracker.status import HOUSE_LABELS
from views import moving, panels
from views.audit import log_view
from views.context import Context
from views.house_card import deadline, notice_days, show_card
from views.labels import label, number
from views.moment import choose_moment, moment_basis, show_moment

HEIGHT = 400
COLUMNS = {
    "household_id": "户编号", "town": "乡镇", "village": "行政村", "grade": "等级", "status": "状态", "since": "自", "found": "发现日",
    "treatment": "处置方式", "close_reason": "销档原因", "late": "超期",
}  # fmt: skip


def in_scope(context: Context, found: list[House]) -> list[House]:
    """Keep the houses a person may see: a town clerk those of the own towns."""
    towns = set(context.user.towns)
    return [item for item in found if not towns or item.town in towns]


def not_entered(context: Context, known: list[House]) -> pd.DataFrame:
    """Give the C and D houses of the assessment that the ledger does not hold yet."""
    rows = context.assessment.housing
    if rows.empty:
        return rows
    towns = set(context.user.towns)
    rows = rows[~rows["household_id"].isin({item.household_id for item in known})]
    return rows[rows["town"].isin(towns)] if towns else rows


def show_import(context: Context, whole: list[House]) -> None:
    """Offer to enter what the assessment found and the ledger does not hold: one click, twice does no harm."""
    rows = not_entered(context, whole)
    if rows.empty or not context.user.may("edit", sector="housing"):
        return
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.info(
        f"评估日 {context.day} 的农户台账里有 {len(rows):,} 户 C、D 级危房还没有登记进危房台账。",
        icon=":material/home_work:",
    )
    right.button(
        "全部登记为新发现",
        type="primary",
        on_click=_import,
        args=(context, rows),
        key="houses_import",
        icon=":material/playlist_add:",
    )


def _import(context: Context, rows: pd.DataFrame) -> None:
    listed = rows[["household_id", "village_id", "town", "grade"]].to_dict("records")
    source = f"评估 {context.assessment.workspace_digest[:12]}，评估日 {context.day}"
    try:
        new = houses.report(context.office.ledger, listed, at=context.day, by=context.user.username, source=source)
    except AppError as error:
        st.session_state[moving.NOTICE] = ("error", str(error))
        return
    st.session_state[moving.NOTICE] = ("success", f"已登记 {len(new)} 户为新发现。")


def table_of(context: Context, found: list[House], day: date) -> pd.DataFrame:
    """Make the table of houses; nothing but numbers of households, never names."""
    limit = deadline(context)
    table = houses.house_table(found)
    villages = context.frame("villages")
    names = dict(zip(villages["village_id"], villages["name"], strict=True)) if len(villages) else {}
    table["village"] = table["village_id"].map(names).fillna(table["village_id"])
    late = {item.household_id for item in (houses.overdue(found, deadline=limit, day=day) if limit else [])}
    table["late"] = ["是" if key in late else "" for key in table["household_id"]]
    for column, group in (("status", "house_status"), ("treatment", "treatment"), ("close_reason", "close_reason")):
        table[column] = [label(group, key, context.language) if key else "" for key in table[column]]
    return table[list(COLUMNS)].rename(columns=COLUMNS)


def show_headline(context: Context, found: list[House], day: date) -> None:
    """Show how many are open, closed and late, and by when they are due."""
    limit, table = deadline(context), context.policy.tables.get("housing", {})
    late = houses.overdue(found, deadline=limit, day=day) if limit else []
    open_houses = sum(item.is_open for item in found)
    days = notice_days(context)
    notice = context.policy.tables.get("notice", {})
    panels.show_figures(
        [
            ("台账户数", number(len(found)), "登记进危房台账的全部农户"),
            ("未销档", number(open_houses), "还没有销档的"),
            ("已销档", number(len(found) - open_houses), "改造完成、其他方式保障、死亡或鉴定为安全"),
            (f"{day} 已超期", number(len(late)) if limit else "—", "过了文件期限仍未销档；期限当天不算超期"),
            (
                "文件期限",
                str(limit) if limit else "没有写",
                f"{table.get('label', '')}，条款 {table.get('reference', '')}",
            ),
            (
                "销档前公示",
                f"{days} 天" if days else "没有写",
                f"{notice.get('label', '')}，条款 {notice.get('reference', '')}",
            ),
        ]
    )


def page(context: Context) -> None:
    """Show the ledger of dangerous houses."""
    if moving.show_conflict(context):
        return
    whole = in_scope(context, houses.houses(context.office.ledger))
    show_import(context, whole)
    first, second, third, last = st.columns([1, 1.2, 1, 1.1], vertical_alignment="bottom")
    with first:
        town = panels.choose_town(context)
    search = second.text_input("找户", key="house_search", placeholder="户编号或村名", max_chars=60).strip()
    only_late = third.checkbox("只看超期", key="house_late")
    with last:
        moment = choose_moment(context.language)
    show_moment(moment, context.language)
    day = moment.as_of or moving.today()
    found = (
        whole
        if not moment.is_past
        else in_scope(context, houses.houses(context.office.ledger, as_of=moment.as_of, known_on=moment.known_on))
    )
    found = [item for item in found if town is None or item.town == town]
    if not whole:
        st.info("危房台账还是空的。", icon=":material/home_work:")
        return
    show_headline(context, found, day)
    counts = {name: sum(item.status == name for item in found) for name in HOUSE_LABELS}
    keep = panels.choose_classes("状态", "house_status", counts, context, "house_status")
    found = [item for item in found if item.status in keep]
    limit = deadline(context)
    if only_late:
        found = houses.overdue(found, deadline=limit, day=day) if limit else []
    table = table_of(context, found, day)
    if search:
        hit = table["户编号"].str.contains(search, regex=False) | table["行政村"].str.contains(search, regex=False)
        table = table[hit.to_numpy()]
        found = [item for item, is_hit in zip(found, hit, strict=True) if is_hit]
    conditions = f"乡镇={town or '全县'}，状态={'、'.join(keep)}，超期={only_late}，查找={search}"
    log_view(context, "危房台账", rows=len(found), conditions=conditions)
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        with st.container(height=HEIGHT - 44, border=False, key="house_list"):
            ids = [item.household_id for item in found]
            panels.show_table(table, key="ledger_table", ids=ids, kind="households", height="stretch")
        head, button = st.columns([3, 1], vertical_alignment="center")
        head.caption(f"{len(table):,} 户。姓名、证件号、电话、住址不在本页，也不进导出。查看和导出都有记录。")
        with button:
            by_town = houses.counts(found).rename(columns={**HOUSE_LABELS, "town": "乡镇", "total": "合计"})
            panels.offer_download(
                context, {"危房台账": table, "分乡镇": by_town}, "危房台账", 条件=conditions, **moment_basis(moment, context.language)
            )
    with right, st.container(height=HEIGHT, border=True, key="house_card"):
        chosen = next((item for item in found if item.household_id == panels.selected("households")), None)
        if chosen is None:
            st.info("点一户：概况、下一步、经过。", icon=":material/ads_click:")
        else:
            show_card(context, chosen, is_past=moment.is_past, day=day)
