"""Colours and patterns of every status, fixed once for maps, tables, workbooks and briefings.

The four statuses differ in hue, in lightness and in pattern, so that they stay apart for a colour-blind reader, on a
washed-out projector and on a black-and-white print. Hues are those of Okabe and Ito (2008), darkened or lightened
until neighbouring statuses differ by at least 12 points of CIELAB lightness or by pattern.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from views.labels import label

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
        "met": Swatch(label("status", "met"), "#3a8fc4", "solid", "#ffffff", "#1f5f8b"),
        "gap": Swatch(label("status", "gap"), "#c23f05", "cross", "#6b1f00", "#6b1f00"),
        "disputed": Swatch(label("status", "disputed"), "#f2c12e", "dots", "#5b4300", "#8a6700"),
        "unknown": Swatch(label("status", "unknown"), "#e6e6e6", "hatch", "#6b6b6b", "#6b6b6b"),
    }
)
STATUS_ORDER: tuple[str, ...] = ("unknown", "met", "disputed", "gap")  # drawn in this order: the worst on top

STATE: Mapping[str, Swatch] = MappingProxyType(
    {
        "connected": Swatch(label("state", "connected"), "#3a8fc4", "solid", "#ffffff", "#1f5f8b"),
        "harden": Swatch(label("state", "harden"), "#c23f05", "cross", "#6b1f00", "#6b1f00"),
        "build": Swatch(label("state", "build"), "#8c2d80", "dots", "#ffffff", "#5c1c54"),
        "unknown": Swatch(label("status", "unknown"), "#e6e6e6", "hatch", "#6b6b6b", "#6b6b6b"),
    }
)

SURFACE: Mapping[str, Swatch] = MappingProxyType(
    {
        "asphalt": Swatch(label("surface", "asphalt"), "#1f4e79"),
        "concrete": Swatch(label("surface", "concrete"), "#3a8fc4"),
        "light": Swatch(label("surface", "light"), "#d99a2b"),
        "gravel": Swatch(label("surface", "gravel"), "#c8450b", "cross"),
        "earth": Swatch(label("surface", "earth"), "#7a4a12", "cross"),
        "none": Swatch(label("surface", "none"), "#8c2d80", "dots"),
        "unknown": Swatch(label("status", "unknown"), "#8a8a8a", "hatch"),
    }
)

GRADE: Mapping[str, Swatch] = MappingProxyType(
    {
        "A": Swatch(label("grade", "A"), "#3a8fc4"),
        "B": Swatch(label("grade", "B"), "#8fbfe0"),
        "C": Swatch(label("grade", "C"), "#f2c12e", "dots", "#5b4300", "#8a6700"),
        "D": Swatch(label("grade", "D"), "#c23f05", "cross", "#6b1f00", "#6b1f00"),
        "unknown": Swatch(label("grade", "unknown"), "#e6e6e6", "hatch", "#6b6b6b", "#6b6b6b"),
    }
)

CLASSED: tuple[str, ...] = ("#f1eef6", "#bdc9e1", "#74a9cf", "#2b8cbe", "#045a8d")  # light to dark, 5 classes
NO_DATA = Swatch(label("text", "too_little_data"), "#f2f2f2", "hatch", "#7a7a7a", "#7a7a7a")
