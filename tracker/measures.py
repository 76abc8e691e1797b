"""Figures somebody reports for a target (people out of poverty, kilometres built): each an event, dated and owned."""

import math
import uuid
from collections.abc import Sequence
from datetime import date

import pandas as pd

from geo.errors import InputError
from tracker import events
from tracker.events import Draft
from tracker.ledger import Ledger

OBSERVED = "measure_observed"
COLUMNS = ("measure", "day", "value", "seq", "by", "source")


def observe(
    ledger: Ledger,
    measure: str,
    value: float,
    *,
    at: date,
    by: str,
    source: str = "",
    evidence: Sequence[str] = (),
    event_id: str = "",
    unit: str = "",
) -> int:
    """Enter what a measure stood at on a day, in the unit of its target, and return the number in the ledger.

    A `unit` of "share" takes 0 to 1 only, so that 70 % typed as 70 is not taken for seventy times the whole.
    """
    _sound(measure, value, unit)
    draft = Draft(
        f"measure:{measure}",
        OBSERVED,
        at,
        by,
        {"value": float(value), "source": source},
        tuple(evidence),
        event_id=event_id or uuid.uuid4().hex,
    )
    return events.append(ledger, draft)[0].seq


def correct(
    ledger: Ledger,
    seq: int,
    value: float,
    *,
    by: str,
    why: str,
    at: date | None = None,
    source: str | None = None,
    event_id: str = "",
    unit: str = "",
) -> int:
    """Replace what was reported, with what was wrong about it, and return the number of the correction."""
    old = events.event(ledger, seq)
    if old.kind != OBSERVED:
        raise InputError(f"第 {seq} 号记录不是登记的实际数。")
    if not why.strip():
        raise InputError("更正要写明原先错在哪里。")
    _sound(old.subject.removeprefix("measure:"), value, unit)
    payload = {**old.payload, "value": float(value), "correction": why.strip()}
    payload |= {} if source is None else {"source": source}
    more = {"event_id": event_id} if event_id else {}
    return events.correct(ledger, seq, by=by, payload=payload, at=at or old.at, **more).seq


def observed(ledger: Ledger, *, as_of: date | None = None, known_on: date | None = None) -> pd.DataFrame:
    """Return what was reported by a day, as known on a day: measure, day (ISO text), value, seq, by, source."""
    rows = [
        (
            event.subject.removeprefix("measure:"),
            event.at.isoformat(),
            float(event.payload["value"]),
            event.seq,
            event.by,
            str(event.payload.get("source", "")),
        )
        for event in events.effective(ledger, (OBSERVED,), as_of=as_of, known_on=known_on)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _sound(measure: str, value: float, unit: str) -> None:
    if not math.isfinite(value):
        raise InputError(f"{measure}：数值要是数字，现在是 {value!r}。")
    if unit == "share" and not 0 <= value <= 1:
        raise InputError(f"这个指标是比例，请写 0 到 1 的小数（70% 写 0.7），现在是 {value:g}。")
