"""Cards, proofs and tables as people read them, on a tiny invented county."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import streamlit as st

from analysis.assess import assess
from analysis.policy import load_policy
from demo.county import write_county
from tracker.office import create
from views import drilldown, evidence, road_card, tables
from views.context import Context
from views.mapspec import MapEvent
from views.pages import compare, coverage
from views.village_card import needs_table

POLICY = Path(__file__).resolve().parents[1] / "policies" / "zhanjiang-edz-2016.toml"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    folder = tmp_path_factory.mktemp("county")
    made = write_county("tiny", 1, folder / "files")
    office = create(folder / "office", policy=POLICY, name="示范县（虚构）")
    for file in made.files:
        office.add_layer(file.layer, file.path, **{"as_of": made.as_of, **dict(file.options)})
    policy, day = load_policy(POLICY), office.default_day()
    workspace = office.workspace(day)
    yield Context(office, workspace, policy, assess(workspace, policy, day, rasters={}), day, "zh")
    office.close()


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict:
    held: dict = {}
    monkeypatch.setattr(st, "session_state", held)
    return held


def findings_of(context: Context) -> pd.DataFrame:
    rows = context.assessment.findings
    return rows[rows["unit_kind"] == "village"]


def test_whatever_proves_a_finding_is_found_on_the_map(context: Context) -> None:
    rows = findings_of(context)
    with_feature = rows[rows["evidence_layer"].isin(["facilities", "roads", "lines", "service_areas"])]
    with_feature = with_feature[with_feature["evidence_id"].astype("str").str.len() > 0]
    proofs = [evidence.proof_of(context, row) for row in with_feature.itertuples()]
    assert len(proofs) > 10
    lost = [row.evidence_id for row, proof in zip(with_feature.itertuples(), proofs, strict=True) if proof is None]
    assert not lost
    road = next(proof for proof in proofs if proof and proof.layer == "roads")
    assert road.feature_id in set(context.frame("roads")["road_id"])
    assert evidence.name_of(context, road, "zh").startswith("道路 ")


def test_what_is_no_feature_or_is_private_is_not_pointed_at(context: Context) -> None:
    for layer, ids in (("claims", "clinic"), ("findings", "a;b"), ("households", "1"), ("roads", ""), ("roads", None)):
        assert evidence.proof_of(context, SimpleNamespace(evidence_layer=layer, evidence_id=ids)) is None


def test_asking_for_a_proof_turns_the_map_to_it(context: Context, session: dict) -> None:
    row = next(row for row in findings_of(context).itertuples() if evidence.proof_of(context, row))
    proof = evidence.proof_of(context, row)
    assert proof is not None
    evidence.ask(context, row.unit_id, row.need, proof)
    assert session["coverage_need"] == row.need
    west, south, east, north = session["go_to_bounds"]
    place = context.frame(proof.layer).set_geometry("geometry").to_crs("EPSG:4326")
    own = place[place.iloc[:, 0].astype("str") == proof.feature_id].geometry.iloc[0]
    point = own.representative_point()
    assert west < point.x < east
    assert south < point.y < north
    need = next(need for need in context.policy.needs if need.id == row.need)
    assert evidence.asked(context, findings_of(context), row.unit_id, need) == proof
    assert evidence.asked(context, findings_of(context), "another", need) is None


@pytest.mark.parametrize("layer", ["facilities", "roads", "lines", "service_areas"])
def test_a_proof_whose_layer_is_not_drawn_is_drawn_alone(context: Context, layer: str) -> None:
    frame = context.workspace.get(layer)
    if frame is None:
        pytest.skip(f"the tiny county has no {layer}")
    proof = evidence.Proof(layer, str(frame.iloc[0, 0]))
    need = next(need for need in context.policy.needs if need.kind == "all")
    layers: list = []
    states: dict = {}
    assert evidence.add(context, proof, layers, states, need) == (layer, 0)
    assert [item.id for item in layers] == [layer]
    assert not layers[0].interactive
    again = evidence.add(context, proof, layers, states, need)
    assert len(layers) == 1
    assert again is None or again[0] == layer


def test_every_need_of_a_village_is_one_line_with_sign_figure_and_what_is_asked(context: Context) -> None:
    rows = findings_of(context)
    village = rows["unit_id"].value_counts().index[0]
    own = rows[rows["unit_id"] == village].set_index("need")
    lines = needs_table(context, own).splitlines()
    assert len(lines) == len(own) + 2
    assert all(line[2] in "●✕◆？" for line in lines[2:])
    assert any("≥ 1 处" in line for line in lines[2:])


def test_a_village_opens_into_its_own_natural_villages(context: Context, session: dict) -> None:
    rows = context.assessment.natural_villages
    village = str(rows["village_id"].dropna().iloc[0])
    layers: list = []
    states: dict = {}
    assert drilldown.add_natural_villages(context, layers, states, village) == []
    assert states["natural_villages"].visible
    assert states["natural_villages"].show_labels
    session["selected_natural_villages"] = str(rows.loc[rows["village_id"] == village, "natural_village_id"].iloc[0])
    marked = drilldown.add_natural_villages(context, [], {}, village)
    assert [name for name, _ in marked] == ["natural_villages"]
    hidden: dict = {}
    drilldown.add_natural_villages(context, [], hidden, None)
    assert not hidden["natural_villages"].visible


def test_a_click_on_a_facility_is_one_on_its_village(context: Context) -> None:
    from views import atlas

    villages = atlas.drawn(context, "villages")
    assert villages is not None
    facilities = context.frame("facilities")
    kind = facilities["kind"].iloc[0]
    own = facilities[facilities["kind"] == kind]
    held = atlas.drawn(context, "facilities", rows=kind, frame=own)
    assert held is not None
    event = drilldown.village_of_facility(context, MapEvent(clicked=("facilities", 0), nonce=1), [kind], villages)
    assert event.clicked is not None
    assert event.clicked[0] == "villages"
    shape = villages.frame.geometry.iloc[event.clicked[1]]
    stated = held.frame.iloc[0].get("village_id")
    assert stated == villages.ids[event.clicked[1]] or shape.intersects(held.frame.geometry.iloc[0])
    other = MapEvent(clicked=("villages", 3), nonce=1)
    assert drilldown.village_of_facility(context, other, [kind], villages) is other


def test_a_road_says_who_waits_for_it(context: Context, session: dict) -> None:
    rows = context.assessment.natural_villages
    waiting = rows[rows["segment_ids"].astype("str").str.len() > 3]
    waiting = waiting[waiting["is_due"].fillna(False).astype(bool)]
    road = str(waiting["segment_ids"].iloc[0]).split(";")[0].partition("#")[0]
    needing = road_card.needed_by(context, road)
    assert waiting["natural_village_id"].iloc[0] in set(needing["natural_village_id"])
    frame = context.frame("roads")
    pairs = dict(road_card.facts(context, frame[frame["road_id"] == road].iloc[0]))
    assert f"{len(needing)} 个自然村" in pairs["谁等着它硬化"]
    assert road_card.shown(context) is None
    session["selected_roads"] = road
    assert road_card.shown(context) == road
    session["selected_roads"] = "gone"
    assert road_card.shown(context) is None


def test_the_table_marks_what_the_map_chose(session: dict) -> None:
    tables.mark_selected("t", ["a", "b", "b"], "b")
    assert session["t"]["selection"]["rows"] == [1]
    session["t"] = {"selection": {"rows": [2], "columns": [], "cells": []}}
    tables.mark_selected("t", ["a", "b", "b"], "b")  # the other row of the same village was the one chosen
    assert session["t"]["selection"]["rows"] == [2]
    tables.mark_selected("t", ["a", "b", "b"], None)
    assert session["t"]["selection"]["rows"] == []


def test_unknown_numbers_and_years_are_not_dressed_up() -> None:
    table = pd.DataFrame({"修建年份": [2018], "人口": pd.array([None], dtype="Int64"), "是": [True]})
    shown, formats = tables.for_reading(table)
    assert set(formats) == {"人口"}
    assert shown["人口"].isna().all()
    assert shown["修建年份"].tolist() == [2018]


def test_the_sheet_of_reasons_is_in_the_readers_words(context: Context) -> None:
    sheet = coverage.reasons_table(context, findings_of(context).head(20))
    assert {"项目", "数值", "要求", "力度", "证据图层", "村", "台账说", "地图说"} <= set(sheet.columns)
    assert not {"met", "gap", "unknown", "disputed"} & set(sheet["状态"])
    assert set(sheet["地图说"]) <= {"有", "无", "不明"}


def test_comparing_begins_where_something_can_differ(context: Context) -> None:
    assert compare.usual_mode(context) == "policy"
    later = replace(context, day=context.day + timedelta(days=30))
    assert compare.usual_mode(later) == "day"


def test_what_both_policies_ask_stands_before_what_one_asks() -> None:
    rows = pd.DataFrame({"before": ["none", "met", "gap"], "after": ["met", "gap", "none"], "need": ["x", "y", "z"]})
    assert compare.shared_first(rows)["need"].tolist() == ["y", "x", "z"]


def test_people_a_cell_are_for_those_who_see_all_households(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_surface import raster

    from tracker.accounts import User
    from tracker.office import Office
    from views import surfaces

    folder = context.office.path
    held = {"population": raster(folder, [[1, 7], [0, -1]]), "landcover": raster(folder, [[10, 20], [10, 10]])}
    monkeypatch.setattr(Office, "rasters", lambda self, day: held)

    def titles(user: User) -> list[str]:
        return [layer.title for layer in surfaces.offered(replace(context, user=user))]

    assert titles(User("a", "甲", "planner")) == ["人口分布（人/格）", "地类（编码）"]
    assert titles(User("b", "乙", "leader")) == ["地类（编码）"]
    assert titles(User("c", "丙", "town_clerk", towns=("南山镇",))) == ["地类（编码）"]
