"""The road workbench's numbers: the network of works once per data, a programme per question, scenarios side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.plan import Programme, Weights, WorksTree, clinic_people, frontier, programme, project_lines, stability
from analysis.policy import value_on
from analysis.polish import TRIES
from analysis.roads import RoadPlan
from views.context import Context
from views.labels import Language, label, say
from views.road_ground import roads_of

EXACT_GAP, EXACT_SECONDS, QUICK_TRIES = 1e-4, 10.0, 1


@dataclass(frozen=True)
class Works:
    """Everything that could be built, once: the road plan, its tree of works, and each work's line on the map."""

    road_plan: RoadPlan
    tree: WorksTree
    lines: gpd.GeoDataFrame

    @property
    def cost_cny10k(self) -> float:
        """What everything together would cost, shared stretches once."""
        return float(self.tree.cost.sum())


@dataclass(frozen=True)
class Question:
    """What is asked of the programme: yearly budgets (万元), what one poor person weighs more, what is locked.

    `km_weight` and `clinic_weight` weigh people times kilometres of unhardened road spared, and people who get a hardened
    way to a clinic; `years` is "each", "end" (only the last year counts) or "early" (earlier years weigh more);
    `town_bonus` what people within their town's fair share count more.
    """

    budgets: tuple[tuple[int, float], ...]
    poor_weight: float = 0.0
    locked_in: tuple[str, ...] = ()
    locked_out: tuple[str, ...] = ()
    km_weight: float = 0.0
    clinic_weight: float = 0.0
    years: str = "each"
    town_bonus: float = 0.0

    @property
    def total_cny10k(self) -> float:
        """Money of all years."""
        return sum(amount for _, amount in self.budgets)


def works(context: Context) -> Works:
    """Give the works of the day and policy, made once."""
    return _works(context.key, *roads_of(context))


@st.cache_resource(show_spinner=False, max_entries=24)
def _works(key: str, _road_plan: RoadPlan, _tree: WorksTree) -> Works:
    del key
    ids = list(_tree.project_id)
    lines = gpd.GeoDataFrame(
        {"project_id": pd.array(ids, dtype="str")},
        geometry=project_lines(_road_plan, _tree, ids),
        crs=_road_plan.candidates.crs,
    )
    return Works(_road_plan, _tree, lines)


def weights_of(context: Context, question: Question, works: Works) -> Weights:
    """Turn what was asked into weights."""
    measures = {"people": 1.0, "poor_people": question.poor_weight, "people_km": question.km_weight}
    years = [year for year, _ in question.budgets]
    counted = {
        "end": dict.fromkeys(years[:-1], 0.0),
        "early": {year: float(len(years) - turn) for turn, year in enumerate(years)},
    }
    clinics = _clinics(context.key, context, works) if question.clinic_weight else None
    if clinics is not None:
        measures["clinic_people"] = question.clinic_weight
    return Weights(
        {name: weight for name, weight in measures.items() if weight},
        years=counted.get(question.years, {}),
        town_bonus=question.town_bonus,
        clinic_people=clinics,
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def _clinics(key: str, _context: Context, _works: Works) -> Any:
    del key
    value = value_on(_context.policy, "hardening.snap_m", _context.day)
    return clinic_people(_context.workspace, _works.road_plan, snap_m=float(value.amount) if value else 0.0)


def answer(context: Context, question: Question, *, frontier_steps: int = 12, exact: bool = False) -> Programme:
    """Answer a question; the same question on the same data is answered from memory.

    `exact` searches for up to ten seconds, else the answer comes in a tenth of a second with a wider proven distance.
    """
    held = works(context)
    made = _answer(context.key, question, exact, held, weights_of(context, question, held))
    if frontier_steps <= 0:
        return made
    base = _frontier(context.key, frontier_steps, held)
    beside = frontier(held.road_plan, held.tree, steps=frontier_steps, at=question.total_cny10k, known=base)
    return replace(made, frontier=beside)


@st.cache_resource(show_spinner=False, max_entries=60)
def _answer(key: str, question: Question, exact: bool, _works: Works, _weights: Weights) -> Programme:
    del key
    return programme(
        _works.road_plan,
        budgets=dict(question.budgets),
        locked_in=question.locked_in,
        locked_out=question.locked_out,
        weights=_weights,
        tree=_works.tree,
        frontier_steps=0,
        gap=EXACT_GAP if exact else 1.0,
        seconds=EXACT_SECONDS if exact else 4.0,
        tries=TRIES if exact else QUICK_TRIES,
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def _frontier(key: str, steps: int, _works: Works) -> pd.DataFrame:
    del key
    return frontier(_works.road_plan, _works.tree, steps=steps)


@st.cache_resource(show_spinner=False, max_entries=20)
def standing(key: str, question: Question, _works: Works, _weights: Weights, _made: Programme) -> pd.DataFrame:
    """Say how firmly each project stands when populations, costs and weights are uncertain."""
    del key
    return stability(_works.road_plan, budgets=dict(question.budgets), tree=_works.tree, weights=_weights, made=_made)


def villages_by_year(made: Programme) -> pd.Series:
    """Give the year in which each natural village of a programme is connected, by its id."""
    pairs = [
        (name, str(row.year))
        for row in made.projects.itertuples()
        for name in str(row.natural_village_ids).split(";")
        if name
    ]
    return pd.Series(dict(pairs), dtype="str")


def figures(made: Programme, question: Question) -> dict[str, float]:
    """Sum a programme up in the figures scenarios are compared by."""
    return {
        "people": float(made.projects["people"].sum()),
        "villages": float(len(villages_by_year(made))),
        "poor_people": float(made.projects["poor_people"].sum()),
        "length_km": float(made.projects["length_km"].sum()),
        "cost_cny10k": float(made.projects["cost_cny10k"].sum()),
        "budget_cny10k": question.total_cny10k,
    }


def difference(new: Mapping[str, float], old: Mapping[str, float], language: Language = "zh") -> str:
    """Tell a change as people say it.

    >>> a = {"people": 1312.0, "villages": 4.0, "cost_cny10k": 100.0, "budget_cny10k": 120.0}
    >>> difference(a, {"people": 1000.0, "villages": 5.0, "cost_cny10k": 100.0, "budget_cny10k": 120.0})
    '+312 人，−1 个自然村，同样的预算'
    """

    def signed(value: float, unit: str) -> str:
        return f"{'+' if value >= 0 else '−'}{abs(value):,.0f} {unit}"

    money = new["budget_cny10k"] - old["budget_cny10k"]
    told = (
        say(language, "same_budget")
        if abs(money) < 0.05
        else say(language, "budget", money=signed(money, label("unit", "cny10k", language)))
    )
    return say(
        language,
        "scenario_difference",
        people=signed(new["people"] - old["people"], label("unit", "person", language)),
        villages=signed(new["villages"] - old["villages"], label("unit", "natural_village", language)),
        told=told,
    )


def stored(value: Any) -> Any:
    """Turn a question into what can be kept in the ledger, and back."""
    if isinstance(value, Question):
        return {
            "budgets": [list(pair) for pair in value.budgets], "poor_weight": value.poor_weight,
            "locked_in": list(value.locked_in), "locked_out": list(value.locked_out), "km_weight": value.km_weight,
            "clinic_weight": value.clinic_weight, "years": value.years, "town_bonus": value.town_bonus,
        }  # fmt: skip
    budgets = tuple((int(year), float(amount)) for year, amount in value["budgets"])
    return Question(
        budgets,
        float(value["poor_weight"]),
        tuple(value["locked_in"]),
        tuple(value["locked_out"]),
        km_weight=float(value.get("km_weight", 0.0)),
        clinic_weight=float(value.get("clinic_weight", 0.0)),
        years=str(value.get("years", "each")),
        town_bonus=float(value.get("town_bonus", 0.0)),
    )
