"""A briefing as slides: headline figures, coverage bars, towns, roads, housing, maps, sources."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from lxml import etree
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Cm, Pt

from views.briefing import Briefing, Figure
from views.briefing_fonts import SLIDE_FAMILY
from views.labels import label
from views.palette import STATUS

WIDTH_CM, HEIGHT_CM = 33.867, 19.05
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
INK, FAINT, ACCENT = "#16202A", "#5B6770", "#1F4E79"
ROWS_OF_TABLE = 14
BARS = 13
BAR_ORDER = ("met", "disputed", "unknown", "gap")


def slides(brief: Briefing) -> bytes:
    """Write a briefing as a .pptx; the same briefing gives the same slides. Texts are put in as text, never as markup."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Cm(WIDTH_CM), Cm(HEIGHT_CM)
    _properties(deck, brief)
    _cover(deck, brief)
    _headlines(deck, brief)
    _bars(deck, brief)
    for name, title in (("分镇", "各乡镇情况（村·项）"), ("道路分镇", "自然村通硬化路"), ("危房分镇", "C、D级危房")):
        if name in brief.tables:
            _table_slides(deck, brief, title, brief.tables[name])
    for picture in brief.pictures:
        slide = _slide(deck, brief, picture.title)
        slide.shapes.add_picture(io.BytesIO(picture.png), Cm(4.3), Cm(2.3), height=Cm(14.9))
        _text(slide, picture.text, (1.2, 17.25, 31.4, 0.8), size=11, color=FAINT)
    _table_slides(deck, brief, "要求和条款", _clauses(brief), widths=(5.2, 2.4, 5.4, 18.4))
    facts = pd.DataFrame({"项目": list(brief.sources), "内容": list(brief.sources.values())})
    _table_slides(deck, brief, "数据依据", facts, widths=(6.0, 25.4))
    buffer = io.BytesIO()
    deck.save(buffer)
    return _settled(buffer.getvalue())


def _settled(packed: bytes) -> bytes:
    """Pack the parts again without the time at which they were packed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _properties(deck: Any, brief: Briefing) -> None:
    core = deck.core_properties
    core.title, core.author, core.last_modified_by = brief.title, brief.office, ""
    core.subject, core.keywords, core.comments, core.category = brief.rules.mark, "", "", ""
    core.created = core.modified = core.last_printed = EPOCH
    core.revision = 1


def _slide(deck: Any, brief: Briefing, title: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    _text(slide, title, (1.2, 0.7, 24, 1.3), size=26, bold=True, color=ACCENT)
    rule = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Cm(1.2), Cm(2.05), Cm(31.4), Cm(0.06))
    _paint(rule, ACCENT)
    _text(slide, brief.rules.mark, (24.0, 0.85, 8.6, 0.9), size=13, bold=True, color="#8A2A00", align=PP_ALIGN.RIGHT)
    foot = f"{brief.office}　评估日 {brief.day}　数据版本 {brief.sources['数据版本']}"
    _text(slide, foot, (1.2, 18.15, 27, 0.7), size=10, color=FAINT)
    _text(slide, str(len(deck.slides)), (29.6, 18.15, 3, 0.7), size=10, color=FAINT, align=PP_ALIGN.RIGHT)
    return slide


def _cover(deck: Any, brief: Briefing) -> None:
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    band = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, 0, 0, Cm(WIDTH_CM), Cm(0.9))
    _paint(band, ACCENT)
    size = 36 if len(brief.title) < 26 else 30
    _text(slide, brief.title, (2.4, 5.0, 29, 4.4), size=size, bold=True, color=ACCENT, anchor=MSO_ANCHOR.BOTTOM)
    _text(slide, brief.office, (2.4, 10.0, 29, 1.3), size=22)
    _text(slide, f"评估日 {brief.day}", (2.4, 11.4, 29, 1.1), size=18, color=FAINT)
    _text(slide, "\n".join(brief.notes), (2.4, 13.4, 29, 3.2), size=13, color=FAINT)
    _text(slide, brief.rules.mark, (2.4, 17.2, 29, 1.1), size=18, bold=True, color="#8A2A00")


def _headlines(deck: Any, brief: Briefing) -> None:
    slide = _slide(deck, brief, "总体情况")
    for at, figure in enumerate(brief.figures):
        _card(slide, figure, 1.2 + (at % 3) * 10.7, 3.2 + (at // 3) * 7.2)


def _card(slide: Any, figure: Figure, left: float, top: float) -> None:
    box = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Cm(left), Cm(top), Cm(10.0), Cm(6.4))
    _paint(box, "#F2F6F9")
    _text(slide, figure.label, (left + 0.5, top + 0.4, 9.0, 1.1), size=16, color=FAINT)
    _text(slide, figure.value, (left + 0.5, top + 1.6, 9.0, 2.1), size=38, bold=True, color=ACCENT)
    _text(slide, figure.note, (left + 0.5, top + 4.0, 9.0, 2.0), size=13)


def _bars(deck: Any, brief: Briefing) -> None:
    """Draw one bar a need, as shapes, so that they can be edited; counts are written in."""
    table = brief.tables.get("总览", pd.DataFrame())
    table = table[table["单位"] != label("unit_kind", "household")] if len(table) else table
    for start in range(0, len(table), BARS):
        more = f"（{start // BARS + 1}）" if len(table) > BARS else ""
        slide = _slide(deck, brief, f"各项覆盖情况{more}")
        for at, name in enumerate(BAR_ORDER):
            left = 7.4 + at * 4.0
            key = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Cm(left), Cm(2.45), Cm(0.7), Cm(0.5))
            _paint(key, STATUS[name].color, line=STATUS[name].outline)
            _text(slide, label("status", name), (left + 0.8, 2.3, 3.0, 0.8), size=13)
        for at, row in enumerate(table.iloc[start : start + BARS].to_dict("records")):
            _bar(slide, row, 3.35 + at * 1.12)


def _bar(slide: Any, row: dict[str, Any], top: float) -> None:
    counts = {name: int(row[label("status", name)]) for name in BAR_ORDER}
    every = sum(counts.values())
    _text(slide, str(row["项目"]), (1.0, top, 6.2, 0.85), size=14, align=PP_ALIGN.RIGHT, anchor=MSO_ANCHOR.MIDDLE)
    left = 7.4
    for name, count in counts.items():
        if not count:
            continue
        width = 20.0 * count / every
        piece = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Cm(left), Cm(top), Cm(width), Cm(0.85))
        _paint(piece, STATUS[name].color, line=STATUS[name].outline)
        if width >= 0.8:
            ink = "#FFFFFF" if name in ("met", "gap") else INK
            _put(piece.text_frame, str(count), size=12, bold=True, color=ink, align=PP_ALIGN.CENTER)
        left += width
    low, high = row["至少（%）"], row["至多（%）"]
    share = f"{low:.0f}%" if low == high else f"{low:.0f}—{high:.0f}%"
    _text(slide, share, (27.7, top, 4.9, 0.85), size=13, bold=True, anchor=MSO_ANCHOR.MIDDLE)


def _table_slides(
    deck: Any, brief: Briefing, title: str, table: pd.DataFrame, *, widths: Sequence[float] | None = None
) -> None:
    texts = rows_of(table)
    for start in range(0, len(table), ROWS_OF_TABLE):
        more = f"（{start // ROWS_OF_TABLE + 1}）" if len(table) > ROWS_OF_TABLE else ""
        slide = _slide(deck, brief, f"{title}{more}")
        end = start + ROWS_OF_TABLE
        _table(slide, table.iloc[start:end], texts[start:end], widths)


def _table(slide: Any, rows: pd.DataFrame, texts: list[list[str]], widths: Sequence[float] | None) -> None:
    shape = slide.shapes.add_table(len(rows) + 1, len(rows.columns), Cm(1.2), Cm(2.5), Cm(31.4), Cm(1.0))
    grid = shape.table
    for at in range(len(rows.columns)):
        grid.columns[at].width = Cm(widths[at] if widths else 31.4 / len(rows.columns))
    numeric = [all(not isinstance(value, str) or value == "※" for value in rows[name]) for name in rows.columns]
    for line, values in enumerate([list(map(str, rows.columns)), *texts]):
        grid.rows[line].height = Cm(1.0)
        for at, value in enumerate(values):
            cell = grid.cell(line, at)
            cell.margin_top = cell.margin_bottom = Cm(0.08)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            cell.fill.solid()
            cell.fill.fore_color.rgb = _rgb(ACCENT if line == 0 else ("#FFFFFF" if line % 2 else "#F2F6F9"))
            align = PP_ALIGN.RIGHT if numeric[at] else PP_ALIGN.LEFT
            size = 13 if len(value) < 60 else 10
            _put(cell.text_frame, value, size=size, bold=line == 0, color="#FFFFFF" if line == 0 else INK, align=align)


def _clauses(brief: Briefing) -> pd.DataFrame:
    table = brief.tables["政策参数"]
    rows = table[table["类别"] == "要求"]
    return rows[["名称", "取值", "条款", "原文或来源"]].rename(columns={"名称": "项目", "取值": "要求"})


def shown(value: Any, decimals: int = 0) -> str:
    """Write a table's value as a reader expects it; missing is a dash, never 0.

    >>> shown(1234.0), shown(57.04, 1), shown(None), shown("甲镇"), shown(12)
    ('1,234', '57.0', '—', '甲镇', '12')
    """
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return "—"
    return value if isinstance(value, str) else f"{value:,.{decimals}f}"


def rows_of(table: pd.DataFrame) -> list[list[str]]:
    """Write a table's rows; a column with any broken number has one decimal throughout.

    >>> rows_of(pd.DataFrame({"镇": ["甲", "乙"], "（%）": [57.0, 47.5]}))
    [['甲', '57.0'], ['乙', '47.5']]
    """
    columns = []
    for name in table.columns:
        values = table[name].tolist()
        broken = any(isinstance(value, float) and value == value and not value.is_integer() for value in values)
        columns.append([printable(shown(value, int(broken))) for value in values])
    return [list(row) for row in zip(*columns, strict=True)]


def _rgb(color: str) -> Any:
    return RGBColor.from_string(color.lstrip("#").upper())


def _paint(shape: Any, color: str, *, line: str | None = None) -> None:
    shape.fill.solid()
    shape.fill.fore_color.rgb = _rgb(color)
    shape.shadow.inherit = False
    if line is None:
        shape.line.fill.background()
    else:
        shape.line.color.rgb = _rgb(line)
        shape.line.width = Pt(0.5)


def _text(slide: Any, text: str, box: tuple[float, float, float, float], **style: Any) -> None:
    shape = slide.shapes.add_textbox(*(Cm(part) for part in box))
    frame = shape.text_frame
    frame.vertical_anchor = style.pop("anchor", MSO_ANCHOR.TOP)
    _put(frame, text, **style)


def _put(
    frame: Any, text: str, *, size: float, bold: bool = False, color: str = INK, align: Any = PP_ALIGN.LEFT
) -> None:
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = Cm(0.1)
    for at, line in enumerate(printable(text).split("\n")):
        paragraph = frame.paragraphs[0] if at == 0 else frame.add_paragraph()
        paragraph.alignment = align
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = _rgb(color)
        run.font.name = SLIDE_FAMILY
        east = etree.SubElement(run.font._element, qn("a:ea"))
        east.set("typeface", SLIDE_FAMILY)


def printable(text: str) -> str:
    """Drop control characters, which a slide or a page cannot hold.

    >>> printable("甲\\x00村\\n乙")
    '甲村\\n乙'
    """
    return "".join(letter for letter in text if letter == "\n" or letter.isprintable())
