"""Append-only events: everything that ever happened in the office, and what was known of it on a day.

An event says who, when it happened (`at`, a day), when it was entered (`entered`), what (`kind`, `payload`) and on which
evidence. Nothing is overwritten. A correction is an event that names the event it corrects and takes its place; a
withdrawal takes an event away. Two days ask for a view: `as_of` (what had happened by that day) and `known_on` (what
the office knew by that day). Each event carries the hash of the one before it, so a row altered by hand is named.
"""
# ruff: noqa: S608 - only our own column names are put into SQL; every value is bound

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, NamedTuple

from geo.errors import InputError, StoreError
from tracker.chain import COLUMNS, canonical, link
from tracker.chain import Fault as Fault
from tracker.chain import verify as verify
from tracker.ledger import ConflictError, Ledger, Transaction

OFFICE_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")
WITHDRAWN = "withdrawn"
FINAL = frozenset({"access", "person_forgotten"})  # the log of views and exports, and tombstones: nobody corrects them


@dataclass(frozen=True)
class Draft:
    """An event about to be entered.

    `event_id` makes saving twice harmless: the same id is stored once (a form makes one when it opens).
    `expected_version` is the version of the subject the person was looking at; None means it does not matter.
    `corrects` is the sequence number of the event this one replaces.
    """

    subject: str
    kind: str
    at: date
    by: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    evidence: Sequence[str] = ()
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    expected_version: int | None = None
    corrects: int | None = None


class Event(NamedTuple):
    """Something that happened, as the ledger holds it. `version` counts the events of its subject from 1."""

    seq: int
    event_id: str
    subject: str
    version: int
    kind: str
    at: date
    entered: datetime
    by: str
    payload: Mapping[str, Any]
    evidence: tuple[str, ...]
    corrects: int | None
    place: str
    hash: str


def append(ledger: Ledger, *drafts: Draft, now: datetime | None = None) -> list[Event]:
    """Enter events as one change, all or none, and return them as stored.

    `now` is the moment of entering (default: the ledger's clock, which is this computer's, UTC). An event_id that is already there returns the
    event stored then. Raises ConflictError when a subject has moved on since `expected_version`, InputError when an
    event is incomplete or corrects something that does not exist.

    >>> from tracker.ledger import open_ledger
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder, open_ledger(pathlib.Path(folder) / "l.sqlite", create=True) as l:
    ...     [e] = append(l, Draft("project:1", "project_described", date(2018, 5, 1), "李工", {"title": "村道"}))
    >>> e.seq, e.version, e.payload["title"]
    (1, 1, '村道')
    """
    return ledger.write(lambda t: enter(t, *drafts, now=now or ledger.clock()))


def enter(t: Transaction, *drafts: Draft, now: datetime | None = None) -> list[Event]:
    """Enter events as part of a larger change, see `append`: they stand or fall with the rest of the transaction."""
    bodies = [_body(draft) for draft in drafts]
    return _enter(t, drafts, bodies, _stamp(now or datetime.now(UTC)))


def correct(ledger: Ledger, seq: int, *, by: str, payload: Mapping[str, Any] | None = None, **changes: Any) -> Event:
    """Replace what an event says: its payload, and if given its day (`at`) or `evidence`. The old one stays readable."""
    old = event(ledger, seq)
    draft = Draft(
        subject=old.subject,
        kind=old.kind,
        at=changes.pop("at", old.at),
        by=by,
        payload=old.payload if payload is None else payload,
        evidence=changes.pop("evidence", old.evidence),
        corrects=seq,
        **{key: changes.pop(key) for key in ("event_id", "expected_version") if key in changes},
    )
    return append(ledger, draft, **changes)[0]


def withdraw(ledger: Ledger, seq: int, *, by: str, reason: str, now: datetime | None = None) -> Event:
    """Take an event out of every view from now on, with the reason. What was known before stays as it was known."""
    if not reason.strip():
        raise InputError("撤回记录要写明原因。")
    old = event(ledger, seq)
    return append(ledger, Draft(old.subject, WITHDRAWN, old.at, by, {"reason": reason}, corrects=seq), now=now)[0]


def event(ledger: Ledger, seq: int) -> Event:
    """Return one event by its sequence number."""
    found = ledger.read(lambda t: t.rows(f"SELECT {COLUMNS} FROM events WHERE seq = ?", (seq,)))
    if not found:
        raise InputError(f"账本里没有第 {seq} 号记录。")
    return _event(found[0])


def history(ledger: Ledger, subject: str) -> list[Event]:
    """Return every event of a subject in the order entered, the corrected and withdrawn among them."""
    sql = f"SELECT {COLUMNS} FROM events WHERE subject = ? ORDER BY seq"
    return [_event(row) for row in ledger.read(lambda t: t.rows(sql, (subject,)))]


def version(ledger: Ledger, subject: str) -> int:
    """Return how many events a subject has: what a form remembers when it opens."""
    return ledger.read(lambda t: _version(t, subject))


def by_id(ledger: Ledger, event_id: str) -> Event | None:
    """Return the event stored under a form's id, None when that form has not been saved yet."""
    found = ledger.read(lambda t: t.rows(f"SELECT {COLUMNS} FROM events WHERE event_id = ?", (event_id,)))
    return _event(found[0]) if found else None


def effective(
    ledger: Ledger,
    kinds: Iterable[str],
    *,
    as_of: date | None = None,
    known_on: date | None = None,
    subject: str | None = None,
) -> list[Event]:
    """Return the events of these kinds (of one subject, if given) that hold, in the order they happened.

    `as_of` keeps what had happened by the end of that day, `known_on` what had been entered by the end of that day
    (China time); None means everything. Corrected and withdrawn events are left out.
    """
    names = list(kinds)

    def work(t: Transaction) -> list[tuple[Any, ...]]:
        where, values = _holds(t, names, as_of, known_on, subject)
        return t.rows(f"SELECT {COLUMNS} FROM events WHERE {where} ORDER BY place", values)

    return [_event(row) for row in ledger.read(work)]


def latest(
    ledger: Ledger,
    kinds: Iterable[str],
    *,
    as_of: date | None = None,
    known_on: date | None = None,
    subject: str | None = None,
) -> list[Event]:
    """Return, for every subject and kind, the last event that holds (see `effective`), ordered by subject and place."""
    names = list(kinds)

    def work(t: Transaction) -> list[tuple[Any, ...]]:
        where, values = _holds(t, names, as_of, known_on, subject)
        last = f"SELECT max(place) AS last FROM events WHERE {where} GROUP BY kind, subject"
        return t.rows(
            f"SELECT {COLUMNS} FROM events WHERE seq IN (SELECT CAST(substr(last, 25) AS INTEGER) FROM ({last}) AS m)",
            values,
        )

    return sorted((_event(row) for row in ledger.read(work)), key=lambda e: (e.subject, e.place))


def _enter(t: Transaction, drafts: Sequence[Draft], bodies: Sequence[tuple[str, str]], entered: str) -> list[Event]:
    seq, last = t.rows("SELECT seq, hash FROM chain WHERE id = 1")[0]
    if seq < 0:
        raise StoreError("账本已经搬到别处，这一次没有保存。请关闭程序，重新打开办公室后再保存。")
    events: list[Event] = []
    for draft, (payload, evidence) in zip(drafts, bodies, strict=True):
        stored = t.rows(f"SELECT {COLUMNS} FROM events WHERE event_id = ?", (draft.event_id,))
        if stored:
            events.append(_same(_event(stored[0]), draft, payload))
            continue
        number = _version(t, draft.subject)
        if draft.expected_version is not None and draft.expected_version != number:
            raise _conflict(t, draft, number)
        seq += 1
        place = f"{draft.at.isoformat()}#{_root(t, draft, seq):012d}#{seq:012d}"
        row: tuple[Any, ...] = (
            seq,
            draft.event_id,
            draft.subject,
            number + 1,
            draft.kind,
            draft.at.isoformat(),
            entered,
            draft.by,
        )
        row = (*row, payload, evidence, draft.corrects, place)
        digest = link(last, row)
        t.run(f"INSERT INTO events ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", (*row, last, digest))
        events.append(_event((*row, last, digest)))
        last = digest
    t.run("UPDATE chain SET seq = ?, hash = ? WHERE id = 1", (seq, last))
    return events


def _root(t: Transaction, draft: Draft, seq: int) -> int:
    """Return the number of the first event in a line of corrections: a correction takes its place in the order."""
    if draft.corrects is None:
        return seq
    found = t.rows("SELECT subject, kind, place FROM events WHERE seq = ?", (draft.corrects,))
    if not found or found[0][0] != draft.subject:
        raise InputError(f"要更正的第 {draft.corrects} 号记录不存在，或不属于 {draft.subject}。")
    if found[0][1] in FINAL:
        raise InputError(f"第 {draft.corrects} 号是查看、导出或删除个人信息的记录，谁都不能更正或撤回。")
    if draft.kind != WITHDRAWN and found[0][1] != draft.kind:
        raise InputError(f"第 {draft.corrects} 号记录是“{found[0][1]}”，不能用“{draft.kind}”更正；请先撤回再重新登记。")
    if t.rows("SELECT 1 FROM events WHERE corrects = ?", (draft.corrects,)):
        raise ConflictError(f"第 {draft.corrects} 号记录已被更正或撤回过，请更正最新的那一条。")
    return int(str(found[0][2])[11:23])


def _version(t: Transaction, subject: str) -> int:
    return int(t.rows("SELECT coalesce(max(version), 0) FROM events WHERE subject = ?", (subject,))[0][0])


def _conflict(t: Transaction, draft: Draft, number: int) -> ConflictError:
    sql = f"SELECT {COLUMNS} FROM events WHERE subject = ? AND version > ? ORDER BY seq"
    theirs = [_event(row) for row in t.rows(sql, (draft.subject, draft.expected_version))]
    who = "、".join(dict.fromkeys(item.by for item in theirs)) or "别人"
    return ConflictError(
        f"{draft.subject} 在您打开之后已由{who}修改（现为第 {number} 版，您看到的是第 {draft.expected_version} 版）。"
        "您的修改没有保存，请对照两边的内容后再提交。",
        theirs,
    )


def _same(stored: Event, draft: Draft, payload: str) -> Event:
    if (stored.subject, stored.kind, canonical(stored.payload)) != (draft.subject, draft.kind, payload):
        raise ConflictError(f"提交编号 {draft.event_id} 已用于另一条记录，请刷新页面后重新提交。", [stored])
    return stored


def _holds(
    t: Transaction, kinds: Sequence[str], as_of: date | None, known_on: date | None, subject: str | None
) -> tuple[str, tuple[Any, ...]]:
    """Return the condition, and its values, that an event holds: of the kinds, happened, known, not replaced."""
    marks = ", ".join("?" * len(kinds)) or "NULL"
    day = f"{as_of.isoformat()}~" if as_of else "~"
    where, values = f"kind IN ({marks}) AND place < ?", [*kinds, day]
    replaced = "SELECT 1 FROM events AS later WHERE later.corrects = events.seq"
    if subject is not None:
        where, values = f"{where} AND subject = ?", [*values, subject]
    if known_on is None:
        return f"{where} AND NOT EXISTS ({replaced})", tuple(values)
    known = _known_until(t, known_on)
    return f"{where} AND seq <= ? AND NOT EXISTS ({replaced} AND later.seq <= ?)", (*values, known, known)


def _known_until(t: Transaction, known_on: date) -> int:
    """Return the last sequence number entered by the end of a day; the order is the ledger's, whatever the clocks did."""
    end = datetime.combine(known_on + timedelta(days=1), time(), OFFICE_ZONE)
    found = t.rows("SELECT coalesce(max(seq), 0) FROM events WHERE entered < ?", (_stamp(end),))
    return int(found[0][0])


def _body(draft: Draft) -> tuple[str, str]:
    for name, text in (
        ("subject", draft.subject),
        ("kind", draft.kind),
        ("by", draft.by),
        ("event_id", draft.event_id),
    ):
        if not text or not text.strip():
            raise InputError(f"记录缺少 {name}：每条记录都要写明对象、类别和经办人。")
        if not _is_storable(text):
            raise InputError(f"记录的 {name} 里有不能保存的字符：{text[:40]!a}。")
    if isinstance(draft.at, datetime) or not isinstance(draft.at, date):
        raise InputError(f"{draft.subject}：发生日期要是一个日期，得到的是 {draft.at!r}。")
    return canonical(draft.payload), canonical(list(draft.evidence))


def _is_storable(text: str) -> bool:
    """Return whether every database takes the text: no half characters, no zero byte."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _event(row: Sequence[Any]) -> Event:
    seq, event_id, subject, number, kind, at, entered, by, payload, evidence, corrects, place, _, digest = row
    try:
        day, moment, content = date.fromisoformat(at), datetime.fromisoformat(entered), json.loads(payload)
        papers = () if evidence == "[]" else tuple(json.loads(evidence))
    except (ValueError, TypeError) as error:
        raise StoreError(f"账本第 {seq} 号记录已损坏或被改动，读不出来。请用“恢复”取回最近一次备份。") from error
    return Event(seq, event_id, subject, number, kind, day, moment, by, content, papers, corrects, place, digest)
