"""危房: every household in a C or D house, who is eligible by which clause, and what is proposed. Personal data: internal only."""

from typing import Any

import pandas as pd
import streamlit as st

from views import atlas, panels
from views.context import Context
from views.labels import distance, label, number
from views.maps import ClassStyle, show_map, style_of
from views.pages.coverage import MAP_HEIGHT
from views.palette import GRADE

COLUMNS = {
    "priority": "优先级", "town": "乡镇", "village": "行政村", "household_id": "户编号", "grade": "等级", "category": "户类别", "is_eligible": "符合条件",
    "clause": "条款", "treatment": "建议处置", "hazard": "灾害隐患", "road_distance_m": "距路米", "clinic_minutes": "到卫生站分钟",
    "is_isolated": "零散分布", "status": "状态", "note": "说明",
}  # fmt: skip
ANSWERS = {"yes": "是", "no": "否", "unknown": "不明", "True": "是", "False": "否", "<NA>": "不明", "nan": "不明"}


def rows_of(context: Context, town: str | None) -> pd.DataFrame:
    """Give the dangerous houses to show, with the village's name."""
    rows = context.assessment.housing
    villages = context.frame("villages")
    names = villages.set_index("village_id")["name"] if len(villages) else pd.Series(dtype="str")
    rows = rows.assign(village=rows["village_id"].map(names))
    return rows if town is None else rows[rows["town"] == town]


def show_headline(rows: pd.DataFrame) -> None:
    """Show how many houses are dangerous, how many qualify, and how many lie in danger zones."""
    answers = rows["is_eligible"].astype(str).map(ANSWERS).value_counts()
    grades = rows["grade"].value_counts()
    panels.show_figures(
        [
            ("危房户", number(len(rows)), "鉴定为 C 级（局部危房）或 D 级（整幢危房）的农户"),
            ("C 级 / D 级", f"{grades.get('C', 0):,} / {grades.get('D', 0):,}", "C 级一般维修加固，D 级一般拆除重建"),
            ("符合政策条件", number(int(answers.get("是", 0))), "按本政策的对象类别判定，条款见每户"),
            ("条件不明", number(int(answers.get("不明", 0))), "类别、是否唯一住房等没有登记，不能判定"),
            (
                "在灾害隐患区",
                number(int(rows["hazard"].fillna("").astype(str).str.len().gt(0).sum())),
                "落在滑坡、洪水、塌陷等隐患范围内",
            ),
            (
                "零散分布",
                number(int(rows["is_isolated"].astype(str).map(ANSWERS).eq("是").sum())),
                "远离道路且周围住户少，可考虑插花搬迁",
            ),
        ]
    )


def draw(context: Context, rows: pd.DataFrame, town: str | None, keep: list[str]) -> None:
    """Draw dangerous houses by grade over villages, roads and hazard zones."""
    towns = atlas.town_names(context.workspace)
    layers: list[Any] = []
    states: dict[str, Any] = {}
    villages = atlas.drawn(context, "villages")
    if villages is not None:
        layers.append(
            villages.layer(
                "行政村界", ClassStyle("行政村界", "#00000000", "none", outline="#7d8a94", width=0.8), interactive=False
            )
        )
        states["villages"] = atlas.state(villages)
    hazards = atlas.drawn(context, "hazards")
    if hazards is not None:
        layers.append(
            hazards.layer(
                "灾害隐患区", ClassStyle("灾害隐患区", "#8c2d80", "hatch", "#8c2d80", "#8c2d80"), interactive=False
            )
        )
        states["hazards"] = atlas.state(hazards, opacity=0.45)
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        layers.append(roads.layer("道路", ClassStyle("道路", "#6d7b86", width=1.2), interactive=False))
        states["roads"] = atlas.state(roads)
    households = context.frame("households")
    danger = (
        households[households["household_id"].isin(context.assessment.housing["household_id"])]
        if len(households)
        else households
    )
    houses = atlas.drawn(context, "households", rows="danger", frame=danger) if len(danger) else None
    if houses is not None:
        classes = {
            grade: ClassStyle(
                label("grade", grade, context.language), s.color, s.pattern, s.ink, s.outline, radius=5, rank=rank
            )
            for rank, (grade, s) in enumerate(GRADE.items())
            if grade in "CD"
        }
        values = rows.set_index("household_id")["grade"]
        layers.append(houses.layer("危房", style_of(GRADE["unknown"], radius=5)))
        states["households"] = atlas.state(houses, values=values, classes=classes, town=town, towns=towns, keep=keep)
    if not layers:
        st.info("还没有可画的图层。")
        return
    position = houses.position(panels.selected("households") or "") if houses is not None else None
    event = show_map(
        atlas.spec_of(context, layers, "危房"), states, key="housing_map", height=MAP_HEIGHT,
        selected=[] if position is None else [("households", position)], **atlas.focus(context, town, houses),
    )  # fmt: skip
    panels.take_event(event, "housing_map", {"households": houses.ids} if houses is not None else {})


def show_card(context: Context, rows: pd.DataFrame) -> None:
    """Show the chosen house: grade, eligibility with its clause, proposal, hazard and place."""
    found = rows[rows["household_id"] == panels.selected("households")]
    if found.empty:
        st.info(
            "点一户：等级、是否符合条件（哪一条）、建议怎么处置、有没有隐患。本页是个人信息，只供内部使用。",
            icon=":material/ads_click:",
        )
        return
    row = next(found.itertuples())
    st.markdown(f"#### 户 {panels.plain(row.household_id)}")
    st.caption(f"{row.town} · {row.village}")
    st.badge(label("grade", row.grade, context.language), color="red" if row.grade == "D" else "orange")
    clinic = f"{number(row.clinic_minutes)} 分钟" if pd.notna(row.clinic_minutes) else "—"
    pairs = [
        ("符合条件", f"{ANSWERS.get(str(row.is_eligible), '不明')}"),
        ("依据", f"《{context.policy.title}》{row.clause}" if isinstance(row.clause, str) and row.clause else "—"),
        ("户类别", row.category if isinstance(row.category, str) else "未登记"),
        ("优先级", number(row.priority) if not isinstance(row.priority, str) else row.priority),
        ("建议处置", row.treatment if isinstance(row.treatment, str) and row.treatment else "—"),
        ("灾害隐患", row.hazard if isinstance(row.hazard, str) and row.hazard else "未落在已知隐患区"),
        ("位置", f"距最近道路 {distance(row.road_distance_m)}；到卫生站 {clinic}"),
        ("零散分布", ANSWERS.get(str(row.is_isolated), "不明")),
        ("状态", row.status if isinstance(row.status, str) else "—"),
    ]
    if isinstance(row.note, str) and row.note:
        pairs.append(("说明", row.note))
    for heading, text in pairs:
        left, right = st.columns([1, 4], gap="small")
        left.caption(heading)
        right.text(text)


def page(context: Context) -> None:
    """Show dangerous houses, who is eligible, and what is proposed."""
    if context.assessment.housing.empty:
        st.info("没有鉴定为 C、D 级的农户，或者还没有农户台账：请在“数据质量”页导入带“危房级别”列的台账。")
        return
    first, second, third = st.columns([1, 1, 1])
    with first:
        town = panels.choose_town(context)
    rows = rows_of(context, town)
    show_headline(rows)
    with second:
        counts = rows["grade"].value_counts()
        keep = panels.choose_classes(
            "等级", "grade", {name: int(counts.get(name, 0)) for name in ("D", "C")}, context, "housing_grade"
        )
    with third:
        wanted = st.pills("符合条件", ["是", "不明", "否"], selection_mode="multi", key="housing_eligible")
    if wanted:
        rows = rows[rows["is_eligible"].astype(str).map(ANSWERS).isin(wanted)]
    left, right = st.columns([1.75, 1], gap="medium")
    with left:
        draw(context, rows, town, keep)
    with right, st.container(height=MAP_HEIGHT, border=True):
        show_card(context, rows)
    shown = rows[rows["grade"].isin(keep)].sort_values(
        ["priority", "town", "household_id"], kind="stable", na_position="last"
    )
    table = shown[list(COLUMNS)].rename(columns=COLUMNS)
    for column in ("符合条件", "零散分布"):
        table[column] = table[column].astype(str).map(lambda value: ANSWERS.get(value, value))
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.caption(f"共 {len(table)} 户。姓名、证件号、电话、住址不在本页，也不进任何导出。")
    with button:
        panels.offer_download(context, {"危房": table}, "危房", 乡镇=town, 等级="、".join(keep))
    panels.show_table(table, key="housing_table", ids=shown["household_id"].tolist(), kind="households")
