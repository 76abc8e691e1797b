"""Back up and restore a whole office, and move its ledger between SQLite and PostgreSQL.

A backup is one zip file, made while others work: the ledger is copied first, as it stands at one moment; the layer
files it names are never changed afterwards. A manifest lists every file with its hash. A backup holds personal data.
"""

import hashlib
import json
import lzma
import os
import re
import secrets
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from geo.errors import AppError, InputError, StoreError
from tracker import basemap, disk, dump, events
from tracker.configuration import set_ledger_address
from tracker.ledger import LEDGER_FILE, Ledger, Transaction, open_ledger
from tracker.office import FOLDERS, RESTRICTED, Office, open_office

MANIFEST = "manifest.json"
LINES = "ledger.jsonl"
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
)
_MEMBER = re.compile(rf"^(?:[^/\\:]+|(?:{'|'.join(FOLDERS)})/[^\\:]+)$")


@dataclass(frozen=True)
class BackedUp:
    """What a backup holds: how many files and ledger events, how large it is."""

    path: Path
    files: int
    events: int
    size_bytes: int


def backup(office: Office, out: Path | str, *, by: str = "本机用户") -> BackedUp:
    """Write the whole office into one zip file, consistent while others go on working.

    The file appears under its name only when it is complete; an existing file is replaced only then.
    """
    target = Path(out).absolute()
    if target.is_relative_to(office.path):
        raise InputError("备份文件不能放在办公室文件夹里面，请换一个位置，最好是另一块磁盘。")
    if not office.ledger.is_read_only:
        events.append(office.ledger, events.Draft("office", "backup_begun", _today(), by, {"file_name": target.name}))
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="qiyou-backup-", dir=target.parent) as scratch:
            ledger_copy, head = _copy_ledger(office.ledger, Path(scratch))
            with _private_file(part) as raw, zipfile.ZipFile(raw, "w", allowZip64=True) as archive:
                files = {ledger_copy.name: _store(archive, ledger_copy, ledger_copy.name)}
                for path in _office_files(office.path):
                    name = path.relative_to(office.path).as_posix()
                    with suppress(FileNotFoundError):  # a result being replaced; layers are never removed
                        files[name] = _store(archive, path, name)
                manifest = {"format": 1, "name": office.name, "made": _now(), "events": head, "files": files}
                archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True))
        part.replace(target)
    except OSError as error:
        raise StoreError(
            f"备份没有完成，{target.name} 没有写出（{error.strerror or error}）。请检查磁盘空间和权限；原有文件未动。"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return BackedUp(target, len(files), head, target.stat().st_size)


def restore(file: Path | str, to: Path | str, *, ledger: str | None = None) -> Path:
    """Rebuild an office from a backup and return its folder.

    Every file is checked against the manifest and the ledger against its hash chain before the folder appears. The
    folder must be new or empty. `ledger` is the URL of an empty PostgreSQL database; without it the ledger is a file.
    """
    folder = Path(to).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder} 里已有内容，恢复不会覆盖它。请换一个新的文件夹名。")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.restoring-", dir=folder.parent))
    try:
        manifest = _unpack(Path(file), scratch)
        _restore_ledger(scratch, int(manifest["events"]), ledger)
        for name in FOLDERS:
            (scratch / name).mkdir(exist_ok=True)
        scratch.chmod(0o755)
        for name in RESTRICTED:
            (scratch / name).chmod(0o700)
        if folder.exists():
            folder.rmdir()
        scratch.replace(folder)
    except OSError as error:
        raise StoreError(
            f"恢复没有完成（{error.strerror or error}）。{folder} 没有建立，请检查磁盘空间和权限。"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def move_ledger(path: Path | str, to: str | None, *, by: str = "管理员") -> None:
    """Move an office's ledger to PostgreSQL (`to` is the URL of an empty database) or back to a file (None).

    Others wait while it moves; who still has the old ledger open is told to open the office again. Nothing is lost: both
    ledgers are compared before the office is pointed at the new one, and the old one is kept, closed for writing.
    """
    with open_office(path) as office:
        source = office.ledger
        is_file = not source.where.startswith(("postgresql://", "postgres://"))
        if is_file == (to is None):
            raise InputError("账本已经在那里了，不需要搬。")
        target_path = office.path / LEDGER_FILE
        if to is None:
            _set_aside(target_path)
        events.append(
            source, events.Draft("office", "ledger_moved", _today(), by, {"to": "postgresql" if to else "file"})
        )
        with open_ledger(to or target_path, create=True) as target:
            source.write(lambda t: _hand_over(t, target))
        set_ledger_address(office.path, to)


def _hand_over(t: Transaction, target: Ledger) -> None:
    """Fill the target while the source is locked, compare the two, and close the source for writing."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        _write_lines(t, file)
        dump.load(target, file)
    if dump.digest(target) != dump.digest_of(dump.lines(t)):
        raise StoreError("搬过去的账本与原来的不一致，没有切换，仍用原来的账本。请再试一次或联系管理员。")
    t.run("UPDATE chain SET seq = ? WHERE id = 1", (dump.MOVED,))


def _set_aside(path: Path) -> None:
    if path.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        path.rename(path.with_name(f"{path.stem}.moved-{stamp}{path.suffix}"))


def _copy_ledger(ledger: Ledger, scratch: Path) -> tuple[Path, int]:
    """Copy the ledger as it stands now and return the copy and its number of events."""
    if ledger.is_file:
        return scratch / LEDGER_FILE, ledger.copy_to(scratch / LEDGER_FILE, forget=("sessions", "failures"))
    with _text(scratch / LINES, "x+") as file:
        head = ledger.read(lambda t: _write_lines(t, file))
    return scratch / LINES, head


def _write_lines(t: Transaction, file: IO[str]) -> int:
    """Write the ledger as lines from the start of the file and return its number of events."""
    file.seek(0)
    file.truncate()
    file.writelines(dump.lines(t))
    return int(t.rows("SELECT seq FROM chain WHERE id = 1")[0][0])


def _text(path: Path, mode: str) -> IO[str]:
    return path.open(mode, encoding="utf-8", errors="surrogatepass", newline="\n")


def _restore_ledger(folder: Path, count: int, url: str | None) -> None:
    """Put the ledger of a backup into the store wanted, whichever it came from, and check it to the last hash."""
    copy, content = folder / LEDGER_FILE, folder / LINES
    if url is not None and not content.exists():
        with open_ledger(copy) as old, _text(content, "x+") as file:
            old.read(lambda t: _write_lines(t, file))
    if content.exists():
        with open_ledger(url or copy, create=True) as made, _text(content, "r") as file:
            dump.load(made, file)
        content.unlink()
    with open_ledger(url or copy) as restored:
        faults = [*restored.faults(), *(fault.message for fault in events.verify(restored))]
        found = restored.read(lambda t: int(t.rows("SELECT seq FROM chain WHERE id = 1")[0][0]))
    if faults or found != count:
        raise StoreError(
            f"备份里的账本不完整：{(faults or [f'应有 {count} 条记录，只有 {found} 条。'])[0]}请换一份备份。"
        )
    if url is not None:
        for name in (LEDGER_FILE, f"{LEDGER_FILE}-wal", f"{LEDGER_FILE}-shm", f"{LEDGER_FILE}-reserve"):
            (folder / name).unlink(missing_ok=True)
    set_ledger_address(folder, url)


def _office_files(folder: Path) -> Iterator[Path]:
    """Return every file of the office but the ledger and the keys of base maps, in a fixed order."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(("ledger.", ".")) and path.name != basemap.FILE:
            yield path
    for name in FOLDERS:
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path


def _store(archive: zipfile.ZipFile, path: Path, name: str) -> dict[str, Any]:
    """Copy one file into the archive, hashing what is read. Parquet and TIFF are compressed already."""
    kind = zipfile.ZIP_STORED if path.suffix in {".parquet", ".tif"} else zipfile.ZIP_DEFLATED
    total, size = hashlib.sha256(), 0
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = kind
    with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
        while block := source.read(1 << 20):
            total.update(block)
            size += len(block)
            target.write(block)
    return {"sha256": total.hexdigest(), "size": size}


def _unpack(file: Path, folder: Path) -> Mapping[str, Any]:
    """Unpack a backup, checking names, room and every hash; StoreError names the first fault."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(archive)
            _check_room(folder, manifest["files"])
            for name, about in manifest["files"].items():
                _unpack_one(archive, name, about, folder)
    except FileNotFoundError as error:
        raise InputError(f"找不到备份文件 {file}。") from error
    except AppError:
        raise
    except _BROKEN as error:
        raise StoreError(f"{file.name} 不是完整的备份，可能没有复制完或已损坏。请换一份备份；现有数据未动。") from error
    return manifest


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
    if int(manifest["format"]) > 1:
        raise StoreError("备份由更新版本的程序写成，请升级程序后再恢复。")
    inside = sorted(set(archive.namelist()) - {MANIFEST})
    if inside != sorted(manifest["files"]) or len(archive.namelist()) != len(inside) + 1:
        raise StoreError("备份里的文件与清单不符，可能被改动过。请换一份备份；现有数据未动。")
    bad = [name for name in inside if not _MEMBER.match(name) or ".." in PurePosixPath(name).parts]
    if bad:
        raise StoreError(f"备份里有不该有的文件名“{bad[0][:80]}”，没有恢复。请换一份可靠的备份。")
    return manifest


def _check_room(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    needed = sum(int(about["size"]) for about in files.values())
    if needed > disk.free_bytes(folder):
        raise StoreError(f"磁盘空间不够：恢复需要 {needed / 2**20:.0f} MB。请清理磁盘或换一个位置。")


def _unpack_one(archive: zipfile.ZipFile, name: str, about: Mapping[str, Any], folder: Path) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    total, left = hashlib.sha256(), int(about["size"])
    with archive.open(name) as source, _private_file(target) as output:
        while block := source.read(min(1 << 20, left + 1)):
            left -= len(block)
            if left < 0:
                break
            total.update(block)
            output.write(block)
    if left or total.hexdigest() != about["sha256"]:
        raise StoreError(f"备份里的 {name} 已损坏，没有恢复。请换一份备份；现有数据未动。")
    if name.split("/")[0] not in RESTRICTED and target.suffix != ".key":
        target.chmod(0o644)


@contextmanager
def _private_file(path: Path) -> Iterator[Any]:
    """Open a new file that only this account may read, and make it durable at the end."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "w+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _today() -> Any:
    return datetime.now(events.OFFICE_ZONE).date()
