"""What QGIS and other departments get: the layers and findings, nothing personal, whole or not at all."""

import json
from datetime import date

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from shapely import box
from shapely.geometry import Point

from geo.errors import InputError, StoreError
from tracker import accounts
from tracker.office import create
from tracker.publish import publish

DAY = date(2018, 5, 1)
FINDINGS = pd.DataFrame(
    {
        "unit_id": ["V1", "V1", "V2", "H1"],
        "unit_kind": ["village", "village", "village", "household"],
        "need": ["clinic", "toilet", "clinic", "house"],
        "status": ["met", "gap", "unknown", "gap"],
        "value": [1.0, None, None, None],
    }
)
CANARIES = ("王小明", "440224198001011235", "13812345678")


@pytest.fixture
def office(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('id = "p"\n', encoding="utf-8")
    with create(tmp_path / "office", policy=policy, name="东山县") as made:
        rows = {"village_id": ["V1", "V2", "V3"], "name": ["甲村", "乙村", "㙦村"], "kind": ["administrative"] * 3}
        shapes = [box(113 + i / 100, 25, 113.01 + i / 100, 25.01) for i in range(3)]
        gpd.GeoDataFrame(rows, geometry=shapes, crs=4490).to_file(tmp_path / "v.geojson", driver="GeoJSON")
        made.add_layer("villages", tmp_path / "v.geojson", as_of=DAY)
        clinics = {"facility_id": ["1"], "kind": ["clinic"], "is_standard": [True]}
        gpd.GeoDataFrame(clinics, geometry=[Point(113.005, 25.005)], crs=4490).to_file(
            tmp_path / "c.geojson", driver="GeoJSON"
        )
        made.add_layer("facilities", tmp_path / "c.geojson", as_of=DAY)
        people = {
            "household_id": ["H1"],
            "village_id": ["V1"],
            "members": [3],
            "head_name": [CANARIES[0]],
            "id_number": [CANARIES[1]],
            "phone": [CANARIES[2]],
        }
        pd.DataFrame(people).to_csv(tmp_path / "h.csv", index=False)
        made.add_layer("households", tmp_path / "h.csv", as_of=DAY)
        yield made


def names(path):
    return sorted(row[0] for row in pyogrio.list_layers(path))


def test_geopackage_for_qgis(office, tmp_path):
    out = tmp_path / "公开.gpkg"
    counts = publish(office, out, tables={"findings": FINDINGS})
    assert names(out) == ["about", "facilities", "findings", "village_findings", "villages"]
    assert counts == {"facilities": 1, "villages": 3, "findings": 3, "village_findings": 3, "about": 6}
    villages = gpd.read_file(out, layer="villages")
    assert set(villages["name"]) == {"㙦村", "乙村", "甲村"}
    assert villages.crs.to_epsg() == 4490
    table = gpd.read_file(out, layer="village_findings").set_index("village_id")
    assert table.loc["V1", ["clinic", "toilet"]].tolist() == ["met", "gap"]
    assert table.loc["V2", "clinic"] == "unknown"
    assert pd.isna(table.loc["V3", "clinic"])
    assert "is_standard" in gpd.read_file(out, layer="facilities").columns
    about = dict(pyogrio.read_dataframe(out, layer="about", read_geometry=False).to_numpy().tolist())
    assert (about["office"], about["day"]) == ("东山县", "2018-05-01")


def test_nothing_personal_is_published(office, tmp_path):
    for number, with_households in enumerate((False, True)):
        out = tmp_path / f"{number}.gpkg"
        publish(
            office,
            out,
            tables={"findings": FINDINGS, "housing": pd.DataFrame({"household_id": ["H1"]})},
            with_households=with_households,
        )
        content = out.read_bytes()
        for canary in CANARIES:
            assert canary.encode() not in content
        assert ("households" in names(out)) == ("housing" in names(out)) == with_households
        rows = pyogrio.read_dataframe(out, layer="findings", read_geometry=False)
        assert ("household" in set(rows["unit_kind"])) == with_households
    logged = accounts.access_log(office.ledger)
    assert [e.payload["action"] for e in logged] == ["publish", "publish"]
    assert "households" not in logged[0].payload["conditions"]
    assert "households" in logged[1].payload["conditions"]
    with pytest.raises(InputError, match="个人信息列 phone"):
        publish(office, tmp_path / "x.gpkg", tables={"list": pd.DataFrame({"phone": ["1"]})})


def test_a_published_file_is_replaced_whole(office, tmp_path, monkeypatch):
    out = tmp_path / "a.gpkg"
    publish(office, out)
    before = out.read_bytes()
    real = pyogrio.write_dataframe

    def breaks(frame, path, *, layer, **rest):
        if layer == "about":
            raise OSError(28, "No space left on device")
        return real(frame, path, layer=layer, **rest)

    monkeypatch.setattr("tracker.publish.pyogrio.write_dataframe", breaks)
    with pytest.raises(StoreError, match="没有写出"):
        publish(office, out)
    monkeypatch.undo()
    assert out.read_bytes() == before
    assert not list(tmp_path.glob(".*part*"))
    publish(office, out, tables={"findings": FINDINGS})
    assert "findings" in names(out)


@pytest.mark.parametrize("name", ["a b", "a;drop", "", "a-b", '"'])
def test_table_names_are_plain(office, tmp_path, name):
    with pytest.raises(InputError, match="表名"):
        publish(office, tmp_path / "a.gpkg", tables={name: pd.DataFrame({"a": [1]})})


def test_other_files_are_refused(office, tmp_path):
    with pytest.raises(InputError, match=r"\.gpkg"):
        publish(office, tmp_path / "a.shp")


@pytest.fixture
def server(postgresql):
    """The cluster without anything published in it."""
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS qiyou CASCADE")
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        yield connection


@pytest.mark.postgis
def test_postgis_for_other_departments(office, postgresql, server):
    counts = publish(office, postgresql, tables={"findings": FINDINGS})
    assert counts["villages"] == 3
    found = server.execute(
        "SELECT v.name, f.clinic, ST_SRID(v.geometry), ST_Area(v.geometry) > 0 FROM qiyou.villages v"
        " JOIN qiyou.village_findings f USING (village_id) ORDER BY v.village_id"
    ).fetchall()
    assert found == [("甲村", "met", 4490, True), ("乙村", "unknown", 4490, True), ("㙦村", None, 4490, True)]
    assert server.execute("SELECT is_standard FROM qiyou.facilities").fetchall() == [(True,)]
    assert server.execute("SELECT to_regclass('qiyou.households')").fetchone() == (None,)
    text = json.dumps(server.execute("SELECT * FROM qiyou.about").fetchall(), ensure_ascii=False)
    assert not [canary for canary in CANARIES if canary in text]


@pytest.mark.postgis
def test_publishing_again_keeps_views_and_empties_what_is_gone(office, postgresql, server):
    publish(office, postgresql, tables={"findings": FINDINGS})
    server.execute("CREATE VIEW qiyou.theirs AS SELECT name FROM qiyou.villages")
    publish(office, postgresql)
    assert server.execute("SELECT count(*) FROM qiyou.theirs").fetchone() == (3,)
    assert server.execute("SELECT count(*) FROM qiyou.findings").fetchone() == (0,)


@pytest.mark.postgis
def test_a_changed_table_does_not_break_a_view_of_others(office, postgresql, server):
    publish(office, postgresql, tables={"extra": pd.DataFrame({"a": [1]})})
    server.execute("CREATE VIEW qiyou.theirs AS SELECT a FROM qiyou.extra")
    with pytest.raises(StoreError, match="别人的视图"):
        publish(office, postgresql, tables={"extra": pd.DataFrame({"b": [1]})})
    assert server.execute("SELECT a FROM qiyou.theirs").fetchall() == [(1,)]


@pytest.mark.postgis
def test_tables_of_others_are_left_alone(office, postgresql, server):
    server.execute("CREATE SCHEMA qiyou")
    server.execute("CREATE TABLE qiyou.villages (a INT)")
    with pytest.raises(StoreError, match="别人的表 villages"):
        publish(office, postgresql)
    assert server.execute("SELECT count(*) FROM qiyou.villages").fetchone() == (0,)


@pytest.mark.postgis
def test_the_schema_of_a_ledger_is_refused(office, postgresql, server):
    from tracker.ledger import open_ledger

    server.execute("CREATE SCHEMA qiyou")
    open_ledger(f"{postgresql}&options=-csearch_path%3Dqiyou", create=True).close()
    with pytest.raises(StoreError, match="放着账本"):
        publish(office, postgresql)


def test_a_server_that_does_not_answer(office, tmp_path):
    with pytest.raises(StoreError, match="没有发布到 postgresql://a@/x"):
        publish(office, f"postgresql://a:secret@/x?host={tmp_path}")
