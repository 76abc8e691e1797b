"""CSV and other delimited text: encoding, separator, header and coordinates found."""

import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from geo.coordinates import locate
from geo.encoding import decode
from geo.errors import InputError
from geo.parsed import Limits, Parsed, Wish, unique_names
from geo.sheet import Sheet, extract
from geo.values import typed

_SEPARATORS = (",", "\t", ";", "|", "，")
_LONGEST_CELL = 1_000_000


def parse_text(data: bytes, wish: Wish) -> Parsed:
    """Read delimited text into a table, with points when two columns are coordinates.

    Raises
    ------
    InputError
        Empty, binary, too many rows or columns, or a cell that never ends.
    """
    text, found = decode(data, wish.encoding)
    text = text.lstrip("\ufeff")
    if "\x00" in text[:100_000]:
        raise InputError("内容不是文本表格（含有二进制字节）。请用 Excel 另存为 .xlsx 或 CSV UTF-8 后再试。")
    if re.match(r"\s*<(!doctype|html|\?xml|svg)", text[:200], re.IGNORECASE):
        raise InputError("内容是网页或 XML，不是表格。请用 Excel 打开后另存为 .xlsx 再试。")
    notes = [found.note] if found.note else []
    separator, text = _separator(text)
    rows = _rows(text, separator, wish.limits, notes)
    parsed = from_sheet(extract(rows), "CSV", notes)
    parsed.encoding = found.label
    return parsed


def from_sheet(sheet: Sheet, driver: str, notes: list[str]) -> Parsed:
    """Type the columns of a table and find its coordinates."""
    names = unique_names(sheet.names)
    notes = [*notes, *sheet.notes]
    repeated = [name for name, count in Counter(sheet.names).items() if count > 1 and name]
    if repeated:
        notes.append(f"列名重复：{'、'.join(repeated[:5])}，后出现的已加 _2 区分。")
    columns = {}
    for position, name in enumerate(names):
        columns[name] = typed([row[position] for row in sheet.cells], name, notes)
    rows = np.array(sheet.rows, dtype=np.int64)
    located = locate(columns, rows)
    if located is None:
        return Parsed(
            columns, None, rows, driver, header_rows=sheet.header_rows, notes=notes, places=tuple(sheet.columns)
        )
    notes.extend(located.notes)
    return Parsed(
        columns,
        located.wkb,
        rows,
        driver,
        header_rows=sheet.header_rows,
        notes=notes,
        default_shift=located.default_shift,
        places=tuple(sheet.columns),
    )


def _separator(text: str) -> tuple[str, str]:
    """The separator that splits most of the first lines into the same number of cells."""
    stated = re.match(r"sep=(.)\r?\n", text)
    if stated:
        return stated.group(1), "\n" + text[stated.end() :]
    lines = [line for line in text[:200_000].splitlines()[:60] if line.strip()]
    best, score = ",", 0.0
    for separator in _SEPARATORS:
        counts = Counter(_outside_quotes(line, separator) for line in lines)
        number, lines_with_it = max(counts.items(), key=lambda item: (item[1] * (item[0] > 0), item[0]), default=(0, 0))
        if number and lines_with_it * 1.0 + number * 0.01 > score:
            best, score = separator, lines_with_it + number * 0.01
    return best, text


def _outside_quotes(line: str, separator: str) -> int:
    return sum(part.count(separator) for part in line.split('"')[::2])


def _rows(text: str, separator: str, limits: Limits, notes: list[str]) -> list[list[str | None]]:
    rows: list[list[str | None]] = []
    with contextlib.suppress(csv.Error):
        rows = _collected(csv.reader(io.StringIO(text, newline=""), delimiter=separator), limits)
    lines = text.count("\n")
    if not rows or (lines > 200 and len(rows) * 5 < lines):
        notes.append("有不成对的引号，已按“引号也是普通字符”读取，请核对含引号的行。")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE)
        try:
            rows = _collected(reader, limits)
        except csv.Error as broken:
            raise InputError(
                f"第 {reader.line_num} 行有一个超长的单元格，无法读取。请检查该行的引号和换行。"
            ) from broken
    return rows


def _collected(reader: Iterator[list[str]], limits: Limits) -> list[list[str | None]]:
    csv.field_size_limit(_LONGEST_CELL)
    rows: list[list[str | None]] = []
    cells = 0
    for row in reader:
        cells += len(row)
        if len(row) > limits.columns:
            raise InputError(f"第 {len(rows) + 1} 行有 {len(row)} 列，超过上限 {limits.columns} 列。请检查分隔符。")
        if len(rows) >= limits.rows or cells > limits.cells:
            raise InputError(f"表格超过 {limits.rows:,} 行或 {limits.cells:,} 格。请按乡镇拆分后分别导入。")
        rows.append([cell if cell.strip() else None for cell in row])
    return rows
