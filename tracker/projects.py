"""Projects: proposed from a gap or by hand, moved step by step, seen as they stood on any day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from geo.errors import InputError
from tracker import events, money, status
from tracker.events import Draft, Event
from tracker.ledger import ConflictError, Ledger
from tracker.status import PROJECT_LABELS, Step

DESCRIBED = "project_described"
MOVED = tuple(f"project_{name}" for name in PROJECT_LABELS)


@dataclass(frozen=True)
class Description:
    """What a project is. `needs` are the (unit_id, need) it is to close; `basis` says which assessment proposed it."""

    title: str
    kind: str
    town: str
    year: int
    village_ids: tuple[str, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    planned_cost_cny: Decimal | None = None
    planned_length_km: float | None = None
    basis: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Project:
    """A project as it stood on a day. `dates` holds the last day of each step."""

    project_id: str
    description: Description
    status: str
    since: date
    dates: Mapping[str, date]
    actual_cost_cny: Decimal | None
    actual_length_km: float | None
    evidence: tuple[str, ...]
    still_open: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        """Return the status in Chinese."""
        return PROJECT_LABELS[self.status]


def propose(
    ledger: Ledger, description: Description, *, at: date, by: str, project_id: str | None = None, event_id: str = ""
) -> str:
    """Enter a project into the reserve (储备) and return its id, P<year>-<number> unless one is given.

    Saving the same form twice (`event_id`) makes one project.
    """
    payload = _payload(description)
    for _ in range(1000):
        number = project_id or _next_id(ledger, description.year)
        try:
            stored = events.append(ledger, *_first(number, payload, at, by, event_id))[0]
        except ConflictError:
            saved = events.by_id(ledger, event_id) if event_id else None
            if saved is not None:
                return saved.subject.removeprefix("project:")
            if project_id:
                raise
        else:
            return stored.subject.removeprefix("project:")
    raise InputError("项目编号一直被占用，请稍后再试。")


def amend(ledger: Ledger, project_id: str, *, at: date, by: str, expected_version: int, **changes: Any) -> int:
    """Change the description of a project and return its new version; ConflictError when someone else was first."""
    now = project(ledger, project_id)
    changed = replace(now.description, **changes)
    draft = Draft(f"project:{project_id}", DESCRIBED, at, by, _payload(changed), expected_version=expected_version)
    return events.append(ledger, draft)[0].version


def move(
    ledger: Ledger,
    project_id: str,
    to: str,
    *,
    at: date,
    by: str,
    reason: str = "",
    evidence: Sequence[str] = (),
    actual_cost_cny: object = None,
    actual_length_km: float | None = None,
    still_open: Iterable[tuple[str, str]] = (),
    expected_version: int | None = None,
    event_id: str = "",
) -> int:
    """Take a project one step further and return its new version.

    `still_open` are the needs of the project that the map still shows as gaps; closing (销号) against it asks for a
    reason and keeps them on record. Raises InputError with every fault of the step at once.
    """
    subject = f"project:{project_id}"
    saved = events.by_id(ledger, event_id) if event_id else None
    if saved is not None:
        return saved.version
    version = events.version(ledger, subject) if expected_version is None else expected_version
    history = _standing(ledger, subject)
    if not history:
        raise InputError(f"没有编号为 {project_id} 的项目。")
    details: dict[str, Any] = {}
    if actual_cost_cny is not None:
        details["actual_cost_cny"] = str(money.amount(actual_cost_cny, what="实际投资"))
    if actual_length_km is not None:
        details["actual_length_km"] = float(actual_length_km)
    remaining = sorted(set(still_open))
    step = Step(to, at, reason, tuple(evidence), details)
    faults = status.project_faults(_steps(history, [step]))
    later = [event for event in history if event.kind != DESCRIBED and event.at > at]
    if faults and later:
        label = PROJECT_LABELS[later[-1].kind.removeprefix("project_")]
        faults = [f"{at} 早于已登记的“{label}”（{later[-1].at}），补登的步骤要能插进原有的先后。请核对日期。"]
    if to == "closed" and remaining and not reason.strip():
        gaps = "、".join(f"{unit} {need}" for unit, need in remaining)
        faults.append(f"地图上仍有缺口：{gaps}。确要销号请写明原因，缺口会随项目留存。")
    if faults:
        raise InputError(f"{project_id}：" + "".join(faults))
    payload = {"reason": reason, **details, **({"still_open": [list(gap) for gap in remaining]} if remaining else {})}
    draft = Draft(subject, f"project_{to}", at, by, payload, tuple(evidence), expected_version=version)
    return events.append(ledger, replace(draft, event_id=event_id) if event_id else draft)[0].version


def project(ledger: Ledger, project_id: str, *, as_of: date | None = None, known_on: date | None = None) -> Project:
    """Return one project as it stood on a day. Raises InputError when there was none."""
    found = projects(ledger, as_of=as_of, known_on=known_on, only=project_id)
    if not found:
        raise InputError(f"没有编号为 {project_id} 的项目{f'（截至 {as_of}）' if as_of else ''}。")
    return found[0]


def projects(
    ledger: Ledger, *, as_of: date | None = None, known_on: date | None = None, only: str | None = None
) -> list[Project]:
    """Return every project as it stood on a day, as known on a day, by id."""
    kinds = (DESCRIBED, *MOVED)
    subject = None if only is None else f"project:{only}"
    found = events.latest(ledger, kinds, as_of=as_of, known_on=known_on, subject=subject)
    groups: dict[str, list[Event]] = {}
    for event in found:
        groups.setdefault(event.subject, []).append(event)
    made = (_project(subject, group) for subject, group in groups.items())
    return [item for item in made if item is not None]


def version(ledger: Ledger, project_id: str) -> int:
    """Return the version a form remembers when it opens, to be handed to `amend` or `move`."""
    return events.version(ledger, f"project:{project_id}")


def project_table(found: Iterable[Project]) -> pd.DataFrame:
    """Return projects as a table, one row each, money in 万元, days as ISO text; empty cells where not yet known."""
    rows = [
        {
            "project_id": item.project_id,
            "title": item.description.title,
            "kind": item.description.kind,
            "town": item.description.town,
            "year": item.description.year,
            "status": item.status,
            "since": item.since.isoformat(),
            "owner": item.description.owner,
            "planned_cost_cny10k": _cny10k(item.description.planned_cost_cny),
            "actual_cost_cny10k": _cny10k(item.actual_cost_cny),
            "planned_length_km": item.description.planned_length_km,
            "actual_length_km": item.actual_length_km,
            "village_ids": ";".join(item.description.village_ids),
            "needs": ";".join(f"{unit}:{need}" for unit, need in item.description.needs),
            "still_open": ";".join(f"{unit}:{need}" for unit, need in item.still_open),
        }
        for item in found
    ]
    columns = list(rows[0]) if rows else ["project_id", "title", "kind", "town", "year", "status", "since", "owner"]
    return pd.DataFrame(rows, columns=columns)


def _payload(description: Description) -> dict[str, Any]:
    blank = [label for label, text in (("名称", description.title), ("类别", description.kind)) if not text.strip()]
    if blank:
        raise InputError(f"项目缺少{'、'.join(blank)}。")
    payload = asdict(description)
    cost = description.planned_cost_cny
    payload["planned_cost_cny"] = None if cost is None else str(money.amount(cost, what="计划投资"))
    payload["needs"] = [list(need) for need in description.needs]
    payload["village_ids"] = list(description.village_ids)
    return payload


def _first(number: str, payload: Mapping[str, Any], at: date, by: str, event_id: str) -> tuple[Draft, Draft]:
    subject = f"project:{number}"
    described = Draft(subject, DESCRIBED, at, by, payload, expected_version=0)
    reserved = Draft(subject, "project_reserve", at, by, {"reason": ""}, expected_version=1)
    if not event_id:
        return described, reserved
    return replace(described, event_id=event_id), replace(reserved, event_id=f"{event_id}-reserve")


def _next_id(ledger: Ledger, year: int) -> str:
    sql = "SELECT max(subject) FROM events WHERE kind = 'project_reserve' AND subject LIKE ?"
    last = ledger.read(lambda t: t.rows(sql, (f"project:P{year}-_____",)))[0][0]
    return f"P{year}-{int(last[-5:]) + 1 if last else 1:05d}"


def _standing(ledger: Ledger, subject: str) -> list[Event]:
    """Return the moves of one project that hold, in the order they happened, and its last description."""
    return events.effective(ledger, (DESCRIBED, *MOVED), subject=subject)


def _steps(history: Sequence[Event], new: Sequence[Step]) -> list[Step]:
    """Return the steps of a project with the new ones in their place by day, description filled in."""
    described = [event.payload for event in history if event.kind == DESCRIBED]
    about = described[-1] if described else {}
    steps = [
        Step(
            event.kind.removeprefix("project_"),
            event.at,
            event.payload.get("reason", ""),
            event.evidence,
            event.payload,
        )
        for event in history
        if event.kind != DESCRIBED
    ]
    known = {name: about[name] for name in ("owner", "planned_cost_cny") if about.get(name) not in (None, "")}
    ordered = sorted([*steps, *new], key=lambda step: step.at)
    return [replace(step, details={**known, **step.details}) for step in ordered]


def _project(subject: str, group: Sequence[Event]) -> Project | None:
    last = {event.kind: event for event in group}
    described = last.pop(DESCRIBED, None)
    moves = sorted(last.values(), key=lambda event: event.place)
    if described is None or not moves:
        return None
    cost = next((e.payload["actual_cost_cny"] for e in reversed(moves) if "actual_cost_cny" in e.payload), None)
    length = next((e.payload["actual_length_km"] for e in reversed(moves) if "actual_length_km" in e.payload), None)
    return Project(
        project_id=subject.removeprefix("project:"),
        description=_description(described.payload),
        status=moves[-1].kind.removeprefix("project_"),
        since=moves[-1].at,
        dates={event.kind.removeprefix("project_"): event.at for event in moves},
        actual_cost_cny=None if cost is None else Decimal(cost),
        actual_length_km=length,
        evidence=tuple(item for event in moves for item in event.evidence),
        still_open=tuple((str(unit), str(need)) for unit, need in moves[-1].payload.get("still_open", ())),
    )


def _description(payload: Mapping[str, Any]) -> Description:
    cost = payload.get("planned_cost_cny")
    return Description(
        **{
            **payload,
            "village_ids": tuple(payload["village_ids"]),
            "needs": tuple((str(unit), str(need)) for unit, need in payload["needs"]),
            "planned_cost_cny": None if cost is None else Decimal(cost),
        }
    )


def _cny10k(value: Decimal | None) -> float | None:
    return None if value is None else float(value / 10000)
