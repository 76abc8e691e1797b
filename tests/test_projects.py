"""Projects, funds and houses over both stores: views on a day, totals that add up, conflicts, saving twice."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from tracker import events, funds, houses, projects
from tracker.funds import Posting, totals
from tracker.ledger import ConflictError, open_ledger
from tracker.projects import Description

JAN, MAR, MAY, JUL, DEC = (date(2018, month, 1) for month in (1, 3, 5, 7, 12))
ROAD = Description(
    title="调文村道硬化",
    kind="road",
    town="东山街道",
    year=2018,
    village_ids=("V1",),
    needs=(("V1", "hardened_road"), ("V2", "hardened_road")),
    owner="交通局",
    planned_cost_cny=Decimal("630000.50"),
    planned_length_km=1.05,
    basis={"policy_id": "zhanjiang-edz-2016", "day": "2017-12-31"},
)


@pytest.fixture
def ledger(store):
    with open_ledger(store, create=True) as opened:
        yield opened


def propose(ledger, description=ROAD, at=JAN, **rest):
    return projects.propose(ledger, description, at=at, by="李工", **rest)


def move(ledger, number, to, at, **rest):
    return projects.move(ledger, number, to, at=at, by="王工", **rest)


def finish(ledger, number):
    for to, at in (("approved", MAR), ("tendered", MAR), ("started", MAY), ("completed", JUL)):
        move(ledger, number, to, at)
    move(
        ledger, number, "accepted", JUL, evidence=["验收单.pdf#12ab"], actual_cost_cny="599999.99", actual_length_km=1.1
    )


def test_proposed_project_is_what_was_entered(ledger):
    number = propose(ledger)
    assert number == "P2018-00001"
    found = projects.project(ledger, number)
    assert found.description == ROAD
    assert (found.status, found.label, found.since, found.dates) == ("reserve", "储备", JAN, {"reserve": JAN})
    assert (found.actual_cost_cny, found.evidence, found.still_open) == (None, (), ())


def test_numbers_run_by_year(ledger):
    assert [propose(ledger) for _ in range(2)] == ["P2018-00001", "P2018-00002"]
    assert propose(ledger, Description("桥", "bridge", "东", 2019)) == "P2019-00001"
    assert propose(ledger, project_id="Y-7") == "Y-7"
    with pytest.raises(ConflictError):
        propose(ledger, project_id="Y-7")
    assert propose(ledger) == "P2018-00003"


def test_double_click_makes_one_project(ledger):
    assert propose(ledger, event_id="form-1") == propose(ledger, event_id="form-1") == "P2018-00001"
    assert len(projects.projects(ledger)) == 1
    first = move(ledger, "P2018-00001", "approved", MAR, event_id="form-2")
    assert move(ledger, "P2018-00001", "approved", MAR, event_id="form-2") == first
    assert projects.version(ledger, "P2018-00001") == 3


def test_a_whole_life_seen_from_every_day(ledger):
    number = propose(ledger)
    finish(ledger, number)
    move(ledger, number, "closed", DEC)
    seen = [
        (day, [p.label for p in projects.projects(ledger, as_of=day)])
        for day in (date(2017, 12, 31), JAN, MAR, MAY, date(2018, 6, 30), JUL, DEC)
    ]
    assert [labels for _, labels in seen] == [[], ["储备"], ["招标"], ["开工"], ["开工"], ["验收"], ["销号"]]
    end = projects.project(ledger, number)
    assert end.actual_cost_cny == Decimal("599999.99")
    assert end.actual_length_km == 1.1
    assert end.evidence == ("验收单.pdf#12ab",)
    assert end.dates["completed"] == JUL
    assert events.verify(ledger) == []


def test_a_step_that_is_not_allowed_says_all_that_is_wrong(ledger):
    number = propose(ledger)
    with pytest.raises(InputError, match="P2018-00001：不能从“储备”直接到“验收”。下一步可以是：立项、取消。"):
        move(ledger, number, "accepted", MAR)
    for to, at in (("approved", MAR), ("tendered", MAR), ("started", MAY), ("completed", JUL)):
        move(ledger, number, to, at)
    with pytest.raises(InputError, match=r"附证明材料.*实际投资"):
        move(ledger, number, "accepted", JUL)
    with pytest.raises(InputError, match="没有编号为"):
        move(ledger, "P9", "approved", MAR)
    with pytest.raises(InputError, match="没有编号为 P9"):
        projects.project(ledger, "P9")
    assert projects.project(ledger, number).status == "completed"


def test_a_late_entry_must_fit_between_its_neighbours(ledger):
    number = propose(ledger)
    move(ledger, number, "approved", MAY)
    with pytest.raises(InputError, match="2018-03-01 早于已登记的“立项”（2018-05-01）"):
        move(ledger, number, "tendered", MAR)
    move(ledger, number, "tendered", MAY)
    assert projects.project(ledger, number, as_of=MAY).status == "tendered"


def test_closing_against_the_map_needs_a_reason_and_is_kept(ledger):
    number = propose(ledger)
    finish(ledger, number)
    with pytest.raises(InputError, match="地图上仍有缺口：V2 hardened_road"):
        move(ledger, number, "closed", DEC, still_open=[("V2", "hardened_road")])
    move(ledger, number, "closed", DEC, still_open=[("V2", "hardened_road")], reason="图层尚未更新")
    assert projects.project(ledger, number).still_open == (("V2", "hardened_road"),)
    assert projects.project_table(projects.projects(ledger))["still_open"].tolist() == ["V2:hardened_road"]


def test_two_people_move_one_project(ledger):
    number = propose(ledger)
    seen = projects.version(ledger, number)
    move(ledger, number, "approved", MAR, expected_version=seen)
    with pytest.raises(ConflictError, match="王工"):
        projects.amend(ledger, number, at=MAR, by="李工", expected_version=seen, title="改名")
    version = projects.amend(ledger, number, at=MAR, by="李工", expected_version=seen + 1, title="改名")
    assert version == seen + 2
    assert projects.project(ledger, number).description.title == "改名"
    assert projects.project(ledger, number, as_of=JAN).description.title == ROAD.title
    assert projects.project(ledger, number).description.planned_cost_cny == ROAD.planned_cost_cny


def test_a_step_withdrawn_puts_the_project_back(ledger):
    number = propose(ledger)
    move(ledger, number, "approved", MAR)
    last = events.history(ledger, f"project:{number}")[-1]
    events.withdraw(ledger, last.seq, by="王工", reason="批文编号写错")
    assert projects.project(ledger, number).status == "reserve"
    move(ledger, number, "approved", MAR)
    assert projects.project(ledger, number).status == "approved"


def test_rework_goes_back_and_forth(ledger):
    number = propose(ledger)
    finish(ledger, number)
    move(ledger, number, "started", DEC, reason="返工")
    assert projects.project(ledger, number).status == "started"
    assert projects.project(ledger, number, as_of=JUL).status == "accepted"


@pytest.mark.parametrize("change", [{"title": " "}, {"kind": ""}, {"planned_cost_cny": Decimal("1.234")}])
def test_incomplete_descriptions(ledger, change):
    from dataclasses import replace

    with pytest.raises(InputError):
        propose(ledger, replace(ROAD, **change))
    assert projects.projects(ledger) == []


def test_project_table(ledger):
    assert len(projects.project_table([])) == 0
    number = propose(ledger)
    table = projects.project_table(projects.projects(ledger))
    assert table.loc[0, "planned_cost_cny10k"] == 63.00005
    assert table.loc[0, "needs"] == "V1:hardened_road;V2:hardened_road"
    assert table.loc[0, ["project_id", "since"]].tolist() == [number, "2018-01-01"]


def post(ledger, stage, amount, **rest):
    rest = {"source": "省级", "year": 2018, "at": MAR, "by": "财政局", "project_id": "P1", "town": "东山", **rest}
    return funds.post(ledger, stage, amount_cny=amount, **rest)


def test_ceilings_stand_apart_from_money(ledger):
    post(ledger, "ceiling", 78000)
    post(ledger, "plan", 60000)
    post(ledger, "allocation", 50000)
    post(ledger, "payment", "20000.10")
    sums = totals(funds.postings(ledger))[()]
    assert (sums.ceiling, sums.plan, sums.allocation, sums.payment) == tuple(
        map(Decimal, ("78000.00", "60000.00", "50000.00", "20000.10"))
    )
    assert funds.faults(funds.postings(ledger)) == []


def test_money_as_of_a_day_and_corrected(ledger):
    number = post(ledger, "payment", 100)
    post(ledger, "payment", 50, at=JUL)
    assert totals(funds.postings(ledger, as_of=MAY))[()].payment == 100
    funds.correct(ledger, number, by="财政局", amount_cny=90)
    with pytest.raises(InputError, match="最多到分"):
        funds.correct(ledger, number + 1, by="财政局", amount_cny="1.234")
    assert totals(funds.postings(ledger))[()].payment == 140
    events.withdraw(ledger, number + 1, by="财政局", reason="重复登记")
    assert totals(funds.postings(ledger))[()].payment == 90


def test_the_same_form_pays_once(ledger):
    assert post(ledger, "payment", 100, event_id="f") == post(ledger, "payment", 100, event_id="f")
    assert len(funds.postings(ledger)) == 1


@pytest.mark.parametrize(
    ("stage", "amount", "rest", "match"),
    [
        ("gift", 1, {}, "没有“gift”"),
        ("plan", 0, {}, "金额为 0"),
        ("plan", -1, {}, "原因"),
        ("plan", "abc", {}, "数字"),
        ("plan", "0.001", {}, "最多到分"),
        ("plan", 1, {"source": " "}, "资金来源"),
    ],
)
def test_bad_postings(ledger, stage, amount, rest, match):
    with pytest.raises(InputError, match=match):
        post(ledger, stage, amount, **rest)
    assert funds.postings(ledger) == []


def test_money_that_does_not_fit_is_said(ledger):
    post(ledger, "ceiling", 100)
    post(ledger, "plan", 101)
    post(ledger, "allocation", 102)
    post(ledger, "payment", 103)
    faults = funds.faults(funds.postings(ledger))
    assert [text.split("：")[1][:3] for text in faults] == ["已支付", "下达 ", "计划 "]
    post(ledger, "payment", -1, note="退回")
    assert len(funds.faults(funds.postings(ledger))) == 2


def test_shares_against_what_came(ledger):
    for source, amount in (("省", 700), ("对口市", 200), ("市", 50), ("县", 50), ("社会捐赠", 30)):
        post(ledger, "allocation", amount, source=source)
    shares = {"省": 6, "对口市": 3, "市": 0.5, "县": 0.5}
    table = funds.share_table(funds.postings(ledger), shares, stage="allocation")
    assert table["source"].tolist() == ["省", "对口市", "市", "县", "社会捐赠"]
    assert table["expected_cny"].tolist() == [600, 300, 50, 50, 0]
    assert table["difference_cny"].tolist() == [100, -100, 0, 0, 30]


def test_total_table_ends_with_the_sum(ledger):
    post(ledger, "plan", 10000, town="东山")
    post(ledger, "plan", 20000, town="民安")
    table = funds.total_table(funds.postings(ledger), ["town", "year"])
    assert table["town"].tolist() == ["东山", "民安", "合计"]
    assert table["plan_cny10k"].tolist() == [1.0, 2.0, 3.0]
    assert funds.total_table([], ["town"])["town"].tolist() == ["合计"]
    with pytest.raises(InputError, match="不能按"):
        totals([], ["colour"])


posting = st.builds(
    Posting,
    seq=st.just(1),
    stage=st.sampled_from(["plan", "ceiling", "allocation", "payment"]),
    source=st.sampled_from(["省", "市"]),
    amount_cny=st.decimals(min_value=-(10**6), max_value=10**6, places=2),
    project_id=st.sampled_from(["", "P1", "P2"]),
    town=st.sampled_from(["", "东", "西"]),
    year=st.integers(2016, 2018),
    at=st.just(MAR),
    document=st.just(""),
    note=st.just(""),
)


@given(st.lists(posting, max_size=12), st.lists(st.sampled_from(list(funds.KEYS)), unique=True))
def test_any_grouping_adds_up_to_the_total(found, by):
    whole = totals(found)[()]
    groups = totals(found, by).values()
    for stage in funds.STAGE_LABELS:
        assert sum((getattr(group, stage) for group in groups), Decimal(0)) == getattr(whole, stage)


def report(ledger, *ids, at=JAN):
    rows = [{"household_id": h, "village_id": "V1", "town": "东山", "grade": float("nan")} for h in ids]
    return houses.report(ledger, rows, at=at, by="李工")


def step(ledger, household, to, at, **rest):
    return houses.move(ledger, household, to, at=at, by="住建局", **rest)


def renovate(ledger, household):
    step(ledger, household, "appraised", MAR, grade="D", evidence=["鉴定.pdf"])
    step(ledger, household, "planned", MAR, treatment="rebuild")
    step(ledger, household, "under_works", MAY)
    step(ledger, household, "accepted", JUL, evidence=["照片.jpg"])
    step(ledger, household, "closed", DEC, close_reason="renovated", notice_from=JUL, notice_days=7)


def test_a_list_sent_twice_adds_nothing(ledger):
    assert report(ledger, "H1", "H2", "H1") == ["H1", "H2"]
    assert report(ledger, "H2", "H3") == ["H3"]
    assert report(ledger) == []
    assert [h.household_id for h in houses.houses(ledger)] == ["H1", "H2", "H3"]
    with pytest.raises(InputError, match="没有户编号"):
        report(ledger, " ")


def test_a_house_from_report_to_closed_and_again(ledger):
    report(ledger, "H1")
    renovate(ledger, "H1")
    [house] = houses.houses(ledger)
    assert (house.status, house.label, house.close_reason, house.grade, house.treatment) == (
        "closed",
        "销档",
        "renovated",
        "D",
        "rebuild",
    )
    assert not house.is_open
    assert houses.houses(ledger, as_of=MAY)[0].status == "under_works"
    step(ledger, "H1", "found", date(2019, 8, 1), reason="台风后墙体开裂")
    [again] = houses.houses(ledger)
    assert (again.status, again.found, again.grade, again.treatment, again.close_reason) == (
        "found",
        date(2019, 8, 1),
        "",
        "",
        "",
    )
    assert (again.town, again.village_id) == ("东山", "V1"), "where it stands is still known"
    assert again.dates == {"found": date(2019, 8, 1)}
    assert houses.houses(ledger, as_of=DEC)[0].status == "closed"
    assert events.verify(ledger) == []


def test_a_closed_house_is_not_reopened_by_a_list(ledger):
    report(ledger, "H1")
    renovate(ledger, "H1")
    assert report(ledger, "H1", at=date(2019, 1, 1)) == []


def test_house_steps_are_checked(ledger):
    report(ledger, "H1")
    with pytest.raises(InputError, match="不能从“新发现”直接到“施工”"):
        step(ledger, "H1", "under_works", MAR)
    with pytest.raises(InputError, match="没有户编号为 H9"):
        step(ledger, "H9", "appraised", MAR)
    step(ledger, "H1", "appraised", MAR, grade="D", evidence=["鉴定.pdf"])
    with pytest.raises(InputError, match="处置方式只能是：宜固、宜建、宜养、宜租、宜保"):
        step(ledger, "H1", "planned", MAR, treatment="ignore")
    seen = events.version(ledger, "house:H1")
    step(ledger, "H1", "planned", MAR, treatment="rebuild", expected_version=seen)
    with pytest.raises(ConflictError):
        step(ledger, "H1", "under_works", MAY, expected_version=seen)


def test_overdue_is_after_the_deadline(ledger):
    report(ledger, "H1", "H2")
    renovate(ledger, "H1")
    found = houses.houses(ledger)
    deadline = date(2018, 12, 31)
    assert houses.overdue(found, deadline=deadline, day=deadline) == []
    assert [h.household_id for h in houses.overdue(found, deadline=deadline, day=date(2019, 1, 1))] == ["H2"]


def test_house_tables(ledger):
    report(ledger, "H1", "H2")
    renovate(ledger, "H1")
    table = houses.house_table(houses.houses(ledger))
    assert table[["household_id", "status", "since"]].to_numpy().tolist() == [
        ["H1", "closed", "2018-12-01"],
        ["H2", "found", "2018-01-01"],
    ]
    counts = houses.counts(houses.houses(ledger))
    assert counts["town"].tolist() == ["东山", "合计"]
    assert counts[["found", "closed", "total"]].to_numpy().tolist() == [[1, 1, 2], [1, 1, 2]]
    assert houses.counts([])["total"].tolist() == [0]
    assert len(houses.house_table([])) == 0
