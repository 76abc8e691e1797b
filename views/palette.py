"""Colours and patterns of every status, fixed once for maps, tables, workbooks and briefings.

The four statuses differ in hue, in lightness and in pattern, so that they stay apart for a colour-blind reader, on a
washed-out projector and on a black-and-white print. Hues are those of Okabe and Ito (2008), darkened or lightened
until neighbouring statuses differ by at least 12 points of CIELAB lightness or by pattern.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Pattern = Literal["solid", "hatch", "dots", "cross", "none"]


@dataclass(frozen=True)
class Swatch:
    """One drawn class: fill colour, pattern, the colour of the pattern's ink and of the outline, label."""

    label: str
    color: str
    pattern: Pattern = "solid"
    ink: str = "#ffffff"
    outline: str = "#333333"


STATUS: Mapping[str, Swatch] = MappingProxyType(
    {
        "met": Swatch("已达标", "#3a8fc4", "solid", "#ffffff", "#1f5f8b"),
        "gap": Swatch("未达标", "#c23f05", "cross", "#6b1f00", "#6b1f00"),
        "disputed": Swatch("有争议", "#f2c12e", "dots", "#5b4300", "#8a6700"),
        "unknown": Swatch("不清楚", "#e6e6e6", "hatch", "#6b6b6b", "#6b6b6b"),
    }
)
STATUS_ORDER: tuple[str, ...] = ("unknown", "met", "disputed", "gap")  # drawn in this order: the worst on top

STATE: Mapping[str, Swatch] = MappingProxyType(
    {
        "connected": Swatch("已通硬化路", "#3a8fc4", "solid", "#ffffff", "#1f5f8b"),
        "harden": Swatch("待硬化", "#c23f05", "cross", "#6b1f00", "#6b1f00"),
        "build": Swatch("待新建", "#8c2d80", "dots", "#ffffff", "#5c1c54"),
        "unknown": Swatch("不清楚", "#e6e6e6", "hatch", "#6b6b6b", "#6b6b6b"),
    }
)

SURFACE: Mapping[str, Swatch] = MappingProxyType(
    {
        "asphalt": Swatch("沥青", "#1f4e79"),
        "concrete": Swatch("水泥", "#3a8fc4"),
        "light": Swatch("简易铺装", "#d99a2b"),
        "gravel": Swatch("砂石", "#c8450b", "cross"),
        "earth": Swatch("土路", "#7a4a12", "cross"),
        "none": Swatch("无路面", "#8c2d80", "dots"),
        "unknown": Swatch("不清楚", "#8a8a8a", "hatch"),
    }
)

GRADE: Mapping[str, Swatch] = MappingProxyType(
    {
        "A": Swatch("A级", "#3a8fc4"),
        "B": Swatch("B级", "#8fbfe0"),
        "C": Swatch("C级", "#f2c12e", "dots", "#5b4300", "#8a6700"),
        "D": Swatch("D级", "#c23f05", "cross", "#6b1f00", "#6b1f00"),
        "unknown": Swatch("未鉴定", "#e6e6e6", "hatch", "#6b6b6b", "#6b6b6b"),
    }
)

CLASSED: tuple[str, ...] = ("#f1eef6", "#bdc9e1", "#74a9cf", "#2b8cbe", "#045a8d")  # light to dark, 5 classes
NO_DATA = Swatch("数据不足", "#f2f2f2", "hatch", "#7a7a7a", "#7a7a7a")
