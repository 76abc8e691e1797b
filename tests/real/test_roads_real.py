"""Roads on real data: figures that an independent computation gave (shared/data/README.md)."""

import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from road_county import DAY, policy, workspace

from analysis.hindcast import hindcast_projects
from analysis.plan import programme, works_tree
from analysis.roads import natural_villages
from geo.crs import measurement_crs
from geo.nearest import nearest_line
from geo.network import build_network

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def leh(real):
    crs = measurement_crs(77.5, 34.1)
    homes = gpd.read_file(real / "leh" / "leh_Habitation.zip").to_crs(crs)
    lines = gpd.read_file(real / "leh" / "leh_Road_DRRP.zip").to_crs(crs)
    people = gpd.GeoDataFrame(
        {
            "natural_village_id": homes["HAB_ID"].astype("str"),
            "name": homes["HAB_NAME"].astype("str"),
            "village_id": pd.array([None] * len(homes), dtype="str"),
            "town": homes["BLOCK_ID"].astype("str"),
            "population": homes["TOT_POPULA"].astype("float64"),
            "poor_population": np.nan,
        },
        geometry=homes.geometry,
        crs=crs,
    )
    roads = gpd.GeoDataFrame(
        {
            "road_id": lines["ER_ID"].astype("str"),
            "route_code": lines["DRRP_ROAD_"].astype("str"),
            "name": lines["RoadName"].astype("str"),
            "admin_class": lines["RoadCatego"].map({"NH": "G", "MDR": "X"}).astype("str"),
            "technical_grade": pd.array([None] * len(lines), dtype="str"),
            "surface": np.where(lines["RoadCatego"] == "RR(TRACK)", "earth", "concrete"),
            "is_duplicate": pd.array([None] * len(lines), dtype="boolean"),
            "has_safety_barrier": pd.array([None] * len(lines), dtype="boolean"),
            "pavement_width_m": np.nan,
            "subgrade_width_m": np.nan,
        },
        geometry=lines.geometry,
        crs=crs,
    )
    return natural_villages(workspace(roads=roads, natural_villages=people), policy(), DAY)


def test_leh_distances(leh):
    table = leh.natural_villages
    assert len(table) == 346
    assert table["population"].sum() == 134_231
    assert [int((table["population"] >= least).sum()) for least in (200, 250, 500)] == [165, 136, 71]
    assert int(table["is_due"].sum()) == 165
    hard = table["hardened_distance_m"]
    assert [int((hard > 500).sum()), int(((hard > 500) & table["is_due"]).sum())] == [20, 3]
    assert [int((hard > 1500).sum()), int(((hard > 1500) & table["is_due"]).sum())] == [13, 2]
    assert int((table["road_distance_m"] > 500).sum()) == 8


def test_leh_every_habitation_has_a_state(leh):
    table = leh.natural_villages
    assert table["state"].isin(["connected", "harden", "build"]).all()
    assert set(leh.candidates["natural_village_id"]) == set(
        table.loc[table["is_due"] & (table["state"] != "connected"), "natural_village_id"]
    )
    assert (table.loc[table["state"] == "connected", "gap_km"] == 0).all()
    assert (table.loc[table["road_distance_m"] > 500, "state"] == "build").all()
    length = leh.segments.set_index("segment_id")["length_km"]
    for row in leh.candidates.itertuples():
        parts = [part for part in row.segment_ids.split(";") if part]
        assert sum(length[part] for part in parts) == pytest.approx(row.gap_km, abs=1e-6)


def test_leh_a_programme_that_stands_its_check(leh):
    tree = works_tree(leh)
    assert sum(len(rows) for rows in tree.villages) == len(leh.candidates)
    assert tree.bound_mm <= tree.length_mm <= leh.segments["length_km"].sum() * 1e6 + 1
    total = float(tree.cost.sum())
    made = programme(leh, budgets={2026: total / 4, 2027: total / 4}, gap=0.0, tree=tree)  # checks itself
    assert made.gap < 1e-6
    assert made.objective <= made.bound + 1e-6
    everything = programme(leh, budgets={2026: total + 1}, gap=0.0, tree=tree)
    assert everything.projects["people"].sum() == leh.candidates["population"].sum()
    assert everything.projects["cost_cny10k"].sum() == pytest.approx(total)


@pytest.fixture(scope="module")
def djibouti(real):
    edges = gpd.read_parquet(real / "djibouti" / "dj_road_edges.gpq")
    people = pd.read_csv(real / "djibouti" / "dj_settlements_onsset.csv")
    return edges, people


def test_djibouti_edges_and_paved_contradictions(djibouti):
    edges, _ = djibouti
    assert len(edges) == 652
    assert edges["length_m"].sum() / 1000 == pytest.approx(926.886, abs=0.001)
    assert edges.loc[edges["paved"], "length_m"].sum() / 1000 == pytest.approx(728.334, abs=0.001)
    soft = edges["tag_surface"].isin(
        ["gravel", "ground", "dirt", "unpaved", "compacted", "fine_gravel", "earth", "sand"]
    )
    assert int((edges["paved"] & soft).sum()) == 7
    network = build_network(edges.to_crs(measurement_crs(43.1, 11.6)).assign(bridge=edges["bridge"]))
    assert network.edge_length_mm.sum() / 1e6 == pytest.approx(926.886, rel=0.002)  # grid against ellipsoid


def test_djibouti_settlements_far_from_a_paved_road(djibouti):
    edges, people = djibouti
    crs = measurement_crs(43.1, 11.6)
    metric = edges.to_crs(crs)
    points = gpd.GeoSeries(gpd.points_from_xy(people["X_deg"], people["Y_deg"]), crs=4326).to_crs(crs)
    xy = shapely.get_coordinates(points.to_numpy())
    paved_m = nearest_line(xy, metric.geometry[metric["paved"]].to_numpy())[1]
    any_m = nearest_line(xy, metric.geometry.to_numpy())[1]
    assert len(people) == 1473
    assert int(((people["Pop"] >= 200) & (paved_m > 2000)).sum()) == 115
    share = [people.loc[metres <= 2000, "Pop"].sum() / people["Pop"].sum() for metres in (any_m, paved_m)]
    assert share == pytest.approx([0.8721, 0.8541], abs=0.0005)


def test_punjab_declares_each_length_on_every_segment(real):
    works = gpd.read_file(real / "punjab_works" / "Proposals_Punjab.zip", ignore_geometry=True)
    length = works["PROPOSED_L"].astype("float64")
    assert length.sum() == pytest.approx(5644.4, abs=0.05)
    once = length.groupby(works["MRL_ID"]).first()
    assert len(once) == 132
    assert once.sum() == pytest.approx(1273.9, abs=0.05)


def test_punjab_replayed_by_district_counts_each_project_once(real):
    crs = measurement_crs(75.5, 31.0)
    works = gpd.read_file(real / "punjab_works" / "Proposals_Punjab.zip").to_crs(crs)
    listed = gpd.GeoDataFrame(
        {
            "project_id": works["MRL_ID"].astype(str), "town": works["DISTRICT_I"].astype(int).astype(str),
            "declared_km": works["PROPOSED_L"].astype("float64"),
        },
        geometry=works.geometry, crs=crs,
    )  # fmt: skip
    batch = works["IMS_BATCH"].to_numpy() == 1
    built = listed[batch].reset_index(drop=True)
    roads = gpd.GeoDataFrame(
        {"road_id": [f"r{row}" for row in range(len(built))], "surface": "asphalt"}, geometry=built.geometry, crs=crs
    )
    table = hindcast_projects(listed, replace(workspace(roads=roads), crs=crs), policy(), DAY).set_index("town")
    whole = table.loc["合计"]
    assert whole["projects"] == 132
    assert whole["declared_km"] == pytest.approx(1273.9, abs=0.05)
    assert whole["drawn_km"] == pytest.approx(1265.7, rel=0.02)
    assert whole["built"] >= built["project_id"].nunique()
    assert table.drop("合计")[["projects", "declared_km", "built"]].sum().tolist() == pytest.approx(
        whole[["projects", "declared_km", "built"]].tolist()
    )
    assert len(table) == 20  # nineteen districts and the whole
