"""What follows from other columns, and what cannot both be true."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from layers.cells import parse_boolean, parse_number
from layers.duplicates import repeated_rows
from layers.faults import Findings
from layers.names import normalise_name, plain_name
from layers.schema import Schema
from layers.values import Parsed

CROWD = 50
ASKED = {
    "natural_villages": {"population": "人口没有填，是否达到修路的人口条件为未知"},
    "households": {"members": "家庭人口没有填，惠及人数不计这一户"},
}
NO_STATUS = (
    "没有“status”（使用状态）列：全部记为未知，是否达到要求也就是未知。"
    '若名册里只有在用的设施，请在映射文件 [constants] 写 status = "in_service" 后重新导入。'
)
OLD_CODES = frozenset({"34", "35", "36"})
NEW_CODES = frozenset({"41", "42", "50", "90"})
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"


def derive(table: Any, columns: Mapping[str, Parsed], schema: Schema, found: Findings) -> None:
    """Fill what follows from another column, in place; unknown codes stay "unknown"."""
    for item in schema.fields:
        if item.type == "code" and "unknown" in item.allowed:
            table[item.name] = table[item.name].fillna("unknown")
    if {"admin_class", "route_code"} <= set(table.columns):
        _class_from_route(table, found)
    if schema.name == "villages":
        _kind_from_name(table, found)
    if schema.name == "claims":
        table["value"] = _claim_values(table["value"])
    if schema.name == "roads":
        unknown = int((table["surface"] == "unknown").sum())
        if unknown:
            text = f"{unknown} 段路面类型未知，是否硬化、村是否通硬化路都可能因此为未知。请核对后更新。"
            found.whole(text, "unknown_surface", "warning", "surface")
        written = set(columns["surface"].written)
        if written & OLD_CODES and written & NEW_CODES:
            text = "面层类型代码混用了新旧两代（旧 34–36，新 41–90）；31–33 两代都不是铺装路面，结论不受影响，请核对。"
            found.whole(text, "mixed_codes", "warning", "surface")


def _class_from_route(table: Any, found: Findings) -> None:
    letters = table["route_code"].str.upper().str.extract(r"^([GSXYCZW])[0-9A-Z]{2,}", expand=False)
    filled = table["admin_class"].isna() & letters.notna()
    table["admin_class"] = table["admin_class"].fillna(letters)
    if filled.any():
        found.whole(f"{int(filled.sum())} 行没有行政等级，已按路线编号首字母填上。", "derived", "note", "admin_class")


def _kind_from_name(table: Any, found: Findings) -> None:
    """Tell community from village by the suffix of the name, where the kind is not stated."""
    blank = table["kind"].isna() & table["name"].notna()
    if not blank.any():
        return
    names = table.loc[blank, "name"].map(plain_name)
    is_community = names.str.contains("(?:社区|居委会|居民委员会)$")
    is_village = names.str.contains("(?:村|村委会|村民委员会)$") & ~is_community
    kinds = pd.Series(np.select([is_community, is_village], ["community", "administrative"], ""), index=names.index)
    kinds = kinds.where(kinds != "").astype("str")
    table["kind"] = table["kind"].fillna(kinds)
    if kinds.notna().any():
        text = f"{int(kinds.notna().sum())} 行没有类型，已按名称后缀（村、社区）填上。"
        found.whole(text, "derived", "note", "kind")


def _claim_values(values: Any) -> Any:
    """Turn what a register says into yes, no or a number as text."""

    def read(text: Any) -> Any:
        if not isinstance(text, str):
            return text
        number = parse_number(text, "person", 1.0)
        if number is not None and text not in {"0", "1"}:
            return f"{number:g}"
        truth = {"YES": True, "NO": False}.get(text.upper(), parse_boolean(text, layer="claims", field="value"))
        return text if truth is None else "yes" if truth else "no"

    return values.map(read).astype("str")


def check_private(table: Any, schema: Schema, found: Findings) -> None:
    """Check id numbers without ever repeating one in a message."""
    if schema.name != "households":
        return
    numbers = table["id_number"].str.upper()
    table["id_number"] = numbers
    text = "“id_number”校验位不对或末位数字丢失，请从原始资料核对（表格中应设为文本格式）。"
    bad = np.array(numbers.notna(), dtype=bool)
    bad[bad] = [not is_valid_identity(number) for number in numbers[bad]]
    found.add(bad, field="id_number", kind="identity", severity="warning", message=text)
    ids = table["household_id"]
    personal = ids.notna() & ids.str.fullmatch(r"\d{17}[\dXx]").fillna(False)
    text = "“household_id”用的是身份证号。户编号会出现在结果里，不能用个人证件号，请改用户编号后重新导入。"
    mask = np.array(personal, dtype=bool)
    if mask.any():
        mask[mask] = [is_valid_identity(number) for number in ids[mask].str.upper()]
    found.hide_subjects(mask)
    found.add(mask, field="household_id", kind="identity_as_id", severity="error", message=text)


def is_valid_identity(number: str) -> bool:
    """True for an 18-digit citizen number with the right check character, or an old one of 15 digits.

    Examples
    --------
    >>> is_valid_identity("11010519491231002X"), is_valid_identity("110105194912310021")
    (True, False)
    """
    if re.fullmatch(r"\d{15}", number):
        return True
    if not re.fullmatch(r"\d{17}[\dX]", number):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number[:17], strict=True))
    return CHECK_CHARACTERS[total % 11] == number[17]


def note_suspicious(table: Any, shapes: Any, schema: Schema, found: Findings) -> None:
    """Note what cannot both be true, namesakes, and crowds on one point."""
    for small, large in (("poor_population", "population"), ("households", "population")):
        if {small, large} <= set(table.columns):
            mask = (table[small] > table[large]).to_numpy()
            text = f"“{small}”大于“{large}”，两个数不可能都对。请核对。"
            found.add(mask, field=small, kind="contradiction", severity="warning", message=text)
    for name, text in ASKED.get(schema.name, {}).items():
        _note_blank(table, name, text, found)
    if schema.name == "villages":
        _namesakes(table.assign(prefix=table["village_id"].str[:-3]), ["town", "prefix"], "同一乡镇", found)
    if schema.name == "natural_villages":
        _namesakes(table, ["village_id", "town", "village"], "同一行政村", found)
    if schema.name == "households" and shapes is not None:
        mask = np.zeros(len(table), dtype=bool)
        mask[repeated_rows(shapes, CROWD)] = True
        if mask.any():
            text = (
                f"{int(mask.sum())} 户落在有 {CROWD} 户以上的同一个点上，多半是用村委会坐标代替了住户坐标，距离不可信。"
            )
            found.whole(text, "crowd", "warning", "geometry")


def _note_blank(table: Any, name: str, text: str, found: Findings) -> None:
    """Note rows that leave blank what later figures depend on; one sentence when the whole column is blank."""
    noted = found.has(name)
    blank = table[name].isna().to_numpy() & ~found.is_refused() & ~noted
    if len(table) and table[name].isna().all() and not noted.any():
        found.whole(f"全部 {len(table)} 行的{text}。请补上“{name}”列。", "blank", "warning", name)
    else:
        found.add(blank, field=name, kind="blank", severity="warning", message=f"{text}。请补填。")


def _namesakes(table: Any, within: list[str], where: str, found: Findings) -> None:
    key = table[within].fillna("").astype("str").agg("\x1f".join, axis=1) + "\x1f"
    key = key + table["name"].map(normalise_name, na_action="ignore").fillna("")
    live = table["name"].notna() & table[within].notna().any(axis=1) & ~found.is_refused()
    mask = live & key.where(live).duplicated(keep=False)
    text = f"{where}里有同名的，按名称对不上号，只能按代码对应。请核对是否重复登记。"
    found.add(mask.to_numpy(), field="name", kind="namesake", severity="warning", message=text)
