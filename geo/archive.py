"""Look into an archive before unpacking it, and unpack only under names of our own."""

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from geo.encoding import is_utf8
from geo.errors import InputError
from geo.parsed import Limits, shown

SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj")
_NESTED = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_IGNORED = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_RATIO_COUNTS_FROM = 50_000_000
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Member:
    """One file inside an archive: its name as people see it, and its entry."""

    name: str
    info: zipfile.ZipInfo

    @property
    def suffix(self) -> str:
        """Ending in small letters, with the dot."""
        return PurePosixPath(self.name).suffix.lower()


@dataclass(frozen=True)
class DataSet:
    """One thing that can be opened: a single file, or the parts of a shapefile."""

    name: str
    suffix: str
    members: tuple[Member, ...]


def _name(info: zipfile.ZipInfo) -> str:
    """Names without the UTF-8 flag are GBK when they come from Chinese Windows."""
    name = info.filename
    if not info.flag_bits & 0x800:
        try:
            raw = name.encode("cp437")
            name = raw.decode("utf-8") if is_utf8(raw) else raw.decode("gb18030")
        except UnicodeError:
            name = info.filename
    return name.replace("\\", "/")


def open_checked(path: Path, limits: Limits, *, members: int | None = None) -> tuple[zipfile.ZipFile, list[Member]]:
    """Open a zip and refuse it unless every entry is a plain file of a bearable size inside the archive.

    Parameters
    ----------
    members
        How many entries it may have; by default `limits.members`.

    Raises
    ------
    InputError
        Damaged, encrypted, too many, too big, too strongly packed, overlapping, nested, links, or names that lead out.
    """
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, struct.error, ValueError, NotImplementedError, UnicodeError) as broken:
        raise InputError("压缩包已损坏，打不开。请重新压缩或重新下载后再试。") from broken
    most = limits.members if members is None else members
    if len(infos) > most * 10:
        raise InputError(f"压缩包里有 {len(infos):,} 个文件，超过上限 {most} 个。请只压缩需要的图层文件。")
    found = []
    for info in infos:
        _check_entry(info)
        name = _name(info)
        if not info.is_dir() and not _IGNORED.search(name):
            found.append(Member(name, info))
    if len(found) > most:
        raise InputError(f"压缩包里有 {len(found):,} 个文件，超过上限 {most} 个。请只压缩需要的图层文件。")
    _check_sizes(infos, limits)
    return archive, found


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = _name(info)
    where = shown(name)
    original = getattr(info, "orig_filename", info.filename)
    if (
        "\x00" in original
        or len(name) > 400
        or name.startswith("/")
        or re.match(r"^[A-Za-z]:", name)
        or ".." in PurePosixPath(name).parts
    ):
        raise InputError(f"压缩包里的文件名“{where}”指向包外，可能有恶意，已拒绝。请重新压缩后再试。")
    if info.flag_bits & 0x1:
        raise InputError("压缩包加了密码。请解压后去掉密码再上传。")
    mode = info.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(f"压缩包里的“{where}”是链接或特殊文件，已拒绝。请只压缩普通文件。")
    if PurePosixPath(name).suffix.lower() in _NESTED:
        raise InputError(f"压缩包里还有压缩包“{where}”。请先解开里面的一层，再直接压缩图层文件。")


def _check_sizes(infos: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if total > limits.unpacked_bytes:
        raise InputError(
            f"压缩包解开后有 {total / 1e6:,.0f} MB，超过上限 {limits.unpacked_bytes / 1e6:,.0f} MB。请分成几个文件。"
        )
    if total > _RATIO_COUNTS_FROM and total > limits.ratio * max(packed, 1):
        raise InputError("压缩包的压缩率高得不正常（疑似压缩炸弹），已拒绝。请直接提供未压缩的文件。")
    spans = sorted((info.header_offset, info.header_offset + 30 + info.compress_size) for info in infos)
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise InputError("压缩包里的文件互相重叠，不是正常压缩的结果，已拒绝。请重新压缩。")


def unpack(archive: zipfile.ZipFile, member: Member, target: Path, limits: Limits) -> None:
    """Write one entry to a path we chose, counting bytes as they come out."""
    left = min(limits.unpacked_bytes, member.info.file_size + 1)
    try:
        with archive.open(member.info) as source, target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise InputError("压缩包里的文件比它自己标明的大，不是正常压缩的结果，已拒绝。")
                sink.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as broken:
        raise InputError(f"压缩包里的“{shown(member.name)}”已损坏，解不开。请重新压缩后再试。") from broken


def datasets(members: Iterable[Member], readable: Iterable[str]) -> list[DataSet]:
    """Group the files of an archive or folder into things that can be opened.

    Parts of a shapefile are tied by their common name, whatever the case of the letters.
    """
    suffixes = set(readable)
    shapes: dict[str, list[Member]] = {}
    single = []
    for member in members:
        if member.suffix in SHAPE_PARTS:
            shapes.setdefault(member.name[: -len(member.suffix)].lower(), []).append(member)
        elif member.suffix in suffixes:
            single.append(DataSet(member.name, member.suffix, (member,)))
    result = []
    for parts in shapes.values():
        kinds = {part.suffix: part for part in parts}
        main = kinds.get(".shp") or kinds.get(".dbf")
        if main is not None:
            result.append(DataSet(main.name, main.suffix, tuple(kinds.values())))
    return [*result, *single]


def siblings(path: Path) -> list[Path]:
    """List the parts of a loose shapefile: same folder, same name, whatever the case of the ending."""
    stem = path.stem.lower()
    return sorted(
        other
        for other in path.parent.iterdir()
        if other.stem.lower() == stem and other.suffix.lower() in SHAPE_PARTS and other.is_file()
    )
