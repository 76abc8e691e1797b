"""What a connected village counts for, as a person sets it; and how swaps and doubtful numbers are named."""

from typing import Any

import pandas as pd
import streamlit as st

from analysis.plan import Programme, marginal
from views.labels import Language, label, say
from views.planning import Question, Works

YEARS = ("each", "end", "early")
EXACT = "plan_exact"


def ask(language: Language) -> dict[str, Any]:
    """Let the person weigh more than people: kilometres spared, clinics, years, towns; and ask for the exact search."""
    with st.popover(say(language, "more_weights"), icon=":material/balance:", width="stretch"):
        km = st.slider(
            say(language, "weight_of_kilometres"),
            0.0,
            2.0,
            0.0,
            0.1,
            key="plan_km",
            help=say(language, "weight_of_kilometres_help"),
        )
        clinic = st.slider(
            say(language, "weight_of_clinics"),
            0.0,
            5.0,
            0.0,
            0.5,
            key="plan_clinic",
            help=say(language, "weight_of_clinics_help"),
        )
        town = st.slider(
            say(language, "weight_of_towns"),
            0.0,
            5.0,
            0.0,
            0.5,
            key="plan_town",
            help=say(language, "weight_of_towns_help"),
        )
        years = st.radio(
            say(language, "which_years_count"),
            YEARS,
            format_func=lambda key: say(language, f"years_{key}"),
            key="plan_counted",
        )
        st.toggle(say(language, "search_exactly"), key=EXACT, help=say(language, "search_exactly_help"))
    return {"km_weight": float(km), "clinic_weight": float(clinic), "years": str(years), "town_bonus": float(town)}


def is_exact() -> bool:
    """Whether the long search was asked for."""
    return bool(st.session_state.get(EXACT))


def told(question: Question, language: Language) -> dict[str, Any]:
    """Name the weights that were set, for the basis of an export."""
    return {
        say(language, "weight_of_a_poor_person"): question.poor_weight or None,
        say(language, "weight_of_kilometres"): question.km_weight or None,
        say(language, "weight_of_clinics"): question.clinic_weight or None,
        say(language, "weight_of_towns"): question.town_bonus or None,
        say(language, "which_years_count"): None
        if question.years == "each"
        else say(language, f"years_{question.years}"),
    }


def number_to_check(name: str, language: Language) -> str:
    """Name the number whose error changes most; blank for none."""
    if name == "people":
        return label("field", "population", language)
    return {"cost": say(language, "unit_prices"), "weights": say(language, "weights")}.get(name, "")


def next_money(made: Programme, question: Question, language: Language) -> str:
    """Say how many people more each further 万元 reaches from the budget asked for; nothing where all are reached."""
    table = made.frontier
    gains = marginal(table)[table["budget_cny10k"] > question.total_cny10k + 1e-6].dropna()
    return say(language, "next_money", gain=float(gains.iloc[0])) if len(gains) else ""


def swap_table(swaps: pd.DataFrame, works: Works, language: Language) -> pd.DataFrame:
    """Lay swaps out with the names of villages instead of their ids."""
    candidates = works.road_plan.candidates
    names = dict(zip(candidates["natural_village_id"].astype(str), candidates["name"].fillna(""), strict=True))

    def named(ids: str) -> str:
        return "、".join(names.get(part) or part for part in str(ids).split(";") if part) or "—"

    columns = ("step", "people_change", "people_after", "cost_change_cny10k", "take_out", "take_in")
    shown = swaps.assign(
        take_out=swaps["take_out"].map(named),
        take_in=swaps["take_in"].map(named),
        cost_change_cny10k=swaps["cost_change_cny10k"].round(1),
    )
    return shown[list(columns)].rename(columns={name: say(language, f"swap_{name}") for name in columns})
