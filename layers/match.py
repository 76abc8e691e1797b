"""Recognise a layer by its columns, propose a mapping to ours, and apply it."""

import tomllib
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError
from layers import schema as schemas
from layers.headers import assign, header_unit, keys, plain_header
from layers.names import Tied, clean_text, normalise_name, normalise_town, tie
from layers.schema import GEOMETRY, Schema

__all__ = [
    "Mapping",
    "Tied",
    "apply",
    "factors",
    "load_mapping",
    "normalise_name",
    "normalise_town",
    "propose",
    "recognise",
    "tie",
]

FAMILIES = {
    "point": "point",
    "multipoint": "point",
    "linestring": "line",
    "multilinestring": "line",
    "linearring": "line",
    "polygon": "polygon",
    "multipolygon": "polygon",
}


@dataclass(frozen=True)
class Mapping:
    """How a file's columns and values become ours; see the mapping file in the user guide.

    `columns` is ours -> theirs ("" leaves a column out), `constants` ours -> value for every row, `values` per our
    column theirs -> ours with "*" for every other value that is not blank, `where` per their column the values kept.
    """

    columns: MappingABC[str, str] = field(default_factory=dict)
    constants: MappingABC[str, Any] = field(default_factory=dict)
    values: MappingABC[str, MappingABC[str, str]] = field(default_factory=dict)
    where: MappingABC[str, tuple[str, ...]] = field(default_factory=dict)


def _text(value: Any) -> str:
    """Return a cell as comparable text: 3.0 and "３ " are both "3"; blank is ""."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return clean_text(str(value))


def recognise(columns: Sequence[str], geometry_type: str | None = None) -> list[tuple[str, float]]:
    """Rank the layers a file may be, by its columns and its geometry.

    Parameters
    ----------
    columns
        Headers as they stand in the file.
    geometry_type
        Point, LineString, Polygon, their Multi forms, or None for a plain table.

    Returns
    -------
    list of (layer, score)
        Best first, score from 0 to 1; layers that nothing speaks for are left out.

    Examples
    --------
    >>> recognise(["户编号", "行政村", "户主姓名", "危房级别"])[0][0]
    'households'
    """
    columns = [str(column) for column in columns if str(column) != GEOMETRY]
    family = FAMILIES.get((geometry_type or "").lower().replace(" ", "").removesuffix("z"), "")
    chosen = {layer: assign(columns, layer) for layer in schemas.load()}
    shared: dict[str, int] = {}
    for found in chosen.values():
        for column in {match.column for match in found.values()}:
            shared[column] = shared.get(column, 0) + 1
    ranked = []
    for layer, schema in schemas.load().items():
        found = chosen[layer]
        required = [item.name for item in schema.fields if item.required == "yes"]
        complete = sum(name in found for name in required) / len(required)
        special = sum(match.score / shared[match.column] for match in found.values()) / max(len(shared), 1)
        score = (0.4 * complete + 0.6 * min(special, 1.0)) * _geometry_fit(schema, family, found)
        if score > 0.05:
            ranked.append((layer, round(score, 4)))
    return sorted(ranked, key=lambda item: (-item[1], item[0]))


def _geometry_fit(schema: Schema, family: str, found: MappingABC[str, Any]) -> float:
    if family:
        return (
            1.0 if family in schema.geometry else 0.3 if schema.geometry == {"point"} and family == "polygon" else 0.0
        )
    if not schema.geometry or not schema.is_geometry_required or "longitude" in found:
        return 1.0
    return 0.3


def load_mapping(path: str | Path) -> Mapping:
    """Read a mapping file (TOML with [columns], [constants], [values.<column>], [where]).

    Raises
    ------
    InputError
        When the file cannot be read, is not TOML, or holds an unknown table.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"映射文件 {path.name} 打不开（{error.strerror}），请检查路径。") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"映射文件 {path.name} 不是正确的 TOML：{error}。请对照用户手册中的样例修改。") from error
    return parse_mapping(content, name=path.name)


def parse_mapping(content: MappingABC[str, Any], *, name: str = "映射") -> Mapping:
    """Turn the content of a mapping file into a `Mapping`, refusing what it does not know."""
    unknown = set(content) - {"columns", "constants", "values", "where"}
    if unknown:
        raise InputError(
            f"映射文件 {name} 有不认识的表 {sorted(unknown)}，只能有 [columns]、[constants]、[values.列名]、[where]。"
        )
    for table, value in content.items():
        if not isinstance(value, dict):
            raise InputError(f"映射文件 {name} 的 {table} 应是一个表，如 [{table}]。")
    values = content.get("values", {})
    if any(not isinstance(table, dict) for table in values.values()):
        raise InputError(f"映射文件 {name} 的 [values] 要按列写，如 [values.surface]。")
    where = {
        column: tuple(_text(item) for item in (kept if isinstance(kept, list) else [kept]))
        for column, kept in content.get("where", {}).items()
    }
    return Mapping(
        columns={ours: str(theirs) for ours, theirs in content.get("columns", {}).items()},
        constants=dict(content.get("constants", {})),
        values={ours: {_text(key): str(value) for key, value in table.items()} for ours, table in values.items()},
        where=where,
    )


def propose(columns: Sequence[str], schema: Schema) -> Mapping:
    """Propose which column of a file is which of ours, by the names, codes and short forms the schema knows.

    Examples
    --------
    >>> dict(propose(["行政村名称", "村代码", "人口（万人）"], schemas.load()["villages"]).columns)
    {'village_id': '村代码', 'name': '行政村名称', 'population': '人口（万人）'}
    """
    found = assign([str(column) for column in columns if str(column) != GEOMETRY], schema.name)
    return Mapping(columns={item.name: found[item.name].column for item in schema.fields if item.name in found})


def complete(mapping: Mapping | None, columns: Sequence[str], schema: Schema) -> Mapping:
    """Add proposals for the columns a mapping does not mention."""
    if mapping is None:
        return propose(columns, schema)
    named = set(mapping.columns) | set(mapping.constants)
    free = [column for column in columns if column not in set(mapping.columns.values())]
    proposed = propose(free, schema).columns
    extra = {ours: theirs for ours, theirs in proposed.items() if ours not in named}
    return Mapping({**mapping.columns, **extra}, mapping.constants, mapping.values, mapping.where)


def factors(mapping: Mapping, schema: Schema) -> dict[str, float]:
    """Return by how much each column must be multiplied to come to our unit, where its header states another.

    Examples
    --------
    >>> factors(Mapping({"population": "人口（万人）"}), schemas.load()["villages"])
    {'population': 10000.0}
    """
    found = {}
    for ours, theirs in mapping.columns.items():
        if schema.has(ours) and schema.field(ours).unit and theirs:
            factor = schemas.unit_factors(schema.field(ours).unit).get(header_unit(theirs) or "")
            if factor not in (None, 1.0):
                found[ours] = float(factor)
    return found


def _resolve(theirs: str, columns: Sequence[str], *, ours: str) -> str:
    """Return the file's own spelling of a column named in a mapping."""
    if theirs in columns:
        return theirs
    wanted = plain_header(theirs)
    same = [column for column in columns if wanted in {plain_header(column), *(key for key, _ in keys(column))}]
    if len(same) == 1:
        return same[0]
    listed = "、".join(str(column) for column in list(columns)[:30])
    problem = "有多列都像" if same else "没有"
    raise InputError(f"映射文件：“{ours}”要用的列“{theirs}”，文件里{problem}这一列。文件里有：{listed}。")


def apply(frame: Any, mapping: Mapping, schema: Schema) -> tuple[Any, NDArray[np.int64]]:
    """Rename a file's columns to ours, replace values, add constants and keep the rows asked for.

    Returns
    -------
    frame, kept
        Our columns as far as the file has them (values still as written), RangeIndex, geometry last if there was
        one; and the positions in `frame` of the rows kept. The frame given is not changed.

    Raises
    ------
    InputError
        When the mapping names a column that neither the file nor the layer has.

    Examples
    --------
    >>> raw = pd.DataFrame({"HAB_ID": [7, 8], "KIND": ["a", "b"]})
    >>> mapping = Mapping({"natural_village_id": "HAB_ID"}, {"name": "x"}, {}, {"KIND": ("b",)})
    >>> ours, kept = apply(raw, mapping, schemas.load()["natural_villages"])
    >>> ours.to_dict("list"), kept.tolist()
    ({'natural_village_id': [8], 'name': ['x']}, [1])
    """
    columns = [str(column) for column in frame.columns if str(column) != GEOMETRY]
    is_open = schema.name == "claims"
    wrong = [] if is_open else [name for name in (*mapping.columns, *mapping.constants) if not schema.has(name)]
    if wrong:
        known = "、".join(item.name for item in schema.fields)
        raise InputError(f"{schema.name}：映射里的 {'、'.join(wrong)} 不是这个图层的列。可用的列：{known}。")
    keep = np.ones(len(frame), dtype=bool)
    for theirs, kept in mapping.where.items():
        text = frame[_resolve(theirs, columns, ours="[where]")].map(_text)
        keep &= text.isin(list(kept)).to_numpy()
    positions = np.flatnonzero(keep)
    taken = frame.iloc[positions]
    ours = {}
    for name, theirs in mapping.columns.items():
        if theirs:
            ours[name] = taken[_resolve(theirs, columns, ours=name)].reset_index(drop=True)
            if name in mapping.values:
                ours[name] = _replace(ours[name], mapping.values[name])
    for name, value in mapping.constants.items():
        ours[name] = pd.Series([value] * len(taken), dtype=object)
    out = pd.DataFrame(ours, index=pd.RangeIndex(len(taken)))
    if GEOMETRY in frame.columns:
        out[GEOMETRY] = np.asarray(taken[GEOMETRY], dtype=object)
    return out, positions


def _replace(series: Any, table: MappingABC[str, str]) -> Any:
    """Replace values by a table; "*" stands for every value that is neither listed nor blank."""
    text = series.map(_text).astype(object)
    other = table.get("*")
    replaced = text.map(lambda value: table.get(value, other if other is not None and value else value))
    return replaced.where(text != "", None)
