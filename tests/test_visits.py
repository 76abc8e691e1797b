"""Visits: what goes out and comes back unchanged changes nothing; what changed in two places is never lost."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from geo.errors import InputError
from tests.policies_path import POLICY
from tracker import deciding, events, evidence, facts, houses, merging, projects, standing, visits
from tracker.facts import Cell
from tracker.office import Office, create
from tracker.visits import Answer, Row

DAY = date(2018, 6, 30)
TRIP = date(2018, 7, 12)


def build(tmp_path: Path, store) -> Office:
    """Two villages, two households (one C), a toilet, a register, a project and a house in the ledger."""
    office = create(
        tmp_path / "office", policy=POLICY, name="试验县", ledger=None if isinstance(store, Path) else str(store)
    )
    shapes = [box(113.0, 25.0, 113.02, 25.02), box(113.02, 25.0, 113.04, 25.02)]
    files = {
        "towns": gpd.GeoDataFrame({"town_id": ["T1"], "name": ["甲镇"]}, geometry=[box(113, 25, 113.04, 25.02)]),
        "villages": gpd.GeoDataFrame(
            {"village_id": ["V1", "V2"], "name": ["一村", "二村"], "town": "甲镇", "list_type": "poor",
             "population": [300, 400], "households": [80, 90]},
            geometry=shapes,
        ),
        "households": gpd.GeoDataFrame(
            {"household_id": ["H1", "H2"], "village_id": ["V1", "V2"], "members": [3, 4],
             "housing_grade": ["C", "B"], "safe_water": ["是", ""], "head_name": ["张三", "李四"]},
            geometry=[Point(113.01, 25.01), Point(113.03, 25.01)],
        ),
        "facilities": gpd.GeoDataFrame(
            {"facility_id": ["F1"], "kind": ["public_toilet"], "name": ["一村公厕"], "village_id": ["V1"],
             "status": ["in_service"]},
            geometry=[Point(113.01, 25.011)],
        ),
    }  # fmt: skip
    for layer, frame in files.items():
        path = tmp_path / f"{layer}.gpkg"
        frame.set_crs("EPSG:4490").to_file(path, driver="GPKG")
        office.add_layer(layer, path, as_of=DAY, by="试")
    claims = tmp_path / "登记册.csv"
    claims.write_text("unit_id,need,value,source,by,day\nV1,public_toilet,yes,登记册,扶贫办,2018-06-30\n", "utf-8")
    office.add_layer("claims", claims, as_of=DAY, by="试")
    houses.report(
        office.ledger, [{"household_id": "H1", "village_id": "V1", "town": "甲镇", "grade": "C"}], at=DAY, by="试"
    )
    about = projects.Description(
        "一村公厕", "environment", "甲镇", 2018, ("V1",), (("V1", "public_toilet"),), "区农业局", None
    )
    projects.propose(office.ledger, about, at=DAY, by="试", project_id="P2018-00001")
    return office


@pytest.fixture
def office(tmp_path: Path, store):
    with build(tmp_path, store) as opened:
        yield opened


def rows() -> list[Row]:
    return [
        Row("needs/V1/public_toilet", "needs", "V1", "一村", "甲镇", "V1", "一村", title="公共厕所", sent={"public_toilet": ""}),
        Row("needs/V2/public_toilet", "needs", "V2", "二村", "甲镇", "V2", "二村", title="公共厕所", sent={"public_toilet": ""}),
        Row("villages/V1", "villages", "V1", "一村", "甲镇", "V1", "一村"),
        Row("facilities/F1", "facilities", "F1", "一村公厕", "甲镇", "V1", "一村"),
        Row("households/H1", "households", "H1", "H1", "甲镇", "V1", "一村"),
        Row("households/H2", "households", "H2", "H2", "甲镇", "V2", "二村"),
        Row("houses/H1", "houses", "H1", "H1", "甲镇", "V1", "一村"),
        Row("projects/P2018-00001", "projects", "P2018-00001", "一村公厕", "甲镇", "V1", "一村"),
    ]  # fmt: skip


def out(office: Office, listed: list[Row] | None = None) -> visits.Visit:
    return visits.send(office, listed or rows(), title="核实", day=TRIP, who="李工", by="gui")


def back(office: Office, visit: visits.Visit, *answers: Answer, name: str = "交回.xlsx") -> visits.Visit:
    content = repr((name, answers)).encode()
    return visits.take_back(office, visit, answers, refused=(), name=name, content=content, at=TRIP, by="gui")[0]


def states(office: Office, visit: visits.Visit) -> dict[str, str]:
    return {item.item_id: item.state for item in merging.merge(office, visits.visit(office, visit.visit_id))}


def count(office: Office) -> int:
    return office.ledger.read(lambda t: t.rows("SELECT count(*) FROM events"))[0][0]


def test_a_visit_remembers_what_it_was_sent_with(office: Office) -> None:
    visit = out(office)
    assert visit.visit_id == "ZF2018-0001"
    sent = {row.key: dict(row.sent) for row in visits.rows_of(office, visit)}
    assert sent["needs/V1/public_toilet"] == {"public_toilet": "yes"}
    assert sent["needs/V2/public_toilet"] == {"public_toilet": ""}
    assert sent["villages/V1"] == {"population": "300", "households": "80"}
    assert sent["households/H2"]["safe_water"] == ""
    assert sent["houses/H1"] == {"status": "found", "grade": "C", "treatment": ""}
    assert out(office).visit_id == "ZF2018-0002"


def test_out_and_in_unchanged_adds_no_fact_and_nothing_to_decide(office: Office) -> None:
    visit = out(office)
    same = [Answer(row.key, dict(row.sent)) for row in visits.rows_of(office, visit)]
    visit = back(office, visit, *same)
    assert states(office, visit) == {}
    assert visit.returns[0].confirmed > 8
    assert facts.facts(office.ledger) == {}


def test_unknown_writes_nothing_over_a_value(office: Office) -> None:
    visit = back(office, out(office), Answer("villages/V1", {"population": "?"}))
    assert states(office, visit) == {}
    assert visit.returns[0].unclear == 1


def test_a_change_in_the_field_is_proposed_and_then_reaches_every_view_of_its_day(office: Office) -> None:
    visit = back(office, out(office), Answer("villages/V1", {"population": "312"}, "核对户口簿"))
    assert states(office, visit) == {"villages/V1#population": "proposed"}
    before = count(office)
    outcome = deciding.accept_plain(office, visit.visit_id, by="ling")
    assert (outcome.settled, outcome.refused, count(office) - before) == (1, (), 2)
    [fact] = facts.facts(office.ledger)["villages"]
    assert (fact.value, fact.at, fact.by) == ("312", TRIP, "ling")
    assert office.frame("villages").set_index("village_id").loc["V1", "population"] == 312
    assert office.frame("villages", DAY).set_index("village_id").loc["V1", "population"] == 300
    assert office.sources()["villages"].digest != office.sources(DAY)["villages"].digest
    stored = events.history(office.ledger, "fact:villages/V1/population")[0]
    assert evidence.fetch(office.path, stored.evidence[0]) is not None
    assert states(office, visit) == {"villages/V1#population": "accepted"}


def test_a_need_seen_in_the_field_is_a_claim_with_its_source(office: Office) -> None:
    visit = back(office, out(office), Answer("needs/V2/public_toilet", {"public_toilet": "no"}))
    deciding.accept_plain(office, visit.visit_id, by="ling")
    claim = office.frame("claims").iloc[-1]
    assert (claim["unit_id"], claim["value"], claim["day"]) == ("V2", "no", TRIP.isoformat())
    assert visit.visit_id in claim["source"]
    assert standing.claimed(office)["V2", "public_toilet"][0] == "no"


def test_a_newer_file_holds_over_an_older_visit(office: Office, tmp_path: Path) -> None:
    visit = back(office, out(office), Answer("villages/V1", {"population": "312"}))
    deciding.accept_plain(office, visit.visit_id, by="ling")
    office.add_layer("villages", tmp_path / "villages.gpkg", as_of=date(2018, 7, 13), by="试")
    assert office.frame("villages").set_index("village_id").loc["V1", "population"] == 300
    assert office.frame("villages", TRIP).set_index("village_id").loc["V1", "population"] == 312


def test_changed_in_office_and_field_is_a_conflict_that_a_person_settles(office: Office) -> None:
    first, second = out(office), out(office)
    first = back(office, first, Answer("villages/V1", {"population": "312"}))
    second = back(office, second, Answer("villages/V1", {"population": "320"}), name="b.xlsx")
    assert deciding.accept_plain(office, first.visit_id, by="ling").settled == 1
    assert states(office, second) == {"villages/V1#population": "conflict"}
    assert deciding.accept_plain(office, second.visit_id, by="ling").settled == 0
    [item] = merging.merge(office, second)
    assert (item.sent["population"], item.now["population"]) == ("300", "312")
    assert dict(item.options[0].values) == {"population": "320"}
    deciding.decide(office, second.visit_id, {item.item_id: item.options[0].key}, by="ling")
    assert standing.values(office, [Cell("villages", "V1", "population")]) == {
        Cell("villages", "V1", "population"): "320"
    }


def test_two_files_of_one_visit_that_disagree_are_a_conflict(office: Office) -> None:
    visit = back(office, out(office), Answer("villages/V1", {"population": "312"}), name="a.xlsx")
    visit = back(office, visit, Answer("villages/V1", {"population": "313"}), name="b.xlsx")
    [item] = merging.merge(office, visit)
    assert item.state == "conflict"
    assert {option.values["population"] for option in item.options} == {"312", "313"}
    deciding.decide(office, visit.visit_id, {item.item_id: deciding.OFFICE}, by="ling")
    assert states(office, visit) == {"villages/V1#population": "rejected"}
    assert facts.facts(office.ledger) == {}


def test_the_same_file_twice_adds_nothing(office: Office) -> None:
    visit = back(office, out(office), Answer("villages/V1", {"population": "312"}))
    before = count(office)
    visit = back(office, visit, Answer("villages/V1", {"population": "312"}))
    assert (count(office), len(visit.returns)) == (before, 1)
    deciding.accept_plain(office, visit.visit_id, by="ling")
    before = count(office)
    assert deciding.accept_plain(office, visit.visit_id, by="ling").settled == 0
    visit = back(office, visit, Answer("villages/V1", {"population": "312"}), name="另存.xlsx")
    assert states(office, visit) == {"villages/V1#population": "accepted"}
    assert count(office) == before + 1


def test_a_decision_can_be_taken_back_and_made_again(office: Office) -> None:
    visit = back(office, out(office), Answer("villages/V1", {"population": "312"}))
    for _ in range(2):
        assert deciding.accept_plain(office, visit.visit_id, by="ling").settled == 1
        deciding.undo(office, visit.visit_id, "villages/V1#population", by="ling", reason="看错")
        assert states(office, visit) == {"villages/V1#population": "proposed"}
        assert office.frame("villages").set_index("village_id").loc["V1", "population"] == 300
    with pytest.raises(InputError, match="还没有处理过"):
        deciding.undo(office, visit.visit_id, "villages/V1#population", by="ling", reason="再来")


def test_steps_follow_the_rules_of_their_ledger(office: Office) -> None:
    visit = back(
        office,
        out(office),
        Answer("houses/H1", {"status": "appraised", "grade": "D"}, "鉴定表已收"),
        Answer("projects/P2018-00001", {"status": "started"}),
    )
    outcome = deciding.accept_plain(office, visit.visit_id, by="ling")
    assert outcome.settled == 1
    [(key, why)] = outcome.refused
    assert key == "projects/P2018-00001"
    assert "下一步可以是" in why
    [house] = houses.houses(office.ledger)
    assert (house.status, house.grade, house.since) == ("appraised", "D", TRIP)
    assert house.evidence, "the file that came back is the evidence"
    assert states(office, visit) == {"houses/H1": "accepted", "projects/P2018-00001": "proposed"}
    deciding.undo(office, visit.visit_id, "houses/H1", by="ling", reason="不是这一户")
    assert houses.houses(office.ledger)[0].status == "found"


def test_a_detail_of_a_step_is_corrected_and_the_correction_taken_back(office: Office) -> None:
    visit = back(office, out(office), Answer("houses/H1", {"grade": "D"}, "实为整幢"))
    assert deciding.accept_plain(office, visit.visit_id, by="ling").settled == 1
    assert houses.houses(office.ledger)[0].grade == "D"
    deciding.undo(office, visit.visit_id, "houses/H1", by="ling", reason="看错")
    assert houses.houses(office.ledger)[0].grade == "C"


def test_a_place_found_in_the_field_goes_through_the_intake(office: Office) -> None:
    new = {"kind": "garbage_point", "name": "村口", "village_id": "V2", "longitude": "113.03", "latitude": "25.012"}
    other = {**new, "name": "村尾", "latitude": "25.013"}
    visit = back(office, out(office), Answer("found/1", new), Answer("found/2", other))
    assert deciding.accept_plain(office, visit.visit_id, by="ling").settled == 2
    held = office.frame("facilities")
    assert sorted(held["name"]) == ["一村公厕", "村口", "村尾"]
    assert office.default_day() == DAY, "a place found later must not turn every other layer stale"
    assert office.sources()["facilities"].kinds["public_toilet"] == (DAY, False)
    deciding.undo(office, visit.visit_id, "found/1", by="ling", reason="重复")
    assert sorted(office.frame("facilities")["name"]) == ["一村公厕", "村尾"]
    deciding.undo(office, visit.visit_id, "found/2", by="ling", reason="重复")
    assert sorted(office.frame("facilities")["name"]) == ["一村公厕"]


def test_who_may_not_decide_here_decides_nothing(office: Office) -> None:
    visit = back(office, out(office), Answer("villages/V1", {"population": "312"}))
    outcome = deciding.decide(office, visit.visit_id, {"villages/V1#population": "x"}, by="li", may=lambda _: False)
    assert outcome.settled == 0
    assert "权限" in outcome.refused[0][1]


def test_an_office_change_between_look_and_click_is_not_overwritten(office: Office, monkeypatch) -> None:
    visit, other = out(office), out(office)
    visit = back(office, visit, Answer("villages/V1", {"population": "312"}))
    other = back(office, other, Answer("villages/V1", {"population": "320"}), name="b.xlsx")
    [item] = merging.merge(office, visit)
    real, calls = merging.merge, []

    def late(opened: Office, found: visits.Visit):
        made = real(opened, found)
        if not calls:
            calls.append(1)
            deciding.accept_plain(office, other.visit_id, by="gui")
        return made

    monkeypatch.setattr(deciding, "merge", late)
    outcome = deciding.decide(office, visit.visit_id, {item.item_id: item.options[0].key}, by="ling")
    assert outcome.settled == 0
    assert "冲突" in outcome.refused[0][1]
    assert office.frame("villages").set_index("village_id").loc["V1", "population"] == 320


def test_an_empty_visit_and_an_unknown_one_are_refused(office: Office) -> None:
    with pytest.raises(InputError, match="没有选中"):
        visits.send(office, [], title="", day=TRIP, who="李", by="gui")
    with pytest.raises(InputError, match="谁去"):
        visits.send(office, rows(), title="", day=TRIP, who=" ", by="gui")
    with pytest.raises(InputError, match="没有编号"):
        visits.visit(office, "ZF2018-9999")


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(4)))
def test_the_order_in_which_disjoint_visits_come_back_does_not_matter(tmp_path_factory, order: list[int]) -> None:
    answers = [
        Answer("villages/V1", {"population": "312"}),
        Answer("households/H1", {"safe_water": "no", "housing_grade": "D"}),
        Answer("needs/V2/public_toilet", {"public_toilet": "no"}),
        Answer("facilities/F1", {"status": "broken"}),
    ]
    folder = tmp_path_factory.mktemp("o")
    with build(folder, folder / "x") as office:
        sent = [out(office) for _ in answers]
        for at in order:
            done = back(office, sent[at], answers[at], name=f"{at}.xlsx")
            deciding.accept_plain(office, done.visit_id, by="ling")
        cells = [
            Cell("villages", "V1", "population"),
            Cell("households", "H1", "safe_water"),
            Cell("households", "H1", "housing_grade"),
            Cell("claims", "V2", "public_toilet"),
            Cell("facilities", "F1", "status"),
        ]
        assert list(standing.values(office, cells).values()) == ["312", "no", "D", "no", "broken"]
        frame = office.workspace(TRIP).layers["households"].set_index("household_id")
        assert frame.loc["H1", "housing_grade"] == "D"
        assert pd.isna(frame.loc["H2", "safe_water"])
