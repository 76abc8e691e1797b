"""A visit as a workbook: one sheet a kind of row, what is known locked, answers from lists, "unknown" among them."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xlsxwriter

from layers import schema
from tracker.questions import KINDS, UNKNOWN_WORD, Question
from tracker.visits import NEW_ROWS, Row, Visit

VISIT, KEY = "走访编号", "行标识"
PLACES = ("乡镇", "行政村")
NAME, KNOWN, TITLE = "名称", "已知情况", "事项"
REMARK, PHOTOS = "备注", "照片文件名"
HAD, SAID = "台账：", "核实："
FOUND = ("类型", "新发现的名称", "新发现所在村", "经度", "纬度", "新发现的使用状态")
GUIDE = "填写说明"
LISTS = "选项"
STATES = {"in_service": "在用", "planned": "在建或规划", "broken": "损坏停用", "unknown": UNKNOWN_WORD}
PRIVATE = {"head_name": "户主", "phone": "电话", "address": "住址"}
_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def facility_words() -> dict[str, str]:
    """Return facility kinds, code -> the word people use for it."""
    aliases = schema.value_aliases("facilities", "kind")
    words: dict[str, str] = {}
    for theirs, ours in aliases.items():
        if not theirs.isascii():
            words.setdefault(ours, theirs)
    return {code: words.get(code, code) for code in schema.load()["facilities"].field("kind").allowed}


def workbook(
    visit: Visit, rows: Sequence[Row], *, office: str, private: Mapping[str, Mapping[str, str]] | None = None
) -> bytes:
    """Write the workbook of a visit; the same visit gives the same bytes.

    `private` holds names, phones and addresses by household, only for who may see them; the first sheet says so.
    """
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, **_SAFE})
    book.set_properties({"created": pd.Timestamp("2000-01-01").to_pydatetime(), "title": visit.title, "author": office})
    formats = _formats(book)
    _guide(book, formats, visit, rows, office, has_private=bool(private))
    lists = _Lists()
    for kind in KINDS:
        listed = [row for row in rows if row.kind == kind]
        if listed:
            _sheet(book, formats, visit, kind, listed, lists, private or {})
    _found_sheet(book, formats, visit, lists)
    lists.write(book)
    book.close()
    return buffer.getvalue()


class _Lists:
    """The lists to choose from, kept on a sheet of their own because Excel takes only 255 letters in a cell's rule."""

    def __init__(self) -> None:
        self.columns: list[tuple[str, ...]] = []

    def source(self, words: Sequence[str]) -> str:
        """Return the reference of a list."""
        if tuple(words) not in self.columns:
            self.columns.append(tuple(words))
        at = self.columns.index(tuple(words))
        column = xlsxwriter.utility.xl_col_to_name(at)
        return f"='{LISTS}'!${column}$1:${column}${len(words)}"

    def write(self, book: Any) -> None:
        """Write the lists on a hidden sheet."""
        sheet = book.add_worksheet(LISTS)
        for at, words in enumerate(self.columns):
            sheet.write_column(0, at, words)
        sheet.hide()


def _formats(book: Any) -> dict[str, Any]:
    base = {"font_name": "微软雅黑", "font_size": 10, "valign": "vcenter", "border": 1, "border_color": "#B8C2CA"}
    return {
        "head": book.add_format({**base, "bold": True, "bg_color": "#D5E3EC", "text_wrap": True, "locked": True}),
        "ask": book.add_format({**base, "bold": True, "bg_color": "#FFE9A8", "text_wrap": True, "locked": True}),
        "key": book.add_format({**base, "font_color": "#7A858D", "font_size": 8, "locked": True, "num_format": "@"}),
        "given": book.add_format({**base, "bg_color": "#F2F5F7", "text_wrap": True, "locked": True, "num_format": "@"}),
        "answer": book.add_format({**base, "bg_color": "#FFFDF3", "text_wrap": True, "locked": False}),
        "plain": book.add_format({"font_name": "微软雅黑", "font_size": 11, "text_wrap": True, "valign": "top"}),
        "title": book.add_format({"font_name": "微软雅黑", "font_size": 16, "bold": True}),
    }


def _guide(
    book: Any, formats: Mapping[str, Any], visit: Visit, rows: Sequence[Row], office: str, *, has_private: bool
) -> None:
    sheet = book.add_worksheet(GUIDE)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 92)
    sheet.write_string(0, 0, f"{visit.title}（{visit.visit_id}）", formats["title"])
    counts = "，".join(
        f"{KINDS[kind]} {number} 行" for kind in KINDS if (number := sum(row.kind == kind for row in rows))
    )
    lines = [
        ("单位", office),
        ("走访日", visit.day.isoformat()),
        ("走访人", visit.who),
        ("里面有什么", f"{counts}。" + _holds(visit, has_private)),
        ("怎么填", "只填黄色表头“核实：……”的格子：从下拉表里选；数字直接写。没有去看的留空，去了也弄不清的选“不清楚”。"),
        ("留空和不清楚", "留空 = 没有核实；“不清楚” = 核实了但没有弄清。两种都不会改掉台账里原来的数。"),
        ("备注、照片", "想说明的写在“备注”。照片的文件名写在“照片文件名”，几张用分号隔开；照片和表一起打成一个 zip 交回。"),
        ("新发现", "路上看到台账里没有的设施，记在“新发现”表，写经纬度（手机定位的度数，WGS84 或 2000 坐标）。"),
        ("不要动", "灰色的格子、走访编号和行标识不要改，行可以不填，但不要删列。走访编号或行标识改了的行会被退回。"),
        ("交回", "填好后原样存盘（.xlsx，也可另存为 .csv），在“下乡走访”页选这个文件，或用命令 visit in。重复交同一份不会重复登记。"),
    ]  # fmt: skip
    for at, (head, text) in enumerate(lines, start=2):
        sheet.write_string(at, 0, head, formats["plain"])
        sheet.write_string(at, 1, text, formats["plain"])


def _holds(visit: Visit, has_private: bool) -> str:
    if has_private:
        return "含户主姓名、电话、住址：个人信息，只供走访人使用，用后删除，不得转发。"
    return "含单户情况（无姓名电话）：内部资料，不得转发。" if visit.is_personal else "不含个人信息。"


def _sheet(
    book: Any,
    formats: Mapping[str, Any],
    visit: Visit,
    kind: str,
    rows: Sequence[Row],
    lists: _Lists,
    private: Mapping[str, Mapping[str, str]],
) -> None:
    sheet = book.add_worksheet(KINDS[kind])
    has_private = kind in ("households", "houses") and bool(private)
    given = [
        VISIT,
        KEY,
        *PLACES,
        NAME,
        *([TITLE] if kind == "needs" else []),
        *(PRIVATE.values() if has_private else []),
        KNOWN,
    ]
    questions = [Question("", "", rows[0].questions[0].choices)] if kind == "needs" else list(rows[0].questions)
    heads = [*given]
    for question in questions:
        heads += [f"{HAD}{_head(question)}", f"{SAID}{_head(question)}"]
    heads += [REMARK, PHOTOS]
    for at, head in enumerate(heads):
        is_answer = head.startswith(SAID) or head in (REMARK, PHOTOS)
        sheet.write_string(0, at, head, formats["ask" if is_answer else "head"])
    for line, row in enumerate(rows, start=1):
        person = private.get(row.id, {})
        names = [person.get(name, "") for name in PRIVATE] if has_private else []
        title = [row.title] if kind == "needs" else []
        cells = [visit.visit_id, row.key, row.town, row.village, row.name, *title, *names, row.known]
        for at, text in enumerate(cells):
            sheet.write_string(line, at, text, formats["key" if at < 2 else "given"])
        for step, question in enumerate(row.questions):
            column = len(given) + 2 * step
            sheet.write_string(line, column, question.show(row.sent.get(question.field, "")), formats["given"])
            sheet.write_blank(line, column + 1, None, formats["answer"])
        for column in (len(heads) - 2, len(heads) - 1):
            sheet.write_blank(line, column, None, formats["answer"])
    for step, question in enumerate(questions):
        _ask(sheet, len(given) + 2 * step + 1, len(rows), question, lists)
    _finish(sheet, heads, len(rows), fixed=5)


def _head(question: Question) -> str:
    return question.label or "有没有"


def _ask(sheet: Any, column: int, last: int, question: Question, lists: _Lists) -> None:
    if question.choices:
        rule: dict[str, Any] = {"validate": "list", "source": lists.source(question.words)}
        sheet.data_validation(1, column, last, column, {**rule, "error_message": "、".join(question.words)[:250]})
        return
    low, high = question.bounds
    text = f"填 {low:g} 到 {high:g} 的{'整数' if question.is_whole else '数字'}；弄不清就写“{UNKNOWN_WORD}”。"
    kind = "integer" if question.is_whole else "decimal"
    bounds: dict[str, Any] = {
        "validate": kind,
        "criteria": "between",
        "minimum": low,
        "maximum": high,
        "error_type": "warning",
    }
    sheet.data_validation(1, column, last, column, {**bounds, "input_message": text[:250], "error_message": text[:250]})


def _found_sheet(book: Any, formats: Mapping[str, Any], visit: Visit, lists: _Lists) -> None:
    sheet = book.add_worksheet(KINDS["found"])
    heads = [VISIT, KEY, *FOUND, REMARK, PHOTOS]
    for at, head in enumerate(heads):
        sheet.write_string(0, at, head, formats["head" if at < 2 else "ask"])
    for line in range(1, NEW_ROWS + 1):
        sheet.write_string(line, 0, visit.visit_id, formats["key"])
        sheet.write_string(line, 1, f"found/{line}", formats["key"])
        for column in range(2, len(heads)):
            sheet.write_blank(line, column, None, formats["answer"])
    words = {2: list(facility_words().values()), 4: village_words(visit), 7: list(STATES.values())}
    for column, listed in words.items():
        if listed:
            sheet.data_validation(1, column, NEW_ROWS, column, {"validate": "list", "source": lists.source(listed)})
    _finish(sheet, heads, NEW_ROWS, fixed=2)


def village_words(visit: Visit) -> list[str]:
    """Return the visited villages as they are written in lists: name, and the id where two have the same name."""
    names = list(visit.villages.values())
    return [name if names.count(name) == 1 else f"{name} {key}" for key, name in visit.villages.items()]


def _finish(sheet: Any, heads: Sequence[str], last: int, *, fixed: int) -> None:
    widths = {VISIT: 13, KEY: 20, NAME: 20, KNOWN: 38, REMARK: 26, PHOTOS: 20, TITLE: 18, "经度": 13, "纬度": 13}
    for at, head in enumerate(heads):
        sheet.set_column(at, at, widths.get(head, 15))
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, fixed)
    sheet.autofilter(0, 0, last, len(heads) - 1)
    sheet.protect("", {"autofilter": True, "format_columns": True, "format_rows": True, "sort": True})
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
