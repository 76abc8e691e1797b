"""The office's own sheet: compared cell by cell with what the office says now, and only the differences written back.

The sheet is read through the same mapping as any file. The workbook that comes out is the office's own: every other cell,
format, formula, chart and sheet keeps its bytes (geo.cellpatch). What is unknown writes nothing over a value.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from geo.errors import InputError
from geo.read import Dropped, read
from geo.template import Outline, outline, patch
from layers import match, schema
from layers.headers import keys, plain_header
from layers.schema import Field, Schema
from layers.values import parse
from tracker import template_tables
from tracker.facts import written
from tracker.office import Office
from tracker.template_tables import UNREAD, Column

_TYPES = frozenset({"boolean", "code", "codes", "number", "integer", "year"})
_PLACES = frozenset({"seat_x", "seat_y"})
TABLES = {**{name: plan.label for name, plan in schema.load().items()}, **template_tables.LABELS}


@dataclass(frozen=True)
class Change:
    """One cell that would change: where, of what, from what to what, and who says so since when."""

    address: str
    unit: str
    field: str
    header: str
    old: str
    new: str
    source: str
    day: str
    number: float | None = None


@dataclass(frozen=True)
class Skipped:
    """One cell that differs and is left alone, with the reason."""

    address: str
    unit: str
    header: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class Comparison:
    """A sheet held against the office: what would change, what is left alone, how many rows were found."""

    table: str
    sheet: str
    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...]
    rows: int
    matched: int
    columns: Mapping[str, str]
    unmatched: tuple[str, ...]
    notes: tuple[str, ...]
    is_old: bool


def compare(
    office: Office,
    path: Path,
    table: str,
    *,
    sheet: str | None = None,
    mapping: match.Mapping | None = None,
    with_formulas: bool = False,
    only_seen: bool = False,
    since: date | None = None,
) -> Comparison:
    """Hold the office's own sheet against what the office says now, changing nothing.

    Parameters
    ----------
    table
        A layer, or `houses`, `projects`: the ledgers.
    mapping
        Which of its columns are which; those it does not name are found by their headers.
    with_formulas
        Also put values over formulas of a cell of its own (never over shared ones).
    only_seen, since
        Only values seen on a visit; only values whose source is of this day or later.

    Raises
    ------
    InputError
        No such table, no column that names the rows, or nothing in the sheet that the office knows.
    """
    if table not in TABLES:
        raise InputError(
            f"没有叫“{table}”的表。可用的有：{'、'.join(f'{name}（{label}）' for name, label in TABLES.items())}。"
        )
    dropped, cells = read(path, sheet=sheet), outline(path)
    names = [str(name) for name in dropped.frame.columns if str(name) != "geometry"]
    letters = {name: _letters(at) for name, at in zip(names, dropped.columns, strict=False)}
    chosen, units, columns, kept = _columns(office, dropped, table, mapping)
    if not columns:
        raise InputError(f"表里没有认得出的可回填列。表头有：{'、'.join(names[:20])}。请用映射文件指明对应的列。")
    state = template_tables.state(office, table, [column.field for column in columns])
    repeated = {unit for unit, count in Counter(units).items() if count > 1}
    changes, skipped = [], []
    for column in columns:
        for at, unit in enumerate(units):
            new = state.values.get(unit, {}).get(column.field, "")
            old = column.old[at]
            if not new or old == new or not unit or (not old and unit in repeated):
                continue
            source, day, is_seen = state.source(unit, column.field)
            if (only_seen and not is_seen) or (since is not None and day < since.isoformat()):
                continue
            address = f"{letters[column.header]}{dropped.rows[kept[at]]}"
            text, number = column.spell(new)
            why = _reason(cells, dropped.layer, address, with_formulas=with_formulas)
            if why:
                skipped.append(Skipped(address, unit, column.header, column.shown[at], text, why))
            else:
                changes.append(
                    Change(address, unit, column.field, column.header, column.shown[at], text, source, day, number)
                )
    found = [unit for unit in units if unit in state.values]
    lost = tuple(
        dict.fromkeys(
            unit or f"第 {dropped.rows[kept[at]]} 行" for at, unit in enumerate(units) if unit not in state.values
        )
    )
    if units and not found:
        raise InputError(
            f"表里 {len(units)} 行没有一行能和“{TABLES[table]}”对上。请检查选的是不是这张表、编号列对不对（{chosen}）。"
        )
    notes = tuple(dict.fromkeys([*dropped.notes, *cells.notes]))
    order = sorted(changes, key=lambda change: (_row(change.address), change.address))
    return Comparison(
        table, dropped.layer, tuple(order), tuple(skipped), len(units), len(found),
        {column.header: column.field for column in columns}, lost, notes, cells.is_old,
    )  # fmt: skip


def fill(
    office: Office, path: Path, found: Comparison, *, mark: bool = False, **options: Any
) -> tuple[bytes, tuple[str, ...]]:
    """Return the office's own workbook with the differences written in, after reading it back to make sure.

    Without differences it is the file as it was, byte for byte (an .xls is always turned into an .xlsx). `mark` gives
    the changed cells a yellow ground. `options` are those of `compare`.
    """
    changes = [
        {"address": change.address, "number": change.number}
        if change.number is not None
        else {"address": change.address, "text": change.new}
        for change in found.changes
    ]
    content, notes = patch(path, found.sheet, changes, mark=mark)
    if changes:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / f"回填{'.xlsx' if found.is_old else path.suffix}"
            copy.write_bytes(content)
            again = compare(office, copy, found.table, sheet=found.sheet, **options)
        left = {change.address for change in again.changes} & {change.address for change in found.changes}
        if left:
            raise InputError(
                f"写回后再读，{'、'.join(sorted(left)[:5])} 等 {len(left)} 格没有变成要写的值，已放弃。请把这份表发给维护人员。"
            )
    return content, notes


def change_table(found: Comparison) -> pd.DataFrame:
    """Return the list of changes as a table: cell, what, old, new, source, day; what was left alone with its reason."""
    rows = [(c.address, c.unit, c.header, c.old, c.new, c.source, c.day, "") for c in found.changes]
    rows += [(s.address, s.unit, s.header, s.old, s.new, "", "", s.why) for s in found.skipped]
    return pd.DataFrame(rows, columns=["单元格", "编号", "列", "原来", "改为", "依据", "依据日期", "没有改的原因"])


def _columns(
    office: Office, dropped: Dropped, table: str, mapping: match.Mapping | None
) -> tuple[str, list[str], list[Column], list[int]]:
    """Return what names the rows, the unit of each row, the columns to compare, and which rows of the frame they are."""
    if table in template_tables.LABELS:
        return template_tables.read_ledger(dropped, table)
    if table == "claims":
        return template_tables.read_register(office, dropped, mapping)
    plan = schema.load()[table]
    frame = pd.DataFrame(dropped.frame.drop(columns="geometry", errors="ignore"))
    names = [str(name) for name in frame.columns]
    chosen = match.complete(mapping, names, plan)
    ours, kept = match.apply(frame, chosen, plan)
    units = template_tables.units(office, plan, ours)
    factors = match.factors(chosen, plan)
    columns = []
    for item in plan.fields:
        header = _resolved(chosen.columns.get(item.name, ""), names)
        if header and item.type in _TYPES and item.name not in _PLACES and not item.is_private:
            columns.append(
                _column(
                    plan, item, header, ours[item.name], frame[header].iloc[kept], chosen, factors.get(item.name, 1.0)
                )
            )
    return chosen.columns.get(plan.id, "名称"), units, columns, [int(at) for at in kept]


def _resolved(theirs: str, names: Sequence[str]) -> str:
    if theirs in names or not theirs:
        return theirs
    same = [name for name in names if plain_header(theirs) in {plain_header(name), *(key for key, _ in keys(name))}]
    return same[0] if len(same) == 1 else ""


def _column(
    plan: Schema, item: Field, header: str, ours: Any, theirs: Any, mapping: match.Mapping, factor: float
) -> Column:
    parsed = parse(ours, item, layer=plan.name, factor=factor)
    values = [UNREAD if fault else written(value) for value, fault in zip(parsed.values, parsed.fault, strict=True)]
    shown = [template_tables.cell(value) for value in theirs]
    table = mapping.values.get(item.name, {})
    spellings = template_tables.spellings(values, shown)
    spell: Callable[[str], tuple[str, float | None]]
    if item.type in {"number", "integer", "year"}:

        def spell(value: str) -> tuple[str, float | None]:
            number = round(float(value) / factor, 10)
            return written(number), number
    else:
        back = {code: text for text, code in table.items() if text != "*"}

        def spell(value: str) -> tuple[str, float | None]:
            return back.get(value) or template_tables.spelt(plan.name, item, value, spellings), None

    return Column(item.name, header, values, shown, spell)


def _reason(cells: Outline, sheet: str, address: str, *, with_formulas: bool) -> str:
    if address in cells.bound.get(sheet, frozenset()):
        return "是共用公式或数组公式，不能单独改"
    if address in cells.formulas.get(sheet, frozenset()) and not with_formulas:
        return "是公式，没有覆盖"
    row, column = _row(address), _column_number(address)
    for first, last in cells.merges.get(sheet, ()):
        if _row(first) <= row <= _row(last) and _column_number(first) <= column <= _column_number(last):
            return "在合并单元格里，请先拆分"
    return ""


def _row(address: str) -> int:
    return int("".join(letter for letter in address if letter.isdigit()))


def _column_number(address: str) -> int:
    number = 0
    for letter in address:
        if letter.isalpha():
            number = number * 26 + ord(letter) - 64
    return number


def _letters(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
