"""Keep every other reader away from the live ledger file.

SQLite locks a file per process: when anything else in this process opens and closes the live file (a download button,
`shutil.copy`, GDAL), the locks are gone and acknowledged writes are lost (docs/tracker.md, "Why nobody else opens it").
The audit hook turns such an open into an error at the place where it is made. It does not see opens made inside C
libraries, so those parse files in a worker process only.
"""

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from geo.errors import StoreError

_WATCHED = frozenset({"open", "sqlite3.connect", "os.rename", "os.remove", "os.truncate", "os.link", "os.symlink"})


class _Guard(threading.local):
    """Whether this thread is the ledger itself at work."""

    is_ledger = False


class _Paths:
    """The live files of this process, counted, because two ledgers may hold one file."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.names: Counter[str] = Counter()
        self.is_installed = False


_here = _Guard()
_live = _Paths()


def protect(path: Path, look: Callable[[], None] = lambda: None) -> None:
    """Refuse, from now on, any open of this file in this process that the ledger does not make itself.

    `look` may read the file before that; it is left out when a ledger of this process already has the file open, because
    reading would drop its locks.
    """
    names = _names(path)
    with _live.lock:
        if names[0] not in _live.names:
            look()
        _live.names.update(names)
        if not _live.is_installed:
            sys.addaudithook(_refuse)
            _live.is_installed = True


def release(path: Path) -> None:
    """Stop guarding this file: the ledger has closed it."""
    with _live.lock:
        _live.names.subtract(_names(path))
        _live.names += Counter()


@contextmanager
def ledger_at_work() -> Iterator[None]:
    """Let the ledger itself open its file in this thread."""
    before, _here.is_ledger = _here.is_ledger, True
    try:
        yield
    finally:
        _here.is_ledger = before


def _names(path: Path) -> list[str]:
    real = os.path.realpath(path)
    return [os.path.normcase(real + end) for end in ("", "-wal", "-shm", "-journal")]


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _WATCHED or not _live.names or _here.is_ledger:
        return
    for argument in arguments[:2]:
        if isinstance(argument, bytes | os.PathLike):
            argument = os.fsdecode(argument)
        if isinstance(argument, str) and os.path.normcase(os.path.realpath(_plain(argument))) in _live.names:
            raise StoreError(
                f"程序试图直接打开正在使用的账本 {Path(argument).name}：这样会丢失已保存的记录，已阻止。"
                "需要副本请用“备份”，需要数据请用“导出”。"
            )


def _plain(name: str) -> str:
    """Return the file path inside an SQLite URI, any other name as it is."""
    if not name.startswith("file:"):
        return name
    from urllib.parse import unquote, urlsplit
    from urllib.request import url2pathname

    return url2pathname(unquote(urlsplit(name).path))
