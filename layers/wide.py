"""Registers with one column a need are brought to one row a unit and need."""

from collections.abc import Mapping as MappingABC
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError
from layers import schema as schemas
from layers.cells import cell_text, parse_boolean, parse_number
from layers.headers import keys, plain_header
from layers.match import Mapping
from layers.schema import GEOMETRY

NOT_NEEDS = frozenset(
    plain_header(text)
    for text in (
        "序号",
        "备注",
        "编号",
        "县",
        "县区",
        "县(市、区、旗)",
        "市",
        "省",
        "联系人",
        "电话",
        "填表人",
        "审核人",
    )
)


def melt_claims(
    ours: Any, raw: Any, mapping: Mapping, needs: MappingABC[str, str], notes: list[str]
) -> tuple[Any, NDArray[np.int64]]:
    """Bring a wide register to long form; a long one stays as it is.

    Columns that a mapping names and the layer does not know are needs. Without a mapping every other column that
    holds yes/no or numbers is one; its id is found in `needs`, else it keeps its header.

    Returns
    -------
    frame, back
        Long form in our columns, and for each of its rows the position in `ours` it came from. Blank cells give no
        row: the register says nothing there.
    """
    schema = schemas.load()["claims"]
    if "need" in ours.columns and "value" in ours.columns:
        known = {plain_header(label): need for label, need in needs.items()}
        texts = ours["need"].map(lambda cell: known.get(plain_header(cell_text(cell)), cell_text(cell) or None))
        return ours.assign(need=texts), np.arange(len(ours))
    own = [name for name in ours.columns if schema.has(name) and name not in {"need", "value"}]
    columns = {name: ours[name] for name in ours.columns if not schema.has(name)}
    if not columns:
        columns = _need_columns(raw.reset_index(drop=True), mapping, needs, notes)
    if not columns:
        raise InputError(
            "claims: 缺少“need”（事项）和“value”（值）列，也找不到一列一个事项的宽表列。"
            "请检查表头，或用映射文件 [columns] 写 事项编号 = “表头”。"
        )
    parts, back = [], []
    for need, column in columns.items():
        filled = column.map(lambda cell: bool(cell_text(cell))).to_numpy(dtype=bool)
        part = ours.loc[filled, own].assign(need=need, value=column[filled].map(cell_text))
        parts.append(part)
        back.append(np.flatnonzero(filled))
    order = np.lexsort((np.repeat(np.arange(len(back)), [len(each) for each in back]), np.concatenate(back)))
    long = pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)
    return long, np.concatenate(back)[order].astype(np.int64)


def _need_columns(raw: Any, mapping: Mapping, needs: MappingABC[str, str], notes: list[str]) -> dict[str, Any]:
    """Find the columns of a wide register that each say something about one need."""
    labels = {plain_header(label): need for label, need in needs.items()}
    labels |= {plain_header(need): need for need in needs.values()}
    used, found, strange = set(mapping.columns.values()), {}, []
    for name in raw.columns:
        if name in used or name == GEOMETRY or plain_header(name) in NOT_NEEDS:
            continue
        need = next((labels[key] for key, _ in keys(name) if key in labels), None)
        if need is None and not _is_answer(raw[name]):
            continue
        if need is None:
            strange.append(str(name))
            need = str(name).split("/")[-1].strip()
        found[need] = raw[name]
    if strange:
        notes.append(f"登记表的 {'、'.join(strange)} 列按表头原文作为事项；如与政策事项同义，请用映射文件指明。")
    return found


def _is_answer(column: Any) -> bool:
    """True when every filled cell of a column is yes, no or a number, and at least one is filled."""
    texts = {cell_text(value) for value in pd.unique(column)} - {""}
    return bool(texts) and all(
        parse_boolean(text, layer="claims", field="value") is not None or parse_number(text, "person", 1.0) is not None
        for text in texts
    )
