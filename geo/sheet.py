"""Find the table inside a sheet: titles above, a header of one or several rows, notes and totals below."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from geo.errors import InputError
from geo.parsed import listed
from geo.values import text_of

Row = Sequence[object]
Merge = tuple[int, int, int, int]
"""First row, first column, last row, last column; 0-based, inclusive."""

_PREFACE = re.compile(r"盖章|填报|制表|填表|报送|统计时间|截至|^单位[:：]|日期[:：]|年\s+月")
_TOTAL = re.compile(r"^.{0,12}(合计|总计|小计|共计)[:：]?$")
_FOOTER = re.compile(
    r"^[(（]?(填表人|制表人?|审核人?|复核人?|负责人|单位负责人|主要负责人|填报人|填报单位|填报日期|填表日期|联系人|联系电话|"
    r"经办人|备注|说明|填表说明|附注|注|数据来源|资料来源)\d?\s*([:：)）]|$)"
)
_UNIT = re.compile(
    r"^[(（]?(人|户|个|元|万元|公里|千米|米|m|km|亩|平方米|㎡|m2|%|％|年|座|条|处|吨|是/否)[)）]?$", re.IGNORECASE
)
_ORDINAL = re.compile(r"^[(（]?(\d{1,3}|[甲乙丙丁戊己庚辛]|栏次|序号)[)）]?$")
_SEARCH_ROWS = 40
_MOST_HEADER_ROWS = 6
_WIDE = 0.6


@dataclass
class Sheet:
    """A table taken out of a sheet: names, cells, and the 1-based sheet row and column of each record and name."""

    names: list[str]
    cells: list[list[object]]
    rows: list[int]
    header_rows: int
    notes: list[str] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)


def clean_name(cell: object) -> str:
    """Write a header cell the one way: half-width, no line breaks, no blanks between Chinese characters.

    Examples
    --------
    >>> clean_name(" 人口\\n（人）"), clean_name("Road  Name"), clean_name(2016.0)
    ('人口(人)', 'Road Name', '2016')
    """
    text = unicodedata.normalize("NFKC", text_of(cell) or "")
    text = "".join(letter if letter.isprintable() else " " for letter in text if unicodedata.category(letter) != "Cf")
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f(])", "", text)


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _filled(rows: Sequence[Row], merges: Sequence[Merge], until: int) -> list[list[object]]:
    """The first rows with every merged area filled from its corner."""
    result = [list(row) for row in rows[:until]]
    for top, left, bottom, right in merges:
        if top >= len(result) or left >= len(result[top]):
            continue
        for at in range(top, min(bottom + 1, len(result))):
            for column in range(left, min(right + 1, len(result[at]))):
                result[at][column] = result[top][left]
    return result


def _is_heading(row: Row) -> bool:
    """A header has no amounts in it: no decimals, no long numbers, not mostly numbers."""
    texts = [clean_name(cell) for cell in row if not _is_blank(cell)]
    if not texts or any(re.fullmatch(r"[+-]?(\d*\.\d+|\d{5,}(\.\d*)?)", text) for text in texts):
        return False
    if any(len(text) > 60 for text in texts) and len(texts) < 3:
        return False
    numbers = sum(re.fullmatch(r"(?!(19|20)\d\d$)\d+", text) is not None for text in texts)
    return numbers * 2 <= len(texts)


def _header_start(filled: Sequence[Row], raw: Sequence[Row], used: Sequence[int]) -> int | None:
    for at, row in enumerate(filled):
        cells = [row[column] for column in used if not _is_blank(row[column])]
        written = sum(not _is_blank(raw[at][column]) for column in used)
        if len(cells) < _WIDE * len(used) or written < min(2, len(used)):
            continue
        distinct = {clean_name(cell) for cell in cells}
        if any(_PREFACE.search(text) for text in distinct) and len(distinct) < len(used):
            continue
        return at if _is_heading(row) else None
    return None


def _header_end(filled: Sequence[Row], raw: Sequence[Row], merges: Sequence[Merge], start: int, width: int) -> int:
    """Last header row: as deep as its merged cells reach, and one more below a group title."""
    end, at = start, start
    while at <= end and end - start < _MOST_HEADER_ROWS:
        for top, left, bottom, right in merges:
            if top == at and left < width:
                group = (
                    1 if right > left and bottom + 1 < len(raw) and _is_sub_header(raw[bottom + 1], left, right) else 0
                )
                end = max(end, min(bottom + group, len(filled) - 1))
        at += 1
    if end == start and not merges and start + 1 < len(raw) and _completes(raw[start], raw[start + 1]):
        end = start + 1
    return min(end, start + _MOST_HEADER_ROWS - 1)


def _is_sub_header(row: Row, left: int, right: int) -> bool:
    part = [cell for cell in row[left : right + 1] if not _is_blank(cell)]
    return bool(part) and all(isinstance(cell, str) for cell in part) and _is_heading(row)


def _completes(upper: Row, lower: Row) -> bool:
    """A second header row without merge marks (CSV): blank under the first name, text under the gaps."""
    has_gap = any(_is_blank(a) and not _is_blank(b) for a, b in zip(upper, lower, strict=False))
    if not has_gap or not lower or _is_blank(upper[0]) or not _is_blank(lower[0]) or not _is_heading(lower):
        return False
    return all(
        isinstance(cell, str) and not re.fullmatch(r"[\d.]+", cell.strip()) for cell in lower if not _is_blank(cell)
    )


def _names(filled: Sequence[Row], start: int, end: int, width: int, *, spread: bool) -> list[str]:
    levels = [[clean_name(filled[at][column]) for column in range(width)] for at in range(start, end + 1)]
    if spread:
        for column in range(1, width):
            if not levels[0][column] and any(level[column] for level in levels[1:]):
                levels[0][column] = levels[0][column - 1]
    names = []
    for column in range(width):
        parts: list[str] = []
        for level in levels:
            if level[column] and (not parts or parts[-1] != level[column]):
                parts.append(level[column])
        names.append("/".join(parts))
    return names


def _drop_below_header(cells: Sequence[Row], at: int, names: list[str], notes: list[str], offset: int) -> int:
    """Pass over a row of units (kept in the names) and a row that only counts the columns."""
    for _ in range(2):
        if at >= len(cells):
            break
        texts = [clean_name(cell) for cell in cells[at]]
        known = [text for text in texts if text]
        if len(known) >= 3 and all(_ORDINAL.match(text) for text in known) and _counts_up(known):
            notes.append(f"第 {at + offset} 行只是列号，已略过。")
        elif len(known) >= 1 and all(_UNIT.match(text) for text in known):
            for column, text in enumerate(texts):
                if text and names[column]:
                    names[column] = f"{names[column]}({text.strip('()')})"
            notes.append(f"第 {at + offset} 行是计量单位，已并入列名。")
        else:
            break
        at += 1
    return at


def _counts_up(texts: Sequence[str]) -> bool:
    numbers = [int(text.strip("()（）")) for text in texts if text.strip("()（）").isdigit()]
    return len(numbers) >= 2 and all(b - a == 1 for a, b in pairwise(numbers))


def _footer_start(cells: Sequence[Row], merges: Sequence[Merge], begin: int, used: int) -> int:
    """First row of the notes under the table, or the number of rows when there are none."""
    across = {top for top, left, bottom, right in merges if top == bottom and right - left + 1 >= max(3, used * 0.8)}
    footer = len(cells)
    for at in range(len(cells) - 1, max(begin, len(cells) - 60) - 1, -1):
        known = [clean_name(cell) for cell in cells[at] if not _is_blank(cell)]
        if not known or _FOOTER.match(known[0]) or (at in across and isinstance(cells[at][0], str)):
            footer = at if known else footer
            continue
        if len(known) == 1 and used >= 3 and len(known[0]) > 8:
            continue
        break
    return footer


def extract(rows: Sequence[Row], merges: Sequence[Merge] = (), *, first_row: int = 1, first_column: int = 1) -> Sheet:
    """Take the table out of a sheet.

    Titles and preface rows above are passed over; merged header cells are filled and joined with "/"; blank rows, totals
    (合计, 小计) and notes below (填表人, 备注) are left out and named in `notes`; merged text cells in the body are filled
    down, merged numbers are not (they would be counted twice).

    Parameters
    ----------
    rows
        Cells row by row, all rows equally long.
    merges
        Merged areas, 0-based and inclusive.
    first_row
        1-based sheet row of the first of `rows`.
    first_column
        1-based sheet column of the first cell of each row.

    Raises
    ------
    InputError
        When there is no cell with anything in it.

    Examples
    --------
    >>> sheet = extract([["贫困村名单", ""], ["村名", "人口"], ["甲村", 210.0], ["合计", 210.0], ["填表人：张三", ""]])
    >>> sheet.names, sheet.cells, sheet.rows
    (['村名', '人口'], [['甲村', 210.0]], [3])
    """
    width = max((len(row) for row in rows), default=0)
    cells = [[*row, *[None] * (width - len(row))] for row in rows]
    used = [column for column in range(width) if any(not _is_blank(row[column]) for row in cells[:2000])]
    if not used:
        raise InputError("表格是空的：没有任何内容。请检查是否选错了文件或工作表。")
    filled = _filled(cells, merges, _SEARCH_ROWS + _MOST_HEADER_ROWS)
    start = _header_start(filled[:_SEARCH_ROWS], cells, used)
    notes: list[str] = []
    if start is None:
        names, begin, count = [""] * width, 0, 0
        notes.append("没有找到表头，列名暂用“列1、列2……”。请在表格第一行补上列名，或在映射文件里按列号对应。")
    else:
        end = _header_end(filled, cells, merges, start, width)
        names = _names(filled, start, end, width, spread=not merges and end > start)
        count = end - start + 1
        titles = sum(any(not _is_blank(cell) for cell in cells[at]) for at in range(start))
        if titles:
            notes.append(f"表头之上有 {titles} 行标题或填报信息，已略过；表头在第 {start + first_row} 行。")
        begin = _drop_below_header(cells, end + 1, names, notes, first_row)
    body, numbers = _body(cells, merges, begin, names, len(used), first_row, notes)
    keep = [column for column in range(width) if names[column] or any(not _is_blank(row[column]) for row in body)]
    return Sheet(
        [names[column] for column in keep],
        [[row[column] for column in keep] for row in body],
        numbers,
        count,
        notes,
        [column + first_column for column in keep],
    )


def _body(
    cells: list[list[object]],
    merges: Sequence[Merge],
    begin: int,
    names: Sequence[str],
    used: int,
    first_row: int,
    notes: list[str],
) -> tuple[list[list[object]], list[int]]:
    footer = _footer_start(cells, merges, begin, used)
    _fill_down(cells, merges, begin, footer, first_row, notes)
    body: list[list[object]] = []
    numbers: list[int] = []
    totals: list[int] = []
    repeated: list[int] = []
    heads = [name.rsplit("/", 1)[-1] for name in names]
    for at in range(begin, footer):
        row = cells[at]
        known = [cell for cell in row if not _is_blank(cell)]
        if not known:
            continue
        if used >= 2 and any(_is_total(cell) for cell in known[:2]):
            totals.append(at + first_row)
        elif len(known) >= 2 and _may_be_in(known[0], heads) and [clean_name(cell) for cell in row] == heads:
            repeated.append(at + first_row)
        else:
            body.append(row)
            numbers.append(at + first_row)
    if totals:
        notes.append(f"第 {listed(totals)} 行是合计（小计）行，不是一条记录，已略过。")
    if repeated:
        notes.append(f"第 {listed(repeated)} 行重复了表头，已略过。")
    if footer < len(cells):
        notes.append(f"第 {footer + first_row} 行起是填表说明或落款，已略过。")
    return body, numbers


def _may_be_in(cell: object, heads: Sequence[str]) -> bool:
    """A quick look before the slow one: a repeated header begins with the first letter of some header."""
    text = cell.strip() if isinstance(cell, str) else ""
    return bool(text) and len(text) <= 60 and any(text[0] == head[:1] for head in heads) and clean_name(text) in heads


def _is_total(cell: object) -> bool:
    return isinstance(cell, str) and "计" in cell and _TOTAL.match(clean_name(cell)) is not None


def _fill_down(
    cells: list[list[object]], merges: Sequence[Merge], begin: int, footer: int, first_row: int, notes: list[str]
) -> None:
    texts, numbers = 0, []
    for top, left, bottom, _ in merges:
        if top < begin or bottom == top or top >= footer or left >= len(cells[top]) or _is_blank(cells[top][left]):
            continue
        value = cells[top][left]
        if not isinstance(value, str):
            numbers.append(top + first_row)
            continue
        texts += 1
        for at in range(top + 1, min(bottom + 1, footer)):
            cells[at][left] = value
    if texts:
        notes.append(f"有 {texts} 处竖向合并的文字单元格（如乡镇名），已逐行补齐。")
    if numbers:
        notes.append(
            f"第 {listed(numbers)} 行有竖向合并的数字，只记在第一行（补齐会重复计数），请拆分合并单元格后核对。"
        )
