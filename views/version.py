"""Which code made a figure: the version and a digest of the source itself, so that it holds without git."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("geo", "layers", "analysis", "views")


@cache
def code_version() -> str:
    """Name the code that runs: version, plus, then twelve hex digits of the sources that make figures.

    Examples
    --------
    >>> version, _, digest = code_version().partition("+")
    >>> version.count("."), len(digest)
    (2, 12)
    """
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in (".py", ".csv", ".toml") and path.is_file():
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
                digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    try:
        version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    except OSError:
        version = "0.0.0"
    return f"{version}+{digest.hexdigest()[:12]}"
