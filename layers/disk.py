"""Files written whole or not at all, and read only when they are what they were."""

import errno
import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from geo.errors import StoreError


def existing(path: Path, *, what: str) -> Path:
    """Return a path that must be a file; StoreError with what to do when it is not."""
    if not path.is_file():
        raise StoreError(f"{what}的文件不见了（{path.name[:12]}…）。请用备份恢复，或重新导入原始文件。")
    return path


def damaged(path: Path, what: str) -> StoreError:
    """Return the error for a file that is no longer what its digest says."""
    return StoreError(
        f"{what}的文件（{path.name[:12]}…）与登记的摘要不符，可能损坏或被改动。请用备份恢复，或重新导入原始文件。"
    )


def read_whole(path: Path, digest: str, *, what: str) -> bytes:
    """Read a file and check it against its SHA-256 digest."""
    try:
        content = existing(path, what=what).read_bytes()
    except OSError as error:
        raise store_error(error, path) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise damaged(path, what)
    return content


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_once(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all; an existing one is kept, and replaced only when it is damaged."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if mode == 0o600 else 0o755)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise store_error(error, path) from error


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def store_error(error: OSError, path: Path) -> StoreError:
    """Return what an error of the system means to the person, and what to do."""
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}:
        return StoreError(f"磁盘空间不足，“{path.name}”没有写入，原有数据不受影响。请清理磁盘后重试。")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StoreError(f"没有权限读写“{path.parent}”（只读文件夹或介质）。请换到可写的文件夹，或请管理员放开权限。")
    return StoreError(f"读写“{path.name}”失败：{error.strerror or error}。请检查磁盘和文件夹后重试。")
