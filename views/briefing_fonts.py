"""The Chinese font of pictures and papers: found on the machine, never shipped, and never silently missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont, TTLibError  # type: ignore[import-untyped]
from matplotlib import font_manager

from geo.errors import InputError

FAMILIES = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("Microsoft YaHei", "SimHei", "DengXian", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "PingFang SC"),
)
SLIDE_FAMILY = "Microsoft YaHei"  # a slide names its font and the reader's machine supplies it


@dataclass(frozen=True)
class Font:
    """A font that holds Chinese: its family and its file."""

    family: str
    path: Path


@cache
def find_font() -> Font:
    """Find a font with Chinese on this machine.

    Raises
    ------
    InputError
        There is none; the text says what to install.
    """
    return choose_font({entry.name: Path(entry.fname) for entry in _entries()})


def choose_font(known: dict[str, Path]) -> Font:
    """Choose the first wanted family of those known.

    >>> choose_font({"SimHei": Path("simhei.ttf"), "Arial": Path("arial.ttf")}).family
    'SimHei'
    """
    for family in FAMILIES:
        if family in known:
            return Font(family, known[family])
    raise InputError(
        "这台电脑上没有中文字体，图和 PDF 中的汉字会变成方框，已停止导出。"
        "请安装一种：Windows 自带“微软雅黑”或“黑体”；Linux 请安装 fonts-noto-cjk（思源黑体）。装好后请重新启动程序。"
    )


def _entries() -> list[font_manager.FontEntry]:
    return [entry for entry in font_manager.fontManager.ttflist if entry.weight in (400, "normal", "regular")]


def missing_letters(texts: Iterable[str], font: Font) -> tuple[str, ...]:
    """List the letters of some texts that a font cannot draw (生僻字), each once."""
    wanted = {letter for text in texts for letter in text if letter.isprintable() and not letter.isspace()}
    return tuple(sorted(letter for letter in wanted if ord(letter) not in _letters(str(font.path))))


@cache
def _letters(path: str) -> frozenset[int]:
    try:
        if path.lower().endswith((".ttc", ".otc")):
            with TTCollection(path, lazy=True) as collection:
                return frozenset().union(*(font.getBestCmap() for font in collection.fonts[:1]))
        with TTFont(path, lazy=True) as font:
            return frozenset(font.getBestCmap())
    except (OSError, TTLibError) as error:
        raise InputError(f"中文字体文件 {Path(path).name} 读不出（{error}）。请重新安装字体。") from error
