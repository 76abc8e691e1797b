"""The ledger file: pragmas, migrations, refusals, threads, the guard around the live file."""

import ast
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from geo.errors import StoreError
from tracker import disk, guard, ledger
from tracker.ledger import Ledger, open_ledger

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def live(path):
    with open_ledger(path, create=True) as opened:
        yield opened


def pragma(live: Ledger, name: str):
    return live.read(lambda t: t.rows(f"PRAGMA {name}"))[0][0]


def test_every_connection_is_durable_and_strict(live):
    assert pragma(live, "journal_mode") == "wal"
    assert pragma(live, "synchronous") == 2, "FULL: a power cut must not lose an acknowledged write"
    assert pragma(live, "foreign_keys") == 1
    assert pragma(live, "trusted_schema") == 0
    assert pragma(live, "busy_timeout") == 10000


@pytest.mark.skipif(sys.platform == "win32", reason="rights are kept differently on Windows")
def test_only_the_service_account_reads_the_ledger(live, path):
    live.write(lambda t: t.run("UPDATE chain SET seq = 1"))
    assert {
        file.stat().st_mode & 0o077 for file in path.parent.glob("ledger.sqlite*") if "reserve" not in file.name
    } == {0}


def test_journal_mode_is_set_again_when_another_program_changed_it(path):
    open_ledger(path, create=True).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode=DELETE")
    other.close()
    with open_ledger(path) as live:
        assert pragma(live, "journal_mode") == "wal"


def test_absent_ledger_is_not_silently_made(path):
    with pytest.raises(StoreError, match="找不到账本"):
        open_ledger(path)
    assert not path.exists()


def test_failed_write_leaves_nothing(live):
    def work(t):
        t.run("INSERT INTO failures VALUES ('a', 1, '', '')")
        raise StoreError("停")

    with pytest.raises(StoreError, match="停"):
        live.write(work)
    assert live.read(lambda t: t.rows("SELECT * FROM failures")) == []
    live.write(lambda t: t.run("INSERT INTO failures VALUES ('a', 1, '', '')"))


def test_read_sees_one_state_while_another_thread_writes(live):
    def work(t):
        before = t.rows("SELECT count(*) FROM failures")
        writer = threading.Thread(
            target=lambda: live.write(lambda w: w.run("INSERT INTO failures VALUES ('b', 1, '', '')"))
        )
        writer.start()
        writer.join(10)
        return before == t.rows("SELECT count(*) FROM failures")

    assert live.read(work)
    assert live.read(lambda t: t.rows("SELECT count(*) FROM failures")) == [(1,)]


def test_many_threads_share_a_ledger_and_lose_nothing(live):
    faults = []

    def edit():
        try:
            for _ in range(10):
                live.write(lambda t: t.run("UPDATE chain SET seq = seq + 1"))
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=edit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert live.read(lambda t: t.rows("SELECT seq FROM chain")) == [(120,)]


def test_a_write_holds_the_lock_from_its_first_moment(live, path):
    """Taking it later would make a reader that turns writer start again (BEGIN IMMEDIATE)."""

    def work(_):
        with guard.ledger_at_work():
            other = sqlite3.connect(path, timeout=0, isolation_level=None)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")

    live.write(work)


def test_newer_ledger_is_refused(live, path):
    live.write(lambda t: t.run("INSERT INTO schema_version VALUES ('9999_future', '2030-01-01')"))
    with pytest.raises(StoreError, match=r"更新版本.*9999_future.*升级程序"):
        open_ledger(path)


def test_migration_is_all_or_nothing(path, tmp_path, monkeypatch):
    folder = tmp_path / "migrations" / "sqlite"
    folder.mkdir(parents=True)
    shutil.copy(ledger.MIGRATIONS / "sqlite" / "0001_events.sql", folder)
    monkeypatch.setattr(ledger, "MIGRATIONS", tmp_path / "migrations")
    open_ledger(path, create=True).close()
    (folder / "0002_bad.sql").write_text("CREATE TABLE half (a INTEGER);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        open_ledger(path)
    (folder / "0002_bad.sql").unlink()
    with open_ledger(path) as live:
        names = {row[0] for row in live.read(lambda t: t.rows("SELECT name FROM sqlite_master"))}
        assert "half" not in names
        assert live.read(lambda t: t.rows("SELECT name FROM schema_version")) == [("0001_events",)]


def test_old_ledger_is_brought_up_to_date_and_keeps_its_rows(path, tmp_path, monkeypatch):
    folder = tmp_path / "migrations" / "sqlite"
    folder.mkdir(parents=True)
    shutil.copy(ledger.MIGRATIONS / "sqlite" / "0001_events.sql", folder)
    monkeypatch.setattr(ledger, "MIGRATIONS", tmp_path / "migrations")
    with open_ledger(path, create=True) as old:
        old.write(lambda t: t.run("UPDATE chain SET seq = 7"))
    monkeypatch.undo()
    with open_ledger(path) as new:
        assert new.read(lambda t: t.rows("SELECT seq FROM chain")) == [(7,)]
        assert new.read(lambda t: t.rows("SELECT count(*) FROM users")) == [(0,)]


def test_both_stores_have_the_same_migrations_and_tables():
    def names(store):
        return sorted(path.name for path in (ledger.MIGRATIONS / store).glob("*.sql"))

    assert names("sqlite") == names("postgresql") != []


def test_network_share_gets_no_wal_and_says_so(path, monkeypatch):
    monkeypatch.setattr(disk, "filesystem_type", lambda _: "cifs")
    with open_ledger(path, create=True) as live:
        assert pragma(live, "journal_mode") == "delete"
        assert "网络共享" in live.notices[0]
        assert "PostgreSQL" in live.notices[0]


@pytest.mark.skipif(not Path("/proc/mounts").exists(), reason="needs /proc/mounts")
def test_filesystem_type_is_the_nearest_mount():
    assert disk.filesystem_type(Path("/proc/self")) == "proc"
    assert not disk.is_network_share(Path.cwd())


@pytest.mark.parametrize("length", [0, 1, 50, 99, 100, 512, 4095, 4096, 6000, 9000, 20000])
def test_truncated_ledger_is_refused_never_a_crash_never_taken_for_a_new_one(path, length):
    with open_ledger(path, create=True) as live:
        live.write(lambda t: t.many("INSERT INTO failures VALUES (?, 1, '', '')", [(str(i),) for i in range(3000)]))
    whole = path.read_bytes()
    assert len(whole) > 20000
    path.write_bytes(whole[:length])
    with pytest.raises(StoreError, match=r"损坏.*恢复"):
        open_ledger(path)


def test_a_file_that_is_no_database_is_refused(path):
    path.write_bytes(b"PK\x03\x04" + b"x" * 8000)
    with pytest.raises(StoreError, match="损坏或不是账本"):
        open_ledger(path)


def test_replaced_file_stops_writing(live, path, tmp_path):
    copy = tmp_path / "copy.sqlite"
    live.copy_to(copy)
    subprocess.run([sys.executable, "-c", f"import os; os.replace({str(copy)!r}, {str(path)!r})"], check=True)
    with pytest.raises(StoreError, match="删除或替换"):
        live.write(lambda t: t.run("UPDATE chain SET seq = 1"))


def test_closed_ledger_says_so(live):
    live.close()
    with pytest.raises(StoreError, match="已经关闭"):
        live.read(lambda t: t.rows("SELECT 1"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_ledger_does_not_cross_a_fork(live):
    script = f"""
import os
from tracker.ledger import open_ledger
live = open_ledger({live.where!r})
live.read(lambda t: t.rows("SELECT 1"))
child = os.fork()
if child == 0:
    try:
        live.read(lambda t: t.rows("SELECT 1"))
    except Exception as error:
        os._exit(7 if "另一个进程" in str(error) else 8)
    os._exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "7", ran.stderr


def opens(path):
    yield lambda: path.open("rb")
    yield lambda: open(path)  # noqa: PTH123, SIM115
    yield lambda: os.open(path, os.O_RDONLY)
    yield lambda: shutil.copy(path, path.with_name("copy"))
    yield lambda: sqlite3.connect(path)
    yield lambda: sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)
    yield lambda: path.with_name("ledger.sqlite-wal").open("rb")
    yield lambda: path.unlink()
    yield lambda: path.rename(path.with_name("moved"))
    yield lambda: os.truncate(path, 0)


def test_nobody_else_in_this_process_opens_the_live_file(live, path):
    live.write(lambda t: t.run("UPDATE chain SET seq = 3"))
    attempts = list(opens(path))
    for attempt in attempts:
        with pytest.raises(StoreError, match="账本"):
            attempt()
    assert live.read(lambda t: t.rows("SELECT seq FROM chain")) == [(3,)]
    live.close()
    with path.open("rb") as file:
        assert file.read(15) == b"SQLite format 3"


def test_a_link_to_the_live_file_is_guarded_too(live, path, tmp_path):
    link = tmp_path / "link"
    subprocess.run([sys.executable, "-c", f"import os; os.symlink({str(path)!r}, {str(link)!r})"], check=True)
    with pytest.raises(StoreError, match="账本"):
        link.open("rb")


def test_a_second_ledger_on_the_same_file_keeps_the_guard_up(live, path):
    open_ledger(path).close()
    with pytest.raises(StoreError):
        path.open("rb")


def test_a_refused_ledger_leaves_no_guard_behind(path):
    path.write_bytes(b"PK\x03\x04" + b"x" * 8000)
    with pytest.raises(StoreError):
        open_ledger(path)
    assert path.read_bytes().startswith(b"PK")


def test_only_the_ledger_speaks_to_a_database():
    """D05: a new place that opens SQLite or PostgreSQL, or names the ledger file, must be a decision, not an accident."""
    allowed = {"tracker/ledger.py", "tracker/sqlite.py", "tracker/postgresql.py"}
    found = set()
    for room in ("geo", "layers", "analysis", "demo", "tracker", "views"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "ledger.sqlite" in node.value:
                    names = ["sqlite3"] if not node.value.count("\n") else []
                if {name.split(".")[0] for name in names} & {"sqlite3", "psycopg"}:
                    found.add(file.relative_to(ROOT).as_posix())
    assert found - allowed == set()
