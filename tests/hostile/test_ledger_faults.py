"""The ledger against kills, crowds, full and read-only disks, and damaged files (safety.md A)."""

import json
import os
import random
import shutil
import subprocess
import sys
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import box

from geo.errors import StoreError
from tracker import disk, events
from tracker.events import Draft
from tracker.ledger import open_ledger
from tracker.office import create, open_office

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2018, 5, 1)
IS_FULL = os.environ.get("QIYOU_FULL") == "1"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kill trials fork; this system cannot")
is_root = hasattr(os, "geteuid") and os.geteuid() == 0


def trial(name: str, *arguments: object):
    command = [sys.executable, "-m", "tests.hostile.ledger_trials", name, *map(str, arguments)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@needs_fork
def test_killed_at_random_points_no_acknowledged_write_is_lost(tmp_path):
    """D01, D02: also while the same process tries to read the live file."""
    found = trial("kill_while_writing", tmp_path / "ledger.sqlite", 200 if IS_FULL else 60)
    print(json.dumps(found, ensure_ascii=False))
    assert found["acknowledged"] > 60, "the trial must reach commits"
    assert (found["lost"], found["partial"], found["broken"]) == (0, 0, [])


EDITORS, EDITS, SECONDS = 20, 8, 60.0 if IS_FULL else 0.0


def crowd(where: object) -> None:
    """Twenty processes change one record at once, in full runs for a minute; each change is made from what was just read."""
    found = trial("many_editors", where, EDITORS, EDITS, SECONDS)
    print(json.dumps(found, ensure_ascii=False))
    assert (found["failed"], found["lost"], found["broken"]) == ([], 0, [])
    assert found["is_gapless"]
    assert found["editors"] == EDITORS
    assert found["events"] >= EDITORS * EDITS
    assert found["seconds"] >= SECONDS


@needs_fork
@pytest.mark.postgis
def test_twenty_editors_of_one_record_on_a_server_lose_nothing(postgresql_url):
    """D06 on PostgreSQL."""
    with open_ledger(postgresql_url, create=True) as ledger:
        assert events.history(ledger, "hot") == []
    crowd(postgresql_url)


@needs_fork
def test_twenty_editors_of_one_record_lose_nothing(tmp_path):
    """D06, D08: read, then write, in twenty processes at once."""
    crowd(tmp_path / "ledger.sqlite")


@needs_fork
def test_killed_during_migration_leaves_the_old_or_the_new_tables(tmp_path):
    """D16: every statement of every migration."""
    found = trial("kill_while_migrating", tmp_path / "ledger.sqlite")
    assert found["statements"] >= 12
    assert len(found["seen"]) == found["statements"]
    complete = {"chain", "events", "failures", "identities", "schema_version", "sessions", "users"}
    assert all(set(tables) == complete for tables in found["seen"])


def village_file(folder: Path, count: int = 30) -> Path:
    rows = {
        "village_id": [f"V{i}" for i in range(count)],
        "name": [f"第{i}村" for i in range(count)],
        "kind": ["administrative"] * count,
    }
    shapes = [box(113 + i / 1000, 25, 113.001 + i / 1000, 25.01) for i in range(count)]
    path = folder / f"villages{count}.geojson"
    gpd.GeoDataFrame(rows, geometry=shapes, crs=4490).to_file(path, driver="GeoJSON")
    return path


@needs_fork
def test_killed_during_import_leaves_no_half_layer(tmp_path):
    """D18: before and after the file is written, before and after the ledger is asked, inside the transaction."""
    found = trial("kill_while_importing", tmp_path, village_file(tmp_path))
    assert len(found["results"]) == 6
    for name, moment, code, layers_before, stored, rows, faults in found["results"]:
        assert code == -9, (name, moment)
        is_done = (name, moment) == ("append", "after")
        assert (layers_before, stored, rows, faults) == (int(is_done), 30, 30, 0), (name, moment)


@needs_fork
def test_killed_during_backup_leaves_the_former_backup(tmp_path):
    """D19."""
    found = trial("kill_while_backing_up", tmp_path, 40 if IS_FULL else 12)
    assert found["damaged"] == []


@contextmanager
def small_disk(folder: Path, size: str):
    """Mount a small disk for the length of a test; needs the right to mount."""
    folder.mkdir()
    mounted = is_root and shutil.which("mount") is not None
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    if not mounted:
        pytest.skip("a small disk can only be mounted by root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(ledger, text="x" * 20000, limit=2000):
    """Save until the disk is full and return how many were saved and the sentence."""
    for number in range(limit):
        try:
            events.append(ledger, Draft("a", "k", DAY, "x", {"n": number, "text": text}))
        except StoreError as error:
            return number, str(error)
    raise AssertionError("the disk never filled")


def test_full_disk_says_so_keeps_everything_and_goes_on_when_there_is_room(tmp_path):
    """D10."""
    with small_disk(tmp_path / "disk", "6m") as folder:
        filler = folder / "filler"
        filler.write_bytes(b"x" * 1_000_000)
        with open_ledger(folder / "ledger.sqlite", create=True) as ledger:
            saved, sentence = fill_up(ledger)
            assert saved > 10
            assert "磁盘已满" in sentence
            assert "以前的记录都在" in sentence
            assert len(events.history(ledger, "a")) == saved
            assert ledger.faults() == []
            filler.unlink()
            events.append(ledger, Draft("a", "k", DAY, "x", {"n": saved}))
            assert [e.payload["n"] for e in events.history(ledger, "a")] == list(range(saved + 1))
            assert events.verify(ledger) == []


def test_the_reserve_saves_the_last_work_and_warns(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "RESERVE_BYTES", 400_000)
    with small_disk(tmp_path / "disk", "8m") as folder, open_ledger(folder / "ledger.sqlite", create=True) as ledger:
        reserve = folder / "ledger.sqlite-reserve"
        assert reserve.stat().st_size == 400_000
        saved = 0
        while reserve.exists() and saved < 2000:
            events.append(ledger, Draft("a", "k", DAY, "x", {"n": saved, "text": "x" * 20000}))
            saved += 1
        assert any("动用预留空间" in notice for notice in ledger.notices)
        more, sentence = fill_up(ledger)
        assert "磁盘已满" in sentence
        assert len(events.history(ledger, "a")) == saved + more


def test_import_on_a_full_disk_leaves_the_office_as_it_was(tmp_path):
    """D11."""
    policy = tmp_path / "policy.toml"
    policy.write_text('id = "p"\n')
    file, changed = village_file(tmp_path), village_file(tmp_path, count=400)
    with small_disk(tmp_path / "disk", "4m") as folder, create(folder / "o", policy=policy, name="x") as office:
        office.add_layer("villages", file, as_of=DAY)
        before = office.sources()
        (folder / "filler").write_bytes(b"x" * max(0, disk.free_bytes(folder) - 1000))
        with pytest.raises(StoreError, match="磁盘"):
            office.add_layer("villages", changed, as_of=date(2019, 1, 1))
        assert office.sources()["villages"].digest == before["villages"].digest
        (folder / "filler").unlink()
        assert office.add_layer("villages", changed, as_of=date(2019, 1, 1)).stored == 400


def test_read_only_disk_opens_for_reading_and_says_so(tmp_path):
    """D12."""
    policy = tmp_path / "policy.toml"
    policy.write_text('id = "p"\n')
    with small_disk(tmp_path / "disk", "16m") as folder:
        with create(folder / "o", policy=policy, name="x") as office:
            office.add_layer("villages", village_file(tmp_path), as_of=DAY)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with open_office(folder / "o") as office:
            assert office.ledger.is_read_only
            assert any("只读" in notice for notice in office.ledger.notices)
            assert office.sources()["villages"].rows == 30
            assert len(office.workspace().get("villages")) == 30
            with pytest.raises(StoreError, match="只读"):
                events.append(office.ledger, Draft("a", "k", DAY, "x"))
            with pytest.raises(StoreError):
                office.add_layer("villages", village_file(tmp_path), as_of=DAY)
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        with open_office(folder / "o") as office:
            assert not office.ledger.is_read_only


@pytest.mark.skipif(is_root or sys.platform == "win32", reason="rights do not bind root")
def test_a_folder_without_rights_opens_for_reading(tmp_path):
    open_ledger(tmp_path / "ledger.sqlite", create=True).close()
    (tmp_path / "ledger.sqlite").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with open_ledger(tmp_path / "ledger.sqlite") as ledger:
            assert ledger.is_read_only
    finally:
        tmp_path.chmod(0o755)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A ledger of some pages, closed."""
    path = tmp_path_factory.mktemp("sound") / "ledger.sqlite"
    with open_ledger(path, create=True) as ledger:
        events.append(ledger, *(Draft(f"s:{i}", "k", DAY, "x", {"text": "石灰窑埠" * 20, "n": i}) for i in range(300)))
    return path.read_bytes()


def judged(path: Path, expected: list[int]) -> str:
    """Open a damaged ledger and say how it was met: refused, named, or unharmed (the damage hit nothing that counts)."""
    try:
        with open_ledger(path) as ledger:
            faults = [*ledger.faults(), *events.verify(ledger)]
            found = [e.payload["n"] for e in events.effective(ledger, ["k"])]
    except StoreError as error:
        sentence = str(error)
        helps = any(word in sentence for word in ("恢复", "损坏", "升级"))
        return "refused" if helps else sentence
    if faults:
        return "named"
    assert found == expected
    return "unharmed"


def test_cut_off_files_are_refused(sound, tmp_path):
    """D14: fifty lengths; a shorter file is never taken for a smaller ledger."""
    chance = random.Random(5)
    path = tmp_path / "ledger.sqlite"
    for length in [0, 1, len(sound) - 1, *(chance.randrange(len(sound)) for _ in range(50))]:
        path.write_bytes(sound[:length])
        assert judged(path, list(range(300))) in {"refused", "named"}, length


def test_flipped_bytes_are_refused_or_named(sound, tmp_path):
    """D14: a hundred bytes flipped at once, and single bytes."""
    chance = random.Random(6)
    path = tmp_path / "ledger.sqlite"
    met = []
    for flips in [100] * 10 + [1] * (200 if IS_FULL else 40):
        broken = bytearray(sound)
        for _ in range(flips):
            broken[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        path.write_bytes(broken)
        met.append(judged(path, list(range(300))))
        assert met[-1] in {"refused", "named", "unharmed"}
        if flips == 100:
            assert met[-1] != "unharmed"
    assert {"refused", "named"} <= set(met)


def left_open(path: Path, subject: str, times: int) -> None:
    """Write in a process that dies without closing, so that the log stays beside the file."""
    script = f"""
import os
from datetime import date
from tracker import events
from tracker.ledger import open_ledger
ledger = open_ledger({str(path)!r}, create=True)
for i in range({times}):
    events.append(ledger, events.Draft({subject!r}, "k", date(2018, 5, 1), "x", {{"n": i}}))
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
    assert path.with_name(path.name + "-wal").stat().st_size > 0


def test_own_log_is_replayed(tmp_path):
    left_open(tmp_path / "ledger.sqlite", "a", 5)
    left_open(tmp_path / "ledger.sqlite", "a", 5)
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        assert len(events.history(ledger, "a")) == 10


def test_log_of_another_ledger_is_not_replayed(tmp_path):
    """D15."""
    mine, other = tmp_path / "mine.sqlite", tmp_path / "other.sqlite"
    with open_ledger(mine, create=True) as ledger:
        events.append(ledger, Draft("a", "k", DAY, "x"))
    before = mine.read_bytes()
    left_open(other, "b", 5)
    shutil.copy(tmp_path / "other.sqlite-wal", tmp_path / "mine.sqlite-wal")
    with pytest.raises(StoreError, match=r"mine\.sqlite-wal 不是这份账本留下的"):
        open_ledger(mine)
    assert mine.read_bytes() == before
    (tmp_path / "mine.sqlite-wal").unlink()
    with open_ledger(mine) as ledger:
        assert len(events.history(ledger, "a")) == 1


def test_log_of_a_later_state_is_not_replayed_onto_an_old_copy(tmp_path):
    """D15: last month's ledger copied by hand over this month's, whose log is still there."""
    path, old = tmp_path / "ledger.sqlite", tmp_path / "old.sqlite"
    with open_ledger(path, create=True) as ledger:
        events.append(ledger, Draft("a", "k", DAY, "x"))
    shutil.copy(path, old)
    with open_ledger(path) as ledger:
        for _ in range(5):
            events.append(ledger, Draft("a", "k", DAY, "x"))
    left_open(path, "a", 5)
    shutil.copy(old, path)
    with pytest.raises(StoreError, match="不要手工复制"):
        open_ledger(path)


@pytest.mark.slow
@pytest.mark.skipif(
    not IS_FULL, reason="a million events take minutes: set QIYOU_FULL=1 (benchmarks/ledger.py times it)"
)
def test_a_million_events_can_be_asked_as_of_a_day(tmp_path):
    from benchmarks.ledger import measure

    with open_ledger(tmp_path / "ledger.sqlite", create=True) as ledger:
        print(json.dumps(measure(ledger, 1_000_000)))
        assert events.verify(ledger) == []
