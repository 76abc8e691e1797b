"""七有覆盖: which village lacks what, why, and on whose word."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from analysis.policy import Need
from views import atlas, drilldown, evidence, panels, tables
from views.context import Context
from views.evidence import kinds_of
from views.grading import graded
from views.labels import label, say
from views.maps import ClassStyle, show_map, style_of
from views.palette import STATUS
from views.village_card import show_card

MAP_HEIGHT = 500
OUT_OF_SCOPE = "out"


def village_needs(context: Context) -> list[Need]:
    """List the needs a village is judged by, whole groups first."""
    needs = [need for need in context.policy.needs if need.unit == "village"]
    return sorted(needs, key=lambda need: need.kind != "all")


def choose_need(context: Context) -> Need | None:
    """Let the person choose the facility the map shows; the whole group comes first."""
    needs = {need.id: need for need in village_needs(context)}
    if not needs:
        return None
    texts = {
        need.id: f"{need.group} · {need.label}" if need.group and need.kind != "all" else need.label
        for need in needs.values()
    }
    first = st.session_state["standard_coverage_need"] = next(iter(needs))
    if st.session_state.get("coverage_need") not in needs:
        st.session_state["coverage_need"] = first
    title = say(context.language, "need")
    return needs[st.selectbox(title, list(needs), format_func=texts.__getitem__, key="coverage_need")]


def status_classes(context: Context) -> dict[str, ClassStyle]:
    """Draw every status in its colour and pattern; a village the policy does not ask about stays plain."""
    ranks = {"unknown": 1, "met": 0, "disputed": 2, "gap": 3}
    text = label("status", OUT_OF_SCOPE, context.language)
    out = {OUT_OF_SCOPE: ClassStyle(text, "#ffffff", "none", outline="#9aa5ad", width=0.6)}
    return out | {
        name: ClassStyle(
            label("status", name, context.language), s.color, s.pattern, s.ink, s.outline, rank=ranks[name]
        )
        for name, s in STATUS.items()
    }


def village_status(context: Context, need_id: str) -> pd.Series:
    """Give every village its status for a need; those the policy does not ask about are out of scope."""
    findings = context.assessment.findings
    own = findings[(findings["unit_kind"] == "village") & (findings["need"] == need_id)].set_index("unit_id")["status"]
    return own.reindex(context.frame("villages")["village_id"]).fillna(OUT_OF_SCOPE)


def attributes(context: Context, need: Need) -> dict[str, pd.Series]:
    """Give the numbers a village can be coloured by: people, households, gaps, distance to the facility."""
    return _attributes(context.key, need.id, context, need)


@st.cache_resource(show_spinner=False, max_entries=100)
def _attributes(key: str, need_id: str, _context: Context, _need: Need) -> dict[str, pd.Series]:
    """Work them out once per assessment and need."""
    del key, need_id
    context, need = _context, _need
    villages = context.frame("villages").set_index("village_id")
    findings = context.assessment.findings
    findings = findings[findings["unit_kind"] == "village"]
    single = {item.id for item in village_needs(context) if item.kind != "all"}
    judged = findings[findings["need"].isin(single)]
    gaps = (judged["status"] == "gap").groupby(judged["unit_id"]).sum()
    held = {name: villages[name].astype("float64") for name in ("population", "households") if name in villages}
    is_asked = villages.index.isin(findings.loc[findings["need"] == need.id, "unit_id"])
    held["gap_count"] = gaps.reindex(villages.index).astype("float64").where(is_asked)  # out of scope is not “no gap”
    access = context.assessment.access
    kinds = kinds_of(need)
    own = access[(access["unit_kind"] == "village") & access["service"].isin(kinds)] if len(access) else access
    if len(own):
        held["distance_m"] = own.groupby("unit_id")["straight_m"].min().reindex(villages.index).astype("float64")
    return {name: values for name, values in held.items() if values.notna().any()}


def look(context: Context, need: Need, keep: list[str]) -> tuple[pd.Series, Mapping[str, ClassStyle], list[str] | None]:
    """Give what colours the villages: values by id, classes, and the classes kept."""
    color = st.session_state.get("coverage_color", "status")
    held = attributes(context, need) if color != "status" else {}
    if color not in held:
        return village_status(context, need.id), status_classes(context), [*keep, OUT_OF_SCOPE]
    values, classes = graded(held[color], context.language)
    return values, classes, None


def matrix(context: Context, findings: pd.DataFrame) -> pd.DataFrame:
    """Lay the findings out as one row a village, one column a need, each cell a sign and a word."""
    texts = {name: f"{panels.SIGN[name]} {label('status', name, context.language)}" for name in STATUS}
    wide = findings.assign(text=findings["status"].map(texts)).pivot(index="unit_id", columns="need", values="text")
    return wide.reindex(columns=[need.id for need in village_needs(context) if need.id in wide.columns])


def table_of(context: Context, findings: pd.DataFrame, shown: pd.Index) -> pd.DataFrame:
    """Make the table under the map: town, village, people, one column a need, gaps first."""
    whole = _whole_table(context.key, context.language, context)
    table = whole[whole.index.isin(shown)]
    asked = set(findings["need"])
    unasked = [need.label for need in village_needs(context) if need.id not in asked and need.label in table]
    return table.drop(columns=unasked)


@st.cache_resource(show_spinner=False, max_entries=24)
def _whole_table(key: str, language: str, _context: Context) -> pd.DataFrame:
    """Lay out all villages once per assessment; filters then only choose rows."""
    del key, language
    context = _context
    findings = context.assessment.findings
    findings = findings[findings["unit_kind"] == "village"]
    shown = pd.Index(findings["unit_id"].unique())
    villages = context.frame("villages").set_index("village_id")
    wide = matrix(context, findings).reindex(shown)
    own = findings[findings["need"].isin([need.id for need in village_needs(context) if need.kind != "all"])]
    gaps = own[own["status"] == "gap"].groupby("unit_id").size().reindex(shown).fillna(0).astype(int)
    heads = {name: label("field", name, context.language) for name in ("town", "village", "population", "gap_count")}
    head = villages.reindex(shown)[["town", "name", "population"]]
    head = head.rename(columns={"name": heads["village"], **{key: heads[key] for key in ("town", "population")}})
    names = {need.id: need.label for need in village_needs(context)}
    table = pd.concat([head, gaps.rename(heads["gap_count"]), wide.rename(columns=names)], axis=1)
    order = [heads["gap_count"], heads["town"], heads["village"]]
    return table.sort_values(order, ascending=[False, True, True], kind="stable")


def draw(context: Context, need: Need, findings: pd.DataFrame, town: str | None, keep: list[str]) -> None:
    """Draw villages by status or number over roads and facilities, and take over what is clicked or encircled."""
    villages = atlas.drawn(context, "villages")
    if villages is None:
        st.info(say(context.language, "no_villages"))
        return
    values, classes, kept = look(context, need, keep)
    towns = atlas.town_names(context.workspace)
    layers = [villages.layer(label("layer", "villages", context.language), style_of(STATUS["unknown"]))]
    states = {
        "villages": atlas.state(
            villages, values=values, classes=classes, town=town, towns=towns, keep=kept, opacity=0.75
        )
    }
    add_background(context, layers, states, need)
    chosen = panels.selected("villages")
    inside = drilldown.add_natural_villages(context, layers, states, chosen)
    small = atlas.drawn(context, "natural_villages") if "natural_villages" in states else None
    flash = evidence.add(context, evidence.asked(context, findings, chosen, need), layers, states, need)
    goal = st.session_state.get("go_to") or ("villages", "")
    marked = [
        place for name in [chosen, *panels.area("villages")] if (place := villages.position(name or "")) is not None
    ]
    event = show_map(
        atlas.spec_of(context, layers, need.label), states, key="coverage_map", height=MAP_HEIGHT,
        selected=[("villages", place) for place in marked] + inside, flash=flash,
        **atlas.focus(context, town, small if small is not None and goal[0] == "natural_villages" else villages),
    )  # fmt: skip
    ids = {"villages": villages.ids}
    event = drilldown.village_of_facility(context, event, kinds_of(need), villages)
    panels.take_event(event, "coverage_map", ids | ({} if small is None else {"natural_villages": small.ids}))


def add_background(context: Context, layers: list[Any], states: dict[str, Any], need: Need) -> None:
    """Put roads, facilities of the need's kind and town borders on the map."""
    language = context.language
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        text = label("layer", "roads", language)
        layers.append(roads.layer(text, ClassStyle(text, "#6d7b86", width=1.2), interactive=False))
        states["roads"] = atlas.state(roads)
    kinds = kinds_of(need)
    facilities = context.workspace.get("facilities")
    if facilities is not None and kinds:
        wanted = facilities[facilities["kind"].isin(kinds)]
        points = atlas.drawn(context, "facilities", rows=",".join(kinds), frame=wanted)
        if points is not None:
            text = f"{label('layer', 'facilities', language)}：{need.label}"
            layers.append(points.layer(text, ClassStyle(text, "#12263a", radius=4, outline="#ffffff")))
            states["facilities"] = atlas.state(points)
    add_towns(context, layers, states)


def add_towns(context: Context, layers: list[Any], states: dict[str, Any], width: float = 1.8) -> None:
    """Put town borders with their names on top."""
    towns = atlas.drawn(context, "towns")
    if towns is not None:
        text = label("layer", "town_borders", context.language)
        style = ClassStyle(text, "#00000000", "none", outline="#2b3a46", width=width)
        layers.append(towns.layer(text, style, interactive=False))
        states["towns"] = atlas.state(towns, show_labels=True)


def reasons_table(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """Write findings as a sheet people read: heads and set words in their language, ids and figures as they are."""
    groups = {"status": "status", "measured": "answer", "claimed": "answer", "strength": "strength", "unit": "unit"}
    groups |= {"unit_kind": "unit_kind", "evidence_layer": "layer"}
    words = {
        column: rows[column].map(lambda key, group=group: label(group, key, context.language), na_action="ignore")
        for column, group in groups.items()
    }
    needs = {need.id: need.label for need in context.policy.needs}
    names = context.frame("villages").set_index("village_id")["name"]
    shown = rows.assign(**words, need=rows["need"].map(needs).fillna(rows["need"]))
    shown.insert(1, "village", rows["unit_id"].map(names))
    return tables.named(shown, context.language)


def show_path(context: Context, town: str | None) -> None:
    """Show where one is – county, town, village – and lead back up."""
    villages = context.frame("villages").set_index("village_id")
    chosen = panels.selected("villages")
    inside = chosen if chosen in villages.index else None
    above = town or (villages.loc[inside, "town"] if inside else None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        whole = label("action", "whole", context.language)
        st.button(whole, key="path_county", type="tertiary", icon=":material/home:", on_click=_go, args=(None,))
        if isinstance(above, str):
            st.button(f"› {panels.plain(above)}", key="path_town", type="tertiary", on_click=_go, args=(above,))
        if inside:
            st.markdown(f"› **{panels.plain(villages.loc[inside, 'name'])}**", width="content")


def _go(town: str | None) -> None:
    st.session_state["town_kept"] = town
    panels.select("villages", None)


def show_rows(context: Context, need: Need, inside: pd.DataFrame, town: str | None, keep: list[str]) -> None:
    """Show the villages as a table: those encircled or all, chosen columns, sums, and the download of just that."""
    language = context.language
    shown = inside[(inside["need"] == need.id) & inside["status"].isin(keep)]
    only = panels.show_area("villages", language)
    if only is not None:
        shown = shown[shown["unit_id"].isin(only)]
    table = table_of(context, inside, pd.Index(shown["unit_id"]))
    head, columns, button = st.columns([4, 1, 1], vertical_alignment="bottom")
    with columns:
        table = panels.arrange(table, key="coverage", language=language)
    summed = {label("field", name, language): 0 for name in ("population", "gap_count")}
    head.caption(f"{say(language, 'villages_shown', count=len(table))} {panels.totals(table, summed, language)}")
    with button:
        detail = reasons_table(context, inside[inside["unit_id"].isin(table.index)])
        panels.offer_download(
            context, {say(language, "seven_facilities"): table, say(language, "reasons_need_by_need"): detail}, say(language, "seven_facilities"),
            places=context.frame("villages").set_index("village_id").geometry, town=town, need=need.label,
            status="、".join(label("status", name, language) for name in keep), inside=len(only) if only is not None else None,
        )  # fmt: skip
    panels.show_table(table, key="coverage_table", ids=list(table.index), kind="villages")


def page(context: Context) -> None:
    """Show which village lacks what, on the map, in a card and in a table that share one selection."""
    findings = context.assessment.findings
    findings = findings[findings["unit_kind"] == "village"]
    language = context.language
    first, second, fifth, third, fourth = st.columns([1, 1.3, 0.95, 2.3, 1.35])
    with first:
        town = panels.choose_town(context)
    with second:
        need = choose_need(context)
    if need is None:
        st.info(say(language, "no_village_needs", policy=panels.plain(context.policy.title)))
        return
    inside = findings if town is None else findings[findings["town"] == town]
    counts = inside[inside["need"] == need.id]["status"].value_counts()
    with third:
        found = {name: int(counts.get(name, 0)) for name in panels.STATUSES}
        title = label("action", "filter_status", language)
        keep = panels.choose_classes(title, "status", found, context, "coverage_status")
    with fifth:
        options = {"status": label("action", "filter_status", language)}
        options |= {name: label("field", name, language) for name in attributes(context, need)}
        panels.choose_color(context, options)
    with fourth:
        panels.choose_place(context, context.frame("villages"), "village_id", "villages", say(language, "find_village"))
    left, right = st.columns([1.75, 1], gap="medium")
    with left:
        draw(context, need, findings, town, keep)
    with right, st.container(height=MAP_HEIGHT, border=True):
        show_path(context, town)
        show_card(context, need, findings)
    show_rows(context, need, inside, town, keep)
