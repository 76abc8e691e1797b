"""Distance and time to services by road: unit x service."""

from datetime import date
from typing import Any

import pandas as pd

from analysis.policy import Policy

from layers.workspace import Workspace

ACCESS_COLUMNS = ("unit_id", "unit_kind", "service", "facility_id", "straight_m", "network_m", "minutes")


def access_table(ws: Workspace, policy: Policy, day: date, *, network: Any = None, **options: Any) -> pd.DataFrame:
    """Measure each unit's way to the nearest facility of each service, over the road network."""
    raise NotImplementedError
