"""数据质量: what is in the office, what is wrong with it, where map and register disagree, and the way in for files."""

import pandas as pd
import streamlit as st

from layers.problem import Problem
from views import panels
from views.context import Context
from views.labels import label, number
from views.pages.empty import import_form

SEVERITIES = ("error", "warning", "note")


def layer_table(context: Context) -> pd.DataFrame:
    """List every layer: file, day, rows, whether complete, encoding, coordinates."""
    rows = [
        {
            "图层": label("layer", name, context.language),
            "文件": source.file_name,
            "数据日期": source.as_of.isoformat(),
            "行数": source.rows,
            "完整": "部分（缺的算不明）" if source.is_partial else "全部",
            "原坐标系": source.crs or "—",
            "编码": source.encoding or "—",
            "摘要": source.digest[:12],
        }
        for name, source in sorted(context.workspace.sources.items())
    ]
    return pd.DataFrame(rows)


def problem_table(problems: list[Problem]) -> pd.DataFrame:
    """List every problem as a row that can be exported, mended and read back."""
    rows = [
        {
            "图层": label("layer", item.layer), "程度": label("severity", item.severity), "行号": item.row, "列": item.field or "",
            "编号": item.subject, "类别": item.kind, "说明": item.message,
        }
        for item in problems
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["图层", "程度", "行号", "列", "编号", "类别", "说明"])


def all_problems(context: Context) -> list[Problem]:
    """Gather the problems of import, of joining layers and of assessing, each once."""
    found = [*context.office.problems(context.day), *context.workspace.problems, *context.assessment.problems]
    return list(dict.fromkeys(found))


def show_layers(context: Context) -> None:
    """Show the layers and the way in for more."""
    st.dataframe(layer_table(context), hide_index=True, key="quality_layers")
    with st.expander("导入或更新图层（旧版本保留，随时可按日期回看）", icon=":material/upload_file:"):
        import_form(context.office, "more_import")


def show_problems(context: Context) -> None:
    """Show problems by layer and severity, with the rows behind them."""
    problems = all_problems(context)
    if not problems:
        st.success("没有发现问题。")
        return
    table = problem_table(problems)
    first, second = st.columns(2)
    counts = pd.Series([item.severity for item in problems]).value_counts()
    with first:
        keep = panels.choose_classes(
            "程度", "severity", {name: int(counts.get(name, 0)) for name in SEVERITIES}, context, "quality_severity"
        )
    with second:
        layers = st.multiselect("图层", sorted(table["图层"].unique()), placeholder="全部", key="quality_layer")
    shown = table[table["程度"].isin([label("severity", name) for name in keep])]
    if layers:
        shown = shown[shown["图层"].isin(layers)]
    summary = (
        shown.groupby(["图层", "程度", "类别"], sort=True)
        .agg(条数=("说明", "size"), 例=("说明", "first"))
        .reset_index()
    )
    st.dataframe(summary.sort_values("条数", ascending=False, kind="stable"), hide_index=True, key="quality_summary")
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.caption(f"明细 {len(shown):,} 条。改好原表后重新导入即可；退回的行没有入库，其余不受影响。")
    with button:
        panels.offer_download(context, {"问题清单": shown, "汇总": summary}, "数据质量")
    st.dataframe(shown, hide_index=True, key="quality_rows", height=360)


def show_contradictions(context: Context) -> None:
    """Show where the register says one thing and the map another, most people first."""
    rows = context.assessment.contradictions
    if rows.empty:
        st.success("台账与地图没有矛盾。")
        return
    villages = context.frame("villages")
    names = (
        villages.set_index("village_id")[["town", "name"]] if len(villages) else pd.DataFrame(columns=["town", "name"])
    )
    needs = {need.id: need.label for need in context.policy.needs}
    table = pd.DataFrame(
        {
            "名次": rows["rank"], "乡镇": rows["unit_id"].map(names["town"]), "村": rows["unit_id"].map(names["name"]).fillna(rows["unit_id"]),
            "项目": rows["need"].map(needs).fillna(rows["need"]), "台账说": rows["claimed"].map(lambda v: label("answer", v)),
            "地图说": rows["measured"].map(lambda v: label("answer", v)), "涉及人口": rows["people"], "相差米": rows["distance_m"], "为什么": rows["why"],
        }
    )  # fmt: skip
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.caption(f"共 {number(len(table))} 处，按涉及人口排列。选一行，再到“七有覆盖”页看证据。")
    with button:
        panels.offer_download(context, {"矛盾清单": table}, "台账与地图矛盾")
    panels.show_table(table, key="quality_contradictions", ids=rows["unit_id"].tolist(), kind="villages", height=480)


def page(context: Context) -> None:
    """Show what the figures rest on and what is wrong with it."""
    layers, problems, contradictions = st.tabs(["图层", "问题", "台账与地图的矛盾"])
    with layers:
        show_layers(context)
    with problems:
        show_problems(context)
    with contradictions:
        show_contradictions(context)
