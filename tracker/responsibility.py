"""Which helper unit (帮扶单位) and which person in it answers for which village, from one day to another.

A unit answers for a village from `since` to `until`, both days included; without `until` it goes on. Another person of
the same unit is a new event from the day of the change. Several units may answer for one village.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from geo.errors import InputError
from tracker import events
from tracker.events import Draft, Event
from tracker.ledger import Ledger

ASSIGNED, ENDED = "responsibility_assigned", "responsibility_ended"
KINDS = (ASSIGNED, ENDED)


@dataclass(frozen=True)
class Responsibility:
    """A unit that answers for a village on the day asked about, and since when this person does."""

    village_id: str
    unit: str
    person: str
    since: date
    until: date | None
    source: str = ""

    def holds_on(self, day: date) -> bool:
        """Return whether it holds on a day; the first and the last day are inside.

        >>> r = Responsibility("V1", "县水务局", "李", date(2018, 1, 1), date(2018, 12, 31))
        >>> [r.holds_on(date(2018, 12, 31)), r.holds_on(date(2019, 1, 1)), r.holds_on(date(2017, 12, 31))]
        [True, False, False]
        """
        return self.since <= day and (self.until is None or day <= self.until)


def responsibilities(ledger: Ledger, day: date, *, known_on: date | None = None) -> list[Responsibility]:
    """Return who answers for which village on a day, as known on a day, by village and unit."""
    groups: dict[str, list[Event]] = {}
    for event in events.latest(ledger, KINDS, as_of=day, known_on=known_on):
        groups.setdefault(event.subject, []).append(event)
    made = (_standing(sorted(group, key=lambda event: event.place)) for group in groups.values())
    return sorted((item for item in made if item and item.holds_on(day)), key=lambda item: (item.village_id, item.unit))


def assign(ledger: Ledger, rows: Iterable[Mapping[str, Any]], *, by: str, source: str = "") -> int:
    """Enter who answers for which village and return how many rows said something new.

    Each row has `village_id`, `unit` and `since`, and may have `person` and `until`. What the ledger says already is left
    alone, so sending the same list twice adds nothing; a row for the same first day corrects what was said for that day.
    """
    drafts: dict[str, Draft] = {}
    for row in rows:
        draft = _draft(row, by, source)
        if draft.subject in drafts:
            raise InputError(f"名单里“{row['unit']}”与村 {row['village_id']} 出现了两次，请只留一行。")
        drafts[draft.subject] = draft
    new = [draft for draft in (_compared(ledger, item) for item in drafts.values()) if draft is not None]
    if new:
        events.append(ledger, *new)
    return len(new)


def end(ledger: Ledger, village_id: str, unit: str, *, last_day: date, by: str, reason: str) -> None:
    """Let a unit answer for a village no longer after `last_day`; earlier days keep it."""
    if not reason.strip():
        raise InputError("结束帮扶要写明原因（例如调整、脱贫后撤出）。")
    standing = [r for r in responsibilities(ledger, last_day) if (r.village_id, r.unit) == (village_id, unit)]
    if not standing:
        raise InputError(f"{last_day} 没有“{unit}”帮扶村 {village_id} 的记录，请核对单位名称和日期。")
    payload = {"village_id": village_id, "unit": unit, "reason": reason.strip()}
    events.append(ledger, Draft(_subject(village_id, unit), ENDED, last_day, by, payload))


def _subject(village_id: str, unit: str) -> str:
    return f"responsibility:{village_id}/{unit}"


def _draft(row: Mapping[str, Any], by: str, source: str) -> Draft:
    village, unit = str(row.get("village_id") or "").strip(), str(row.get("unit") or "").strip()
    since, until = row.get("since"), row.get("until")
    if not village or not unit:
        raise InputError("帮扶名单的每一行都要有村和帮扶单位。")
    if not isinstance(since, date):
        raise InputError(f"{unit}、村 {village}：没有写从哪一天起。")
    if until is not None and (not isinstance(until, date) or until < since):
        raise InputError(f"{unit}、村 {village}：结束日 {until} 早于开始日 {since}，请改正。")
    payload = {
        "village_id": village,
        "unit": unit,
        "person": str(row.get("person") or "").strip(),
        "until": until.isoformat() if until else None,
        "source": source,
    }
    return Draft(_subject(village, unit), ASSIGNED, since, by, payload)


def _compared(ledger: Ledger, draft: Draft) -> Draft | None:
    """Return the draft as new, as a correction of what was said for the same first day, or None when nothing differs."""
    said = events.effective(ledger, (ASSIGNED,), subject=draft.subject)
    same_day = [event for event in said if event.at == draft.at]
    if not same_day:
        return draft
    old = same_day[-1]
    if all(old.payload.get(name) == draft.payload[name] for name in ("person", "until")):
        return None
    return Draft(draft.subject, ASSIGNED, draft.at, draft.by, draft.payload, corrects=old.seq)


def _standing(group: list[Event]) -> Responsibility | None:
    begun = next((event for event in group if event.kind == ASSIGNED), None)
    if begun is None:
        return None
    ended = next((event.at for event in group if event.kind == ENDED and event.place > begun.place), None)
    said = begun.payload.get("until")
    last = min(filter(None, (date.fromisoformat(said) if said else None, ended)), default=None)
    return Responsibility(
        str(begun.payload["village_id"]), str(begun.payload["unit"]), str(begun.payload["person"]), begun.at, last,
        str(begun.payload.get("source", "")),
    )  # fmt: skip
