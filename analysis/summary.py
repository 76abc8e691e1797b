"""Findings -> counts by town, need and status that add up."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

COVERAGE_COLUMNS = (
    "town", "unit_kind", "need", "met", "gap", "disputed", "unknown", "low", "high",
    "households_within", "households_known", "households",
)  # fmt: skip
WHOLE = "全部"


def coverage_table(findings: pd.DataFrame, reach: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count statuses per town and for the whole (town = `WHOLE`), per need, with the low-high range of the share met."""
    raise NotImplementedError


def summarise(
    findings: pd.DataFrame,
    coverage: pd.DataFrame,
    natural_villages: pd.DataFrame,
    housing: pd.DataFrame,
    contradictions: pd.DataFrame,
) -> Mapping[str, Any]:
    """Count what the other files hold, in plain numbers that add up to them."""
    raise NotImplementedError
