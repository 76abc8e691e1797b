"""One cell as people write it, turned into text, a number, yes/no, a day or a code."""

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from layers import schema as schemas
from layers.names import clean_text
from layers.schema import Field

NUMBER = re.compile(
    r"^(?:约|大约|共)?([+-]?(?:\d+(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)\s*([^\d\s.+-]*\d?)$"
)
SCIENTIFIC = re.compile(r"^\d(?:\.\d+)?[eE]\+?\d+$")
DAY = re.compile(r"^(\d{4})[-./年](\d{1,2})(?:[-./月](\d{1,2})日?|月)?(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$")
YEAR = re.compile(r"^(\d{4})(?:年|年度)?$")
ANGLE = re.compile(
    r"^(?:东经|北纬|西经|南纬|[EWNS])?\s*(-?\d+(?:\.\d+)?)\s*[°度d]\s*(?:(\d+(?:\.\d+)?)\s*['′分m])?"
    r"\s*(?:(\d+(?:\.\d+)?)\s*(?:[\"″秒s]|''|′′))?\s*([EWNS])?$",
    re.IGNORECASE,
)
SPLIT = re.compile(r"[;；、,，/+＋和及\s]+")
ROUTE = re.compile(r"^[GSXYCZW][0-9A-Z]{2,4}(?:\d{6})?$")
LOST_DIGITS = 2.0**53


def cell_text(value: Any) -> str:
    """Return one cell as clean text: whole floats without ".0", days as ISO text, blank as "".

    Examples
    --------
    >>> cell_text(440224001201.0), cell_text("　'007 "), cell_text(None)
    ('440224001201', '007', '')
    """
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, str):
        return value if value.isascii() and value.isalnum() else clean_text(value).removeprefix("'")
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < LOST_DIGITS else repr(number)
    if isinstance(value, datetime):
        return value.date().isoformat()
    return clean_text(str(value))


@cache
def unknown_words() -> frozenset[str]:
    """Return what people write when they do not know, upper case."""
    return frozenset(schemas.value_aliases("", "unknown"))


def is_blank(text: str) -> bool:
    """True when a cell says nothing: empty, /, 不详, #N/A and the like."""
    return not text or text.upper() in unknown_words()


def parse_number(text: str, unit: str, factor: float) -> float | None:
    """Read a number with thousands commas and a unit of its own; None when it is none.

    Examples
    --------
    >>> parse_number("1,234人", "person", 1.0), parse_number("3.5米", "m", 1.0), parse_number("很多", "person", 1.0)
    (1234.0, 3.5, None)
    """
    found = NUMBER.match(text)
    if not found or not re.search(r"\d", found[1]):
        return None
    own = found[2].lower()
    if own:
        own_factor = schemas.unit_factors(unit).get(own) if unit else None
        if own_factor is None:
            return None
        factor = own_factor
    number = float(found[1].replace(",", "")) * factor
    return number if np.isfinite(number) else None


def parse_angle(text: str) -> float | None:
    """Read a longitude or latitude as decimal or as degrees, minutes, seconds; None when it is neither.

    Examples
    --------
    >>> parse_angle("106°12′30″"), parse_angle("东经113.75度"), parse_angle("x")
    (106.20833333333334, 113.75, None)
    """
    plain = text.removeprefix("东经").removeprefix("北纬").strip()
    try:
        number = float(plain.replace(",", ""))
    except ValueError:
        found = ANGLE.match(text)
        if not found:
            return None
        minutes, seconds = float(found[2] or 0), float(found[3] or 0)
        if minutes >= 60 or seconds >= 60:
            return None
        number = abs(float(found[1])) + minutes / 60 + seconds / 3600
        is_negative = (
            found[1].startswith("-") or text[0] in "西南WSws" or ((found[4] or "") in "WSws" and bool(found[4]))
        )
        return -number if is_negative else number
    return number if np.isfinite(number) else None


def parse_day(text: str) -> str | None:
    """Read a day as ISO text; a month or year alone is its last day; None for what is no day (2020.13.1).

    Examples
    --------
    >>> parse_day("2018年6月30日"), parse_day("2018.6"), parse_day("2018"), parse_day("43281"), parse_day("2020.13.1")
    ('2018-06-30', '2018-06-30', '2018-12-31', '2018-06-30', None)
    """
    year_only = YEAR.match(text)
    if year_only and 1900 <= int(year_only[1]) <= 2100:
        return f"{year_only[1]}-12-31"
    try:
        found = DAY.match(text)
        if found:
            year, month = int(found[1]), int(found[2])
            if found[3]:
                return date(year, month, int(found[3])).isoformat()
            following = date(year + month // 12, month % 12 + 1, 1)
            return (following - timedelta(days=1)).isoformat()
        if re.fullmatch(r"\d{8}", text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
        if re.fullmatch(r"\d{5}(?:\.\d+)?", text) and 20000 <= float(text) <= 80000:
            return (date(1899, 12, 30) + timedelta(days=int(float(text)))).isoformat()
    except ValueError:
        return None
    return None


def parse_year(text: str) -> float | None:
    """Read a year from a year or a day; None for anything else.

    Examples
    --------
    >>> parse_year("1998年"), parse_year("2005-06-01"), parse_year("八十年代")
    (1998.0, 2005.0, None)
    """
    found = YEAR.match(text) or re.match(r"^(\d{4})[-./年]", text)
    if found:
        return float(found[1])
    return None


def parse_boolean(text: str, *, layer: str, field: str) -> bool | None:
    """Read yes or no as registers write it; None when it is neither.

    The road report names the other route of a duplicate section instead of saying yes.
    """
    if field == "is_duplicate" and ROUTE.match(text.upper()):
        return True
    found = schemas.value_aliases(layer, field).get(text.upper()) or schemas.value_aliases("", "boolean").get(
        text.upper()
    )
    return None if found is None else found == "true"


def parse_code(text: str, *, layer: str, item: Field) -> str | None:
    """Read one code by our codes and by what people write for them; None when it is unknown.

    Examples
    --------
    >>> roads = schemas.load()["roads"]
    >>> [parse_code(text, layer="roads", item=roads.field("surface")) for text in ("水泥混凝土", "11", "土路", "?")]
    ['concrete', 'asphalt', 'earth', None]
    """
    by_name = {code.upper(): code for code in item.allowed}
    upper = text.upper()
    return by_name.get(upper) or schemas.value_aliases(layer, item.name).get(upper)


def parse_codes(text: str, *, layer: str, item: Field) -> str | None:
    """Read several codes in one cell, in the order of the schema; None when any of them is unknown.

    Examples
    --------
    >>> households = schemas.load()["households"]
    >>> parse_codes("低保、五保户", layer="households", item=households.field("category"))
    'wubao;dibao'
    """
    whole = parse_code(text, layer=layer, item=item)
    found = [whole] if whole else [parse_code(part, layer=layer, item=item) for part in SPLIT.split(text) if part]
    if not found or any(code is None for code in found):
        return None
    codes = {code for each in found if each for code in each.split(";")}
    return ";".join(code for code in item.allowed if code in codes)


def parse_identity(text: str) -> str | None:
    """Read an id as text; None when a spreadsheet has already lost its digits (4.40224E+11).

    Examples
    --------
    >>> parse_identity("0440 224"), parse_identity("4.40224E+11")
    ('0440224', None)
    """
    if text.isdigit():
        return text
    return None if SCIENTIFIC.match(text) else re.sub(r"\s", "", text)
