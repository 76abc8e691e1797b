"""Corrections name what they correct, and what is left is still an allowed way."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from geo.errors import InputError
from tracker import events, evidence, houses, measures, mending, projects
from tracker.ledger import ConflictError, Ledger, open_ledger
from tracker.projects import Description


@pytest.fixture
def ledger(tmp_path: Path):
    with open_ledger(tmp_path / "l.sqlite", create=True) as opened:
        yield opened


@pytest.fixture
def road(ledger: Ledger) -> str:
    described = Description("村道", "transport", "东山街道", 2018, owner="交通局", planned_cost_cny=Decimal("300000"))
    number = projects.propose(ledger, described, at=date(2018, 1, 1), by="李")
    for to, day in (("approved", 2), ("tendered", 3), ("started", 4)):
        projects.move(ledger, number, to, at=date(2018, day, 1), by="李")
    return number


def step_of(ledger: Ledger, number: str, kind: str) -> events.Event:
    return next(e for e in events.history(ledger, f"project:{number}") if e.kind == f"project_{kind}")


def test_a_correction_takes_the_place_of_the_step_and_says_why(ledger: Ledger, road: str) -> None:
    old = step_of(ledger, road, "tendered")
    number = mending.correct_step(ledger, old.seq, by="王", why="日期抄错", at=date(2018, 3, 20))
    assert projects.project(ledger, road).dates["tendered"] == date(2018, 3, 20)
    assert events.event(ledger, number).corrects == old.seq
    assert events.event(ledger, number).payload["correction"] == "日期抄错"
    assert events.event(ledger, old.seq).at == date(2018, 3, 1), "what was said stays readable"


@pytest.mark.parametrize("day", [date(2018, 1, 31), date(2018, 4, 2)])
def test_a_date_that_breaks_the_order_is_refused(ledger: Ledger, road: str, day: date) -> None:
    with pytest.raises(InputError, match="不合规定"):
        mending.correct_step(ledger, step_of(ledger, road, "tendered").seq, by="王", why="错", at=day)


@pytest.mark.parametrize("day", [date(2018, 2, 1), date(2018, 4, 1)])
def test_a_date_on_the_day_of_its_neighbour_is_allowed(ledger: Ledger, road: str, day: date) -> None:
    mending.correct_step(ledger, step_of(ledger, road, "tendered").seq, by="王", why="错", at=day)
    assert projects.project(ledger, road).status == "started"


def test_the_last_step_can_be_taken_back_the_middle_one_cannot(ledger: Ledger, road: str) -> None:
    with pytest.raises(InputError, match="不合规定"):
        mending.withdraw_step(ledger, step_of(ledger, road, "approved").seq, by="王", reason="没有这回事")
    mending.withdraw_step(ledger, step_of(ledger, road, "started").seq, by="王", reason="没有开工")
    assert projects.project(ledger, road).status == "tendered"


def test_the_only_step_cannot_be_taken_back(ledger: Ledger) -> None:
    number = projects.propose(ledger, Description("桥", "transport", "东山街道", 2018), at=date(2018, 1, 1), by="李")
    with pytest.raises(InputError, match="唯一"):
        mending.withdraw_step(ledger, step_of(ledger, number, "reserve").seq, by="王", reason="x")


def test_a_correction_of_a_corrected_step_is_refused(ledger: Ledger, road: str) -> None:
    old = step_of(ledger, road, "tendered")
    mending.correct_step(ledger, old.seq, by="王", why="错", at=date(2018, 3, 2))
    with pytest.raises(InputError, match="最新"):
        mending.correct_step(ledger, old.seq, by="王", why="错", at=date(2018, 3, 3))


def test_a_correction_on_an_old_version_is_a_conflict(ledger: Ledger, road: str) -> None:
    seen = projects.version(ledger, road)
    projects.move(ledger, road, "completed", at=date(2018, 5, 1), by="别人")
    with pytest.raises(ConflictError):
        mending.correct_step(
            ledger, step_of(ledger, road, "started").seq, by="王", why="错", at=date(2018, 4, 2), expected_version=seen
        )


def test_a_correction_without_a_reason_or_of_something_else_is_refused(ledger: Ledger, road: str) -> None:
    with pytest.raises(InputError, match="错在哪里"):
        mending.correct_step(ledger, step_of(ledger, road, "started").seq, by="王", why=" ")
    with pytest.raises(InputError, match="不是项目或危房"):
        mending.correct_step(ledger, 1, by="王", why="x")


def test_a_house_step_keeps_its_rules(ledger: Ledger) -> None:
    houses.report(ledger, [{"household_id": "h1", "grade": "D"}], at=date(2018, 1, 1), by="李")
    houses.move(ledger, "h1", "appraised", at=date(2018, 2, 1), by="李", grade="D", evidence=["鉴定书"])
    step = events.history(ledger, "house:h1")[-1]
    with pytest.raises(InputError, match="证明材料"):
        mending.correct_step(ledger, step.seq, by="王", why="撤下", evidence=[])
    mending.correct_step(ledger, step.seq, by="王", why="复核", changes={"grade": "C"})
    assert houses.houses(ledger)[0].grade == "C"


def test_evidence_is_kept_once_found_again_and_notices_change(tmp_path: Path) -> None:
    first = evidence.keep(tmp_path, "验收单.pdf", b"abc")
    assert evidence.keep(tmp_path, "验收单.pdf", b"abc") == first
    assert evidence.fetch(tmp_path, first) == b"abc"
    (tmp_path / "evidence" / first).write_bytes(b"changed")
    assert evidence.fetch(tmp_path, first) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\x", ".ssh", "a/b/c.pdf", "", "名" * 300])
def test_evidence_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    kept = tmp_path / "evidence" / evidence.keep(tmp_path, name, b"x")
    assert kept.resolve().parent.parent == (tmp_path / "evidence").resolve()


@pytest.mark.parametrize("text", ["口头说明", "../office.toml", "0123456789abcdef/../x", "0123456789abcdef/.x", ""])
def test_other_texts_are_no_file(tmp_path: Path, text: str) -> None:
    assert evidence.fetch(tmp_path, text) is None


def test_empty_evidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="空文件"):
        evidence.keep(tmp_path, "a.pdf", b"")


def test_measures_are_dated_and_a_correction_replaces(ledger: Ledger) -> None:
    seq = measures.observe(ledger, "poverty_exit_share", 0.3, at=date(2016, 12, 31), by="李")
    measures.observe(ledger, "poverty_exit_share", 0.6, at=date(2017, 12, 31), by="李")
    events.correct(ledger, seq, by="王", payload={"value": 0.31, "source": "复核"})
    assert measures.observed(ledger)["value"].tolist() == [0.31, 0.6]
    assert measures.observed(ledger, as_of=date(2017, 12, 30))["value"].tolist() == [0.31]
    with pytest.raises(InputError):
        measures.observe(ledger, "x", float("nan"), at=date(2018, 1, 1), by="李")
