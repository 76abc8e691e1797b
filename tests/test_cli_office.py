"""Publish, backup, restore and travel time through the commands."""

import json
from pathlib import Path

import pyogrio
import pytest
from click.testing import CliRunner, Result

from cli import cli


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("office")
    assert run("demo", "--size", "tiny", "--out", out).exit_code == 0
    return out / "office"


def test_what_is_published_holds_layers_findings_and_nobody(office: Path, tmp_path: Path) -> None:
    done = run("publish", office, "--to", tmp_path / "atlas.gpkg")
    assert done.exit_code == 0, done.output
    names = {str(name) for name, _ in pyogrio.list_layers(tmp_path / "atlas.gpkg")}
    assert {"villages", "roads", "findings", "village_findings", "about"} <= names
    assert "households" not in names
    for name in names:
        fields = set(pyogrio.read_info(tmp_path / "atlas.gpkg", layer=name)["fields"])
        assert not fields & {"head_name", "id_number", "phone", "address", "household_id"}, name


def test_a_restored_office_assesses_to_the_same_bytes(office: Path, tmp_path: Path) -> None:
    assert run("backup", office, "--out", tmp_path / "b.zip").exit_code == 0
    assert run("restore", tmp_path / "b.zip", "--to", tmp_path / "again").exit_code == 0
    for name, place in (("a", office), ("b", tmp_path / "again")):
        assert run("assess", place, "--out", tmp_path / name).exit_code == 0
    assert (tmp_path / "a" / "findings.csv").read_bytes() == (tmp_path / "b" / "findings.csv").read_bytes()


def test_restore_never_overwrites_an_office(office: Path, tmp_path: Path) -> None:
    assert run("backup", office, "--out", tmp_path / "b.zip").exit_code == 0
    done = run("restore", tmp_path / "b.zip", "--to", office)
    assert done.exit_code == 2
    assert (office / "office.toml").is_file()


def test_a_damaged_backup_is_refused(office: Path, tmp_path: Path) -> None:
    assert run("backup", office, "--out", tmp_path / "b.zip").exit_code == 0
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "b.zip").write_bytes(content)
    done = run("restore", tmp_path / "b.zip", "--to", tmp_path / "again")
    assert done.exit_code == 2
    assert not (tmp_path / "again").exists()


@pytest.mark.real
def test_malawi_travel_time_through_the_command(real: Path, tmp_path: Path) -> None:
    """Settings of config_demo_motorized.json are checked in test_raster_real; here the command itself."""
    speeds = tmp_path / "speeds.csv"
    classes = [1, 2, 3, 4, 5, 6, 7, 8, 1001, 1002, 1003, 1004]
    speeds.write_text("class,speed_kmh,mode\n" + "".join(f"{value},50,MOTORIZED\n" for value in classes), "utf-8")
    done = run(
        *("traveltime", "--sources", real / "malawi" / "vFacility__demo.gpkg", "--out", tmp_path / "t.tif", "--json"),
        *("--landcover", real / "malawi" / "rLandCoverMerged__demo.tif", "--speeds", speeds, "--max-minutes", 60),
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["reached"] > 0
    assert (tmp_path / "t.tif").is_file()
