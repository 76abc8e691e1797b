"""The ledger of dangerous houses (危房台账): from first report to closed, and opened again when a new danger appears."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from geo.errors import InputError
from tracker import events, status
from tracker.events import Draft, Event
from tracker.ledger import Ledger
from tracker.status import HOUSE_LABELS, Step

MOVED = tuple(f"house_{name}" for name in HOUSE_LABELS)


@dataclass(frozen=True)
class House:
    """A dangerous house as it stood on a day. Only the present round counts: from the last time it was found."""

    household_id: str
    village_id: str
    town: str
    status: str
    since: date
    found: date
    grade: str
    treatment: str
    close_reason: str
    dates: Mapping[str, date] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Return whether the house is still in the ledger (not 销档)."""
        return self.status != "closed"

    @property
    def label(self) -> str:
        """Return the status in Chinese."""
        return HOUSE_LABELS[self.status]


def report(ledger: Ledger, rows: Iterable[Mapping[str, Any]], *, at: date, by: str, source: str = "") -> list[str]:
    """Enter newly found dangerous houses and return the household ids that were new.

    Each row has `household_id` and may have `village_id`, `town`, `grade`. A household that is already open in the
    ledger, or was closed, is left alone: reopening needs a reason, see `move`. Sending the same list twice adds nothing.
    """
    known = {house.household_id for house in houses(ledger)}
    drafts: dict[str, Draft] = {}
    for row in rows:
        household = str(row.get("household_id") or "").strip()
        if not household:
            raise InputError("危房名单里有一户没有户编号，请补上后再导入。")
        payload = {name: _text(row.get(name)) for name in ("village_id", "town", "grade")}
        payload = {"reason": "", "source": source, **{name: text for name, text in payload.items() if text}}
        if household not in known and household not in drafts:
            drafts[household] = Draft(f"house:{household}", "house_found", at, by, payload, expected_version=0)
    if drafts:
        events.append(ledger, *drafts.values())
    return list(drafts)


def move(
    ledger: Ledger,
    household_id: str,
    to: str,
    *,
    at: date,
    by: str,
    reason: str = "",
    evidence: Sequence[str] = (),
    grade: str | None = None,
    treatment: str | None = None,
    close_reason: str | None = None,
    notice_from: date | None = None,
    notice_days: int = 0,
    expected_version: int | None = None,
    event_id: str = "",
) -> int:
    """Take a house one step further and return its new version.

    `notice_days` is the public notice the policy asks for before a renovated house is closed; it is kept with the step,
    so that a later correction is held to it and an older closing is not held to a newer rule. Raises InputError with
    every fault of the step at once, ConflictError when someone else was first.
    """
    saved = events.by_id(ledger, event_id) if event_id else None
    if saved is not None:
        return saved.version
    subject = f"house:{household_id}"
    version = events.version(ledger, subject) if expected_version is None else expected_version
    history = events.effective(ledger, MOVED, subject=subject)
    if not history:
        raise InputError(f"危房台账里没有户编号为 {household_id} 的农户。请先登记为新发现。")
    given = {
        "grade": grade,
        "treatment": treatment,
        "close_reason": close_reason,
        "notice_from": notice_from.isoformat() if notice_from else None,
        "notice_days": notice_days if to == "closed" and notice_days else None,
    }
    details = {name: value for name, value in given.items() if value is not None}
    if to == "found":  # a new round: where the house stands is still known
        said = {
            name: event.payload[name] for event in history for name in ("village_id", "town") if name in event.payload
        }
        details = {**said, **details}
    step = Step(to, at, reason, tuple(evidence), details)
    steps = sorted([*(_step(event) for event in history), step], key=lambda item: item.at)
    faults = status.house_faults(steps)
    later = [event for event in history if event.at > at]
    if faults and later:
        label = HOUSE_LABELS[later[-1].kind.removeprefix("house_")]
        faults = [f"{at} 早于已登记的“{label}”（{later[-1].at}），补登的步骤要能插进原有的先后。请核对日期。"]
    if faults:
        raise InputError(f"{household_id}：" + "".join(faults))
    draft = Draft(
        subject, f"house_{to}", at, by, {"reason": reason, **details}, tuple(evidence), expected_version=version
    )
    return events.append(ledger, replace(draft, event_id=event_id) if event_id else draft)[0].version


def houses(ledger: Ledger, *, as_of: date | None = None, known_on: date | None = None) -> list[House]:
    """Return every house of the ledger as it stood on a day, as known on a day, by household id."""
    groups: dict[str, list[Event]] = {}
    for event in events.latest(ledger, MOVED, as_of=as_of, known_on=known_on):
        groups.setdefault(event.subject, []).append(event)
    made = (_house(subject, group) for subject, group in groups.items())
    return [house for house in made if house is not None]


def overdue(found: Iterable[House], *, deadline: date, day: date) -> list[House]:
    """Return the houses still open after a deadline; on the deadline itself none is overdue."""
    return [house for house in found if house.is_open and day > deadline]


def house_table(found: Iterable[House]) -> pd.DataFrame:
    """Return houses as a table, one row each, days as ISO text, nothing personal in it."""
    columns = ["household_id", "village_id", "town", "status", "since", "found", "grade", "treatment", "close_reason"]
    rows = [[getattr(house, name) for name in columns] for house in found]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(since=table["since"].astype("str"), found=table["found"].astype("str"))


def counts(found: Iterable[House]) -> pd.DataFrame:
    """Return how many houses stand at each status, by town, with a last row 合计."""
    items = list(found)
    towns = [*sorted({house.town for house in items}), None]
    rows = []
    for town in towns:
        of_town = [house for house in items if town is None or house.town == town]
        by_status = [sum(house.status == name for house in of_town) for name in HOUSE_LABELS]
        rows.append(["合计" if town is None else town, *by_status, len(of_town)])
    return pd.DataFrame(rows, columns=["town", *HOUSE_LABELS, "total"])


def _house(subject: str, group: Sequence[Event]) -> House | None:
    ordered = sorted(group, key=lambda event: event.place)
    start = next((i for i in reversed(range(len(ordered))) if ordered[i].kind == "house_found"), None)
    if start is None:
        return None
    present = ordered[start:]
    said: dict[str, Any] = {}
    for event in present:
        said.update(event.payload)
    return House(
        household_id=subject.removeprefix("house:"),
        village_id=str(said.get("village_id", "")),
        town=str(said.get("town", "")),
        status=present[-1].kind.removeprefix("house_"),
        since=present[-1].at,
        found=present[0].at,
        grade=str(said.get("grade", "")),
        treatment=str(said.get("treatment", "")),
        close_reason=str(said.get("close_reason", "")) if present[-1].kind == "house_closed" else "",
        dates={event.kind.removeprefix("house_"): event.at for event in present},
        evidence=tuple(item for event in present for item in event.evidence),
    )


def _step(event: Event) -> Step:
    return Step(
        event.kind.removeprefix("house_"), event.at, event.payload.get("reason", ""), event.evidence, event.payload
    )


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value).strip()
