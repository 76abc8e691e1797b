"""七有覆盖: which village lacks what, why, and on whose word."""

from typing import Any

import pandas as pd
import streamlit as st

from analysis.policy import Need
from views import atlas, panels, proposing
from views.context import Context
from views.labels import label
from views.maps import ClassStyle, show_map, style_of
from views.palette import STATUS

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
    title = "看哪一项" if context.language == "zh" else "Show"
    return needs[st.selectbox(title, list(needs), format_func=texts.__getitem__, key="coverage_need")]


def status_classes(context: Context) -> dict[str, ClassStyle]:
    """Draw every status in its colour and pattern; a village the policy does not ask about stays plain."""
    ranks = {"unknown": 1, "met": 0, "disputed": 2, "gap": 3}
    out = {
        OUT_OF_SCOPE: ClassStyle(
            label("status", OUT_OF_SCOPE, context.language), "#ffffff", "none", outline="#9aa5ad", width=0.6
        )
    }
    return out | {
        name: ClassStyle(
            label("status", name, context.language),
            swatch.color,
            swatch.pattern,
            swatch.ink,
            swatch.outline,
            rank=ranks[name],
        )
        for name, swatch in STATUS.items()
    }


def village_status(context: Context, need_id: str) -> pd.Series:
    """Give every village its status for a need; those the policy does not ask about are out of scope."""
    findings = context.assessment.findings
    own = findings[(findings["unit_kind"] == "village") & (findings["need"] == need_id)].set_index("unit_id")["status"]
    return own.reindex(context.frame("villages")["village_id"]).fillna(OUT_OF_SCOPE)


def matrix(context: Context, findings: pd.DataFrame) -> pd.DataFrame:
    """Lay the findings out as one row a village, one column a need, each cell a sign and a word."""
    texts = {name: f"{panels.SIGN[name]} {label('status', name, context.language)}" for name in STATUS}
    wide = findings.assign(text=findings["status"].map(texts)).pivot(index="unit_id", columns="need", values="text")
    return wide.reindex(columns=[need.id for need in village_needs(context) if need.id in wide.columns])


def table_of(context: Context, findings: pd.DataFrame, shown: pd.Index) -> pd.DataFrame:
    """Make the table under the map: town, village, people, one column a need, gaps first."""
    villages = context.frame("villages").set_index("village_id")
    wide = matrix(context, findings).reindex(shown)
    own = findings[findings["need"].isin([need.id for need in village_needs(context) if need.kind != "all"])]
    gaps = own[own["status"] == "gap"].groupby("unit_id").size().reindex(shown).fillna(0).astype(int)
    head = villages.reindex(shown)[["town", "name", "population"]]
    head = head.rename(columns={"town": "乡镇", "name": "村", "population": "人口"})
    names = {need.id: need.label for need in village_needs(context)}
    table = pd.concat([head, gaps.rename("缺口数"), wide.rename(columns=names)], axis=1)
    return table.sort_values(["缺口数", "乡镇", "村"], ascending=[False, True, True], kind="stable")


def draw(context: Context, need: Need, findings: pd.DataFrame, town: str | None, keep: list[str]) -> None:
    """Draw villages by status over roads and facilities, and take over what is clicked."""
    towns = atlas.town_names(context.workspace)
    villages = atlas.drawn(context, "villages")
    if villages is None:
        st.info("还没有行政村界：请在“数据质量”页导入，地图才画得出来。")
        return
    layers, states = (
        [villages.layer("行政村", style_of(STATUS["unknown"]))],
        {
            "villages": atlas.state(
                villages,
                values=village_status(context, need.id),
                classes=status_classes(context),
                town=town,
                towns=towns,
                keep=[*keep, OUT_OF_SCOPE],
                opacity=0.75,
            )
        },
    )
    add_background(context, layers, states, need)
    chosen = panels.selected("villages")
    position = villages.position(chosen) if chosen else None
    event = show_map(
        atlas.spec_of(context, layers, need.label),
        states,
        key="coverage_map",
        height=MAP_HEIGHT,
        selected=[] if position is None else [("villages", position)],
        **atlas.focus(context, town, villages),
        flash=evidence_feature(context, findings, chosen, need),
    )
    panels.take_event(event, "coverage_map", {"villages": villages.ids})


def add_background(context: Context, layers: list[Any], states: dict[str, Any], need: Need) -> None:
    """Put roads, facilities of the need's kind and town borders on the map."""
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        layers.append(roads.layer("道路", ClassStyle("道路", "#6d7b86", width=1.2), interactive=False))
        states["roads"] = atlas.state(roads)
    kinds = kinds_of(need)
    facilities = context.workspace.get("facilities")
    if facilities is not None and kinds:
        wanted = facilities[facilities["kind"].isin(kinds)]
        points = atlas.drawn(context, "facilities", rows=",".join(kinds), frame=wanted)
        if points is not None:
            layers.append(
                points.layer(f"设施：{need.label}", ClassStyle(need.label, "#12263a", radius=4, outline="#ffffff"))
            )
            states["facilities"] = atlas.state(points)
    towns = atlas.drawn(context, "towns")
    if towns is not None:
        layers.append(
            towns.layer(
                "乡镇界", ClassStyle("乡镇界", "#00000000", "none", outline="#2b3a46", width=1.8), interactive=False
            )
        )
        states["towns"] = atlas.state(towns, show_labels=True)


def kinds_of(need: Need) -> list[str]:
    """List the facility kinds a need asks for."""
    kinds = need.parameters.get("kind") or []
    return [kinds] if isinstance(kinds, str) else list(kinds)


def evidence_feature(
    context: Context, findings: pd.DataFrame, village: str | None, need: Need
) -> tuple[str, int] | None:
    """Point at the facility that proves the chosen finding, when it is on the map."""
    if village is None or st.session_state.get("coverage_flash") != (village, need.id):
        return None
    row = findings[(findings["unit_id"] == village) & (findings["need"] == need.id)]
    if row.empty or row.iloc[0]["evidence_layer"] != "facilities":
        return None
    kinds = kinds_of(need)
    frame = context.frame("facilities")
    wanted = frame[frame["kind"].isin(kinds)]
    layer = atlas.drawn(context, "facilities", rows=",".join(kinds), frame=wanted)
    position = layer.position(str(row.iloc[0]["evidence_id"])) if layer else None
    return None if position is None else ("facilities", position)


def show_card(context: Context, need: Need, findings: pd.DataFrame) -> None:
    """Show the chosen village: every need with its status, then the reasons of the one chosen."""
    village = panels.selected("villages")
    if village is None:
        st.info("在地图或下表里点一个村，这里逐项说明：缺什么、为什么、凭什么。", icon=":material/ads_click:")
        return
    rows = findings[findings["unit_id"] == village]
    if rows.empty:
        name = context.frame("villages").set_index("village_id")["name"].get(village, village)
        st.info(f"{name} 不在本政策要求的范围内（例如不是相对贫困村），所以没有结论，也不计入覆盖率。")
        return
    names = context.frame("villages").set_index("village_id")
    if village not in names.index:
        return
    place = names.loc[village]
    st.markdown(f"#### {panels.plain(place['name'])}")
    st.caption(f"{place['town']} · {village}")
    needs = {item.id: item for item in village_needs(context) if item.id in set(rows["need"])}
    texts = {
        row.need: f"{panels.SIGN[row.status]} {needs[row.need].label}" for row in rows.itertuples() if row.need in needs
    }
    order = sorted(texts, key=lambda key: panels.STATUSES.index(rows.set_index("need").loc[key, "status"]))
    start = need.id if need.id in texts else (order[0] if order else None)
    chosen = st.selectbox(
        "逐项说明",
        order,
        index=order.index(start) if start else None,
        format_func=texts.__getitem__,
        key=f"card_{village}_{need.id}",
    )
    if chosen is None:
        return
    row = next(rows[rows["need"] == chosen].itertuples())
    panels.show_status(row.status, context)
    proposing.offer_village(context, village, chosen, row.status)
    panels.show_finding(row, context)
    if row.evidence_layer == "facilities" and st.button("在地图上指出证据", icon=":material/my_location:"):
        st.session_state["coverage_flash"] = (village, chosen)
        st.rerun()


def page(context: Context) -> None:
    """Show which village lacks what."""
    findings = context.assessment.findings
    findings = findings[findings["unit_kind"] == "village"]
    if findings.empty:
        st.info(f"《{context.policy.title}》没有以村为单位的设施要求，或者还没有行政村图层。")
        return
    first, second, third, fourth = st.columns([0.9, 1.2, 2, 1.3])
    with first:
        town = panels.choose_town(context)
    with second:
        need = choose_need(context)
    if need is None:
        return
    inside = findings if town is None else findings[findings["town"] == town]
    counts = inside[inside["need"] == need.id]["status"].value_counts()
    with third:
        found = {name: int(counts.get(name, 0)) for name in panels.STATUSES}
        keep = panels.choose_classes("状态", "status", found, context, "coverage_status")
    with fourth:
        panels.choose_place(context, context.frame("villages"), "village_id", "villages", "找村")
    left, right = st.columns([1.75, 1], gap="medium")
    with left:
        draw(context, need, findings, town, keep)
    with right, st.container(height=MAP_HEIGHT, border=True):
        show_card(context, need, findings)
    shown = inside[(inside["need"] == need.id) & inside["status"].isin(keep)]
    table = table_of(context, inside, pd.Index(shown["unit_id"]))
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.caption(f"共 {len(table)} 个村；不明不等于没有，单独计数。点一行，地图跟着走。")
    with button:
        panels.offer_download(
            context,
            {"七有覆盖": table, "逐项依据": inside[inside["unit_id"].isin(table.index)]},
            "七有覆盖",
            乡镇=town,
            项目=need.label,
            状态="、".join(keep),
        )
    panels.show_table(table, key="coverage_table", ids=list(table.index), kind="villages")
