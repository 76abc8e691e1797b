"""What an event of the tracker says, in the words of the office."""

import functools
from collections.abc import Mapping
from typing import Any

from tracker.accounts import users
from tracker.events import Event
from tracker.status import FIELD_LABELS, HOUSE_LABELS, PROJECT_LABELS
from views.context import Context
from views.labels import label
from views.recheck import need_label, place_name
from views.signin import OWNER

FIELDS = {
    **FIELD_LABELS, "title": "名称", "kind": "类别", "town": "乡镇", "year": "年度", "village_ids": "村", "needs": "解决的缺口",
    "planned_length_km": "计划公里", "actual_length_km": "实际公里", "note": "备注", "reason": "原因", "correction": "更正说明",
    "still_open": "销号时地图上仍有的缺口", "village_id": "村编码", "source": "来源", "basis": "立项依据", "amount_cny": "金额（元）",
    "project_id": "项目", "document": "文件",
}  # fmt: skip


@functools.lru_cache(maxsize=1)
def kind_labels() -> Mapping[str, str]:
    """Give the Chinese name of every kind of event of projects and houses."""
    return {
        "project_described": "登记项目内容", "withdrawn": "撤回记录",
        **{f"project_{key}": text for key, text in PROJECT_LABELS.items()},
        **{f"house_{key}": text for key, text in HOUSE_LABELS.items()},
    }  # fmt: skip


def event_label(event: Event) -> str:
    """Name what happened in Chinese."""
    return kind_labels().get(event.kind, event.kind)


def people(context: Context) -> dict[str, str]:
    """Return user name -> name of every account."""
    return {OWNER.username: OWNER.name, **{user.username: user.name for user in users(context.office.ledger)}}


def details(context: Context, event: Event) -> list[str]:
    """Write what an event says, one line a field, empty ones left out."""
    lines = []
    for key, value in event.payload.items():
        if value in (None, "", [], {}) or key == "basis":
            continue
        lines.append(f"{FIELDS.get(key, key)}：{_text(key, value, context)}")
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
