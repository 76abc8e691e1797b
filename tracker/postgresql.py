"""The ledger in PostgreSQL, for an office with several machines. Only tracker.ledger uses this module."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from geo.errors import StoreError


class PostgreSQL:
    """The ledger of an office with several machines."""

    mark = "%s"
    folder = "postgresql"
    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    no_table: tuple[type[Exception], ...] = (psycopg.errors.UndefinedTable,)

    def __init__(self, url: str) -> None:
        self._url = url
        self.is_read_only = False
        self.notices: list[str] = []

    def connect(self) -> Any:
        """Open one more connection."""
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
        """Begin a transaction; writers queue on one lock, readers see one state."""
        connection.execute("BEGIN" if is_write else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if is_write:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('qiyou.' || current_schema()))")

    def apply(self, connection: Any, script: str) -> None:
        """Run a script of several statements inside the transaction."""
        connection.execute(script)

    def is_transient(self, error: Exception) -> bool:
        """Return whether the same write may succeed a moment later."""
        lost = (psycopg.errors.AdminShutdown, psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
        is_dropped = isinstance(error, psycopg.OperationalError) and getattr(error, "sqlstate", None) is None
        return is_dropped or isinstance(error, lost)

    def has_room_after(self, error: Exception) -> bool:  # noqa: ARG002 - the server keeps its own reserve
        """Return False: the server keeps its own reserve."""
        return False

    def explain(self, error: Exception) -> StoreError | None:
        """Return the sentence for a person, None for an error that is a bug."""
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

    def undo(self, connection: Any) -> bool:
        """Roll back; False when the connection is no longer good."""
        with suppress(psycopg.Error):
            if not connection.closed:
                connection.execute("ROLLBACK")
                return True
        return False

    def copy(self, connection: Any, path: Path, forget: Sequence[str]) -> int:  # noqa: ARG002
        """Refuse: a server has no file to copy; a backup writes its rows instead."""
        raise StoreError("PostgreSQL 账本没有可复制的文件，请用“备份”。")

    def faults(self, connection: Any) -> list[str]:  # noqa: ARG002
        """Return nothing: the server looks after its own files."""
        return []

    def closed(self) -> None:
        """Do nothing: there is no file to let go of."""


def shown_url(url: str) -> str:
    """Return a database address without its password.

    >>> shown_url("postgresql://atlas:secret@10.0.0.5/office")
    'postgresql://atlas@10.0.0.5/office'
    """
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"
