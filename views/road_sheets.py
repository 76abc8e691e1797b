"""What the road check shows: for every question a table with shapes, its columns, and the number that colours it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import streamlit as st

from analysis import flows
from analysis.policy import value_on
from views.context import Context
from views.labels import label
from views.planning import Works

REPAIRS = {
    "end_to_end": "两端相差不到容差，已接上", "undershoot": "差一点没接到另一条路，已接上", "overshoot": "伸过了头，已截到路口",
    "crossing": "同层相交没有打断，已打断", "duplicate": "同一段画了两遍", "bridge": "立体交叉，没有接", "stub": "过短的线头，已忽略",
    "near_miss": "超出容差，没有接：请核实",
}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """One thing to show: a table with shapes, how its rows are named and which number colours them."""

    frame: Any
    columns: dict[str, str]
    measure: str
    unit: str
    note: str


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
    found = kinds(context)
    if not found:
        st.info("还没有设施图层。")
        return None
    start = found.index("clinic") if "clinic" in found else 0
    service = st.selectbox(
        "去哪里", found, index=start, format_func=lambda key: label("facility", key), key="trace_service"
    )
    frame = traced(context.key, service, snap_m(context), context, works)
    shown = frame.assign(
        is_hardened=frame["is_hardened"].astype("object").map({True: "已硬化", False: "未硬化"}).fillna("路面不明"),
        surface=frame["surface"].map(lambda key: label("surface", key)),
    )
    only_soft = st.toggle("只看未硬化的", key="trace_soft")
    shown = shown[shown["is_hardened"].eq("未硬化")] if only_soft else shown
    columns = {
        "road_id": "路段",
        "surface": "路面",
        "is_hardened": "硬化",
        "people": "经过人数",
        "natural_villages": "自然村数",
        "length_km": "公里",
    }
    note = f"每个自然村走最短的路去最近的{label('facility', service)}，一路上的人数相加。有 {frame.attrs.get('not_reached', 0)} 个自然村到不了。"
    return Sheet(shown, columns, "people", "人", note)


def critical_sheet(context: Context, works: Works) -> Sheet:
    """Roads and bridges with no way round."""
    frame = critical(context.key, snap_m(context), context, works)
    columns = {
        "road_id": "路段",
        "bridge_id": "桥梁",
        "people_cut_off": "断了影响人数",
        "natural_villages_cut_off": "自然村数",
        "length_km": "公里",
    }
    return Sheet(
        frame,
        columns,
        "people_cut_off",
        "人",
        "没有别的路可绕：雨季冲断一处，这些人就到不了干线。影响大的先备料、先巡查。",
    )


def stranded_sheet(context: Context, works: Works) -> Sheet:
    """Pieces of the network that never connect."""
    del context
    frame = flows.stranded_pieces(works.road_plan)
    note = "这些路与干线路网始终连不上：可能真的断头，也可能是图上没画全，请先核图。"
    return Sheet(frame, {"piece": "编号", "length_km": "公里"}, "length_km", "公里", note)


def repair_sheet(context: Context, works: Works) -> Sheet | None:
    """Every mend of the drawn lines, as points."""
    network = works.road_plan.network
    if network is None or network.repairs.empty:
        st.success("道路线没有需要修补的地方。")
        return None
    table = network.repairs
    found = table["kind"].value_counts()
    texts = {kind: f"{REPAIRS.get(kind, kind)} {count:,}" for kind, count in found.items()}
    start = "near_miss" if "near_miss" in texts else next(iter(texts))
    chosen = st.selectbox(
        "哪一类", list(texts), index=list(texts).index(start), format_func=texts.__getitem__, key="repair_kind"
    )
    rows = table[table["kind"] == chosen].reset_index(drop=True)
    ids = context.frame("roads")["road_id"]
    names = [ids.reindex(rows[column]).to_numpy() for column in ("road", "other_road")]
    frame = gpd.GeoDataFrame(
        rows.assign(road_id=names[0], other_id=names[1], kind_text=REPAIRS.get(chosen, chosen)),
        geometry=gpd.points_from_xy(rows["x"], rows["y"]),
        crs=context.workspace.crs,
    )
    columns = {
        "kind_text": "情况",
        "road_id": "路段",
        "other_id": "另一路段",
        "distance_m": "相差米",
        "x": "东",
        "y": "北",
    }
    return Sheet(
        frame, columns, "distance_m", "米", "只在计算时修补，原来的图层一个点都没改。改好原图重新导入，这里就会减少。"
    )


def works_sheet(
    name: str, columns: dict[str, str], measure: str, unit: str, note: str
) -> Callable[[Context, Works], Sheet]:
    """Make the sheet of one kind of road work."""

    def sheet(context: Context, works: Works) -> Sheet:
        del context
        frame = getattr(works.road_plan, name)
        named = frame.assign(admin_class=frame["admin_class"].astype("object"))
        return Sheet(named, columns, measure, unit, note)

    return sheet


PLACE = {"town": "乡镇", "route_code": "路线", "name": "名称"}
SHEETS: dict[str, Callable[[Context, Works], Sheet | None]] = {
    "道路人流": trace_sheet,
    "生命线": critical_sheet,
    "连不上的路": stranded_sheet,
    "图面修补": repair_sheet,
    "窄路": works_sheet(
        "widening",
        {"road_id": "路段", **PLACE, "length_km": "公里", "pavement_width_m": "路面宽米", "subgrade_width_m": "路基宽米", "min_pavement_m": "要求路面米", "min_subgrade_m": "要求路基米", "cost_cny10k": "估算万元", "note": "说明"},
        "length_km", "公里", "已硬化但窄于政策宽度的路段；宽度没登记的不算窄，也不算够。",
    ),
    "危桥": works_sheet(
        "bridges",
        {"bridge_id": "桥梁", **PLACE, "rating": "评定类", "length_m": "长米", "deck_width_m": "桥面宽米", "required_width_m": "改造后要求米", "span_class": "跨径类", "area_m2": "面积平方米", "subsidy_ceiling_cny10k": "补助上限万元", "note": "说明"},
        "rating", "类", "技术状况四、五类桥；补助是“可争取”的上限，不是到手的钱。",
    ),
    "安防": works_sheet(
        "safety",
        {"road_id": "路段", **PLACE, "status": "护栏", "start_km": "起点公里", "end_km": "止点公里", "length_km": "公里", "max_slope_percent": "最大纵坡%", "min_radius_m": "最小半径米", "cost_cny10k": "估算万元", "subsidy_ceiling_cny10k": "补助上限万元"},
        "length_km", "公里", "坡陡弯急又没有护栏的路段；坡度取自高程，弯道半径取自路线形状。",
    ),
}  # fmt: skip
