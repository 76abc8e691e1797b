"""The one module that opens the ledger: an SQLite file, or PostgreSQL by URL.

Everything else asks it for a read or a write, each one transaction. A write is serialised (BEGIN IMMEDIATE, or the lock
on the row `chain` in PostgreSQL) and tried again when somebody else was faster, so nobody ever sees "database is locked".
"""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlsplit

import psycopg

from geo.errors import AppError, StoreError
from tracker import disk, guard

T = TypeVar("T")
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
LEDGER_FILE = "ledger.sqlite"
_PATIENCE_S = 30.0
_QUICK_CHECK_BYTES = 64 * 1024 * 1024


class ConflictError(StoreError):
    """Somebody else changed the same thing first; `theirs` holds what they entered since."""

    def __init__(self, message: str, theirs: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.theirs = tuple(theirs)


class Transaction:
    """One transaction on the ledger. SQL uses `?` for values, whichever the store."""

    def __init__(self, connection: Any, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return list(self._connection.execute(sql.replace("?", self._mark), values).fetchall())

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Change rows and return how many."""
        return int(self._connection.execute(sql.replace("?", self._mark), values).rowcount)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one change for each row of values."""
        self._connection.cursor().executemany(sql.replace("?", self._mark), rows)


class _Store(Protocol):
    """What differs between the two databases."""

    mark: str
    folder: str
    is_read_only: bool
    notices: list[str]

    def connect(self) -> Any: ...
    def begin(self, connection: Any, is_write: bool) -> None: ...
    def apply(self, connection: Any, script: str) -> None: ...
    def is_transient(self, error: Exception) -> bool: ...
    def explain(self, error: Exception) -> StoreError | None: ...
    def has_room_after(self, error: Exception) -> bool: ...
    def closed(self) -> None: ...


class Ledger:
    """An open ledger. Use it from any thread: a connection is only ever lent to one thread at a time."""

    def __init__(self, store: _Store, where: str) -> None:
        self._store = store
        self.where = where
        self._idle: list[Any] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._is_closed = False

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written, because the disk or the rights do not allow it."""
        return self._store.is_read_only

    @property
    def notices(self) -> tuple[str, ...]:
        """Return sentences a person should see about this ledger (network share, read-only, disk nearly full)."""
        return tuple(self._store.notices)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on one consistent state of the ledger."""
        return self._patiently(work, is_write=False)

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` as one change, all or nothing; it may be called again when somebody else was faster."""
        if self.is_read_only:
            raise StoreError(f"账本是只读的，无法保存：{self.where}。请检查磁盘和文件夹权限，或换到可写的位置。")
        return self._patiently(work, is_write=True)

    def close(self) -> None:
        """Close every connection; the ledger cannot be used afterwards."""
        with self._lock:
            idle, self._idle, was_closed, self._is_closed = self._idle, [], self._is_closed, True
        if self._process == os.getpid():
            for connection in idle:
                connection.close()
        if not was_closed:
            self._store.closed()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def copy_to(self, path: Path) -> None:
        """Copy an SQLite ledger, consistent while others write, to another file (SQLite's backup interface)."""
        if not isinstance(self._store, _SQLite):
            raise StoreError("PostgreSQL 账本请用数据库转储备份。")
        with self._lend() as connection:
            target = sqlite3.connect(path)
            try:
                connection.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")
            finally:
                target.close()

    def faults(self) -> list[str]:
        """Return what the database itself finds wrong with its file; empty when sound (PostgreSQL: always empty)."""
        if not isinstance(self._store, _SQLite):
            return []
        answers = [str(row[0]) for row in self.read(lambda t: t.rows("PRAGMA integrity_check"))]
        return [] if answers == ["ok"] else answers

    def _patiently(self, work: Callable[[Transaction], T], *, is_write: bool) -> T:
        end = time.monotonic() + _PATIENCE_S
        pause = 0.002
        while True:
            try:
                return self._once(work, is_write=is_write)
            except AppError:
                raise
            except (sqlite3.Error, psycopg.Error) as error:
                if self._store.has_room_after(error):
                    continue
                if not self._store.is_transient(error) or time.monotonic() > end:
                    raise self._store.explain(error) or error from error
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret depends on it
            pause = min(pause * 2, 0.25)

    def _once(self, work: Callable[[Transaction], T], *, is_write: bool) -> T:
        with self._lend() as connection:
            self._store.begin(connection, is_write)
            result = work(Transaction(connection, self._store.mark))
            connection.execute("COMMIT")
        return result

    @contextmanager
    def _lend(self) -> Iterator[Any]:
        connection = self._take()
        try:
            yield connection
        except BaseException:
            if not _undo(connection):
                connection.close()
                raise
            self._give_back(connection)
            raise
        self._give_back(connection)

    def _take(self) -> Any:
        if self._is_closed:
            raise StoreError("账本已经关闭，请重新打开办公室。")
        if self._process != os.getpid():
            raise StoreError("账本不能带进另一个进程使用，请在新进程里重新打开办公室。")
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._store.connect()

    def _give_back(self, connection: Any) -> None:
        with self._lock:
            is_wanted = not self._is_closed and len(self._idle) < 8
            if is_wanted:
                self._idle.append(connection)
        if not is_wanted:
            connection.close()


def open_ledger(where: Path | str, *, create: bool = False) -> Ledger:
    """Open the ledger in a file or at a postgresql:// URL and bring its tables up to date.

    Raises StoreError when it is absent (unless `create`), damaged, newer than this program, or out of reach.
    """
    text = str(where)
    store: _Store
    if text.startswith(("postgresql://", "postgres://")):
        store, shown = _PostgreSQL(text), shown_url(text)
    else:
        store, shown = _SQLite(Path(where).absolute(), create=create), text
    ledger = Ledger(store, shown)
    try:
        _migrate(ledger, store, create=create)
    except BaseException:
        ledger.close()
        raise
    return ledger


def shown_url(url: str) -> str:
    """Return a database address without its password.

    >>> shown_url("postgresql://atlas:secret@10.0.0.5/office")
    'postgresql://atlas@10.0.0.5/office'
    """
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"


def _migrate(ledger: Ledger, store: _Store, *, create: bool) -> None:
    """Apply each migration not yet applied, one transaction each; refuse a ledger that knows more than we do."""
    names = sorted(path.stem for path in (MIGRATIONS / store.folder).glob("*.sql"))
    done = _applied(ledger, create=create)
    if not done and not create:
        raise StoreError(f"{ledger.where} 里没有账本，或账本文件已损坏成空的。请用“恢复”取回最近一次备份。")
    newer = sorted(done - set(names))
    if newer:
        raise StoreError(
            f"账本 {ledger.where} 由更新版本的程序建立（含 {newer[-1]}），本版本不能打开。请升级程序后再用。"
        )
    missing = [name for name in names if name not in done]
    if missing and store.is_read_only:
        raise StoreError(f"账本 {ledger.where} 需要升级，但所在位置是只读的。请复制到可写的文件夹后再打开。")
    for name in missing:
        script = (MIGRATIONS / store.folder / f"{name}.sql").read_text(encoding="utf-8")

        def step(transaction: Transaction, name: str = name, script: str = script) -> None:
            if transaction.rows("SELECT 1 FROM schema_version WHERE name = ?", (name,)):
                return
            store.apply(transaction._connection, script)
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            transaction.run("INSERT INTO schema_version (name, applied) VALUES (?, ?)", (name, now))

        ledger.write(step)


def _applied(ledger: Ledger, *, create: bool) -> set[str]:
    if create:
        table = "CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY, applied TEXT NOT NULL)"
        ledger.write(lambda transaction: transaction.run(table))
    try:
        return {str(row[0]) for row in ledger.read(lambda t: t.rows("SELECT name FROM schema_version"))}
    except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
        return set()


def _undo(connection: Any) -> bool:
    """Roll back; False when the connection is no longer good."""
    with suppress(sqlite3.Error, psycopg.Error):
        if isinstance(connection, sqlite3.Connection):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return True
        if not connection.closed:
            connection.execute("ROLLBACK")
            return True
    return False


class _SQLite:
    """The ledger as a file beside the layers."""

    mark = "?"
    folder = "sqlite"

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self.reserve = path.with_name(path.name + "-reserve")
        self.is_read_only = False
        self.notices: list[str] = []
        self._uri = "file://" + ("" if path.as_posix().startswith("/") else "/") + quote(path.as_posix())
        self._mode = "rw"
        self._journal = "WAL"
        if not path.exists() and not create:
            raise StoreError(f"找不到账本 {path}。请确认办公室文件夹是否正确，或从备份恢复。")
        if disk.is_network_share(path.parent):
            self._journal = "DELETE"
            self.notices.append(
                "办公室放在网络共享上：只适合一人使用。多人同时使用请改用 PostgreSQL（见 docs/tracker.md）。"
            )
        if not path.exists():
            path.touch()
        self._find_mode()
        if not self.is_read_only:
            disk.keep_reserve(self.reserve)
        state = path.stat()
        self._identity = (state.st_dev, state.st_ino)
        guard.protect(path)

    def connect(self) -> sqlite3.Connection:
        with guard.ledger_at_work():
            connection = sqlite3.connect(
                f"{self._uri}?{'immutable=1' if self._mode == 'immutable' else 'mode=' + self._mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=10.0,
                cached_statements=256,
            )
            try:
                for pragma in ("busy_timeout=10000", "trusted_schema=OFF", "foreign_keys=ON", "synchronous=FULL"):
                    connection.execute(f"PRAGMA {pragma}")
                if not self.is_read_only:
                    connection.execute(f"PRAGMA journal_mode={self._journal}").fetchone()
            except BaseException:
                connection.close()
                raise
        return connection

    def begin(self, connection: sqlite3.Connection, is_write: bool) -> None:
        if is_write:
            self._check_identity()
            connection.execute("BEGIN IMMEDIATE")
        else:
            connection.execute("BEGIN")

    def apply(self, connection: sqlite3.Connection, script: str) -> None:
        statement = ""
        for line in script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                connection.execute(statement)
                statement = ""

    def is_transient(self, error: Exception) -> bool:
        return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

    def has_room_after(self, error: Exception) -> bool:
        """Give up the reserve file when the disk is full; True when the write is worth trying again."""
        if _code(error) != sqlite3.SQLITE_FULL or not disk.give_up_reserve(self.reserve):
            return False
        self.notices.append("磁盘空间即将用完，已动用预留空间保存这一次。请尽快清理磁盘，否则下一次将无法保存。")
        return True

    def explain(self, error: Exception) -> StoreError | None:
        name = self.path
        texts = {
            sqlite3.SQLITE_FULL: f"磁盘已满，这一次没有保存，以前的记录都在：{name}。请清理出空间后再保存一次。",
            sqlite3.SQLITE_BUSY: f"账本一直被别的程序占用，这一次没有保存：{name}。请稍后再试。",
            sqlite3.SQLITE_LOCKED: f"账本一直被别的程序占用，这一次没有保存：{name}。请稍后再试。",
            sqlite3.SQLITE_READONLY: f"账本不可写，这一次没有保存：{name}。请检查文件夹权限或磁盘写保护。",
            sqlite3.SQLITE_CANTOPEN: f"打不开账本：{name}。请检查文件夹是否存在、权限是否足够、磁盘是否已满。",
            sqlite3.SQLITE_CORRUPT: f"账本文件已损坏，为免错上加错没有继续：{name}。请用“恢复”取回最近一次备份。",
            sqlite3.SQLITE_NOTADB: f"账本文件已损坏或不是账本：{name}。请用“恢复”取回最近一次备份。",
            sqlite3.SQLITE_IOERR: f"磁盘读写出错，这一次没有保存：{name}。请检查磁盘，先做备份。",
        }
        text = texts.get(_code(error))
        return StoreError(text) if text else None

    def closed(self) -> None:
        guard.release(self.path)

    def _check_identity(self) -> None:
        try:
            state = self.path.stat()
        except OSError:
            state = None
        if state is None or (state.st_dev, state.st_ino) != self._identity:
            raise StoreError(
                f"账本文件在使用中被删除或替换：{self.path}。为免写错地方已停止保存，请关闭程序，确认文件后再打开。"
            )

    def _find_mode(self) -> None:
        """Find out whether the file can be written, only read, or only read as it lies on a read-only disk."""
        for mode in ("rw", "ro", "immutable"):
            self._mode, self.is_read_only = mode, mode != "rw"
            try:
                self._try()
            except sqlite3.Error as error:
                is_last = mode == "immutable" or self._has_log()
                if mode == "rw" and _code(error) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
                    raise self.explain(error) or error from error
                if mode != "rw" and is_last:
                    raise self.explain(error) or error from error
            else:
                break
        if self.is_read_only:
            self.notices.append("办公室以只读方式打开：可以查看和导出，不能保存。")

    def _try(self) -> None:
        connection = self.connect()
        try:
            if not self.is_read_only:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if self.path.stat().st_size <= _QUICK_CHECK_BYTES:
                answer = connection.execute("PRAGMA quick_check(1)").fetchone()
                if answer[0] != "ok":
                    raise StoreError(f"账本文件已损坏：{self.path}（{answer[0]}）。请用“恢复”取回最近一次备份。")
        finally:
            connection.close()

    def _has_log(self) -> bool:
        log = self.path.with_name(self.path.name + "-wal")
        return log.exists() and log.stat().st_size > 0


class _PostgreSQL:
    """The ledger of an office with several machines."""

    mark = "%s"
    folder = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url
        self.is_read_only = False
        self.notices: list[str] = []

    def connect(self) -> Any:
        try:
            connection = psycopg.connect(self._url, autocommit=True, connect_timeout=10, client_encoding="utf8")
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else ""
            raise StoreError(
                f"连不上 PostgreSQL 账本 {shown_url(self._url)}：{reason}。请检查服务器、用户名和密码。"
            ) from error
        connection.execute("SET synchronous_commit = on")
        connection.execute("SET TIME ZONE 'UTC'")
        return connection

    def begin(self, connection: Any, is_write: bool) -> None:
        connection.execute("BEGIN" if is_write else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if is_write:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('qiyou.' || current_schema()))")

    def apply(self, connection: Any, script: str) -> None:
        connection.execute(script)

    def is_transient(self, error: Exception) -> bool:
        lost = (psycopg.errors.AdminShutdown, psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
        is_dropped = isinstance(error, psycopg.OperationalError) and getattr(error, "sqlstate", None) is None
        return is_dropped or isinstance(error, lost)

    def has_room_after(self, error: Exception) -> bool:  # noqa: ARG002 - the server keeps its own reserve
        return False

    def explain(self, error: Exception) -> StoreError | None:
        where = shown_url(self._url)
        if isinstance(error, psycopg.errors.DiskFull):
            return StoreError(f"数据库服务器磁盘已满，这一次没有保存：{where}。请联系管理员清理空间。")
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            return StoreError(f"数据库用户没有足够权限：{where}。请管理员授权（见 docs/tracker.md）。")
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return StoreError(f"数据库当前只读，这一次没有保存：{where}。请联系管理员。")
        if self.is_transient(error):
            return StoreError(f"与数据库的连接中断，这一次可能没有保存：{where}。请稍后再试，重复提交不会重复记账。")
        return None

    def closed(self) -> None:
        pass


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
