"""The commands on real data give the figures an independent computation gave."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli

pytestmark = pytest.mark.real
POLICY = Path(__file__).parents[2] / "policies" / "zhanjiang-edz-2016.toml"
HABITATIONS = """
[columns]
natural_village_id = "HAB_ID"
name = "HAB_NAME"
population = "TOT_POPULA"
"""
ROADS = """
[columns]
road_id = "ER_ID"
name = "DRRP_ROAD_"
surface = "RoadCatego"
[values.surface]
"RR(TRACK)" = "earth"
"*" = "concrete"
"""


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def leh(real: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("leh")
    (folder / "habitations.toml").write_text(HABITATIONS, "utf-8")
    (folder / "roads.toml").write_text(ROADS, "utf-8")
    office = folder / "office"
    run("new", office, "--policy", POLICY, "--name", "Leh")
    files = (("natural_villages", "leh_Habitation.zip", "habitations"), ("roads", "leh_Road_DRRP.zip", "roads"))
    for layer, name, mapping in files:
        run("add", office, layer, real / "leh" / name, "--map", folder / f"{mapping}.toml", "--as-of", "2020-01-01")
    run("assess", office, "--out", folder / "r")
    with (folder / "r" / "natural_villages.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_all_habitations_and_people_come_in(leh: list[dict[str, str]]) -> None:
    assert len(leh) == 346
    assert sum(float(row["population"]) for row in leh) == 134_231


def test_as_many_are_due_as_have_200_people(leh: list[dict[str, str]]) -> None:
    assert sum(row["is_due"] == "yes" for row in leh) == 165


def test_those_far_from_a_road_that_is_not_a_track(leh: list[dict[str, str]]) -> None:
    far = [row for row in leh if float(row["hardened_distance_m"]) > 500]
    assert len(far) == 20
    assert sum(row["is_due"] == "yes" for row in far) == 3
    assert sum(float(row["road_distance_m"]) > 500 for row in leh) == 8


def test_every_habitation_has_a_state(leh: list[dict[str, str]]) -> None:
    assert {row["state"] for row in leh} <= {"connected", "harden", "build", "unknown"}
