"""Every figure, word and clause of every policy file, held against the document itself."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from analysis.policy import Policy, load_policy
from analysis.policy_format import cited
from tests.clauses import clauses, parents, plain

pytestmark = pytest.mark.real

FILES = sorted((Path(__file__).parents[1] / "policies").glob("*.toml"))
DIGITS = "零一二三四五六七八九十"
# figures that a document gives in words
WORDS = {
    0: ("全面完成", "完成现有"),
    1: ("每所", "全面完成", "全覆盖", "村村有", "有标准化卫生站", "平均水平", "全部有意愿", "基本实现", "村村设立"),
    2: ("翻番",),
    0.3333: ("三分之一",),
}
FIGURES = ("value", "high", "days", "min_area_m2", "within_years", "max_per_year", "weight")
DERIVED = {"value", "high"}  # a cumulative value may be derived from the year's own figure, `increment`
WEAK = {
    "best_effort": ("力争", "基本实现", "基本完成"),
    "principle": ("原则上", "有条件的", "符合条件"),
    "ceiling": ("可争取",),
}

Citation = tuple[str, dict[str, Any]]


def read(path: Path) -> dict[str, str]:
    return clauses(path.read_text(encoding="utf-8"))


def citations(policy: Policy) -> Iterator[Citation]:
    """Everything in a policy that names a clause, as plain dictionaries."""
    for key, values in policy.values.items():
        for value in values:
            if value.reference:
                yield key, {**vars(value), "value": value.amount}
    for entry in (*policy.needs, *policy.targets):
        if entry.reference:
            yield entry.id, dict(vars(entry))
    for name, table in policy.tables.items():
        for place, entry in cited(name, table):
            yield place, dict(entry)


def references(entry: dict[str, Any]) -> list[str]:
    return [reference.strip() for reference in entry["reference"].split(";")]


def says(text: str, figure: Any) -> bool:
    """Whether the text gives a figure: in digits, as a percentage, in Chinese digits, or in the words listed above."""
    forms = [f"{figure:g}", f"{figure * 100:g}%"]
    if any(re.search(rf"(?<![\d.]){re.escape(form)}(?!\.?\d)", text) for form in forms):
        return True
    if figure == int(figure) and 1 < figure <= 10 and re.search(rf"{DIGITS[int(figure)]}年", text):
        return True
    return any(word in text for word in WORDS.get(figure, ()))


def faults(document: dict[str, str], entry: dict[str, Any]) -> list[str]:
    """What a citation says that its clause does not."""
    quote = plain(entry["quote"])
    found = []
    for reference in references(entry):
        if reference not in document:
            found.append(f"no clause {reference}")
        elif quote not in document[reference]:
            found.append(f"{reference} does not say {quote}")
    found += [f"{quote} does not give {key} {figure}" for key, figure in wrong_figures(entry, quote)]
    if (entry.get("deadline") or entry.get("day")) and not found:
        found += wrong_day(document, entry)
    for strength, words in WEAK.items():
        given = entry.get("strength", "hard")
        if any(word in quote for word in words) and given == "hard":
            found.append(f"{quote} is weaker than hard")
        if given == strength and not any(word in document.get(references(entry)[0], "") for word in words):
            found.append(f"{quote} is not {strength}")
    return found


def wrong_figures(entry: dict[str, Any], quote: str) -> Iterator[tuple[str, Any]]:
    flat = [(key, entry[key]) for key in FIGURES if key in entry]
    flat += [(key, payer[key]) for payer in entry.get("payers", []) for key in FIGURES if key in payer]
    for key, figure in flat:
        if figure is None or isinstance(figure, bool | str | list):
            continue
        all_of_them = entry.get("total") == figure and "全部" in quote
        derived = key in DERIVED and entry.get("increment") is not None
        if not (says(quote, figure) or all_of_them or derived):
            yield key, figure
    if entry.get("increment") is not None and not says(quote, entry["increment"]):
        yield "increment", entry["increment"]


def wrong_day(document: dict[str, str], entry: dict[str, Any]) -> Iterator[str]:
    day = entry.get("deadline") or entry["day"]
    day = day if hasattr(day, "year") else __import__("datetime").date.fromisoformat(day)
    around = "".join(document[step] for ref in references(entry) for step in parents(ref)[:2] if step in document)
    around = re.sub(r"(\d{4})-(\d{4})年", r"\1年\2年", around)
    if f"{day.year}年" not in around and "没有写年份" not in entry.get("note", ""):
        yield f"{entry['quote']}: nothing about {day.year}"
    if (day.month, day.day) == (9, 30) and "9月底" not in around:
        yield f"{entry['quote']}: nothing about September"


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def case(request: pytest.FixtureRequest, sources: Path) -> tuple[Policy, dict[str, str], str]:
    policy = load_policy(request.param)
    path = sources / policy.source
    return policy, read(path), plain(path.read_text(encoding="utf-8"))


def test_every_citation_stands_in_its_clause(case: tuple[Policy, dict[str, str], str]) -> None:
    policy, document, _ = case
    found = [f"{place}: {fault}" for place, entry in citations(policy) for fault in faults(document, entry)]
    assert not found, "\n".join(found)


def test_head_of_the_file_is_the_head_of_the_document(case: tuple[Policy, dict[str, str], str]) -> None:
    policy, _, text = case
    assert plain(policy.title) in text
    day = policy.issued
    assert f"{day.year}年{day.month}月{day.day}日" in text
    if "〔" in policy.document:
        assert plain(policy.document) in text
    assert all(value.since == day for values in policy.values.values() for value in values if value.reference)


def test_responsible_units_are_named_where_cited(case: tuple[Policy, dict[str, str], str]) -> None:
    policy, document, _ = case
    found = []
    for place, entry in citations(policy):
        around = "".join(document.get(step, "") for ref in references(entry) for step in parents(ref)[:2])
        for unit in re.split("[、，]", entry.get("owner", "")):
            name = plain(unit).removesuffix("(牵头)")
            if name and name not in around:
                found.append(f"{place}: {unit}")
    assert not found, "\n".join(found)


def test_named_villages_are_in_the_document(case: tuple[Policy, dict[str, str], str]) -> None:
    policy, _, text = case
    for village in policy.tables.get("places", {}).get("villages", []):
        assert plain(village["name"]) in text


def test_a_changed_figure_is_noticed(case: tuple[Policy, dict[str, str], str]) -> None:
    policy, document, _ = case
    missed = []
    for place, entry in citations(policy):
        for key in (*FIGURES, "increment"):
            figure = entry.get(key)
            if figure is None or isinstance(figure, bool | str | list):
                continue
            if key in DERIVED and entry.get("increment") is not None:
                continue
            if not faults(document, {**entry, key: figure * 7 + 13, "total": None}):
                missed.append(f"{place}.{key}")
    assert not missed, "\n".join(missed)


def test_a_changed_clause_is_noticed(case: tuple[Policy, dict[str, str], str]) -> None:
    policy, document, _ = case
    missed = []
    for place, entry in citations(policy):
        changed = deepcopy(entry)
        changed["reference"] = "九(九)9"
        if not faults(document, changed):
            missed.append(place)
        changed["reference"] = entry["reference"]
        changed["quote"] = "没有" + entry["quote"]
        if not faults(document, changed):
            missed.append(place)
    assert not missed


def test_what_a_document_adds_makes_the_cumulative_value(case: tuple[Policy, dict[str, str], str]) -> None:
    policy, _, _ = case
    sums: dict[str, float] = {}
    for target in sorted(policy.targets, key=lambda target: (target.measure, target.day)):
        if target.increment is not None:
            sums.setdefault(target.measure, 0.0)
            if "班班通" in target.label and not sums[target.measure]:
                sums[target.measure] = 0.5
            sums[target.measure] += target.increment
            assert target.value == pytest.approx(sums[target.measure])


def test_clause_finder_knows_every_style(sources: Path) -> None:
    expected = {
        "zhanjiang-edz-2016": ("三(七)1", "按照“七有”要求"),
        "haojiang-2017": ("二(六)", "简易老人公寓"),
        "meizhou-2016": ("三-30", "用好用足中央和省"),
        "yicheng-2018": ("§25", "脱贫攻坚档案"),
        "renhua-2016": ("二(五)¶3", "WLAN"),
    }
    for name, (clause, words) in expected.items():
        assert words in read(sources / f"{name}.txt")[clause]
