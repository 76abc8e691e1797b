"""The ledger while layers are read, backups taken and other programs meddle (safety.md, catalogue A)."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from geo.errors import AppError, StoreError
from geo.read import read
from geo.tiles import TileSource
from layers import store
from tests.hostile.test_ledger_faults import village_file
from tests.policies_path import POLICY
from tracker import backup, events, guard
from tracker.events import Draft
from tracker.ledger import open_ledger
from tracker.office import Office, create, open_office
from tracker.publish import publish
from views.export_table import geopackage

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2018, 5, 1)

READING = """
import os, sys, tempfile
from datetime import date
from pathlib import Path
import geopandas as gpd, pandas as pd
from shapely import Point
from geo.crs import guess_crs
from geo.read import read
from geo.tiles import TileSource
from layers import store
from layers.intake import take
from tracker import events
from tracker.office import open_office
from tracker.publish import publish
from views.export_table import geopackage
office = open_office({office!r})
file = Path({file!r})
digest = office.sources()["villages"].digest
def one(n):
    events.append(office.ledger, events.Draft("run", "k", date(2018, 5, 1), "x", {{"n": n}}))
    os.write(1, b"%d\\n" % n)
place = gpd.GeoSeries([Point(113, 25)], index=["a"], crs=4490)
table = pd.DataFrame({{"村": ["甲"]}}, index=["a"])
steps = [
    lambda: read(file), lambda: take(read(file), "villages"), lambda: store.read_layer(office.path, "villages", digest),
    lambda: store.read_private(office.path, "villages", digest), lambda: office.workspace(), lambda: guess_crs(office.frames()["villages"]),
    lambda: TileSource(office.frames()["villages"], kind="polygon").tile(8, 208, 109),
    lambda: geopackage(table, place, {{}}, name="表"), lambda: publish(office, str(Path({folder!r}) / "out.gpkg"), tables={{}}),
    lambda: gpd.read_file(Path({folder!r}) / "out.gpkg", layer="villages"), lambda: office.add_layer("villages", file, as_of=date(2018, 5, 1)),
]
number = 0
for step in steps:
    for _ in range(4):
        one(number)
        number += 1
    step()
    one(number)
    number += 1
    assert Path({office!r}, "ledger.sqlite-wal").exists(), step
for path in ("ledger.sqlite", "ledger.sqlite-wal"):
    link = Path({folder!r}) / (path + ".gpkg")
    for attempt in (lambda: os.symlink(Path({office!r}) / path, link), lambda: read(Path({office!r}) / path)):
        try:
            attempt()
        except Exception as error:
            assert "账本" in str(error) or "格式" in str(error), error
    one(number)
    number += 1
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def office(tmp_path: Path):
    with create(tmp_path / "office", policy=POLICY, name="试") as made:
        made.add_layer("villages", village_file(tmp_path), as_of=DAY)
        yield made


def test_d02_reading_layers_in_the_same_process_loses_nothing(tmp_path: Path) -> None:
    """D02: every way a layer is read or written, then the process is killed: each acknowledged event is there."""
    folder = tmp_path / "office"
    file = village_file(tmp_path)
    with create(folder, policy=POLICY, name="试") as made:
        made.add_layer("villages", file, as_of=DAY)
    script = READING.format(office=str(folder), file=str(file), folder=str(tmp_path))
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == -9, ran.stderr[-2000:]
    told = [int(line) for line in ran.stdout.split()]
    assert len(told) > 50
    with open_office(folder) as again:
        assert [event.payload["n"] for event in events.history(again.ledger, "run")] == told
        assert again.ledger.faults() == []
        assert events.verify(again.ledger) == []


WRITER = """
import os
from datetime import date
from tracker import events
from tracker.ledger import open_ledger
with open_ledger({path!r}) as ledger:
    for n in range({count}):
        events.append(ledger, events.Draft("other", "k", date(2018, 5, 1), "x", {{"n": n}}))
        os.write(1, b"%d\\n" % n)
"""


def test_d03_a_backup_while_another_process_writes_loses_nothing(office: Office, tmp_path: Path) -> None:
    """D03: all acknowledged rows are there afterwards; the backup holds a state that was."""
    code = WRITER.format(path=str(office.path / "ledger.sqlite"), count=60)
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        first = other.stdout.readline()
        for number in range(3):
            backup.backup(office, tmp_path / f"{number}.zip")
        rest = other.stdout.read()
    told = [int(line) for line in (first + rest).split()]
    assert told == list(range(60))
    assert [event.payload["n"] for event in events.history(office.ledger, "other")] == told
    with open_office(backup.restore(tmp_path / "2.zip", tmp_path / "again")) as again:
        found = [event.payload["n"] for event in events.history(again.ledger, "other")]
        assert found == list(range(len(found)))
        assert events.verify(again.ledger) == []
    with pytest.raises(StoreError, match="账本"):
        (office.path / "ledger.sqlite").read_bytes()


def test_d04_a_held_lock_is_held_while_maps_and_files_are_made(office: Office, tmp_path: Path) -> None:
    """D04: reading layers and writing GeoPackages during a write does not let another process in."""
    path = office.path / "ledger.sqlite"
    attempt = (
        "import sqlite3, sys\n"
        f"other = sqlite3.connect({str(path)!r}, timeout=0, isolation_level=None)\n"
        "try:\n    other.execute('BEGIN IMMEDIATE')\n    print('in')\n"
        "except sqlite3.OperationalError as error:\n    print(error)\n"
    )
    digest = office.sources()["villages"].digest
    said: list[str] = []

    def work(t) -> None:
        t.run("INSERT INTO failures VALUES ('a', 1, '', '')")
        frame = store.read_layer(office.path, "villages", digest)
        TileSource(frame, kind="polygon").tile(8, 208, 109)
        table = pd.DataFrame({"村": ["甲"]}, index=["a"])
        place = gpd.GeoSeries([Point(113, 25)], index=["a"], crs=4490)
        (tmp_path / "t.gpkg").write_bytes(geopackage(table, place, {}, name="表"))
        gpd.read_file(tmp_path / "t.gpkg", layer="表")
        read(village_file(tmp_path, count=3))
        said.append(subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, timeout=60).stdout)

    office.ledger.write(work)
    assert said == ["database is locked\n"]
    assert office.ledger.read(lambda t: t.rows("SELECT scope FROM failures")) == [("a",)]


def test_d13_a_deleted_file_stops_writing(office: Office, tmp_path: Path) -> None:
    """D13: deleted, or another in its place (test_replaced_file_stops_writing): noticed, said, nothing written."""
    path = office.path / "ledger.sqlite"
    subprocess.run([sys.executable, "-c", f"import os; os.unlink({str(path)!r})"], check=True)
    with pytest.raises(StoreError, match="删除或替换"):
        events.append(office.ledger, Draft("a", "k", DAY, "x"))
    assert not path.exists()


def test_d20_hours_are_utc_and_days_are_chinas_wherever_the_machine_thinks_it_is(tmp_path: Path) -> None:
    """D20: wrong zone, summer time, a clock set back: the order is that of entering, the days are the office's."""
    script = (
        "import sys\nfrom datetime import date\nfrom tracker import events\nfrom tracker.ledger import open_ledger\n"
        f"with open_ledger({str(tmp_path / 'l.sqlite')!r}, create=True) as ledger:\n"
        "    [e] = events.append(ledger, events.Draft('a', 'k', date(2018, 5, 1), sys.argv[1]))\n"
        "    print(e.entered.isoformat(), e.entered.utcoffset())\n"
    )
    for zone in ("America/New_York", "Asia/Shanghai", "Pacific/Kiritimati"):
        ran = subprocess.run(
            [sys.executable, "-c", script, zone], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "TZ": zone}, timeout=60
        )  # fmt: skip
        entered, offset = ran.stdout.split()
        assert offset == "0:00:00", ran.stderr
        assert abs((datetime.now(UTC) - datetime.fromisoformat(entered)).total_seconds()) < 120
    with open_ledger(tmp_path / "l.sqlite") as ledger:
        assert [event.by for event in events.history(ledger, "a")] == [
            "America/New_York",
            "Asia/Shanghai",
            "Pacific/Kiritimati",
        ]
        events.append(ledger, Draft("a", "k", DAY, "夏令时"), now=datetime(2018, 3, 11, 6, 59, tzinfo=UTC))
        assert [event.seq for event in events.history(ledger, "a")] == [1, 2, 3, 4]
        assert events.verify(ledger) == []


def test_d21_an_edit_of_the_published_copy_changes_nothing_in_the_office(office: Office, tmp_path: Path) -> None:
    """D21, met differently: QGIS is given a copy; what it changes there stays there until it is added as a file."""
    copy = tmp_path / "out.gpkg"
    publish(office, str(copy), tables={})
    before = store.read_layer(office.path, "villages", office.sources()["villages"].digest)
    with guard.ledger_at_work(), closing(sqlite3.connect(copy)) as other:
        names = [row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in names:
            other.execute(f'DROP TRIGGER "{name}"')
        other.execute("UPDATE villages SET name = '改了'")
        other.commit()
    after = store.read_layer(office.path, "villages", office.sources()["villages"].digest)
    assert after["name"].tolist() == before["name"].tolist()
    assert events.verify(office.ledger) == []
    added = office.add_layer("villages", copy, sheet="villages", as_of=date(2019, 1, 1), by="QGIS")
    assert added.stored == 30
    assert set(office.frames()["villages"]["name"]) == {"改了"}
    assert set(office.frames(day=DAY)["villages"]["name"]) == set(before["name"]), "the earlier day stands"


def test_d24_a_damaged_backup_leaves_the_office_and_the_folder_as_they_were(office: Office, tmp_path: Path) -> None:
    """D24: nothing of a bad backup is left where it was to go, and an office is never restored over."""
    good = tmp_path / "good.zip"
    backup.backup(office, good)
    content = good.read_bytes()
    bad = tmp_path / "bad.zip"
    for damaged in (content[: len(content) // 2], content[:-200], b"", content[:3000] + b"\0" * 500 + content[3500:]):
        bad.write_bytes(damaged)
        with pytest.raises(AppError):
            backup.restore(bad, tmp_path / "new")
        assert not (tmp_path / "new" / "office.toml").exists()
    before = sorted(p.name for p in office.path.iterdir())
    with pytest.raises(AppError):
        backup.restore(good, office.path)
    assert sorted(p.name for p in office.path.iterdir()) == before
    assert events.verify(office.ledger) == []


def test_d27_fifty_people_who_act_at_the_same_moment(office: Office) -> None:
    """D27: one ledger shared by fifty threads that slept: every save is there, no thread meets another's connection."""
    people, faults = 50, []
    begin = threading.Barrier(people)

    def act(number: int) -> None:
        try:
            begin.wait(60)
            for turn in range(3):
                seen = events.version(office.ledger, f"p:{number}")
                events.append(
                    office.ledger, Draft(f"p:{number}", "k", DAY, f"人{number}", {"turn": turn}, expected_version=seen)
                )
                assert len(events.history(office.ledger, f"p:{number}")) == turn + 1
        except BaseException as error:
            faults.append(repr(error))

    threads = [threading.Thread(target=act, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert faults == []
    assert len(events.effective(office.ledger, ["k"])) == people * 3
    assert events.verify(office.ledger) == []
