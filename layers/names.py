"""Names as people write them: cleaned text, village and town names without suffixes, and ties from names to codes."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from layers import schema as schemas

INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
OFFICES = re.compile("(?:村民委员会|居民委员会|居民居委会|村委会|居委会|村委|居委|党总支|党支部)$")
VILLAGES = re.compile("(?:行政村|建制村|社区|村)$")
COUNTY = re.compile("^[^县区市]{1,6}[县区市]")
TOWNS = re.compile("(?:街道办事处|街道办|办事处|人民政府|镇政府|乡政府|街道|民族乡|镇|乡)$")


def clean_text(text: str) -> str:
    """Return `text` in normal width, without invisible characters and with single spaces.

    Examples
    --------
    >>> clean_text("　４４０２２４\u200b 村 ")
    '440224 村'
    """
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return " ".join(unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).split())


def plain_name(text: str) -> str:
    """Return a place name without blanks and with variant characters replaced; the suffix stays."""
    name = re.sub(r"\s", "", clean_text(text))
    for theirs, ours in schemas.variants().items():
        if theirs in name:
            name = name.replace(theirs, ours)
    return name


def normalise_name(text: str) -> str:
    """Return a village name without its office and without 村 or 社区, so that spellings of one place agree.

    Examples
    --------
    >>> [normalise_name(text) for text in ("夏富村", "夏富村委会", "夏富　村民委员会", "夏富社区居委会")]
    ['夏富', '夏富', '夏富', '夏富']
    >>> normalise_name("李村") == normalise_name("李村委会") == normalise_name("李村村委会")
    True
    """
    name = plain_name(text)
    for suffix in (OFFICES, VILLAGES):
        name = suffix.sub("", name) or name
    return name


def normalise_town(text: str) -> str:
    """Return a town name without 镇, 乡, 街道 and their offices.

    Examples
    --------
    >>> normalise_town("丹霞街道办事处"), normalise_town("闻韶镇")
    ('丹霞', '闻韶')
    """
    name = plain_name(text)
    return TOWNS.sub("", name) or name


@dataclass(frozen=True)
class Tied:
    """What became of every register row: the code, or why there is none.

    `reason` is "" (tied, or nothing was written), ambiguous, no_village, no_town or other_town; `candidates` lists
    what it might have been, for a person to choose. Both keep the index of the rows asked about.
    """

    village_id: Any
    reason: Any
    candidates: Any


class _Gazetteer:
    """Known villages by town and name, strictly spelt and loosely."""

    def __init__(self, villages: pd.DataFrame, aliases: Mapping[str, str]) -> None:
        self.aliases = {plain_name(theirs): plain_name(ours) for theirs, ours in aliases.items()}
        self.labels: dict[str, str] = {}
        self.towns: dict[str, set[str]] = defaultdict(set)
        self.names: dict[str, set[str]] = defaultdict(set)
        self.in_town: dict[tuple[str, str], set[str]] = defaultdict(set)
        has_town_id = "town_id" in villages.columns
        for position, (code, name, town) in enumerate(
            zip(villages["village_id"], villages["name"], villages["town"], strict=True)
        ):
            town_text = town if isinstance(town, str) else ""
            town_id = villages["town_id"].iat[position] if has_town_id else None
            key = town_id if isinstance(town_id, str) else plain_name(town_text)
            self.labels[code] = f"{town_text}{name}（{code}）"
            for spelling in {plain_name(town_text), "~" + normalise_town(town_text), key}:
                self.towns[spelling].add(key)
            for spelling in (plain_name(name), "~" + normalise_name(name)):
                self.names[spelling].add(code)
                self.in_town[key, spelling].add(code)

    def alias(self, text: str) -> str:
        """Return the name a policy or an office prefers."""
        name = plain_name(text)
        return self.aliases.get(name, name)

    def find_towns(self, text: str) -> set[str]:
        """Return the keys of the towns a text may mean."""
        name = self.alias(text)
        return self.towns.get(name) or self.towns.get("~" + normalise_town(name)) or set()

    def find(self, town: str, name: str) -> tuple[str | None, str, set[str]]:
        """Return (code, reason, candidates) for one town and village as written."""
        name = self.alias(name)
        if name in self.labels:
            return name, "", set()
        keys = self.find_towns(town) if town else set()
        if town and not keys:
            return None, "no_town", self._anywhere(name)
        prefix = self._prefix(name, keys)
        if prefix:
            keys, name = prefix
        spellings = (name, "~" + normalise_name(name))
        for spelling in spellings:
            found = set().union(*(self.in_town.get((key, spelling), set()) for key in keys))
            if not keys:
                found = self.names.get(spelling, set())
            if len(found) == 1:
                return next(iter(found)), "", set()
            if found:
                return None, "ambiguous", found
        elsewhere = self._anywhere(name) if keys else set()
        return None, "other_town" if elsewhere else "no_village", elsewhere

    def _anywhere(self, name: str) -> set[str]:
        return self.names.get(name) or self.names.get("~" + normalise_name(name)) or set()

    def _prefix(self, name: str, keys: set[str]) -> tuple[set[str], str] | None:
        """Split a town written in front of the village name: 丹霞街道老城社区, 仁化县董塘镇江头村."""
        if name in self.names:
            return None
        shorter = COUNTY.sub("", name)
        return self._split(name, keys) or (self._split(shorter, keys) if shorter else None)

    def _split(self, name: str, keys: set[str]) -> tuple[set[str], str] | None:
        for end in range(len(name) - 1, 1, -1):
            if TOWNS.search(name[:end]):
                found = self.towns.get(name[:end], set())
                if found and (not keys or found & keys):
                    return (found & keys if keys else found), name[end:]
        return None


def tie(register: pd.DataFrame, villages: pd.DataFrame, *, aliases: Mapping[str, str] | None = None) -> Tied:
    """Tie register rows to village codes by town and name; never guess between two.

    Names are compared first as spelt, then without 村/村委会/社区/居委会 and the like. With a town only its own
    villages count; without one the name must be unique in the county.

    Parameters
    ----------
    register
        Columns town and village as written, one row a record; any index.
    villages
        Columns village_id, name, town and, where known, town_id.
    aliases
        Old or wrong names -> the name (or code) in use.

    Examples
    --------
    >>> known = pd.DataFrame({"village_id": ["1", "2"], "name": ["张庄村", "张庄村"], "town": ["甲镇", "乙镇"]})
    >>> asked = pd.DataFrame({"town": ["甲", None], "village": ["张庄村委会", "张庄"]})
    >>> tie(asked, known).village_id.tolist(), tie(asked, known).reason.tolist()
    (['1', nan], ['', 'ambiguous'])
    """
    town_code, towns = pd.factorize(register["town"].fillna("").astype("str"))
    name_code, names = pd.factorize(register["village"].fillna("").astype("str"))
    codes, unique = pd.factorize(town_code * max(len(names), 1) + name_code)
    gazetteer = _Gazetteer(villages, aliases or {})
    pairs = [(towns[pair // len(names)], names[pair % len(names)]) for pair in unique]
    answers = [gazetteer.find(town, name) if name else (None, "", set()) for town, name in pairs]
    listed = ["、".join(gazetteer.labels[code] for code in sorted(found)[:5]) for _, _, found in answers]

    def spread(values: list[str | None]) -> pd.Series:
        array = np.array([np.nan if value is None else value for value in values], dtype=object)
        taken = array[codes] if len(array) else np.empty(0, dtype=object)
        return pd.Series(taken, index=register.index, dtype="str")

    return Tied(
        village_id=spread([code for code, _, _ in answers]),
        reason=spread([reason for _, reason, _ in answers]),
        candidates=spread(list(listed)),
    )
