"""Workbooks hold exactly what was shown, as text where it was text."""

import io

import openpyxl
import pandas as pd
import pytest

from views import excel

PREFIXES = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    '=HYPERLINK("http://x","y")',
    "=cmd|'/c calc'!A0",
    "http://x.cn",
]


def read(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


@pytest.mark.parametrize("text", PREFIXES)
def test_a_text_never_becomes_a_formula_or_a_link(text: str) -> None:
    book = read(excel.workbook({"表": pd.DataFrame({"村": [text]})}, {}))
    found = book["表"]["A2"]
    assert found.data_type == "s"
    assert found.hyperlink is None
    assert found.value.replace("_x000D_", "\r").replace("\n", "\r") == text or found.value == text


def test_unknown_is_an_empty_cell_and_zero_stays_zero() -> None:
    table = pd.DataFrame({"人口": [0.0, float("nan")], "有": pd.array([False, None], dtype="boolean")})
    sheet = read(excel.workbook({"表": table}, {}))["表"]
    assert [sheet["A2"].value, sheet["A3"].value] == [0, None]
    assert [sheet["B2"].value, sheet["B3"].value] == [False, None]


def test_codes_keep_their_leading_zeros() -> None:
    sheet = read(excel.workbook({"表": pd.DataFrame({"编码": ["0440224"]})}, {}))["表"]
    assert sheet["A2"].value == "0440224"


def test_the_basis_is_the_last_sheet() -> None:
    book = read(excel.workbook({"表": pd.DataFrame({"a": [1]})}, {"政策": "示例", "评估日": "2018年12月31日"}))
    assert book.sheetnames == ["表", "数据依据"]
    assert [row[0].value for row in book["数据依据"].iter_rows(min_row=2)] == ["政策", "评估日"]


def test_the_same_tables_give_the_same_bytes() -> None:
    table = pd.DataFrame({"村": ["调文村", "龙湾村"], "人口": [199, 200]})
    assert excel.workbook({"表": table}, {"a": 1}) == excel.workbook({"表": table}, {"a": 1})


def test_an_empty_table_still_has_its_header() -> None:
    sheet = read(excel.workbook({"表": pd.DataFrame({"村": pd.Series([], dtype="str")})}, {}))["表"]
    assert sheet["A1"].value == "村"
