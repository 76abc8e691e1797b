"""The road workbench's numbers: the network of works once per data, a programme per question, scenarios side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.choices import RoadChoices
from analysis.plan import Programme, WorksTree, programme, stability, works_tree
from analysis.policy import Policy
from analysis.roads import RoadPlan
from analysis.setting import Setting
from layers.workspace import Workspace
from views.choices import road_choices
from views.context import Context
from views.labels import Language, label, say

EVERYTHING_CNY10K = 1e9


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
    """What is asked of the programme: yearly budgets (万元), what one poor person weighs more, what is locked."""

    budgets: tuple[tuple[int, float], ...]
    poor_weight: float = 0.0
    locked_in: tuple[str, ...] = ()
    locked_out: tuple[str, ...] = ()

    @property
    def total_cny10k(self) -> float:
        """Money of all years."""
        return sum(amount for _, amount in self.budgets)


def works(context: Context) -> Works:
    """Give the works of the day and policy, made once."""
    allowance = int(context.office.settings.get("max_age_days", 0))
    dem = context.office.rasters(context.day).get("dem")
    choices = road_choices(context.office, context.day)
    return _works(context.key, context.workspace, context.policy, context.day, allowance, dem, choices)


@st.cache_resource(show_spinner=False, max_entries=4)
def _works(
    key: str, _ws: Workspace, _policy: Policy, day: date, allowance: int, dem: Path | None, _choices: RoadChoices
) -> Works:
    del key
    road_plan = Setting(_ws, _policy, day, max_age_days=allowance, dem=dem, choices=_choices).plan
    tree = works_tree(road_plan)
    everything = programme(road_plan, budgets={day.year: EVERYTHING_CNY10K}, tree=tree, frontier_steps=0, seconds=2)
    lines = everything.geometry[["project_id", "geometry"]].reset_index(drop=True)
    return Works(road_plan, tree, lines)


def answer(context: Context, question: Question, *, frontier_steps: int = 12, seconds: float = 4.0) -> Programme:
    """Answer a question; the same question on the same data is answered from memory."""
    return _answer(context.key, question, frontier_steps, seconds, works(context))


@st.cache_resource(show_spinner=False, max_entries=60)
def _answer(key: str, question: Question, frontier_steps: int, seconds: float, _works: Works) -> Programme:
    del key
    weights = {"people": 1.0, "poor_people": question.poor_weight} if question.poor_weight else None
    return programme(
        _works.road_plan,
        budgets=dict(question.budgets),
        locked_in=question.locked_in,
        locked_out=question.locked_out,
        weights=weights,
        tree=_works.tree,
        frontier_steps=frontier_steps,
        seconds=seconds,
    )


@st.cache_resource(show_spinner=False, max_entries=20)
def standing(key: str, question: Question, _works: Works) -> pd.DataFrame:
    """Say how firmly each project stands when populations and costs are uncertain."""
    del key
    return stability(_works.road_plan, budgets=dict(question.budgets), tree=_works.tree)


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


def read_own_list(table: pd.DataFrame, known: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Find natural village ids (and years) in a bureau's list; returns the list and the ids that are not known.

    The column with most known ids counts as the id; a column named 年度, 年份 or year gives the years.
    """
    ids = set(known)
    texts = table.astype("str").apply(lambda column: column.str.strip().str.replace(r"\.0$", "", regex=True))
    hits = texts.apply(lambda column: column.isin(ids).sum())
    if hits.empty or hits.max() == 0:
        return pd.DataFrame({"natural_village_id": []}), []
    chosen = texts[hits.idxmax()]
    own = pd.DataFrame({"natural_village_id": chosen})
    years = next(
        (name for name in table.columns if str(name).split("/")[-1].strip().lower() in {"年度", "年份", "year"}), None
    )
    if years is not None:
        own["year"] = pd.to_numeric(table[years], errors="coerce")
    return own[chosen.isin(ids)].reset_index(drop=True), sorted(set(chosen[~chosen.isin(ids)]) - {"nan", ""})


def stored(value: Any) -> Any:
    """Turn a question into what can be kept in the ledger, and back."""
    if isinstance(value, Question):
        return {
            "budgets": [list(pair) for pair in value.budgets], "poor_weight": value.poor_weight,
            "locked_in": list(value.locked_in), "locked_out": list(value.locked_out),
        }  # fmt: skip
    budgets = tuple((int(year), float(amount)) for year, amount in value["budgets"])
    return Question(budgets, float(value["poor_weight"]), tuple(value["locked_in"]), tuple(value["locked_out"]))
