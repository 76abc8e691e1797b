"""Which files make up each layer on a day: the versions, their combined source, and how parts are put together."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from layers.problem import Problem
from layers.schema import Schema
from layers.workspace import Source
from tracker.events import Event

LAYER_ADDED = "layer_added"
LAYER_DROPPED = "layer_dropped"
MULTI_FILE = frozenset({"facilities", "lines", "service_areas", "hazards", "claims", "households"})
WITH_KINDS = frozenset({"facilities", "lines", "service_areas", "hazards"})
_LONG_DIGITS = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15}|1\d{10})(?!\d)")
_QUOTED = re.compile(r"[“「『\"'‘][^”」』\"'’]*[”」』\"'’]|\d{5,}[\dXx]?")


@dataclass(frozen=True)
class Part:
    """One file of a layer as it holds on a day. `seq` is its event in the ledger; `kinds` counts rows by kind."""

    layer: str
    part: str
    seq: int
    event_id: str
    digest: str
    file_name: str
    file_digest: str
    as_of: date
    is_partial: bool
    rows_read: int
    rows: int
    refused: int
    crs: str
    encoding: str
    kinds: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    by: str = ""


def subject(layer: str, part: str) -> str:
    """Return the ledger subject of one part of a layer; the whole layer has no part."""
    return f"layer:{layer}/{part}" if part else f"layer:{layer}"


def default_part(layer: str, file: Path, *, sheet: str | None, kind: str | None) -> str:
    """Return the part a file is when nobody names one: its stem, sheet and fixed kind; "" where a file is the whole.

    >>> default_part("facilities", Path("卫生室.xlsx"), sheet=None, kind="clinic")
    '卫生室:clinic'
    >>> default_part("towns", Path("towns.shp"), sheet=None, kind=None)
    ''
    """
    if layer not in MULTI_FILE:
        return ""
    stem = file.stem.removesuffix(".shp").removesuffix(".geo") or file.name
    return "".join([stem, f"[{sheet}]" if sheet else "", f":{kind}" if kind else ""])


def standing(events: Iterable[Event]) -> dict[str, list[Part]]:
    """Return the parts of each layer that hold, from the latest event of every part, in the order they were added.

    A file that is the whole layer hides every part older than it.
    """
    last: dict[str, Event] = {}
    for event in sorted(events, key=lambda e: e.place):
        last[event.subject] = event
    layers: dict[str, list[Part]] = {}
    for event in sorted(last.values(), key=lambda e: e.place):
        if event.kind == LAYER_DROPPED:
            continue
        part = _part(event)
        former = [] if part.part == "" else layers.get(part.layer, [])
        layers[part.layer] = [*former, part]
    return {layer: layers[layer] for layer in sorted(layers)}


def combined(layer: str, parts: Sequence[Part]) -> Source:
    """Return one source for the parts of a layer: the oldest day, partial if any is, and the kinds one by one."""
    digests = [f"{part.part} {part.digest}" for part in parts]
    return Source(
        layer=layer,
        digest=parts[0].digest if len(parts) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        file_name="; ".join(part.file_name for part in parts),
        as_of=min(part.as_of for part in parts),
        is_partial=any(part.is_partial for part in parts),
        rows=sum(part.rows for part in parts),
        crs="; ".join(dict.fromkeys(part.crs for part in parts if part.crs)),
        encoding="; ".join(dict.fromkeys(part.encoding for part in parts if part.encoding)),
        kinds=_kinds(parts) if layer in WITH_KINDS else {},
    )


def joined(schema: Schema, parts: Sequence[Part], frames: Sequence[Any]) -> tuple[Any, list[Problem]]:
    """Put the frames of a layer's parts together. An id in two parts is a problem, never two rows of one id.

    Two bureaus both number from 1: the later part's features keep their own id behind the part's name. A household in
    two files is one household: the file added later holds.
    """
    if len(frames) == 1 or schema.name == "claims":
        return (frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)), []
    problems: list[Problem] = []
    kept: list[Any] = []
    seen: dict[str, str] = {}
    later_holds = schema.name == "households"
    order = list(zip(parts, frames, strict=True))
    for part, frame in reversed(order) if later_holds else order:
        ids = frame[schema.id].astype("str")
        clash = ids.isin(seen)
        problems.extend(_clash(schema, part, text, seen[text], later_holds) for text in ids[clash])
        if clash.any():
            frame = (
                frame[~clash] if later_holds else frame.assign(**{schema.id: ids.mask(clash, f"{part.part}/" + ids)})
            )
        seen.update(dict.fromkeys(ids[~clash], part.file_name))
        kept.append(frame)
    return pd.concat(kept[::-1] if later_holds else kept, ignore_index=True), problems


def overlaps(layer: str, part: str, kinds: Mapping[str, int], before: Sequence[Part]) -> list[Problem]:
    """Return warnings when a new part repeats kinds of another part, or replaces a part that held other kinds."""
    found: list[Problem] = []
    for other in before:
        if other.part == part:
            lost = sorted(set(other.kinds) - set(kinds))
            if lost:
                found.append(
                    _warn(
                        layer,
                        "part_replaced",
                        f"这个文件取代了同名的“{other.file_name}”，"
                        f"但不含其中的 {'、'.join(lost)}。若两份都有效，请用 --part 起不同的名字重新导入。",
                    )
                )
        elif shared := sorted(set(other.kinds) & set(kinds)):
            found.append(
                _warn(
                    layer,
                    "part_overlap",
                    f"已有文件“{other.file_name}”也含 {'、'.join(shared)}，两份会合并计算。"
                    f"若这是它的新版本，请用 --part {other.part} 重新导入以取代。",
                )
            )
    return found


def without_private_values(problems: Iterable[Problem], schema: Schema) -> list[Problem]:
    """Return the problems with anything personal cut out of their sentences, so that they may be kept in the ledger."""
    private = set(schema.private)
    if not private:
        return list(problems)
    return [_masked(problem, private) for problem in problems]


def _masked(problem: Problem, private: set[str]) -> Problem:
    pattern = _QUOTED if problem.field in private else _LONG_DIGITS
    message = pattern.sub("（已隐去）", problem.message)
    return (
        problem
        if message == problem.message
        else Problem(
            problem.layer, problem.row, problem.field, message, problem.severity, problem.kind, problem.subject
        )
    )


def _part(event: Event) -> Part:
    p = event.payload
    return Part(
        layer=p["layer"],
        part=p["part"],
        seq=event.seq,
        event_id=event.event_id,
        digest=p["digest"],
        file_name=p["file_name"],
        file_digest=p["file_digest"],
        as_of=date.fromisoformat(p["as_of"]),
        is_partial=bool(p["is_partial"]),
        rows_read=int(p["rows_read"]),
        rows=int(p["rows_stored"]),
        refused=int(p["rows_refused"]),
        crs=p["crs"],
        encoding=p["encoding"],
        kinds=dict(p["kinds"]),
        notes=tuple(p["notes"]),
        by=event.by,
    )


def _kinds(parts: Sequence[Part]) -> dict[str, tuple[date, bool]]:
    """Return each kind's day and whether it is partial: a census as soon as one complete file holds the kind."""
    kinds: dict[str, tuple[date, bool]] = {}
    for part in parts:
        for kind in part.kinds:
            day, is_partial = kinds.get(kind, (date.min, True))
            if (not part.is_partial, part.as_of) >= (not is_partial, day):
                kinds[kind] = (part.as_of, part.is_partial)
    return dict(sorted(kinds.items()))


def _clash(schema: Schema, part: Part, text: str, other: str, later_holds: bool) -> Problem:
    what = f"{schema.label}编号 {text} 在“{part.file_name}”和“{other}”中都有，"
    done = (
        "只采用后导入的一份。"
        if later_holds
        else f"后一份改称 {part.part}/{text}，两条都保留；若是同一处请在一份里删去。"
    )
    return Problem(schema.name, None, schema.id, what + done, "warning", "duplicate_between_files", text)


def _warn(layer: str, kind: str, message: str) -> Problem:
    return Problem(layer, None, None, message, "warning", kind)
