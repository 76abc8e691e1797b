"""A person who asks is forgotten: everywhere in the office, for good, and the house stays (safety.md W23)."""

import json
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from shapely import Point

from cli import cli
from geo.errors import InputError, StoreError
from layers import store
from tests.policies_path import POLICY
from tracker import backup, events
from tracker.forgetting import forget
from tracker.office import Office, create, open_office
from tracker.tombstones import forgotten

FIRST, SECOND = date(2018, 1, 1), date(2018, 6, 30)
CANARY = "卡那利"


def ledger_file(folder: Path, name: str, *, phone: str) -> Path:
    rows = {
        "household_id": ["h1", "h2"],
        "village_id": ["v1", "v1"],
        "members": [3, 4],
        "head_name": [CANARY, "李四"],
        "id_number": ["11010519491231002X", None],
        "phone": [phone, "13900000000"],
        "address": ["卡那利巷9号", None],
    }
    path = folder / name
    gpd.GeoDataFrame(rows, geometry=[Point(113.7, 25.1), Point(113.701, 25.1)], crs=4490).to_file(
        path, driver="GeoJSON"
    )
    return path


@pytest.fixture
def office(tmp_path: Path):
    with create(tmp_path / "office", policy=POLICY, name="试") as made:
        made.add_layer("households", ledger_file(tmp_path, "a.geojson", phone="13811111111"), as_of=FIRST, part="册")
        made.add_layer("households", ledger_file(tmp_path, "b.geojson", phone="13822222222"), as_of=SECOND, part="册")
        yield made


def privates(office: Office) -> list[pd.DataFrame]:
    digests = [part.digest for day in (FIRST, SECOND) for part in office.parts(day)["households"]]
    return [store.read_private(office.path, "households", digest) for digest in digests]


def every_byte(folder: Path) -> bytes:
    """Every file of an office as it lies on the disk; parquet is unpacked, since it is compressed."""
    content = b""
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            content += repr(pq.read_table(path).to_pydict()).encode()
        elif path.is_file():
            content += path.read_bytes()
    return content


def test_w23_nothing_is_left_in_any_version_and_the_figures_stay(office: Office) -> None:
    assert all(CANARY in frame["head_name"].tolist() for frame in privates(office))
    before = [office.frames(day=day)["households"] for day in (FIRST, SECOND)]
    done = forget(office, "h1", by="王科长", reason="本人2026年11月20日书面申请")
    assert done.versions == 2
    for frame in privates(office):
        assert frame["household_id"].tolist() == ["h2"]
    for old, day in zip(before, (FIRST, SECOND), strict=True):
        assert office.frames(day=day)["households"].equals(old), "the house, its members and grade are as they were"
    path = office.path
    office.close()
    content = every_byte(path)
    for secret in (CANARY, "11010519491231002X", "13811111111", "13822222222"):
        assert secret.encode() not in content
    assert "李四".encode() in content


def test_w23_the_tombstone_says_who_and_why_and_not_what(office: Office) -> None:
    forget(office, "h1", by="王科长", reason="本人书面申请")
    [stone] = events.history(office.ledger, "person:h1")
    assert (stone.by, stone.payload) == ("王科长", {"reason": "本人书面申请", "versions": 2})
    assert events.verify(office.ledger) == []
    with pytest.raises(InputError, match="谁都不能"):
        events.withdraw(office.ledger, stone.seq, by="王科长", reason="x")
    again = forget(office, "h1", by="王科长", reason="再来一次")
    assert again.versions == 0
    assert len(events.history(office.ledger, "person:h1")) == 1


def test_w23_the_same_file_or_a_later_one_brings_nobody_back(office: Office, tmp_path: Path) -> None:
    forget(office, "h1", by="王", reason="申请")
    for name, phone in (("a.geojson", "13811111111"), ("c.geojson", "13833333333")):
        office.add_layer("households", ledger_file(tmp_path, name, phone=phone), as_of=date(2019, 1, 1), part="册")
    assert forgotten(office.ledger) == {"h1"}
    newest = office.parts()["households"][-1].digest
    assert store.read_private(office.path, "households", newest)["household_id"].tolist() == ["h2"]
    assert office.frames()["households"]["household_id"].tolist() == ["h1", "h2"]


def test_w23_copies_outside_are_named(office: Office, tmp_path: Path) -> None:
    backup.backup(office, tmp_path / "周一.zip")
    (office.path / "evidence" / "照片.jpg").write_bytes(b"x")
    done = forget(office, "h1", by="王", reason="申请")
    assert "周一.zip" in done.backups[0]
    assert done.files == ("evidence/照片.jpg",)
    with open_office(backup.restore(tmp_path / "周一.zip", tmp_path / "again")) as again:
        assert CANARY in privates(again)[0]["head_name"].tolist(), "an old backup holds it: that is why it is named"
        forget(again, "h1", by="王", reason="恢复后再次执行")
        assert CANARY.encode() not in b"".join(frame.to_csv().encode() for frame in privates(again))
    backup.backup(office, tmp_path / "周二.zip")
    with open_office(backup.restore(tmp_path / "周二.zip", tmp_path / "later")) as later:
        assert privates(later)[0]["household_id"].tolist() == ["h2"]


def test_w23_a_damaged_private_file_is_still_noticed(office: Office) -> None:
    forget(office, "h1", by="王", reason="申请")
    digest = office.parts(FIRST)["households"][0].digest
    path = store.private_path(office.path, "households", digest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="不符"):
        store.read_private(office.path, "households", digest)


@pytest.mark.parametrize(("household", "reason"), [("h9", "申请"), ("h1", " "), ("", "申请")])
def test_w23_mistakes_change_nothing(office: Office, household: str, reason: str) -> None:
    with pytest.raises(InputError):
        forget(office, household, by="王", reason=reason)
    assert forgotten(office.ledger) == frozenset()
    assert len(privates(office)[0]) == 2


def test_w23_interrupted_it_is_finished_by_doing_it_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = office.parts(FIRST)["households"][0].digest
    real, calls = store.write_once, []

    def stops(path: Path, content: bytes, **options: object) -> None:
        calls.append(path)
        if path.suffix == ".parquet":
            raise StoreError("停电")
        real(path, content, **options)

    monkeypatch.setattr(store, "write_once", stops)
    with pytest.raises(StoreError):
        store.forget(office.path, "households", digest, "h1")
    monkeypatch.undo()
    assert len(store.read_private(office.path, "households", digest)) == 2, "still whole and readable"
    forget(office, "h1", by="王", reason="申请")
    assert all(len(frame) == 1 for frame in privates(office))


def test_w23_the_command(office: Office) -> None:
    path = office.path
    done = CliRunner().invoke(cli, ["forget", str(path), "h1", "--reason", "书面申请", "--by", "王科长", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["versions"] == 2
    assert CliRunner().invoke(cli, ["forget", str(path), "h9", "--reason", "x", "--by", "王"]).exit_code == 2
