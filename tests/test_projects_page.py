"""The tracker's pages driven as an official drives them, on a small office, with no browser."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from analysis.assess import assess
from analysis.policy import load_policy
from demo.county import write_county
from tests.page_context import HELD
from tests.policies_path import POLICY
from tracker import accounts, events, funds, houses, measures, policies, projects, published, responsibility
from tracker.office import create
from tracker.projects import Description
from views import desk, excel, progressbook
from views.audit import export_logged
from views.context import Context
from views.proposing import cny_of, open_needs, seed_of_house, seed_of_natural_village, seed_of_village
from views.recheck import CONNECTED, HOUSE, data_day, need_label, sector_of, standings, still_open
from views.scope import cut_assessment, cut_workspace, may_open
from views.signin import OWNER

SCRIPT = """
import streamlit as st
from tests.page_context import context_now
from views import moving
from views.pages import {name}
moving.show_notice()
{name}.page(context_now())
"""


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A tiny synthetic county, assessed once."""
    folder = tmp_path_factory.mktemp("county")
    made = write_county("tiny", 1, folder / "files")
    office = create(folder / "office", policy=POLICY, name="示范县（虚构）")
    for file in made.files:
        options = dict(file.options)
        office.add_layer(file.layer, file.path, **{"as_of": made.as_of, **options})
    policy = load_policy(POLICY)
    day = office.default_day()
    workspace = office.workspace(day)
    yield Context(office, workspace, policy, assess(workspace, policy, day, rasters={}), day, "zh")
    office.close()


@pytest.fixture
def context(county: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path | str) -> Iterator[Context]:
    """The same county with a ledger of its own: once a file, once in PostgreSQL."""
    where = store if isinstance(store, str) else None
    office = create(tmp_path / "office", policy=POLICY, name="示范县（虚构）", ledger=where)
    monkeypatch.setenv(desk.OFFICE_VARIABLE, str(office.path))
    HELD["context"] = replace(county, office=office)
    yield HELD["context"]
    office.close()
    desk.desk.cache_clear()


def page(name: str) -> AppTest:
    opened = AppTest.from_string(SCRIPT.format(name=name), default_timeout=60).run()
    assert not opened.exception
    return opened


def texts(opened: AppTest) -> str:
    found = [*opened.text, *opened.markdown, *opened.caption, *opened.info, *opened.error, *opened.warning]
    return "\n".join(str(item.value) for item in found).replace("\\", "")


def gap_of(context: Context) -> tuple[str, str]:
    """Give the first need of a village that the map shows as a gap."""
    parts = [need.id for need in context.policy.needs if need.kind == "has"]
    rows = context.assessment.findings
    rows = rows[(rows["status"] == "gap") & (rows["unit_kind"] == "village") & rows["need"].isin(parts)]
    return str(rows.iloc[0]["unit_id"]), str(rows.iloc[0]["need"])


def proposed(context: Context, **changes: object) -> str:
    village, need = gap_of(context)
    seed = seed_of_village(context, village, need)
    described = Description(
        seed.title, seed.kind, seed.town, 2018, (village,), seed.needs, "区农业局", Decimal("125000"), basis=seed.basis
    )
    return projects.propose(context.office.ledger, described, at=date(2018, 7, 1), by="本机")


# --- what a proposal begins with -----------------------------------------------------------------------------------


def test_a_gap_gives_name_sector_town_and_the_units_the_document_names(context: Context) -> None:
    village, need = gap_of(context)
    seed = seed_of_village(context, village, need)
    assert seed.needs == ((village, need),)
    assert seed.kind == sector_of(context, need) != "other"
    assert need_label(context, need) in seed.title
    assert seed.town
    assert seed.owner
    assert seed.basis["workspace_digest"] == context.assessment.workspace_digest
    assert all(item in open_needs(context, seed.town) for item in seed.needs)


def test_a_natural_village_gives_length_and_cost(context: Context) -> None:
    rows = context.assessment.natural_villages
    row = rows[rows["state"] == "harden"].iloc[0]
    seed = seed_of_natural_village(context, row["natural_village_id"])
    assert seed.needs == ((row["natural_village_id"], CONNECTED),)
    assert seed.length_km == pytest.approx(row["gap_km"] + (0 if pd.isna(row["new_km"]) else row["new_km"]), abs=0.001)
    cost = row["cost_cny10k"]
    assert seed.cost_cny10k == (None if pd.isna(cost) else pytest.approx(cost)), "an unknown cost stays open"


@pytest.mark.parametrize(
    ("given", "yuan"), [(None, None), (0.0, "0.00"), (12.34567, "123456.70"), (0.1 + 0.2, "3000.00")]
)
def test_money_is_exact_to_the_cent(given: float | None, yuan: str | None) -> None:
    assert cny_of(given) == (None if yuan is None else Decimal(yuan))


# --- the map looks again --------------------------------------------------------------------------------------------


def test_what_the_map_does_not_know_is_unknown_and_not_open(context: Context) -> None:
    found = standings(context, [("nowhere", "public_toilet"), ("nowhere", CONNECTED), ("nowhere", HOUSE)])
    assert [item.status for item in found] == ["unknown"] * 3
    assert still_open(found) == []


def test_the_map_still_shows_a_gap(context: Context) -> None:
    rows = context.assessment.natural_villages
    state = {key: rows.loc[rows["state"] == key, "natural_village_id"].iloc[0] for key in ("harden", "connected")}
    house = context.assessment.housing["household_id"].iloc[0]
    asked = [gap_of(context), (state["harden"], CONNECTED), (state["connected"], CONNECTED), (house, HOUSE)]
    found = standings(context, asked)
    assert [item.status for item in found] == ["gap", "gap", "met", "gap"]
    assert still_open(found) == [asked[0], asked[1], asked[3]]


def test_a_map_older_than_the_works_says_that_it_cannot_know(context: Context) -> None:
    number = proposed(context)
    ledger = context.office.ledger
    for to, day in (("approved", 2), ("tendered", 3), ("started", 4), ("completed", 5)):
        projects.move(ledger, number, to, at=date(2018, 7, day), by="本机")
    assert "早于竣工日 2018-07-05" in data_day(context, projects.project(ledger, number))


# --- the pages ------------------------------------------------------------------------------------------------------


def test_an_empty_tracker_says_how_to_begin(context: Context) -> None:
    assert "立项" in texts(page("projects"))
    assert "还没有登记进危房台账" in texts(page("ledger"))


def test_a_project_goes_from_reserve_to_closed_through_the_page(context: Context) -> None:
    number = proposed(context)
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["selected_projects"] = number
    opened.session_state["project_tab"] = "next"
    opened.run()
    assert not opened.exception
    for to in ("立项", "招标", "开工", "竣工"):
        next(item for item in opened.button if item.label == f"登记“{to}”").click().run()
        assert not opened.exception
        assert projects.project(context.office.ledger, number).label == to
    next(item for item in opened.button if item.label == "登记“验收”").click().run()
    assert "证明材料" in opened.error[0].value
    next(item for item in opened.number_input if "实际投资" in item.label).set_value(11.8)
    next(item for item in opened.text_input if "文号" in item.label).set_value("验〔2018〕12号")
    next(item for item in opened.button if item.label == "登记“验收”").click().run()
    found = projects.project(context.office.ledger, number)
    assert (found.label, found.actual_cost_cny, found.evidence) == ("验收", Decimal("118000.00"), ("验〔2018〕12号",))
    next(item for item in opened.button if item.label == "登记“销号”").click().run()
    assert "仍有缺口" in opened.error[0].value
    assert projects.project(context.office.ledger, number).label == "验收"
    next(item for item in opened.text_input if item.label == "原因（必填）").set_value("图层尚未更新")
    next(item for item in opened.button if item.label == "登记“销号”").click().run()
    found = projects.project(context.office.ledger, number)
    assert (found.label, found.still_open) == ("销号", (gap_of(context),))


def test_who_comes_second_sees_both_sides_and_nothing_is_lost(context: Context) -> None:
    number = proposed(context)
    ledger = context.office.ledger
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["selected_projects"] = number
    opened.session_state["project_tab"] = "next"
    opened.run()
    projects.amend(ledger, number, at=date(2018, 7, 2), by="别人", expected_version=2, owner="区住建局")
    next(item for item in opened.button if item.label == "登记“立项”").click().run()
    assert projects.project(ledger, number).status == "reserve"
    assert "别人先改了" in opened.warning[0].value
    assert "区住建局" in texts(opened)
    assert number in texts(opened), "it says which project"
    next(item for item in opened.button if "仍登记我的" in item.label).click().run()
    assert not opened.exception
    assert projects.project(ledger, number).status == "approved"


def test_dropping_mine_keeps_theirs(context: Context) -> None:
    number = proposed(context)
    ledger = context.office.ledger
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["selected_projects"] = number
    opened.session_state["project_tab"] = "next"
    opened.run()
    projects.move(ledger, number, "cancelled", at=date(2018, 7, 2), by="别人", reason="不做了")
    next(item for item in opened.button if item.label == "登记“立项”").click().run()
    next(item for item in opened.button if "放弃我的" in item.label).click().run()
    assert not opened.exception
    assert projects.project(ledger, number).status == "cancelled"


def test_another_day_is_shown_and_nothing_can_be_changed(context: Context) -> None:
    number = proposed(context)
    projects.move(context.office.ledger, number, "approved", at=date(2018, 8, 1), by="本机")
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["selected_projects"] = number
    opened.session_state["as_of"] = date(2018, 7, 15)
    opened.run()
    assert not opened.exception
    assert "只能查看" in opened.warning[0].value
    assert opened.dataframe[0].value["状态"].tolist() == ["储备"]
    assert not [item for item in opened.button if item.label.startswith("登记“")]


def test_another_days_card_has_the_money_and_the_history_of_that_day(context: Context) -> None:
    number = proposed(context)
    ledger = context.office.ledger
    for amount, day in ((111, 2), (222, 20)):
        funds.post(ledger, "allocation", source="省", amount_cny=amount * 10_000, year=2018, at=date(2018, 7, day), by="本机", project_id=number)  # fmt: skip
    projects.move(ledger, number, "approved", at=date(2018, 8, 1), by="本机")
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["selected_projects"] = number
    opened.run()
    assert "333.0 万元" in texts(opened)
    opened.session_state["as_of"] = date(2018, 7, 15)
    opened.run()
    assert "111.0 万元" in texts(opened)
    assert "333.0 万元" not in texts(opened)
    opened.segmented_control(key="project_tab").set_value("history").run()
    shown = texts(opened)
    assert "2018-07-01" in shown
    assert "2018-08-01" not in shown, "what came later was not known of that day"


def test_a_project_taken_back_since_is_still_there_as_known_then(context: Context) -> None:
    number = proposed(context)
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["known_on"] = date(2018, 7, 1)
    opened.run()
    assert "还没有登记任何项目" in texts(opened), "it was entered later than that"
    seq = next(e.seq for e in events.history(context.office.ledger, f"project:{number}") if e.kind == "project_reserve")
    events.withdraw(context.office.ledger, seq, by="本机", reason="登错")
    opened.session_state["known_on"] = None
    opened.run()
    assert "立项" in texts(opened)
    assert not opened.dataframe


def test_a_wrong_cost_is_corrected_on_the_card(context: Context) -> None:
    number, ledger = proposed(context), context.office.ledger
    for to, day in (("approved", 2), ("tendered", 3), ("started", 4), ("completed", 5)):
        projects.move(ledger, number, to, at=date(2018, 7, day), by="本机")
    projects.move(
        ledger, number, "accepted", at=date(2018, 7, 6), by="本机", evidence=["验"], actual_cost_cny=1_180_000
    )
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["selected_projects"] = number
    opened.session_state["project_tab"] = "history"
    opened.run()
    cost = next(item for item in opened.number_input if "实际投资" in item.label)
    assert cost.value == 118.0
    cost.set_value(11.8)
    next(item for item in opened.text_input if "错在哪" in item.label).set_value("多写了一位")
    next(item for item in opened.button if item.label == "更正").click().run()
    assert not opened.exception
    assert projects.project(ledger, number).actual_cost_cny == Decimal("118000.00")
    assert any(e.payload.get("actual_cost_cny") == "1180000.00" for e in events.history(ledger, f"project:{number}"))


def test_no_step_can_be_entered_for_a_day_to_come(context: Context) -> None:
    number = proposed(context)
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["selected_projects"] = number
    opened.session_state["project_tab"] = "next"
    opened.run()
    asked = next(item for item in opened.date_input if item.label == "发生日")
    assert asked.max == context.office.today


def test_a_reported_figure_is_corrected_and_taken_back_on_the_page(context: Context) -> None:
    ledger = context.office.ledger
    measures.observe(ledger, "poverty_exit_share", 0.26, at=date(2018, 6, 30), by="本机", source="半年报")
    opened = part("targets")
    figure = next(item for item in opened.number_input if item.key.endswith("_value"))
    figure.set_value(62.0)
    why = next(item for item in opened.text_input if "错在哪" in item.label)
    why.set_value("数字写反了")
    next(item for item in opened.button if item.label == "更正").click().run()
    assert measures.observed(ledger)["value"].tolist() == [0.26], "62 is no share"
    opened.number_input(key=figure.key).set_value(0.62)
    next(item for item in opened.button if item.label == "更正").click().run()
    assert measures.observed(ledger)["value"].tolist() == [0.62]
    opened = part("targets")
    next(item for item in opened.text_input if "错在哪" in item.label).set_value("没有这份报表")
    next(item for item in opened.button if item.label == "撤回").click().run()
    assert measures.observed(ledger).empty
    assert len(events.history(ledger, "measure:poverty_exit_share")) == 3, "all of it stays readable"


def test_targets_are_shown_as_they_were_known(context: Context) -> None:
    measures.observe(
        context.office.ledger, "poverty_exit_share", 0.62, at=date(2018, 6, 30), by="本机", source="半年报"
    )
    opened = part("targets")
    assert "62.0%" in opened.dataframe[0].value["实际"].tolist()
    opened.session_state["target_known_on"] = date(2018, 7, 1)
    opened.run()
    assert not opened.exception
    assert "62.0%" not in opened.dataframe[0].value["实际"].tolist(), "it was entered only now"


def test_layers_imported_later_do_not_count_as_known_then(county: Context) -> None:
    from views.pages.progress import is_map_known

    assert not is_map_known(county, date(2018, 7, 1))
    assert is_map_known(county, county.office.today)


FORM = """
from tests.page_context import context_now
from views.proposing import Seed, show_form
show_form(context_now(), Seed(title="片区提升"))
"""


def test_gaps_chosen_in_the_form_are_entered_with_the_town_they_lie_in(context: Context) -> None:
    village = gap_of(context)[0]
    wanted = [gap for gap in open_needs(context, None) if gap[0] == village][:2]
    opened = AppTest.from_string(FORM, default_timeout=60).run()
    opened.multiselect[0].set_value(wanted)
    next(item for item in opened.button if "储备" in item.label).click().run()
    assert not opened.exception
    [made] = projects.projects(context.office.ledger)
    assert len(wanted) == 2
    assert made.description.needs == tuple(wanted), "one project may close several needs"
    assert made.description.town == context.frame("villages").set_index("village_id").at[village, "town"]


def test_the_gaps_offered_do_not_hang_on_the_town_named_in_the_same_form(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other options Streamlit forgets what was chosen, and the project would be entered without its gaps."""
    asked: list[str | None] = []
    monkeypatch.setattr("views.proposing.atlas.town_names", lambda _: ["另一镇"])
    monkeypatch.setattr("views.proposing.choose_needs", lambda _, seed, town: asked.append(town) or [])
    opened = AppTest.from_string(FORM, default_timeout=60).run()
    assert opened.selectbox[1].value == "另一镇"
    assert asked == [None]


def test_what_wants_looking_at_comes_before_a_project_is_chosen(context: Context) -> None:
    ledger = context.office.ledger
    late = projects.propose(ledger, Description("迟", "transport", "", 2017, owner="x"), at=date(2017, 1, 1), by="本机")
    done = projects.propose(ledger, Description("完", "transport", "", 2017, owner="x"), at=date(2017, 1, 1), by="本机")
    projects.move(ledger, done, "cancelled", at=date(2017, 2, 1), by="本机", reason="不做了")
    opened = page("projects")
    assert "没竣工：1 个" in texts(opened)
    [button] = [item for item in opened.button if item.key.startswith("want_")]
    assert button.key == f"want_{late}"
    button.click().run()
    assert "#### 迟" in [item.value for item in opened.markdown]


def test_names_from_files_stay_text(context: Context) -> None:
    described = Description("**粗** <img src=x> $x$", "transport", "", 2018, note="[链接](javascript:1)")
    number = projects.propose(context.office.ledger, described, at=date(2018, 7, 1), by="<b>甲</b>")
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["selected_projects"] = number
    opened.run()
    assert not [
        item.value for item in opened.markdown if "**粗**" in item.value or "<img" in item.value.replace("\\<", "")
    ]


def test_money_is_shown_with_its_shares_and_ceilings_apart(context: Context) -> None:
    ledger = context.office.ledger
    funds.post(ledger, "allocation", source="省", amount_cny=6000000, year=2018, at=date(2018, 7, 1), by="本机")
    funds.post(ledger, "ceiling", source="佛山市", amount_cny=9000000, year=2018, at=date(2018, 7, 1), by="本机")
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["project_part"] = "funds"
    opened.run()
    assert not opened.exception
    metrics = {item.label: item.value for item in opened.metric}
    assert metrics["下达"] == "600.0 万元"
    assert metrics["上限（可争取，不是资金）"] == "900.0 万元"
    assert "6:3:0.5:0.5" in texts(opened)


def test_targets_without_figures_are_unknown_never_missed(context: Context) -> None:
    opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
    opened.session_state["project_part"] = "targets"
    opened.run()
    assert not opened.exception
    assert set(opened.dataframe[0].value["结论"]) <= {"不明，请补录", "未到期", "已达到"}


# --- houses ---------------------------------------------------------------------------------------------------------


def test_houses_come_in_with_one_click_and_twice_does_no_harm(context: Context) -> None:
    opened = page("ledger")
    next(item for item in opened.button if "全部登记" in item.label).click().run()
    assert not opened.exception
    found = houses.houses(context.office.ledger)
    assert len(found) == len(context.assessment.housing) > 0
    assert not [item for item in opened.button if "全部登记" in item.label]
    log = accounts.access_log(context.office.ledger)
    assert [(item.payload["action"], item.payload["rows"]) for item in log] == [("view", len(found))]


def test_a_renovated_house_is_closed_only_after_the_public_notice(context: Context) -> None:
    ledger = context.office.ledger
    houses.report(ledger, [{"household_id": "h1", "grade": "D", "town": ""}], at=date(2018, 1, 1), by="本机")
    steps = (
        ("appraised", {"grade": "D", "evidence": ["鉴定书"]}),
        ("planned", {"treatment": "rebuild"}),
        ("under_works", {}),
    )
    for day, (to, given) in enumerate((*steps, ("accepted", {"evidence": ["验收单"]})), start=2):
        houses.move(ledger, "h1", to, at=date(2018, 1, day), by="本机", **given)
    opened = AppTest.from_string(SCRIPT.format(name="ledger"), default_timeout=60)
    opened.session_state["selected_households"] = "h1"
    opened.session_state["house_tab"] = "next"
    opened.run()
    next(item for item in opened.date_input if item.label == "发生日").set_value(date(2018, 2, 7))
    next(item for item in opened.date_input if "公示开始日" in item.label).set_value(date(2018, 2, 1))
    next(item for item in opened.button if item.label == "登记“销档”").click().run()
    assert "满 7 天" in opened.error[0].value
    next(item for item in opened.date_input if item.label == "发生日").set_value(date(2018, 2, 8))
    next(item for item in opened.date_input if "公示开始日" in item.label).set_value(date(2018, 2, 1))
    next(item for item in opened.button if item.label == "登记“销档”").click().run()
    assert not opened.exception
    assert houses.houses(ledger)[0].status == "closed"


# --- reports --------------------------------------------------------------------------------------------------------


def test_a_report_stands_beside_the_last_one_as_known_then_and_now(context: Context) -> None:
    ledger = context.office.ledger
    number = proposed(context)
    projects.move(ledger, number, "approved", at=date(2018, 9, 1), by="本机")
    first = measures.observe(ledger, "poverty_exit_share", 0.8, at=date(2018, 6, 30), by="本机", source="报表")
    measures.observe(ledger, "poverty_exit_share", 0.9, at=date(2018, 9, 30), by="本机", source="报表")
    events.correct(ledger, first, by="本机", payload={"value": 0.75, "source": "复核"})
    period = progressbook.periods("quarter", date(2018, 9, 1), date(2018, 9, 1))[0]
    tables = progressbook.report_tables(ledger, context.policy, None, context.day, period, "quarter")
    row = tables["目标"].set_index("目标").loc["贫困人口脱贫（2018）"]
    assert row["2018年第三季度 实际"] == pytest.approx(0.9)
    assert row["2018年第二季度（现在所知） 实际"] == pytest.approx(0.75)
    assert pd.isna(row["2018年第二季度（当时所知） 实际"]), "it was entered today, long after"
    assert row["本期比上期"] == pytest.approx(0.15)
    counts = tables["项目"].set_index("状态")
    assert counts.loc["立项", "2018年第三季度"] == 1
    assert counts.loc["合计", "2018年第二季度（现在所知）"] == 0
    assert tables["本期经过"]["步骤"].tolist() == ["储备", "立项"]


def test_open_houses_are_counted_only_once_the_ledger_holds_some(context: Context) -> None:
    cut = progressbook.Cut(date(2018, 12, 31))
    assert progressbook.actuals(context.office.ledger, context.policy, None, context.day, cut).empty
    houses.report(context.office.ledger, [{"household_id": "h1"}], at=date(2018, 1, 1), by="本机")
    seen = progressbook.actuals(context.office.ledger, context.policy, None, context.day, cut)
    assert seen[["measure", "value"]].values.tolist() == [["dangerous_housing_open", 1.0]]


# --- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "closed_pages"),
    [
        ("leader", {"housing", "ledger", "quality"}),
        ("administrator", {"housing", "ledger", "quality", "export"}),
        ("planner", set()),
        ("bureau", set()),
        ("town_clerk", {"quality"}),
    ],
)
def test_a_role_is_offered_its_pages_only(role: str, closed_pages: set[str]) -> None:
    user = accounts.User("a", "甲", role)
    pages = ("overview", "coverage", "roads", "housing", "projects", "ledger", "quality", "users", "export")
    assert {name for name in pages if not may_open(user, name)} == closed_pages
    assert all(may_open(OWNER, name) for name in pages)


def in_two_towns(frame: Any) -> Any:
    """Put every second row into another town."""
    if "town" not in frame:
        return frame
    return frame.assign(town=[town if row % 2 else "乙镇" for row, town in enumerate(frame["town"])])


def test_a_town_clerk_is_sent_the_own_town_only(context: Context) -> None:
    whole = context.workspace
    spread = replace(whole, layers={name: in_two_towns(frame) for name, frame in whole.layers.items()})
    tables = ("findings", "housing", "natural_villages")
    done = replace(context.assessment, **{name: in_two_towns(getattr(context.assessment, name)) for name in tables})
    workspace, kept = cut_workspace(spread, ["乙镇"]), cut_assessment(done, ["乙镇"])
    for layer in ("villages", "natural_villages", "households", "facilities"):
        assert set(workspace.get(layer)["town"]) == {"乙镇"}
        assert len(workspace.get(layer)) < len(spread.get(layer)), "the shared frame is as it was"
    for name in tables:
        assert set(getattr(kept, name)["town"]) == {"乙镇"}
        assert 0 < len(getattr(kept, name)) < len(getattr(done, name))
    counted = kept.coverage[kept.coverage["town"] == "全部"].set_index(["unit_kind", "need"])
    own = kept.coverage[kept.coverage["town"] == "乙镇"].set_index(["unit_kind", "need"])
    assert counted["gap"].to_dict() == own["gap"].to_dict()
    assert workspace.digest != whole.digest


def test_a_town_clerk_sees_and_moves_only_own_projects(context: Context) -> None:
    for town in ("甲镇", "乙镇"):
        described = Description(f"{town}路", "transport", town, 2018)
        projects.propose(context.office.ledger, described, at=date(2018, 7, 1), by="本机")
    HELD["context"] = replace(context, user=accounts.User("li", "李", "town_clerk", towns=("甲镇",)))
    opened = page("projects")
    assert opened.dataframe[0].value["项目"].tolist() == ["甲镇路"]


def test_the_first_user_is_an_administrator_and_the_log_is_shown(context: Context) -> None:
    accounts.log_access(context.office.ledger, "本机", "export", what="危房台账", rows=7, conditions="乡镇=甲镇")
    opened = page("users")
    assert opened.selectbox[0].options == ["管理员"]
    assert opened.dataframe[0].value["行数"].tolist() == [7]


def test_a_leader_gets_no_list_of_users(context: Context) -> None:
    HELD["context"] = replace(context, user=accounts.User("ling", "刘", "leader"))
    opened = page("users")
    assert not opened.dataframe
    assert "看汇总和地图" in texts(opened)


def test_every_export_is_written_down_before_the_file_is_handed_over(context: Context) -> None:
    table = pd.DataFrame({"户": [1, 2, 3]})
    make = export_logged(
        context, lambda: b"x", what="危房 Excel", tables={"a": table}, filters={"乡镇": "甲镇", "空": None}
    )
    assert accounts.access_log(context.office.ledger) == []
    assert make() == b"x"
    [entry] = accounts.access_log(context.office.ledger)
    assert entry.by == "本机"
    assert entry.payload == {"action": "export", "what": "危房 Excel", "rows": 3, "conditions": "乡镇：甲镇"}


def test_a_rule_change_scores_the_same_periods_under_both_rules(context: Context) -> None:
    ledger, other = context.office.ledger, load_policy(POLICY.with_name("renhua-2016.toml"))
    period = progressbook.periods("half_year", date(2018, 3, 1), date(2018, 3, 1))[0]
    tables = progressbook.report_tables(ledger, other, None, context.day, period, "half_year", own=context.policy)
    assert set(tables["目标（本单位政策）"]["目标"]) == {target.label for target in context.policy.targets}
    assert set(tables["目标"]["目标"]) == {target.label for target in other.targets}
    assert excel.workbook(tables, {"政策": other.title})[:2] == b"PK"


def test_a_town_clerk_cannot_propose_outside_the_own_towns(context: Context) -> None:
    town = str(context.assessment.housing["town"].iloc[0])
    HELD["context"] = replace(context, user=accounts.User("li", "李", "town_clerk", towns=(town,)))
    opened = page("projects")
    next(item for item in opened.button if item.label == "新建项目").click().run()
    assert next(item for item in opened.selectbox if item.label == "乡镇" and item.options == [town])


def test_a_house_becomes_a_project_and_its_number_stays_from_a_leader(context: Context) -> None:
    row = context.assessment.housing.iloc[0]
    seed = seed_of_house(context, row["household_id"], row["village_id"], row["town"])
    assert seed.needs == ((row["household_id"], HOUSE),)
    assert seed.kind == "housing"
    assert row["household_id"] not in seed.title
    described = Description(seed.title, seed.kind, seed.town, 2018, (seed.village_id,), seed.needs)
    number = projects.propose(context.office.ledger, described, at=date(2018, 7, 1), by="本机")
    for role, is_shown in (("planner", True), ("leader", False)):
        HELD["context"] = replace(context, user=accounts.User("a", "甲", role))
        opened = AppTest.from_string(SCRIPT.format(name="projects"), default_timeout=60)
        opened.session_state["selected_projects"] = number
        opened.run()
        assert (row["household_id"] in texts(opened)) is is_shown
        opened.session_state["project_tab"] = "history"
        opened.run()
        assert (row["household_id"] in texts(opened)) is is_shown
        assert row["household_id"] not in opened.dataframe[0].value.to_csv()


# --- helper units, rules, published reports --------------------------------------------------------------------------


def assigned(context: Context, unit: str = "区水务局", village: str = "", until: date | None = None) -> str:
    """Let a unit answer for a village with a gap, from 2017 on."""
    village = village or gap_of(context)[0]
    row = {"village_id": village, "unit": unit, "person": "李工", "since": date(2017, 1, 1), "until": until}
    responsibility.assign(context.office.ledger, [row], by="试")
    return village


def part(name: str) -> AppTest:
    opened = page("projects")
    opened.segmented_control(key="project_part").set_value(name).run()
    assert not opened.exception
    return opened


def test_a_unit_answers_for_what_is_open_in_its_villages(context: Context) -> None:
    village = assigned(context)
    proposed(context)
    row = context.frame("villages").set_index("village_id").loc[village]
    houses.report(context.office.ledger, [{"household_id": "H1", "village_id": village, "town": row["town"]}], at=date(2018, 1, 1), by="试")  # fmt: skip
    table = part("units").dataframe[0].value
    one = table.iloc[0]
    assert (one["帮扶单位"], one["责任人"], one["村"]) == ("区水务局", "李工", 1)
    findings = context.assessment.findings
    kinds = {need.id for need in context.policy.needs if need.kind != "all"}
    open_gaps = findings[
        (findings["unit_id"] == village) & (findings["status"] == "gap") & findings["need"].isin(kinds)
    ]
    assert one["未补缺口"] == len(open_gaps) > 0
    assert (one["未销项目"], one["项目逾期"]) == (1, 1), "its year is over and it is not completed"
    assert (one["未销危房"], one["危房超期"]) == (1, 1)


def test_a_unit_is_late_from_the_day_after(context: Context) -> None:
    from views.responsibility import held, items, unit_table

    village = assigned(context)
    number = proposed(context)
    for day, late in ((date(2018, 12, 31), 0), (date(2019, 1, 1), 1)):
        found = held(context, day)
        assert unit_table(found, items(context, found, day)).iloc[0]["projects_late"] == late
    for to in ("approved", "tendered", "started", "completed"):
        projects.move(context.office.ledger, number, to, at=date(2018, 8, 1), by="试")
    found = held(context, date(2019, 1, 1))
    row = unit_table(found, items(context, found, date(2019, 1, 1))).iloc[0]
    assert (row["projects"], row["projects_late"]) == (1, 0)
    assert village


def test_units_stand_in_the_lists_and_filter_them(context: Context) -> None:
    assigned(context)
    proposed(context)
    opened = page("projects")
    assert opened.dataframe[0].value["帮扶单位"].tolist() == ["区水务局"]
    other = next(v for v in context.frame("villages")["village_id"] if v != gap_of(context)[0])
    assigned(context, "区教育局", other)
    opened = page("projects")
    opened.selectbox(key="project_unit").set_value("区教育局").run()
    assert not opened.dataframe, "none of that unit's"
    opened.selectbox(key="project_unit").set_value("区水务局").run()
    assert len(opened.dataframe[0].value) == 1


def test_an_ended_unit_is_gone_the_day_after(context: Context) -> None:
    assigned(context, until=date(2018, 12, 31))
    assert "还没有登记帮扶单位" in texts(part("units"))


def test_a_leader_sees_counts_of_houses_and_no_single_house(context: Context) -> None:
    from views.responsibility import held, items, shown_items

    village = assigned(context)
    houses.report(context.office.ledger, [{"household_id": "H1", "village_id": village}], at=date(2018, 1, 1), by="试")
    listed = items(context, held(context, context.day), context.day)
    assert "H1" in set(shown_items(context, listed, with_households=True)["内容"])
    assert "H1" not in set(shown_items(context, listed, with_households=False)["内容"])


def test_a_town_clerk_sees_the_units_of_the_own_town(context: Context) -> None:
    from views.responsibility import held

    villages = context.frame("villages")
    towns = sorted(villages["town"].dropna().unique())
    for town in towns[:2]:
        assigned(context, f"{town}工作组", str(villages[villages["town"] == town].iloc[0]["village_id"]))
    own = replace(context, workspace=cut_workspace(context.workspace, [towns[0]]))
    assert {item.unit for item in held(own, context.day)} == {f"{towns[0]}工作组"}


def test_a_bureau_may_not_say_who_answers_for_a_village(context: Context) -> None:
    from views.pages.responsibility import may_assign

    for role, is_allowed in (("planner", True), ("bureau", False), ("leader", False)):
        user = accounts.User("x", "x", role, "transport" if role == "bureau" else "")
        assert may_assign(replace(context, user=user)) is is_allowed


def test_a_report_is_published_once_and_kept(context: Context) -> None:
    measures.observe(context.office.ledger, "poverty_exit_share", 0.8, at=date(2017, 12, 31), by="试")
    opened = part("targets")
    opened.date_input(key="target_day").set_value(date(2017, 12, 31)).run()
    opened.button(key="report_publish").click().run()
    assert not opened.exception
    [kept] = published.reports(context.office)
    assert kept.period == "2017年第四季度"
    assert published.content(context.office, kept)[:2] == b"PK"
    figures = {row["目标"]: row["实际"] for row in kept.figures}
    assert figures["贫困人口脱贫（2017）"] == pytest.approx(0.8)
    assert [version.reason for version in policies.versions(context.office)] == ["首次登记"]


def test_an_unfinished_period_cannot_be_published(context: Context) -> None:
    opened = part("targets")
    assert not [item for item in opened.button if item.key == "report_publish"]


def test_only_who_plans_the_whole_county_changes_the_rules(context: Context) -> None:
    from views.pages.rules import may_adopt

    users = {
        "planner": accounts.User("a", "a", "planner"),
        "bureau": accounts.User("b", "b", "bureau", "transport"),
        "town_clerk": accounts.User("c", "c", "town_clerk", towns=("x",)),
        "leader": accounts.User("d", "d", "leader"),
    }
    assert [name for name, user in users.items() if may_adopt(replace(context, user=user))] == ["planner"]
