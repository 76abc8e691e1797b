"""A what-if question is worked out, not guessed: it gives what a policy with that figure would give."""

import pandas as pd
import pytest

from analysis.plan import works_tree
from analysis.roads import natural_villages
from tests.road_county import DAY, policy, roads, villages, workspace
from views.whatif import THRESHOLD, at_threshold, with_value

PEOPLE = {"a": 199, "b": 200, "c": 201, "d": None, "e": 80}


@pytest.fixture(scope="module")
def county():
    lines = [("core", "concrete", [(0, 0), (10_000, 0)], {"admin_class": "X"})]
    ends = []
    for place, (name, people) in enumerate(PEOPLE.items(), start=1):
        x = 1500 * place
        lines.append((f"r{name}", "earth", [(x, 0), (x, 1000)]))
        ends.append((name, people, (x, 1000)))
    lines.append(("shared", "earth", [(1500, 1000), (1500, 1800)]))
    ends.append(("far", 150, (1500, 1800)))
    return workspace(roads=roads(lines), natural_villages=villages(ends))


@pytest.mark.parametrize("threshold", [80, 81, 150, 199, 200, 201, 202])
def test_another_threshold_gives_what_a_policy_with_it_gives(county, threshold) -> None:
    base = natural_villages(county, policy(), DAY)
    quick = at_threshold(base, county, threshold)
    whole = natural_villages(county, with_value(policy(), THRESHOLD, threshold, DAY), DAY)
    same = ["natural_village_id", "population", "threshold", "is_due", "state", "gap_km", "new_km", "segment_ids", "cost_cny10k"]  # fmt: skip
    pd.testing.assert_frame_equal(quick.natural_villages[same], whole.natural_villages[same], check_dtype=False)
    pd.testing.assert_frame_equal(pd.DataFrame(quick.segments), pd.DataFrame(whole.segments))
    assert quick.candidates["natural_village_id"].tolist() == whole.candidates["natural_village_id"].tolist()
    assert works_tree(quick).cost.tolist() == works_tree(whole).cost.tolist()


def test_an_unknown_population_stays_unknown_at_every_threshold(county) -> None:
    found = at_threshold(natural_villages(county, policy(), DAY), county, 1).natural_villages
    assert found.set_index("natural_village_id")["is_due"]["d"] is pd.NA


def test_the_base_is_not_changed(county) -> None:
    base = natural_villages(county, policy(), DAY)
    before = base.natural_villages.copy()
    at_threshold(base, county, 10)
    pd.testing.assert_frame_equal(base.natural_villages, before)


def test_an_assumed_figure_is_no_longer_what_the_document_says() -> None:
    own = policy()
    changed = with_value(own, THRESHOLD, 150, DAY)
    assert (changed.values[THRESHOLD][-1].amount, own.values[THRESHOLD][-1].amount) == (150, 200)
    assert changed.values[THRESHOLD][-1].unsourced
    assert changed.digest != own.digest
    assert with_value(own, "no.such.figure", 1, DAY) is own
