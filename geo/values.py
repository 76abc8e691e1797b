"""Turn columns of cells into Arrow columns: numbers where they are amounts, text where they are codes."""

import datetime
import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_NUMBER = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*$"
_LEADING_ZERO = r"^\s*0\d"
_CODE_NAME = re.compile(
    r"编码|编号|代码|代号|户号|门牌|证件|身份证|电话|手机|账号|帐号|卡号|邮编|区划|"
    r"(^|[_\W])(id|code|dm|bm|bh|tel|phone)$|_id$|code$|^[a-z]{2,6}(dm|bm)$|^aa[cdr]\d{3}$",
    re.IGNORECASE,
)
_AMOUNT_CODES = re.compile(r"^aa[dr](0(0[5-9]|1\d)|3\d\d|1\d\d)$", re.IGNORECASE)
_LONG_NUMBER = 10**9
_EXCEL_DIGITS = 10**15


def is_code(name: str) -> bool:
    """Say whether a column by its name holds codes, which are text even when they are all digits.

    Examples
    --------
    >>> is_code("行政村编码"), is_code("人口"), is_code("village_id"), is_code("width")
    (True, False, True, False)
    """
    return bool(_CODE_NAME.search(name)) and not _AMOUNT_CODES.match(name)


def text_of(cell: object) -> str | None:
    """Write one cell as text: whole numbers without .0, days as ISO, blanks as None.

    Examples
    --------
    >>> text_of(12.0), text_of("  "), text_of(datetime.datetime(2016, 11, 8)), text_of(0.5)
    ('12', None, '2016-11-08', '0.5')
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        if cell != cell:
            return None
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e22 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


def typed(cells: Sequence[object], name: str, notes: list[str]) -> Any:
    """Choose the type of one column.

    All numbers make a number column, unless the name says code or a whole number has ten digits or more; text that is
    all plain numbers without leading zeros likewise. Everything else is text. Whole numbers of 16 digits or more that
    a workbook stored as numbers have lost their last digits: that is said in `notes`.

    Examples
    --------
    >>> notes: list[str] = []
    >>> typed([1.0, 2.0, None], "人口", notes).type, typed(["0751", "0754"], "区号", notes).type
    (DataType(int64), DataType(string))
    """
    kinds = {type(cell) for cell in cells if cell is not None and cell != ""}
    if kinds <= {int, float} and kinds:
        return _numbers(cells, name, notes)
    if kinds == {bool}:
        return pa.array([cell if isinstance(cell, bool) else None for cell in cells], type=pa.bool_())
    array = pa.array([text_of(cell) for cell in cells], type=pa.string())
    return numbers_from_text(array, name) if kinds == {str} else array


def _numbers(cells: Sequence[object], name: str, notes: list[str]) -> Any:
    values = [float(cell) if isinstance(cell, int | float) else None for cell in cells]
    known = [value for value in values if value is not None and value == value]
    whole = all(value.is_integer() for value in known)
    largest = max((abs(value) for value in known), default=0.0)
    if not whole:
        return pa.array(values, type=pa.float64())
    if largest >= _EXCEL_DIGITS:
        notes.append(
            f"“{name}”列有 16 位以上的号码被存成了数字，Excel 只保留前 15 位，末几位已经丢失（变成 0）。"
            "请回到源头以文本格式重新导出。"
        )
    if is_code(name) or largest >= _LONG_NUMBER:
        return pa.array([None if v is None or v != v else str(int(v)) for v in values], type=pa.string())
    return pa.array([None if v is None or v != v else int(v) for v in values], type=pa.int64())


def numbers_from_text(array: Any, name: str) -> Any:
    """Turn a text column into numbers when every value is a plain number and none can be a code."""
    known = array.drop_null()
    if len(known) == 0 or is_code(name) or not pc.all(pc.match_substring_regex(known, _NUMBER)).as_py():
        return array
    bare = pc.utf8_trim_whitespace(known)
    if pc.any(pc.match_substring_regex(bare, _LEADING_ZERO)).as_py() or pc.max(pc.utf8_length(bare)).as_py() > 24:
        return array
    numbers = pc.cast(pc.replace_substring_regex(pc.utf8_trim_whitespace(array), r"^\+", ""), pa.float64())
    whole = not pc.any(pc.match_substring(bare, ".")).as_py()
    if whole and pc.max(pc.abs(numbers)).as_py() >= _LONG_NUMBER:
        return array
    return pc.cast(numbers, pa.int64()) if whole else numbers


def settled(array: Any, name: str) -> Any:
    """Bring a column from a geodata file to a plain type: codes with gaps and nested values become text."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return settled(pc.cast(array, kind.value_type), name)
    if pa.types.is_integer(kind):
        largest = pc.max(pc.abs(pc.cast(array, pa.float64()))).as_py() or 0
        gaps = array.null_count > 0 and (is_code(name) or largest >= _LONG_NUMBER)
        return pc.cast(array, pa.string()) if gaps else array
    if pa.types.is_floating(kind) and is_code(name) and _is_whole(array):
        return pa.array([None if v is None or v != v else str(int(v)) for v in array.to_pylist()], type=pa.string())
    if pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return array
    if pa.types.is_decimal(kind):
        return pc.cast(array, pa.string())
    if pa.types.is_large_string(kind) or pa.types.is_date(kind):
        return pc.cast(array, pa.string())
    return pa.array([None if value is None else _plain(value) for value in array.to_pylist()], type=pa.string())


def _is_whole(array: Any) -> bool:
    known = [value for value in array.to_pylist() if value is not None and value == value]
    return bool(known) and all(float(value).is_integer() for value in known)


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value[:100].hex()
    return text_of(value) or ""
