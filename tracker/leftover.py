"""Notice a write-ahead log that does not belong to the ledger beside it, before SQLite replays it.

A ledger copied by hand over an old one leaves the old log behind; SQLite would mix the two without a word. Every write
therefore counts up `user_version` and every ledger has its own `application_id`; both lie on page 1, of which each
commit leaves a copy in the log. The log fits when it is of the same ledger and begins where the file ends, or before.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

_LOG_HEADER, _FRAME_HEADER = 32, 24
_VERSION_AT, _IDENTITY_AT = 60, 68


@dataclass(frozen=True)
class Mark:
    """Which ledger (0: made before this was kept) and how many writes."""

    identity: int
    writes: int


def fits(path: Path) -> bool:
    """Return whether the log beside a ledger belongs to it. Call it only while this process has no connection to it."""
    with path.open("rb") as file:
        own = _mark(file.read(_IDENTITY_AT + 4))
    marks = _log_marks(path.with_name(path.name + "-wal"))
    if own is None or own.identity == 0 or not marks:
        return True
    is_same = {mark.identity for mark in marks} <= {0, own.identity}
    return is_same and marks[0].writes <= own.writes + 1 and marks[-1].writes >= own.writes


def _mark(page: bytes) -> Mark | None:
    if len(page) < _IDENTITY_AT + 4 or not page.startswith(b"SQLite format 3\0"):
        return None
    writes, identity = struct.unpack_from(">I", page, _VERSION_AT)[0], struct.unpack_from(">I", page, _IDENTITY_AT)[0]
    return Mark(identity, writes)


def _log_marks(log: Path) -> list[Mark]:
    """Return the marks of the copies of page 1 in the current part of a log, oldest first."""
    marks: list[Mark] = []
    if not log.exists():
        return marks
    with log.open("rb") as file:
        header = file.read(_LOG_HEADER)
        if len(header) < _LOG_HEADER:
            return marks
        page_size, salt = struct.unpack_from(">I", header, 8)[0], header[16:24]
        while len(frame := file.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[8:16] == salt:
            if frame[:4] == b"\0\0\0\1":
                mark = _mark(file.read(_IDENTITY_AT + 4))
                if mark is not None:
                    marks.append(mark)
                file.seek(page_size - _IDENTITY_AT - 4, 1)
            else:
                file.seek(page_size, 1)
    return marks
