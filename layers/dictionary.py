"""Print the data dictionary from the schemas: `python -m layers.dictionary` writes docs/data-dictionary.md."""

from pathlib import Path

from layers import schema as schemas
from layers.schema import Field, Schema

TARGET = Path(__file__).resolve().parents[1] / "docs" / "data-dictionary.md"
SHAPES = {"point": "点", "line": "线", "polygon": "面"}
TYPES = {
    "id": "编号（文本）",
    "text": "文本",
    "code": "代码",
    "codes": "代码（可多个，分号隔开）",
    "boolean": "是/否",
    "number": "数",
    "integer": "整数",
    "year": "年份",
    "day": "日期",
    "longitude": "经度",
    "latitude": "纬度",
}
UNITS = {"m": "米", "m2": "平方米", "person": "人", "household": "户", "degree": "度"}
HEAD = """# 数据字典

<!-- 由 `python -m layers.dictionary` 从 layers/schemas/*.csv 生成，请改表，不要改这个文件。 -->

每个图层要有哪些列。**必填**的列缺了，文件不收；必填的值缺了，那一行不收（列在“拒收行”里，改好可再导入）。
“至少一项”的列每行要填其中一项。其余的列可以没有：没有就是未知，未知不当作“没有”。带“私密”的列单独存放，不进入任何结果。
表头按“认得的表头”识别：不分全角半角、大小写、空格和下划线；括号里的单位（公里、万人、亩）自动换算；DBF 截断到 10 字节的表头也认。
认不出的列用映射文件（`--map`）指明。编号一律按文字保存，前导零不丢。
"""


def dictionary() -> str:
    """Return the data dictionary of every layer as Markdown."""
    parts = [HEAD]
    parts += [_layer(schema) for schema in schemas.load().values()]
    parts.append(_values())
    return "\n".join(parts)


def _layer(schema: Schema) -> str:
    shapes = "或".join(SHAPES[kind] for kind in SHAPES if kind in schema.geometry) or "无图形（表格）"
    need = "" if not schema.geometry or schema.is_geometry_required else "，可以缺（缺了与位置有关的指标为未知）"
    lines = [
        f"## {schema.name} {schema.label}",
        "",
        f"{schema.description}。图形：{shapes}{need}。",
        "",
        "| 列 | 说明 | 类型 | 单位 | 必填 | 可填的值 | 认得的表头 |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *(_row(item) for item in schema.fields), ""])


def _row(item: Field) -> str:
    required = {"yes": "是", "alt": "至少一项", "no": ""}[item.required]
    bounds = item.bounds
    allowed = f"{bounds[0]:.0f} 至 {bounds[1]:.0f}" if bounds else "、".join(item.allowed)
    aliases = "、".join(alias.lstrip("~") for alias in item.aliases if alias != item.name)
    text = item.description + ("（**私密**）" if item.is_private else "")
    cells = [f"`{item.name}`", text, TYPES[item.type], UNITS.get(item.unit, item.unit), required, allowed, aliases]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _values() -> str:
    """Return what people write for each code, grouped by column."""
    groups: dict[str, dict[str, list[str]]] = {}
    for row in schemas.rows("values"):
        groups.setdefault(row["field"], {}).setdefault(row["ours"] or "（未填）", []).append(row["theirs"])
    lines = [
        "## 值的写法",
        "",
        "左边是入库的代码，右边是认得的写法。",
        "",
        "| 列 | 代码 | 认得的写法 |",
        "| --- | --- | --- |",
    ]
    for field, codes in groups.items():
        lines += [
            f"| {field} | {ours} | {'、'.join(theirs).replace('<', '&lt;').replace('|', chr(92) + '|')} |"
            for ours, theirs in codes.items()
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the data dictionary."""
    TARGET.write_text(dictionary(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
