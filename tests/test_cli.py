"""The commands do what the contract says: files, exit codes, one sentence for a mistake."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import cli

OUTPUTS = {
    "findings.csv", "coverage.csv", "natural_villages.csv", "roads.gpkg", "housing.csv", "access.csv", "contradictions.csv", "summary.json",
}  # fmt: skip


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    done = run("demo", "--size", "tiny", "--seed", 1, "--out", out)
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def assessed(county: Path) -> Path:
    out = county / "r"
    done = run("assess", county / "office", "--out", out)
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_help_with_an_example(name: str) -> None:
    done = run(name, "--help")
    assert done.exit_code == 0
    assert f"python cli.py {name}" in done.output


def test_assess_writes_every_file_of_the_contract(assessed: Path) -> None:
    assert {path.name for path in assessed.iterdir()} == OUTPUTS


def test_files_of_a_second_run_are_byte_identical(county: Path, assessed: Path, tmp_path: Path) -> None:
    assert run("assess", county / "office", "--out", tmp_path / "again").exit_code == 0
    for name in sorted(OUTPUTS - {"summary.json", "roads.gpkg"}):
        assert (assessed / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    first, second = (
        json.loads((folder / "summary.json").read_text("utf-8")) for folder in (assessed, tmp_path / "again")
    )
    assert first.pop("run")
    assert second.pop("run")
    assert first == second


def test_status_follows_from_what_is_measured_and_claimed(assessed: Path) -> None:
    known = {"yes": "met", "no": "gap"}
    for row in rows(assessed / "findings.csv"):
        measured, claimed = row["measured"], row["claimed"]
        if measured == "unknown":
            expected = known.get(claimed, "unknown")
        elif claimed in ("unknown", measured):
            expected = known[measured]
        else:
            expected = "disputed"
        assert row["status"] == expected, row


def test_coverage_adds_up_to_the_findings(assessed: Path) -> None:
    findings = rows(assessed / "findings.csv")
    whole = [row for row in rows(assessed / "coverage.csv") if row["town"] == "全部"]
    for row in whole:
        own = [f for f in findings if f["need"] == row["need"] and f["unit_kind"] == row["unit_kind"]]
        counts = {status: sum(f["status"] == status for f in own) for status in ("met", "gap", "disputed", "unknown")}
        assert {status: int(row[status]) for status in counts} == counts
        assert float(row["low"]) == pytest.approx(counts["met"] / len(own), abs=1e-6)
        assert float(row["high"]) == pytest.approx(1 - counts["gap"] / len(own), abs=1e-6)


def test_every_natural_village_is_there_with_a_state(county: Path, assessed: Path) -> None:
    states = {row["state"] for row in rows(assessed / "natural_villages.csv")}
    assert states <= {"connected", "harden", "build", "unknown"}
    due = [row for row in rows(assessed / "natural_villages.csv") if row["population"] and row["threshold"]]
    assert due
    for row in due:
        assert row["is_due"] == ("yes" if float(row["population"]) >= float(row["threshold"]) else "no")


def test_no_output_holds_a_private_column(assessed: Path) -> None:
    for path in assessed.glob("*.csv"):
        assert not {"head_name", "id_number", "phone", "address"} & set(rows(path)[0]), path.name


def test_json_is_one_document_and_nothing_else(county: Path) -> None:
    done = run("check", county / "office", "--json")
    assert {"layers", "problems"} <= set(json.loads(done.stdout))


def test_strict_check_of_planted_faults_exits_with_three(county: Path) -> None:
    assert run("check", county / "office", "--strict").exit_code == 3
    assert run("check", county / "office").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "{office}", "aqueducts", __file__),
        ("add", "{office}", "villages", __file__),
        ("assess", "{office}", "--day", "2018-13-40", "--out", "x"),
        ("check", "{nowhere}"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_two(county: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    places = {"office": county / "office", "nowhere": tmp_path / "nowhere"}
    done = run(*(str(argument).format(**places) for argument in arguments))
    assert done.exit_code == 2
    assert done.stderr.startswith("错误：")
    assert "Traceback" not in done.output


def test_a_new_office_is_empty_and_says_what_to_do(tmp_path: Path) -> None:
    policy = Path(__file__).parents[1] / "policies" / "renhua-2016.toml"
    assert run("new", tmp_path / "office", "--policy", policy).exit_code == 0
    done = run("check", tmp_path / "office")
    assert done.exit_code == 0
    assert "add" in done.output
