"""总览: where the county stands, from the back row of a meeting room."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from analysis.summary import WHOLE
from views import atlas, briefing_panel, panels, tables, village_card
from views.compile import esc
from views.context import Context
from views.labels import label, number, percent, say
from views.maps import ClassStyle, show_map
from views.pages.coverage import OUT_OF_SCOPE, add_towns, status_classes, village_needs, village_status
from views.palette import STATUS

MAP_HEIGHT = 470
LAPTOP_SIZE = 14  # of the letters in a chart, in pixels
ORDER = ("met", "disputed", "unknown", "gap")


def place_of(town: str | None) -> str:
    """Name the rows of coverage.csv for a town, or for the whole."""
    return WHOLE if town is None else town


def coverage_rows(context: Context, town: str | None) -> pd.DataFrame:
    """Give the coverage of every village need in a town or the whole, in the policy's order."""
    table = context.assessment.coverage
    rows = table[(table["town"] == place_of(town)) & (table["unit_kind"] == "village")].set_index("need")
    needs = [need for need in village_needs(context) if need.id in rows.index]
    return rows.loc[[need.id for need in needs]].assign(
        label=[need.label for need in needs],
        kind=[need.kind for need in needs],
        group=[need.group or label("text", "other_needs", context.language) for need in needs],
    )


def show_headline(context: Context, town: str | None, rows: pd.DataFrame) -> None:
    """Show the five figures a leader asks for first."""
    language = context.language
    whole, parts = rows[rows["kind"] == "all"], rows[rows["kind"] != "all"]
    natural, houses = context.assessment.natural_villages, context.assessment.housing
    if town is not None:
        natural, houses = natural[natural["town"] == town], houses[houses["town"] == town]
    due = natural[natural["is_due"].astype(str).isin(["yes", "True"])]
    figures = []
    if len(whole):
        row = whole.iloc[0]
        total = int(row[list(ORDER)].sum())
        text = say(language, "range_help", low=percent(row["low"]), high=percent(row["high"]))
        figures.append((say(language, "whole_villages", label=row["label"]), f"{int(row['met'])} / {total}", text))
    figures += [
        (say(language, f"count_{key}"), number(int(parts[key].sum())), say(language, f"count_{key}_help"))
        for key in ("gap", "unknown", "disputed")
    ]
    connected = f"{int((due['state'] == 'connected').sum())} / {len(due)}" if len(due) else "—"
    dangerous = number(len(houses)) if len(context.frame("households")) else "—"
    figures += [
        (say(language, "natural_connected"), connected, say(language, "natural_connected_help")),
        (say(language, "house_houses"), dangerous, say(language, "house_houses_help")),
    ]
    panels.show_figures(figures)


def choose_group(context: Context) -> list[str]:
    """Let the person choose which groups of needs the bars show; the first group alone to begin with."""
    groups = list(
        dict.fromkeys(need.group or label("text", "other_needs", context.language) for need in village_needs(context))
    )
    if len(groups) < 2:
        return groups
    kept = [name for name in st.session_state.get("overview_group", groups[:1]) if name in groups]
    st.session_state["standard_overview_group"] = groups[:1]
    st.session_state["overview_group"] = kept
    title = say(context.language, "which_group")
    chosen = st.pills(title, groups, selection_mode="multi", key="overview_group", label_visibility="collapsed")
    return list(chosen)


def segments(rows: pd.DataFrame) -> pd.DataFrame:
    """Lay the statuses of every need end to end: one row a piece of a bar, with where it starts and ends.

    >>> rows = pd.DataFrame({"label": ["公厕"], "met": [3], "disputed": [0], "unknown": [1], "gap": [2]}, index=["t"])
    >>> segments(rows)[["status", "start", "end"]].values.tolist()
    [['met', 0, 3], ['disputed', 3, 3], ['unknown', 3, 4], ['gap', 4, 6]]
    """
    ends = rows[list(ORDER)].cumsum(axis=1)
    long = (
        ends.reset_index(drop=True)
        .assign(label=rows["label"].tolist())
        .melt("label", var_name="status", value_name="end")
    )
    counts = rows[list(ORDER)].reset_index(drop=True).melt(var_name="status", value_name="count")
    long["count"] = counts["count"]
    long["start"] = long["end"] - long["count"]
    return long


def bar_text(status: str, count: int, widest: int) -> str:
    """Write into a bar what it counts, with its sign where there is room: colours fade on a projector.

    >>> bar_text("gap", 22, 30), bar_text("gap", 2, 30), bar_text("gap", 1, 30)
    ('✕ 22', '2', '')
    """
    if count < max(1, widest * 0.035):
        return ""
    return f"{panels.SIGN[status]} {count:,}" if count >= widest * 0.2 else f"{count:,}"


def show_bars(context: Context, rows: pd.DataFrame, *, size: int = LAPTOP_SIZE) -> None:
    """Show the bars under their legend, which breaks into lines where the screen is narrow."""
    marks = [
        f'<span><i style="background:{STATUS[key].color}"></i>{panels.SIGN[key]} '
        f"{esc(label('status', key, context.language))}</span>"
        for key in ORDER
    ]
    st.html(f'<div class="bar-legend" style="font-size:{size}px">{"".join(marks)}</div>')
    st.altair_chart(bars(context, rows, size=size))


def bars(context: Context, rows: pd.DataFrame, *, size: int = LAPTOP_SIZE) -> Any:
    """Draw one bar a need: met, disputed, unknown, gap – with the counts written in."""
    long = segments(rows)
    widest = int(long["end"].max())
    long["name"] = long["status"].map(lambda key: f"{panels.SIGN[key]} {label('status', key, context.language)}")
    long["middle"] = (long["start"] + long["end"]) / 2
    long["text"] = [bar_text(key, int(count), widest) for key, count in zip(long["status"], long["count"], strict=True)]
    names = [f"{panels.SIGN[key]} {label('status', key, context.language)}" for key in ORDER]
    axis = alt.Axis(labelFontSize=size, labelLimit=13 * size, labelColor="#1b2730")
    y = alt.Y("label:N", sort=list(rows["label"]), title=None, axis=axis)
    scale = alt.Scale(domain=[0, widest], nice=False)
    heads = {key: label("field", key, context.language) for key in ("need", "status", "villages")}
    tips = [
        alt.Tooltip("label:N", title=heads["need"]),
        alt.Tooltip("name:N", title=heads["status"]),
        alt.Tooltip("count:Q", title=heads["villages"]),
    ]
    colors = alt.Scale(domain=names, range=[STATUS[key].color for key in ORDER])
    across = alt.Axis(labelFontSize=0.8 * size, titleFontSize=0.9 * size, labelColor="#3c4a54", titleColor="#3c4a54")
    fill = alt.Chart(long).mark_bar(stroke="#333", strokeWidth=0.4).encode(
        y=y, x=alt.X("start:Q", scale=scale, title=heads["villages"], axis=across), x2="end:Q", color=alt.Color("name:N", scale=colors, legend=None), tooltip=tips
    )  # fmt: skip
    dark = alt.condition(alt.FieldOneOfPredicate("status", ["met", "gap"]), alt.value("#ffffff"), alt.value("#1b2730"))
    text = (
        alt.Chart(long)
        .mark_text(fontSize=size, fontWeight="bold")
        .encode(y=y, x=alt.X("middle:Q", scale=scale), text="text:N", color=dark)
    )
    return (fill + text).properties(height=max(200, round(2.3 * size) * len(rows) + 60))


def choose_status(context: Context, town: str | None) -> list[str]:
    """Let the person keep some statuses of the whole group on the map."""
    needs = village_needs(context)
    if not needs:
        return []
    findings = context.assessment.findings
    own = findings[(findings["unit_kind"] == "village") & (findings["need"] == needs[0].id)]
    counts = (own if town is None else own[own["town"] == town])["status"].value_counts()
    found = {name: int(counts.get(name, 0)) for name in panels.STATUSES}
    return panels.choose_classes(needs[0].label, "status", found, context, "overview_status")


def draw(
    context: Context,
    town: str | None,
    *,
    key: str = "overview_map",
    height: int = MAP_HEIGHT,
    keep: list[str] | None = None,
) -> None:
    """Draw villages by the whole group's status; a click leads to the village's card on the coverage page."""
    villages = atlas.drawn(context, "villages")
    needs = village_needs(context)
    if villages is None or not needs:
        st.info(say(context.language, "no_villages"))
        return
    towns = atlas.town_names(context.workspace)
    layers = [villages.layer(needs[0].label, ClassStyle(needs[0].label, "#e6e6e6"))]
    states = {
        "villages": atlas.state(
            villages,
            values=village_status(context, needs[0].id),
            classes=status_classes(context),
            town=town,
            towns=towns,
            keep=None if keep is None else [*keep, OUT_OF_SCOPE],
            opacity=0.8,
        )
    }
    add_towns(context, layers, states, width=2.2)
    event = show_map(
        atlas.spec_of(context, layers, needs[0].label),
        states,
        key=key,
        height=height,
        **atlas.focus(context, town, villages),
    )
    panels.take_event(event, key, {"villages": villages.ids})
    chosen = panels.selected("villages")
    if chosen is not None:
        names = context.frame("villages").set_index("village_id")["name"]
        pages = st.session_state.get("pages", {})
        text = say(context.language, "to_coverage", village=panels.plain(names.get(chosen, chosen)))
        if "coverage" in pages:
            target = {"village": str(chosen)}
            st.page_link(pages["coverage"], label=text, icon=":material/fact_check:", query_params=target)


def town_table(context: Context) -> pd.DataFrame:
    """Lay out one row a town: share known to be met (at least, at most), gaps, unknown, disputed."""
    table = context.assessment.coverage
    needs = village_needs(context)
    names = {need.id: need.label for need in needs}
    rows = table[(table["unit_kind"] == "village") & table["need"].isin(names) & (table["town"] != WHOLE)]
    single = rows[rows["need"].isin([need.id for need in needs if need.kind != "all"])]
    counts = single.groupby("town")[["met", "gap", "disputed", "unknown"]].sum()
    total = counts.sum(axis=1)
    language = context.language
    low, high = label("field", "low", language), label("field", "high", language)
    shares = pd.DataFrame({low: counts["met"] / total, high: 1 - counts["gap"] / total})
    counts.columns = [label("status", name, language) for name in counts.columns]
    ordered = pd.concat([shares, counts], axis=1)
    order = [name for name in atlas.town_names(context.workspace) if name in ordered.index]
    return ordered.loc[order].rename_axis(label("field", "town", language)).reset_index()


def show_towns(context: Context) -> None:
    """Show the towns side by side, and offer the table."""
    table, language = town_table(context), context.language
    config = {
        name: st.column_config.ProgressColumn(name, min_value=0.0, max_value=100.0, format="%.1f%%")
        for name in (label("field", "low", language), label("field", "high", language))
    }
    shown = table.assign(**{name: table[name] * 100 for name in config})
    head, button = st.columns([5, 1], vertical_alignment="bottom")
    head.markdown(f"##### {say(language, 'by_town')}")
    with button:
        panels.offer_download(
            context,
            {
                say(language, "by_town_3"): table,
                say(language, "coverage"): tables.named(context.assessment.coverage, language),
            },
            say(language, "overview"),
        )
    names = table[label("field", "town", language)].tolist()

    def follow() -> None:
        rows = st.session_state["overview_towns"]["selection"]["rows"]
        st.session_state["town_kept"] = names[rows[0]] if rows else None

    st.dataframe(
        shown,
        hide_index=True,
        column_config=config,
        key="overview_towns",
        on_select=follow,
        selection_mode="single-row",
    )


def show_chosen(context: Context) -> None:
    """Show the chosen village's card under the bars: what it lacks, why, on whose word."""
    needs = village_needs(context)
    if panels.selected("villages") is None or not needs:
        return
    findings = context.assessment.findings
    with st.container(border=True, height=320):
        village_card.show_card(context, needs[0], findings[findings["unit_kind"] == "village"])


def page(context: Context) -> None:
    """Show where the county stands."""
    left, _, right = st.columns([1, 3, 1], vertical_alignment="bottom")
    with left:
        town = panels.choose_town(context)
    with right:
        briefing_panel.offer(context)
    rows = coverage_rows(context, town)
    show_headline(context, town, rows)
    chart, place = st.columns([1, 1], gap="medium")
    with chart:
        if rows.empty:
            st.info(say(context.language, "no_village_needs", policy=panels.plain(context.policy.title)))
        else:
            groups = choose_group(context)
            show_bars(context, rows[rows["group"].isin(groups)] if groups else rows)
        show_chosen(context)
    with place:
        keep = choose_status(context, town)
        draw(context, town, keep=keep)
    show_towns(context)
