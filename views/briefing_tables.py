"""The tables of a briefing, in words a leader reads; a public briefing has fewer of them and no small counts."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.assess import Assessment
from analysis.policy import Policy
from analysis.summary import STATUSES, WHOLE
from layers.workspace import Workspace
from views.explain import evidence_sentence, figure, is_known, need_of
from views.labels import label
from views.publication import HIDDEN, Rules, about_few_households, suppress

COUNTY = "全县"
NO_TOWN = "未定乡镇"
HOUSING = ("C级", "D级", "合计", "符合条件", "不符合或待核")
HOUSING_SUMS = {"合计": [("C级", "D级"), ("符合条件", "不符合或待核")]}
ROAD_STATES = {"connected": "已连通", "harden": "待硬化", "build": "待新建", "unknown": "不明"}
_NATURAL = {
    "natural_village_id": "编码",
    "name": "自然村",
    "village_id": "行政村编码",
    "town": "乡镇",
    "population": "人口",
    "poor_population": "贫困人口",
    "is_due": "到达人口下限",
    "state": "状态",
    "hardened_distance_m": "到硬化路（米）",
    "road_distance_m": "到道路（米）",
    "gap_km": "待硬化（公里）",
    "new_km": "待新建（公里）",
    "cost_cny10k": "造价（万元）",
    "subsidy_cny10k": "补助（万元）",
    "rank": "排序",
    "note": "说明",
}
_SEGMENTS = {
    "segment_id": "路段编码",
    "route_code": "路线编码",
    "name": "名称",
    "town": "乡镇",
    "admin_class": "行政等级",
    "surface": "路面",
    "length_km": "长度（公里）",
    "start_km": "起点桩号（公里）",
    "end_km": "止点桩号（公里）",
    "pavement_width_m": "路面宽（米）",
    "people": "受益人口",
    "poor_people": "受益贫困人口",
    "cost_cny10k": "造价（万元）",
    "natural_village_ids": "服务自然村",
}
_HOUSES = {
    "household_id": "户编码",
    "village_id": "行政村编码",
    "town": "乡镇",
    "grade": "等级",
    "category": "对象类别",
    "is_eligible": "符合条件",
    "clause": "条款",
    "priority": "次序",
    "treatment": "处置方式",
    "hazard": "灾害隐患",
    "road_distance_m": "到道路（米）",
    "clinic_minutes": "到卫生站（分钟）",
    "status": "状态",
    "note": "说明",
}
_CATEGORIES = {"wubao": "五保", "dibao": "低保", "disabled": "残疾", "registered": "建档立卡", "other": "其他"}


def percent(value: Any) -> float | None:
    """Give a share (0–1) as a percentage with one decimal, or None."""
    return None if pd.isna(value) else round(float(value) * 100, 1)


def kept_apart(ws: Workspace, policy: Policy, rules: Rules) -> frozenset[str]:
    """Name the needs that a public paper gives for the whole county only."""
    if not rules.is_public:
        return frozenset()
    homes, villages = ws.get("households"), ws.get("villages")
    if homes is not None:
        counts = homes["village_id"].value_counts()
    elif villages is not None and "households" in villages:
        counts = villages["households"]
    else:
        counts = pd.Series(dtype="float64")
    return about_few_households(policy, counts.astype("float64"), rules.least)


def needs_table(done: Assessment, policy: Policy, rules: Rules) -> pd.DataFrame:
    """Count the statuses of every need over the whole county, in the policy's order."""
    whole = done.coverage[done.coverage["town"] == WHOLE].set_index("need")
    rows = []
    for need in policy.needs:
        if need.id not in whole.index:
            continue
        row = whole.loc[need.id]
        counts = {label("status", name): int(row[name]) for name in STATUSES}
        shares = {"至少（%）": percent(row["low"]), "至多（%）": percent(row["high"])}
        if rules.is_public and row["unit_kind"] == "household" and any(0 < n < rules.least for n in counts.values()):
            counts, shares = dict.fromkeys(counts, HIDDEN), dict.fromkeys(shares, HIDDEN)  # type: ignore[arg-type]
        reach = {} if rules.is_public else {"达到距离的户数": row["households_within"], "户数": row["households"]}
        rows.append(
            {"组": need.group or "其他", "项目": need.label, "单位": label("unit_kind", row["unit_kind"])}
            | counts
            | shares
            | {"要求": label("strength", need.strength), "条款": need.reference or "—"}
            | reach
        )
    return pd.DataFrame(rows)


def towns_table(done: Assessment, policy: Policy, apart: frozenset[str]) -> pd.DataFrame:
    """Sum over single village needs by town: how much is known to be met, and what is missing."""
    kinds = {need.id: need.kind for need in policy.needs}
    rows = done.coverage[(done.coverage["unit_kind"] == "village") & ~done.coverage["need"].isin(apart)]
    rows = rows[rows["need"].map(kinds) != "all"]
    counts = rows.groupby("town", sort=False)[list(STATUSES)].sum()
    every = counts.sum(axis=1)
    table = pd.DataFrame({"乡镇": [place(name) for name in counts.index]})
    for name in STATUSES:
        table[label("status", name)] = counts[name].to_numpy()
    table["至少（%）"] = [percent(share) for share in counts["met"] / every]
    table["至多（%）"] = [percent(share) for share in 1 - counts["gap"] / every]
    return table


def place(town: Any) -> str:
    """Name a row of a table by town."""
    return {WHOLE: COUNTY, "未定": NO_TOWN}.get(str(town), str(town)) if is_known(town) else NO_TOWN


def findings_table(
    done: Assessment, ws: Workspace, policy: Policy, rules: Rules, apart: frozenset[str]
) -> pd.DataFrame:
    """List every finding about villages and towns in words; a public list gives the result and the clause only."""
    found = done.findings[(done.findings["unit_kind"] != "household") & ~done.findings["need"].isin(apart)]
    if rules.is_public:
        found = found[found["unit_kind"].isin(["village", "town"])]
    names = unit_names(ws)
    rows = []
    for row in found.itertuples(index=False):
        need = need_of(policy, row.need)
        kind = need.kind if need else str(row.rule)
        text = {
            "乡镇": place(row.town),
            "单位": label("unit_kind", row.unit_kind),
            "名称": names.get((row.unit_kind, row.unit_id), str(row.unit_id)),
            "项目": need.label if need else str(row.need),
            "结论": label("status", row.status),
            "要求": label("strength", row.strength),
            "条款": row.reference if is_known(row.reference) else "—",
        }
        if not rules.is_public:
            people = row.evidence_layer == "households"
            proof = label("layer", "households") if people else evidence_sentence(row, policy)
            text |= {
                "编码": row.unit_id,
                "地图": label("answer", row.measured),
                "台账": label("answer", row.claimed),
                "数值": figure(row.value, row.unit, kind),
                "要求值": figure(row.threshold, row.unit, kind),
                "证据": proof,
                "说明": row.note if is_known(row.note) else None,
            }
        rows.append(text)
    return pd.DataFrame(rows)


def unit_names(ws: Workspace) -> dict[tuple[str, str], str]:
    """Name every town, village and natural village by kind and id."""
    found: dict[tuple[str, str], str] = {}
    for layer, kind in (("towns", "town"), ("villages", "village"), ("natural_villages", "natural_village")):
        frame = ws.get(layer)
        if frame is not None:
            found |= {(kind, key): name for key, name in zip(frame[f"{kind}_id"], frame["name"], strict=True)}
    return found


def roads_table(done: Assessment, rules: Rules) -> pd.DataFrame:
    """Count natural villages due for a hardened road by town and state, and the road still to be made."""
    if not len(done.natural_villages):
        return pd.DataFrame()
    due = done.natural_villages[is_yes(done.natural_villages, "is_due")]
    towns = _town_order(done)
    rows = []
    for name in [COUNTY, *towns]:
        some = due if name == COUNTY else due[due["town"].map(place) == name]
        states = some["state"].value_counts()
        lacks = some[some["state"].isin(["harden", "build"])]
        rows.append(
            {"乡镇": name, "到期自然村": len(some)}
            | {text: int(states.get(key, 0)) for key, text in ROAD_STATES.items()}
            | {"未通人口": int(lacks["population"].sum()), **_lengths(done.roads.get("segments"), name)}
        )
    table = pd.DataFrame(rows)
    if rules.is_public:
        hidden = suppress(table[["未通人口"]], rules.least)
        table["未通人口"] = table["未通人口"].astype("object").mask(hidden["未通人口"], HIDDEN)
    return table


def _lengths(segments: Any, town: str) -> dict[str, float]:
    if segments is None or not len(segments):
        return {"待硬化（公里）": 0.0, "造价（万元）": 0.0}
    some = segments if town == COUNTY else segments[segments["town"].map(place) == town]
    cost = some["cost_cny10k"].sum(min_count=1)
    return {"待硬化（公里）": round(float(some["length_km"].sum()), 1), "造价（万元）": round(float(cost), 1)}


def _town_order(done: Assessment) -> list[str]:
    towns = [place(name) for name in done.coverage["town"].unique() if name != WHOLE]
    more = {place(name) for frame in (done.natural_villages, done.housing) if len(frame) for name in frame["town"]}
    return [*towns, *sorted(more - set(towns))]


def is_yes(frame: Any, column: str) -> Any:
    """Tell which rows hold a known yes."""
    return frame[column].astype("object").map(lambda value: value is True or str(value) in ("yes", "True")).astype(bool)


def housing_table(done: Assessment, rules: Rules) -> pd.DataFrame:
    """Count dangerous houses by town, grade and eligibility; in public without small counts."""
    if not len(done.housing):
        return pd.DataFrame()
    houses = done.housing.assign(place=done.housing["town"].map(place), eligible=is_yes(done.housing, "is_eligible"))
    names = [COUNTY, *(name for name in _town_order(done) if name in set(houses["place"]))]
    rows = []
    for name in names:
        some = houses if name == COUNTY else houses[houses["place"] == name]
        eligible = int(some["eligible"].sum())
        grades = {f"{grade}级": int((some["grade"] == grade).sum()) for grade in ("C", "D")}
        rows.append(grades | {"合计": len(some), "符合条件": eligible, "不符合或待核": len(some) - eligible})
    counts = pd.DataFrame(rows, columns=list(HOUSING))
    if rules.is_public:
        hidden = suppress(counts, rules.least, sums=HOUSING_SUMS)
        counts = counts.astype("object").mask(hidden, HIDDEN)
    counts.insert(0, "乡镇", names)
    return counts


def policy_table(policy: Policy, done: Assessment) -> pd.DataFrame:
    """List the clause and words of every need, and every parameter in force with where it comes from."""
    rows: list[dict[str, str | None]] = [
        {
            "类别": "要求",
            "名称": need.label,
            "取值": label("strength", need.strength),
            "单位": None,
            "条款": need.reference or "—",
            "原文或来源": need.quote or need.source or ("可改的假定" if need.unsourced else None),
        }
        for need in policy.needs
    ]
    for key, values in policy.values.items():
        held = [value for value in values if value.since <= done.day]
        if held:
            value = held[-1]
            amount = "、".join(map(str, value.amount)) if isinstance(value.amount, list) else str(value.amount)
            source = value.quote or value.source or ("文件未规定，可改的假定" if value.unsourced else None)
            name = policy.labels.get(key, key)
            row = {"类别": "参数", "名称": name, "取值": amount, "单位": label("unit", value.unit)}
            rows.append({**row, "条款": value.reference or "—", "原文或来源": source})
    return pd.DataFrame(rows)


def internal_tables(done: Assessment, policy: Policy, rules: Rules) -> Mapping[str, pd.DataFrame]:
    """The lists that stay in the office: natural villages, road segments, contradictions, and houses if asked for."""
    natural = done.natural_villages[[name for name in _NATURAL if name in done.natural_villages]].copy()
    natural["state"] = natural["state"].map(lambda key: label("state", key))
    natural["is_due"] = _yes_no(natural["is_due"])
    tables = {"自然村": natural.rename(columns=_NATURAL)}
    segments = done.roads.get("segments")
    if segments is not None and len(segments):
        some = pd.DataFrame(segments[[name for name in _SEGMENTS if name in segments]]).copy()
        some["surface"] = some["surface"].map(lambda key: label("surface", key))
        tables["路段"] = some.rename(columns=_SEGMENTS)
    wrong = done.contradictions
    if not rules.with_households and len(wrong):
        wrong = wrong[wrong["need"] != "location"]  # its unit is a household
    labels = {need.id: need.label for need in policy.needs} | {"location": "登记位置"}
    wrong = wrong.assign(need=wrong["need"].map(lambda key: labels.get(key, key)))
    for name in ("claimed", "measured"):
        wrong[name] = wrong[name].map(lambda text: label("answer", text))
    heads = {"unit_id": "编码", "need": "项目", "claimed": "台账", "measured": "地图", "people": "涉及人口"}
    tables["矛盾"] = wrong.rename(columns={**heads, "distance_m": "距离（米）", "why": "为什么", "rank": "排序"})
    if rules.with_households and len(done.housing):
        houses = done.housing[[name for name in _HOUSES if name in done.housing]].copy()
        houses["is_eligible"] = _yes_no(houses["is_eligible"])
        houses["category"] = houses["category"].map(_categories)
        tables["危房"] = houses.rename(columns=_HOUSES)
    return tables


def _yes_no(values: Any) -> Any:
    words = {"True": "是", "yes": "是", "False": "否", "no": "否"}
    return values.astype("object").map(lambda value: words.get(str(value), "不明"))


def _categories(text: Any) -> str | None:
    return "、".join(_CATEGORIES.get(key, key) for key in str(text).split(";")) if is_known(text) else None
