"""What may leave the office: internal papers carry their mark, public ones only aggregates without small counts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import LinearConstraint, milp

from analysis.policy import Need, Policy, value_on
from geo.errors import InputError

INTERNAL_MARK = "内部资料 不得公开"
HIDDEN = "※"
LEAST = 5  # unsourced, editable: `publication.min_count` of the policy, or `publication_min_count` of the office
PARAMETER = "publication.min_count"
SETTING = "publication_min_count"
_REVIEW = re.compile(r"[^\s\d]{1,6}[(（]\d{4}[)）]\d{1,6}号")
_IDENTITY = re.compile(
    r"(?<!\d)([1-8]\d)\d{4}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d(\d{2}[\dXx])(?!\d)"
)
_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")


@dataclass(frozen=True)
class Rules:
    """How one paper is published. `least` is the smallest count of people, households or houses that may be shown."""

    is_public: bool = False
    review_number: str = ""
    least: int = LEAST
    with_households: bool = False

    @property
    def mark(self) -> str:
        """What stands on every page, sheet and map."""
        if not self.is_public:
            return INTERNAL_MARK
        return f"审图号：{self.review_number}" if self.review_number else "公开版（不含地图）"

    @property
    def has_maps(self) -> bool:
        """Whether boundaries may be drawn or written."""
        return not self.is_public or bool(self.review_number)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader is told about what was left out, and why."""
        if not self.is_public:
            return (f"{INTERNAL_MARK}。对外使用请另行导出公开版。",)
        kept = (
            f"公开版只含乡镇、行政村汇总；人、户、房屋数少于 {self.least} 的格，以及可用来推算它们的格，以 {HIDDEN} 代替。",
            "不含农户、房屋、自然村名单、管线和设施的位置。",
        )
        if self.has_maps:
            return (*kept, f"界线依据审图号 {self.review_number} 的地图；修改界线后须重新送审。")
        return (*kept, "没有填写审图号，依《地图管理条例》未附地图和界线。")


def rules_for(
    policy: Policy,
    settings: Mapping[str, Any],
    day: date,
    *,
    is_public: bool = False,
    review_number: str | None = None,
    with_households: bool = False,
) -> Rules:
    """Say how a paper is to be published.

    Parameters
    ----------
    policy, settings, day
        The smallest count shown is the policy's `publication.min_count` on the day, else the office's setting
        `publication_min_count`, else 5 (no document gives one).
    review_number
        审图号 of the map the boundaries come from. None: no number; a blank one is refused, so that no map is ever
        stamped with nothing.
    with_households
        List single households, in an internal workbook only.

    Raises
    ------
    InputError
        The review number is blank, does not look like one, or is given for an internal paper.

    Examples
    --------
    >>> empty = Policy("p", "", "", {}, ())
    >>> rules_for(empty, {}, date(2018, 1, 1), is_public=True, review_number="GS(2024)0650号").mark
    '审图号：GS(2024)0650号'
    >>> rules_for(empty, {}, date(2018, 1, 1), is_public=True).has_maps
    False
    """
    number = (review_number or "").strip()
    if review_number is not None and not is_public:
        raise InputError("审图号只用于公开版：请同时选择公开版（--public），或去掉审图号。")
    if review_number is not None and not _REVIEW.fullmatch(number):
        raise InputError(
            f"审图号“{number}”不像审图号：应如“GS(2024)0650号”或“粤S(2023)012号”。没有审图号时请不要填写，公开版将不附地图。"
        )
    if is_public and with_households:
        raise InputError("公开版不能含农户名单。")
    found = value_on(policy, PARAMETER, day)
    least = found.amount if found is not None else settings.get(SETTING, LEAST)
    if isinstance(least, bool) or not isinstance(least, int) or least < 2:
        raise InputError(
            f"公开版最小计数（{SETTING}）要是不小于 2 的整数，现在是 {least!r}。请改 office.toml 或政策文件。"
        )
    return Rules(is_public, number, least, with_households)


def masked(text: str) -> str:
    """Cover identity-card and mobile numbers that someone typed into a name or note: 2+13+3 and 3+4+4.

    >>> masked("李家村（联系 13812345678）"), masked("440803197001011234")
    ('李家村（联系 138****5678）', '44*************234')
    """
    return _PHONE.sub(r"\1****\2", _IDENTITY.sub(lambda found: f"{found[1]}{'*' * 13}{found[2]}", text))


def without_numbers(table: Any) -> Any:
    """Return a table in which no text cell holds an identity-card or mobile number."""
    held = table.copy()
    for name in held.columns:
        if name != "geometry" and not pd.api.types.is_numeric_dtype(held[name]):
            held[name] = held[name].map(lambda value: masked(value) if isinstance(value, str) else value)
    return held


def about_few_households(policy: Policy, households: pd.Series, least: int) -> frozenset[str]:
    """Name the needs whose result in some village speaks of fewer than `least` households.

    Parameters
    ----------
    households
        How many households each village has on file. A village with none is judged by registers, not by people.

    Returns
    -------
    frozenset of str
        Need ids, with the needs made up of them: to be published for the whole county only.
    """
    known = households.dropna()
    if not len(known[(known > 0) & (known < least)]):
        return frozenset()
    found = {need.id for need in policy.needs if _is_about_households(need)}
    while True:
        more = {
            need.id for need in policy.needs if need.kind == "all" and found & set(need.parameters.get("needs", ()))
        }
        if more <= found:
            return frozenset(found)
        found |= more


def _is_about_households(need: Need) -> bool:
    return need.unit == "household" or need.parameters.get("of") == "households"


def suppress(counts: pd.DataFrame, least: int, *, sums: Mapping[str, Iterable[Sequence[str]]] | None = None) -> Any:
    """Hide small counts, and as many others as it takes that nobody can work them out from the totals.

    Parameters
    ----------
    counts
        Whole numbers of people, households or houses; one row a place, the first row the sum of the others.
    least
        Counts from 1 to `least` - 1 are hidden. 0 is shown: it says nothing about anyone.
    sums
        Columns that are sums of other columns: total -> groups of parts, each group adding up to it.

    Returns
    -------
    DataFrame of bool
        True where a count must be hidden. Given all that is shown, what a reader can prove about any small count
        spans at least `least` (an exact audit by integer programming), so neither it nor a narrow range is known.

    Examples
    --------
    >>> table = pd.DataFrame({"C": [22, 2, 9, 11]}, index=["全县", "甲", "乙", "丙"])
    >>> suppress(table, 5)["C"].tolist()
    [False, True, True, False]
    """
    values = counts.to_numpy(dtype=np.int64)
    hidden = (values > 0) & (values < least)
    relations = _relations(counts, sums or {})
    small = [tuple(cell) for cell in np.argwhere(hidden)]
    while exposed := next((cell for cell in small if not _is_safe(cell, values, hidden, relations, least)), None):
        hidden[_next_to_hide(exposed, values, hidden, relations)] = True
    return pd.DataFrame(hidden, index=counts.index, columns=counts.columns)


Cell = tuple[int, ...]
Relation = tuple[Cell, tuple[Cell, ...]]


def _relations(counts: pd.DataFrame, sums: Mapping[str, Iterable[Sequence[str]]]) -> list[Relation]:
    """Every total with its parts: down each column, and across each row."""
    rows, columns = counts.shape
    found: list[Relation] = []
    if rows > 1:
        found += [((0, column), tuple((row, column) for row in range(1, rows))) for column in range(columns)]
    for total, groups in sums.items():
        for group in groups:
            at, parts = counts.columns.get_loc(total), [counts.columns.get_loc(name) for name in group]
            found += [((row, at), tuple((row, part) for part in parts)) for row in range(rows)]
    values = counts.to_numpy(dtype=np.int64)
    for total_cell, cells in found:
        if values[total_cell] != sum(values[cell] for cell in cells):
            raise InputError("公开版的合计与分项对不上，已停止导出：请先核对数据。")
    return found


def _is_safe(cell: Cell, values: Any, hidden: Any, relations: list[Relation], least: int) -> bool:
    low, high = provable(cell, values, hidden, relations)
    return high - low >= least


def provable(cell: Cell, values: Any, hidden: Any, relations: list[Relation]) -> tuple[float, float]:
    """Return the least and the most a hidden count can be, given everything that is shown."""
    unknown = {tuple(found): place for place, found in enumerate(np.argwhere(hidden))}
    rows, right = [], []
    for total, parts in relations:
        terms = [(total, -1.0), *((part, 1.0) for part in parts)]
        row = np.zeros(len(unknown))
        shown = 0.0
        for at, sign in terms:
            if at in unknown:
                row[unknown[at]] += sign
            else:
                shown += sign * float(values[at])
        if row.any():
            rows.append(row)
            right.append(-shown)
    if not rows:
        return 0.0, np.inf
    limit = LinearConstraint(np.array(rows), np.array(right), np.array(right))
    aim = np.zeros(len(unknown))
    aim[unknown[tuple(cell)]] = 1.0
    return _edge(aim, limit, 1.0), _edge(aim, limit, -1.0)


def _edge(aim: Any, limit: LinearConstraint, sign: float) -> float:
    solved = milp(sign * aim, constraints=limit, integrality=np.ones(len(aim)))
    if solved.x is None:  # what is shown can always be met, so there is no bound
        return np.inf
    return float(round(aim @ solved.x))


def _next_to_hide(cell: Cell, values: Any, hidden: Any, relations: list[Relation]) -> Cell:
    """Choose the smallest shown count in a sum with the exposed one; else any shown count that shares a sum."""
    reached, seen = {cell}, {cell}
    while reached:
        near = {at for total, parts in relations if reached & {total, *parts} for at in (total, *parts)}
        shown = [at for at in near if not hidden[at]]
        if shown:
            parts_first = {total for total, _ in relations}
            return min(shown, key=lambda at: (values[at] == 0, at in parts_first and at[0] == 0, values[at], at))
        reached = near - seen
        seen |= near
    raise InputError("公开版有无法隐去的小计数，已停止导出：请减少分项。")
