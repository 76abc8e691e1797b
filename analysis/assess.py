"""Wires every analysis to one Assessment. No clock, no files written, no drawing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.policy import Policy
from layers.problem import Problem
from layers.workspace import Workspace


@dataclass(frozen=True)
class Assessment:
    """Everything `assess` says about one workspace, under one policy, on one day. Never write to its frames."""

    findings: pd.DataFrame
    coverage: pd.DataFrame
    natural_villages: pd.DataFrame
    roads: Mapping[str, Any]
    housing: pd.DataFrame
    access: pd.DataFrame
    contradictions: pd.DataFrame
    summary: Mapping[str, Any]
    day: date
    policy_id: str
    policy_digest: str
    workspace_digest: str
    problems: tuple[Problem, ...] = ()
    stage_seconds: Mapping[str, float] = field(default_factory=dict)


def assess(
    ws: Workspace,
    policy: Policy,
    day: date,
    *,
    rasters: Mapping[str, Path] | None = None,
    max_age_days: int = 0,
    on_stage: Callable[[str], None] | None = None,
    timer: Callable[[], float] | None = None,
) -> Assessment:
    """Judge every need of the policy on the day, for every unit, with evidence."""
    raise NotImplementedError
