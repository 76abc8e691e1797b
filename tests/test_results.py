"""The contract's files: whole, stable to the byte, safe in a spreadsheet, all of them or none."""

import csv
import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.assess import assess
from geo.errors import StoreError
from layers.workspace import Workspace
from tests.drawn import DAY
from tests.drawn_county import RULES, county
from views.results import FILES, csv_bytes, mismatched, write

CSV = [name for name in FILES if name.endswith(".csv")]


@pytest.fixture(scope="module")
def found():
    return assess(county(), RULES, DAY)


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_all_files_with_the_contracts_columns(found, tmp_path):
    assert [path.name for path in write(found, tmp_path / "r")] == list(FILES)
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == sorted(FILES)
    assert ",".join(read(tmp_path / "r" / "findings.csv")[0]) == (
        "unit_id,unit_kind,town,need,status,measured,claimed,value,unit,threshold,strength,rule,reference,"
        "evidence_layer,evidence_id,note"
    )
    assert ",".join(read(tmp_path / "r" / "natural_villages.csv")[0]) == (
        "natural_village_id,name,village_id,town,population,poor_population,threshold,is_due,hardened_distance_m,"
        "road_distance_m,state,gap_km,new_km,segment_ids,shared_with,outlet,cost_cny10k,subsidy_cny10k,"
        "people_per_cny10k,rank,note"
    )
    assert ",".join(read(tmp_path / "r" / "access.csv")[0]) == (
        "unit_id,unit_kind,service,facility_id,straight_m,network_m,minutes"
    )
    for name, table in (("findings", found.findings), ("housing", found.housing), ("access", found.access)):
        assert len(read(tmp_path / "r" / f"{name}.csv")) == len(table) + 1
    assert (tmp_path / "r" / "findings.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_same_assessment_gives_the_same_bytes(found, tmp_path):
    write(found, tmp_path / "one")
    write(assess(county(), RULES, DAY), tmp_path / "two")
    for name in [*CSV, "summary.json"]:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_summary_names_its_basis_and_keeps_times_apart(found, tmp_path):
    write(replace(found, stage_seconds={"roads": 1.5}), tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary.pop("run") == {"seconds": {"roads": 1.5}}
    assert summary["policy"]["id"] == "test"
    assert summary["crs"] == "EPSG:4547"
    assert summary["code_version"].startswith("0.")
    assert set(summary["files"]) == set(CSV)
    assert mismatched(tmp_path) == []


def test_roads_are_layers_of_one_geopackage(found, tmp_path):
    write(found, tmp_path)
    with sqlite3.connect(tmp_path / "roads.gpkg") as base:
        names = {name for (name,) in base.execute("select table_name from gpkg_contents")}
    base.close()
    assert names == {"candidates", "segments", "widening", "bridges", "safety"}
    segments = gpd.read_file(tmp_path / "roads.gpkg", layer="segments")
    assert len(segments) == len(found.roads["segments"])
    assert {"road_id", "length_km", "surface", "people", "poor_people", "natural_village_ids"} <= set(segments.columns)
    assert segments.crs.to_epsg() == 4547


def test_an_empty_assessment_is_written_too(tmp_path):
    empty = assess(Workspace({}, county().crs, {}, (), ""), RULES, DAY)
    write(empty, tmp_path)
    for name in CSV:
        assert len(read(tmp_path / name)) == 1, name
    assert mismatched(tmp_path) == []


def test_other_files_stay_and_earlier_results_go(found, tmp_path):
    (tmp_path / "我的笔记.txt").write_text("留着", encoding="utf-8")
    write(found, tmp_path)
    small = assess(Workspace({}, county().crs, {}, (), ""), RULES, DAY)
    write(small, tmp_path)
    assert (tmp_path / "我的笔记.txt").read_text(encoding="utf-8") == "留着"
    assert len(read(tmp_path / "findings.csv")) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "我的笔记.txt"])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_write_that_fails_while_preparing_leaves_the_former_set(found, tmp_path, monkeypatch):
    write(found, tmp_path)
    before = contents(tmp_path)

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gpd.GeoDataFrame, "to_file", full)
    with pytest.raises(StoreError, match="磁盘空间"):
        write(replace(found, findings=found.findings.iloc[:1]), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("at", range(len(FILES)))
def test_a_file_that_cannot_be_replaced_puts_the_former_set_back(found, tmp_path, monkeypatch, at):
    write(found, tmp_path)
    before = contents(tmp_path)
    move = Path.replace

    def locked(self, target):
        if self.parent.name.startswith(".results-") and Path(target).name == FILES[at]:
            raise PermissionError(13, "file is open in Excel")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", locked)
    with pytest.raises(StoreError, match="关闭"):
        write(replace(found, findings=found.findings.iloc[:1]), tmp_path)
    assert contents(tmp_path) == before


def test_a_killed_write_is_noticed(found, tmp_path):
    write(found, tmp_path / "one")
    write(replace(found, findings=found.findings.iloc[:1]), tmp_path / "two")
    shutil.copy(tmp_path / "two" / "findings.csv", tmp_path / "one" / "findings.csv")
    assert mismatched(tmp_path / "one") == ["findings.csv"]
    (tmp_path / "one" / "summary.json").unlink()
    assert mismatched(tmp_path / "one") == list(FILES)


def test_a_folder_that_cannot_be_made_is_said(found, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="写不进"):
        write(found, tmp_path / "file" / "r")


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9), st.just(float("nan")), st.just(-0.0)), min_size=1))
def test_numbers_are_short_stable_and_true(values):
    text = csv_bytes(pd.DataFrame({"x": np.array(values, dtype=float)})).decode("utf-8-sig").split("\r\n")[1:-1]
    for value, word in zip(values, text, strict=True):
        if value is None or np.isnan(value):
            assert word in ("", '""')
        else:
            assert float(word) == pytest.approx(value, abs=6e-7, rel=1e-12)
            assert "e" not in word
            assert word != "-0"
            assert not (("." in word) and word.endswith(("0", ".")))


@given(st.text(max_size=12))
def test_no_text_can_run_as_a_formula(text):
    word = next(
        csv.reader([csv_bytes(pd.DataFrame({"x": [text], "y": ["z"]})).decode("utf-8-sig").split("\r\n", 1)[1]])
    )
    assert not word[0].startswith(("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"))


def test_words_of_every_kind():
    table = pd.DataFrame(
        {
            "flag": pd.array([True, False, None], dtype="boolean"),
            "count": pd.array([1, None, 3], dtype="Int64"),
            "mixed": [True, 2.50, None],
            "name": pd.Series(["甲", None, "=HYPERLINK(1)"], dtype="str"),
        }
    )
    assert csv_bytes(table).decode("utf-8-sig").split("\r\n") == [
        "flag,count,mixed,name",
        "yes,1,yes,甲",
        "no,,2.5,",
        "unknown,3,,'=HYPERLINK(1)",
        "",
    ]
