"""Backup, restore, moving between stores: nothing lost, nothing overwritten, broken copies refused."""

import io
import json
import stat
import sys
import threading
import zipfile
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from argon2 import PasswordHasher
from shapely import box

from geo.errors import InputError, StoreError
from layers import store as layer_store
from tracker import accounts, backup, dump, events, evidence, projects, sessions
from tracker.events import Draft
from tracker.ledger import open_ledger
from tracker.office import create, open_office

DAY = date(2018, 5, 1)
LIGHT = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text('id = "p"\ntitle = "试点"\n', encoding="utf-8")
    return file


@pytest.fixture
def office(tmp_path, policy, request, store):
    url = store if isinstance(store, str) else None
    with create(tmp_path / "office", policy=policy, name="东山县", ledger=url) as made:
        fill(made, tmp_path)
        yield made


def fill(office, tmp_path):
    """A village layer, private names, a project with a correction, a person, a result, a damaged-looking leftover."""
    frame = gpd.GeoDataFrame(
        {"village_id": ["V1"], "name": ["调文村"]}, geometry=[box(113, 25, 113.01, 25.01)], crs=4490
    )
    frame.to_file(tmp_path / "villages.geojson", driver="GeoJSON")
    office.add_layer("villages", tmp_path / "villages.geojson", as_of=DAY)
    people = {"household_id": ["H1"], "village_id": ["V1"], "head_name": ["王小明"], "members": [3]}
    pd.DataFrame(people).to_csv(tmp_path / "h.csv", index=False)
    office.add_layer("households", tmp_path / "h.csv", as_of=DAY)
    number = projects.propose(office.ledger, projects.Description("路", "road", "东山", 2018), at=DAY, by="李工")
    first = events.history(office.ledger, f"project:{number}")[0]
    events.correct(office.ledger, first.seq, by="李工", payload={**first.payload, "title": "㙦路"})
    accounts.add_user(
        office.ledger, "admin", name="管", role="administrator", password="石灰窑埠-2018", by="x", hasher=LIGHT
    )
    sessions.sign_in(office.ledger, "admin", "石灰窑埠-2018", hasher=LIGHT)
    (office.path / "results" / "ab").mkdir()
    (office.path / "results" / "ab" / "findings.csv").write_text("unit_id\n")
    evidence.keep(office.path, "验收单.pdf", b"proof")
    (office.path / "layers" / ".half.tmp").write_text("leftover of a killed import")


def test_backup_and_restore_give_the_same_office(office, tmp_path):
    before = dump.digest(office.ledger)
    done = backup.backup(office, tmp_path / "a.zip")
    after = dump.digest(office.ledger)
    assert before != after, "the backup itself is on record"
    folder = backup.restore(done.path, tmp_path / "again")
    with open_office(folder) as again:
        assert dump.digest(again.ledger) == after
        assert events.verify(again.ledger) == []
        assert again.ledger.is_file
        assert again.name == "东山县"
        assert again.sources() == office.sources()
        for part in (p for items in again.parts().values() for p in items):
            frame = layer_store.read_layer(again.path, part.layer, part.digest)
            assert frame.equals(layer_store.read_layer(office.path, part.layer, part.digest))
        [people] = again.parts()["households"]
        assert layer_store.read_private(again.path, "households", people.digest)["head_name"].tolist() == ["王小明"]
        assert projects.projects(again.ledger) == projects.projects(office.ledger)
        assert accounts.users(again.ledger) == accounts.users(office.ledger)
        assert again.ledger.read(lambda t: t.rows("SELECT * FROM sessions")) == [], "everybody signs in again"
        events.append(again.ledger, Draft("office", "note", DAY, "x"))
    [proof] = [path for path in (folder / "evidence").rglob("*") if path.is_file()]
    assert evidence.fetch(folder, proof.relative_to(folder / "evidence").as_posix()) == b"proof"
    assert (folder / "results" / "ab" / "findings.csv").read_text() == "unit_id\n"
    assert not (folder / "layers" / ".half.tmp").exists()
    if sys.platform != "win32":
        assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("private", "evidence")} == {0o700}
        assert stat.S_IMODE(done.path.stat().st_mode) == 0o600, "a backup holds personal data"


def test_a_restored_office_backs_up_to_the_same_history(office, tmp_path):
    backup.backup(office, tmp_path / "a.zip")
    digest = dump.digest(office.ledger)
    folder = backup.restore(tmp_path / "a.zip", tmp_path / "b")
    with open_office(folder) as second:
        assert dump.digest(second.ledger) == digest
        backup.backup(second, tmp_path / "b.zip")
        assert events.verify(second.ledger) == []


def test_restore_into_the_other_store(office, tmp_path, postgresql):
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS other CASCADE")
        connection.execute("CREATE SCHEMA other")
    url = f"{postgresql}&options=-csearch_path%3Dother,public"
    backup.backup(office, tmp_path / "a.zip")
    folder = backup.restore(tmp_path / "a.zip", tmp_path / "again", ledger=url)
    assert not list(folder.glob("ledger.*"))
    with open_office(folder) as again:
        assert not again.ledger.is_file
        assert dump.digest(again.ledger) == dump.digest(office.ledger)
        assert events.verify(again.ledger) == []
    with pytest.raises(StoreError, match="已有内容"):
        backup.restore(tmp_path / "a.zip", tmp_path / "third", ledger=url)
    assert not (tmp_path / "third").exists()


test_restore_into_the_other_store = pytest.mark.postgis(test_restore_into_the_other_store)


def test_backup_while_others_write_is_one_moment(office, tmp_path):
    stop, faults = threading.Event(), []

    def write():
        number = 0
        try:
            while not stop.is_set():
                number += 1
                events.append(office.ledger, *(Draft("pair", "note", DAY, "x", {"n": number}) for _ in range(2)))
        except BaseException as error:
            faults.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for i in range(3):
            backup.backup(office, tmp_path / f"{i}.zip")
    finally:
        stop.set()
        writer.join(30)
    assert faults == []
    for i in range(3):
        with open_office(backup.restore(tmp_path / f"{i}.zip", tmp_path / f"r{i}")) as again:
            assert len(events.history(again.ledger, "pair")) % 2 == 0, "never half a change"
            assert events.verify(again.ledger) == []


@pytest.fixture
def small(tmp_path, policy):
    with create(tmp_path / "office", policy=policy, name="东山县") as made:
        fill(made, tmp_path)
        backup.backup(made, tmp_path / "a.zip")
        yield made


def rewritten(source: Path, target: Path, change) -> Path:
    """Copy a backup, letting `change` alter name -> bytes."""
    with zipfile.ZipFile(source) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return target


def test_a_half_copied_backup_is_refused(small, tmp_path):
    whole = (tmp_path / "a.zip").read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "half.zip").write_bytes(whole[:length])
        with pytest.raises(StoreError, match="不是完整的备份"):
            backup.restore(tmp_path / "half.zip", tmp_path / "again")
        assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob(".again*")), "no scratch folder left behind"


def test_flipped_bytes_are_refused(small, tmp_path):
    whole = bytearray((tmp_path / "a.zip").read_bytes())
    for at in range(40, len(whole) - 400, max(1, len(whole) // 25)):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        (tmp_path / "broken.zip").write_bytes(broken)
        try:
            folder = backup.restore(tmp_path / "broken.zip", tmp_path / f"r{at}")
        except StoreError:
            continue
        with open_office(folder) as again:  # the flip hit a byte that means nothing (a time stamp)
            assert dump.digest(again.ledger) == dump.digest(small.ledger)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("../evil.txt", "不该有的文件名"),
        ("/etc/evil", "不该有的文件名"),
        ("layers/../../evil", "不该有的文件名"),
        ("layers\\..\\evil", "不该有的文件名"),
        ("C:evil", "不该有的文件名"),
        ("other/evil", "不该有的文件名"),
    ],
)
def test_hostile_names_in_a_backup(small, tmp_path, name, match):
    def change(content):
        manifest = json.loads(content["manifest.json"])
        manifest["files"][name] = {"sha256": "0" * 64, "size": 1}
        content["manifest.json"] = json.dumps(manifest).encode()
        content[name] = b"x"

    bad = rewritten(tmp_path / "a.zip", tmp_path / "bad.zip", change)
    with pytest.raises(StoreError, match=match):
        backup.restore(bad, tmp_path / "again")
    assert not (tmp_path / "evil.txt").exists()
    assert not (tmp_path / "again").exists()


def manifest_change(**changes):
    def change(content):
        content["manifest.json"] = json.dumps({**json.loads(content["manifest.json"]), **changes}).encode()

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c: c.pop("manifest.json"), "不是完整的备份"),
        (lambda c: c.pop("office.toml"), "与清单不符"),
        (lambda c: c.update(extra=b"x"), "与清单不符"),
        (lambda c: c.update({"policy.toml": b"id = 'other'"}), "policy.toml 已损坏"),
        (lambda c: c.update({"policy.toml": b""}), "policy.toml 已损坏"),
        (lambda c: c.update({"policy.toml": c["policy.toml"].replace(b'"p"', b'"q"')}), "policy.toml 已损坏"),
        (manifest_change(format=2), "更新版本"),
        (manifest_change(events=99), "应有 99 条"),
        (manifest_change(files=[1]), "不是完整的备份|与清单不符"),
        (lambda c: c.update({"manifest.json": b"[]"}), "不是完整的备份"),
    ],
)
def test_altered_backups_are_refused(small, tmp_path, change, match):
    bad = rewritten(tmp_path / "a.zip", tmp_path / "bad.zip", change)
    with pytest.raises(StoreError, match=match):
        backup.restore(bad, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_ledger_altered_before_the_backup_is_noticed_at_restore(small, tmp_path):
    def forge(t):
        t.run("DROP TRIGGER events_are_not_changed")
        t.run("UPDATE events SET actor = '别人' WHERE seq = 2")

    small.ledger.write(forge)
    backup.backup(small, tmp_path / "forged.zip")
    with pytest.raises(StoreError, match="第 2 号记录"):
        backup.restore(tmp_path / "forged.zip", tmp_path / "again")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda lines: lines[:-1], "不完整：应有"),
        (lambda lines: lines[:3] + lines[4:], "不完整：应有"),
        (lambda lines: [lines[0].replace('"format":1', '"format":2'), *lines[1:]], "更新版本"),
        (lambda lines: lines[1:], "开头已损坏"),
        (lambda lines: [], "开头已损坏"),
        (lambda lines: [*lines[:2], lines[2][:-5] + "\n", *lines[3:]], "有一行已损坏"),
        (lambda lines: [*lines, '["secrets",1]\n'], "不认识"),
        (lambda lines: [*lines, "{}\n"], "不认识"),
    ],
)
def test_broken_lines_fill_nothing(small, tmp_path, change, match):
    lines = small.ledger.read(lambda t: list(dump.lines(t)))
    lines.sort(key=lambda line: not line.startswith(("{", '["users"')))  # the last lines are events
    with open_ledger(tmp_path / "new.sqlite", create=True) as target:
        with pytest.raises(StoreError, match=match):
            dump.load(target, io.StringIO("".join(change(lines))))
        assert target.read(lambda t: t.rows("SELECT count(*) FROM events")) == [(0,)]
        dump.load(target, io.StringIO("".join(lines)))
        assert dump.digest(target) == dump.digest(small.ledger)


def test_nothing_is_overwritten(small, tmp_path):
    with pytest.raises(StoreError, match="已有内容"):
        backup.restore(tmp_path / "a.zip", small.path)
    with pytest.raises(InputError, match="找不到备份文件"):
        backup.restore(tmp_path / "none.zip", tmp_path / "again")
    with pytest.raises(InputError, match="不能放在办公室文件夹里面"):
        backup.backup(small, small.path / "a.zip")
    (tmp_path / "empty").mkdir()
    assert backup.restore(tmp_path / "a.zip", tmp_path / "empty") == tmp_path / "empty"


def test_a_failed_backup_leaves_the_former_one(small, tmp_path, monkeypatch):
    before = (tmp_path / "a.zip").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_store", full)
    with pytest.raises(StoreError, match="备份没有完成"):
        backup.backup(small, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name or "qiyou" in p.name] == []


def test_too_little_room_is_said_before_anything_is_written(small, tmp_path, monkeypatch):
    monkeypatch.setattr(backup.disk, "free_bytes", lambda _: 10)
    with pytest.raises(StoreError, match="磁盘空间不够"):
        backup.restore(tmp_path / "a.zip", tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.postgis
def test_moving_there_and_back_loses_nothing(small, postgresql_url):
    history = [
        e for p in ("project:P2018-00001", "layer:villages", "user:admin") for e in events.history(small.ledger, p)
    ]
    folder = small.path
    backup.move_ledger(folder, postgresql_url)
    with open_office(folder) as there:
        assert not there.ledger.is_file
        for event in history:
            assert events.event(there.ledger, event.seq) == event
        assert events.verify(there.ledger) == []
        events.append(there.ledger, Draft("office", "note", DAY, "x", {"where": "server"}))
        digest = dump.digest(there.ledger)
        with pytest.raises(StoreError, match="已经搬到别处"):
            events.append(small.ledger, Draft("office", "note", DAY, "x"))
    small.close()
    backup.move_ledger(folder, None)
    with open_office(folder) as back:
        assert back.ledger.is_file
        assert events.verify(back.ledger) == []
        last = events.history(back.ledger, "office")
        assert [e.kind for e in last][-3:] == ["ledger_moved", "note", "ledger_moved"]
        assert digest != dump.digest(back.ledger)
        events.append(back.ledger, Draft("office", "note", DAY, "x", {"where": "file"}))
    with pytest.raises(InputError, match="已经在那里"):
        backup.move_ledger(folder, None)


@pytest.mark.postgis
def test_moving_into_a_database_in_use_is_refused(small, postgresql_url):
    with open_ledger(postgresql_url, create=True) as other:
        events.append(other, Draft("office", "note", DAY, "x"))
    with pytest.raises(StoreError, match="已有内容"):
        backup.move_ledger(small.path, postgresql_url)
    events.append(small.ledger, Draft("office", "note", DAY, "x"))
    with open_office(small.path) as again:
        assert again.ledger.is_file


def test_the_address_is_the_only_line_that_changes(small):
    before = (small.path / "office.toml").read_text(encoding="utf-8").splitlines()
    from tracker.configuration import set_ledger_address

    set_ledger_address(small.path, "postgresql://a@b/c?x='1'")
    changed = (small.path / "office.toml").read_text(encoding="utf-8").splitlines()
    assert set(changed) - set(before) == {"ledger = \"postgresql://a@b/c?x='1'\""}
    set_ledger_address(small.path, None)
    assert (small.path / "office.toml").read_text(encoding="utf-8").splitlines() == before
