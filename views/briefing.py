"""What a briefing says, the same in every format: figures, tables, pictures, and what they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.assess import Assessment
from analysis.policy import Policy
from analysis.summary import WHOLE
from layers.workspace import Workspace
from views import briefing_tables as tables
from views.labels import day, label, number, percent
from views.publication import HIDDEN, Rules, without_numbers
from views.version import code_version

NEEDED = ("natural_villages", "roads", "facilities", "households")


@dataclass(frozen=True)
class Figure:
    """One headline figure with its explanation."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Picture:
    """A map picture: title, PNG, and what it shows in words."""

    title: str
    png: bytes
    text: str


@dataclass(frozen=True)
class Briefing:
    """Everything that any format of one briefing may show; nothing else reaches a file."""

    title: str
    office: str
    rules: Rules
    day: str
    figures: tuple[Figure, ...]
    tables: Mapping[str, pd.DataFrame]
    sources: Mapping[str, str]
    notes: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    missing: tuple[str, ...] = ()

    def texts(self) -> list[str]:
        """Every text of the briefing, for the check of letters that the font lacks."""
        found = [self.title, self.office, *self.notes, *self.sources.values()]
        for table in self.tables.values():
            for name in table.columns:
                found += [str(name), *(value for value in table[name].tolist() if isinstance(value, str))]
        return found


def make_briefing(done: Assessment, ws: Workspace, policy: Policy, rules: Rules, *, office: str) -> Briefing:
    """Put together what a briefing says, without its pictures.

    Parameters
    ----------
    rules
        Internal or public; a public briefing holds aggregates of towns and villages only.
    office
        The name that stands on it.

    Returns
    -------
    Briefing
        The same inputs give the same briefing; it knows no clock.
    """
    apart = tables.kept_apart(ws, policy, rules)
    housing = tables.housing_table(done, rules)
    content = {
        "总览": tables.needs_table(done, policy, rules),
        "分镇": tables.towns_table(done, policy, apart),
        "道路分镇": tables.roads_table(done, rules),
        "危房分镇": housing,
        "逐村逐项": tables.findings_table(done, ws, policy, rules, apart),
    }
    if not rules.is_public:
        content |= tables.internal_tables(done, policy, rules)
    content["政策参数"] = tables.policy_table(policy, done)
    notes = list(rules.notes)
    if apart:
        labels = "、".join(need.label for need in policy.needs if need.id in apart)
        notes.append(f"有的村登记户数少于 {rules.least}，下列项目只给全县数：{labels}。")
    if absent := [label("layer", name) for name in NEEDED if ws.get(name) is None]:
        notes.append(f"没有这些图层：{'、'.join(absent)}；靠它们判断的项目是“不明”，不是“没有”。")
    return Briefing(
        title=f"{policy.title}　进展汇报",
        office=office,
        rules=rules,
        day=day(done.day),
        figures=headlines(done, policy, content["道路分镇"], housing),
        tables={name: without_numbers(table) for name, table in content.items() if len(table)},
        sources=sources(done, ws, policy, rules, office),
        notes=tuple(notes),
    )


def headlines(done: Assessment, policy: Policy, roads: pd.DataFrame, housing: pd.DataFrame) -> tuple[Figure, ...]:
    """Give the figures a leader asks for first, each with its range or its meaning."""
    whole = done.coverage[(done.coverage["town"] == WHOLE) & (done.coverage["unit_kind"] == "village")].set_index(
        "need"
    )
    found = []
    for need in [need for need in policy.needs if need.kind == "all" and need.id in whole.index][:1]:
        row = whole.loc[need.id]
        total = int(row[["met", "gap", "disputed", "unknown"]].sum())
        note = f"达标率至少 {percent(row['low'])}，至多 {percent(row['high'])}"
        found.append(Figure(f"{need.label}的村", f"{int(row['met'])} / {total}", note))
    single = whole.loc[[need.id for need in policy.needs if need.kind != "all" and need.id in whole.index]]
    notes = {
        "gap": "核实没有的村项数",
        "unknown": "数据不足，不算作没有",
        "disputed": "台账与地图不一致，待核实",
    }
    for name, note in notes.items():
        found.append(Figure(f"{label('status', name)}（村·项）", number(int(single[name].sum())), note))
    if len(roads) and roads.iloc[0]["到期自然村"]:
        top = roads.iloc[0]
        people = top["未通人口"] if top["未通人口"] == HIDDEN else number(float(top["未通人口"]))
        note = f"未通 {top['待硬化'] + top['待新建']} 个，涉及 {people} 人；不明 {top['不明']} 个"
        found.append(Figure("已通硬化路的到期自然村", f"{top['已连通']} / {top['到期自然村']}", note))
    if len(housing):
        first = {name: value if value == HIDDEN else number(int(value)) for name, value in housing.iloc[0, 1:].items()}
        note = f"C级 {first['C级']}，D级 {first['D级']}；符合改造条件 {first['符合条件']}"
        found.append(Figure("C、D级危房（户）", str(first["合计"]), note))
    return tuple(found)


def sources(done: Assessment, ws: Workspace, policy: Policy, rules: Rules, office: str) -> dict[str, str]:
    """Say what every figure rests on: policy, day, files with digests, CRS, code version."""
    rows = {
        "单位": office,
        "数据性质": "虚构示范数据" if "虚构" in office else rules.mark,
        "政策": f"《{policy.title}》{policy.document}（摘要 {done.policy_digest[:12]}）",
        "评估日": day(done.day),
        "坐标系": f"测量 {ws.crs.to_string()}，存储 EPSG:4490（CGCS2000）",
        "数据版本": done.workspace_digest[:16],
        "程序版本": code_version(),
    }
    for name, source in sorted(ws.sources.items()):
        part = "，部分" if source.is_partial else ""
        file = "" if rules.is_public else f"{source.file_name}，"
        rows[f"图层 {label('layer', name)}"] = (
            f"{file}{source.as_of}{part}，{source.rows:,} 行，摘要 {source.digest[:12]}"
        )
        if rules.is_public and name == "households":
            rows[f"图层 {label('layer', name)}"] = f"{source.as_of}{part}，摘要 {source.digest[:12]}"
    if rules.is_public and rules.has_maps:
        rows["地图界线"] = f"审图号 {rules.review_number}"
    if not rules.is_public:
        rows["未解决的数据问题"] = f"{len(done.problems)} 条"
    return rows
