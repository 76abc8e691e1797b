"""Workbooks of exactly what is shown, with the basis they rest on; no cell can become a formula or a link."""

import io
from collections.abc import Mapping
from typing import Any

import pandas as pd
import xlsxwriter

from views.labels import Language, label, say

SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "nan_inf_to_errors": True}
WIDEST = 48
MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def cell(value: Any) -> Any:
    """Turn a frame's value into what a cell may hold; unknown is an empty cell, never 0."""
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return None
    if isinstance(value, (bool, int, float, str)):
        return value
    return value.item() if hasattr(value, "item") else str(value)


def write_sheet(book: Any, name: str, table: pd.DataFrame, formats: Mapping[str, Any]) -> None:
    """Write one table with a frozen header, filters and columns wide enough to read."""
    sheet = book.add_worksheet(name[:31])
    sheet.freeze_panes(1, 0)
    for column, heading in enumerate(table.columns):
        sheet.write_string(0, column, str(heading), formats["head"])
        values = [cell(value) for value in table[heading]]
        for row, value in enumerate(values, start=1):
            if value is not None:
                sheet.write(row, column, value, formats["text"] if isinstance(value, str) else formats["plain"])
        longest = max([len(str(heading)) * 2, *(len(str(value or "")) for value in values[:200])])
        sheet.set_column(column, column, min(WIDEST, longest + 2))
    if len(table.columns):
        sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)


def workbook(tables: Mapping[str, pd.DataFrame], basis: Mapping[str, Any], language: Language = "zh") -> bytes:
    """Write tables as an .xlsx with a last sheet that says what they were made from.

    A text that begins with `=`, `+`, `-` or `@` stays text. The file carries no clock time, so the same tables give
    the same bytes.

    >>> workbook({"表": pd.DataFrame({"村": ["=1+1"]})}, {"政策": "x"})[:2]
    b'PK'
    """
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, **SAFE})
    book.set_properties({"created": pd.Timestamp("2000-01-01").to_pydatetime()})
    formats = {
        "head": book.add_format({"bold": True, "bg_color": "#E8EEF2", "bottom": 1, "text_wrap": True, "valign": "top"}),
        "text": book.add_format({"quote_prefix": True}),
        "plain": book.add_format(),
    }
    for name, table in tables.items():
        write_sheet(book, name, table, formats)
    rows = pd.DataFrame(
        {
            label("field", "need", language): [str(key) for key in basis],
            say(language, "content"): [str(value) for value in basis.values()],
        }
    )
    write_sheet(book, say(language, "basis_2"), rows, formats)
    book.close()
    return buffer.getvalue()
