"""The ledger as an SQLite file beside the layers. Only tracker.ledger uses this module."""

import secrets
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from geo.errors import StoreError
from tracker import disk, guard, leftover

_QUICK_CHECK_BYTES = 64 * 1024 * 1024


class SQLite:
    """The ledger as a file beside the layers."""

    mark = "?"
    folder = "sqlite"
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    no_table: tuple[type[Exception], ...] = (sqlite3.OperationalError,)

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
            path.touch(mode=0o600)  # user names and password hashes are in it
        guard.protect(path, self._refuse_foreign_log)
        try:
            self._find_mode()
            if not self.is_read_only:
                disk.keep_reserve(self.reserve)
            state = path.stat()
        except BaseException:
            guard.release(path)
            raise
        self._identity = (state.st_dev, state.st_ino)

    def connect(self) -> sqlite3.Connection:
        """Open one more connection, durable and strict."""
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
        """Begin a transaction; a write takes the lock at once, so that it never has to give up halfway."""
        if is_write:
            self._check_identity()
            connection.execute("BEGIN IMMEDIATE")
            self._count(connection)
        else:
            connection.execute("BEGIN")

    def apply(self, connection: sqlite3.Connection, script: str) -> None:
        """Run a script of several statements inside the transaction (executescript would commit first)."""
        statement = ""
        for line in script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                connection.execute(statement)
                statement = ""

    def is_transient(self, error: Exception) -> bool:
        """Return whether the same write may succeed a moment later."""
        return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

    def has_room_after(self, error: Exception) -> bool:
        """Give up the reserve file when the disk is full; True when the write is worth trying again."""
        if _code(error) != sqlite3.SQLITE_FULL or not disk.give_up_reserve(self.reserve):
            return False
        self.notices.append("磁盘空间即将用完，已动用预留空间保存这一次。请尽快清理磁盘，否则下一次将无法保存。")
        return True

    def explain(self, error: Exception) -> StoreError | None:
        """Return the sentence for a person, None for an error that is a bug."""
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
        is_garbled = str(error).startswith("Could not decode to UTF-8")
        text = texts.get(sqlite3.SQLITE_CORRUPT if is_garbled else _code(error))
        return StoreError(text) if text else None

    def undo(self, connection: sqlite3.Connection) -> bool:
        """Roll back; False when the connection is no longer good."""
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return True
        return False

    def copy(self, connection: sqlite3.Connection, path: Path, forget: Sequence[str]) -> int:
        """Copy the file, consistent while others write, empty some tables of the copy, return its number of events."""
        target = sqlite3.connect(path, isolation_level=None)
        try:
            connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            for table in forget:
                target.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table names
            target.execute("VACUUM")
            return int(target.execute("SELECT seq FROM chain WHERE id = 1").fetchone()[0])
        finally:
            target.close()

    def faults(self, connection: sqlite3.Connection) -> list[str]:
        """Return what SQLite finds wrong with the file; empty when sound."""
        answers = [str(row[0]) for row in connection.execute("PRAGMA integrity_check").fetchall()]
        return [] if answers == ["ok"] else answers

    def closed(self) -> None:
        """Let others open the file again."""
        guard.release(self.path)

    def _count(self, connection: sqlite3.Connection) -> None:
        """Count the write on page 1, see tracker.leftover."""
        writes = int(connection.execute("PRAGMA user_version").fetchone()[0])
        connection.execute(f"PRAGMA user_version = {(writes + 1) % 2**31}")
        if not connection.execute("PRAGMA application_id").fetchone()[0]:
            connection.execute(f"PRAGMA application_id = {1 + secrets.randbelow(2**31 - 1)}")

    def _refuse_foreign_log(self) -> None:
        for _ in range(4):  # another process may just be folding its log into the file
            try:
                if leftover.fits(self.path):
                    return
            except OSError:
                return  # what cannot be read is explained when it is opened
            time.sleep(0.05)
        raise StoreError(
            f"{self.path.name}-wal 不是这份账本留下的（账本可能是手工复制来的），为免混在一起没有打开。"
            f"请把 {self.path.name}-wal 和 {self.path.name}-shm 移到别处再打开；以后请用“备份”和“恢复”，不要手工复制。"
        )

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


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
