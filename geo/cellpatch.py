"""Change single cells of a workbook inside its zip, so that every other byte of every part stays what it was.

Runs in the worker process only: what is in the file is never parsed anywhere else.
"""

import copy
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from geo.archive import open_checked
from geo.errors import InputError
from geo.parsed import Limits, shown

PATCHED = "patched.xlsx"
CONVERTED = "converted.xlsx"
_MOST_PARTS = 1500
_CELL = re.compile(rb"<(\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_ROW = re.compile(rb"<(\w+:)?row\b([^>]*?)(/?)>")
_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
_ROW_NUMBER = re.compile(rb"""\sr\s*=\s*["'](\d{1,7})["']""")
_STYLE = re.compile(rb"""\ss\s*=\s*["'](\d{1,6})["']""")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b([^>]*?)(?:/>|>)")
_MERGE = re.compile(rb"""<(?:\w+:)?mergeCell\b[^>]*?\sref\s*=\s*["']([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})["']""")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FILL = b'<fill><patternFill patternType="solid"><fgColor rgb="FFFFF2A8"/><bgColor indexed="64"/></patternFill></fill>'


def outline(path: Path, limits: Limits) -> dict[str, Any]:
    """Return of every sheet where its formulas and merged cells are, by A1 addresses.

    A formula shared with other cells, or an array formula, is named apart: it cannot be taken out alone.
    """
    archive, _ = open_checked(path, limits, members=_MOST_PARTS)
    with archive:
        found = {}
        for name, part in _sheets(archive).items():
            text = _text(archive, part)
            formulas: list[str] = []
            bound: list[str] = []
            for cell in _CELL.finditer(text):
                formula = _FORMULA.search(cell[3] or b"")
                address = _REFERENCE.search(cell[2])
                if formula is not None and address is not None:
                    is_bound = re.search(rb"""\bt\s*=\s*["'](shared|array|dataTable)["']""", formula[1]) is not None
                    (bound if is_bound else formulas).append((address[1] + address[2]).decode())
            merges = [[a.decode(), b.decode()] for a, b in _MERGE.findall(text)]
            found[name] = {"formulas": formulas, "bound": bound, "merges": merges}
    return {"sheets": found}


def patch(
    path: Path, job: Path, sheet: str, changes: Sequence[Mapping[str, Any]], *, mark: bool, limits: Limits
) -> list[str]:
    """Write the workbook with some cells changed into the job folder and return what there is to say about it.

    Each change has `address`, and `number` or `text`. `mark` gives the changed cells a yellow ground. Formulas elsewhere
    are kept, and worked out anew when the workbook is next opened.

    Raises InputError when the sheet is written in a way in which single cells cannot be found.
    """
    notes: list[str] = []
    archive, _ = open_checked(path, limits, members=_MOST_PARTS)
    with archive:
        part = _sheets(archive).get(sheet)
        if part is None:
            raise InputError(f"没有名为“{shown(sheet)}”的工作表。")
        parts = {part: _text(archive, part)}
        styles = _styles_part(archive) if mark else None
        restyle: dict[int, int] = {}
        if styles is not None:
            made, restyle = _marked(_text(archive, styles), sorted(_styles_of(parts[part], changes)))
            if restyle:
                parts[styles] = made
            else:
                notes.append("这个工作簿的样式写法特殊，改动的格子没有标黄。")
        before = len(_FORMULA.findall(parts[part]))
        parts[part] = _patched(parts[part], changes, restyle)
        if len(_FORMULA.findall(parts[part])) < before:
            _drop_order(archive, parts)
        _recalculate(archive, parts, notes)
        _write(archive, parts, job / PATCHED)
    return notes


def convert(path: Path, job: Path) -> Path:
    """Write an old .xls as .xlsx: values and merged cells of every sheet; formats and formulas cannot be kept."""
    import python_calamine
    import xlsxwriter

    target = job / CONVERTED
    with (
        python_calamine.CalamineWorkbook.from_path(str(path)) as book,
        xlsxwriter.Workbook(str(target), {"strings_to_formulas": False, "strings_to_urls": False}) as made,
    ):
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for meta in book.sheets_metadata:
            if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            source, sheet = book.get_sheet_by_name(meta.name), made.add_worksheet(meta.name)
            top, left = source.start or (0, 0)
            grid = source.to_python(skip_empty_area=True) if source.start is not None else []
            for start, end in source.merged_cell_ranges or []:
                sheet.merge_range(start[0], start[1], end[0], end[1], "")
            for at, row in enumerate(grid):
                for column, value in enumerate(row):
                    if value not in (None, ""):
                        style = day if hasattr(value, "year") else None
                        sheet.write(at + top, column + left, value, style)
    return target


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return sheet name -> part, in the order of the workbook."""
    try:
        book = ET.fromstring(_text(archive, "xl/workbook.xml"))  # noqa: S314 - declarations of entities are refused
        relations = ET.fromstring(_text(archive, "xl/_rels/workbook.xml.rels"))  # noqa: S314
    except (KeyError, ET.ParseError) as broken:
        raise InputError("工作簿内部结构不完整，不能按格回填。请用 Excel 或 WPS 打开后另存为 .xlsx 再试。") from broken
    targets = {item.get("Id"): item.get("Target", "") for item in relations}
    found = {}
    for item in book.iter():
        target = targets.get(item.get(_RELATION)) if item.tag.endswith("}sheet") else None
        if target and "worksheet" in target.lower():
            name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            found[str(item.get("name"))] = str(PurePosixPath(name))
    return found


def _text(archive: zipfile.ZipFile, part: str) -> bytes:
    text = archive.read(part)
    if (
        re.search(rb"<!\s*(DOCTYPE|ENTITY|\[CDATA\[)", text[:4096])
        or b"<![CDATA[" in text
        or text[:2] in (b"\xff\xfe", b"\xfe\xff")
    ):
        raise InputError("工作簿内部写法异常，已拒绝。请用 Excel 或 WPS 打开后另存为 .xlsx 再试。")
    return text


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _split(address: str) -> tuple[bytes, int]:
    found = re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", address)
    if found is None:
        raise InputError(f"“{shown(address, 20)}”不是单元格地址。")
    return found[1].encode(), int(found[2])


def _rows(text: bytes) -> dict[int, tuple[int, int, int, bytes]]:
    """Return row number -> where its tag starts, where its cells start and end (equal to -1: none), its prefix."""
    found: dict[int, tuple[int, int, int, bytes]] = {}
    for tag in _ROW.finditer(text):
        number = _ROW_NUMBER.search(tag[2])
        if number is None:
            raise InputError("工作表没有写行号，不能按格回填。请用 Excel 或 WPS 打开后另存为 .xlsx 再试。")
        end = -1 if tag[3] else text.find(b"</" + (tag[1] or b"") + b"row>", tag.end())
        found[int(number[1])] = (tag.start(), tag.end(), end, tag[1] or b"")
    return found


def _cells(text: bytes, start: int, end: int) -> dict[int, Any]:
    found = {}
    for cell in _CELL.finditer(text, start, end):
        address = _REFERENCE.search(cell[2])
        if address is None:
            raise InputError("工作表没有写单元格地址，不能按格回填。请用 Excel 或 WPS 打开后另存为 .xlsx 再试。")
        found[_number(address[1])] = cell
    return found


def _styles_of(text: bytes, changes: Sequence[Mapping[str, Any]]) -> set[int]:
    """Return the styles of the cells that will change."""
    rows, used = _rows(text), set()
    for row, listed in _by_row(changes).items():
        place = rows.get(row)
        cells = _cells(text, place[1], place[2]) if place is not None and place[2] >= 0 else {}
        for column, _, _ in listed:
            style = _STYLE.search(cells[column][2]) if column in cells else None
            used.add(int(style[1]) if style is not None else 0)
    return used


def _by_row(changes: Sequence[Mapping[str, Any]]) -> dict[int, list[tuple[int, bytes, Mapping[str, Any]]]]:
    found: dict[int, list[tuple[int, bytes, Mapping[str, Any]]]] = {}
    for change in changes:
        letters, row = _split(str(change["address"]))
        found.setdefault(row, []).append((_number(letters), letters, change))
    return found


def _patched(text: bytes, changes: Sequence[Mapping[str, Any]], restyle: Mapping[int, int]) -> bytes:
    """Put every changed cell into its place; what lies between is copied as it is."""
    rows = _rows(text)
    edits: list[tuple[int, int, int, bytes]] = []
    for row, listed in _by_row(changes).items():
        place = rows.get(row)
        if place is None or place[2] < 0:
            raise InputError(f"工作表第 {row} 行没有内容，不能回填。")
        cells = _cells(text, place[1], place[2])
        for column, letters, change in listed:
            cell = cells.get(column)
            made = _cell(place[3], letters, row, change, cell, restyle)
            after = [other.start() for at, other in cells.items() if at > column]
            start = cell.start() if cell is not None else min(after) if after else place[2]
            edits.append((start, column, cell.end() if cell is not None else start, made))
    pieces, done = [], 0
    for start, _, end, made in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [text[done:start], made]
        done = end
    return b"".join([*pieces, text[done:]])


def _cell(
    prefix: bytes, letters: bytes, row: int, change: Mapping[str, Any], old: Any, restyle: Mapping[int, int]
) -> bytes:
    found = _STYLE.search(old[2]) if old is not None else None
    style = int(found[1]) if found is not None else 0
    style = restyle.get(style, style)
    head = b'<%sc r="%s%d"' % (prefix, letters, row) + (b' s="%d"' % style if style or found else b"")
    if change.get("number") is not None:
        return head + b"><%sv>%s</%sv></%sc>" % (prefix, _plain(float(change["number"])), prefix, prefix)
    text = escape("".join(letter for letter in str(change["text"]) if letter.isprintable() or letter == "\n")).encode()
    inner = b'<%st xml:space="preserve">%s</%st>' % (prefix, text, prefix)
    return head + b' t="inlineStr"><%sis>%s</%sis></%sc>' % (prefix, inner, prefix, prefix)


def _plain(value: float) -> bytes:
    return (str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)).encode()


def _styles_part(archive: zipfile.ZipFile) -> str | None:
    return "xl/styles.xml" if "xl/styles.xml" in archive.namelist() else None


def _marked(text: bytes, used: Sequence[int]) -> tuple[bytes, dict[int, int]]:
    """Add a yellow ground to the fills, and a copy with it of each style in use; nothing when the part is unusual."""
    fills = re.search(rb'<fills count="(\d+)">(.*?)</fills>', text, re.DOTALL)
    formats = re.search(rb'<cellXfs count="(\d+)">(.*?)</cellXfs>', text, re.DOTALL)
    if fills is None or formats is None:
        return text, {}
    listed = re.findall(rb"<xf\b(?:[^>]*?/>|[^>]*?[^/]>.*?</xf>)", formats[2], re.DOTALL)
    if len(listed) != int(formats[1]) or any(style >= len(listed) for style in used):
        return text, {}
    fill, made, restyle = int(fills[1]), [], {}
    for style in used:
        head, _, rest = listed[style].partition(b">")
        is_closed = head.endswith(b"/")
        head = re.sub(rb'\s(fillId|applyFill)="[^"]*"', b"", head.removesuffix(b"/"))
        made.append(head + b' fillId="%d" applyFill="1"' % fill + (b"/>" if is_closed else b">" + rest))
        restyle[style] = len(listed) + len(made) - 1
    new = b'<cellXfs count="%d">%s%s</cellXfs>' % (len(listed) + len(made), formats[2], b"".join(made))
    text = text[: formats.start()] + new + text[formats.end() :]
    new = b'<fills count="%d">%s%s</fills>' % (fill + 1, fills[2], _FILL)
    return text[: fills.start()] + new + text[fills.end() :], restyle


def _recalculate(archive: zipfile.ZipFile, parts: dict[str, bytes], notes: list[str]) -> None:
    """Where the workbook has formulas, let them be worked out anew on opening, and drop the list of formula cells."""
    names = set(archive.namelist())
    has_formulas = any(
        _FORMULA.search(parts.get(part) or _text(archive, part)) for part in _sheets(archive).values() if part in names
    )
    if not has_formulas:
        return
    book = _text(archive, "xl/workbook.xml")
    found = re.search(rb"<(?:\w+:)?calcPr\b[^>]*?(/?)>", book)
    if found is not None and b"fullCalcOnLoad" not in found[0]:
        end = found.end() - 1 - len(found[1])
        parts["xl/workbook.xml"] = book[:end] + b' fullCalcOnLoad="1"' + book[end:]
    notes.append("工作簿里有公式：公式原样保留，合计等要用 Excel 或 WPS 打开后才会按新数重算。")


def _drop_order(archive: zipfile.ZipFile, parts: dict[str, bytes]) -> None:
    """Drop the list of formula cells, which must not name a cell that holds a formula no longer; it is made anew."""
    if "xl/calcChain.xml" not in archive.namelist():
        return
    parts["xl/calcChain.xml"] = b""
    for name, pattern in (
        ("[Content_Types].xml", rb'<Override\b[^>]*?PartName="/xl/calcChain\.xml"[^>]*?/>'),
        ("xl/_rels/workbook.xml.rels", rb'<Relationship\b[^>]*?Target="/?(?:xl/)?calcChain\.xml"[^>]*?/>'),
    ):
        parts[name] = re.sub(pattern, b"", parts.get(name) or _text(archive, name))


def _write(archive: zipfile.ZipFile, parts: Mapping[str, bytes], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for info in archive.infolist():
            if parts.get(info.filename) == b"":
                continue
            held = copy.copy(info)
            content = parts[info.filename] if info.filename in parts else archive.read(info)
            made.writestr(held, content, compress_type=info.compress_type)
