"""Drawn lines and undone repairs as events: chosen, undone, and what assess makes of them."""

from datetime import timedelta

import pytest
from road_county import DAY, policy, roads, villages, workspace

from analysis.choices import RoadChoices
from analysis.setting import Setting
from geo.errors import InputError
from tests.test_alternative import DIRECT, LINES, PEOPLE, lonlat
from tracker import events
from tracker.ledger import open_ledger
from views import choices


class Desk:
    def __init__(self, ledger):
        self.ledger = ledger


@pytest.fixture
def desk(tmp_path):
    with open_ledger(tmp_path / "ledger.sqlite", create=True) as ledger:
        yield Desk(ledger)


def keep(desk, name="沿山脚", points=None, form="f1", day=DAY):
    return choices.keep_line(
        desk, "a", name=name, points=points or lonlat(DIRECT), why="踏勘", figures={"cost_cny10k": 127.0}, day=day, by="li", event_id=form,
    )  # fmt: skip


def plan(desk, day=DAY, **layers):
    ws = workspace(roads=roads(layers.get("lines", LINES)), natural_villages=villages(PEOPLE))
    return Setting(ws, policy(), DAY, choices=choices.road_choices(desk, day)).plan


def test_a_line_is_used_only_when_it_is_chosen_and_undoing_restores(desk):
    computed = plan(desk).natural_villages
    line = keep(desk)
    assert choices.road_choices(desk, DAY) == RoadChoices()
    chosen = choices.choose_line(desk, "a", line.seq, why="", day=DAY, by="li")
    assert plan(desk).natural_villages["new_km"].iloc[0] > 1
    choices.undo(desk, chosen.seq, by="li", reason="再议")
    assert plan(desk).natural_villages.equals(computed)


def test_going_back_to_the_computed_line_is_a_choice_too(desk):
    line = keep(desk)
    choices.choose_line(desk, "a", line.seq, why="", day=DAY, by="li")
    choices.choose_line(desk, "a", None, why="", day=DAY, by="li")
    assert choices.road_choices(desk, DAY) == RoadChoices()


def test_withdrawing_a_line_takes_its_choice_away(desk):
    line = keep(desk)
    choices.choose_line(desk, "a", line.seq, why="", day=DAY, by="li")
    choices.undo(desk, line.seq, by="li", reason="画错")
    assert choices.road_choices(desk, DAY) == RoadChoices()
    with pytest.raises(InputError, match="撤回"):
        choices.choose_line(desk, "a", line.seq, why="", day=DAY, by="li")


def test_an_earlier_day_stays_as_it_was(desk):
    line = keep(desk)
    choices.choose_line(desk, "a", line.seq, why="", day=DAY, by="li")
    assert choices.road_choices(desk, DAY - timedelta(days=1)) == RoadChoices()


def test_a_line_needs_a_name_a_reason_and_a_name_of_its_own(desk):
    keep(desk)
    assert keep(desk).seq == choices.lines_of(desk, "a", DAY)[0].seq  # the same form sent twice is one line
    with pytest.raises(InputError, match="已有叫"):
        keep(desk, form="f2")
    with pytest.raises(InputError, match="理由"):
        choices.keep_line(
            desk, "a", name="x", points=lonlat(DIRECT), why=" ", figures={}, day=DAY, by="li", event_id="f3"
        )
    assert [line.line.name for line in choices.lines_of(desk, "a", DAY)] == ["沿山脚"]


GAPPED = [
    ("X1", "asphalt", [(0, 0), (9000, 0)], {"admin_class": "X"}),
    ("SPUR", "concrete", [(1400, 1.5), (1400, 1200)]),
]


def test_a_repair_kept_apart_is_not_joined_in_assess_and_restored_when_undone(desk):
    joined = plan(desk, lines=GAPPED)
    assert joined.natural_villages["state"].iloc[0] == "connected"
    spot = joined.network.repairs.query("kind == 'undershoot'").iloc[0]
    [place] = lonlat([(spot["x"], spot["y"])])
    event = choices.keep_apart(desk, place, about={"road_id": "SPUR"}, reason="隔着河", day=DAY, by="li")
    apart = plan(desk, lines=GAPPED)
    assert apart.natural_villages["state"].iloc[0] == "build"
    assert "undershoot" not in set(apart.network.repairs["kind"])
    with pytest.raises(InputError, match="已经标为"):
        choices.keep_apart(desk, place, about={}, reason="再来", day=DAY, by="li")
    choices.undo(desk, event.seq, by="li", reason="看错")
    assert plan(desk, lines=GAPPED).natural_villages.equals(joined.natural_villages)
    with pytest.raises(InputError, match="为什么"):
        choices.keep_apart(desk, place, about={}, reason=" ", day=DAY, by="li")


def test_an_event_says_who_why_and_is_in_the_history(desk):
    line = keep(desk)
    choices.choose_line(desk, "a", line.seq, why="村民同意", day=DAY, by="wang")
    told = events.history(desk.ledger, "road_line:a")
    assert [(event.kind, event.by) for event in told] == [("road_line_drawn", "li"), ("road_line_chosen", "wang")]
    assert told[0].payload["why"] == "踏勘"
