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
) -> int:
    """Enter what a measure stood at on a day, in the unit of its target, and return the number in the ledger."""
    if not math.isfinite(value):
        raise InputError(f"{measure}：数值要是数字，现在是 {value!r}。")
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
