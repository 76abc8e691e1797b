"""Whether the parts of a policy file have the shape they must have: tables, lists, texts, numbers, days."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

TEXT, NUMBER, DAY, YES_NO = "文字", "数", "日期", "true 或 false"
TEXTS, TABLE, LIST = "一组文字", "表", "一组表"
SHAPES: Mapping[str, Callable[[Any], bool]] = {
    TEXT: lambda part: isinstance(part, str),
    NUMBER: lambda part: isinstance(part, int | float) and not isinstance(part, bool) and part == part,
    DAY: lambda part: isinstance(part, date) and not isinstance(part, datetime),
    YES_NO: lambda part: isinstance(part, bool),
    TEXTS: lambda part: isinstance(part, list) and all(isinstance(item, str) for item in part),
    TABLE: lambda part: isinstance(part, Mapping),
    LIST: lambda part: isinstance(part, list) and all(isinstance(item, Mapping) for item in part),
}
CITED = {"reference": TEXT, "quote": TEXT, "source": TEXT, "note": TEXT, "strength": TEXT, "unsourced": YES_NO}
NAMED = {"id": TEXT, "label": TEXT, "unit": TEXT, "catalogue": TEXT, "owner": TEXT, **CITED}
TOP = {
    **dict.fromkeys(("id", "title", "document", "source", "unit_label", "note"), TEXT),
    **dict.fromkeys(("parameters", "aliases", "housing", "fund_shares", "reporting", "notice", "places"), TABLE),
    **dict.fromkeys(("works", "statistics"), TABLE),
    **dict.fromkeys(("needs", "targets", "duties"), LIST),
    "region_codes": TEXTS,
    "issued": DAY,
}
PARAMETER = {"label": TEXT, "unit": TEXT, "note": TEXT, "values": LIST}
VALUE = {"since": DAY, "low": NUMBER, "high": NUMBER, "price_year": NUMBER, **CITED}
NEED = {"kind": TEXT, "layer": TEXT, "group": TEXT, "deadline": DAY, "scope": TEXTS, "parameters": TABLE, **NAMED}
TARGET = {
    **dict.fromkeys(("measure", "need", "bound"), TEXT),
    **dict.fromkeys(("year", "value", "high", "increment", "total"), NUMBER),
    "day": DAY,
    "cumulative": YES_NO,
    **NAMED,
}
HOUSING = {
    **dict.fromkeys(("grades", "priority_grades", "close_codes"), TEXTS),
    **dict.fromkeys(("relocation", "placement"), TABLE),
    "deadline": DAY,
}
CLASS = {"categories": TEXTS, "requires_sole_dwelling": YES_NO, "requires_long_term": YES_NO, "priority": NUMBER}
EXCLUSION = {"min_area_m2": NUMBER, "within_years": NUMBER, "except_subsidised": YES_NO}
TREATMENT = {"treatment": TEXT, "categories": TEXTS, "grades": TEXTS, "has_labour": YES_NO}
PAYER = {"payer": TEXT, "weight": NUMBER}
DUTY = {"id": TEXT, "label": TEXT, "every": TEXT, "due_month": NUMBER, "due_day": NUMBER, **CITED}
EVENT = {"id": TEXT, "label": TEXT, "day": DAY, **CITED}
# table -> its lists of tables, with the shape of each and the keys that must be there
INSIDE: Mapping[str, Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]]] = {
    "housing": {
        "classes": (CLASS, ("categories", "reference")),
        "exclusions": (EXCLUSION, ("min_area_m2", "within_years")),
        "treatments": (TREATMENT, ("treatment",)),
    },
    "fund_shares": {"payers": (PAYER, ("payer", "weight"))},
    "reporting": {
        "duties": (DUTY, ("id", "label", "every", "reference")),
        "events": (EVENT, ("id", "label", "day", "reference")),
    },
}


def shape_faults(raw: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """List every part of a policy file that is not of the right kind, and give the file without those parts.

    Examples
    --------
    >>> shape_faults({"id": 5, "needs": [{"id": "n", "scope": "poor"}]})
    (['id：应是文字；请改正', 'needs[1].scope：应是一组文字；请改正'], {'needs': [{'id': 'n'}]})
    """
    found: list[str] = []
    kept = _kept("", raw, TOP, found)
    for key, parameter in dict(kept.get("parameters", {})).items():
        place = f'parameters."{key}"'
        if isinstance(parameter, Mapping):
            kept["parameters"] = {**kept["parameters"], key: _parameter(place, parameter, found)}
        else:
            found.append(f"{place}：应是{TABLE}；请写成 [{place}]")
            kept["parameters"] = {name: part for name, part in kept["parameters"].items() if name != key}
    for key, shapes in {"needs": NEED, "targets": TARGET}.items():
        if key in kept:
            kept[key] = [_kept(f"{key}[{n}].", entry, shapes, found) for n, entry in enumerate(kept[key], start=1)]
    for table, parts in INSIDE.items():
        if table in kept:
            shapes = {**(HOUSING if table == "housing" else {}), **dict.fromkeys(parts, LIST)}
            kept[table] = _kept(f"{table}.", kept[table], shapes, found)
            for part, (inner, asked) in parts.items():
                _each(f"{table}.{part}", kept[table].get(part, []), inner, asked, found)
    for alias, name in kept.get("aliases", {}).items():
        if not isinstance(name, str):
            found.append(f"aliases.{alias}：应是{TEXT}；请改正")
    return found, kept


def strangers(place: str, entry: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """List the keys of a table that nobody knows, with the nearest known one.

    Examples
    --------
    >>> strangers("needs[1]", {"lable": "甲"}, ("label", "unit"))
    ['needs[1]：不认识的项 lable；是不是想写 label']
    """
    names = list(known)
    found = []
    for key in entry:
        if key not in names:
            close = difflib.get_close_matches(key, names, n=1)
            mend = f"是不是想写 {close[0]}" if close else f"可用的有：{'、'.join(names)}"
            found.append(f"{place}：不认识的项 {key}；{mend}")
    return found


def _parameter(place: str, entry: Mapping[str, Any], found: list[str]) -> dict[str, Any]:
    kept = _kept(f"{place}.", entry, PARAMETER, found)
    values = enumerate(kept.get("values", []), start=1)
    kept["values"] = [_kept(f"{place}.values[{number}].", value, VALUE, found) for number, value in values]
    return kept


def _kept(place: str, entry: Mapping[str, Any], shapes: Mapping[str, str], found: list[str]) -> dict[str, Any]:
    wrong = [key for key, shape in shapes.items() if key in entry and not SHAPES[shape](entry[key])]
    for key in wrong:
        hint = "（写成 2018-12-31，不加引号）" if shapes[key] == DAY else ""
        found.append(f"{place}{key}：应是{shapes[key]}{hint}；请改正")
    return {key: part for key, part in entry.items() if key not in wrong}


def _each(place: str, entries: Any, shapes: Mapping[str, str], asked: tuple[str, ...], found: list[str]) -> None:
    for number, entry in enumerate(entries, start=1):
        _kept(f"{place}[{number}].", entry, shapes, found)
        found += [f"{place}[{number}].{key}：没有填写；请写上" for key in asked if key not in entry]
