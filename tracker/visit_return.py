"""What came back from a visit: a workbook, a CSV of one sheet, a GeoPackage, or a zip of them with photos.

Every row says which visit and which row it is. A row that was not sent, or whose name no longer fits its number, is
refused with the reason; a column that is gone is as if nothing had been answered. Nothing is guessed.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath

from geo.errors import InputError
from geo.formats import sniffed
from geo.parsed import shown
from geo.sheet import clean_name
from layers.cells import parse_angle
from layers.names import clean_text
from tracker import evidence, visits
from tracker.office import Office
from tracker.questions import UNKNOWN, UNKNOWN_WORD, Question, read_answer
from tracker.visit_files import Line, files_of, lines_of
from tracker.visit_geopackage import FOUND, VILLAGE_POINTS
from tracker.visit_workbook import (
    FOUND as FOUND_HEADS,
)
from tracker.visit_workbook import (
    PHOTOS,
    PRIVATE,
    REMARK,
    SAID,
    STATES,
    facility_words,
    village_words,
)
from tracker.visits import Answer, Row, Visit

PICTURES = {"JPEG 图片": (".jpg", ".jpeg"), "PNG 图片": (".png",)}
MOST_REMARK = 2000


@dataclass
class Parcel:
    """What one file held: the visit it belongs to, the answers, the rows refused (where, why), and what was noticed."""

    visit: Visit
    answers: list[Answer] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    photos: dict[str, Path] = field(default_factory=dict)
    has_names: bool = False


def take_in(office: Office, path: Path, *, at: date | None = None, by: str, name: str = "") -> tuple[Parcel, bool]:
    """Read a file that came back and enter it; returns what it held and whether it was new.

    `at` is the day of the visit (default: the day it was planned for). The photos are kept as evidence under their
    digest. Nothing of the office's data changes: see tracker.deciding.
    """
    with looked_at(office, path) as parcel:
        content = path.read_bytes()
        kept = [_with_photos(office, answer, parcel) for answer in parcel.answers]
        done, is_new = visits.take_back(
            office, parcel.visit, kept, refused=parcel.refused, name=name or path.name, content=content,
            at=at or parcel.visit.day, by=by, without_names=parcel.has_names,
        )  # fmt: skip
        parcel.visit = done
        return parcel, is_new


@contextmanager
def looked_at(office: Office, path: Path) -> Iterator[Parcel]:
    """Read a file that came back without entering anything; its photos are there until the block ends."""
    with tempfile.TemporaryDirectory(prefix="qiyou-", ignore_cleanup_errors=True) as folder:
        files, photos = files_of(path, Path(folder))
        lines, notes = [], []
        for file in files:
            found, said = lines_of(file)
            lines += found
            notes += said
        item = _visit_of(office, lines)
        parcel = Parcel(item, notes=notes, photos=photos, has_names=_has_names(lines))
        _sort(parcel, lines, {row.key: row for row in visits.rows_of(office, item)})
        yield parcel


def _has_names(lines: Sequence[Line]) -> bool:
    """Tell whether a file holds names, phones or addresses: then only what was answered is kept, not the file."""
    heads = {*PRIVATE, *(clean_name(word) for word in PRIVATE.values())}
    return any(line.cells.get(head) for line in lines for head in heads)


def _visit_of(office: Office, lines: Sequence[Line]) -> Visit:
    named = Counter(line.visit_id for line in lines if line.visit_id)
    if not named:
        raise InputError("文件里没有走访编号：不是走访包，或“走访编号”一列被删了。请交回当初发出的那份表。")
    return visits.visit(office, named.most_common(1)[0][0])


def _sort(parcel: Parcel, lines: Sequence[Line], rows: Mapping[str, Row]) -> None:
    """Hold every line against what was sent: an answer, or refused with the reason."""
    held: dict[str, Answer] = {}
    twice: set[str] = set()
    for line in lines:
        if line.visit_id != parcel.visit.visit_id:
            is_new_point = line.key.startswith(f"{FOUND}/") and not line.visit_id
            if not is_new_point:
                if any(line.cells.values()):
                    parcel.refused.append(
                        (
                            line.where,
                            f"走访编号是“{shown(line.visit_id, 30)}”，不属于 {parcel.visit.visit_id}，没有采用。",
                        )
                    )
                continue
        for answer in _answers(parcel, line, rows):
            other = held.get(answer.key)
            if other is None:
                held[answer.key] = answer
            elif (dict(other.values), other.remark) != (dict(answer.values), answer.remark):
                twice.add(answer.key)
    for key in sorted(twice):
        parcel.refused.append(
            (held.pop(key).where, f"{key} 在文件里出现不止一次而且填的不一样，都没有采用。请只留一行。")
        )
    parcel.answers = [answer for answer in held.values() if answer.values or answer.remark or answer.photos]


def _answers(parcel: Parcel, line: Line, rows: Mapping[str, Row]) -> Iterator[Answer]:
    if line.key.startswith(f"{FOUND}/"):
        yield from _found(parcel, line)
        return
    table, _, unit = line.key.partition("/")
    if table == VILLAGE_POINTS:
        wanted = [row for row in rows.values() if row.kind in ("needs", "villages") and row.id == unit]
    else:
        wanted = [rows[line.key]] if line.key in rows else []
    if not wanted:
        parcel.refused.append((line.where, f"行标识“{shown(line.key, 60)}”不在发出的名单里（改过编号？），没有采用。"))
        return
    if line.name and clean_text(line.name) != clean_text(wanted[0].name):
        parcel.refused.append(
            (line.where, f"编号 {wanted[0].id} 的名称应是“{wanted[0].name}”，交回的写着“{shown(line.name, 40)}”，可能错行，没有采用。")
        )  # fmt: skip
        return
    for place, row in enumerate(wanted):
        yield _answer(parcel, line, row, has_remark=place == 0)


def _answer(parcel: Parcel, line: Line, row: Row, *, has_remark: bool) -> Answer:
    values = {}
    for question in row.questions:
        head = _column(line.cells, question, row)
        if head is None:
            continue
        if head in line.formulas:
            parcel.refused.append(
                (line.where, f"“{question.label}”这一格是公式，不是核实的结果，没有采用。请直接填写。")
            )
            continue
        try:
            said = read_answer(question, line.cells[head])
        except InputError as error:
            parcel.refused.append((line.where, str(error)))
            continue
        if said:
            values[question.field] = said
    remark, photos = _words(line, parcel) if has_remark else ("", ())
    return Answer(row.key, values, remark, photos, line.where)


def _column(cells: Mapping[str, str], question: Question, row: Row) -> str | None:
    """Return the column an answer stands in: by the name on the sheet, or by the field of the GeoPackage."""
    label = "有没有" if row.kind == "needs" else question.label
    for head in (clean_name(f"{SAID}{label}"), question.field):
        if head in cells:
            return head
    return None


def _words(line: Line, parcel: Parcel) -> tuple[str, tuple[str, ...]]:
    remark = line.cells.get(clean_name(REMARK), "") or line.cells.get("remark", "")
    named = line.cells.get(clean_name(PHOTOS), "") or line.cells.get("photos", "")
    photos = [PurePosixPath(part.strip().replace("\\", "/")).name for part in named.replace("；", ";").split(";")]
    listed = tuple(name for name in photos if name)
    if parcel.photos or len(remark) > MOST_REMARK:
        lost = [name for name in listed if name.lower() not in parcel.photos] if parcel.photos else []
        if lost:
            parcel.notes.append(f"{line.where}：照片 {'、'.join(shown(name, 40) for name in lost[:5])} 不在压缩包里。")
    return remark[:MOST_REMARK], listed


def _found(parcel: Parcel, line: Line) -> Iterator[Answer]:
    """Read a place that was found: what it is, where, in which village."""
    cells = line.cells
    kind_head, name_head, village_head, lon, lat, state_head = (clean_name(head) for head in FOUND_HEADS)
    said = {
        "kind": cells.get(kind_head) or cells.get("kind", ""),
        "name": cells.get(name_head) or (cells.get("name", "") if kind_head not in cells else ""),
        "village_id": cells.get(village_head) or cells.get("village_id", ""),
        "longitude": cells.get(lon) or cells.get("longitude", ""),
        "latitude": cells.get(lat) or cells.get("latitude", ""),
        "status": cells.get(state_head) or cells.get("status", ""),
    }
    if not any(said[name] for name in ("kind", "name", "longitude", "latitude")):
        return
    words = {word: code for code, word in facility_words().items()}
    states = {word: code for code, word in STATES.items()}
    villages = dict(zip(village_words(parcel.visit), parcel.visit.villages, strict=True))
    kind = words.get(said["kind"], said["kind"])
    place = [parse_angle(said[name]) for name in ("longitude", "latitude")]
    faults = []
    if kind not in facility_words():
        faults.append(f"类型“{shown(said['kind'], 30) or '空'}”不在下拉表里")
    if place[0] is None or place[1] is None or not (73 <= place[0] <= 136 and 3 <= place[1] <= 54):
        faults.append("没有读得出的经纬度（东经 73—136，北纬 3—54，度）")
    if faults:
        parcel.refused.append((line.where, f"新发现没有采用：{'；'.join(faults)}。"))
        return
    remark, photos = _words(line, parcel)
    state = states.get(said["status"], said["status"])
    values = {
        "kind": kind,
        "name": said["name"][:80],
        "village_id": villages.get(
            said["village_id"], said["village_id"] if said["village_id"] in parcel.visit.villages else ""
        ),
        "longitude": str(place[0]),
        "latitude": str(place[1]),
        "status": state if state in STATES else "unknown",
    }
    yield Answer(line.key, {name: text for name, text in values.items() if text}, remark, photos, line.where)


def _with_photos(office: Office, answer: Answer, parcel: Parcel) -> Answer:
    """Keep the photos an answer names as evidence; a file that is no picture is refused, a name alone stays a name."""
    kept = []
    for name in answer.photos:
        file = parcel.photos.get(name.lower())
        if file is None:
            kept.append(name)
            continue
        with file.open("rb") as opened:
            kind = sniffed(opened.read(32))
        if file.suffix not in PICTURES.get(kind, ()):
            parcel.refused.append((answer.where, f"照片 {shown(name, 40)} 不是图片，没有存下。"))
            continue
        kept.append(evidence.keep(office.path, name, file.read_bytes()))
    return Answer(answer.key, answer.values, answer.remark, tuple(kept), answer.where)


def unanswered(value: str) -> str:
    """Return an answer in words for a preview: the explicit unknown is said.

    >>> unanswered("?")
    '不清楚'
    """
    return UNKNOWN_WORD if value == UNKNOWN else value
