"""A frozen decision is kept as it was, says when it was altered, and names what differs today."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo.errors import InputError, StoreError
from tests.policies_path import POLICY
from tracker.office import create
from views import decision

NOW = datetime(2018, 7, 1, 9, 30, tzinfo=UTC)
BASIS = {"day": "2018-06-30", "policy": {"id": "p", "title": "方案", "digest": "d"}}


@pytest.fixture
def office(tmp_path: Path):
    with create(tmp_path / "office", policy=POLICY, name="示范县") as made:
        yield made


def freeze(office, **changed):
    given = {"title": "七月调度会", "minutes": "同意先修三条路。", "basis": BASIS, "parameters": {"threshold": 200}, "figures": {"met": 3}}  # fmt: skip
    return decision.freeze(office, **{**given, **changed}, by="李工", now=NOW)


def test_it_opens_again_exactly_as_it_was_frozen(office) -> None:
    made = freeze(office)
    [held] = decision.decisions(office)
    assert held == made
    assert decision.canonical(held.record) == decision.canonical(made.record)
    assert decision.faults(office, held) == []
    assert held.record["minutes"] == "同意先修三条路。"


def test_the_same_inputs_give_the_same_digest(office) -> None:
    assert freeze(office).digest == freeze(office, title="七月调度会 ").digest


@pytest.mark.parametrize("change", [{"minutes": "不同意"}, {"figures": {"met": 4}}, {"parameters": {"threshold": 100}}])
def test_an_altered_record_is_told(office, change) -> None:
    held = freeze(office)
    altered = replace(held, record={**held.record, **change})
    assert len(decision.faults(office, altered)) == 2
    resealed = replace(altered, digest=decision.digest_of(altered.record))
    assert len(decision.faults(office, resealed)) == 1, "a digest made again does not make the signature right"


def test_a_record_of_another_office_is_not_ours(office, tmp_path) -> None:
    held = freeze(office)
    with create(tmp_path / "other", policy=POLICY, name="别县") as other:
        decision.office_key(other.path)
        assert len(decision.faults(other, held)) == 1


def test_the_key_is_for_the_service_alone_and_made_once(office) -> None:
    first = decision.office_key(office.path)
    assert decision.office_key(office.path) == first
    assert len(first) == 32
    assert (office.path / decision.KEY_FILE).stat().st_mode & 0o077 == 0


def test_a_lost_or_damaged_key_is_said(office) -> None:
    held = freeze(office)
    (office.path / decision.KEY_FILE).write_bytes(b"x")
    with pytest.raises(StoreError, match="密钥"):
        decision.faults(office, held)
    (office.path / decision.KEY_FILE).unlink()
    assert "没有签名密钥" in decision.faults(office, held)[0]
    assert not (office.path / decision.KEY_FILE).exists(), "checking makes no new key"


def test_what_differs_is_named() -> None:
    then = {"basis": {"day": "a", "layers": {"roads": "1"}}, "figures": {"due": 3.0}}
    now = {"basis": {"day": "a", "layers": {"roads": "2", "bridges": "9"}}, "figures": {"due": 3.0}}
    assert decision.differences(then, now) == [("basis.layers.bridges", "—", "9"), ("basis.layers.roads", "1", "2")]
    assert decision.differences(then, then) == []


def test_a_decision_needs_a_title_and_short_minutes(office) -> None:
    with pytest.raises(InputError, match="标题"):
        freeze(office, title="  ")
    with pytest.raises(InputError, match="太长"):
        freeze(office, minutes="字" * (decision.LONGEST_MINUTES + 1))
    with pytest.raises(InputError, match="不能保存"):
        freeze(office, figures={"gap": float("nan")})
