"""What the registers say against what the map shows."""

from datetime import date

import pandas as pd

from analysis.policy import Policy
from layers.workspace import Workspace

CONTRADICTION_COLUMNS = ("unit_id", "need", "claimed", "measured", "people", "distance_m", "why", "rank")


def contradictions(ws: Workspace, policy: Policy, day: date, findings: pd.DataFrame) -> pd.DataFrame:
    """List claims the map contradicts, counts that cannot both be true, and households outside their village."""
    raise NotImplementedError
