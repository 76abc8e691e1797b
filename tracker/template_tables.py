"""What the office says now, table by table, and how the columns of the office's own sheets are read and spelt."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from geo.errors import InputError
from geo.read import Dropped
from layers import cells, schema
from layers.headers import keys, plain_header
from layers.match import Mapping as Mapped
from layers.match import complete, normalise_name
from layers.schema import Field, Schema
from tracker import events, facts, houses, projects, standing
from tracker.office import Office
from tracker.questions import GRADES, UNKNOWN, Question, read_answer
from tracker.status import HOUSE_LABELS, PROJECT_LABELS, TREATMENTS

UNREAD = "\0"
LABELS = {"houses": "危房台账", "projects": "项目"}
PAIRS = (("是", "否"), ("有", "无"), ("√", "×"), ("已通", "未通"), ("通", "不通"), ("达标", "不达标"), ("合格", "不合格"),
         ("安全", "不安全"), ("已建", "未建"), ("已完成", "未完成"), ("Y", "N"), ("1", "0"))  # fmt: skip
_IDS = {
    "houses": ("户编号", "户编码", "户号", "农户编号", "household_id"),
    "projects": ("项目编号", "编号", "project_id"),
}
_ASKED: Mapping[str, tuple[tuple[Question, tuple[str, ...]], ...]] = {
    "houses": (
        (Question("status", "进度", HOUSE_LABELS), ("进度", "状态", "改造进度", "办理进度", "当前状态")),
        (Question("grade", "鉴定等级", GRADES), ("鉴定等级", "危房等级", "危房级别", "房屋等级")),
        (Question("treatment", "处置方式", TREATMENTS), ("处置方式", "改造方式", "处置", "五宜")),
    ),
    "projects": (
        (Question("status", "进度", PROJECT_LABELS), ("进度", "状态", "项目状态", "项目进度", "当前状态")),
        (Question("actual_cost_cny10k", "实际投资"), ("实际投资", "实际投资万元", "完成投资")),
        (Question("actual_length_km", "实际长度"), ("实际长度", "实际里程", "完成里程")),
    ),
}


@dataclass(frozen=True)
class Column:
    """One column of the office's sheet: what it holds row by row, as read and as written, and how a value is spelt there."""

    field: str
    header: str
    old: Sequence[str]
    shown: Sequence[str]
    spell: Callable[[str], tuple[str, float | None]]


@dataclass(frozen=True)
class State:
    """What the office says: unit -> column -> value; and who says so: source, day, whether seen on a visit."""

    values: Mapping[str, Mapping[str, str]]
    sources: Mapping[tuple[str, str], tuple[str, str, bool]] = field(default_factory=dict)
    usual: tuple[str, str, bool] = ("", "", False)

    def source(self, unit: str, name: str) -> tuple[str, str, bool]:
        """Return who says so since when."""
        return self.sources.get((unit, name), self.usual)


def state(office: Office, table: str, fields: Sequence[str]) -> State:
    """Return what the office says now of some columns of a table."""
    if table == "claims":
        held = standing.claimed(office)
        values: dict[str, dict[str, str]] = {}
        for (unit, need), (value, _, _) in held.items():
            values.setdefault(unit, {})[need] = value
        told = {key: (source, day, source.startswith(facts.SOURCE)) for key, (_, day, source) in held.items()}
        return State(values, told)
    if table in LABELS:
        return _ledger_state(office, table)
    frame = office.frame(table)
    if frame is None:
        raise InputError(f"办公室里还没有“{schema.load()[table].label}”图层，没有什么可回填。")
    plan = schema.load()[table]
    ids = [str(key) for key in frame[plan.id]]
    listed = {name: [_known(facts.written(value)) for value in frame[name]] for name in fields if name in frame}
    values = {unit: {name: listed[name][at] for name in listed} for at, unit in enumerate(ids)}
    source = office.sources()[table]
    seen = facts.facts(office.ledger).get(table, [])
    told = {
        (f.cell.id, f.cell.field): (f.source, f.at.isoformat(), True)
        for f in seen
        if values.get(f.cell.id, {}).get(f.cell.field) == f.value
    }
    return State(values, told, (source.file_name, source.as_of.isoformat(), False))


def _known(value: str) -> str:
    return "" if value in ("unknown", "none") else value


def _ledger_state(office: Office, table: str) -> State:
    if table == "houses":
        listed = houses.houses(office.ledger)
        values = {h.household_id: {"status": h.status, "grade": h.grade, "treatment": h.treatment} for h in listed}
        days = {h.household_id: h.since.isoformat() for h in listed}
    else:
        found = projects.projects(office.ledger)
        values = {}
        for item in found:
            cost = None if item.actual_cost_cny is None else float(item.actual_cost_cny) / 10_000
            numbers = {
                "actual_cost_cny10k": facts.written(cost),
                "actual_length_km": facts.written(item.actual_length_km),
            }
            values[item.project_id] = {"status": item.status, **numbers}
        days = {item.project_id: item.since.isoformat() for item in found}
    prefix = "house" if table == "houses" else "project"
    kinds = houses.MOVED if table == "houses" else projects.MOVED
    last = {e.subject.partition(":")[2]: e for e in events.latest(office.ledger, kinds)}
    told = {
        (unit, name): (f"账本 {prefix} 第 {last[unit].seq} 号" if unit in last else "账本", days[unit], False)
        for unit, row in values.items()
        for name in row
    }
    return State(values, told)


def units(office: Office, plan: Schema, ours: Any) -> list[str]:
    """Return the unit each row of a sheet is about: by its code, else by town and name where that names one only."""
    if plan.id in ours.columns:
        return [cells.parse_identity(text) or "" if (text := cells.cell_text(value)) else "" for value in ours[plan.id]]
    if "name" not in ours.columns:
        raise InputError(
            f"表里没有编号列，也没有名称列，不知道每行是哪一个{plan.label}。请用映射文件 [columns] 写 {plan.id} = “表头”。"
        )
    frame = office.frame(plan.name)
    above = next((name for name in ("village", "town") if name in ours.columns), None)
    known = _named(frame, plan, above) if frame is not None else {}
    keys_of = zip(ours["name"], ours[above] if above else [""] * len(ours), strict=True)
    return [
        known.get((normalise_name(cells.cell_text(upper)), normalise_name(cells.cell_text(name))), "")
        for name, upper in keys_of
    ]


def _named(frame: Any, plan: Schema, above: str | None) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], list[str]] = {}
    upper = frame[above] if above and above in frame.columns else [""] * len(frame)
    for key, name, place in zip(frame[plan.id], frame["name"], upper, strict=True):
        found.setdefault((normalise_name(cells.cell_text(place)), normalise_name(cells.cell_text(name))), []).append(
            str(key)
        )
    return {key: ids[0] for key, ids in found.items() if len(ids) == 1}


def read_register(
    office: Office, dropped: Dropped, mapping: Mapped | None
) -> tuple[str, list[str], list[Column], list[int]]:
    """Read a register with one column a need: which village each row is, and what it says of every need."""
    plan = schema.load()["claims"]
    frame = pd.DataFrame(dropped.frame.drop(columns="geometry", errors="ignore"))
    names = [str(name) for name in frame.columns]
    own = Mapped({k: v for k, v in mapping.columns.items() if plan.has(k)}) if mapping is not None else None
    chosen = complete(own, names, plan)
    head = chosen.columns.get("unit_id", "")
    if head:
        rows = [cells.parse_identity(cells.cell_text(value)) or "" for value in frame[head]]
    else:
        villages = schema.load()["villages"]
        ours = frame.rename(columns={chosen.columns.get("village", ""): "name", chosen.columns.get("town", ""): "town"})
        rows = units(office, villages, ours)
    given = {} if mapping is None else {theirs: need for need, theirs in mapping.columns.items() if not plan.has(need)}
    labels = {plain_header(text): need for text, need in office.need_ids().items()}
    used, columns = set(chosen.columns.values()), []
    for name in names:
        need = given.get(name) or next((labels[key] for key, _ in keys(name) if key in labels), None)
        if need and (name not in used or name in given):
            columns.append(_answers(need, name, frame[name]))
    return head or "村名", rows, columns, list(range(len(frame)))


def _answers(need: str, header: str, theirs: Any) -> Column:
    shown, values = [cell(value) for value in theirs], []
    for text in shown:
        said = cells.parse_boolean(text, layer="claims", field="value") if text else None
        blank = not text or cells.is_blank(text)
        values.append(
            ""
            if blank
            else UNREAD
            if said is None and not _is_number(text)
            else facts.written(said)
            if said is not None
            else text
        )
    found = spellings(values, shown)
    return Column(need, header, values, shown, lambda value: _answer(value, found))


def _answer(value: str, found: Mapping[str, str]) -> tuple[str, float | None]:
    if value in ("yes", "no"):
        return _yes_no(value, found), None
    return value, float(value) if _is_number(value) else None


def _is_number(text: str) -> bool:
    return cells.parse_number(text, "", 1.0) is not None


def read_ledger(dropped: Dropped, table: str) -> tuple[str, list[str], list[Column], list[int]]:
    """Read a sheet of houses or projects by its headers."""
    frame = pd.DataFrame(dropped.frame.drop(columns="geometry", errors="ignore"))
    heads = {key: str(name) for name in reversed(frame.columns) for key, _ in keys(name)}
    head = next((heads[plain_header(alias)] for alias in _IDS[table] if plain_header(alias) in heads), None)
    if head is None:
        raise InputError(f"{LABELS[table]}：表里没有编号列（找过 {'、'.join(_IDS[table])}）。")
    columns = []
    for question, aliases in _ASKED[table]:
        name = next((heads[plain_header(alias)] for alias in aliases if plain_header(alias) in heads), None)
        if name is not None:
            columns.append(_asked(question, name, frame[name]))
    rows = [cells.cell_text(value) for value in frame[head]]
    return head, rows, columns, list(range(len(frame)))


def _asked(question: Question, header: str, theirs: Any) -> Column:
    shown, values = [cell(value) for value in theirs], []
    for text in shown:
        try:
            said = read_answer(question, text)
        except InputError:
            said = UNREAD
        values.append("" if said == UNKNOWN else said)
    found = spellings(values, shown)

    def spell(value: str) -> tuple[str, float | None]:
        if not question.choices:
            return value, float(value)
        return found.get(value) or question.choices.get(value, value), None

    return Column(question.field, header, values, shown, spell)


def cell(value: Any) -> str:
    """Return a cell as it is shown."""
    return cells.cell_text(value)


def spellings(values: Sequence[str], shown: Sequence[str]) -> dict[str, str]:
    """Return how each value is mostly spelt in a column.

    >>> spellings(["yes", "yes", "no"], ["有", "有", "无"])
    {'yes': '有', 'no': '无'}
    """
    found: dict[str, Counter[str]] = {}
    for value, text in zip(values, shown, strict=True):
        if value and value != UNREAD:
            found.setdefault(value, Counter())[text] += 1
    return {value: counts.most_common(1)[0][0] for value, counts in found.items()}


def _yes_no(value: str, found: Mapping[str, str]) -> str:
    if value in found:
        return found[value]
    other = found.get("no" if value == "yes" else "yes", "")
    for yes, no in PAIRS:
        if other == (no if value == "yes" else yes):
            return yes if value == "yes" else no
    return "是" if value == "yes" else "否"


def spelt(layer: str, item: Field, value: str, found: Mapping[str, str]) -> str:
    """Return how a value is to be written in a column: as the column itself does, else as people usually do."""
    if item.type == "boolean":
        return _yes_no(value, found)
    if value in found:
        return found[value]
    usual: dict[str, str] = {}
    for theirs, ours in schema.value_aliases(layer, item.name).items():
        if not theirs.isascii():
            usual.setdefault(ours, theirs)
    if item.type == "codes":
        return "、".join(usual.get(code, code) for code in value.split(";"))
    return usual.get(value, value)
