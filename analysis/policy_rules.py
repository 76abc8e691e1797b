"""The rules of needs as a policy file writes them: which keys each rule kind has, and what they may name."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from analysis.policy_shapes import NUMBER, SHAPES, TABLE, TEXT, TEXTS, strangers

# rule kind -> (keys it must have, keys it may have)
RULES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "has": (("kind",), ("min_count", "where", "layer")),
    "near": (("max_distance_m",), ("kind", "layer", "by", "of", "min_share", "max_vertical_m", "where")),
    "road": (("target",), ("snap_m", "min_share")),
    "share": (("of", "field", "min_share"), ()),
    "flag": ((), ("field",)),
    "all": (("needs",), ()),
}
# key -> the shapes it may have; a number may also be "@key", the amount of a parameter
KEYS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("min_count", "max_distance_m", "min_share", "max_vertical_m", "snap_m"), (NUMBER, "@")),
    **dict.fromkeys(("layer", "by", "of", "target", "field"), (TEXT,)),
    "kind": (TEXT, TEXTS),
    "where": (TABLE,),
    "needs": (TEXTS,),
}
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("near", "by"): ("straight", "network"),
    ("near", "of"): ("households",),
    ("road", "target"): ("seat", "natural_villages"),
    ("share", "of"): ("households", "natural_villages"),
}


def rule_faults(place: str, kind: str, entry: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    """List what is wrong with the parameters of one need's rule."""
    asked, allowed = RULES[kind]
    found = [f"{place}.{key}：规则 {kind} 必须有这一项；请写上" for key in asked if key not in entry]
    found += strangers(f"{place}（规则 {kind}）", entry, (*asked, *allowed))
    for key in (*asked, *allowed):
        if key in entry and not _fits(KEYS[key], entry[key]):
            shapes = "或".join("@参数" if shape == "@" else shape for shape in KEYS[key])
            found.append(f"{place}.{key}：应是{shapes}；请改正")
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


def _fits(shapes: tuple[str, ...], part: Any) -> bool:
    if isinstance(part, str) and "@" in shapes:
        return part.startswith("@")
    return any(SHAPES[shape](part) for shape in shapes if shape != "@")


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


def composition_faults(needs: list[Mapping[str, Any]]) -> list[str]:
    """List needs made of needs that do not exist, or of themselves."""
    parts = {
        need.get("id"): [part for part in _members(need) if isinstance(part, str)]
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


def _members(need: Mapping[str, Any]) -> list[Any]:
    members = need.get("parameters", {}).get("needs", [])
    return members if isinstance(members, list) else []


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
