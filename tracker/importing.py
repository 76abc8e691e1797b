"""What the ledger says of an import: rows read, stored and refused, kinds, and the problems as rows."""

import uuid
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pandas as pd

from layers import intake, schema
from layers.problem import Problem
from tracker import events, parts
from tracker.events import Draft
from tracker.ledger import Ledger
from tracker.parts import LAYER_ADDED

LAYER_PROBLEMS = "layer_problems"


@dataclass(frozen=True)
class Added:
    """What became of a file added to the office. `part` is the name under which a newer file replaces it."""

    rows_read: int
    stored: int
    refused: int
    problems: tuple[Problem, ...]
    refused_rows: pd.DataFrame
    digest: str
    notes: tuple[str, ...]
    layer: str = ""
    part: str = ""
    as_of: date | None = None
    seq: int = 0


def enter(
    ledger: Ledger,
    subject: str,
    day: date,
    by: str,
    payload: dict[str, Any],
    problems: tuple[Problem, ...],
    plan: schema.Schema,
) -> events.Event:
    """Write an import into the ledger: what was stored, and apart from it the problems, without private values."""
    kept = [asdict(problem) for problem in parts.without_private_values(problems, plan)]
    counts: dict[str, int] = {}
    for problem in problems:
        key = f"{problem.severity}:{problem.kind}"
        counts[key] = counts.get(key, 0) + 1
    number = uuid.uuid4().hex
    added = Draft(subject, LAYER_ADDED, day, by, {**payload, "problem_counts": counts}, event_id=number)
    listed = Draft(f"import:{number}", LAYER_PROBLEMS, day, by, {"problems": kept}, event_id=f"{number}-problems")
    return events.append(ledger, added, listed)[0]


def counted(taken: intake.Intake) -> dict[str, Any]:
    """Count the rows of an import as its event says them."""
    return {
        "rows_read": int(taken.rows_read),
        "rows_stored": len(taken.frame),
        "rows_refused": len(taken.refused),
        "notes": list(taken.notes),
    }


def kinds_in(layer: str, frame: Any) -> dict[str, int]:
    """Count the rows of every kind in a layer that has kinds, by kind; empty for other layers."""
    if layer not in parts.WITH_KINDS or "kind" not in frame.columns:
        return {}
    counts = frame["kind"].dropna().astype("str").value_counts()
    return {str(kind): int(count) for kind, count in sorted(counts.items())}
