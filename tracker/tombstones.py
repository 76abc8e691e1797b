"""Who was forgotten: read when a file comes in, so that nothing of them comes back."""

from typing import Any

import pandas as pd

from layers import schema
from tracker import events
from tracker.ledger import Ledger

FORGOTTEN = "person_forgotten"


def forgotten(ledger: Ledger) -> frozenset[str]:
    """Return the households whose persons were forgotten."""
    return frozenset(event.subject.removeprefix("person:") for event in events.effective(ledger, [FORGOTTEN]))


def without_forgotten(ledger: Ledger, layer: str, private: Any) -> Any:
    """Leave out of the private columns of a new file who was forgotten; None stays None."""
    if private is None or layer != "households":
        return private
    gone = forgotten(ledger)
    kept = private[~private[schema.load()[layer].id].isin(gone)] if gone else private
    return pd.DataFrame(kept).reset_index(drop=True)
