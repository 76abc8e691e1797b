"""Dropped files -> expected results, through the ordinary intake. `QIYOU_GOLDEN=write` records them anew, to be read."""

import os
import tomllib
from pathlib import Path

import pytest

from analysis.assess import assess
from analysis.policy import load_policy
from tracker.office import create
from views.results import write

GOLDEN = Path(__file__).parent / "golden"
POLICIES = Path(__file__).parents[1] / "policies"
TABLES = ("findings", "coverage", "natural_villages", "housing", "access", "contradictions")


@pytest.mark.parametrize("case", sorted(path.parent for path in GOLDEN.glob("*/case.toml")), ids=lambda path: path.name)
def test_golden(case, tmp_path):
    told = tomllib.loads((case / "case.toml").read_text(encoding="utf-8"))
    rules = POLICIES / f"{told['policy']}.toml"
    office = create(tmp_path / "office", policy=rules, name=told["sentence"])
    for file in told["files"]:
        options = {key: value for key, value in file.items() if key not in ("layer", "path")}
        added = office.add_layer(file["layer"], case / file["path"], **({"as_of": told["day"]} | options))
        assert added.refused == told.get("refused", {}).get(file["layer"], 0), added.problems
    found = assess(office.workspace(told["day"]), load_policy(rules), told["day"])
    write(found, tmp_path / "results")
    for name in TABLES:
        expected, result = case / "expected" / f"{name}.csv", tmp_path / "results" / f"{name}.csv"
        if os.environ.get("QIYOU_GOLDEN") == "write":
            expected.parent.mkdir(exist_ok=True)
            expected.write_bytes(result.read_bytes())
        assert result.read_text(encoding="utf-8-sig") == expected.read_text(encoding="utf-8-sig"), name
