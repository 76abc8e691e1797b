"""The card of one dangerous house: where it stands, what may come next, its history. Personal: internal only."""

from datetime import date
from typing import Any

import streamlit as st

from tracker import houses, status
from tracker.houses import House
from tracker.status import CLOSE_REASONS, HOUSE_LABELS, HOUSE_STEPS, TREATMENTS, Rule
from views import moving, panels, steps
from views.context import Context
from views.labels import label
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
    ("accepted", "under_works"): "退回施工",
    ("planned", "appraised"): "退回鉴定",
    ("closed", "found"): "又出现危险，重新登记",
}
TABS = ("概况", "下一步", "经过")


def notice_days(context: Context) -> int:
    """Give the full days of public notice the document asks for before a renovated house is closed; 0 when none."""
    return int(context.policy.tables.get("notice", {}).get("days", 0))


def deadline(context: Context) -> date | None:
    """Give the document's day by which the houses are to be done."""
    found = context.policy.tables.get("housing", {}).get("deadline")
    return found if isinstance(found, date) else (date.fromisoformat(str(found)) if found else None)


def show_card(context: Context, house: House, *, is_past: bool, day: date) -> None:
    """Show the house; nothing can be changed while another day is looked at."""
    st.markdown(f"#### 户 {panels.plain(house.household_id)}")
    with st.container(horizontal=True, gap="small"):
        panels.show_badge(label("house_status", house.status, context.language), COLORS[house.status])
        limit = deadline(context)
        if limit is not None and house.is_open and day > limit:
            panels.show_badge(f"已超期 {(day - limit).days} 天", "red")
        st.caption(
            panels.plain(f"{house.town} · {place_name(context, house.village_id) if house.village_id else '村未登记'}")
        )
    can_edit = not is_past and context.user.may("edit", town=house.town or None, sector="housing")
    subject = f"house:{house.household_id}"
    if not is_past:
        moving.show_changed(context, subject)
    tabs = TABS if can_edit else ("概况", "经过")
    chosen = (
        st.segmented_control("看什么", tabs, default="概况", key="house_tab", label_visibility="collapsed") or "概况"
    )
    if chosen == "下一步":
        show_next(context, house)
    elif chosen == "经过":
        steps.show_history(context, subject, can_edit=can_edit)
    else:
        show_facts(context, house, is_past=is_past)


def show_facts(context: Context, house: House, *, is_past: bool) -> None:
    """Show what the ledger knows of the house, and what the assessment proposes."""
    limit = deadline(context)
    table = context.policy.tables.get("housing", {})
    pairs = [
        ("危房等级", label("grade", house.grade, context.language) if house.grade else "未登记"),
        ("处置方式", label("treatment", house.treatment, context.language) if house.treatment else "未定"),
        ("销档原因", label("close_reason", house.close_reason, context.language) if house.close_reason else "—"),
        (
            "各步日期",
            "，".join(
                f"{HOUSE_LABELS[name]} {at}" for name, at in sorted(house.dates.items(), key=lambda item: item[1])
            ),
        ),
        ("期限", f"{limit}（{table.get('reference', '')}）" if limit else "文件没有写期限"),
    ]
    rows = context.assessment.housing
    found = rows[rows["household_id"] == house.household_id] if len(rows) else rows
    if len(found):
        row = found.iloc[0]
        pairs.append(
            (
                "建议处置",
                f"{row['treatment']}（条款 {row['clause']}）"
                if isinstance(row["treatment"], str) and row["treatment"]
                else "—",
            )
        )
        if isinstance(row["hazard"], str) and row["hazard"]:
            pairs.append(("灾害隐患", row["hazard"]))
    else:
        pairs.append(("最新农户台账", "没有把这户列为 C、D 级危房"))
    for heading, text in pairs:
        left, right = st.columns([1, 4], gap="small")
        left.caption(heading)
        right.text(text)
    if house.is_open and not is_past:
        offer_house(context, house.household_id, house.village_id, house.town)
    if house.status == "closed" and len(found):
        st.warning(
            "这户已经销档，但最新的农户台账仍列为危房：请核实台账是否更新，或是否又出现危险。",
            icon=":material/warning:",
        )


def show_next(context: Context, house: House) -> None:
    """Offer the allowed next steps only, each with what it must bring."""
    options = status.next_steps(house.status, of=HOUSE_STEPS)
    texts = {to: BACK.get((house.status, to), HOUSE_LABELS[to]) for to in options}
    to = st.segmented_control(
        "下一步",
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
        st.date_input("发生日", moving.today(), key=f"{name}_at", format="YYYY-MM-DD", min_value=date(2000, 1, 1))
        _ask_details(context, house, to, rule, name)
        moving.ask_reason_and_evidence(name, needs_reason=rule.needs_reason, needs_evidence=rule.needs_evidence)
        st.form_submit_button(f"登记“{texts[to]}”", type="primary", on_click=_move, args=(context, house, to, name))


def _ask_details(context: Context, house: House, to: str, rule: Rule, name: str) -> None:
    if "grade" in rule.fields:
        grades = ["D", "C", "B", "A"]
        st.segmented_control(
            "鉴定等级（必填）",
            grades,
            default=house.grade if house.grade in grades else None,
            format_func=lambda key: label("grade", key, context.language),
            key=f"{name}_grade",
        )
    if "treatment" in rule.fields:
        ways = list(TREATMENTS)
        st.selectbox(
            "处置方式（必填，五宜）",
            ways,
            index=ways.index(house.treatment) if house.treatment in ways else None,
            placeholder="请选择",
            format_func=lambda key: label("treatment", key, context.language),
            key=f"{name}_treatment",
        )
    if to == "closed":
        reasons = list(CLOSE_REASONS)
        st.selectbox(
            "销档原因（必填）",
            reasons,
            index=0 if house.status == "accepted" else None,
            placeholder="请选择",
            format_func=lambda key: label("close_reason", key, context.language),
            key=f"{name}_close",
        )
        days = notice_days(context)
        if days:
            notice = context.policy.tables.get("notice", {})
            st.date_input(
                f"公示开始日（改造完成的须公示满 {days} 天，条款 {panels.plain(notice.get('reference', ''))}）",
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

    mine = {"步骤": HOUSE_LABELS[to], "发生日": str(at), "原因": reason or "—"}
    moving.save(
        context,
        name,
        f"house:{house.household_id}",
        mine,
        work,
        f"户 {house.household_id} 已登记“{HOUSE_LABELS[to]}”。",
    )
