"""Excel workbooks: looked over before they are opened, then read sheet by sheet."""

import re
import zipfile
from pathlib import Path
from typing import Any

import python_calamine

from geo.archive import Member, open_checked
from geo.errors import InputError
from geo.parsed import Limits, Parsed, Wish, shown
from geo.sheet import extract
from geo.textfile import from_sheet

_CELL = re.compile(rb"""\sr\s*=\s*["']\$?([A-Za-z]{0,4})\$?(\d{1,9})["']""")
_TAG = re.compile(rb"<(?:\w+:)?c[\s/>]")
_MOST_PARTS = 1500
_MOST_SHEETS = 200
_CHUNK = 1 << 22
_OVERLAP = 64


def parse_workbook(path: Path, wish: Wish) -> Parsed:
    """Read one sheet of an Excel workbook: the one named, else the one with most cells.

    Raises
    ------
    InputError
        Encrypted, damaged, a sheet whose cell addresses would not fit in memory, no sheet of that name, nothing in it.
    """
    notes: list[str] = []
    if zipfile.is_zipfile(path):
        look_over(path, wish.limits, notes)
    try:
        with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
            return _read(book, wish, notes)
    except python_calamine.PasswordError as locked:
        raise InputError("工作簿有打开密码，读不了。请在 Excel 中去掉密码后另存再试。") from locked
    except python_calamine.CalamineError as broken:
        raise InputError("工作簿已损坏或不是 Excel 文件，打不开。请用 Excel 打开后另存为 .xlsx 再试。") from broken


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def look_over(path: Path, limits: Limits, notes: list[str]) -> None:
    """Refuse a workbook whose sheets claim more cells than memory holds, before the reader allocates them."""
    archive, members = open_checked(path, limits, members=_MOST_PARTS)
    with archive:
        names = {member.name for member in members}
        if "xl/workbook.xml" not in names and "xl/workbook.bin" not in names and "content.xml" not in names:
            raise InputError("内容不是 Excel 工作簿（像是普通压缩包改了扩展名）。请确认文件。")
        if any("externallink" in name.lower() for name in names):
            notes.append("工作簿引用了别的文件，链接不会被打开，只用其中已保存的数值。")
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            notes.append("工作簿带有宏，宏不会运行。")
        sheets = [member for member in members if re.match(r"xl/(work|chart)sheets/[^/]+$", member.name, re.IGNORECASE)]
        if len(sheets) > _MOST_SHEETS:
            raise InputError(f"工作簿有 {len(sheets)} 个工作表，超过上限 {_MOST_SHEETS} 个。请拆分后再试。")
        for member in members:
            if member.suffix in (".xml", ".rels"):
                _scan(archive, member, limits, is_sheet=member in sheets)


def _scan(archive: zipfile.ZipFile, member: Member, limits: Limits, *, is_sheet: bool) -> None:
    last_row = last_column = cells = size = 0
    tail = b""
    try:
        with archive.open(member.info) as source:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > member.info.file_size or size > limits.unpacked_bytes:
                    raise InputError("工作簿里的文件比它标明的大，已拒绝。")
                if not tail:
                    _check_head(chunk)
                if not is_sheet:
                    break
                part = tail + chunk
                for letters, digits in _CELL.findall(part):
                    last_row = max(last_row, int(digits))
                    last_column = max(last_column, _column(letters)) if letters else last_column
                cells += len(_TAG.findall(part))
                if last_row * max(last_column, 1) > limits.cells or cells > limits.cells * 2:
                    raise InputError(
                        f"工作表里最远的单元格在第 {last_row:,} 行第 {last_column:,} 列，占用过大，已拒绝。"
                        "多半是误把格式刷到了表尾：请删除表格右侧和下方的空行空列后另存再试。"
                    )
                tail = part[-_OVERLAP:]
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as broken:
        raise InputError("工作簿内部已损坏，解不开。请用 Excel 打开后另存再试。") from broken


def _check_head(chunk: bytes) -> None:
    head = chunk[:4096]
    if b"\x00" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("工作簿内部编码异常，已拒绝。请用 Excel 打开后另存为 .xlsx 再试。")
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", head, re.IGNORECASE):
        raise InputError("工作簿里含有实体声明，可能有恶意，已拒绝。请用 Excel 打开后另存为 .xlsx 再试。")


def _read(book: Any, wish: Wish, notes: list[str]) -> Parsed:
    visible = python_calamine.SheetVisibleEnum.Visible
    work = [meta for meta in book.sheets_metadata if meta.typ == python_calamine.SheetTypeEnum.WorkSheet]
    names = [meta.name for meta in work]
    if len(names) > _MOST_SHEETS:
        raise InputError(f"工作簿有 {len(names)} 个工作表，超过上限 {_MOST_SHEETS} 个。请拆分后再试。")
    if wish.layer is not None:
        if wish.layer not in names:
            raise InputError(f"没有名为“{shown(wish.layer)}”的工作表。现有：{_names(names)}。")
        chosen, grid = wish.layer, _grid(book, wish.layer, wish.limits)
    else:
        chosen, grid = _biggest(book, [meta.name for meta in work if meta.visible == visible], wish.limits, notes)
        hidden = [meta.name for meta in work if meta.visible != visible]
        if hidden:
            notes.append(f"隐藏的工作表没有读取：{_names(hidden)}。")
    rows, merges, first_row, first_column = grid
    parsed = from_sheet(extract(rows, merges, first_row=first_row, first_column=first_column), "Excel", notes)
    parsed.layer, parsed.layers = chosen, tuple(names)
    return parsed


def _names(names: list[str]) -> str:
    return "、".join(shown(name, 31) for name in names[:15]) + (" 等" if len(names) > 15 else "")


Grid = tuple[list[list[Any]], list[tuple[int, int, int, int]], int, int]


def _grid(book: Any, name: str, limits: Limits) -> Grid:
    """Cells without the empty area above and left, merged areas in the same counting, 1-based first row and column."""
    sheet = book.get_sheet_by_name(name)
    if sheet.start is None:
        return [], [], 1, 1
    top, left = sheet.start
    if (sheet.end[0] - top + 1) * (sheet.end[1] - left + 1) > limits.cells or sheet.end[1] - left >= limits.columns:
        raise InputError(
            f"工作表“{shown(name)}”有 {sheet.end[0] + 1:,} 行 {sheet.end[1] + 1:,} 列，超过上限。请删除空行空列或拆分。"
        )
    rows = sheet.to_python(skip_empty_area=True)
    merges = [
        (start[0] - top, start[1] - left, end[0] - top, end[1] - left)
        for start, end in sheet.merged_cell_ranges or []
        if start[0] >= top and start[1] >= left
    ]
    return rows, merges, top + 1, left + 1


def _biggest(book: Any, names: list[str], limits: Limits, notes: list[str]) -> tuple[str, Grid]:
    best: tuple[int, str, Grid] = (0, "", ([], [], 1, 1))
    filled = []
    for name in names:
        grid = _grid(book, name, limits)
        count = sum(cell not in (None, "") for row in grid[0] for cell in row)
        if count:
            filled.append(name)
        if count > best[0]:
            best = (count, name, grid)
    if not filled:
        raise InputError("工作簿里没有任何内容。请检查是否选错了文件。")
    if len(filled) > 1:
        notes.append(
            f"工作簿有多个工作表有内容：{_names(filled)}。已读取内容最多的“{shown(best[1], 31)}”，要读别的请指定。"
        )
    return best[1], best[2]
