"""Evidence files: an acceptance report or a photo, kept under what it contains, named in the event it proves."""

import hashlib
import re
from pathlib import Path

from geo.errors import InputError, StoreError
from layers.disk import write_once

FOLDER = "evidence"
LARGEST_BYTES = 50_000_000
LONGEST_NAME_BYTES = 180  # file systems take 255; a part file's name is longer while it is written


def keep(office: Path, name: str, content: bytes) -> str:
    """Store a file in the office folder, once, and return the text by which an event names it.

    Raises InputError for an empty or too large file, StoreError when the disk does not take it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep(Path(folder), "../验收 单.pdf", b"x")
    '2d711642b726b044/验收_单.pdf'
    """
    if not content:
        raise InputError(f"{name} 是空文件，不能作证明材料。")
    if len(content) > LARGEST_BYTES:
        raise InputError(f"{name} 超过 {LARGEST_BYTES // 1_000_000} MB，请压缩后再附。")
    plain = re.sub(r"[^\w.\-]+", "_", name.replace("\\", "/").rsplit("/", 1)[-1])
    plain = plain.encode()[-LONGEST_NAME_BYTES:].decode(errors="ignore").lstrip(".") or "file"
    reference = f"{hashlib.sha256(content).hexdigest()[:16]}/{plain}"
    try:
        write_once(office / FOLDER / reference, content, mode=0o600)  # on the disk before any event names it
        (office / FOLDER).chmod(0o700)
    except (StoreError, OSError) as error:
        raise StoreError(f"证明材料 {name} 没有存下来：{error}") from error
    return reference


def fetch(office: Path, reference: str) -> bytes | None:
    """Return the content of a file that an event names; None when the text names no stored file, or it was altered."""
    found = re.fullmatch(r"([0-9a-f]{16})/([\w.\-]+)", reference)
    if found is None or found[2].startswith("."):
        return None
    path = office / FOLDER / found[1] / found[2]
    if not path.is_file():
        return None
    content = path.read_bytes()
    return content if hashlib.sha256(content).hexdigest().startswith(found[1]) else None
