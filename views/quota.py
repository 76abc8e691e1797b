"""How much one person may hold open and send at once, so that nobody can shut the others out by accident or on purpose."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from starlette.types import Message, Receive

MOST_PAGES = 40  # a person with this many open tabs has no use for one more
MOST_PAGES_OF_ALL = 600
MOST_UPLOADS = 4
MOST_UPLOADS_OF_ALL = 12
MOST_HELD_BYTES = 1_500_000_000  # uploads lie in memory until their page is closed
LARGEST_UPLOAD = 200_000_000  # server.maxUploadSize; what an upload of unknown size is taken for
MOST_IDLE_SECONDS = 30.0
LIMITS = {"page": (MOST_PAGES, MOST_PAGES_OF_ALL), "upload": (MOST_UPLOADS, MOST_UPLOADS_OF_ALL)}


class Quota:
    """What is open at this moment, by person and in all. Used by one event loop only."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one_more(self, kind: str, user: str) -> Iterator[bool]:
        """Count one more open page or upload while it lasts; False when that would be too many.

        >>> quota = Quota()
        >>> with quota.one_more("page", "li") as is_free:
        ...     is_free
        True
        """
        most, most_of_all = LIMITS[kind]
        of_all = sum(count for (one, _), count in self._open.items() if one == kind)
        if self._open[kind, user] >= most or of_all >= most_of_all:
            yield False
            return
        self._open[kind, user] += 1
        try:
            yield True
        finally:
            self._open[kind, user] -= 1
            if not self._open[kind, user]:
                del self._open[kind, user]


def held_bytes() -> int:
    """Tell how much uploads fill of the memory of this process."""
    if not st.runtime.exists():
        return 0
    held = getattr(st.runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return sum(len(file.data) for files in list(held.values()) for file in list(files.values()))


def is_full(declared: int, held: Callable[[], int] = held_bytes) -> bool:
    """Tell whether an upload of a declared size has no room.

    >>> is_full(1_000, held=lambda: 0), is_full(1_000, held=lambda: MOST_HELD_BYTES)
    (False, True)
    """
    return held() + declared > MOST_HELD_BYTES


def patient(receive: Receive, seconds: float | None = None) -> Receive:
    """Wait for the parts of a request only so long; one who sends nothing any more has gone."""
    is_whole = False

    async def part() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), MOST_IDLE_SECONDS if seconds is None else seconds)
        except TimeoutError:
            message = {"type": "http.disconnect"}
        is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return part
