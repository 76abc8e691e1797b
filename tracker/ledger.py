"""The one module that opens the ledger: an SQLite file, or PostgreSQL by URL.

Everything else asks it for a read or a write, each one transaction. A write is serialised (BEGIN IMMEDIATE, or the lock
on the row `chain` in PostgreSQL) and tried again when somebody else was faster, so nobody ever sees "database is locked".
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from geo.errors import AppError, StoreError

T = TypeVar("T")
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
LEDGER_FILE = "ledger.sqlite"
_PATIENCE_S = 30.0


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
    errors: tuple[type[Exception], ...]
    no_table: tuple[type[Exception], ...]
    is_read_only: bool
    notices: list[str]

    def connect(self) -> Any: ...
    def begin(self, connection: Any, is_write: bool) -> None: ...
    def apply(self, connection: Any, script: str) -> None: ...
    def is_transient(self, error: Exception) -> bool: ...
    def explain(self, error: Exception) -> StoreError | None: ...
    def has_room_after(self, error: Exception) -> bool: ...
    def undo(self, connection: Any) -> bool: ...
    def copy(self, connection: Any, path: Path, forget: Sequence[str]) -> int: ...
    def faults(self, connection: Any) -> list[str]: ...
    def closed(self) -> None: ...


class Ledger:
    """An open ledger. Use it from any thread: a connection is only ever lent to one thread at a time.

    `clock` says when events are entered; only the demo, whose invented past was entered on its own days, sets it.
    """

    def __init__(self, store: _Store, where: str) -> None:
        self._store = store
        self.where = where
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
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

    @property
    def is_file(self) -> bool:
        """Whether the ledger is an SQLite file, not a server."""
        return self._store.folder == "sqlite"

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

    def copy_to(self, path: Path, *, forget: Sequence[str] = ()) -> int:
        """Copy an SQLite ledger, consistent while others write, to another file; return the copy's number of events.

        `forget` names tables that the copy shall hold empty.
        """
        with self._explained(), self._lend() as connection:
            return self._store.copy(connection, path, forget)

    def faults(self) -> list[str]:
        """Return what the database itself finds wrong with its file; empty when sound (PostgreSQL: always empty)."""
        with self._explained(), self._lend() as connection:
            return self._store.faults(connection)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the database says into a sentence for a person; what is a bug stays one."""
        try:
            yield
        except self._store.errors as error:
            raise self._store.explain(error) or error from error

    def _patiently(self, work: Callable[[Transaction], T], *, is_write: bool) -> T:
        end = time.monotonic() + _PATIENCE_S
        pause = 0.002
        while True:
            try:
                return self._once(work, is_write=is_write)
            except AppError:
                raise
            except self._store.errors as error:
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
            if not self._store.undo(connection):
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
        from tracker.postgresql import PostgreSQL, shown_url

        store, shown = PostgreSQL(text), shown_url(text)
    else:
        from tracker.sqlite import SQLite

        store, shown = SQLite(Path(where).absolute(), create=create), text
    ledger = Ledger(store, shown)
    try:
        _migrate(ledger, store, create=create)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _migrate(ledger: Ledger, store: _Store, *, create: bool) -> None:
    """Apply each migration not yet applied, one transaction each; refuse a ledger that knows more than we do."""
    names = sorted(path.stem for path in (MIGRATIONS / store.folder).glob("*.sql"))
    done = _applied(ledger, store, create=create)
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


def _applied(ledger: Ledger, store: _Store, *, create: bool) -> set[str]:
    if create:
        table = "CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY, applied TEXT NOT NULL)"
        ledger.write(lambda transaction: transaction.run(table))
    try:
        return {str(row[0]) for row in ledger.read(lambda t: t.rows("SELECT name FROM schema_version"))}
    except store.no_table:
        return set()
