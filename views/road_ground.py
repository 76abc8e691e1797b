"""The roads of a day under a policy, worked out once whatever population threshold is asked: pages and meeting show the same."""

import hashlib
from datetime import date
from pathlib import Path

import streamlit as st

from analysis.choices import RoadChoices
from analysis.plan import WorksTree, works_tree
from analysis.policy import Policy, value_on
from analysis.roads import RoadPlan, at_threshold
from analysis.setting import Setting
from layers.workspace import Workspace
from views.choices import road_choices
from views.context import Context

THRESHOLD = "hardening.min_population"


def roads_of(context: Context) -> tuple[RoadPlan, WorksTree]:
    """Give the road plan and its tree of works; another threshold takes a tenth of the time of the first."""
    done, office = context.assessment, context.office
    allowance = int(office.settings.get("max_age_days", 0))
    data = f"{done.workspace_digest}|{done.choices_digest}|{context.day}|{allowance}"
    return _roads(data, context.policy.digest, allowance, context)


@st.cache_resource(show_spinner=False, max_entries=24)
def _roads(data: str, policy: str, allowance: int, _context: Context) -> tuple[RoadPlan, WorksTree]:
    del policy
    plan = _plan(data, allowance, _context)
    return plan, works_tree(plan)


def _plan(data: str, allowance: int, context: Context) -> RoadPlan:
    office, policy, day = context.office, context.policy, context.day
    dem, choices = office.rasters(day).get("dem"), road_choices(office, day)
    ground = _ground(f"{data}|{_figures(policy)}", day, dem, allowance, context.workspace, policy, choices)
    asked = value_on(policy, THRESHOLD, day)
    if asked is None or ground.ground is None or (ground.ground["threshold"] == float(asked.amount)).all():
        return ground
    return at_threshold(ground, context.workspace, policy, day)


@st.cache_resource(show_spinner=False, max_entries=4)
def _ground(
    key: str, day: date, dem: Path | None, allowance: int, _ws: Workspace, _policy: Policy, _choices: RoadChoices
) -> RoadPlan:
    del key
    return Setting(_ws, _policy, day, max_age_days=allowance, dem=dem, choices=_choices).plan


def _figures(policy: Policy) -> str:
    """Digest every figure of a policy but the threshold, which roads do not depend on."""
    held = sorted((name, repr(values)) for name, values in policy.values.items() if name != THRESHOLD)
    return hashlib.blake2b(repr(held).encode(), digest_size=16).hexdigest()
