"""七有 and every other need, unit by unit."""

from datetime import date
from typing import Any

import pandas as pd

from analysis.policy import Policy
from layers.workspace import Workspace

FINDING_COLUMNS = (
    "unit_id", "unit_kind", "town", "need", "status", "measured", "claimed", "value", "unit", "threshold",
    "strength", "rule", "reference", "evidence_layer", "evidence_id", "note",
)  # fmt: skip


def cover(ws: Workspace, policy: Policy, day: date, *, max_age_days: int = 0, plan: Any = None) -> pd.DataFrame:
    """Judge every need for every unit in scope: contract columns, sorted by unit_kind, unit_id, need order."""
    raise NotImplementedError
