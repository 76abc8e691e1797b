"""Values seen in the field: each an event that lays itself over a file's value from its day on, until a newer file comes.

A fact names one cell (layer, feature, column) or, in the layer `claims`, one need of a village. Files are never changed:
take the event away and the file's value is back.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from layers import schema as schemas
from layers.schema import Schema
from layers.workspace import Source
from tracker import events
from tracker.events import Event
from tracker.ledger import Ledger
from tracker.parts import Part

OBSERVED = "fact_observed"
CLAIMS = "claims"
SOURCE = "下乡走访"


class Cell(NamedTuple):
    """One value of one feature: the layer, the id of the feature, and the column (in `claims`: the need)."""

    layer: str
    id: str
    field: str

    @property
    def subject(self) -> str:
        """Return the ledger subject of this value."""
        return f"fact:{self.layer}/{self.id}/{self.field}"


@dataclass(frozen=True)
class Fact:
    """A value that was seen: yes or no, a number, or a code, as text; where, when, by whom, on which visit."""

    cell: Cell
    value: str
    at: date
    seq: int
    by: str
    source: str


def written(value: Any) -> str:
    """Write a frame's value the one way in which values are compared; unknown is "".

    >>> written(12.0), written(True), written(float("nan")), written(3.5), written("C")
    ('12', 'yes', '', '3.5', 'C')
    """
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and pd.isna(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.integer | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value)


def facts(ledger: Ledger, *, as_of: date | None = None, known_on: date | None = None) -> dict[str, list[Fact]]:
    """Return the last fact of every cell that holds on a day, as known on a day, by layer, in the order they happened."""
    found: dict[str, list[Fact]] = {}
    for event in sorted(events.latest(ledger, (OBSERVED,), as_of=as_of, known_on=known_on), key=lambda e: e.place):
        fact = _fact(event)
        found.setdefault(fact.cell.layer, []).append(fact)
    return found


def overlaid(plan: Schema, frame: Any, parts: Sequence[Part], pieces: Sequence[Any], seen: Sequence[Fact]) -> Any:
    """Lay facts over a layer put together from its parts; a part newer than the fact keeps its own value.

    `pieces` are the frames of the parts as stored. The frame given is not changed.
    """
    wanted = {fact.cell.id for fact in seen}
    born = _born(plan, parts, pieces, wanted)
    ids = frame[plan.id].astype("str")
    places = {name: at for at, name in enumerate(ids) if name in wanted}
    changes: dict[str, dict[int, str]] = {}
    for fact in seen:
        at, since = places.get(fact.cell.id), born.get(fact.cell.id)
        if at is None or since is None or not plan.has(fact.cell.field) or (fact.at, fact.seq) <= since:
            continue
        changes.setdefault(fact.cell.field, {})[at] = fact.value
    if not changes:
        return frame
    made = frame.copy()
    for field, values in changes.items():
        made[field] = _put(made[field], values, plan.field(field).type)
    return made


def with_claims(frame: Any, seen: Sequence[Fact]) -> Any:
    """Add what was seen of needs to the register, one row each; on the same day the field visit replaces the register."""
    rows = pd.DataFrame(
        {
            "unit_id": [fact.cell.id for fact in seen],
            "need": [fact.cell.field for fact in seen],
            "value": [fact.value for fact in seen],
            "source": [fact.source for fact in seen],
            "by": [fact.by for fact in seen],
            "day": [fact.at.isoformat() for fact in seen],
        }
    ).astype("str")
    plan = schemas.load()[CLAIMS]
    if frame is None:
        return rows.reindex(columns=plan.columns).astype("str")
    replaced = set(zip(rows["unit_id"], rows["need"], rows["day"], strict=True))
    keys = zip(frame["unit_id"], frame["need"], frame["day"], strict=True)
    kept = frame[[key not in replaced for key in keys]]
    return pd.concat([kept, rows.reindex(columns=frame.columns).astype("str")], ignore_index=True)


def sourced(sources: Mapping[str, Source], seen: Mapping[str, Sequence[Fact]]) -> dict[str, Source]:
    """Return the sources with digests that change when a fact does; a register made of facts alone is partial."""
    made = dict(sources)
    for layer, listed in seen.items():
        digest = hashlib.sha256(repr([(f.cell, f.value, f.at, f.source) for f in listed]).encode()).hexdigest()
        old = made.get(layer)
        if old is not None:
            both = hashlib.sha256(f"{old.digest} {digest}".encode()).hexdigest()
            made[layer] = replace(old, digest=both)
        elif layer == CLAIMS:
            made[layer] = Source(CLAIMS, digest, SOURCE, max(f.at for f in listed), True, len(listed))
    return {layer: made[layer] for layer in sorted(made)}


def _born(plan: Schema, parts: Sequence[Part], pieces: Sequence[Any], wanted: set[str]) -> dict[str, tuple[date, int]]:
    """Return the day and number of the part each feature comes from; an id in two parts is named after the later part."""
    born: dict[str, tuple[date, int]] = {}
    for part, piece in zip(parts, pieces, strict=True):
        ids = piece[plan.id].astype("str")
        for name in ids[ids.isin(wanted)]:
            if name not in born or plan.name == "households":
                born[name] = (part.as_of, part.seq)
        for name in wanted:
            if name.startswith(f"{part.part}/") and (ids == name.removeprefix(f"{part.part}/")).any():
                born[name] = (part.as_of, part.seq)
    return born


def _put(column: Any, values: Mapping[int, str], kind: str) -> Any:
    changed = column.copy()
    for at, text in values.items():
        if kind == "boolean":
            changed.iloc[at] = {"yes": True, "no": False}.get(text, pd.NA)
        elif kind in {"number", "integer", "year"}:
            changed.iloc[at] = float(text) if text else np.nan
        else:
            changed.iloc[at] = text or np.nan
    return changed


def _fact(event: Event) -> Fact:
    p = event.payload
    cell = Cell(str(p["layer"]), str(p["id"]), str(p["field"]))
    return Fact(cell, str(p["value"]), event.at, event.seq, event.by, str(p.get("source", SOURCE)))


def named(rows: Iterable[Fact]) -> dict[Cell, Fact]:
    """Return facts by the cell they are of."""
    return {fact.cell: fact for fact in rows}
