"""What an event of the tracker says, in the words of the office."""

from typing import Any

from tracker.accounts import users
from tracker.events import Event
from tracker.status import HOUSE_LABELS, PROJECT_LABELS
from views.context import Context
from views.labels import Language, label, say
from views.recheck import need_label, place_name
from views.signin import OWNER

KINDS = (
    "project_described", "withdrawn", *(f"project_{key}" for key in PROJECT_LABELS), *(f"house_{key}" for key in HOUSE_LABELS),
)  # fmt: skip


def event_label(event: Event, language: Language) -> str:
    """Name what happened."""
    room, _, step = event.kind.partition("_")
    if event.kind in KINDS and step and event.kind != "project_described":
        return label(f"{room}_status", step, language)
    return label("event", event.kind, language)


def people(context: Context) -> dict[str, str]:
    """Return user name -> name of every account."""
    return {OWNER.username: OWNER.name, **{user.username: user.name for user in users(context.office.ledger)}}


def details(context: Context, event: Event) -> list[str]:
    """Write what an event says, one line a field, empty ones left out."""
    lines = []
    for key, value in event.payload.items():
        if value in (None, "", [], {}) or key == "basis":
            continue
        name = label("event_field", key, context.language)
        lines.append(say(context.language, "event_detail", name=name, text=_text(key, value, context)))
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
        return f"{float(value) / 10000:,.4f}".rstrip("0").rstrip(".") + f" {label('unit', 'cny10k', context.language)}"
    return str(value)
