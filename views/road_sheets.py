"""What the road check shows: for every question a table with shapes, its columns, and the number that colours it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from analysis import flows, road_services
from analysis.policy import value_on
from views.context import Context
from views.labels import label, say
from views.plain import plain
from views.planning import Works


@dataclass(frozen=True)
class Sheet:
    """One thing to show: a table with shapes, how its rows are named and which number colours them.

    `act` offers what can be done with the row that is chosen (None: no row is), given the rows as shown.
    """

    frame: Any
    columns: tuple[str, ...]
    measure: str
    unit: str
    note: str
    act: Callable[[Any, int | None], None] | None = None


def snap_m(context: Context) -> float:
    """How far a place may be from its road, by the policy."""
    value = value_on(context.policy, "hardening.snap_m", context.day)
    return float(value.amount) if value else 500.0


def kinds(context: Context) -> list[str]:
    """List the facility kinds the office holds."""
    frame = context.frame("facilities")
    return sorted(frame["kind"].dropna().unique()) if len(frame) else []


@st.cache_resource(show_spinner=False, max_entries=30)
def traced(key: str, service: str, reach: float, _context: Context, _works: Works) -> Any:
    """Add up the people on every road on their way to a service, once."""
    del key
    return flows.trace(_context.workspace, _works.road_plan, service, snap_m=reach)


@st.cache_resource(show_spinner=False, max_entries=6)
def critical(key: str, reach: float, _context: Context, _works: Works) -> Any:
    """List what has no way round, once."""
    del key
    return flows.critical_links(_context.workspace, _works.road_plan, snap_m=reach)


def trace_sheet(context: Context, works: Works) -> Sheet | None:
    """People over every road on their way to a service."""
    found, language = kinds(context), context.language
    if not found:
        st.info(say(language, "there_is_no_facilities_layer_yet"))
        return None
    start = found.index("clinic") if "clinic" in found else 0
    service = st.selectbox(
        say(language, "where_to"),
        found,
        index=start,
        format_func=lambda key: label("facility", key, language),
        key="trace_service",
    )
    frame = traced(context.key, service, snap_m(context), context, works)
    hard, soft = say(language, "hardened"), say(language, "not_hardened")
    shown = frame.assign(
        is_hardened=frame["is_hardened"]
        .astype("object")
        .map({True: hard, False: soft})
        .fillna(say(language, "surface_unknown")),
        surface=frame["surface"].map(lambda key: label("surface", key, language)),
    )
    only_soft = st.toggle(say(language, "only_what_is_not_hardened"), key="trace_soft")
    shown = shown[shown["is_hardened"].eq(soft)] if only_soft else shown
    columns = ("road_id", "surface", "is_hardened", "people", "natural_villages", "length_km")
    note = say(
        language, "trace_note", service=label("facility", service, language), get=frame.attrs.get("not_reached", 0)
    )
    return Sheet(shown, columns, "people", label("unit", "person", language), note)


def critical_sheet(context: Context, works: Works) -> Sheet:
    """Roads and bridges with no way round."""
    frame = critical(context.key, snap_m(context), context, works)
    columns = ("road_id", "bridge_id", "people_cut_off", "natural_villages_cut_off", "length_km")
    return Sheet(
        frame,
        columns,
        "people_cut_off",
        label("unit", "person", context.language),
        say(context.language, "no_way_round_one_washout_and"),
    )


def stranded_sheet(context: Context, works: Works) -> Sheet:
    """Pieces of the network that never connect."""
    frame = flows.stranded_pieces(works.road_plan)
    note = say(context.language, "these_roads_never_reach_the_core")
    return Sheet(frame, ("piece", "length_km"), "length_km", label("unit", "km", context.language), note)


def works_sheet(name: str, columns: tuple[str, ...], measure: str, unit: str) -> Callable[[Context, Works], Sheet]:
    """Make the sheet of one kind of road work."""

    def sheet(context: Context, works: Works) -> Sheet:
        frame = getattr(works.road_plan, name)
        named = frame.assign(admin_class=frame["admin_class"].astype("object"))
        text = label("unit", unit, context.language)
        return Sheet(named, columns, measure, text, say(context.language, f"sheet_note_{name}"))

    return sheet


@st.cache_resource(show_spinner=False, max_entries=6)
def served(key: str, what: str, allowance: int, _context: Context) -> Any:
    """Say who has a bus, or whose main street has a lamp, once."""
    del key
    find = road_services.bus_access if what == "bus" else road_services.lamps_on_main_streets
    return find(_context.workspace, _context.policy, _context.day, max_age_days=allowance)


def service_sheet(
    what: str, columns: tuple[str, ...], measure: str, unit: str
) -> Callable[[Context, Works], Sheet | None]:
    """Make the sheet of who lacks a bus, or a lamp on the main street; what is unknown is listed as unknown."""

    def sheet(context: Context, works: Works) -> Sheet | None:
        del works
        language = context.language
        frame = served(context.key, what, int(context.office.settings.get("max_age_days", 0)), context)
        if frame.empty:
            st.info(say(language, f"sheet_none_{what}", title=plain(context.policy.title)))
            return None
        counts = {name: int(frame["status"].eq(name).sum()) for name in ("met", "gap", "unknown")}
        limit = float(frame["max_distance_m"].iloc[0])
        shown = frame[frame["status"] != "met"]
        told = {name: label("status", name, language) for name in counts}
        shown = shown.assign(served=shown["status"].map(told))
        shown = shown.rename(columns={"people": "residents", "distance_m": "nearest_m"}).round({"nearest_m": 0})
        note = say(language, f"sheet_note_{what}", limit=limit, **counts)
        return Sheet(shown, columns, measure, label("unit", unit, language), note)

    return sheet


PLACE = ("town", "route_code", "name")
SHEETS: dict[str, Callable[[Context, Works], Sheet | None]] = {
    "trace": trace_sheet,
    "critical": critical_sheet,
    "stranded": stranded_sheet,
    "widening": works_sheet(
        "widening",
        ("road_id", *PLACE, "length_km", "pavement_width_m", "subgrade_width_m", "min_pavement_m", "min_subgrade_m", "cost_cny10k", "note"),
        "length_km", "km",
    ),
    "bridges": works_sheet(
        "bridges",
        ("bridge_id", *PLACE, "rating", "length_m", "deck_width_m", "required_width_m", "span_class", "area_m2", "subsidy_ceiling_cny10k", "note"),
        "rating", "rating",
    ),
    "safety": works_sheet(
        "safety",
        ("road_id", *PLACE, "status", "start_km", "end_km", "length_km", "max_slope_percent", "min_radius_m", "cost_cny10k", "subsidy_ceiling_cny10k"),
        "length_km", "km",
    ),
    "bus": service_sheet("bus", ("unit_id", "name", "town", "residents", "served", "nearest_m", "facility_id", "note"), "nearest_m", "m"),
    "lamps": service_sheet("lamps", ("road_id", "village", "town", "served", "lamps", "length_km", "note"), "length_km", "km"),
}  # fmt: skip
