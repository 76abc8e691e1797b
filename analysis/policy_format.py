"""The format of a policy file: which words and keys it may use, and every fault of one file at once."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any, Literal, get_args

from analysis.policy_rules import RULES, composition_faults, rule_faults
from analysis.policy_shapes import shape_faults, strangers

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
    misshapen, raw = shape_faults(raw)
    found = _head(raw)
    parameters = raw.get("parameters", {})
    needs = raw.get("needs", [])
    targets = raw.get("targets", [])
    for key, parameter in parameters.items():
        found += _parameter(f'parameters."{key}"', parameter)
    for place, need in _numbered("needs", needs):
        found += _need(place, need, parameters)
    found += _repeated("needs", needs) + _repeated("targets", targets)
    found += composition_faults(needs)
    ids = {need.get("id") for need in needs}
    for place, target in _numbered("targets", targets):
        found += _target(place, target, ids)
    found += _descents(targets)
    for name in TABLES:
        for place, entry in cited(name, raw.get(name, {})):
            found += _citation(place, entry)
    named = tuple(fault.split("：")[0] + "：" for fault in misshapen)
    return misshapen + [fault for fault in found if not fault.startswith(named or ("\n",))]


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
    if "issued" not in raw:
        found.append("issued：没有印发日期；请写成 issued = 2016-11-08")
    known = (*SCALARS, *TABLES, "aliases", "parameters", "needs", "targets")
    found += strangers("文件", raw, known)
    for number, duty in enumerate(raw.get("reporting", {}).get("duties", []), start=1):
        if "every" in duty and duty["every"] not in get_args(Cadence):
            found.append(
                f"reporting.duties[{number}].every：不认识 {duty['every']}；只能是 {'、'.join(get_args(Cadence))}"
            )
    return found


def _parameter(place: str, entry: Mapping[str, Any]) -> list[str]:
    found = strangers(place, entry, PARAMETER_KEYS)
    for key, what in {"label": "中文名称", "unit": "单位（没有就写 none）"}.items():
        if not entry.get(key):
            found.append(f"{place}.{key}：没有填写；请写上{what}")
    values = entry.get("values", [])
    if not values:
        found.append(f"{place}.values：没有取值；请至少写一个 {{ since = 日期, value = 数值, … }}")
    seen: set[Any] = set()
    for number, value in enumerate(values, start=1):
        where = f"{place}.values[{number}]"
        found += strangers(where, value, VALUE_KEYS) + _strength(where, value) + _citation(where, value)
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
    if "since" not in value and value.get("reference"):
        found.append(f"{place}.since：出自文件的取值要写生效日期；请写成 since = 2016-11-08")
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
    found = strangers(place, entry, NEED_KEYS) + _strength(place, entry) + _citation(place, entry)
    found += [f"{place}.{key}：没有填写；请写上" for key in ("id", "label") if not entry.get(key)]
    if entry.get("unit", "village") not in UNITS:
        found.append(f"{place}.unit：不认识 {entry['unit']}；只能是 {'、'.join(UNITS)}")
    for scope in entry.get("scope", []):
        if scope not in SCOPES:
            found.append(f"{place}.scope：不认识 {scope}；只能是 {'、'.join(SCOPES)}，或留空表示所有村")
    kind = str(entry.get("kind", ""))
    if kind not in RULES:
        found.append(f"{place}.kind：不认识规则 {kind}；只能是 {'、'.join(RULES)}")
        return found
    return found + rule_faults(f"{place}.parameters", kind, entry.get("parameters", {}), parameters)


def _repeated(name: str, entries: Iterable[Mapping[str, Any]]) -> list[str]:
    seen: set[Any] = set()
    found = []
    for place, entry in _numbered(name, entries):
        if entry.get("id") in seen:
            found.append(f"{place}.id：与前面的条目重复；请改成不重复的代号")
        seen.add(entry.get("id"))
    return found


def _target(place: str, entry: Mapping[str, Any], needs: set[Any]) -> list[str]:
    found = strangers(place, entry, TARGET_KEYS) + _strength(place, entry) + _citation(place, entry)
    for key, what in {"id": "代号", "label": "名称", "unit": "单位", "value": "数值"}.items():
        if entry.get(key) in (None, ""):
            found.append(f"{place}.{key}：没有填写；请写上{what}")
    if "day" not in entry and entry.get("year") not in range(1, 10000):
        found.append(f"{place}.day：没有期限；请写 day = 2018-12-31 或 year = 2018")
    if entry.get("need") and entry["need"] not in needs:
        found.append(f"{place}.need：引用了不存在的 {entry['need']}；请补上该条目或改正代号")
    if entry.get("bound", "at_least") not in get_args(Bound):
        found.append(f"{place}.bound：不认识 {entry['bound']}；只能是 at_least、at_most")
    if "high" in entry and "value" in entry and entry["high"] < entry["value"]:
        found.append(f"{place}.high：小于 value；请核对")
    return found


def _descents(targets: list[Mapping[str, Any]]) -> list[str]:
    series: dict[str, list[tuple[date, float, str]]] = {}
    for target in targets:
        year, value = target.get("year", 0), target.get("value")
        due = target.get("day") or (date(int(year), 12, 31) if year in range(1, 10000) else None)
        counts = target.get("cumulative", True) and target.get("bound", "at_least") == "at_least"
        if due and value is not None and counts and target.get("measure"):
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
