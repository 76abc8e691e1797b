"""The list of helper units as offices keep it in Excel: its columns by their usual names, its villages tied to codes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from geo.errors import InputError
from layers.headers import plain_header
from layers.names import tie

# What a column may be called; the first that is there counts.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "town": ("乡镇", "镇街", "镇", "乡镇名称", "所属乡镇", "街道", "town"),
    "village": ("行政村", "村名", "村", "帮扶村", "定点帮扶村", "贫困村", "村居", "行政村名称", "被帮扶村", "village", "village_id", "行政村代码"),
    "unit": ("帮扶单位", "帮扶单位名称", "责任单位", "定点帮扶单位", "驻村单位", "包村单位", "派出单位", "unit"),
    "person": ("责任人", "帮扶责任人", "联系人", "第一书记", "驻村干部", "包村干部", "挂点领导", "姓名", "person"),
    "since": ("开始日期", "帮扶开始日期", "开始时间", "起始日期", "起", "从", "帮扶时间", "since"),
    "until": ("结束日期", "帮扶结束日期", "结束时间", "截止日期", "止", "到", "until"),
}  # fmt: skip
_WHY = {
    "ambiguous": "有几个同名的村，请写上乡镇或村代码",
    "no_village": "没有这个村",
    "no_town": "没有这个乡镇",
    "other_town": "这个乡镇没有这个村",
}


@dataclass(frozen=True)
class Sheet:
    """The rows that can be entered, and for each other row why not (with what it might have been)."""

    rows: list[dict[str, Any]]
    refused: pd.DataFrame


def read_sheet(
    table: pd.DataFrame, villages: pd.DataFrame, *, since: date, aliases: Mapping[str, str] | None = None
) -> Sheet:
    """Read a list of helper units; `since` is the first day where a row names none.

    Parameters
    ----------
    table
        As read from the file, with the office's own column names; the index is the row of the sheet. A blank unit
        continues the one above (merged cells).
    villages
        The office's villages: village_id, name, town.

    Examples
    --------
    >>> known = pd.DataFrame({"village_id": ["V1"], "name": ["调文村"], "town": ["东山街道"]})
    >>> table = pd.DataFrame({"帮扶单位": ["区水务局", None], "行政村": ["调文村", "龙湾村"], "责任人": ["李工", "王工"]})
    >>> sheet = read_sheet(table, known, since=date(2018, 1, 1))
    >>> sheet.rows[0]["village_id"], sheet.refused["原因"].tolist()
    ('V1', ['没有这个村'])
    """
    columns = _columns(table)
    texts = pd.DataFrame({name: table[column].map(_text) for name, column in columns.items()}, index=table.index)
    texts = texts.reindex(columns=list(HEADERS), fill_value="")
    texts = texts[(texts["village"] != "") & ~texts["village"].isin(("合计", "总计", "小计"))]
    texts["unit"] = texts["unit"].where(texts["unit"] != "").ffill().fillna("")
    named = texts.assign(town=texts["town"].where(texts["town"] != "").ffill() if "town" in columns else "")
    tied = tie(named[["town", "village"]], villages, aliases=aliases)
    rows, refused = [], []
    for key, row in texts.iterrows():
        place, why = tied.village_id[key], _WHY.get(str(tied.reason[key]), "")
        first, last = _day(row["since"]), _day(row["until"])
        if not row["unit"]:
            why = why or "没有写帮扶单位"
        if (row["since"] and first is None) or (row["until"] and last is None):
            why = why or "日期读不懂，请写成 2018-01-01"
        if first and last and last < first:
            why = why or "结束日早于开始日"
        if why or not isinstance(place, str):
            refused.append((key, row["town"], row["village"], row["unit"], why or "没有这个村", tied.candidates[key]))
            continue
        rows.append(
            {"village_id": place, "unit": row["unit"], "person": row["person"], "since": first or since, "until": last}
        )
    names = ["第几行", "乡镇", "行政村", "帮扶单位", "原因", "可能是"]
    return Sheet(rows, pd.DataFrame(refused, columns=names))


def _columns(table: pd.DataFrame) -> dict[str, str]:
    plain = {plain_header(column): str(column) for column in table.columns}
    found = {
        name: next((plain[plain_header(header)] for header in headers if plain_header(header) in plain), "")
        for name, headers in HEADERS.items()
    }
    missing = [HEADERS[name][0] for name in ("village", "unit") if not found[name]]
    if missing:
        raise InputError(
            f"帮扶名单缺少列“{'”“'.join(missing)}”；表里有：{'、'.join(map(str, table.columns))}。请改列名后再导入。"
        )
    return {name: column for name, column in found.items() if column}


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    return value.date().isoformat() if isinstance(value, datetime) else str(value).strip()


def _day(text: str) -> date | None:
    """Return a day written as people write it: 2018-01-01, 2018/1/1, 2018.1, 2018年1月1日 or an Excel number; None else.

    >>> [str(_day(text)) for text in ("2018年3月", "2018/3/5", "2018.3.5 00:00", "43164", "春节")]
    ['2018-03-01', '2018-03-05', '2018-03-05', '2018-03-05', 'None']
    """
    found = re.match(r"^(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2}))?", text)
    if found is None:
        is_serial = re.fullmatch(r"\d{5}(?:\.0)?", text) is not None
        return date(1899, 12, 30) + timedelta(days=int(float(text))) if is_serial else None
    try:
        return date(int(found[1]), int(found[2]), int(found[3] or 1))
    except ValueError:
        return None
