"""Every label is there in both languages, and covers what the other rooms can produce."""

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
