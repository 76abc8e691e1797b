"""数据质量: what is in the office, what is wrong with it, where map and register disagree, and the way in for files."""

import pandas as pd
import streamlit as st

from layers.problem import Problem
from views import panels, quality_map, template_panel
from views.context import Context
from views.dropping import import_form
from views.labels import Language, label, number, say

SEVERITIES = ("error", "warning", "note")


def layer_table(context: Context) -> pd.DataFrame:
    """List every layer: file, day, rows, whether complete, encoding, coordinates."""
    language = context.language
    rows = [
        (
            label("layer", name, language), source.file_name, source.as_of.isoformat(), source.rows,
            say(language, "layer_partial" if source.is_partial else "layer_whole"), source.crs or "—",
            source.encoding or "—", source.digest[:12],
        )
        for name, source in sorted(context.workspace.sources.items())
    ]  # fmt: skip
    heads = ("layer", "file", "data_day", "rows", "is_whole", "crs", "encoding", "digest")
    return pd.DataFrame(rows, columns=[label("field", key, language) for key in heads])


def problem_table(problems: list[Problem], language: Language) -> pd.DataFrame:
    """List every problem as a row that can be exported, mended and read back."""
    rows = [
        (
            label("layer", item.layer, language), label("severity", item.severity, language), item.row, item.field or "",
            item.subject, item.kind, item.message,
        )
        for item in problems
    ]  # fmt: skip
    heads = ("layer", "severity", "row", "column", "subject", "problem_kind", "note")
    return pd.DataFrame(rows, columns=[label("field", key, language) for key in heads])


def all_problems(context: Context) -> list[Problem]:
    """Gather the problems of import, of joining layers and of assessing, each once; those of a file speak of all towns."""
    of_files = [] if context.user.towns else context.office.problems(context.day)
    found = [*of_files, *context.workspace.problems, *context.assessment.problems]
    return list(dict.fromkeys(found))


def show_layers(context: Context) -> None:
    """Show the layers and the way in for more."""
    language = context.language
    st.dataframe(layer_table(context), hide_index=True, key="quality_layers")
    if not context.user.may("import"):
        st.caption(say(language, "import_denied"))
        return
    with st.expander(say(language, "import_more"), icon=":material/upload_file:"):
        import_form(context.office, "more_import", language, context.user.name)


def show_problems(context: Context) -> None:
    """Show problems by layer and severity, with the rows behind them."""
    language = context.language
    problems = all_problems(context)
    if not problems:
        st.success(say(language, "no_problems"))
        return
    table = problem_table(problems, language)
    layer, severity, kind, note = (
        label("field", key, language) for key in ("layer", "severity", "problem_kind", "note")
    )
    first, second = st.columns(2)
    counts = pd.Series([item.severity for item in problems]).value_counts()
    with first:
        found = {name: int(counts.get(name, 0)) for name in SEVERITIES}
        keep = panels.choose_classes(severity, "severity", found, context, "quality_severity")
    with second:
        layers = st.multiselect(
            layer,
            sorted(table[layer].unique()),
            placeholder=say(language, "all"),
            key="quality_layer",
            select_all=False,
        )
    shown = table[table[severity].isin([label("severity", name, language) for name in keep])]
    if layers:
        shown = shown[shown[layer].isin(layers)]
    heads = [say(language, key) for key in ("problem_count", "problem_example")]
    summary = shown.groupby([layer, severity, kind], sort=True)[note].agg(["size", "first"]).reset_index()
    summary = summary.rename(columns=dict(zip(("size", "first"), heads, strict=True)))
    summary = summary.sort_values(heads[0], ascending=False, kind="stable")
    st.dataframe(summary, hide_index=True, key="quality_summary")
    head, button = st.columns([5, 1], vertical_alignment="bottom")
    head.caption(say(language, "problems_shown", count=number(len(shown))))
    with button:
        panels.offer_download(
            context, {say(language, "problems"): shown, say(language, "totals"): summary}, say(language, "data_quality")
        )
    st.dataframe(shown, hide_index=True, key="quality_rows", height=360)


def contradiction_table(context: Context) -> pd.DataFrame:
    """Lay out where register and map disagree, in words."""
    language, rows = context.language, context.assessment.contradictions
    villages = context.frame("villages")
    names = (
        villages.set_index("village_id")[["town", "name"]] if len(villages) else pd.DataFrame(columns=["town", "name"])
    )
    needs = {need.id: need.label for need in context.policy.needs}
    table = pd.DataFrame(
        {
            "rank": rows["rank"], "town": rows["unit_id"].map(names["town"]),
            "village": rows["unit_id"].map(names["name"]).fillna(rows["unit_id"]),
            "need": rows["need"].map(needs).fillna(rows["need"]),
            "claimed": rows["claimed"].map(lambda value: label("answer", value, language)),
            "measured": rows["measured"].map(lambda value: label("answer", value, language)),
            "people": rows["people"], "apart_m": rows["distance_m"], "why": rows["why"],
        }
    )  # fmt: skip
    return table.rename(columns={name: label("field", name, language) for name in table.columns})


def show_contradictions(context: Context, town: str | None = None) -> None:
    """Show where the register says one thing and the map another, most people first."""
    language, rows = context.language, context.assessment.contradictions
    if rows.empty:
        st.success(say(language, "no_contradictions"))
        return
    table = contradiction_table(context)
    if town is not None:
        inside = table[label("field", "town", language)] == town
        table, rows = table[inside], rows[inside.to_numpy()]
    head, button = st.columns([5, 1], vertical_alignment="bottom")
    head.caption(say(language, "contradictions_shown", count=number(len(table))))
    with button:
        panels.offer_download(context, {say(language, "contradictions"): table}, say(language, "register_against_map"))
    panels.show_table(table, key="quality_contradictions", ids=rows["unit_id"].tolist(), kind="villages", height=480)


def page(context: Context) -> None:
    """Show what the figures rest on and what is wrong with it."""
    names = ("tab_contradictions", "tab_problems", "tab_layers", "tab_template")
    left, _ = st.columns([1, 4])
    with left:
        town = panels.choose_town(context)
    quality_map.show(context, all_problems(context), town)
    contradictions, problems, layers, own = st.tabs([say(context.language, name) for name in names])
    with layers:
        show_layers(context)
    with own:
        template_panel.show(context)
    with problems:
        show_problems(context)
    with contradictions:
        show_contradictions(context, town)
