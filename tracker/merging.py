"""What came back from the field, held against what was sent and against what the office says now.

Unchanged gives nothing. Changed in the field only is proposed. Changed in both places, or differently in two files, is a
conflict: both sides are listed and a person chooses, whoever came last; see tracker.deciding.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tracker import discoveries, events, standing
from tracker.events import Event
from tracker.facts import Cell
from tracker.office import Office
from tracker.questions import STEPPED
from tracker.visits import Answer, Return, Row, Visit, rows_of, subject

ACCEPTED, REJECTED = "visit_accepted", "visit_rejected"
DECIDED = (ACCEPTED, REJECTED)
PROPOSED, CONFLICT, SAME, TAKEN, KEPT = "proposed", "conflict", "same", "accepted", "rejected"
STATES = (CONFLICT, PROPOSED, TAKEN, KEPT, SAME)


@dataclass(frozen=True)
class Option:
    """One answer from the field: its values, and the file, remark and photos it came with."""

    values: Mapping[str, str]
    answer: Answer
    back: Return

    @property
    def key(self) -> str:
        """Return what names this answer among others to the same question."""
        return hashlib.sha256(json.dumps(dict(self.values), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Item:
    """One thing to decide: a value of a row, or all values of a step. `sent` and `now` are by column."""

    item_id: str
    row: Row
    fields: tuple[str, ...]
    sent: Mapping[str, str]
    now: Mapping[str, str]
    options: tuple[Option, ...]
    state: str
    decision: Event | None = None

    @property
    def is_open(self) -> bool:
        """Return whether somebody still has to decide."""
        return self.state in (PROPOSED, CONFLICT)


def merge(office: Office, item: Visit) -> list[Item]:
    """Return everything that came back for a visit and differs from what was sent, conflicts first."""
    rows = {row.key: row for row in rows_of(office, item)}
    gathered: dict[str, tuple[Row, tuple[str, ...], list[Option]]] = {}
    for back in item.returns:
        for answer in back.answers:
            row = rows.get(answer.key) or discoveries.row_of(answer, item)
            for item_id, fields, values in _parts(row, answer):
                held = gathered.setdefault(item_id, (row, fields, []))[2]
                if values not in [dict(option.values) for option in held]:
                    held.append(Option(values, answer, back))
    cells = [row.cell(name) for row, _, options in gathered.values() if row.kind != "found" for name in row.sent]
    now = standing.values(office, cells) if cells else {}
    settled = decisions(office, item)
    made = [_item(item_id, *held, now, settled.get(item_id)) for item_id, held in gathered.items()]
    return sorted(made, key=lambda found: (STATES.index(found.state), found.row.town, found.row.village, found.item_id))


def remarks(office: Office, item: Visit) -> list[tuple[Row, Answer, Return]]:
    """Return every remark and photo that came back, with the row it is about."""
    rows = {row.key: row for row in rows_of(office, item)}
    return [
        (rows.get(answer.key) or discoveries.row_of(answer, item), answer, back)
        for back in item.returns
        for answer in back.answers
        if answer.remark or answer.photos
    ]


def _parts(row: Row, answer: Answer) -> Iterable[tuple[str, tuple[str, ...], dict[str, str]]]:
    """Part an answer into what is decided on its own: each value, but a step or a discovery as a whole."""
    if not answer.values:
        return
    if row.kind in STEPPED or row.kind == "found":
        yield answer.key, tuple(answer.values), dict(answer.values)
        return
    for name, value in answer.values.items():
        yield f"{answer.key}#{name}", (name,), {name: value}


def _item(
    item_id: str,
    row: Row,
    fields: tuple[str, ...],
    options: list[Option],
    now: Mapping[Cell, str],
    decision: Event | None,
) -> Item:
    names = tuple(dict.fromkeys(name for option in options for name in option.values)) or fields
    stands = {name: now.get(row.cell(name), "") for name in names}
    sent = {name: row.sent.get(name, "") for name in names}
    live, state = _judged(row, options, sent, stands, decision)
    return Item(item_id, row, names, sent, stands, tuple(live or options), state, decision if not live else None)


def _judged(
    row: Row, options: list[Option], sent: Mapping[str, str], now: Mapping[str, str], decision: Event | None
) -> tuple[list[Option], str]:
    """Return the answers still to be decided, and what the item is: an answer once settled does not come up again."""
    known = set(decision.payload["answers"]) if decision is not None else set()
    live = [option for option in options if option.key not in known]
    if row.kind != "found":
        live = [option for option in live if any(now[name] != value for name, value in option.values.items())]
    if not live:
        return [], SAME if decision is None else TAKEN if decision.kind == ACCEPTED else KEPT
    moved = row.kind != "found" and any(now[name] != sent[name] for option in live for name in option.values)
    return live, CONFLICT if moved or len(live) > 1 else PROPOSED


def decisions(office: Office, item: Visit) -> dict[str, Event]:
    """Return the decision that holds for every item of a visit that was settled."""
    found = events.effective(office.ledger, DECIDED, subject=subject(item.visit_id))
    return {str(e.payload["item"]): e for e in sorted(found, key=lambda e: e.seq)}
