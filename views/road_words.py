"""What the road analysis says in Chinese, in the reader's language: sentences are known by their form, figures are kept."""

import re
from functools import cache

import pandas as pd

from views.labels import Language, catalogue, label


@cache
def _forms() -> dict[str, re.Pattern[str]]:
    """Turn every sentence of the group `road_note` into the pattern that recognises it; {0}, {1} … are the figures."""
    return {
        key: re.compile(re.sub(r"\\{\d\\}", "(.+)", re.escape(texts["zh"])))
        for key, texts in catalogue()["road_note"].items()
    }


def told(text: object, language: Language) -> str:
    """Say what the analysis says in the reader's language; a sentence of no known form stays as it is.

    >>> told("直接连通 2 个自然村 304 人；连同后续项目共 304 人，每万元 4.5 人", "en")
    '2 natural villages with 304 people directly; 304 people with what follows, 4.5 per CNY 10k'
    >>> told("不在任何村界内；别的", "en"), told("人口不明", "zh"), told(None, "en")
    ('in no village; 别的', '人口不明', '')
    """
    if not isinstance(text, str):
        return ""
    if language == "zh" or not text:
        return text
    mark = "；"
    parts = text.split(mark)
    said: list[str] = []
    while parts:  # a sentence may hold the mark that parts sentences: the longest that is known counts
        for count in range(len(parts), 0, -1):
            found = _one(mark.join(parts[:count]), language)
            if found is not None or count == 1:
                said.append(found if found is not None else parts[0])
                parts = parts[count:]
                break
    return "; ".join(said)


def _one(text: str, language: Language) -> str | None:
    for key, form in _forms().items():
        found = form.fullmatch(text)
        if found and "；" not in "".join(found.groups()):
            return label("road_note", key, language).format(*found.groups())
    return None


def named_in(note: str, villages: pd.DataFrame) -> str:
    """Write a list of natural villages after a colon with their names instead of their codes.

    >>> villages = pd.DataFrame({"natural_village_id": ["12", "7"], "name": ["上村", None]})
    >>> named_in("12 个没有编入：12、7……", villages), named_in("left out: 12、7……", villages)
    ('12 个没有编入：上村、7……', 'left out: 上村、7……')
    """
    names = dict(zip(villages["natural_village_id"].astype(str), villages["name"].fillna(""), strict=True))
    head, colon, tail = note.partition("：" if "：" in note else ": ")
    return head + colon + re.sub(r"[^、…]+", lambda found: names.get(found[0]) or found[0], tail)
