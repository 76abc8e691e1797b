"""PostgreSQL: the ledger of an office with several machines (for tracker.ledger), and tables published for others."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

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


Column = tuple[str, str]
_MARK = "七有图发布"


def write_tables(
    url: str, schema: str, tables: Mapping[str, tuple[Sequence[Column], Iterable[Sequence[Any]]]]
) -> dict[str, int]:
    """Replace what was published in a schema by these tables (columns with types, rows), all or nothing.

    A table that keeps its columns keeps its views, rights and QGIS styles: only its rows change. A published table that
    is no longer among them is emptied. Tables of others, and a schema that holds a ledger, are refused.
    """
    try:
        with psycopg.connect(url, connect_timeout=10, client_encoding="utf8") as connection:
            _require_ours(connection, schema, tables)
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
            if not connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'postgis'").fetchone():
                connection.execute("CREATE EXTENSION postgis")
            for table in _published(connection, schema) - set(tables):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(schema, table)))
            return {name: _fill(connection, schema, name, *content) for name, content in tables.items()}
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreError(f"数据库用户没有权限在 {schema} 里发布，或数据库还没有装 PostGIS。请联系管理员。") from error
    except psycopg.errors.DependentObjectsStillExist as error:
        raise StoreError(
            f"发布的列有变化，但别人的视图还在使用旧表：{error}。请对方先删去视图，再发布一次。"
        ) from error
    except (psycopg.OperationalError, psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported) as error:
        text = str(error).strip().splitlines()
        raise StoreError(f"没有发布到 {shown_url(url)}：{text[0] if text else ''}。原来发布的内容未动。") from error


def _published(connection: Any, schema: str) -> set[str]:
    found = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') = %s",
        (schema, _MARK),
    )
    return {str(row[0]) for row in found.fetchall()}


def _require_ours(connection: Any, schema: str, tables: Iterable[str]) -> None:
    found = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (schema,))
    names = {str(row[0]) for row in found.fetchall()}
    if {"events", "chain"} <= names:
        raise StoreError(f"{schema} 里放着账本，不能发布到这里。请换一个模式名。")
    others = (names & set(tables)) - _published(connection, schema)
    if others:
        raise StoreError(f"{schema} 里已有别人的表 {'、'.join(sorted(others))}，没有动它。请换一个模式名。")


def _fill(connection: Any, schema: str, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    table = sql.Identifier(schema, name)
    if _columns(connection, schema, name) == list(columns):
        connection.execute(sql.SQL("DELETE FROM {}").format(table))
    else:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        listed = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in columns]
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(listed)))
        connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(_MARK)))
        for column, kind in columns:
            if kind.startswith("geometry"):
                connection.execute(sql.SQL("CREATE INDEX ON {} USING gist ({})").format(table, sql.Identifier(column)))
    count = 0
    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def _columns(connection: Any, schema: str, name: str) -> list[Column]:
    found = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        (schema, name),
    )
    return [(str(row[0]), str(row[1])) for row in found.fetchall()]


def shown_url(url: str) -> str:
    """Return a database address without its password.

    >>> shown_url("postgresql://atlas:secret@10.0.0.5/office")
    'postgresql://atlas@10.0.0.5/office'
    """
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"
