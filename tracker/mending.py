"""Correct or take back a step of a project or a house, so that what is left is still an allowed way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from geo.errors import InputError
from tracker import events, houses, projects, status
from tracker.events import Draft, Event
from tracker.ledger import Ledger
from tracker.status import Step


def correct_step(
    ledger: Ledger,
    seq: int,
    *,
    by: str,
    why: str,
    at: date | None = None,
    evidence: Sequence[str] | None = None,
    changes: Mapping[str, Any] | None = None,
    expected_version: int | None = None,
    event_id: str = "",
) -> int:
    """Replace the day, evidence or details of a step and return the number of the correction.

    `why` says what was wrong and is kept. The step named stays readable. Raises InputError when the steps would no
    longer be in an allowed order, or a step would lack what it must bring.
    """
    old = _step_event(ledger, seq)
    if not why.strip():
        raise InputError("更正要写明原先错在哪里。")
    payload = {**old.payload, **(changes or {}), "correction": why.strip()}
    day, proof = at or old.at, old.evidence if evidence is None else tuple(evidence)
    _check(ledger, old, Step(old.kind.split("_", 1)[1], day, payload.get("reason", ""), proof, payload))
    draft = Draft(
        old.subject,
        old.kind,
        day,
        by,
        payload,
        proof,
        expected_version=expected_version,
        corrects=seq,
        **({"event_id": event_id} if event_id else {}),
    )
    return events.append(ledger, draft)[0].seq


def withdraw_step(ledger: Ledger, seq: int, *, by: str, reason: str) -> int:
    """Take a step back that never happened, with the reason. The steps that are left must still be allowed."""
    old = _step_event(ledger, seq)
    _check(ledger, old, None)
    return events.withdraw(ledger, seq, by=by, reason=reason).seq


def _step_event(ledger: Ledger, seq: int) -> Event:
    old = events.event(ledger, seq)
    if old.kind not in (*projects.MOVED, *houses.MOVED):
        raise InputError(f"第 {seq} 号记录不是项目或危房的步骤，不能在这里更正。")
    return old


def _check(ledger: Ledger, old: Event, mended: Step | None) -> None:
    is_project = old.subject.startswith("project:")
    kinds = (projects.DESCRIBED, *projects.MOVED) if is_project else houses.MOVED
    found = events.effective(ledger, kinds, subject=old.subject)
    if old.seq not in {event.seq for event in found}:
        raise InputError(f"第 {old.seq} 号记录已被更正或撤回过，请更正最新的那一条。")
    about: Mapping[str, Any] = next((e.payload for e in reversed(found) if e.kind == projects.DESCRIBED), {})
    known = {name: about[name] for name in ("owner", "planned_cost_cny") if about.get(name) not in (None, "")}
    walked = [event for event in found if event.kind != projects.DESCRIBED]
    steps = [mended if event.seq == old.seq else _step(event) for event in walked]
    kept = [replace(step, details={**known, **step.details}) for step in steps if step is not None]
    ordered = sorted(kept, key=lambda step: step.at)
    if not ordered:
        raise InputError("这是唯一的一步，撤回后什么也不剩；项目请改为取消，危房请以原因销档。")
    faults = status.project_faults(ordered) if is_project else status.house_faults(ordered)
    if faults:
        raise InputError("更正后步骤不合规定：" + "".join(faults))


def _step(event: Event) -> Step:
    to = event.kind.split("_", 1)[1]
    return Step(to, event.at, event.payload.get("reason", ""), event.evidence, event.payload)
