"""The history of a project or a house: every event, the files that prove it, and a way to correct a step."""

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from tracker import events, evidence, mending
from tracker.events import OFFICE_ZONE
from views import panels
from views.context import Context
from views.event_words import details, event_label, kind_labels, people
from views.moving import form_id, save


def history_table(context: Context, subject: str) -> pd.DataFrame:
    """Give every event of a subject, newest first: when it happened, when it was entered, who, what, on which evidence."""
    found = events.history(context.office.ledger, subject)
    names = people(context)
    replaced = {event.corrects: event for event in found if event.corrects is not None}
    rows = []
    for event in reversed(found):
        mark = ""
        if event.seq in replaced:
            mark = f"已被第 {replaced[event.seq].seq} 号{'撤回' if replaced[event.seq].kind == events.WITHDRAWN else '更正'}"
        elif event.corrects is not None:
            mark = f"{'撤回' if event.kind == events.WITHDRAWN else '更正'}第 {event.corrects} 号"
        rows.append(
            {
                "号": event.seq,
                "发生日": event.at.isoformat(),
                "事项": event_label(event),
                "内容": "；".join(details(context, event)),
                "证明材料": "；".join(event.evidence),
                "经办": names.get(event.by, event.by),
                "登记时间": event.entered.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M"),
                "更正": mark,
            }
        )
    columns = ["号", "发生日", "事项", "内容", "证明材料", "经办", "登记时间", "更正"]
    return pd.DataFrame(rows, columns=columns)


def show_history(context: Context, subject: str, *, can_edit: bool) -> None:
    """Show the history as a list a person can read, files to fetch, and a way to correct a step."""
    table = history_table(context, subject)
    for row in table.to_dict("records"):
        left, right = st.columns([1, 3.2], gap="small")
        left.caption(row["发生日"])
        title = f"**{panels.plain(row['事项'])}**"
        right.markdown(f"~~{title}~~　{panels.plain(row['更正'])}" if row["更正"].startswith("已被") else title)
        if row["更正"] and not row["更正"].startswith("已被"):
            right.caption(row["更正"])
        if row["内容"]:
            right.text(row["内容"])
        right.caption(panels.plain(f"{row['经办']} 于 {row['登记时间']} 登记 · 第 {row['号']} 号"))
        for number, reference in enumerate(filter(None, row["证明材料"].split("；"))):
            _offer_evidence(context, right, reference, f"file_{row['号']}_{number}")
    if can_edit:
        _correction_form(context, subject)


def _offer_evidence(context: Context, place: Any, reference: str, key: str) -> None:
    content = evidence.fetch(context.office.path, reference)
    if content is None:
        place.text(f"证明：{reference}")
        return
    name = reference.split("/", 1)[1]
    place.download_button(
        panels.plain(name), data=content, file_name=name, icon=":material/attach_file:", key=key, on_click="ignore"
    )


def _correction_form(context: Context, subject: str) -> None:
    """Offer to correct or take back a step that still holds; the step named stays readable."""
    ledger = context.office.ledger
    kinds = [kind for kind in kind_labels() if kind.startswith(("project_", "house_")) and kind != "project_described"]
    steps = {event.seq: event for event in reversed(events.effective(ledger, kinds, subject=subject))}
    if not steps:
        return
    with st.expander("登记错了？更正或撤回一步", icon=":material/edit_note:"):
        texts = {seq: f"第 {seq} 号 {event_label(event)}（{event.at}）" for seq, event in steps.items()}
        seq = st.selectbox("哪一步", list(texts), format_func=texts.__getitem__, key=f"mend_{subject}")
        name = f"mend_{subject}_{seq}"
        with st.form(name, border=False):
            st.date_input(
                "实际发生日", value=steps[seq].at, key=f"{name}_at", format="YYYY-MM-DD", min_value=date(2000, 1, 1)
            )
            st.text_area("证明材料（每行一件）", "\n".join(steps[seq].evidence), key=f"{name}_evidence", height=68)
            st.text_input("原先错在哪里（必填）", key=f"{name}_why", max_chars=300)
            left, right = st.columns(2)
            left.form_submit_button("更正", on_click=_correct, args=(context, subject, seq, name))
            right.form_submit_button("整步撤回", on_click=_withdraw, args=(context, subject, seq, name))


def _correct(context: Context, subject: str, seq: int, name: str) -> None:
    state = st.session_state
    proof = [line.strip() for line in state[f"{name}_evidence"].splitlines() if line.strip()]
    day, why, number = state[f"{name}_at"], state[f"{name}_why"], form_id(name)

    def work(version: int | None) -> object:
        return mending.correct_step(
            context.office.ledger, seq, by=context.user.username, why=why, at=day, evidence=proof,
            expected_version=version, event_id=number,
        )  # fmt: skip

    save(
        context,
        name,
        subject,
        {"更正": f"第 {seq} 号", "发生日": str(day), "原因": why},
        work,
        f"第 {seq} 号已更正，原记录仍可查。",
    )


def _withdraw(context: Context, subject: str, seq: int, name: str) -> None:
    why = st.session_state[f"{name}_why"]
    save(
        context,
        name,
        subject,
        {"撤回": f"第 {seq} 号", "原因": why},
        lambda _: mending.withdraw_step(context.office.ledger, seq, by=context.user.username, reason=why),
        f"第 {seq} 号已撤回，原记录仍可查。",
    )
