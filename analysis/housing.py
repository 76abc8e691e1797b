"""Dangerous housing: who is eligible by which clause, priority, treatment, hazard and isolation.

What a policy says comes from `policy.tables["housing"]`:

    [housing]
    grades = ["C", "D"]                       # grades that count as dangerous
    classes = [                               # eligible when one class holds; the first that holds gives the clause
      { categories = ["wubao"], requires_sole_dwelling = false, reference = "…", quote = "…", priority = 1 },
    ]
    exclusions = [                            # not eligible when one holds
      { min_area_m2 = 80, within_years = 3, reference = "…", quote = "…" },
    ]
    treatments = [                            # the first that holds is proposed
      { categories = ["wubao"], has_labour = false, grades = ["C", "D"], treatment = "养", reference = "…" },
    ]
    deadline = 2018-12-31
    reference = "…"
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.policy import Policy
from layers.workspace import Workspace

HOUSING_COLUMNS = (
    "household_id", "village_id", "town", "grade", "category", "is_eligible", "clause", "priority", "treatment",
    "hazard", "road_distance_m", "clinic_minutes", "is_isolated", "status", "note",
)  # fmt: skip


def assess_housing(
    ws: Workspace, policy: Policy, day: date, *, clinic_minutes: npt.NDArray[np.float64] | None = None
) -> pd.DataFrame:
    """List every household with a dangerous house, with eligibility, priority, treatment and place. No private column."""
    raise NotImplementedError
