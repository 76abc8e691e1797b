"""The ledger as lines of JSON: for a backup of a PostgreSQL office, for moving between stores, and for comparing two."""
# ruff: noqa: S608 - only the table names below are put into SQL; every value is bound

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any

from geo.errors import StoreError
from tracker.ledger import Ledger, Transaction

# Sessions and failed tries belong to a running office, not to its history: they end when it moves.
TABLES = {
    "events": (
        "seq, event_id, subject, version, kind, at, entered, actor, payload, evidence, corrects, place, previous, hash"
    ),
    "users": "username, name, role, sector, towns, password, is_active, version",
    "identities": "username, issuer, subject",
}
_KEYS = {"events": "seq", "users": "username", "identities": "username"}
_PAGE = 5000
MOVED = -1  # the sequence number of a ledger that has moved: tracker.events refuses to write


def lines(t: Transaction) -> Iterator[str]:
    """Return the ledger line by line, always in the same order: the same history gives the same lines."""
    yield _line({"format": 1, "head": t.rows("SELECT seq, hash FROM chain WHERE id = 1")[0]})
    for table, columns in TABLES.items():
        key = _KEYS[table]
        last: Any = 0 if table == "events" else ""
        sql = f"SELECT {columns} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {_PAGE}"
        while page := t.rows(sql, (last,)):
            for row in page:
                yield _line([table, *row])
            last = page[-1][0]


def digest(ledger: Ledger) -> str:
    """Return one SHA-256 over everything `lines` gives: equal for two ledgers with the same history and people."""
    return ledger.read(lambda t: digest_of(lines(t)))


def load(ledger: Ledger, content: IO[str]) -> None:
    """Fill an empty ledger from a text file of `lines`, all or nothing. Raises StoreError when it is not empty or a line is broken."""

    def work(t: Transaction) -> None:
        if t.rows("SELECT 1 FROM events LIMIT 1") or t.rows("SELECT 1 FROM users LIMIT 1"):
            raise StoreError(f"账本 {ledger.where} 里已有内容，不会覆盖。请换一个空的数据库或文件夹。")
        content.seek(0)
        stream = iter(content)
        seq, last = _head(next(stream, ""))
        count = 0
        while page := list(islice(stream, _PAGE)):
            rows = [_row(text) for text in page]
            for table, columns in TABLES.items():
                chosen = [row[1:] for row in rows if row[0] == table]
                marks = ",".join("?" * len(columns.split(",")))
                if chosen:
                    t.many(f"INSERT INTO {table} ({columns}) VALUES ({marks})", chosen)
                    count += len(chosen) if table == "events" else 0
        if count != seq:
            raise StoreError(f"账本的副本不完整：应有 {seq} 条记录，只有 {count} 条。请换一份备份。")
        t.run("UPDATE chain SET seq = ?, hash = ? WHERE id = 1", (seq, last))

    ledger.write(work)


def digest_of(content: Iterable[str]) -> str:
    """Return one SHA-256 over lines."""
    total = hashlib.sha256()
    for line in content:
        total.update(line.encode("utf-8", "surrogatepass"))
    return total.hexdigest()


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _head(text: str) -> tuple[int, str]:
    try:
        content = json.loads(text)
        seq, last = content["head"]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError("账本的副本开头已损坏，请换一份备份。") from error
    if content.get("format") != 1:
        raise StoreError("账本的副本由更新版本的程序写成，请升级程序后再恢复。")
    return int(seq), str(last)


def _row(text: str) -> Sequence[Any]:
    try:
        row = json.loads(text)
    except ValueError as error:
        raise StoreError("账本的副本有一行已损坏，请换一份备份。") from error
    if not isinstance(row, list) or not row or row[0] not in TABLES:
        raise StoreError("账本的副本里有不认识的内容，请升级程序或换一份备份。")
    return row
