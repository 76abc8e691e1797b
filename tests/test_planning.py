"""The road workbench: money adds up in the project library, lists are read back, scenarios survive being stored."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.plan import Programme, programme
from analysis.policy import load_policy
from analysis.roads import RoadPlan, natural_villages
from cli import cli
from layers.workspace import Workspace
from tracker.office import open_office
from views import own_list, plan_questions, planning, programme_files, whatif
from views.context import open_context
from views.planning import Question

BUDGETS = {2018: 40.0, 2019: 60.0}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plan")
    done = CliRunner().invoke(cli, ["demo", "--size", "tiny", "--seed", "1", "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return out / "office"


@pytest.fixture(scope="module")
def planned(office: Path) -> tuple[Workspace, RoadPlan, Programme]:
    with open_office(office) as desk:
        workspace = desk.workspace()
        road_plan = natural_villages(workspace, load_policy(desk.policy_path), desk.default_day())
    return workspace, road_plan, programme(road_plan, budgets=BUDGETS)


def test_money_and_people_of_the_library_add_up_to_the_programme(
    planned: tuple[Workspace, RoadPlan, Programme],
) -> None:
    workspace, road_plan, made = planned
    assert len(made.projects), "the tiny demo must have something to plan"
    table = programme_files.library(made, road_plan, workspace.layers["roads"])
    assert table["估算造价(万元)"].sum() == pytest.approx(
        made.projects["cost_cny10k"].sum(), abs=0.01 * len(made.projects)
    )
    assert table["受益人口"].sum() == made.projects["people"].sum()
    assert table["里程(公里)"].sum() == pytest.approx(made.projects["length_km"].sum(), abs=0.001 * len(table))
    assert set(table["项目编号"]) == set(made.projects["project_id"])


def test_chainages_lie_on_the_road_they_name(planned: tuple[Workspace, RoadPlan, Programme]) -> None:
    workspace, road_plan, made = planned
    table = programme_files.library(made, road_plan, workspace.layers["roads"]).dropna(subset=["路段编号"])
    length = workspace.layers["roads"].set_index("road_id").geometry.length / 1000
    assert (table["起点桩号"] >= 0).all()
    assert (table["止点桩号"] <= table["路段编号"].map(length) + 0.001).all()
    assert (table["止点桩号"] - table["起点桩号"] >= table["里程(公里)"] - 0.002).all()


def test_no_year_spends_more_than_its_budget(planned: tuple[Workspace, RoadPlan, Programme]) -> None:
    made = planned[2]
    spent = made.projects.groupby("year")["cost_cny10k"].sum()
    assert all(spent.get(year, 0.0) <= amount + 1e-6 for year, amount in BUDGETS.items())


def test_the_plan_command_writes_the_contract_files(office: Path, tmp_path: Path) -> None:
    budgets = [part for year, amount in BUDGETS.items() for part in ("--budget", f"{year}={amount}")]
    done = CliRunner().invoke(
        cli, ["plan", str(office), *budgets, "--out", str(tmp_path / "p")], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "p").iterdir()}
    assert names == {"programme.csv", "frontier.csv", "programme.gpkg", "plan.json"}
    table = pd.read_csv(tmp_path / "p" / "programme.csv", encoding="utf-8-sig")
    assert list(table.columns) == [
        "project_id", "year", "road_ids", "natural_village_ids", "length_km", "cost_cny10k", "people", "poor_people", "why",
    ]  # fmt: skip
    frontier = pd.read_csv(tmp_path / "p" / "frontier.csv", encoding="utf-8-sig")
    assert frontier["people"].is_monotonic_increasing
    assert (frontier["people"] <= frontier["bound"] + 1e-6).all()


def test_years_may_follow_one_budget_as_the_contract_writes_it(office: Path, tmp_path: Path) -> None:
    written = {}
    for name, budgets in (
        ("each", ["--budget", "2018=40", "--budget", "2019=60"]),
        ("one", ["--budget", "2018=40", "2019=60"]),
    ):
        done = CliRunner().invoke(cli, ["plan", str(office), *budgets, "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        written[name] = json.loads((tmp_path / name / "plan.json").read_text("utf-8"))
        del written[name]["run"]
    assert written["one"] == written["each"]
    assert written["one"]["budgets_cny10k"] == {"2018": 40.0, "2019": 60.0}


@pytest.mark.parametrize(
    ("given", "told"),
    [(["2018=很多"], "2018=1000"), (["2018=40", "2018=50"], "写了两次"), (["2018=40", "x"], "无法识别")],
)
def test_a_budget_that_is_no_amount_or_stands_twice_is_a_sentence(office: Path, given: list[str], told: str) -> None:
    done = CliRunner().invoke(cli, ["plan", str(office), "--budget", *given])
    assert done.exit_code == 2
    assert told in done.stderr


def test_an_own_list_is_found_by_its_ids_whatever_the_column_is_called() -> None:
    table = pd.DataFrame({"序号": [1, 2, 3], "编码（自然村）": ["101", " 102", "999"], "年度": [2018, 2019, 2018]})
    own, strangers = own_list.read_own_list(table, ["101", "102", "103"])
    assert own["natural_village_id"].tolist() == ["101", "102"]
    assert own["year"].tolist() == [2018, 2019]
    assert strangers == ["999"]


def test_a_list_without_any_known_id_is_empty() -> None:
    own, strangers = own_list.read_own_list(pd.DataFrame({"名称": ["甲", "乙"]}), ["101"])
    assert own.empty
    assert strangers == []


def test_a_scenario_is_the_same_after_being_stored() -> None:
    question = Question(((2018, 800.0), (2019, 950.5)), 2.0, ("101",), ("102", "103"))
    assert planning.stored(planning.stored(question)) == question


def test_a_difference_says_people_villages_and_money() -> None:
    old = {"people": 100.0, "villages": 3.0, "budget_cny10k": 50.0}
    assert (
        planning.difference({"people": 90.0, "villages": 4.0, "budget_cny10k": 40.0}, old)
        == "−10 人，+1 个自然村，预算 −10 万元"
    )


@pytest.mark.parametrize("threshold", [None, 60])
def test_the_meeting_and_the_programme_page_cost_the_same_roads(office: Path, threshold: int | None) -> None:
    with open_office(office) as desk:
        context = open_context(desk, Path(desk.policy_path), desk.default_day(), "zh")
        told, plan = whatif.road_figures(context, threshold), whatif.roads_at(context, threshold)[0]
        works = planning.works(plan_questions.assuming(context, threshold))
        assert desk.rasters(context.day).get("dem"), "new roads follow the terrain on both"
    assert told["harden"] + told["build"] == len(works.road_plan.candidates) > 0
    people = plan.natural_villages["population"].astype("Float64")
    assert told["due"] == (people >= (threshold or whatif.threshold_of(context) or 0)).sum()
    cost, is_open = whatif.road_cost(plan)
    assert cost == whatif.road_cost(works.road_plan)[0]
    assert cost is not None
    assert is_open or cost >= round(works.cost_cny10k, 1)  # a joint network costs no more than everybody's own ways
