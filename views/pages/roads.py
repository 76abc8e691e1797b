"""道路硬化: which natural villages have no hardened road, what is missing, what it costs, who shares it."""

from typing import Any

import pandas as pd
import streamlit as st

from views import atlas, panels, proposing
from views.context import Context
from views.labels import distance, label, money, number
from views.maps import ClassStyle, show_map, style_of
from views.pages.coverage import MAP_HEIGHT
from views.palette import STATE, SURFACE

BADGES = {"connected": "blue", "harden": "red", "build": "violet"}
STATES = ("harden", "build", "unknown", "connected")
COLUMNS = {
    "rank": "名次", "town": "乡镇", "name": "自然村", "population": "人口", "poor_population": "贫困人口", "state": "状态",
    "gap_km": "待硬化公里", "new_km": "待新建公里", "cost_cny10k": "估算万元", "subsidy_cny10k": "补助万元",
    "people_per_cny10k": "每万元受益人", "hardened_distance_m": "距硬化路米", "outlet": "接入点", "note": "说明",
}  # fmt: skip


def due_rows(context: Context, town: str | None, *, only_due: bool) -> pd.DataFrame:
    """Give the natural villages to show."""
    rows = context.assessment.natural_villages
    if only_due:
        rows = rows[rows["is_due"].astype(str).isin(["yes", "True", "unknown", "<NA>", "nan"])]
    return rows if town is None else rows[rows["town"] == town]


def show_headline(context: Context, rows: pd.DataFrame) -> None:
    """Show how many are due, connected, missing, and what it would cost."""
    due = rows[rows["is_due"].astype(str).isin(["yes", "True"])]
    todo = due[due["state"].isin(["harden", "build"])]
    segments = context.assessment.roads["segments"]
    shared = segments[
        segments["natural_village_ids"].map(
            lambda ids: bool(set(str(ids).split(";")) & set(todo["natural_village_id"]))
        )
    ]
    threshold = due["threshold"].dropna().iloc[0] if len(due) else float("nan")
    known, unpriced = shared["cost_cny10k"].sum(min_count=1), int(shared["cost_cny10k"].isna().sum())
    panels.show_figures(
        [
            ("应通自然村", number(len(due)), f"人口不少于 {number(threshold)} 人（含）"),
            ("已通硬化路", number(int((due["state"] == "connected").sum())), "最近的路在 500 米内，且沿硬化路通到干线"),
            ("待硬化", number(int((due["state"] == "harden").sum())), "沿现有未硬化的路能通到干线"),
            ("待新建", number(int((due["state"] == "build").sum())), "附近没有路，或那条路通不到干线"),
            ("不明", number(int((due["state"] == "unknown").sum())), "路面类型或人口没有登记，不能算有也不能算无"),
            ("需硬化", f"{number(shared['length_km'].sum(), 1)} 公里", "共用路段只算一次；逐村相加会多算"),
            (
                "估算造价" if not unpriced else "估算造价（至少）",
                money(known),
                f"共用路段只算一次；另有 {unpriced} 段路面不明，没有计价。单价见政策参数，未注明来源的可改",
            ),
        ]
    )


def state_classes(context: Context) -> dict[str, ClassStyle]:
    """Draw every state in its colour and pattern."""
    ranks = {"connected": 0, "unknown": 1, "build": 2, "harden": 3}
    return {
        name: ClassStyle(
            label("state", name, context.language), s.color, s.pattern, s.ink, s.outline, radius=6, rank=ranks[name]
        )
        for name, s in STATE.items()
    }


def road_classes(context: Context) -> dict[str, ClassStyle]:
    """Draw every surface in its colour; unhardened ones dashed."""
    soft = {"gravel", "earth", "none", "light"}
    return {
        name: ClassStyle(
            label("surface", name, context.language),
            s.color,
            "solid",
            width=2.0 if name in soft else 1.6,
            dash=(6, 4) if name in soft else (),
        )
        for name, s in SURFACE.items()
    }


def needed_segments(context: Context, village: str | None) -> set[str]:
    """List the road segments the chosen natural village needs."""
    rows = context.assessment.natural_villages
    found = rows.loc[rows["natural_village_id"] == village, "segment_ids"]
    return set() if found.empty or not isinstance(found.iloc[0], str) else set(found.iloc[0].split(";"))


def draw(context: Context, rows: pd.DataFrame, town: str | None, keep: list[str]) -> None:
    """Draw roads by surface, natural villages by state, and light up what the chosen one needs."""
    towns = atlas.town_names(context.workspace)
    layers: list[Any] = []
    states: dict[str, Any] = {}
    ids: dict[str, pd.Index] = {}
    marked: list[tuple[str, int]] = []
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        layers.append(roads.layer("道路", style_of(SURFACE["unknown"], width=1.4)))
        states["roads"] = atlas.state(
            roads, values=roads.frame.set_index("road_id")["surface"], classes=road_classes(context)
        )
        ids["roads"] = roads.ids
        wanted = roads.ids.get_indexer(sorted(needed_segments(context, panels.selected("natural_villages"))))
        marked += [("roads", int(position)) for position in wanted if position >= 0]
    villages = atlas.drawn(context, "natural_villages")
    if villages is not None:
        values = rows.set_index("natural_village_id")["state"]
        layers.append(villages.layer("自然村", style_of(STATE["unknown"], radius=5)))
        states["natural_villages"] = atlas.state(
            villages, values=values, classes=state_classes(context), town=town, towns=towns, keep=keep
        )
        ids["natural_villages"] = villages.ids
        position = villages.position(panels.selected("natural_villages") or "")
        marked += [] if position is None else [("natural_villages", position)]
    if not layers:
        st.info("还没有道路和自然村图层：请在“数据质量”页导入。")
        return
    event = show_map(
        atlas.spec_of(context, layers, "道路硬化"),
        states,
        key="roads_map",
        height=MAP_HEIGHT,
        selected=marked,
        **atlas.focus(context, town, villages),
    )
    panels.take_event(event, "roads_map", ids)


def show_card(context: Context) -> None:
    """Show the chosen natural village: state, what is missing, over which segments, cost and who shares it."""
    rows = context.assessment.natural_villages
    found = rows[rows["natural_village_id"] == panels.selected("natural_villages")]
    if found.empty:
        st.info(
            "点一个自然村：缺哪一段、多长、多少钱、和谁共用，都在这里。红色菱形是待硬化，紫色三角是待新建。",
            icon=":material/ads_click:",
        )
        return
    row = next(found.itertuples())
    st.markdown(f"#### {panels.plain(row.name)}")
    st.caption(f"{row.town} · {row.natural_village_id}")
    panels.show_badge(label("state", row.state, context.language), BADGES.get(row.state, "gray"))
    proposing.offer_natural_village(context, row.natural_village_id, row.state)
    due = {"yes": "应通", "True": "应通", "no": "不在范围（人口不足）", "False": "不在范围（人口不足）"}.get(
        str(row.is_due), "不明（人口未登记）"
    )
    pairs = [
        ("人口", f"{number(row.population)} 人（门槛 {number(row.threshold)} 人，含）→ {due}"),
        ("待硬化", f"{number(row.gap_km, 2)} 公里（通到干线所需的最短未硬化里程）"),
        ("待新建", f"{number(row.new_km, 2)} 公里"),
        ("最近的路", f"硬化路 {distance(row.hardened_distance_m)}；任何路 {distance(row.road_distance_m)}"),
        ("接入点", row.outlet if isinstance(row.outlet, str) and row.outlet else "—"),
        ("路段", row.segment_ids.replace(";", "、") if isinstance(row.segment_ids, str) and row.segment_ids else "—"),
        ("共用", row.shared_with.replace(";", "、") if isinstance(row.shared_with, str) and row.shared_with else "无"),
        ("估算造价", f"{money(row.cost_cny10k)}；政策补助 {money(row.subsidy_cny10k)}（上限类补助不计入）"),
        ("依据", clause(context)),
    ]
    if isinstance(row.note, str) and row.note:
        pairs.append(("说明", row.note))
    for heading, text in pairs:
        left, right = st.columns([1, 4], gap="small")
        left.caption(heading)
        right.text(text)


def clause(context: Context) -> str:
    """Name the clause that sets the population threshold."""
    values = context.policy.values.get("hardening.min_population", ())
    return f"《{context.policy.title}》{values[-1].reference}" if values else f"《{context.policy.title}》没有人口门槛"


def page(context: Context) -> None:
    """Show what is missing to bring a hardened road to every natural village due."""
    if context.assessment.natural_villages.empty:
        st.info("还没有自然村图层：请在“数据质量”页导入自然村点位和人口。")
        return
    only_due = st.session_state.setdefault("roads_due", True)
    first, second, third = st.columns([1, 2, 1.6])
    with first:
        town = panels.choose_town(context)
    rows = due_rows(context, town, only_due=only_due)
    counts = rows["state"].value_counts()
    with second:
        keep = panels.choose_classes(
            "状态", "state", {name: int(counts.get(name, 0)) for name in STATES}, context, "roads_state"
        )
    with third:
        panels.choose_place(
            context, context.assessment.natural_villages, "natural_village_id", "natural_villages", "找自然村"
        )
    show_headline(context, rows)
    left, right = st.columns([1.75, 1], gap="medium")
    with left:
        draw(context, rows, town, keep)
    with right, st.container(height=MAP_HEIGHT, border=True):
        show_card(context)
    shown = rows[rows["state"].isin(keep)].sort_values("rank", na_position="last", kind="stable")
    table = shown[list(COLUMNS)].rename(columns=COLUMNS)
    table["状态"] = table["状态"].map(lambda key: label("state", key, context.language))
    head, switch, button = st.columns([3, 1.2, 0.8], vertical_alignment="bottom")
    switch.toggle("只看达到人口门槛的", key="roads_due")
    head.caption(f"共 {len(table)} 个自然村，按每万元受益人数排名；造价为估算，未含的项目见说明。")
    with button:
        sheets = {
            "自然村": table,
            **{
                name: pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
                for name, frame in context.assessment.roads.items()
                if name != "candidates"
            },
        }
        panels.offer_download(context, sheets, "道路硬化", 乡镇=town, 状态="、".join(keep))
    panels.show_table(table, key="roads_table", ids=shown["natural_village_id"].tolist(), kind="natural_villages")
