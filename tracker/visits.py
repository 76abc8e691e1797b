"""Visits: what was taken to the field, as it stood then, and every file that came back.

A visit is sent with a snapshot (kept under its digest with the evidence files), so that what comes back weeks later can
be held against what was sent as well as against what the office says by then; see tracker.merging.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from geo.errors import InputError, StoreError
from tracker import events, evidence, standing
from tracker.events import OFFICE_ZONE, Draft, Event
from tracker.facts import Cell
from tracker.ledger import ConflictError
from tracker.office import Office
from tracker.questions import KINDS, PERSONAL, UNKNOWN, Question, asked

SENT, RETURNED = "visit_sent", "visit_returned"
MOST_ROWS = 5000
NEW_ROWS = 20


@dataclass(frozen=True)
class Row:
    """One row of a visit: a village, a need of a village, a facility, a household, a house, a project.

    `sent` holds each column's value as it stood ("" unknown); `known` is said beside it on the sheet, with its day and
    source. `x`, `y` are degrees in EPSG:4490, None where the place is not known.
    """

    key: str
    kind: str
    id: str
    name: str
    town: str
    village_id: str
    village: str
    known: str = ""
    sent: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    x: float | None = None
    y: float | None = None

    @property
    def questions(self) -> tuple[Question, ...]:
        """Return what is asked about this row."""
        need = next(iter(self.sent), "") if self.kind == "needs" else ""
        return asked(self.kind, need, self.title)

    def cell(self, field: str) -> Cell:
        """Return the value a column of this row stands for."""
        return Cell("claims" if self.kind == "needs" else self.kind, self.id, field)


@dataclass(frozen=True)
class Answer:
    """What came back for one row: the values that differ from what was sent, "unknown" said, remark and photos."""

    key: str
    values: Mapping[str, str]
    remark: str = ""
    photos: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True)
class Return:
    """One file that came back. `confirmed` counts values seen to be as sent, `unclear` those that could not be found out."""

    event: Event
    answers: tuple[Answer, ...]
    refused: tuple[tuple[str, str], ...]
    confirmed: int
    unclear: int

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return the reference of the file itself."""
        return self.event.evidence


@dataclass(frozen=True)
class Visit:
    """A visit as it stands: what was sent, and what came back so far."""

    visit_id: str
    title: str
    day: date
    who: str
    kinds: tuple[str, ...]
    towns: tuple[str, ...]
    villages: Mapping[str, str]
    town_of: Mapping[str, str]
    rows: int
    snapshot: str
    event: Event
    returns: tuple[Return, ...] = ()

    @property
    def is_personal(self) -> bool:
        """Return whether single households are among the rows."""
        return bool(PERSONAL & set(self.kinds))


def subject(visit_id: str) -> str:
    """Return the ledger subject of a visit."""
    return f"visit:{visit_id}"


def send(
    office: Office, rows: Sequence[Row], *, title: str, day: date, who: str, by: str, now: datetime | None = None
) -> Visit:
    """Enter a visit with its rows as they stand now, and return it.

    `day` is when the people go, `who` goes. Raises InputError when nothing was chosen or more than a field trip holds.
    """
    if not rows:
        raise InputError("没有选中任何村、户或项目，走访单是空的。请先选择范围和要问的内容。")
    if len(rows) > MOST_ROWS:
        raise InputError(f"一次走访最多 {MOST_ROWS:,} 行，现在是 {len(rows):,} 行。请按乡镇或按人分成几次。")
    if not who.strip():
        raise InputError("请写明谁去走访。")
    rows = _as_now(office, rows)
    content = json.dumps([asdict(row) for row in rows], ensure_ascii=False, sort_keys=True).encode()
    snapshot = evidence.keep(office.path, "走访底稿.json", content)
    villages = {row.village_id: row.village for row in rows if row.village_id}
    payload = {
        "title": title.strip() or "下乡走访",
        "day": day.isoformat(),
        "who": who.strip(),
        "kinds": [kind for kind in KINDS if any(row.kind == kind for row in rows)],
        "towns": sorted({row.town for row in rows if row.town}),
        "villages": villages,
        "town_of": {row.village_id: row.town for row in rows if row.village_id},
        "rows": len(rows),
    }
    today = (now or datetime.now(OFFICE_ZONE)).astimezone(OFFICE_ZONE).date()
    for _ in range(1000):
        number = _next_id(office, day.year)
        draft = Draft(subject(number), SENT, today, by, payload, (snapshot,), expected_version=0)
        try:
            events.append(office.ledger, draft, now=now)
        except ConflictError:
            continue
        return visit(office, number)
    raise InputError("走访编号一直被占用，请稍后再试。")


def visit(office: Office, visit_id: str) -> Visit:
    """Return one visit; InputError when there is none of that number."""
    found = [item for item in visits(office, only=visit_id) if item.visit_id == visit_id]
    if not found:
        raise InputError(f"没有编号为 {visit_id[:40]} 的走访。请核对文件是不是本办公室发出的。")
    return found[0]


def visits(office: Office, *, only: str | None = None) -> list[Visit]:
    """Return every visit, the newest first."""
    about = None if only is None else subject(only)
    found = events.effective(office.ledger, (SENT, RETURNED), subject=about)
    back: dict[str, list[Event]] = {}
    for event in found:
        if event.kind == RETURNED:
            back.setdefault(event.subject, []).append(event)
    made = [_visit(event, back.get(event.subject, [])) for event in found if event.kind == SENT]
    return sorted(made, key=lambda item: item.event.seq, reverse=True)


def rows_of(office: Office, item: Visit) -> list[Row]:
    """Return the rows of a visit as they were sent. Raises StoreError when the snapshot is gone or was altered."""
    content = evidence.fetch(office.path, item.snapshot)
    if content is None:
        raise StoreError(f"走访 {item.visit_id} 发出时的底稿不见了或被改动，无法比对。请用备份恢复 evidence 文件夹。")
    return [Row(**row) for row in json.loads(content)]


def take_back(
    office: Office,
    item: Visit,
    answers: Iterable[Answer],
    *,
    refused: Sequence[tuple[str, str]],
    name: str,
    content: bytes,
    at: date,
    by: str,
    without_names: bool = False,
    now: datetime | None = None,
) -> tuple[Visit, bool]:
    """Enter a file that came back: its answers that say something new, and what had to be refused.

    `at` is the day of the visit itself. The same file twice is entered once. Returns the visit and whether the file
    was new. Nothing of the office's data is changed by this; see tracker.merging. `without_names` keeps the answers as
    evidence in place of the file, which holds names or phones: what a person may ask to forget is not kept twice.
    """
    rows = {row.key: row for row in rows_of(office, item)}
    answers = list(answers)
    kept, confirmed, unclear = _news(answers, rows)
    digest = hashlib.sha256(content).hexdigest()
    event_id = f"{item.visit_id}-{digest[:32]}"
    is_new = events.by_id(office.ledger, event_id) is None
    if is_new:
        payload = {
            "file_name": name,
            "file_digest": digest,
            "answers": [asdict(answer) for answer in kept],
            "refused": [list(pair) for pair in refused],
            "confirmed": confirmed,
            "unclear": unclear,
        }
        told = json.dumps([asdict(answer) for answer in answers], ensure_ascii=False, sort_keys=True).encode()
        stored = evidence.keep(
            office.path, "走访答案.json" if without_names else name, told if without_names else content
        )
        draft = Draft(subject(item.visit_id), RETURNED, at, by, payload, (stored,), event_id=event_id)
        events.append(office.ledger, draft, now=now)
    return visit(office, item.visit_id), is_new


def _news(answers: Iterable[Answer], rows: Mapping[str, Row]) -> tuple[list[Answer], int, int]:
    """Keep of each answer what differs from what was sent; count what was confirmed and what could not be found out."""
    kept, confirmed, unclear = [], 0, 0
    for answer in answers:
        row = rows.get(answer.key)
        sent = row.sent if row is not None else {}
        said = {name: value for name, value in answer.values.items() if value not in ("", UNKNOWN)}
        unclear += sum(value == UNKNOWN for value in answer.values.values())
        new = said if row is None else {name: value for name, value in said.items() if value != sent.get(name, "")}
        confirmed += len(said) - len(new)
        if new or answer.remark or answer.photos:
            kept.append(Answer(answer.key, new, answer.remark, tuple(answer.photos), answer.where))
    return kept, confirmed, unclear


def _as_now(office: Office, rows: Sequence[Row]) -> list[Row]:
    """Fill in what every column stands at now; rows that are gone meanwhile are left out."""
    keys = [row.key for row in rows]
    if len(set(keys)) < len(keys):
        raise InputError("走访名单里有重复的行，请重新选择。")
    wanted = [row.cell(question.field) for row in rows for question in row.questions]
    now = standing.values(office, wanted)
    made = []
    for row in rows:
        values = {q.field: now[row.cell(q.field)] for q in row.questions if row.cell(q.field) in now}
        if values or row.kind == "needs":
            made.append(Row(**{**asdict(row), "sent": values or dict.fromkeys(row.sent, "")}))
    if not made:
        raise InputError("选中的行在台账里都已经不在了。请刷新后重新选择。")
    return made


def _next_id(office: Office, year: int) -> str:
    prefix = f"ZF{year}-"
    sql = "SELECT max(subject) FROM events WHERE kind = ? AND subject LIKE ?"
    last = office.ledger.read(lambda t: t.rows(sql, (SENT, f"visit:{prefix}____")))[0][0]
    return f"{prefix}{int(last[-4:]) + 1 if last else 1:04d}"


def _visit(event: Event, back: Sequence[Event]) -> Visit:
    p: Mapping[str, Any] = event.payload
    return Visit(
        visit_id=event.subject.removeprefix("visit:"),
        title=str(p["title"]),
        day=date.fromisoformat(p["day"]),
        who=str(p["who"]),
        kinds=tuple(p["kinds"]),
        towns=tuple(p["towns"]),
        villages=dict(p["villages"]),
        town_of=dict(p["town_of"]),
        rows=int(p["rows"]),
        snapshot=event.evidence[0],
        event=event,
        returns=tuple(_return(item) for item in back),
    )


def _return(event: Event) -> Return:
    p = event.payload
    answers = tuple(
        Answer(a["key"], dict(a["values"]), a["remark"], tuple(a["photos"]), a["where"]) for a in p["answers"]
    )
    refused = tuple((str(where), str(why)) for where, why in p["refused"])
    return Return(event, answers, refused, int(p["confirmed"]), int(p["unclear"]))
