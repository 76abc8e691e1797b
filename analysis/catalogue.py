"""The catalogue of policies in words: what every document asks, with clause and figure, printed from the data.

`python -m analysis.catalogue` rewrites `docs/policies.md` from `policies/*.toml`; a test fails when it falls behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from analysis.policy import Need, Policy, Value, load_policy
from analysis.policy_format import cited

STRENGTH_NAMES = {
    "hard": "硬性",
    "best_effort": "力争或基本",
    "principle": "原则上或有条件的",
    "ceiling": "上限（可争取）",
    "none": "没有定指标",
}
RULE_NAMES = {
    "has": "有",
    "near": "在范围内",
    "road": "通硬化路",
    "share": "比例",
    "flag": "台账登记",
    "all": "全部具备",
}
SCOPE_NAMES = {"poor": "贫困村", "key": "重点村"}
UNIT_NAMES = {"village": "村", "natural_village": "自然村", "town": "镇", "county": "全县"}
TABLE_NAMES = {
    "housing": "危房",
    "fund_shares": "资金分担",
    "reporting": "报告与考核",
    "notice": "公示与平台",
    "works": "工程（只跟踪，不作判断）",
    "duties": "领导与单位职责",
    "statistics": "基数",
    "places": "点名的地方",
}
HEAD = (
    "# 政策目录\n\n"
    "本页由 `python -m analysis.catalogue` 从 `policies/*.toml` 生成，请勿手改。\n"
    "出处一栏：写条款号的是文件原文；写“公开来源”的不是本文件所说；写“假定”的没有来源，可以改。\n"
)


def catalogue(policies: Iterable[Policy]) -> str:
    """Print policies as one Markdown page: a comparison of the needs, then each document in full.

    Parameters
    ----------
    policies
        In the order in which they are to appear.

    Returns
    -------
    str
        Markdown in Chinese, ending with a line break; the same policies give the same text.

    Examples
    --------
    >>> catalogue([load_policy("policies/haojiang-2017.toml")]).splitlines()[0]
    '# 政策目录'
    """
    known = list(policies)
    return "\n".join([HEAD, _comparison(known), *(_document(policy) for policy in known)]).rstrip() + "\n"


def _comparison(policies: Sequence[Policy]) -> str:
    rows: dict[str, list[str]] = {}
    for place, policy in enumerate(policies):
        for need in policy.needs:
            row = rows.setdefault(need.id, [f"`{need.id}`", *["–"] * len(policies)])
            row[place + 1] = f"{need.label}（{need.reference}，{_until(need)}）"
    heads = ["需求", *(policy.id for policy in policies)]
    return "## 各文件的需求对照\n\n" + _table(heads, rows.values())


def _until(need: Need) -> str:
    day = need.deadline.isoformat() if need.deadline else "没有期限"
    return day if need.strength == "hard" else f"{day}，{STRENGTH_NAMES[need.strength]}"


def _document(policy: Policy) -> str:
    parts = [f"## {policy.title}\n", _head(policy)]
    if policy.needs:
        heads = ["需求", "代号", "类", "规则", "范围", "期限", "强度", "条款", "原文", "责任单位", "说明"]
        parts += ["### 需求\n", _table(heads, [_need(need) for need in policy.needs])]
    heads = ["参数", "键", "取值", "单位", "自何日起", "强度", "出处", "原文", "说明"]
    rows = [_value(policy, key, value) for key, values in policy.values.items() for value in values]
    parts += ["### 参数\n", _table(heads, rows)]
    if policy.targets:
        heads = ["目标", "指标", "期限", "目标值", "单位", "强度", "条款", "原文", "责任单位", "说明"]
        rows = [
            [
                *(target.label, f"`{target.measure}`", _plain(target.day), _target_value(target), target.unit),
                *(STRENGTH_NAMES[target.strength], target.reference, target.quote, target.owner, target.note),
            ]
            for target in policy.targets
        ]
        parts += ["### 目标（累计）\n", _table(heads, rows)]
    for name, title in TABLE_NAMES.items():
        if name in policy.tables:
            parts += [f"### {title}\n", _other(name, policy.tables[name])]
    return "\n".join(parts)


def _head(policy: Policy) -> str:
    facts = {
        "代号": f"`{policy.id}`",
        "文号": policy.document,
        "印发": _plain(policy.issued),
        "区划代码": "、".join(policy.region_codes),
        "单位": policy.unit_label,
        "地名别写": "、".join(f"{alias}→{name}" for alias, name in policy.aliases.items()),
    }
    return "\n".join(f"- {key}：{text}" for key, text in facts.items() if text) + "\n"


def _need(need: Need) -> list[str]:
    scope = "、".join(SCOPE_NAMES[name] for name in need.scope) or f"所有{UNIT_NAMES[need.unit]}"
    due = need.deadline.isoformat() if need.deadline else "没有"
    rule = RULE_NAMES[need.kind] + "".join(f"；{key} = {_plain(part)}" for key, part in need.parameters.items())
    head = [need.label, f"`{need.id}`", need.group, rule, scope, due, STRENGTH_NAMES[need.strength]]
    return [*head, need.reference, need.quote, need.owner, need.note]


def _value(policy: Policy, key: str, value: Value) -> list[str]:
    figure = _plain(value.amount)
    if value.low is not None or value.high is not None:
        figure += f"（{_plain(value.low or value.amount)}—{_plain(value.high or value.amount)}）"
    if value.price_year:
        figure += f"，{value.price_year} 年价"
    since = "" if value.since == date.min else value.since.isoformat()
    origin = value.reference or (f"公开来源：{value.source}" if value.source else "假定")
    strength = STRENGTH_NAMES[value.strength] if value.reference else ""
    return [policy.labels[key], f"`{key}`", figure, value.unit, since, strength, origin, value.quote, value.note]


def _target_value(target: Any) -> str:
    sign = "≤ " if target.bound == "at_most" else ""
    top = "" if target.high is None else f"—{_plain(target.high)}"
    added = "" if target.increment is None else f"（其中当年 {_plain(target.increment)}）"
    return f"{sign}{_plain(target.value)}{top}{added}"


def _other(name: str, table: Any) -> str:
    hidden = {"id", "reference", "quote", "label", "note", "catalogue", "owner", "strength"}
    rows = []
    for _, entry in cited(name, table):
        facts = {key: part for key, part in entry.items() if key not in hidden and not _is_nested(part)}
        said = "；".join(f"{key} = {_plain(part)}" for key, part in facts.items())
        title = entry.get("label") or entry.get("treatment") or entry.get("name") or TABLE_NAMES[name]
        strength = STRENGTH_NAMES[entry.get("strength", "hard")]
        rows.append([title, said, strength, *(entry.get(key, "") for key in ("reference", "quote", "owner", "note"))])
    return _table(["内容", "数据", "强度", "条款", "原文", "责任单位", "说明"], rows)


def _is_nested(part: Any) -> bool:
    if isinstance(part, Mapping):
        return True
    return isinstance(part, list) and any(isinstance(item, Mapping) and "payer" not in item for item in part)


def _plain(part: Any) -> str:
    if isinstance(part, Mapping):
        return "，".join(f"{key} {_plain(item)}" for key, item in part.items())
    if isinstance(part, list | tuple):
        return "、".join(_plain(item) for item in part)
    if isinstance(part, bool):
        return "是" if part else "否"
    return f"{part:g}" if isinstance(part, float) else str(part)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    kept = [list(row) for row in rows]
    used = [place for place in range(len(heads)) if place == 0 or any(row[place] for row in kept)]
    lines = [[heads[place] for place in used], ["---"] * len(used)]
    lines += [[str(row[place]).replace("|", "\\|").replace("\n", " ") for place in used] for row in kept]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main() -> None:
    """Rewrite `docs/policies.md` from the policy files."""
    root = Path(__file__).parents[1]
    page = catalogue(load_policy(path) for path in sorted((root / "policies").glob("*.toml")))
    (root / "docs" / "policies.md").write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
