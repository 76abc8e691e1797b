"""The card of one project: what it is, what may come next, its money, its history."""

from datetime import date
from typing import Any

import streamlit as st

from tracker import projects, status
from tracker.funds import postings, totals
from tracker.projects import Project
from tracker.status import PROJECT_LABELS, PROJECT_STEPS, Rule
from views import moving, panels, steps
from views.context import Context
from views.labels import label, money, number
from views.proposing import KINDS, Seed, choose_needs, cny_of
from views.recheck import data_day, need_label, place_name, standings, still_open

COLORS = {
    "reserve": "gray", "approved": "violet", "tendered": "violet", "started": "orange", "completed": "blue", "accepted": "blue",
    "closed": "green", "cancelled": "gray",
}  # fmt: skip
BACK = {("closed", "started"): "重新开工", ("cancelled", "reserve"): "恢复为储备"}
TABS = ("概况", "下一步", "经过", "修改")


def may_edit(context: Context, project: Project) -> bool:
    """Tell whether the person may change this project: role, town and sector."""
    about = project.description
    return context.user.may("edit", town=about.town or None, sector=about.kind)


def show_card(context: Context, project: Project, *, is_past: bool) -> None:
    """Show the project; nothing can be changed while another day is looked at."""
    about = project.description
    st.markdown(f"#### {panels.plain(about.title)}")
    with st.container(horizontal=True, gap="small"):
        panels.show_badge(label("project_status", project.status, context.language), COLORS[project.status])
        st.caption(
            panels.plain(
                f"{project.project_id} · {label('sector', about.kind, context.language)} · {about.town or '未填乡镇'} · {about.year} 年"
            )
        )
    can_edit = not is_past and may_edit(context, project)
    subject = f"project:{project.project_id}"
    if not is_past:
        moving.show_changed(context, subject)
    tabs = TABS if can_edit else ("概况", "经过")
    chosen = (
        st.segmented_control("看什么", tabs, default="概况", key="project_tab", label_visibility="collapsed") or "概况"
    )
    if chosen == "下一步":
        show_next(context, project)
    elif chosen == "经过":
        steps.show_history(context, subject, can_edit=can_edit)
    elif chosen == "修改":
        show_amend(context, project)
    else:
        show_facts(context, project)


def show_facts(context: Context, project: Project) -> None:
    """Show the facts, the money, and what the map says of every need."""
    about = project.description
    money_of = totals([item for item in postings(context.office.ledger) if item.project_id == project.project_id])[()]
    planned = None if about.planned_cost_cny is None else float(about.planned_cost_cny) / 1e4
    actual = None if project.actual_cost_cny is None else float(project.actual_cost_cny) / 1e4
    length = f"计划 {number(about.planned_length_km, 3)} · 实际 {number(project.actual_length_km, 3)} 公里"
    pairs = [
        ("责任单位", about.owner or "未填"),
        ("投资", f"计划 {money(planned)} · 实际 {money(actual)}"),
        ("资金", f"下达 {money(float(money_of.allocation) / 1e4)} · 支付 {money(float(money_of.payment) / 1e4)}"),
        ("长度", length if about.planned_length_km is not None or project.actual_length_km is not None else "—"),
        (
            "各步日期",
            "，".join(
                f"{PROJECT_LABELS[name]} {day}" for name, day in sorted(project.dates.items(), key=lambda item: item[1])
            ),
        ),
        (
            "立项依据",
            f"{about.basis.get('policy_id', '')}，评估日 {about.basis.get('day', '')}" if about.basis else "手工登记",
        ),
    ]
    if about.note:
        pairs.append(("备注", about.note))
    for heading, text in pairs:
        left, right = st.columns([1, 4], gap="small")
        left.caption(heading)
        right.text(text)
    show_recheck(context, project)


def show_recheck(context: Context, project: Project) -> list[tuple[str, str]]:
    """Show what the map says of every need of the project, and return what is still open."""
    found = standings(context, project.description.needs)
    if not found:
        st.caption("没有关联缺口：可在“修改”里补上，销号时地图才能复核。")
        return []
    st.markdown(f"**地图复核**（评估日 {context.day}）")
    for item in found:
        left, right = st.columns([1, 4], gap="small")
        with left:
            panels.show_status(item.status, context)
        right.text(f"{item.place} · {item.label}")
    if project.still_open:
        names = "、".join(
            f"{place_name(context, unit)} {need_label(context, need)}" for unit, need in project.still_open
        )
        st.caption(panels.plain(f"销号时地图上仍有的缺口：{names}"))
    late = data_day(context, project)
    if late:
        st.warning(late, icon=":material/update:")
    return still_open(found)


def show_next(context: Context, project: Project) -> None:
    """Offer the allowed next steps only, each with what it must bring."""
    options = status.next_steps(project.status, of=PROJECT_STEPS)
    texts = {to: BACK.get((project.status, to), _step_text(project.status, to)) for to in options}
    to = st.segmented_control(
        "下一步",
        list(texts),
        default=next(iter(texts)),
        format_func=texts.__getitem__,
        key=f"to_{project.project_id}_{project.status}",
    )
    if to is None:
        return
    rule = options[to]
    name = f"move_{project.project_id}_{project.status}_{to}"
    remaining = show_recheck(context, project) if to == "closed" else []
    if remaining:
        st.error(
            "地图上还有缺口（见上）。可以先更新图层再销号；确要现在销号，请写明原因，缺口会随项目留存。",
            icon=":material/error:",
        )
    with st.form(name, border=False):
        st.date_input("发生日", moving.today(), key=f"{name}_at", format="YYYY-MM-DD", min_value=date(2000, 1, 1))
        _ask_details(project, rule, to, name)
        moving.ask_reason_and_evidence(
            name, needs_reason=rule.needs_reason or bool(remaining), needs_evidence=rule.needs_evidence
        )
        st.form_submit_button(
            f"登记“{texts[to]}”", type="primary", on_click=_move, args=(context, project, to, name, remaining)
        )


def _step_text(before: str, to: str) -> str:
    order = list(PROJECT_LABELS)
    is_back = to != "cancelled" and order.index(to) < order.index(before)
    return f"退回{PROJECT_LABELS[to]}" if is_back else PROJECT_LABELS[to]


def _ask_details(project: Project, rule: Rule, to: str, name: str) -> None:
    about = project.description
    if "owner" in rule.fields:
        st.text_input("责任单位（必填）", about.owner, key=f"{name}_owner", max_chars=120)
    if "planned_cost_cny" in rule.fields:
        st.number_input(
            "计划投资（万元，必填）",
            min_value=0.0,
            value=_cny10k(about.planned_cost_cny),
            step=0.1,
            format="%.4f",
            key=f"{name}_planned",
        )
    if to in {"completed", "accepted"}:
        left, right = st.columns(2)
        must = "，必填" if "actual_cost_cny" in rule.fields else ""
        left.number_input(
            f"实际投资（万元{must}）",
            min_value=0.0,
            value=_cny10k(project.actual_cost_cny),
            step=0.1,
            format="%.4f",
            key=f"{name}_cost",
        )
        right.number_input(
            "实际长度（公里）",
            min_value=0.0,
            value=project.actual_length_km,
            step=0.01,
            format="%.3f",
            key=f"{name}_length",
        )


def _cny10k(value: Any) -> float | None:
    return None if value is None else float(value) / 10000


def _move(context: Context, project: Project, to: str, name: str, remaining: list[tuple[str, str]]) -> None:
    """Enter a step with what the form holds: owner and planned cost first, when they were changed there."""
    state, ledger, by = st.session_state, context.office.ledger, context.user.username
    if remaining and not state[f"{name}_reason"].strip():
        gaps = "、".join(f"{place_name(context, unit)} {need_label(context, need)}" for unit, need in remaining)
        state[moving.NOTICE] = ("error", f"地图上仍有缺口：{gaps}。确要销号请写明原因，缺口会随项目留存。")
        return
    at, reason, key = state[f"{name}_at"], state[f"{name}_reason"], moving.form_id(name)
    uploads, text = state.get(f"{name}_files"), state.get(f"{name}_text", "")
    about = project.description
    owner, planned = (
        state.get(f"{name}_owner", about.owner),
        cny_of(state.get(f"{name}_planned", _cny10k(about.planned_cost_cny))),
    )
    is_new = owner.strip() != about.owner or planned != about.planned_cost_cny
    cost, length = cny_of(state.get(f"{name}_cost")), state.get(f"{name}_length")

    def work(version: int | None) -> object:
        proof = moving.kept_evidence(context, uploads or [], text)
        if is_new:
            version = projects.amend(
                ledger, project.project_id, at=at, by=by, expected_version=version or 0, owner=owner.strip(), planned_cost_cny=planned
            )  # fmt: skip
            st.session_state[f"seen_project:{project.project_id}"] = version
        return projects.move(
            ledger, project.project_id, to, at=at, by=by, reason=reason, evidence=proof, actual_cost_cny=cost,
            actual_length_km=length, still_open=remaining, expected_version=version, event_id=key,
        )  # fmt: skip

    mine = {"步骤": PROJECT_LABELS[to], "发生日": str(at), "原因": reason or "—", "证明材料": text or "—"}
    moving.save(
        context,
        name,
        f"project:{project.project_id}",
        mine,
        work,
        f"{project.project_id} 已登记“{PROJECT_LABELS[to]}”。",
    )


def show_amend(context: Context, project: Project) -> None:
    """Offer to change what the project is; the former description stays in the history."""
    about = project.description
    name = f"amend_{project.project_id}"
    with st.form(name, border=False):
        st.text_input("项目名称", about.title, key=f"{name}_title", max_chars=120)
        left, right = st.columns(2)
        left.selectbox(
            "类别",
            KINDS,
            index=KINDS.index(about.kind) if about.kind in KINDS else 0,
            format_func=lambda key: label("sector", key, context.language),
            key=f"{name}_kind",
        )
        right.number_input("计划年度", 2000, 2100, about.year, step=1, key=f"{name}_year")
        st.text_input("责任单位", about.owner, key=f"{name}_owner", max_chars=120)
        left, right = st.columns(2)
        left.number_input(
            "计划投资（万元）",
            min_value=0.0,
            value=_cny10k(about.planned_cost_cny),
            step=0.1,
            format="%.4f",
            key=f"{name}_cost",
        )
        right.number_input(
            "计划长度（公里）",
            min_value=0.0,
            value=about.planned_length_km,
            step=0.01,
            format="%.3f",
            key=f"{name}_length",
        )
        needs = choose_needs(context, Seed(needs=about.needs, town=about.town), about.town)
        st.text_input("备注（为什么改）", about.note, key=f"{name}_note", max_chars=300)
        if st.form_submit_button("登记修改", type="primary"):
            _amend(context, project, name, needs)


def _amend(context: Context, project: Project, name: str, needs: list[tuple[str, str]]) -> None:
    state = st.session_state
    changes = {
        "title": state[f"{name}_title"].strip(), "kind": state[f"{name}_kind"], "year": int(state[f"{name}_year"]),
        "owner": state[f"{name}_owner"].strip(), "planned_cost_cny": cny_of(state[f"{name}_cost"]),
        "planned_length_km": state[f"{name}_length"], "needs": tuple(needs), "note": state[f"{name}_note"],
    }  # fmt: skip

    def work(version: int | None) -> object:
        return projects.amend(
            context.office.ledger, project.project_id, at=moving.today(), by=context.user.username,
            expected_version=version or 0, **changes,
        )  # fmt: skip

    mine = {
        "名称": changes["title"],
        "责任单位": changes["owner"],
        "计划投资": f"{changes['planned_cost_cny'] or '—'} 元",
    }
    moving.save(
        context, name, f"project:{project.project_id}", mine, work, f"{project.project_id} 已修改，原内容仍可查。"
    )
    st.rerun()
