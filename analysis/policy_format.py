"""The format of a policy file: which words and keys it may use, and every fault of one file at once."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any, Literal, get_args

Strength = Literal["hard", "best_effort", "principle", "ceiling", "none"]
RuleKind = Literal["has", "near", "road", "share", "flag", "all"]
Bound = Literal["at_least", "at_most"]
Cadence = Literal["month", "quarter", "half_year", "year"]

STRENGTHS: tuple[str, ...] = get_args(Strength)
UNITS = ("village", "natural_village", "town", "county")
SCOPES = ("poor", "key")
SCALARS = ("id", "title", "document", "issued", "source", "region_codes", "unit_label", "note")
TABLES = ("housing", "fund_shares", "reporting", "notice", "places", "duties", "works", "statistics")
PARAMETER_KEYS = ("label", "unit", "values", "note")
CITED = ("reference", "quote", "source", "unsourced", "note", "strength")
VALUE_KEYS = ("since", "value", "low", "high", "price_year", *CITED)
NEED_KEYS = (
    *("id", "label", "group", "unit", "kind", "layer", "deadline", "scope", "catalogue", "owner", "parameters"),
    *CITED,
)
TARGET_KEYS = (
    *(
        "id",
        "label",
        "measure",
        "need",
        "day",
        "year",
        "value",
        "high",
        "unit",
        "cumulative",
        "bound",
        "total",
        "increment",
    ),
    *("catalogue", "owner"),
    *CITED,
)
# rule kind -> (keys it must have, keys it may have)
RULES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "has": (("kind",), ("min_count", "where", "layer")),
    "near": (("max_distance_m",), ("kind", "layer", "by", "of", "min_share", "max_vertical_m", "where")),
    "road": (("target",), ("snap_m", "min_share")),
    "share": (("of", "field", "min_share"), ()),
    "flag": ((), ("field",)),
    "all": (("needs",), ()),
}
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("near", "by"): ("straight", "network"),
    ("near", "of"): ("households",),
    ("road", "target"): ("seat", "natural_villages"),
    ("share", "of"): ("households", "natural_villages"),
}


def faults(raw: Mapping[str, Any]) -> list[str]:
    """List every fault of a parsed policy file, each as one Chinese sentence: where, what, how to mend it.

    Parameters
    ----------
    raw
        The file as `tomllib` reads it.

    Returns
    -------
    list of str
        Empty when the file can be used.

    Examples
    --------
    >>> faults({"id": "a", "title": "甲", "document": "一号", "issued": date(2016, 11, 8)})
    []
    >>> faults({"title": "甲", "document": "一号", "issued": date(2016, 11, 8)})
    ['id：没有填写；请写上一个不重复的英文代号']
    """
    found: list[str] = []
    found += _head(raw)
    parameters = raw.get("parameters", {})
    needs = raw.get("needs", [])
    targets = raw.get("targets", [])
    for key, parameter in parameters.items():
        found += _parameter(f'parameters."{key}"', parameter)
    for place, need in _numbered("needs", needs):
        found += _need(place, need, parameters)
    found += _repeated("needs", needs) + _repeated("targets", targets)
    found += _compositions(needs)
    ids = {need.get("id") for need in needs}
    for place, target in _numbered("targets", targets):
        found += _target(place, target, ids)
    found += _descents(targets)
    for name in TABLES:
        for place, entry in cited(name, raw.get(name, {})):
            found += _citation(place, entry)
    return found


def cited(place: str, entry: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Walk a table and give every part of it that names a clause, with the place where it stands.

    Examples
    --------
    >>> [place for place, _ in cited("notice", {"days": 7, "reference": "二(四)2", "quote": "公示 7 天"})]
    ['notice']
    """
    if isinstance(entry, Mapping):
        if "reference" in entry:
            yield place, entry
        for key, part in entry.items():
            yield from cited(f"{place}.{key}", part)
    elif isinstance(entry, list):
        for number, part in enumerate(entry, start=1):
            yield from cited(f"{place}[{number}]", part)


def _numbered(name: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, entry in enumerate(entries, start=1):
        yield f"{name}[{number}] {entry.get('id', '')}".strip(), entry


def _head(raw: Mapping[str, Any]) -> list[str]:
    found = []
    asked = {"id": "一个不重复的英文代号", "title": "文件标题", "document": "文号（没有就写文件名）"}
    for key, what in asked.items():
        if not isinstance(raw.get(key), str) or not raw[key].strip():
            found.append(f"{key}：没有填写；请写上{what}")
    if not isinstance(raw.get("issued"), date):
        found.append("issued：没有印发日期；请写成 issued = 2016-11-08")
    known = (*SCALARS, *TABLES, "aliases", "parameters", "needs", "targets")
    found += _strangers("文件", raw, known)
    for key in ("needs", "targets"):
        if not isinstance(raw.get(key, []), list):
            found.append(f"{key}：应是一组条目；请写成 [[{key}]]")
    return found


def _strangers(place: str, entry: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    names = list(known)
    found = []
    for key in entry:
        if key not in names:
            close = difflib.get_close_matches(key, names, n=1)
            mend = f"是不是想写 {close[0]}" if close else f"可用的有：{'、'.join(names)}"
            found.append(f"{place}：不认识的项 {key}；{mend}")
    return found


def _parameter(place: str, entry: Mapping[str, Any]) -> list[str]:
    found = _strangers(place, entry, PARAMETER_KEYS)
    for key, what in {"label": "中文名称", "unit": "单位（没有就写 none）"}.items():
        if not entry.get(key):
            found.append(f"{place}.{key}：没有填写；请写上{what}")
    values = entry.get("values", [])
    if not values:
        found.append(f"{place}.values：没有取值；请至少写一个 {{ since = 日期, value = 数值, … }}")
    seen: set[Any] = set()
    for number, value in enumerate(values, start=1):
        where = f"{place}.values[{number}]"
        found += _strangers(where, value, VALUE_KEYS) + _strength(where, value) + _citation(where, value)
        found += _dated_value(where, value)
        if value.get("since") in seen:
            found.append(f"{where}.since：同一天有两个取值；请只留一个")
        seen.add(value.get("since"))
    return found


def _dated_value(place: str, value: Mapping[str, Any]) -> list[str]:
    found = []
    if "value" not in value:
        found.append(f"{place}.value：没有数值；请写上，或删去这一项")
    elif isinstance(value["value"], float | int):
        low, high = value.get("low", value["value"]), value.get("high", value["value"])
        if not low <= value["value"] <= high:
            found.append(f"{place}：数值 {value['value']} 不在 low 与 high 之间；请核对三个数")
    since = value.get("since")
    if since is None and value.get("reference"):
        found.append(f"{place}.since：出自文件的取值要写生效日期；请写成 since = 2016-11-08")
    if since is not None and not isinstance(since, date):
        found.append(f"{place}.since：不是日期；请写成 since = 2016-11-08（不加引号）")
    return found


def _citation(place: str, entry: Mapping[str, Any]) -> list[str]:
    reference, quote = entry.get("reference", ""), entry.get("quote", "")
    if reference and not quote:
        return [f"{place}.quote：写了条款 {reference} 而没有原文；请摘一句能在文件里查到的原文"]
    if quote and not reference:
        return [f"{place}.reference：有原文而没有条款号；请写上条款号"]
    if not reference and not entry.get("source") and not entry.get("unsourced"):
        return [f"{place}.reference：没有出处；请写条款号，或写 source = 公开来源，或写 unsourced = true"]
    if reference and entry.get("unsourced"):
        return [f"{place}：既写了条款 {reference} 又写了 unsourced；请删去一个"]
    return []


def _strength(place: str, entry: Mapping[str, Any]) -> list[str]:
    strength = entry.get("strength", "hard")
    if strength not in STRENGTHS:
        return [f"{place}.strength：不认识 {strength}；只能是 {'、'.join(STRENGTHS)}"]
    return []


def _need(place: str, entry: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    found = _strangers(place, entry, NEED_KEYS) + _strength(place, entry) + _citation(place, entry)
    found += [f"{place}.{key}：没有填写；请写上" for key in ("id", "label") if not entry.get(key)]
    if entry.get("unit", "village") not in UNITS:
        found.append(f"{place}.unit：不认识 {entry['unit']}；只能是 {'、'.join(UNITS)}")
    for scope in entry.get("scope", []):
        if scope not in SCOPES:
            found.append(f"{place}.scope：不认识 {scope}；只能是 {'、'.join(SCOPES)}，或留空表示所有村")
    if "deadline" in entry and not isinstance(entry["deadline"], date):
        found.append(f"{place}.deadline：不是日期；请写成 deadline = 2018-12-31（不加引号）")
    kind = str(entry.get("kind", ""))
    if kind not in RULES:
        found.append(f"{place}.kind：不认识规则 {kind}；只能是 {'、'.join(RULES)}")
        return found
    return found + _rule(f"{place}.parameters", kind, entry.get("parameters", {}), parameters)


def _rule(place: str, kind: str, entry: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    asked, allowed = RULES[kind]
    found = [f"{place}.{key}：规则 {kind} 必须有这一项；请写上" for key in asked if key not in entry]
    found += _strangers(f"{place}（规则 {kind}）", entry, (*asked, *allowed))
    if kind == "near" and not {"kind", "layer"} & set(entry):
        found.append(f"{place}：规则 near 要写 kind（设施种类）或 layer（图层）")
    for (rule, key), choices in CHOICES.items():
        if rule == kind and key in entry and entry[key] not in choices:
            found.append(f"{place}.{key}：不认识 {entry[key]}；只能是 {'、'.join(choices)}")
    for key in named(entry):
        if key not in parameters:
            close = difflib.get_close_matches(key, list(parameters), n=1)
            mend = f"是不是想写 @{close[0]}" if close else f'请补上 [parameters."{key}"]'
            found.append(f"{place}：引用了不存在的参数 @{key}；{mend}")
    return found


def named(entry: Any) -> Iterator[str]:
    """Give the parameter keys that a rule refers to by `@key`, at any depth.

    Examples
    --------
    >>> list(named({"max_distance_m": "@bus.max_distance_m", "kind": ["bus_stop"]}))
    ['bus.max_distance_m']
    """
    if isinstance(entry, str) and entry.startswith("@"):
        yield entry[1:]
    elif isinstance(entry, Mapping):
        for part in entry.values():
            yield from named(part)
    elif isinstance(entry, list):
        for part in entry:
            yield from named(part)


def _repeated(name: str, entries: Iterable[Mapping[str, Any]]) -> list[str]:
    seen: set[Any] = set()
    found = []
    for place, entry in _numbered(name, entries):
        if entry.get("id") in seen:
            found.append(f"{place}.id：与前面的条目重复；请改成不重复的代号")
        seen.add(entry.get("id"))
    return found


def _compositions(needs: list[Mapping[str, Any]]) -> list[str]:
    parts = {
        need.get("id"): list(need.get("parameters", {}).get("needs", []))
        for need in needs
        if need.get("kind") == "all" and need.get("id")
    }
    ids = {need.get("id") for need in needs}
    found = [
        f"needs {whole}：由不存在的 {part} 组成；请补上该条目或改正代号"
        for whole, members in parts.items()
        for part in members
        if part not in ids
    ]
    return found + [
        f"needs {whole}：由自己组成（循环）；请去掉其中一个" for whole in parts if _reaches(whole, whole, parts.get)
    ]


def _reaches(start: Any, goal: Any, members: Callable[[Any], list[Any] | None]) -> bool:
    waiting, seen = list(members(start) or []), set()
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        if here not in seen:
            seen.add(here)
            waiting += members(here) or []
    return False


def _target(place: str, entry: Mapping[str, Any], needs: set[Any]) -> list[str]:
    found = _strangers(place, entry, TARGET_KEYS) + _strength(place, entry) + _citation(place, entry)
    for key, what in {"id": "代号", "label": "名称", "unit": "单位", "value": "数值"}.items():
        if entry.get(key) in (None, ""):
            found.append(f"{place}.{key}：没有填写；请写上{what}")
    if not isinstance(entry.get("day"), date) and not isinstance(entry.get("year"), int):
        found.append(f"{place}.day：没有期限；请写 day = 2018-12-31 或 year = 2018")
    if entry.get("need") and entry["need"] not in needs:
        found.append(f"{place}.need：引用了不存在的 {entry['need']}；请补上该条目或改正代号")
    if entry.get("bound", "at_least") not in get_args(Bound):
        found.append(f"{place}.bound：不认识 {entry['bound']}；只能是 at_least、at_most")
    if "high" in entry and isinstance(entry.get("value"), float | int) and entry["high"] < entry["value"]:
        found.append(f"{place}.high：小于 value；请核对")
    return found


def _descents(targets: list[Mapping[str, Any]]) -> list[str]:
    series: dict[str, list[tuple[date, float, str]]] = {}
    for target in targets:
        year, day, value = target.get("year"), target.get("day"), target.get("value")
        due = day if isinstance(day, date) else date(year, 12, 31) if isinstance(year, int) else None
        counts = target.get("cumulative", True) and target.get("bound", "at_least") == "at_least"
        if due and isinstance(value, float | int) and counts and target.get("measure"):
            series.setdefault(target["measure"], []).append((due, value, str(target.get("id"))))
    found = []
    for measure, points in series.items():
        points.sort()
        for (_, before, first), (_, after, second) in pairwise(points):
            if after < before:
                found.append(
                    f"targets {measure}：累计目标 {second}（{after}）小于更早的 {first}（{before}）；请核对是否误填了当年数"
                )
    return found
