"""Policy: dated values with unit and reference, read from TOML."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from analysis.policy_format import TABLES, Bound, RuleKind, Strength, faults
from geo.errors import PolicyError

__all__ = [
    *("Bound", "Need", "Policy", "RuleKind", "Strength", "Target", "Value"),
    *("amount", "load_policy", "read_policy", "resolve", "value_on"),
]


@dataclass(frozen=True)
class Value:
    """One dated value of a policy parameter: since which day, how much, in which unit, on which clause.

    `reference` and `quote` are clause and words of the document. What it does not give has a `source` (a public page)
    or is `unsourced` (an editable assumption): never show that as what the document says.
    """

    since: date
    amount: Any
    unit: str
    reference: str
    strength: Strength = "hard"
    quote: str = ""
    source: str = ""
    unsourced: bool = False
    low: float | None = None
    high: float | None = None
    price_year: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Need:
    """Something every unit in scope must have, and the rule that decides it."""

    id: str
    label: str
    kind: RuleKind
    layer: str
    parameters: Mapping[str, Any]
    strength: Strength
    reference: str
    unit: str = "village"
    scope: tuple[str, ...] = ()
    group: str = ""
    catalogue: str = ""
    deadline: date | None = None
    owner: str = ""
    quote: str = ""
    source: str = ""
    unsourced: bool = False
    note: str = ""


@dataclass(frozen=True)
class Target:
    """How much of something is to be reached by a day (inclusive).

    Targets with the same `measure` form one series. A cumulative one counts everything done up to the day. `high` is
    the upper end of a range, `increment` what the document adds in that year, `total` the whole counted against.
    """

    id: str
    label: str
    measure: str
    day: date
    value: float
    unit: str
    strength: Strength = "hard"
    reference: str = ""
    quote: str = ""
    need: str = ""
    cumulative: bool = True
    bound: Bound = "at_least"
    high: float | None = None
    increment: float | None = None
    total: float | None = None
    catalogue: str = ""
    owner: str = ""
    source: str = ""
    unsourced: bool = False
    note: str = ""


@dataclass(frozen=True)
class Policy:
    """One policy document as data.

    `values` are the dated values by parameter key, oldest first; `labels` the Chinese name of each parameter;
    `tables` everything with a shape of its own (housing, fund_shares, reporting, notice, places, duties, works,
    statistics).
    """

    id: str
    title: str
    digest: str
    values: Mapping[str, tuple[Value, ...]]
    needs: tuple[Need, ...]
    targets: tuple[Target, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    document: str = ""
    issued: date = date.min
    source: str = ""
    region_codes: tuple[str, ...] = ()
    unit_label: str = "村"
    note: str = ""


def load_policy(path: Path | str) -> Policy:
    """Read one policy file, or say everything that is wrong with it at once.

    Parameters
    ----------
    path
        A TOML file (UTF-8).

    Returns
    -------
    Policy
        With a digest of its content: comments and layout do not change it, any figure, word or date does.

    Raises
    ------
    PolicyError
        The file cannot be read, or has faults; the text lists all of them.

    Examples
    --------
    >>> load_policy("policies/zhanjiang-edz-2016.toml").id
    'zhanjiang-edz-2016'
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PolicyError(f"政策文件 {file.name} 打不开（{error.strerror}）；请检查文件是否存在、能否读取") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"政策文件 {file.name} 不是 UTF-8 编码；请用“另存为”选 UTF-8 后再试") from error
    return read_policy(text, name=file.name)


def read_policy(text: str, *, name: str = "政策文件") -> Policy:
    """Read a policy from its text; `name` is what messages call it.

    Examples
    --------
    >>> read_policy('id="a"\\ntitle="甲"\\ndocument="一号"\\nissued=2016-11-08').issued.isoformat()
    '2016-11-08'
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name}：不是合格的 TOML（{error}）；请检查该行的引号、括号和日期写法") from error
    return _policy(raw, name)


def _policy(raw: Mapping[str, Any], name: str) -> Policy:
    found = faults(raw)
    if found:
        lines = "\n".join(f"{number}. {fault}" for number, fault in enumerate(found, start=1))
        raise PolicyError(f"{name}：有 {len(found)} 处错误，请逐一改正：\n{lines}")
    return Policy(
        id=raw["id"],
        title=raw["title"],
        digest=_digest(raw),
        values={key: _values(entry) for key, entry in raw.get("parameters", {}).items()},
        needs=tuple(_need(entry) for entry in raw.get("needs", [])),
        targets=tuple(_target(entry) for entry in raw.get("targets", [])),
        labels={key: entry["label"] for key, entry in raw.get("parameters", {}).items()},
        tables={key: raw[key] for key in TABLES if key in raw},
        aliases=raw.get("aliases", {}),
        document=raw["document"],
        issued=raw["issued"],
        source=raw.get("source", ""),
        region_codes=tuple(raw.get("region_codes", [])),
        unit_label=raw.get("unit_label", "村"),
        note=raw.get("note", ""),
    )


def value_on(policy: Policy, key: str, day: date) -> Value | None:
    """Find the value of a parameter that is in force on a day.

    Parameters
    ----------
    key
        The dotted name, such as "hardening.min_population".
    day
        A value holds from its `since` day on (inclusive) until the next one begins.

    Returns
    -------
    Value or None
        None when the policy has no such parameter, or the day is before its first value.

    Examples
    --------
    >>> policy = load_policy("policies/zhanjiang-edz-2016.toml")
    >>> value_on(policy, "hardening.min_population", date(2016, 11, 8)).amount
    200
    >>> value_on(policy, "hardening.min_population", date(2016, 11, 7)) is None
    True
    """
    held = [value for value in policy.values.get(key, ()) if value.since <= day]
    return held[-1] if held else None


def amount(policy: Policy, key: str, day: date) -> Any:
    """Give the amount of a parameter in force on a day, never a guess.

    Raises
    ------
    PolicyError
        The policy has no such parameter, or the day is before its first value. Where a figure may be missing, ask
        `value_on`, which answers None.

    Examples
    --------
    >>> amount(load_policy("policies/zhanjiang-edz-2016.toml"), "hardening.min_population", date(2018, 12, 31))
    200
    """
    value = value_on(policy, key, day)
    if value is not None:
        return value.amount
    if key not in policy.values:
        raise PolicyError(f'政策 {policy.id} 没有参数 {key}；请在政策文件里补上 [parameters."{key}"]')
    label, first = policy.labels.get(key, key), policy.values[key][0].since
    raise PolicyError(
        f"政策 {policy.id}：{label}（{key}）自 {first} 起才有取值，{day} 还没有；请选 {first} 或以后的日期"
    )


def resolve(policy: Policy, parameters: Mapping[str, Any], day: date) -> dict[str, Any]:
    """Replace every "@key" in a rule's parameters by the policy's amount on the day.

    Raises
    ------
    PolicyError
        As `amount`.

    Examples
    --------
    >>> policy = load_policy("policies/zhanjiang-edz-2016.toml")
    >>> resolve(policy, {"kind": "bus_stop", "max_distance_m": "@bus.max_distance_m"}, date(2018, 1, 1))
    {'kind': 'bus_stop', 'max_distance_m': 2000}
    """
    return {key: _resolved(policy, part, day) for key, part in parameters.items()}


def _resolved(policy: Policy, part: Any, day: date) -> Any:
    if isinstance(part, str) and part.startswith("@"):
        return amount(policy, part[1:], day)
    if isinstance(part, Mapping):
        return resolve(policy, part, day)
    if isinstance(part, list):
        return [_resolved(policy, item, day) for item in part]
    return part


def _digest(raw: Mapping[str, Any]) -> str:
    content = json.dumps(raw, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=lambda day: f"{day}")
    return hashlib.sha256(content.encode()).hexdigest()


def _values(entry: Mapping[str, Any]) -> tuple[Value, ...]:
    values = [
        Value(
            since=raw.get("since", date.min),
            amount=raw["value"],
            unit=entry["unit"],
            reference=raw.get("reference", ""),
            **{key: part for key, part in raw.items() if key not in {"since", "value", "reference"}},
        )
        for raw in entry["values"]
    ]
    return tuple(sorted(values, key=lambda value: value.since))


def _need(entry: Mapping[str, Any]) -> Need:
    given = {"layer": "", "parameters": {}, "strength": "hard", "reference": "", **entry}
    return Need(**{**given, "scope": tuple(entry.get("scope", []))})


def _target(entry: Mapping[str, Any]) -> Target:
    given = {key: part for key, part in entry.items() if key != "year"}
    given.setdefault("day", date(entry["year"], 12, 31) if "year" in entry else None)
    given.setdefault("measure", entry.get("need") or entry["id"])
    return Target(**given)
