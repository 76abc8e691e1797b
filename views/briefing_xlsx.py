"""A briefing as a workbook: every table a sheet, the mark on each, no cell a formula."""

import io

import pandas as pd
import xlsxwriter

from views.briefing import Briefing
from views.excel import SAFE, write_sheet

EPOCH = pd.Timestamp("2000-01-01").to_pydatetime()


def workbook(brief: Briefing) -> bytes:
    """Write the tables of a briefing and what they rest on; the same briefing gives the same bytes."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, **SAFE})
    book.set_properties({"created": EPOCH, "title": brief.title, "author": brief.office, "subject": brief.rules.mark})
    formats = {
        "head": book.add_format({"bold": True, "bg_color": "#E8EEF2", "bottom": 1, "text_wrap": True, "valign": "top"}),
        "text": book.add_format({"quote_prefix": True}),
        "plain": book.add_format(),
    }
    mark = book.add_format({"bold": True, "font_color": "#8A2A00"})
    facts = {**brief.sources, **{f"说明 {at}": note for at, note in enumerate(brief.notes, start=1)}}
    basis = pd.DataFrame({"项目": list(facts), "内容": list(facts.values())})
    for name, table in {**brief.tables, "数据依据": basis}.items():
        write_sheet(book, name, table, formats)
        sheet = book.get_worksheet_by_name(name[:31])
        sheet.write_string(0, len(table.columns) + 1, brief.rules.mark, mark)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_header(f"&L{_plain(brief.office)} {name}&R&B{_plain(brief.rules.mark)}")
        sheet.set_footer(f"&L{_plain(brief.rules.mark)}　评估日 {brief.day}&R&P / &N")
    book.close()
    return buffer.getvalue()


def _plain(text: str) -> str:
    """A page header reads & as a command."""
    return text.replace("&", "&&")[:80]
