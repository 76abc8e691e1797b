"""The chain over events: each row holds the hash of the one before, so a row altered by hand is named."""
# ruff: noqa: S608 - only our own column names are put into SQL; every value is bound

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from geo.errors import InputError
from tracker.ledger import Ledger, Transaction

COLUMNS = (
    "seq, event_id, subject, version, kind, at, entered, actor, payload, evidence, corrects, place, previous, hash"
)


@dataclass(frozen=True)
class Fault:
    """A row of the ledger that is not what was written."""

    seq: int
    event_id: str
    message: str


def verify(ledger: Ledger) -> list[Fault]:
    """Recompute the hash chain and name every row that was altered, removed or slipped in by hand; empty when sound."""
    faults: list[Fault] = []
    previous, expected, versions = "", 1, dict[str, int]()

    def work(t: Transaction) -> None:
        nonlocal previous, expected
        while rows := t.rows(f"SELECT {COLUMNS} FROM events WHERE seq >= ? ORDER BY seq LIMIT 5000", (expected,)):
            for row in rows:
                faults.extend(_row_faults(row, expected, previous, versions))
                previous, expected = str(row[13]), int(row[0]) + 1
        seq, last = t.rows("SELECT seq, hash FROM chain")[0]
        if (int(seq), str(last)) != (expected - 1, previous):
            faults.append(
                Fault(int(seq), "", f"账本末尾应是第 {seq} 号记录，现在是第 {expected - 1} 号：末尾被删改过。")
            )

    ledger.read(work)
    return faults


def _row_faults(row: tuple[Any, ...], expected: int, previous: str, versions: dict[str, int]) -> Iterable[Fault]:
    seq, event_id, subject, number = int(row[0]), str(row[1]), str(row[2]), int(row[3])
    if seq != expected:
        yield Fault(expected, "", f"第 {expected} 至 {seq - 1} 号记录被删除。")
    elif str(row[12]) != previous:
        yield Fault(seq, event_id, f"第 {seq} 号记录与前一号接不上：这一号或前一号被改过。")
    if link(row[12], row[:12]) != row[13]:
        yield Fault(seq, event_id, f"第 {seq} 号记录（{subject}）的内容在账本之外被改过。")
    if seq == expected and number != versions.get(subject, 0) + 1:
        yield Fault(seq, event_id, f"第 {seq} 号记录（{subject}）的版本号不连续。")
    versions[subject] = number


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, Chinese as it is."""
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"记录内容里有不能保存的值：{ascii(str(error))[:200]}。") from error
    return text


def link(previous: str, row: Sequence[Any]) -> str:
    """Return the hash of a row (its first twelve columns) that follows a row with the hash `previous`."""
    return hashlib.sha256(canonical([previous, *row]).encode()).hexdigest()
