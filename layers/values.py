"""Columns as people write them, turned into our types; what cannot be read is marked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from layers import cells
from layers.cells import LOST_DIGITS, cell_text, is_blank
from layers.schema import Field


@dataclass(frozen=True)
class Parsed:
    """A column in our type, and what could not be read.

    `fault` holds "" where the cell was read or blank, else why not: unread, range, digits (lost in a spreadsheet).
    `was_blank` is True where nothing was written; `written` is the cell as cleaned text.
    """

    values: Any
    fault: Any
    was_blank: Any
    written: Any


def _reader(item: Field, layer: str, factor: float) -> Callable[[str], Any]:
    readers: Mapping[str, Callable[[str], Any]] = {
        "id": cells.parse_identity,
        "text": str,
        "number": partial(cells.parse_number, unit=item.unit, factor=factor),
        "integer": partial(cells.parse_number, unit=item.unit, factor=factor),
        "year": cells.parse_year,
        "day": cells.parse_day,
        "boolean": partial(cells.parse_boolean, layer=layer, field=item.name),
        "code": partial(cells.parse_code, layer=layer, item=item),
        "codes": partial(cells.parse_codes, layer=layer, item=item),
        "longitude": cells.parse_angle,
        "latitude": cells.parse_angle,
    }
    return readers[item.type]


def empty(item: Field, length: int) -> Any:
    """Return a column of our type in which everything is unknown."""
    if item.type in {"number", "integer", "year", "longitude", "latitude"}:
        return pd.Series(np.full(length, np.nan))
    dtype = "boolean" if item.type == "boolean" else "str"
    return pd.Series([pd.NA if dtype == "boolean" else np.nan] * length, dtype=dtype)


def _in_range(value: Any, item: Field) -> bool:
    if not isinstance(value, float):
        return True
    if item.type == "integer" and not value.is_integer():
        return False
    bounds = item.bounds
    return bounds is None or bounds[0] <= value <= bounds[1]


def parse(column: Any, item: Field, *, layer: str, factor: float = 1.0) -> Parsed:
    """Read a whole column, each distinct cell once.

    Examples
    --------
    >>> from layers.schema import load
    >>> item = load()["natural_villages"].field("population")
    >>> parsed = parse(pd.Series(["200", "-5", "", "两百"]), item, layer="natural_villages")
    >>> parsed.values.tolist(), parsed.fault.tolist(), parsed.was_blank.tolist()
    ([200.0, nan, nan, nan], ['', 'range', '', 'unread'], [False, False, True, False])
    """
    if item.type in {"number", "integer", "longitude", "latitude"} and getattr(column.dtype, "kind", "") in "iuf":
        return _parse_numbers(column, item, factor)
    codes, found = pd.factorize(column, use_na_sentinel=True)
    distinct = list(found)
    written = [cell_text(value) for value in distinct]
    read = _reader(item, layer, factor)
    is_code = item.type in {"code", "codes"}
    values: list[Any] = []
    faults: list[str] = []
    for raw, text in zip(distinct, written, strict=True):
        value, fault = None, ""
        if text and (is_code or not is_blank(text)):
            value = read(text)
            lost = item.type == "id" and isinstance(raw, float) and abs(raw) >= LOST_DIGITS
            if lost or (value is None and not is_blank(text)):
                value, fault = None, "digits" if item.type == "id" else "unread"
            elif not _in_range(value, item):
                value, fault = None, "range"
        values.append(value)
        faults.append(fault)
    blank = [not fault and value is None for value, fault in zip(values, faults, strict=True)]
    return Parsed(
        values=_spread(values, codes, item),
        fault=_take(faults, codes, ""),
        was_blank=_take(blank, codes, True).astype(bool),
        written=_take(written, codes, ""),
    )


def _parse_numbers(column: Any, item: Field, factor: float) -> Parsed:
    """Read a column that holds numbers already."""
    raw = column.to_numpy(dtype=float, na_value=np.nan)
    values = raw * (1.0 if item.type in {"longitude", "latitude"} else factor)
    blank = np.isnan(values)
    bad = np.isinf(values)
    if item.type == "integer":
        bad |= ~blank & (values != np.floor(values))
    if item.bounds is not None:
        bad |= (values < item.bounds[0]) | (values > item.bounds[1])
    fault = np.where(bad, "range", "").astype(object)
    written = np.full(len(raw), "", dtype=object)
    written[bad] = [cell_text(number) for number in raw[bad]]
    return Parsed(pd.Series(np.where(bad, np.nan, values)), fault, blank, written)


def _take(values: list[Any], codes: Any, missing: Any) -> Any:
    array = np.empty(len(values) + 1, dtype=object)
    array[:-1] = values
    array[-1] = missing
    return array[codes]


def _spread(values: list[Any], codes: Any, item: Field) -> Any:
    if item.type in {"number", "integer", "year", "longitude", "latitude"}:
        numbers = np.array([np.nan if value is None else value for value in values] + [np.nan], dtype=float)
        return pd.Series(numbers[codes])
    if item.type == "boolean":
        known = np.array([value is not None for value in values] + [False])[codes]
        truth = np.array([bool(value) for value in values] + [False])[codes]
        return pd.Series(pd.arrays.BooleanArray(truth, ~known))
    return pd.Series(_take([np.nan if value is None else value for value in values], codes, np.nan), dtype="str")
