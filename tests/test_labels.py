"""Every label is there in both languages, and covers what the other rooms can produce."""

import ast
from pathlib import Path

from views.labels import catalogue, distance, label, money, number, percent
from views.palette import GRADE, STATE, STATUS, SURFACE


def test_every_text_is_written_in_chinese_and_english() -> None:
    missing = [
        f"{group}.{key}"
        for group, keys in catalogue().items()
        for key, texts in keys.items()
        if set(texts) != {"zh", "en"}
    ]
    assert missing == []


def test_every_drawn_class_has_a_label() -> None:
    for group, keys in (("status", STATUS), ("state", STATE), ("surface", SURFACE)):
        assert set(keys) <= set(catalogue()[group])
    assert set(GRADE) - {"unknown"} <= set(catalogue()["grade"])


def test_an_unknown_key_is_shown_not_lost() -> None:
    assert label("status", "neu") == "neu"


def test_unknown_is_a_dash_never_zero() -> None:
    nan = float("nan")
    assert {number(None), number(nan), percent(nan), distance(nan), money(nan), money(None)} == {"—"}


def test_money_changes_unit_at_ten_thousand() -> None:
    assert (money(9999.94), money(10_000)) == ("9,999.9 万元", "1.00 亿元")


def test_distance_changes_unit_at_one_kilometre() -> None:
    assert (distance(999), distance(1000)) == ("999 米", "1.00 公里")


def asked_texts() -> set[str]:
    """Name every sentence the pages ask the catalogue for."""
    found = set()
    for path in (Path(__file__).resolve().parents[1] / "views").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_asking = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say" and len(node.args) > 1
            if is_asking and isinstance(node.args[1], ast.Constant):
                found.add(node.args[1].value)
    return found


def test_every_sentence_the_pages_say_is_in_the_catalogue() -> None:
    assert len(asked_texts()) > 80
    assert asked_texts() - set(catalogue()["text"]) == set()


def test_both_languages_of_a_sentence_ask_for_the_same_figures() -> None:
    import string

    def figures(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    wrong = [key for key, texts in catalogue()["text"].items() if not figures(texts["en"]) <= figures(texts["zh"])]
    assert wrong == []
