"""Shapefiles: parts checked, text decoded by what the bytes say. Imported only by the worker process."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio

from geo.encoding import Found, find, known, label
from geo.errors import InputError
from geo.parsed import Parsed, Wish, listed, shown, unique_names
from geo.vector import as_parsed, read_layer

_LDID = {0x4D: "GBK", 0x7A: "GBK", 0x4F: "Big5", 0x78: "Big5"}


def parse_shapefile(path: Path, wish: Wish) -> Parsed:
    """Read a shapefile (or a lone .dbf table), its text decoded by what the bytes say.

    Raises
    ------
    InputError
        No .dbf, a damaged .shp, or nothing readable in it.
    """
    notes: list[str] = []
    table_path = path.with_suffix(".dbf")
    if path.suffix == ".shp":
        _check_shape(path, notes)
    found = _dbf_encoding(table_path, path.with_suffix(".cpg"), wish.encoding)
    if found.note:
        notes.append(found.note)
    meta, table = read_layer(path, wish.limits, encoding="ISO-8859-1", return_fids=True)
    fids = table["OGC_FID"].to_numpy() if "OGC_FID" in table.column_names else np.arange(table.num_rows)
    table = table.drop_columns(["OGC_FID"]) if "OGC_FID" in table.column_names else table
    parsed = as_parsed(meta, _redecoded(table, found.encoding, notes), "ESRI Shapefile", notes)
    parsed.rows = fids.astype(np.int64) + 1
    parsed.encoding = found.label
    parsed.layer = wish.name
    if parsed.geometry is not None and len(parsed.rows) and all(shape is None for shape in parsed.geometry):
        raise InputError("Shapefile 的 .shp 已损坏：没有一个图形能读出来。请重新导出或重新复制全部文件。")
    return parsed


def _check_shape(path: Path, notes: list[str]) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or struct.unpack(">i", head[:4])[0] != 9994:
        raise InputError("内容不是 Shapefile（.shp 文件头不对）。请确认文件，或重新导出。")
    stated = struct.unpack(">i", head[24:28])[0] * 2
    if stated > size:
        notes.append(f".shp 不完整：应有 {stated:,} 字节，实有 {size:,} 字节，缺失的图形没有位置。请重新复制原文件。")
    if not path.with_suffix(".dbf").exists():
        raise InputError(
            "缺少同名的 .dbf（属性表），没有属性的图形无法使用。请把 .shp、.shx、.dbf、.prj 一起选上或打包成 zip。"
        )
    if not path.with_suffix(".shx").exists():
        pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES"})
        notes.append("缺少 .shx 索引，已按 .shp 内容重建（只在临时副本中）。")
    if not path.with_suffix(".prj").exists():
        notes.append("没有 .prj，文件没有说明坐标系，需要另外指定。")


def _dbf_encoding(table_path: Path, label_path: Path, given: str | None) -> Found:
    if given is not None:
        codec = known(given)
        if codec is None:
            raise InputError(f"不认识的编码“{shown(given, 30)}”。可用：UTF-8、GBK、GB18030、Big5。")
        return Found(codec, 1.0)
    stated = label_path.read_bytes()[:40].decode("ascii", errors="ignore").strip() if label_path.exists() else None
    samples, page = _dbf_samples(table_path)
    return find(samples, stated or _LDID.get(page))


def _dbf_samples(path: Path) -> tuple[list[bytes], int]:
    """Field names and some thousand text values as bytes, and the language byte of the header."""
    data = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size > 65 else np.zeros(0, np.uint8)
    if len(data) < 65:
        raise InputError(".dbf 是空的或已损坏。请重新导出或重新复制原文件。")
    head = bytes(data[: min(len(data), 65_536)])
    count, start, length = struct.unpack("<IHH", head[4:12])
    samples, spans, offset = [], [], 1
    for at in range(32, min(start, len(head)) - 31, 32):
        if head[at] == 0x0D:
            break
        samples.append(head[at : at + 11].split(b"\x00")[0])
        if head[at + 11 : at + 12] == b"C":
            spans.append((offset, offset + head[at + 16] + (head[at + 17] << 8)))
        offset += head[at + 16] + (head[at + 17] << 8 if head[at + 11 : at + 12] == b"C" else 0)
    whole = min(count, max(len(data) - start, 0) // length if length else 0)
    if whole and spans:
        grid = data[start : start + whole * length].reshape(whole, length)
        telling = np.flatnonzero((grid > 0x7F).any(axis=1))
        for row in telling[:: max(1, len(telling) // 1500)]:
            cells = bytes(grid[row])
            samples += [cells[left:right].rstrip(b" \x00") for left, right in spans]
    return samples, head[29]


def _redecoded(table: Any, encoding: str, notes: list[str]) -> Any:
    """Text came through GDAL byte for byte; give it the encoding that was found."""
    broken: list[int] = []
    names = [_text(name, encoding) for name in table.column_names]
    columns = []
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_string(column.type) and not pc.all(pc.string_is_ascii(column)).as_py():
            texts = [None if value is None else _text(value, encoding) for value in column.to_pylist()]
            broken += [row for row, text in enumerate(texts, start=1) if text and "\ufffd" in text]
            column = pa.array(texts, type=pa.string())
        columns.append(column)
    if broken:
        notes.append(
            f"第 {listed(sorted(set(broken)))} 条有不能按 {label(encoding)} 解码的字，已用“\ufffd”标出，请核对编码或修正。"
        )
    return pa.Table.from_arrays(columns, names=unique_names(names))


def _text(value: str, encoding: str) -> str:
    """Decode, forgiving only a character that the field width cut in two."""
    try:
        raw = value.encode("latin-1")
    except UnicodeEncodeError:
        return value
    for cut in (0, 1, 2, 3):
        try:
            return raw[: len(raw) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode(encoding, errors="replace")
