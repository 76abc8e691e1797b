"""Chinese and English labels, numbers, money and days as readers expect them; every text comes from one catalogue."""

import math
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

Language = Literal["zh", "en"]
HTML_LANGUAGE = {"zh": "zh-CN", "en": "en"}
CATALOGUE = Path(__file__).with_name("labels.toml")


@cache
def catalogue() -> dict[str, dict[str, dict[str, str]]]:
    """Read the catalogue: group -> key -> language -> text."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def label(group: str, key: str, language: Language = "zh") -> str:
    """Give the text for a key; an unknown key is shown as it is, so that data never vanish.

    >>> label("status", "gap")
    '缺口'
    >>> label("status", "gap", "en")
    'Gap'
    >>> label("layer", "aqueducts")
    'aqueducts'
    """
    texts = catalogue().get(group, {}).get(str(key), {})
    return texts.get(language, texts.get("zh", str(key)))


def number(value: float | None, decimals: int = 0) -> str:
    """Write a number with thousands separators; unknown is a dash, never 0.

    >>> number(12345.6)
    '12,346'
    >>> number(float("nan"))
    '—'
    """
    if value is None or math.isnan(value):
        return "—"
    return f"{value:,.{decimals}f}"


def percent(value: float | None, decimals: int = 1) -> str:
    """Write a share (0–1) as a percentage; unknown is a dash.

    >>> percent(0.853)
    '85.3%'
    """
    return "—" if value is None or math.isnan(value) else f"{value * 100:.{decimals}f}%"


def distance(metres: float | None, language: Language = "zh") -> str:
    """Write a distance as people say it: metres below one kilometre, kilometres above.

    >>> distance(820), distance(1530)
    ('820 米', '1.53 公里')
    """
    if metres is None or math.isnan(metres):
        return "—"
    near, far = ("米", "公里") if language == "zh" else ("m", "km")
    return f"{metres:,.0f} {near}" if metres < 1000 else f"{metres / 1000:,.2f} {far}"


def money(cny10k: float | None, language: Language = "zh") -> str:
    """Write an amount given in 万元; from 10,000 万元 on as 亿元.

    >>> money(356.2), money(53000)
    ('356.2 万元', '5.30 亿元')
    >>> money(356.2, "en")
    'CNY 3.56 million'
    """
    if cny10k is None or math.isnan(cny10k):
        return "—"
    if language == "en":
        return f"CNY {cny10k / 100:,.2f} million"
    return f"{cny10k:,.1f} 万元" if cny10k < 10_000 else f"{cny10k / 10_000:,.2f} 亿元"


def day(value: date, language: Language = "zh") -> str:
    """Write a day in full.

    >>> day(date(2018, 12, 31))
    '2018年12月31日'
    """
    return f"{value.year}年{value.month}月{value.day}日" if language == "zh" else value.isoformat()


def say(language: Language, key: str, **figures: object) -> str:
    """Give a sentence of the catalogue (group `text`) with its figures filled in.

    >>> say("zh", "area_holds", count=3)
    '框选 3 个'
    """
    return label("text", key, language).format(**figures)
