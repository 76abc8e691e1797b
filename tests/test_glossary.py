"""One English word per Chinese term, and no term in code that the glossary does not hold."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from analysis.policy import load_policy
from layers.schema import load

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")


def rows() -> list[tuple[str, str]]:
    cells = [line.split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    pairs = [(row[1].strip(), row[2].strip()) for row in cells]
    return [pair for pair in pairs if pair[0] not in {"中文", "---"}]


def words() -> set[str]:
    english = " ".join(term for _, term in rows())
    short = PAGE.split("## Short words and units")[1]
    return {
        word.lower() for word in re.findall(r"[A-Za-z0-9]+", english + " " + " ".join(re.findall(r"`(\w+)`", short)))
    }


def names() -> Iterator[str]:
    for path in (ROOT / "policies").glob("*.toml"):
        policy = load_policy(path)
        yield from (need.id for need in policy.needs)
        yield from policy.values
        yield from (target.measure for target in policy.targets)
    for name, schema in load().items():
        yield name
        for field in schema.fields:
            yield field.name
            yield from (str(code) for code in field.allowed if re.fullmatch(r"[a-z_]{2,}", str(code)))


def test_a_chinese_term_has_one_english_word() -> None:
    chinese = Counter(term for cell, _ in rows() for term in cell.split("、"))
    assert [term for term, count in chinese.items() if count > 1] == []


def test_an_english_word_stands_for_one_row() -> None:
    english = Counter(term for _, term in rows())
    assert [term for term, count in english.items() if count > 1] == []


def test_every_word_in_code_is_in_the_glossary() -> None:
    known = words()
    parts = {part.lower() for name in names() for part in re.split(r"[._]", name)}
    missing = {part for part in parts if part not in known and part.removesuffix("s") not in known}
    assert not missing, f"add to docs/glossary.md: {sorted(missing)}"


def test_the_terms_of_the_policies_are_in_the_glossary() -> None:
    asked = (
        "七有",
        "七改",
        "村村通",
        "三整治一提升",
        "自然村",
        "危房",
        "五保户",
        "低保户",
        "力争",
        "原则上",
        "可争取",
        "公示",
    )
    chinese = " ".join(cell for cell, _ in rows())
    assert all(term in chinese for term in asked)
