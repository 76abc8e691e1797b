"""Intake on files nobody here wrote: Taiwan, Leh, the county lists of Renhua and Haojiang, blank forms."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from geo.errors import InputError
from geo.read import read
from layers import store
from layers.intake import Intake, take
from layers.match import Mapping, load_mapping, normalise_name, recognise, tie
from layers.workspace import Workspace, gather
from tests.layer_drawings import source

pytestmark = pytest.mark.real

LEH_HABITATIONS = """
[columns]
natural_village_id = "HAB_ID"
name = "HAB_NAME"
population = "TOT_POPULA"
"""
LEH_ROADS = """
[columns]
road_id = "ER_ID"
name = "RoadName"
surface = "RoadCatego"
[values.surface]
"RR(TRACK)" = "earth"
"*" = "concrete"
"""
LEH_SCHOOLS = """
[columns]
facility_id = "FACILITY_I"
name = "FAC_DESC"
[constants]
kind = "school"
status = "in_service"
[where]
FAC_CATEGO = ["Education"]
"""


def mapping(folder: Path, text: str) -> Mapping:
    path = folder / "map.toml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


@pytest.fixture(scope="module")
def taiwan(real: Path) -> tuple[Intake, Intake, Workspace]:
    towns = take(read(real / "taiwan" / "towns-10t.json", layer="towns"), "towns", crs="EPSG:4326")
    villages = take(read(real / "taiwan" / "villages-10t.json", layer="villages"), "villages", crs="EPSG:4326")
    frames = {"towns": towns.frame, "villages": villages.frame}
    return towns, villages, gather(frames, {name: source(name) for name in frames})


def test_all_of_taiwan_is_read_and_seven_shapes_are_repaired(taiwan: tuple[Intake, Intake, Workspace]) -> None:
    towns, villages, _ = taiwan
    assert (len(towns.frame), len(villages.frame)) == (368, 7701)
    assert len(towns.refused) == len(villages.refused) == 0
    repaired = [p for p in villages.problems if p.kind == "repaired"]
    assert len(repaired) == 7
    assert all("%" in p.message for p in repaired)
    assert villages.frame.geometry.is_valid.all()
    assert villages.mapping.columns == {"village_id": "VILLCODE", "name": "VILLNAME", "town": "TOWNNAME"}


def test_every_village_of_taiwan_is_in_its_right_town(taiwan: tuple[Intake, Intake, Workspace], real: Path) -> None:
    placed = taiwan[2].get("villages")
    raw = read(real / "taiwan" / "villages-10t.json", layer="villages").frame
    right = raw.set_index("VILLCODE")["TOWNCODE"]
    assert (placed["town_id"].to_numpy() == right.loc[placed["village_id"]].to_numpy()).sum() == 7701
    assert not taiwan[2].problems, "boundary, name and code agree for every one of them"


def test_every_village_of_taiwan_is_in_its_right_town_by_its_boundary_alone(
    taiwan: tuple[Intake, Intake, Workspace], real: Path
) -> None:
    towns, villages, _ = taiwan
    blind = villages.frame.assign(town=pd.Series([None] * 7701, dtype="str"))
    blind["village_id"] = [f"v{i}" for i in range(7701)]
    placed = gather({"towns": towns.frame, "villages": blind}, {}).get("villages")
    right = read(real / "taiwan" / "villages-10t.json", layer="villages").frame["TOWNCODE"]
    assert (placed["town_id"].to_numpy() == right.to_numpy()).sum() == 7701


def test_repeated_names_in_nantou_tie_only_by_town(taiwan: tuple[Intake, Intake, Workspace]) -> None:
    placed = taiwan[2].get("villages")
    nantou = placed[placed["village_id"].str.startswith("10008")].reset_index(drop=True)
    assert len(nantou) == 262
    assert nantou["town_id"].nunique() == 13
    repeated = nantou["name"].value_counts()
    assert nantou["name"].duplicated().sum() == 10, (
        "ten villages bear a name already taken: nine names, one three times"
    )
    assert (repeated > 1).sum() == 9
    asked = pd.DataFrame({"town": nantou["town"], "village": nantou["name"]})
    assert tie(asked, nantou).village_id.tolist() == nantou["village_id"].tolist()
    without = tie(asked.assign(town=None), nantou)
    is_repeated = nantou["name"].map(repeated) > 1
    assert (without.reason == "ambiguous").tolist() == is_repeated.tolist()
    assert without.village_id[is_repeated].isna().all()


def test_taiwan_is_stored_and_read_back(taiwan: tuple[Intake, Intake, Workspace], tmp_path: Path) -> None:
    frame = taiwan[1].frame
    digest = store.write_layer(tmp_path, "villages", frame, None)
    back = store.read_layer(tmp_path, "villages", digest).set_index("village_id").loc[frame["village_id"]].reset_index()
    assert back["name"].tolist() == frame["name"].tolist()
    assert back.geometry.tolist() == frame.geometry.tolist()


def test_leh_habitations_by_a_mapping_file(real: Path, tmp_path: Path) -> None:
    dropped = read(real / "leh" / "leh_Habitation.zip")
    taken = take(dropped, "natural_villages", mapping=mapping(tmp_path, LEH_HABITATIONS))
    population = taken.frame["population"]
    assert len(taken.frame) == taken.rows_read == 346
    assert population.sum() == 134_231
    assert [int((population >= least).sum()) for least in (200, 250, 500)] == [165, 136, 71]
    assert recognise(dropped.frame.columns, "Point")[0][0] == "natural_villages"
    assert gather({"natural_villages": taken.frame}, {}).crs.to_epsg() == 4535


def test_leh_roads_by_a_mapping_file(real: Path, tmp_path: Path) -> None:
    dropped = read(real / "leh" / "leh_Road_DRRP.zip")
    taken = take(dropped, "roads", mapping=mapping(tmp_path, LEH_ROADS))
    again = sum(p.kind == "same_row" for p in taken.problems)
    assert len(taken.frame) + len(taken.refused) + again == 567
    assert taken.frame["road_id"].is_unique
    tracks = (dropped.frame["RoadCatego"] == "RR(TRACK)").sum()
    assert abs((taken.frame["surface"] == "earth").sum() - tracks) <= len(taken.refused) + again


def test_leh_facilities_by_a_mapping_file(real: Path, tmp_path: Path) -> None:
    dropped = read(real / "leh" / "leh_Facilities.zip")
    wanted = int((dropped.frame["FAC_CATEGO"] == "Education").sum())
    taken = take(dropped, "facilities", mapping=mapping(tmp_path, LEH_SCHOOLS))
    assert wanted == 69
    assert taken.rows_read == wanted
    assert set(taken.frame["kind"]) == {"school"}


def county(real: Path, code: str) -> tuple[Any, Any]:
    """The 2016 register of a county (town, village) and the 2023 list it is tied to."""
    old = pd.read_csv(real / "china" / f"{code}.csv", header=None, dtype=str)
    towns = old[old[3] == "town"].set_index(0)[2]
    rows = old[old[3] == "village"]
    register = pd.DataFrame({"town": rows[1].map(towns), "village": rows[2]}).reset_index(drop=True)
    streets = pd.read_csv(real / "china" / "china_division_streets_440224_440512.csv", dtype=str).set_index("code")
    new = pd.read_csv(real / "china" / "china_division_villages_440224_440512.csv", dtype=str)
    new = new[new["areaCode"] == code].reset_index(drop=True)
    known = pd.DataFrame(
        {"village_id": new["code"], "name": new["name"], "town": new["streetCode"].map(streets["name"])}
    )
    return register, known


def test_renhua_2016_ties_to_the_list_of_2023(real: Path) -> None:
    register, known = county(real, "440224")
    assert (len(register), register["town"].nunique()) == (125, 11)
    assert known["name"].str.contains("村委会|村民委员会|村$").sum() == 109
    tied = tie(register, known)
    assert tied.village_id.is_unique
    assert (tied.reason == "").sum() == 125


def test_haojiang_has_no_village_committee_and_loses_nobody(real: Path) -> None:
    register, known = county(real, "440512")
    assert not known["name"].map(normalise_name).str.endswith("村委会").any()
    assert known["village_id"].str[9:].astype(int).max() < 200, "no code says village: never filter by it"
    tied = tie(register, known)
    assert (tied.reason == "").all()
    assert len(register) == 60
    assert known["town"].nunique() == 7


def test_blank_forms_give_single_names(real: Path) -> None:
    columns = list(read(real / "forms" / "family_type_list.xls").frame.columns)
    assert columns[:3] == ["序号", "村名", "贫困户类型/有劳动能力的低保户"]
    assert len(set(columns)) == len(columns)


def test_a_questionnaire_is_no_layer_and_the_sentence_says_what_is_missing(real: Path) -> None:
    with pytest.raises(InputError, match="缺少“household_id”列"):
        take(read(real / "forms" / "q1.xls"), "households", mapping=Mapping({"household_id": ""}))
