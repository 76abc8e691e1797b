"""Write Excel ledgers as offices lay them out: a title, merged headers, rows, a footer. Same rows, same bytes."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

from demo.sizes import AS_OF

Header = tuple[str, str]
STAMP = (AS_OF.year, AS_OF.month, AS_OF.day, 0, 0, 0)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def letters(column: int) -> str:
    """Name a column as Excel does, counting from 0.

    Examples
    --------
    >>> letters(0), letters(25), letters(26)
    ('A', 'Z', 'AA')
    """
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def zip_write(archive: zipfile.ZipFile, name: str, content: bytes | str) -> None:
    """Add a file to an archive under a fixed date, so that the archive does not depend on the clock."""
    info = zipfile.ZipInfo(name, STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 0
    archive.writestr(info, content, compresslevel=4)


class _Strings:
    """The texts of a workbook, each once."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def of(self, text: str) -> int:
        return self.number.setdefault(text, len(self.number))

    def xml(self) -> str:
        items = "".join(f"<si><t>{escape(text)}</t></si>" for text in self.number)
        return f'{DECLARATION}<sst xmlns="{MAIN}" uniqueCount="{len(self.number)}">{items}</sst>'


def _cells(values: Any, column: int, first_row: int, strings: _Strings) -> list[str]:
    """Turn a column into cells; a missing value is a blank."""
    name = letters(column)
    rows = range(first_row, first_row + len(values))
    series = pd.Series(values)
    blank = series.isna().to_numpy()
    if series.dtype.kind in "iuf":
        digits = [repr(v) for v in series.to_numpy().tolist()]
        return ["" if b else f'<c r="{name}{r}"><v>{d}</v></c>' for b, r, d in zip(blank, rows, digits, strict=True)]
    codes, texts = pd.factorize(series.astype(object))
    number = np.array([strings.of(str(text)) for text in texts] + [-1])[codes].tolist()
    return ["" if b else f'<c r="{name}{r}" t="s"><v>{n}</v></c>' for b, r, n in zip(blank, rows, number, strict=True)]


def _head(headers: Sequence[Header], first_row: int, strings: _Strings) -> tuple[list[str], list[str]]:
    """Write two header rows: a group is merged across, a header without a group is merged down."""
    upper, lower, merges = [], [], []
    for column, (group, name) in enumerate(headers):
        at = letters(column)
        if not group:
            upper.append(f'<c r="{at}{first_row}" t="s" s="1"><v>{strings.of(name)}</v></c>')
            merges.append(f"{at}{first_row}:{at}{first_row + 1}")
            continue
        if column == 0 or headers[column - 1][0] != group:
            last = column
            while last + 1 < len(headers) and headers[last + 1][0] == group:
                last += 1
            upper.append(f'<c r="{at}{first_row}" t="s" s="1"><v>{strings.of(group)}</v></c>')
            if last > column:
                merges.append(f"{at}{first_row}:{letters(last)}{first_row}")
        lower.append(f'<c r="{at}{first_row + 1}" t="s" s="1"><v>{strings.of(name)}</v></c>')
    return [f'<row r="{first_row}">{"".join(upper)}</row>', f'<row r="{first_row + 1}">{"".join(lower)}</row>'], merges


def _total_row(headers: Sequence[Header], totals: Mapping[str, float], row: int, strings: _Strings) -> str:
    """Write the row of sums: 合计 in the first cell, sums under their headers."""
    cells = [f'<c r="A{row}" t="s"><v>{strings.of("合计")}</v></c>']
    for column, (_, name) in enumerate(headers):
        if column and name in totals:
            cells.append(f'<c r="{letters(column)}{row}"><v>{totals[name]!r}</v></c>')
    return f'<row r="{row}">{"".join(cells)}</row>'


def write_ledger(
    path: Path,
    *,
    title: str,
    note: str,
    columns: Mapping[Header, Any],
    totals: Mapping[str, float] | None = None,
    footer: Sequence[str] = (),
    sheet: str = "Sheet1",
) -> None:
    """Write one sheet: title and note rows merged across, two header rows, the data, and footer rows.

    Parameters
    ----------
    path
        The .xlsx to write.
    title, note
        First and second row.
    columns
        (group, header) -> values; the same group in neighbouring columns becomes one merged header.
    totals
        Header -> sum, written in a row under the data that starts with 合计.
    footer
        Texts under that, one a row (填表人).
    """
    headers = list(columns)
    strings = _Strings()
    last = letters(len(headers) - 1)
    rows = [
        f'<row r="1"><c r="A1" t="s" s="1"><v>{strings.of(title)}</v></c></row>',
        f'<row r="2"><c r="A2" t="s"><v>{strings.of(note)}</v></c></row>',
    ]
    head, merges = _head(headers, 3, strings)
    cells = [_cells(values, k, 5, strings) for k, values in enumerate(columns.values())]
    body = ["".join(row) for row in zip(*cells, strict=True)]
    rows += head + [f'<row r="{r}">{text}</row>' for r, text in enumerate(body, 5)]
    foot = 5 + len(body)
    if totals is not None:
        rows.append(_total_row(headers, totals, foot, strings))
        foot += 1
    rows += [
        f'<row r="{r}"><c r="A{r}" t="s"><v>{strings.of(text)}</v></c></row>' for r, text in enumerate(footer, foot)
    ]
    merges = [f"A1:{last}1", f"A2:{last}2", *merges, *(f"A{r}:{last}{r}" for r in range(foot, foot + len(footer)))]
    merged = "".join(f'<mergeCell ref="{m}"/>' for m in merges)
    data = (
        f'{DECLARATION}<worksheet xmlns="{MAIN}"><dimension ref="A1:{last}{max(foot + len(footer) - 1, 4)}"/><sheetData>'
        + "\n".join(rows)
        + f'</sheetData><mergeCells count="{len(merges)}">{merged}</mergeCells></worksheet>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in _frame(sheet, title).items():
            zip_write(archive, name, content)
        zip_write(archive, "xl/sharedStrings.xml", strings.xml())
        zip_write(archive, "xl/worksheets/sheet1.xml", data)


def _frame(sheet: str, title: str) -> dict[str, str]:
    """Return the parts of a workbook that do not hold its cells."""
    when = f"{AS_OF.isoformat()}T00:00:00Z"
    parts = {
        "xl/workbook.xml": "sheet.main",
        "xl/worksheets/sheet1.xml": "worksheet",
        "xl/styles.xml": "styles",
        "xl/sharedStrings.xml": "sharedStrings",
    }
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{KIND}.{kind}+xml"/>' for name, kind in parts.items()
    )
    overrides += '<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
    font = '<font><sz val="11"/><name val="宋体"/></font><font><b/><sz val="11"/><name val="宋体"/></font>'
    return {
        "[Content_Types].xml": f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/>{overrides}</Types>',
        "_rels/.rels": f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/><Relationship Id="rId2" '
        f'Type="{PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>',
        "docProps/core.xml": f'{DECLARATION}<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>{escape(title)}</dc:title><dc:creator>虚构数据'
        f'</dc:creator><dcterms:created xsi:type="dcterms:W3CDTF">{when}</dcterms:created></cp:coreProperties>',
        "xl/workbook.xml": f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets><sheet name="{escape(sheet)}" '
        'sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{REL}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rId3" Type="{REL}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": f'{DECLARATION}<styleSheet xmlns="{MAIN}"><fonts count="2">{font}</fonts><fills count="2"><fill>'
        '<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1">'
        '<border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf fontId="0"/>'
        '<xf fontId="1" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }
