"""What the road check shows: for every question a table with shapes, its columns, and the number that colours it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from analysis import core_pieces, flows, lifelines, road_services
from analysis.policy import value_on
from views import road_words
from views.context import Context
from views.labels import label, number, say
from views.mapspec import ClassStyle
from views.plain import plain
from views.planning import Works

ACT_HEIGHT = 120
CORE_STYLE = (
    ("core", "#045a8d", 2.2, ()),
    ("island", "#c8450b", 3.0, (8, 4)),
    ("unsure", "#6a3d9a", 3.0, (3, 4)),
)


@dataclass(frozen=True)
class Sheet:
    """One thing to show: a table with shapes, how its rows are named and which number colours them.

    `act` offers what can be done with the row that is chosen (None: no row is), given the rows as shown. With `classes`
    the text column `measure` colours the rows, which keep their order. `places` are points drawn above everything.
    """

    frame: Any
    columns: tuple[str, ...]
    measure: str
    unit: str
    note: str
    act: Callable[[Any, int | None], None] | None = None
    classes: Mapping[str, ClassStyle] = field(default_factory=dict)
    places: tuple[str, Any, ClassStyle] | None = None
    part: str = ""


def snap_m(context: Context) -> float:
    """How far a place may be from its road, by the policy."""
    value = value_on(context.policy, "hardening.snap_m", context.day)
    return float(value.amount) if value else 500.0


def kinds(context: Context) -> list[str]:
    """List the facility kinds the office holds."""
    frame = context.frame("facilities")
    return sorted(frame["kind"].dropna().unique()) if len(frame) else []


def road_names(context: Context, ids: Sequence[str]) -> list[str]:
    """Name roads by route code and name, as far as the layer says them."""
    frame = context.frame("roads")
    code, name = (frame[column].astype("object").fillna("").astype(str) for column in ("route_code", "name"))
    texts = (code + " " + name).str.strip()
    return list(pd.Series(texts.to_numpy(), index=frame["road_id"].astype(str)).reindex(ids).fillna(""))


def tell_villages(context: Context, works: Works, rows: Any, key: str, **figures: object) -> None:
    """Name natural villages, those with most people first."""
    table = works.road_plan.natural_villages.iloc[rows].sort_values("population", ascending=False, kind="stable")
    language = context.language
    names = [
        say(language, "village_of_people", name=plain(row.name), people=number(row.population))
        for row in table[["name", "population"]].itertuples(index=False)
    ]
    comma = "、" if language == "zh" else ", "
    with st.container(height=ACT_HEIGHT, border=True):
        st.markdown(say(language, key, count=len(table), **figures) + comma.join(names))


@st.cache_resource(show_spinner=False, max_entries=30)
def traced(key: str, service: str, reach: float, _context: Context, _works: Works) -> Any:
    """Add up the people on every road on their way to a service, once."""
    del key
    return flows.trace(_context.workspace, _works.road_plan, service, snap_m=reach)


@st.cache_resource(show_spinner=False, max_entries=6)
def critical(key: str, reach: float, _context: Context, _works: Works) -> Any:
    """List what has no way round, once."""
    del key
    return lifelines.lifelines(lifelines.critical_links(_context.workspace, _works.road_plan, snap_m=reach))


def trace_sheet(context: Context, works: Works) -> Sheet | None:
    """People over every road on their way to a service."""
    found, language = kinds(context), context.language
    if not found:
        st.info(say(language, "there_is_no_facilities_layer_yet"))
        return None
    start = found.index("clinic") if "clinic" in found else 0
    left, right = st.columns([1, 1.2], vertical_alignment="bottom")
    service = left.selectbox(
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
        name=road_names(context, frame["road_id"]),
        raw_people=frame["people"],
    )
    only_soft = right.toggle(say(language, "only_what_is_not_hardened"), key="trace_soft")
    shown = shown[shown["is_hardened"].eq(soft)] if only_soft else shown
    columns = ("name", "surface", "is_hardened", "people", "natural_villages", "length_km", "road_id")
    note = say(
        language, "trace_note", service=label("facility", service, language), get=frame.attrs.get("not_reached", 0)
    )

    def depends(rows: Any, place: int | None) -> None:
        """Say who depends on the chosen stretch."""
        if place is None:
            st.caption(say(language, "choose_to_see_who_depends"))
            return
        row = rows.iloc[place]
        found = flows.dependents(
            context.workspace, works.road_plan, service, road_id=row["road_id"], people=row["raw_people"],
            natural_villages=row["natural_villages"], snap_m=snap_m(context),
        )  # fmt: skip
        tell_villages(context, works, found, "who_depends", road=plain(row["name"] or row["road_id"]))

    part = f"{service}|{only_soft}"
    return Sheet(shown, columns, "people", label("unit", "person", language), note, depends, part=part)


def critical_sheet(context: Context, works: Works) -> Sheet:
    """Roads and bridges with no way round; stretches in a row that cut off the same people are one."""
    language, reach = context.language, snap_m(context)
    frame = critical(context.key, reach, context, works)
    has_bridge = frame["bridge_id"].astype(str).ne("")
    only = st.toggle(say(language, "only_with_a_bridge", count=int(has_bridge.sum())), key="critical_bridges")
    frame = frame[has_bridge] if only else frame
    firsts = [str(ids).split(";") for ids in frame["road_id"]]
    names = road_names(context, [name for ids in firsts for name in ids])
    held, texts = iter(names), []
    for ids in firsts:
        own = list(dict.fromkeys(name for name in (next(held) for _ in ids) if name))
        more = say(language, "and_so_many_roads", count=len(own)) if len(own) > 2 else ""
        texts.append("、".join(own[:2] or ids[:1]) + more)

    def lost(rows: Any, place: int | None) -> None:
        """Say whom the loss of the chosen row cuts off."""
        if place is None:
            st.caption(say(language, "choose_to_see_who_is_cut_off"))
            return
        row = rows.iloc[place]
        found = lifelines.cut_off(context.workspace, works.road_plan, int(row["edge"]), snap_m=reach)
        tell_villages(context, works, found, "who_is_cut_off", road=plain(row["name"]))

    return Sheet(
        frame.assign(name=texts),
        ("name", "people_cut_off", "natural_villages_cut_off", "bridge_id", "length_km", "links"),
        "people_cut_off",
        label("unit", "person", language),
        say(language, "no_way_round_one_washout_and"),
        lost,
        part=str(only),
    )


@st.cache_resource(show_spinner=False, max_entries=6)
def pieces(key: str, what: str, reach: float, _context: Context, _works: Works) -> Any:
    """Take the network apart into its pieces, once."""
    del key
    if what == "core":
        return core_pieces.core_pieces(_context.workspace, _works.road_plan)
    return core_pieces.stranded_pieces(_context.workspace, _works.road_plan, snap_m=reach)


def stranded_sheet(context: Context, works: Works) -> Sheet:
    """Pieces of the network that never connect."""
    frame = pieces(context.key, "stranded", snap_m(context), context, works)
    frame = frame.rename(columns={"people": "residents", "name": "longest"})
    note = say(context.language, "these_roads_never_reach_the_core")
    columns = ("longest", "length_km", "roads", "natural_villages", "residents")
    return Sheet(frame, columns, "length_km", label("unit", "km", context.language), note)


def core_sheet(context: Context, works: Works) -> Sheet | None:
    """The hardened core, where it begins, and hardened islands that no outlet reaches."""
    language = context.language
    frame, core = pieces(context.key, "core", snap_m(context), context, works), works.road_plan.core
    if core is None:
        return None
    km = {kind: float(frame.loc[frame["kind"] == kind, "length_km"].sum()) for kind in core_pieces.KINDS}
    count = {kind: int(frame["kind"].eq(kind).sum()) for kind in core_pieces.KINDS}
    classes = {
        kind: ClassStyle(label("core_kind", kind, language), color, width=width, rank=rank, dash=dash)
        for rank, (kind, color, width, dash) in enumerate(CORE_STYLE)
    }
    places = core_pieces.outlet_places(context.workspace, core.basis)
    shown = frame.assign(kind_text=[label("core_kind", kind, language) for kind in frame["kind"]])
    basis = label("core_basis", core.basis, language)
    note = say(language, "core_note", basis=basis, core=km["core"], island=km["island"], islands=count["island"], unsure=km["unsure"])  # fmt: skip
    outlet = ClassStyle(say(language, "outlet"), "#c23f05", outline="#ffffff", radius=7, rank=9)
    return Sheet(
        shown.rename(columns={"people": "residents", "name": "longest"}),
        ("kind_text", "longest", "length_km", "roads", "natural_villages", "residents"),
        "kind",
        "",
        note,
        classes=classes,
        places=(say(language, "outlet"), places, outlet) if len(places) else None,
    )


def works_sheet(name: str, columns: tuple[str, ...], measure: str, unit: str) -> Callable[[Context, Works], Sheet]:
    """Make the sheet of one kind of road work."""

    def sheet(context: Context, works: Works) -> Sheet:
        frame, language = getattr(works.road_plan, name), context.language
        named = frame.assign(admin_class=frame["admin_class"].astype("object"))
        if "note" in named:
            named["note"] = [road_words.told(text, language) for text in named["note"]]
        for column, group in WORDED.items():
            if column in named:
                named[column] = named[column].map(lambda key, group=group: label(group, key, language) if key else "")
        text = label("unit", unit, language)
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
        if what == "lamps":  # a hundred metres of street are no pixel on a county's map
            shown = shown.set_geometry(shown.geometry.representative_point())
        note = say(language, f"sheet_note_{what}", limit=limit, **counts)
        return Sheet(shown, columns, measure, label("unit", unit, language), note)

    return sheet


WORDED = {"status": "barrier", "span_class": "span_class"}
PLACE = ("town", "route_code", "name")
SHEETS: dict[str, Callable[[Context, Works], Sheet | None]] = {
    "trace": trace_sheet,
    "core": core_sheet,
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
