"""Column headers as people write them, compared with the names a schema knows."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from layers import schema as schemas
from layers.names import INVISIBLE

BRACKETS = re.compile(r"[(\[【<{〔][^)\]】>}〕]*[)\]】>}〕]")
ASKING = re.compile("^(?:是否为|是否有|是否|有无)")
NOISE = re.compile(r"[\s_\-*＊:：.、,，\"'“”]")
WHOLE, BASE, LAST, ASKED, CUT, CUT_UTF8, WEAK = 1.0, 0.98, 0.9, 0.85, 0.7, 0.5, 0.3


@dataclass(frozen=True)
class Match:
    """One column that may be one field: how sure, and the unit its header states."""

    field: str
    column: str
    score: float
    order: int


def plain_header(text: object) -> str:
    """Return a header in normal width, lower case, without blanks, underscores and marks; brackets stay.

    Examples
    --------
    >>> plain_header(" 路面 宽度（米）*"), plain_header("TOT_POPULA")
    ('路面宽度(米)', 'totpopula')
    """
    return NOISE.sub("", unicodedata.normalize("NFKC", INVISIBLE.sub("", str(text)))).lower()


def header_unit(text: object) -> str | None:
    """Return the unit a header states in brackets, None when it states none.

    Examples
    --------
    >>> header_unit("里程（公里）"), header_unit("面积(单位：㎡)"), header_unit("乡(镇)")
    ('公里', 'm2', None)
    """
    for group in BRACKETS.findall(plain_header(text)):
        inner = group[1:-1].removeprefix("单位")
        if inner in schemas.known_units():
            return str(inner)
    return None


def keys(text: object) -> list[tuple[str, float]]:
    """Return the spellings under which a header may be known, surest first."""
    parts = [part for part in re.split(r"[/\n]", str(text)) if part.strip()]
    whole = plain_header(str(text).replace("/", "").replace("\n", ""))
    found = {whole: WHOLE, BRACKETS.sub("", whole): BASE}
    if len(parts) > 1:
        last = plain_header(parts[-1])
        found.setdefault(last, LAST)
        found.setdefault(BRACKETS.sub("", last), LAST - 0.02)
    for key, score in list(found.items()):
        asked = ASKING.sub("", key)
        found.setdefault(asked, min(score, ASKED))
    found.pop("", None)
    return sorted(found.items(), key=lambda item: -item[1])


@cache
def _index(layer: str) -> Mapping[str, tuple[tuple[str, int, bool], ...]]:
    """Return alias -> (field, order, is_weak) of one layer; aliases with and without their brackets."""
    found: dict[str, list[tuple[str, int, bool]]] = {}
    for field in schemas.load()[layer].fields:
        for order, alias in enumerate(field.aliases):
            is_weak = alias.startswith("~")
            plain = plain_header(alias.lstrip("~").replace("/", ""))
            for key in dict.fromkeys((plain, BRACKETS.sub("", plain))):
                found.setdefault(key, []).append((field.name, order, is_weak))
    return MappingProxyType({key: tuple(value) for key, value in found.items()})


def _is_cut(text: str) -> float:
    """Return how sure a header was cut at 10 bytes: GBK (five characters), ASCII, or UTF-8 (three characters)."""
    try:
        if len(text.encode("gb18030")) in (9, 10):
            return CUT
    except UnicodeEncodeError:
        return 0.0
    return CUT_UTF8 if len(text.encode()) in (9, 10) else 0.0


def _cut_matches(column: str, index: Mapping[str, tuple[tuple[str, int, bool], ...]]) -> list[Match]:
    plain = plain_header(column)
    score = _is_cut(str(column).strip())
    if not score or not plain:
        return []
    hits = {hit[0]: hit for key, value in index.items() if key.startswith(plain) for hit in value if not hit[2]}
    return [Match(field, column, score, order) for field, order, _ in hits.values()] if len(hits) == 1 else []


def matches(columns: Sequence[str], layer: str) -> list[Match]:
    """Return every column that may be a field of the layer, surest first."""
    index, found = _index(layer), []
    for column in columns:
        exact = []
        for key, score in keys(column):
            for field, order, is_weak in index.get(key, ()):
                exact.append(Match(field, column, min(score, WEAK) if is_weak else score, order))
        found += exact or _cut_matches(column, index)
    place = {column: position for position, column in enumerate(columns)}
    return sorted(found, key=lambda match: (-match.score, match.order, place[match.column]))


def assign(columns: Sequence[str], layer: str) -> dict[str, Match]:
    """Choose at most one column for every field; a column serves two fields only as a makeshift id."""
    chosen: dict[str, Match] = {}
    taken: set[str] = set()
    for match in matches(columns, layer):
        is_makeshift = match.score <= WEAK
        if match.field not in chosen and (is_makeshift or match.column not in taken):
            chosen[match.field] = match
            taken.add(match.column)
    return chosen
