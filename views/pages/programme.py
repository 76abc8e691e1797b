"""道路计划: which roads, in which year, and why – with the money on sliders and the distance to the best proven."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from analysis.plan import Programme, compare
from geo.errors import AppError
from views import atlas, panels, planning, programme_files, scenarios, uploads
from views.context import Context
from views.labels import money, number, percent
from views.maps import ClassStyle, LayerState, TileLayer, register_column, register_labels, register_source, show_map
from views.planning import Question, Works

MAP_HEIGHT = 480
YEAR_STYLE = (
    ("#045a8d", ()),
    ("#c8450b", (10, 5)),
    ("#6a3d9a", (3, 5)),
    ("#1b7837", (14, 4, 3, 4)),
    ("#8c510a", (2, 3)),
)
COLUMNS = {
    "project_id": "项目", "year": "年度", "people": "受益人口", "poor_people": "贫困人口", "length_km": "里程公里",
    "cost_cny10k": "造价万元", "villages": "连通自然村", "after": "前置项目", "why": "为什么",
}  # fmt: skip
VERDICTS = {"certain": "稳", "arguable": "两可", "out": "不在线上"}


def ask(context: Context, works: Works) -> Question:
    """Let the person set years, yearly budgets and what one poor person weighs; everything answers at once."""
    share = round(works.cost_cny10k / 5, -1) or 100.0
    top = float(max(10.0, round(works.cost_cny10k, -1)))
    first, years, second, third = st.columns([0.7, 0.55, 3, 1])
    start = int(first.number_input("起始年度", 2000, 2100, context.day.year, key="plan_start"))
    count = int(years.number_input("几年", 1, 5, 3, key="plan_years"))
    with second:
        columns = st.columns(count)
        budgets = []
        for offset, column in enumerate(columns):
            year = start + offset
            with column:
                amount = st.slider(
                    f"{year} 年预算（万元）", 0, int(top), int(min(share, top)), step=10, key=f"plan_money_{offset}"
                )
                budgets.append((year, float(amount)))
    with third:
        weight = st.slider(
            "贫困人口加权", 0.0, 5.0, 0.0, 0.5, key="plan_poor", help="0：每人一样；2：一个贫困人口另加 2 份权重"
        )
    return Question(tuple(budgets), float(weight), *locks(works))


def locks(works: Works) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Let the person lock natural villages in or out."""
    candidates = works.road_plan.candidates
    names = dict(
        zip(
            candidates["natural_village_id"],
            candidates["name"].fillna("") + " · " + candidates["town"].fillna("—"),
            strict=True,
        )
    )
    ids = list(names)
    left, right = st.columns(2)
    must = left.multiselect(
        "必须做", ids, format_func=names.__getitem__, key="plan_in", placeholder="锁定自然村，连同它必经的前置路段"
    )
    never = right.multiselect("先不做", ids, format_func=names.__getitem__, key="plan_out", placeholder="排除自然村")
    return tuple(must), tuple(never)


def show_headline(made: Programme, question: Question, works: Works) -> None:
    """Show what the money buys, and how far that can be from the best."""
    sums = planning.figures(made, question)
    frontier = made.frontier
    at = (
        frontier.iloc[(frontier["budget_cny10k"] - question.total_cny10k).abs().argsort()[:1]]
        if len(frontier)
        else frontier
    )
    greedy = float(at["people_greedy"].iloc[0]) if len(at) else float("nan")
    panels.show_figures(
        [
            ("期末连通人口", number(sums["people"]), "计划期末已通硬化路的候选自然村人口"),
            (
                "连通自然村",
                f"{sums['villages']:.0f} / {len(works.road_plan.candidates)}",
                "候选：达到人口门槛且尚未连通",
            ),
            ("用款 / 预算", f"{sums['cost_cny10k']:,.0f} / {question.total_cny10k:,.0f}", "万元；当年没用完的不结转"),
            ("里程", f"{number(sums['length_km'], 1)} 公里", "共用路段只修一次"),
            ("离理论最优至多差", percent(made.gap, 2), f"已证明的上限；求解 {made.seconds:.2f} 秒（{made.solver}）"),
            ("同样的钱按性价比排队", number(greedy), "按“每万元受益人数”从高到低排队能连通的人口，作对照"),
        ]
    )


def styles(question: Question) -> dict[str, ClassStyle]:
    """Give each year a colour and a dash; what is left out is a thin grey."""
    found = {
        str(year): ClassStyle(
            f"{year} 年", color, outline="#ffffff", width=4.0, radius=6, rank=len(question.budgets) - number, dash=dash
        )
        for number, ((year, _), (color, dash)) in enumerate(zip(question.budgets, YEAR_STYLE, strict=False))
    }
    found["later"] = ClassStyle("未安排", "#9aa5ad", "hatch", "#6b6b6b", "#6b6b6b", width=1.4, radius=4, dash=(2, 4))
    return found


@st.cache_resource(show_spinner=False, max_entries=4)
def works_source(key: str, _works: Works) -> tuple[str, str]:
    """Register the lines of all works once per data."""
    del key
    lines = _works.lines
    return register_source(lines, id_field="project_id", kind="line"), register_labels(lines["project_id"].tolist())


def draw(context: Context, works: Works, made: Programme, question: Question) -> None:
    """Draw every work by the year it is done, and the natural villages by the year they are connected."""
    if works.lines.empty:
        return
    classes = styles(question)
    order = list(classes)
    source, texts = works_source(context.key, works)
    years = works.lines["project_id"].map(made.projects.set_index("project_id")["year"].astype("str")).fillna("later")
    chosen = panels.selected("works")
    layers: list[Any] = []
    states: dict[str, Any] = {}
    roads = atlas.drawn(context, "roads")
    if roads is not None:
        layers.append(roads.layer("现有道路", ClassStyle("现有道路", "#aab4bc", width=1.0), interactive=False))
        states["roads"] = atlas.state(roads)
    layers.append(TileLayer("works", "计划项目", source, "line", style=classes["later"]))
    states["works"] = LayerState(
        columns={"class": register_column(atlas.codes_of(years, order))},
        color_by="class",
        classes=(ClassStyle("", "#00000000", "none"), *classes.values()),
        labels_column=texts,
    )
    candidates = works.road_plan.candidates
    points = atlas.drawn(context, "natural_villages", rows="candidates", frame=candidates)
    if points is not None:
        by_year = planning.villages_by_year(made).reindex(points.ids).fillna("later")
        layers.append(points.layer("候选自然村", classes["later"]))
        states["natural_villages"] = atlas.state(points, values=by_year, classes=classes)
    positions = {name: place for place, name in enumerate(works.lines["project_id"])}
    marked = [("works", positions[chosen])] if chosen in positions else []
    event = show_map(
        atlas.spec_of(context, layers, "道路计划"),
        states,
        key="programme_map",
        height=MAP_HEIGHT,
        selected=marked,
        focus=marked[0] if marked else None,
    )
    panels.take_event(event, "programme_map", {"works": pd.Index(works.lines["project_id"])})


def frontier_chart(made: Programme, question: Question) -> Any:
    """Draw people against money: ours, queueing by value for money, and the proven ceiling."""
    long = made.frontier.rename(columns={"people": "本计划", "people_greedy": "按性价比排队", "bound": "理论上限"})
    long = long.melt("budget_cny10k", var_name="做法", value_name="人口")
    lines = (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=alt.X("budget_cny10k:Q", title="总预算（万元）"), y=alt.Y("人口:Q", title="期末连通人口"),
            color=alt.Color("做法:N", scale=alt.Scale(domain=["理论上限", "本计划", "按性价比排队"], range=["#9aa5ad", "#045a8d", "#c8450b"]), legend=alt.Legend(orient="top", title=None, labelFontSize=13)),
             tooltip=["做法", alt.Tooltip("budget_cny10k:Q", title="万元", format=",.0f"), alt.Tooltip("人口:Q", format=",.0f")],
        )
    )  # fmt: skip
    rule = (
        alt.Chart(pd.DataFrame({"x": [question.total_cny10k]}))
        .mark_rule(color="#1b2730", strokeDash=[4, 3])
        .encode(x="x:Q")
    )
    return (lines + rule).properties(height=MAP_HEIGHT - 60)


def project_table(made: Programme, works: Works, firmness: pd.DataFrame | None) -> pd.DataFrame:
    """Lay out one row a project, in order of year; with how firmly it stands when that was asked for."""
    names = works.road_plan.natural_villages.set_index("natural_village_id")["name"]
    shown = made.projects.assign(
        villages=made.projects["natural_village_ids"].map(
            lambda ids: "、".join(str(names.get(i, i)) for i in str(ids).split(";") if i)
        )
    )
    table = shown[list(COLUMNS)].rename(columns=COLUMNS)
    if firmness is not None:
        known = firmness.set_index("project_id")
        table.insert(2, "稳不稳", shown["project_id"].map(known["verdict"]).map(VERDICTS))
        table.insert(3, "入选比例", shown["project_id"].map(known["share"]))
    return table


def show_projects(context: Context, works: Works, made: Programme, question: Question) -> None:
    """Show the projects, what stands firm, and offer the project library."""
    left, right = st.columns([3, 1.4], vertical_alignment="bottom")
    firm = None
    if right.toggle("看看稳不稳（人口 ±10%、造价 ±20% 抽样 200 次）", key="plan_firm"):
        with st.spinner("正在抽样…"):
            firm = planning.standing(context.key, question, works)
        what = "人口" if firm.attrs.get("check_first") == "people" else "单价"
        left.caption(f"先核实{what}：它的误差更能改变名单。“稳”= 九成以上抽样都入选；“两可”的先别对外承诺。")
    else:
        left.caption(f"共 {len(made.projects)} 个项目，按年度排列；选一行，地图跳到那段路。" + "；".join(made.notes))
    table = project_table(made, works, firm)
    panels.show_table(table, key="plan_table", ids=made.projects["project_id"].tolist(), kind="works", height=330)
    library = programme_files.library(made, works.road_plan, context.frame("roads"))
    names = {"三年计划": table, "扶贫公路项目库": library, "资金与人口": made.frontier}
    panels.offer_download(
        context, names, "道路计划", 预算=str(dict(question.budgets)), 贫困加权=question.poor_weight or None
    )


def show_own_list(works: Works, question: Question, made: Programme) -> None:
    """Read the bureau's own list and set it beside the programme on the same money."""
    upload = st.file_uploader(
        "交通局自己的清单（Excel 或 CSV，要有自然村编码一列；可有“年度”）", type=["xlsx", "xls", "csv"], key="plan_own"
    )
    if upload is None:
        st.caption("上传后会说：你们的清单连通多少人、同样的钱最多能连通多少人、换哪几个就行。")
        return
    try:
        table = uploads.read_table(upload)
    except AppError as error:
        st.error(str(error))
        return
    own, strangers = planning.read_own_list(table, works.road_plan.natural_villages["natural_village_id"].tolist())
    if own.empty:
        st.error("清单里没有一列是本县的自然村编码：请加上“自然村编码”列（可从上面的项目库下载里复制）。")
        return
    beside = compare(works.road_plan, own, dict(question.budgets), best=made)
    st.markdown(
        f"**你们的清单连通 {beside.own_people:,.0f} 人，用 {money(beside.own_cost_cny10k)}；同样的预算最多能连通 {beside.best_people:,.0f} 人。**"
    )
    if strangers:
        st.warning(f"清单里有 {len(strangers)} 个编码本县没有：{'、'.join(strangers[:5])}…")
    if beside.not_reached:
        st.warning(f"清单里有 {len(beside.not_reached)} 个自然村按这份预算做不到：{'、'.join(beside.not_reached[:5])}…")
    st.caption("按下面的次序换，收益最大的在前：")
    st.dataframe(beside.swaps.head(10), hide_index=True, key="plan_swaps")


def page(context: Context) -> None:
    """Plan which roads to harden in which year."""
    if context.assessment.natural_villages.empty or context.workspace.get("roads") is None:
        st.info("要先有自然村（人口）和道路两个图层：请在“数据质量”页导入。")
        return
    with st.spinner("正在把候选村连成共用路网…"):
        works = planning.works(context)
    if not works.tree.project_id:
        st.success("没有待连通的自然村：达到人口门槛的都已通硬化路，或本政策没有人口门槛。")
        return
    question = ask(context, works)
    made = planning.answer(context, question)
    show_headline(made, question, works)
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        draw(context, works, made, question)
    with right:
        beside, own, kept = st.tabs(["钱与人", "和你们的清单比", "方案"])
        with beside:
            st.altair_chart(frontier_chart(made, question))
        with own:
            show_own_list(works, question, made)
        with kept:
            scenarios.show(context, question, made)
    show_projects(context, works, made, question)
