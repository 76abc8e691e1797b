"""What may leave the office, and what nobody may work out from it."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.policy import Policy
from geo.errors import InputError
from tests.drawn import need
from views import publication
from views.publication import HIDDEN, INTERNAL_MARK, about_few_households, masked, rules_for, suppress

DAY = date(2018, 1, 1)
EMPTY = Policy("p", "", "", {}, ())
SUMS = {"all": [("c", "d"), ("yes", "no")]}


def table(parts):
    frame = pd.DataFrame(parts, columns=["c", "d", "yes"])
    frame["yes"] = np.minimum(frame["yes"], frame["c"] + frame["d"])
    frame["all"] = frame["c"] + frame["d"]
    frame["no"] = frame["all"] - frame["yes"]
    whole = frame.sum().to_frame().T
    return pd.concat([whole, frame], ignore_index=True)


def test_a_paper_is_internal_unless_asked_and_says_so():
    rules = rules_for(EMPTY, {}, DAY)
    assert (rules.is_public, rules.mark, rules.has_maps) == (False, INTERNAL_MARK, True)


@pytest.mark.parametrize("number", ["", "   ", "无", "GS(2024)号", "0650", "GS(2024)0650号\n<b>"])
def test_no_map_is_stamped_with_nothing(number):
    with pytest.raises(InputError, match="审图号"):
        rules_for(EMPTY, {}, DAY, is_public=True, review_number=number)


def test_a_public_paper_without_a_number_has_no_map_and_says_so():
    rules = rules_for(EMPTY, {}, DAY, is_public=True)
    assert not rules.has_maps
    assert any("审图号" in note for note in rules.notes)
    assert rules_for(EMPTY, {}, DAY, is_public=True, review_number="粤S(2023)012号").has_maps


def test_a_number_on_an_internal_paper_or_households_in_a_public_one_are_refused():
    with pytest.raises(InputError, match="公开版"):
        rules_for(EMPTY, {}, DAY, review_number="GS(2024)0650号")
    with pytest.raises(InputError, match="农户"):
        rules_for(EMPTY, {}, DAY, is_public=True, with_households=True)


@pytest.mark.parametrize(("value", "least"), [(3, 3), (10, 10)])
def test_the_office_sets_the_smallest_count(value, least):
    assert rules_for(EMPTY, {publication.SETTING: value}, DAY, is_public=True).least == least


@pytest.mark.parametrize("value", [0, 1, True, "5", 2.5])
def test_a_smallest_count_that_protects_nobody_is_refused(value):
    with pytest.raises(InputError, match="最小计数"):
        rules_for(EMPTY, {publication.SETTING: value}, DAY)


@pytest.mark.parametrize(("count", "is_hidden"), [(0, False), (1, True), (4, True), (5, False)])
def test_bounds_of_a_small_count(count, is_hidden):
    frame = pd.DataFrame({"c": [count + 60, count, 20, 40]})
    assert suppress(frame, 5)["c"].tolist()[1] is is_hidden
    assert suppress(frame, 5)["c"].sum() == (2 if is_hidden else 0)


def test_a_lone_place_with_a_small_count_loses_its_total_too():
    assert suppress(pd.DataFrame({"c": [3, 3]}), 5)["c"].tolist() == [True, True]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 3), min_size=1, max_size=4), st.integers(2, 6))
def test_no_small_count_can_be_worked_out(parts, least):
    counts = table(parts)
    hidden = suppress(counts, least, sums=SUMS)
    values = counts.to_numpy()
    small = (values > 0) & (values < least)
    assert hidden.to_numpy()[small].all()
    relations = publication._relations(counts, SUMS)
    for cell in np.argwhere(small):
        low, high = publication.provable(tuple(cell), values, hidden.to_numpy(), relations)
        assert low <= values[tuple(cell)] <= high
        assert high - low >= least


def test_nothing_is_hidden_where_nothing_is_small():
    assert not suppress(table([(0, 30, 10), (20, 9, 12)]), 5, sums=SUMS).to_numpy().any()


def test_totals_that_do_not_add_up_stop_the_export():
    with pytest.raises(InputError, match="对不上"):
        suppress(pd.DataFrame({"c": [9, 3, 5]}), 5)


def test_numbers_of_people_typed_into_names_are_covered():
    assert masked("王大 440803196512250018 13912345678") == "王大 44*************018 139****5678"
    assert masked("99990100100100050 县道X123 20180630") == "99990100100100050 县道X123 20180630"


def test_a_need_that_speaks_of_few_households_is_kept_for_the_whole_only():
    share = need("water", "share", {"of": "households", "field": "safe_water", "min_share": 1.0})
    both = need("both", "all", {"needs": ["water", "road"]})
    policy = Policy("p", "", "", {}, (share, need("road", "flag", {}), both))
    few = pd.Series([4.0, 30.0])
    assert about_few_households(policy, few, 5) == {"water", "both"}
    assert about_few_households(policy, pd.Series([5.0, 0.0, None]), 5) == frozenset()


def test_the_sign_of_a_hidden_cell_is_not_a_number():
    assert not HIDDEN.isdigit()


def test_two_small_counts_that_give_each_other_away_take_a_third_along():
    counts = pd.DataFrame({"c": [32, 1, 1, 10, 20]})
    assert suppress(counts, 5)["c"].tolist() == [False, True, True, True, False]
