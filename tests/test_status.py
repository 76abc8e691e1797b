"""Steps of projects and houses: a pure table of moves, what each needs, and what is refused in which words."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from tracker import money, status
from tracker.status import HOUSE_LABELS, HOUSE_STEPS, PROJECT_LABELS, PROJECT_STEPS, Step, house_faults, project_faults

START = date(2018, 1, 1)
FULL = {"owner": "交通局", "planned_cost_cny": "600000", "actual_cost_cny": "580000"}
HOUSE = {"grade": "D", "treatment": "rebuild", "close_reason": "renovated", "notice_from": "2018-01-05"}


def steps(*names, details=None, reason="", evidence=("单.pdf",)):
    details = FULL if details is None else details
    return [Step(name, START + timedelta(days=i), reason, evidence, details) for i, name in enumerate(names)]


def test_the_straight_way_of_a_project():
    way = ["reserve", "approved", "tendered", "started", "completed", "accepted", "closed"]
    assert project_faults(steps(*way)) == []
    for i in range(1, len(way) - 1):
        if way[i] != "tendered":
            skipped = [*way[:i], *way[i + 1 :]]
            assert project_faults(steps(*skipped)), f"{way[i]} cannot be left out"


def test_labels_are_the_words_of_the_office():
    assert "→".join(list(PROJECT_LABELS.values())[:7]) == "储备→立项→招标→开工→竣工→验收→销号"
    assert "→".join(HOUSE_LABELS.values()) == "新发现→鉴定→纳入计划→施工→验收→销档"


def test_no_tender_needs_a_reason():
    assert (
        project_faults(
            steps("reserve", "approved", "started", reason="投劳自建"),
        )
        == []
    )
    assert project_faults(steps("reserve", "approved", "started")) == ["到“开工”这一步要写明原因。"]
    assert project_faults(steps("reserve", "approved", "started", reason=" ")) != []


def test_acceptance_needs_evidence_and_the_cost():
    way = ["reserve", "approved", "tendered", "started", "completed", "accepted"]
    assert project_faults(steps(*way, evidence=())) == ["到“验收”这一步要附证明材料（文件或照片）。"]
    assert project_faults(steps(*way, evidence=("  ",))) != []
    planned = {key: FULL[key] for key in ("owner", "planned_cost_cny")}
    assert project_faults(steps(*way, details=planned)) == ["到“验收”这一步要填写：实际投资。"]


@pytest.mark.parametrize("details", [{}, {"owner": "交通局"}, {"owner": "", "planned_cost_cny": "1"}])
def test_approval_needs_owner_and_cost(details):
    assert project_faults(steps("reserve", "approved", details=details))


@pytest.mark.parametrize(("cost", "is_fine"), [("0", True), (0, True), ("-1", False), ("六十万", False), (None, False)])
def test_costs_are_amounts(cost, is_fine):
    faults = project_faults(steps("reserve", "approved", details={"owner": "x", "planned_cost_cny": cost}))
    assert (faults == []) == is_fine


def test_days_never_run_backwards_but_may_be_the_same():
    same = [Step("reserve", START), Step("approved", START, details=FULL)]
    assert project_faults(same) == []
    back = [Step("reserve", START), Step("approved", START - timedelta(days=1), details=FULL)]
    assert project_faults(back) == ["“立项”的日期 2017-12-31 早于前一步的 2018-01-01。请核对日期。"]


def test_unknown_status_and_wrong_start():
    assert "没有“done”" in project_faults([Step("done", START)])[0]
    assert project_faults([Step("started", START)])[0].startswith("不能一开始就到“开工”。下一步可以是：储备。")
    assert project_faults([]) == []


def test_closed_project_can_only_be_opened_with_a_reason():
    way = ["reserve", "approved", "tendered", "started", "completed", "accepted", "closed", "started"]
    assert project_faults(steps(*way, reason="路面开裂返工")) == []
    assert project_faults(steps(*way)) == ["到“开工”这一步要写明原因。"]
    assert list(status.next_steps("closed", of=PROJECT_STEPS)) == ["started"]
    assert list(status.next_steps("cancelled", of=PROJECT_STEPS)) == ["reserve"]


@given(st.lists(st.sampled_from(list(PROJECT_LABELS)), min_size=1, max_size=8))
def test_only_listed_moves_pass(names):
    pairs = zip(["", *names], names, strict=False)
    is_listed = all(pair in PROJECT_STEPS for pair in pairs)
    assert (project_faults(steps(*names, reason="有因")) == []) == is_listed


@pytest.mark.parametrize("rules", [PROJECT_STEPS, HOUSE_STEPS])
def test_every_status_can_be_reached_and_left(rules):
    reached, frontier = set(), {""}
    while frontier:
        reached |= frontier
        frontier = {to for (start, to) in rules if start in reached} - reached
    assert reached == {""} | {to for _, to in rules}
    for name in reached:
        assert status.next_steps(name, of=rules)


def house(*names, reason="", details=None, evidence=("照片.jpg",)):
    return steps(*names, details=HOUSE if details is None else details, reason=reason, evidence=evidence)


def test_the_straight_way_of_a_house():
    way = ["found", "appraised", "planned", "under_works", "accepted", "closed"]
    assert house_faults(house(*way)) == []
    for i in range(len(way) - 1):
        assert house_faults(house(*way[:i], *way[i + 1 :])), f"{way[i]} cannot be left out of a rebuilding"


@pytest.mark.parametrize("treatment", ["care_home", "rent", "insure"])
def test_care_rent_and_insurance_build_nothing(treatment):
    details = {**HOUSE, "treatment": treatment}
    assert house_faults(house("found", "appraised", "planned", "accepted", details=details)) == []
    [fault] = house_faults(house("found", "appraised", "planned", "under_works", details=details))
    assert "没有施工这一步" in fault


def test_works_come_before_acceptance():
    assert "先施工再验收" in house_faults(house("found", "appraised", "planned", "accepted"))[0]


@pytest.mark.parametrize(("grade", "is_fine"), [("A", False), ("B", False), ("C", True), ("D", True), ("E", False)])
def test_only_c_and_d_are_planned(grade, is_fine):
    assert (house_faults(house("found", "appraised", "planned", details={**HOUSE, "grade": grade})) == []) == is_fine


@pytest.mark.parametrize(
    ("way", "reason", "is_fine"),
    [
        ("found appraised closed", "deceased", True),
        ("found appraised planned closed", "secured_otherwise", True),
        ("found closed", "deceased", True),
        ("found appraised planned under_works closed", "renovated", False),
        ("found appraised planned under_works accepted closed", "renovated", True),
        ("found appraised closed", "not_dangerous", False),
        ("found appraised closed", "gone", False),
        ("found appraised closed", "", False),
    ],
)
def test_close_reasons(way, reason, is_fine):
    details = {**HOUSE, "close_reason": reason}
    assert (house_faults(house(*way.split(), details=details, reason="村委会证明")) == []) == is_fine


def test_not_dangerous_closes_an_a_or_b():
    details = {"grade": "B", "close_reason": "not_dangerous"}
    assert house_faults(house("found", "appraised", "closed", details=details, reason="鉴定报告")) == []


def test_closing_early_needs_words():
    details = {**HOUSE, "close_reason": "deceased"}
    assert house_faults(house("found", "closed", details=details)) == ["到“销档”这一步要写明原因。"]


def test_public_notice_runs_full_days():
    way = ["found", "appraised", "planned", "under_works", "accepted"]

    def closing(day, start="2018-02-01", notice_days=7):
        details = {**HOUSE, "notice_from": start}
        return house_faults([*house(*way), Step("closed", day, "", (), details)], notice_days=notice_days)

    assert closing(date(2018, 2, 7)) == ["公示从 2018-02-01 起要满 7 天，最早 2018-02-08 才能销档。"]
    assert closing(date(2018, 2, 8)) == []
    assert closing(date(2018, 2, 8), start=date(2018, 2, 1)) == []
    assert closing(date(2018, 2, 8), start="") == ["销档前要公示 7 天，请填写公示开始日期。"]
    assert closing(date(2018, 2, 8), start="", notice_days=0) == []


def test_a_house_opened_again_is_judged_anew():
    way = ["found", "appraised", "planned", "under_works", "accepted", "closed"]
    again = [*house(*way), Step("found", date(2020, 1, 1), "台风后墙体开裂")]
    assert house_faults(again) == []
    assert house_faults([*again[:-1], Step("found", date(2020, 1, 1))]) == ["到“新发现”这一步要写明原因。"]
    planned = Step("planned", date(2020, 2, 1), details={"treatment": "reinforce"})
    assert house_faults([*again, planned]) != [], "the old appraisal does not count"


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    st.lists(st.decimals(min_value=0, max_value=100, places=2), min_size=1, max_size=6),
)
def test_shares_add_up_to_the_cent(total, weights):
    shares = {f"p{i}": weight for i, weight in enumerate(weights)}
    if sum(weights) == 0:
        with pytest.raises(InputError):
            money.split(total, shares)
        return
    parts = money.split(total, shares)
    assert sum(parts.values()) == total
    for payer, part in parts.items():
        assert abs(part - total * shares[payer] / sum(weights)) < Decimal("0.01")


def test_the_shares_of_the_documents():
    shares = {"省": 6, "佛山": 3, "湛江": 0.5, "区": 0.5}
    assert money.split(Decimal("1000000.00"), shares) == {
        "省": Decimal(600000),
        "佛山": Decimal(300000),
        "湛江": Decimal(50000),
        "区": Decimal(50000),
    }
    assert money.split(Decimal("0.01"), {"市": 1, "区": 1}) == {"市": Decimal("0.01"), "区": Decimal("0.00")}


@pytest.mark.parametrize("text", ["", "abc", "1.234", "nan", "inf", "1e400", None, "1 2"])
def test_what_is_not_an_amount(text):
    with pytest.raises(InputError):
        money.amount(text)


@pytest.mark.parametrize(("text", "value"), [("1,234.5", "1234.50"), ("１２", "12.00"), (" 3 ", "3.00"), (0.1, "0.10")])
def test_what_is_an_amount(text, value):
    assert money.amount(text) == Decimal(value)
