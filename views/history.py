"""What became of a feature from one version of its layer to the next."""

from typing import Any

import pandas as pd

from layers import store
from tracker import events
from tracker.office import Office
from tracker.parts import LAYER_ADDED
from views.labels import Language, label, number, say

LEFT_OUT = ("geometry", "seat_x", "seat_y")


def versions(office: Office, layer: str) -> list[tuple[str, str]]:
    """List day and digest of every file ever stored for a layer, oldest first."""
    held = [e for e in events.effective(office.ledger, (LAYER_ADDED,)) if e.payload["layer"] == layer]
    return [(str(e.payload["as_of"]), str(e.payload["digest"])) for e in held]


def changes(office: Office, layer: str, id_field: str, feature_id: str, language: Language) -> list[tuple[str, str]]:
    """Tell day and sentence of every change of a feature; empty when only one version of the layer exists."""
    held = versions(office, layer)
    if len(held) < 2:
        return []
    told: list[tuple[str, str]] = []
    before: dict[str, Any] | None = None
    for day, digest in held:
        frame = store.read_layer(office.path, layer, digest)
        rows = frame[frame[id_field] == feature_id]
        if rows.empty:
            continue
        row = rows.drop(columns=[name for name in LEFT_OUT if name in rows]).iloc[0].to_dict()
        told += [(day, text) for text in differences(before, row, language)]
        before = row
    return told


def differences(before: dict[str, Any] | None, row: dict[str, Any], language: Language) -> list[str]:
    """Tell what differs between two versions of a row.

    >>> differences({"population": 200.0}, {"population": 210.0}, "zh")
    ['人口：200 → 210']
    """
    if before is None:
        return [say(language, "history_first")]
    names = [name for name in row if name in before and not same(before[name], row[name])]
    return [f"{label('field', name, language)}：{shown(before[name])} → {shown(row[name])}" for name in names]


def same(one: Any, other: Any) -> bool:
    """Whether two cells say the same; two blanks do."""
    return bool(pd.isna(one) and pd.isna(other)) or (not pd.isna(one) and not pd.isna(other) and bool(one == other))


def shown(value: Any) -> str:
    """Write a cell; unknown is a dash."""
    if pd.isna(value):
        return "—"
    return number(value, 0 if float(value).is_integer() else 2) if isinstance(value, int | float) else str(value)
