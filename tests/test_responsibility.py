"""Who answers for which village: days inclusive, changes of person, corrections, lists from Excel – over both stores."""

from datetime import date

import pandas as pd
import pytest

from geo.errors import InputError
from tracker import events
from tracker.ledger import open_ledger
from tracker.responsibility import assign, end, responsibilities
from tracker.responsibility_sheet import read_sheet

VILLAGES = pd.DataFrame(
    {
        "village_id": ["V1", "V2", "V3"],
        "name": ["调文村", "龙湾村", "龙湾村"],
        "town": ["东山街道", "民安街道", "东山街道"],
    }
)
FIRST = date(2018, 1, 1)


@pytest.fixture
def ledger(store):
    with open_ledger(store, create=True) as opened:
        yield opened


def row(village="V1", unit="区水务局", person="李工", since=FIRST, until=None):
    return {"village_id": village, "unit": unit, "person": person, "since": since, "until": until}


def on(ledger, day, **rest):
    return [(r.village_id, r.unit, r.person) for r in responsibilities(ledger, day, **rest)]


def test_first_and_last_day_are_inside(ledger):
    assign(ledger, [row(until=date(2018, 12, 31))], by="试")
    assert on(ledger, date(2017, 12, 31)) == []
    assert on(ledger, FIRST) == on(ledger, date(2018, 12, 31)) == [("V1", "区水务局", "李工")]
    assert on(ledger, date(2019, 1, 1)) == []


def test_another_person_from_a_day_and_the_day_before(ledger):
    assign(ledger, [row()], by="试")
    assign(ledger, [row(person="王工", since=date(2018, 7, 1))], by="试")
    assert on(ledger, date(2018, 6, 30)) == [("V1", "区水务局", "李工")]
    assert on(ledger, date(2018, 7, 1)) == [("V1", "区水务局", "王工")]


def test_an_end_holds_to_its_day_and_a_new_beginning_opens_again(ledger):
    assign(ledger, [row()], by="试")
    end(ledger, "V1", "区水务局", last_day=date(2018, 6, 30), by="试", reason="调整")
    assert on(ledger, date(2018, 6, 30)) == [("V1", "区水务局", "李工")]
    assert on(ledger, date(2018, 7, 1)) == []
    assign(ledger, [row(person="王工", since=date(2019, 1, 1))], by="试")
    assert on(ledger, date(2018, 12, 31)) == []
    assert on(ledger, date(2019, 1, 1)) == [("V1", "区水务局", "王工")]


def test_several_units_may_answer_for_one_village(ledger):
    assign(ledger, [row(), row(unit="佛山市某局"), row("V2")], by="试")
    assert on(ledger, FIRST) == [("V1", "佛山市某局", "李工"), ("V1", "区水务局", "李工"), ("V2", "区水务局", "李工")]


def test_the_same_list_twice_adds_nothing_and_a_correction_keeps_what_was_known(ledger):
    assert assign(ledger, [row(), row("V2")], by="试") == 2
    assert assign(ledger, [row(), row("V2")], by="试") == 0
    assert assign(ledger, [row(person="李公")], by="试") == 1
    assert on(ledger, FIRST) == [("V1", "区水务局", "李公"), ("V2", "区水务局", "李工")]
    subject = "responsibility:V1/区水务局"
    assert [event.corrects for event in events.history(ledger, subject)] == [None, 1]
    assert on(ledger, FIRST, known_on=date(2000, 1, 1)) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(unit=" "), "帮扶单位"),
        (row(village=""), "村和帮扶单位"),
        (row(since=None), "从哪一天起"),
        (row(until=date(2017, 1, 1)), "早于开始日"),
    ],
)
def test_a_row_that_says_too_little_is_refused_and_nothing_is_entered(ledger, bad, words):
    with pytest.raises(InputError, match=words):
        assign(ledger, [row("V2"), bad], by="试")
    assert on(ledger, date(2030, 1, 1)) == []


def test_the_same_pair_twice_in_one_list_is_refused(ledger):
    with pytest.raises(InputError, match="出现了两次"):
        assign(ledger, [row(), row(person="王")], by="试")


def test_an_end_needs_a_reason_and_something_to_end(ledger):
    with pytest.raises(InputError, match="没有"):
        end(ledger, "V1", "区水务局", last_day=FIRST, by="试", reason="x")
    with pytest.raises(InputError, match="原因"):
        end(ledger, "V1", "区水务局", last_day=FIRST, by="试", reason=" ")


def test_a_list_as_offices_write_it():
    table = pd.DataFrame(
        {
            "帮扶 单位": ["区水务局", None, "区教育局", "区教育局", "区教育局", "合计", None],
            "乡镇": ["东山", None, "民安街道办事处", None, None, None, None],
            "行政村": ["调文村委会", "龙湾", "龙湾村", "V1", "没有村", "合计", "合计"],
            "第一书记": ["李工", "李工", "王工", "赵工", "钱工", None, None],
            "开始时间": ["2018年3月1日", "2018/5/1", None, "春节", None, None, None],
        },
        index=range(3, 10),
    )
    sheet = read_sheet(table, VILLAGES, since=FIRST)
    assert [(r["village_id"], r["unit"], r["person"], r["since"]) for r in sheet.rows] == [
        ("V1", "区水务局", "李工", date(2018, 3, 1)),
        ("V3", "区水务局", "李工", date(2018, 5, 1)),
        ("V2", "区教育局", "王工", FIRST),
    ]
    assert sheet.refused["第几行"].tolist() == [6, 7]
    assert sheet.refused["原因"].iloc[0] == "日期读不懂，请写成 2018-01-01"


def test_one_name_in_two_towns_is_never_guessed():
    sheet = read_sheet(pd.DataFrame({"帮扶单位": ["甲"], "村": ["龙湾村"]}), VILLAGES, since=FIRST)
    assert sheet.rows == []
    assert "同名" in sheet.refused["原因"][0]
    assert "民安街道龙湾村（V2）" in sheet.refused["可能是"][0]


def test_a_list_without_its_columns_is_refused_by_name():
    with pytest.raises(InputError, match="“行政村”“帮扶单位”"):
        read_sheet(pd.DataFrame({"甲": [1]}), VILLAGES, since=FIRST)


def test_excel_days_and_input_unchanged():
    table = pd.DataFrame(
        {"帮扶单位": ["甲"], "行政村": ["调文"], "起": [pd.Timestamp(2018, 2, 3)], "止": ["2018-12-31"]}
    )
    before = table.copy()
    [found] = read_sheet(table, VILLAGES, since=FIRST).rows
    assert (found["since"], found["until"]) == (date(2018, 2, 3), date(2018, 12, 31))
    pd.testing.assert_frame_equal(table, before)
