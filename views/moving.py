"""What project and house cards share: forms saved once, conflicts side by side, the history with its corrections."""

import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
import streamlit as st

from geo.errors import AppError
from tracker import events, evidence, mending
from tracker.accounts import users
from tracker.events import OFFICE_ZONE, Event
from tracker.ledger import ConflictError
from tracker.status import FIELD_LABELS, HOUSE_LABELS, PROJECT_LABELS
from views import panels
from views.context import Context
from views.labels import label
from views.recheck import need_label, place_name
from views.signin import OWNER

NOTICE = "tracker_notice"
CONFLICT = "tracker_conflict"
UPLOADS = ["pdf", "jpg", "jpeg", "png", "doc", "docx", "xls", "xlsx", "zip"]
_MORE_LABELS = {
    **FIELD_LABELS, "title": "名称", "kind": "类别", "town": "乡镇", "year": "年度", "village_ids": "村", "needs": "解决的缺口",
    "planned_length_km": "计划公里", "actual_length_km": "实际公里", "note": "备注", "reason": "原因", "correction": "更正说明",
    "still_open": "销号时地图上仍有的缺口", "village_id": "村编码", "source": "来源", "basis": "立项依据", "amount_cny": "金额（元）",
    "project_id": "项目", "document": "文件",
}  # fmt: skip
Save = Callable[[int | None], object]


@dataclass(frozen=True)
class Conflict:
    """A save that came second: what was to be entered, what others entered meanwhile, and how to try again."""

    name: str
    subject: str
    mine: Mapping[str, str]
    theirs: tuple[Event, ...]
    retry: Save


def today() -> date:
    """Return today in the office's time zone."""
    return datetime.now(OFFICE_ZONE).date()


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
        st.error(text, icon=":material/error:")
    elif kind:
        st.toast(panels.plain(text), icon=":material/check_circle:")


def show_conflict(context: Context) -> bool:
    """Show both sides of a save that came second, and let the person decide. True while there is one."""
    conflict: Conflict | None = st.session_state.get(CONFLICT)
    if conflict is None:
        return False
    names = people(context)
    with st.container(border=True, key="conflict"):
        st.warning(
            "您打开之后，别人先改了这一条。您的修改没有保存，也没有盖掉别人的。请对照两边再决定。",
            icon=":material/sync_problem:",
        )
        left, right = st.columns(2, gap="large")
        left.markdown("**您要登记的**")
        for heading, text in conflict.mine.items():
            left.text(f"{heading}：{text}")
        right.markdown("**别人已登记的**")
        for event in conflict.theirs:
            right.text(f"{event_label(event)}（{event.at}，{names.get(event.by, event.by)}，第 {event.seq} 号）")
            for line in details(context, event):
                right.text(f"　{line}")
        again, drop, _ = st.columns([1, 1, 2])
        again.button(
            "看过了，仍登记我的", type="primary", on_click=_retry, args=(context, conflict), key="conflict_retry"
        )
        drop.button("放弃我的，用别人的", on_click=_drop, args=(conflict.subject,), key="conflict_drop")
    return True


def _retry(context: Context, conflict: Conflict) -> None:
    st.session_state.pop(CONFLICT, None)
    newest = max((event.version for event in conflict.theirs), default=None)
    if newest is not None:
        st.session_state[f"seen_{conflict.subject}"] = newest
    save(context, conflict.name, conflict.subject, conflict.mine, conflict.retry, "已登记。")


def _drop(subject: str) -> None:
    st.session_state.pop(CONFLICT, None)
    look_again(subject)


def kept_evidence(context: Context, uploads: Sequence[Any], text: str) -> list[str]:
    """Store uploaded files and return how the event names its evidence, typed references after them."""
    stored = [evidence.keep(context.office.path, item.name, bytes(item.getbuffer())) for item in uploads or ()]
    return [*stored, *(line.strip() for line in text.replace("；", "\n").splitlines() if line.strip())]


@functools.lru_cache(maxsize=1)
def _kind_labels() -> Mapping[str, str]:
    return {
        "project_described": "登记项目内容", "withdrawn": "撤回记录",
        **{f"project_{key}": text for key, text in PROJECT_LABELS.items()},
        **{f"house_{key}": text for key, text in HOUSE_LABELS.items()},
    }  # fmt: skip


def event_label(event: Event) -> str:
    """Name what happened in Chinese."""
    return _kind_labels().get(event.kind, event.kind)


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
    st.info(f"您打开之后，{panels.plain(who)}登记了“{event_label(last)}”。下面已是最新内容。", icon=":material/sync:")
    st.button("知道了", on_click=look_again, args=(subject,), key=f"noted_{subject}")


def ask_reason_and_evidence(name: str, *, needs_reason: bool, needs_evidence: bool) -> None:
    """Ask in a form for the reason and the evidence of a step, saying which must be given."""
    st.text_input("原因（必填）" if needs_reason else "原因或说明", key=f"{name}_reason", max_chars=300)
    with st.expander(f"证明材料{'（必附）' if needs_evidence else ''}", expanded=needs_evidence):
        st.file_uploader("文件或照片", UPLOADS, accept_multiple_files=True, key=f"{name}_files")
        st.text_input("或文号、卷宗号", key=f"{name}_text", placeholder="例：验〔2018〕12号", max_chars=200)


def people(context: Context) -> dict[str, str]:
    """Return user name -> name of every account."""
    return {OWNER.username: OWNER.name, **{user.username: user.name for user in users(context.office.ledger)}}


def details(context: Context, event: Event) -> list[str]:
    """Write what an event says, one line a field, empty ones left out."""
    lines = []
    for key, value in event.payload.items():
        if value in (None, "", [], {}) or key == "basis":
            continue
        lines.append(f"{_MORE_LABELS.get(key, key)}：{_text(key, value, context)}")
    return lines


def _text(key: str, value: Any, context: Context) -> str:
    groups = {"kind": "sector", "treatment": "treatment", "close_reason": "close_reason", "grade": "grade"}
    if key in groups:
        return label(groups[key], str(value), context.language)
    if key in {"needs", "still_open"}:
        return "、".join(f"{place_name(context, unit)} {need_label(context, need)}" for unit, need in value)
    if isinstance(value, list):
        return "、".join(" ".join(map(str, item)) if isinstance(item, list) else str(item) for item in value)
    if key.endswith("_cost_cny"):
        return f"{float(value) / 10000:,.4f}".rstrip("0").rstrip(".") + " 万元"
    return str(value)


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
    kinds = [kind for kind in _kind_labels() if kind.startswith(("project_", "house_")) and kind != "project_described"]
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
