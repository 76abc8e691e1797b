"""What-if questions a meeting asks, worked out anew each time and never guessed: threshold, budget, deadline."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from analysis.deadline import VERDICTS, goals_by, last_whole_year, needed_each_month
from analysis.plan import programme
from analysis.policy import Policy
from analysis.roads import RoadPlan
from analysis.segments import whole_cost
from analysis.summary import WHOLE
from analysis.works_tree import WorksTree
from views import progressbook
from views.context import Context
from views.labels import label
from views.road_ground import THRESHOLD, roads_of
from views.version import code_version


def with_value(policy: Policy, key: str, amount: Any, day: date) -> Policy:
    """Give a copy of a policy in which one parameter has another amount, said to be assumed in the meeting.

    >>> from analysis.policy import Value
    >>> policy = Policy("p", "", "d", {"a": (Value(date(2016, 1, 1), 200, "person", "三(五)1"),)}, ())
    >>> with_value(policy, "a", 100, date(2018, 1, 1)).values["a"][0].amount
    100
    """
    held = policy.values.get(key, ())
    if not held:
        return policy
    since = max((value.since for value in held if value.since <= day), default=held[0].since)
    changed = tuple(
        replace(value, amount=amount, unsourced=True, reference="", quote="", note=label("text", "assumed_in_meeting"))
        if value.since == since
        else value
        for value in held
    )
    return replace(policy, values={**policy.values, key: changed}, digest=f"{policy.digest}+{key}={amount}")


def threshold_of(context: Context) -> int | None:
    """Give the policy's own population threshold on the day, None when it has none."""
    held = [value for value in context.policy.values.get(THRESHOLD, ()) if value.since <= context.day]
    return int(held[-1].amount) if held else None


def roads_at(context: Context, threshold: int | None) -> tuple[RoadPlan, WorksTree]:
    """Work the roads out for a threshold (None: the policy's own); the same question is answered from memory."""
    if threshold is None or threshold == threshold_of(context):
        return roads_of(context)
    return roads_of(replace(context, policy=with_value(context.policy, THRESHOLD, threshold, context.day)))


def road_cost(plan: RoadPlan) -> tuple[float | None, bool]:
    """Say what all candidates need costs, as on the road page (万元, None when nothing has a price), and whether it is the least."""
    new_price = dict(plan.prices or {}).get("new_road", float("nan"))
    cost, is_open = whole_cost(plan.segments, float(plan.candidates["new_km"].sum()), new_price)
    return (None if math.isnan(cost) else round(cost, 1)), is_open


def road_figures(context: Context, threshold: int | None) -> dict[str, float]:
    """Count what a threshold asks for: villages due, connected, missing, kilometres shared once."""
    plan, _ = roads_at(context, threshold)
    due = plan.natural_villages[plan.natural_villages["is_due"].fillna(False).astype(bool)]
    states = due["state"].value_counts()
    return {
        "due": float(len(due)),
        **{name: float(states.get(name, 0)) for name in ("connected", "harden", "build", "unknown")},
        "people_missing": float(due.loc[due["state"].isin(["harden", "build"]), "population"].sum()),
        "length_km": round(float(plan.segments["length_km"].sum()), 1),
    }


def budget_figures(context: Context, threshold: int | None, yearly_cny10k: float, until: int) -> dict[str, float]:
    """Say what a yearly budget builds up to and including a year: villages, people, cost, distance to the best."""
    if until < context.day.year:  # no year is over by then, so nothing is built
        left = float(len(roads_at(context, threshold)[0].candidates))
        return {"villages": 0.0, "people": 0.0, "cost": 0.0, "gap": 0.0, "left": left}
    years = range(context.day.year, max(until, context.day.year) + 1)
    return _built(context.key, threshold, yearly_cny10k, tuple(years), roads_at(context, threshold))


@st.cache_resource(show_spinner=False, max_entries=200)
def _built(
    key: str, threshold: int | None, yearly: float, years: tuple[int, ...], _made: tuple[RoadPlan, WorksTree]
) -> dict[str, float]:
    del key, threshold
    plan, tree = _made
    found = programme(plan, budgets=dict.fromkeys(years, yearly), tree=tree, frontier_steps=0, seconds=1)
    villages = {name for ids in found.projects["natural_village_ids"] for name in str(ids).split(";") if name}
    return {
        "villages": float(len(villages)),
        "people": float(found.projects["people"].sum()),
        "cost": round(float(found.projects["cost_cny10k"].sum()), 1),
        "gap": round(float(found.gap), 6),
        "left": float(len(plan.candidates) - len(villages)),
    }


def goals_at(context: Context, deadline: date) -> pd.DataFrame:
    """Judge every goal of the policy as if it were due on a day, by what has been observed so far."""
    cut = progressbook.Cut(context.day)
    seen = progressbook.actuals(context.office.ledger, context.policy, context.assessment.findings, context.day, cut)
    return goals_by(context.policy, context.day, deadline, seen)


def deadline_figures(context: Context, deadline: date, goals: pd.DataFrame | None = None) -> dict[str, float | None]:
    """Count what a deadline means: goals by verdict, dangerous houses and how many a month must be done.

    `goals` is the table of `goals_at` where it has been worked out already.
    """
    counts = (goals_at(context, deadline) if goals is None else goals)["verdict"].value_counts()
    count = len(context.assessment.housing)
    pace = needed_each_month(count, context.day, deadline)
    return {
        **{f"goals_{name}": float(counts.get(name, 0)) for name in VERDICTS},
        "houses_each_month": None if pace is None else round(pace, 1),
    }


def parameters_record(threshold: int | None, budget_cny10k: float, deadline: date) -> dict[str, Any]:
    """Write what the meeting asked as plain data."""
    return {
        "threshold": threshold, "budget_cny10k": budget_cny10k, "deadline": deadline.isoformat(),
        "until": last_whole_year(deadline),
    }  # fmt: skip


def basis_record(context: Context) -> dict[str, Any]:
    """Write what figures rest on as plain data: day, policy, layers, code."""
    done = context.assessment
    return {
        "day": context.day.isoformat(),
        "policy": {"id": context.policy.id, "title": context.policy.title, "digest": done.policy_digest},
        "workspace_digest": done.workspace_digest,
        "layers": {name: source.digest for name, source in sorted(context.workspace.sources.items())},
        "max_age_days": int(context.office.settings.get("max_age_days", 0)),
        "code_version": code_version(),
    }


def figures_record(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Write the figures a meeting saw as plain data, from the same functions that drew them."""
    done = context.assessment
    whole = done.coverage[(done.coverage["town"] == WHOLE) & (done.coverage["unit_kind"] == "village")]
    statuses = ("met", "gap", "disputed", "unknown")
    threshold = parameters.get("threshold")
    return {
        "coverage": {str(row["need"]): {name: int(row[name]) for name in statuses} for row in whole.to_dict("records")},
        "roads": {**road_figures(context, threshold), "cost_cny10k": road_cost(roads_at(context, threshold)[0])[0]},
        "budget": budget_figures(context, threshold, float(parameters["budget_cny10k"]), int(parameters["until"])),
        "houses": len(done.housing),
        **_deadline_record(context, parameters),
    }


def _deadline_record(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Write what the deadline asked for means; decisions frozen before one could be asked have none."""
    if "deadline" not in parameters:
        return {}
    return {"deadline": deadline_figures(context, date.fromisoformat(str(parameters["deadline"])))}
