"""Set up and start 七有图 (Qiyou Atlas). Standard library only; Python >= 3.11; Linux and Windows.

python run.py                 make the environment, build the demo county, serve the app, print its address
python run.py OFFICE          the same on your own office folder
python run.py test            the whole check: format, lint, types, imports, doctests, tests
python run.py bundle          one archive that installs with no network (--for windows|linux|here)
"""

import argparse
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

HOME = Path(__file__).resolve().parent
ENVIRONMENT = HOME / ".venv"
WHEELS = HOME / "vendor" / "wheels"
ASSETS = HOME / ".assets"
DEMO = HOME / ".office" / "demo"
DEBIAN = {
    "chromium": "/usr/bin/chromium",
    "fonts-noto-cjk": "/usr/share/fonts/opentype/noto",
    "postgresql-15-postgis-3": "/usr/share/postgresql/15/extension/postgis.control",
}
PLATFORMS = {
    "windows": ["win_amd64"],
    "linux": ["manylinux2014_x86_64", "manylinux_2_28_x86_64", "manylinux_2_27_x86_64"],
}
LEFT_OUT = {
    ".git",
    ".venv",
    ".office",
    "node_modules",
    "dist",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".import_linter_cache",
    ".pytest_cache",
}


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"[七有图] {text}", flush=True)


def fail(text: str) -> None:
    """Stop with one sentence that says what to do."""
    say(text)
    raise SystemExit(2)


def call(*command: str | Path, **options: object) -> None:
    """Run a command in the project folder; stop when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=HOME, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(done.returncode)


def python() -> Path:
    """Path of the environment's interpreter."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(*names: str) -> str:
    """Digest of the named project files, so that a step runs again only when one of them changed."""
    digest = hashlib.sha256(sys.version.encode())
    for name in names:
        path = HOME / name
        digest.update(path.read_bytes() if path.is_file() else b"-")
    return digest.hexdigest()


def is_done(stamp: Path, mark: str) -> bool:
    """Whether a step already ran on the same files."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == mark


def make_environment() -> None:
    """Create the virtual environment, or say which package the machine lacks."""
    if python().is_file():
        return
    say("创建运行环境（.venv）…")
    try:
        venv.create(ENVIRONMENT, with_pip=True)
    except (subprocess.CalledProcessError, ModuleNotFoundError):
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        if not shutil.which("uv"):
            fail(
                "这台机器的 Python 缺少 venv/ensurepip。Debian/Ubuntu 请先执行：apt-get install python3-venv，然后重试。"
            )
        call("uv", "venv", ENVIRONMENT)


def install(requirements: str) -> None:
    """Install pinned packages when the list changed; from the bundle's wheels when they are there."""
    make_environment()
    stamp = ENVIRONMENT / f".{requirements}.stamp"
    mark = fingerprint("requirements.txt", requirements)
    if is_done(stamp, mark):
        return
    offline = ["--no-index", "--find-links", str(WHEELS)] if WHEELS.is_dir() else []
    say(f"安装固定版本的依赖（{requirements}{'，离线' if offline else ''}），首次约需一至数分钟…")
    started = time.monotonic()
    if shutil.which("uv") and not offline:
        call("uv", "pip", "install", "--quiet", "--python", python(), "-r", requirements)
    else:
        call(python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *offline, "-r", requirements)
    stamp.write_text(mark, encoding="utf-8")
    say(f"依赖已装好（{time.monotonic() - started:.0f} 秒）。")


def install_assets() -> None:
    """Put the browser libraries in place: from the bundle, or from npm (the machine's, or the one in the environment)."""
    stamp = ASSETS / ".stamp"
    mark = fingerprint("package.json", "package-lock.json", "views/assets.py")
    if is_done(stamp, mark):
        return
    say("准备浏览器组件（Leaflet 等，存放本机，运行时不联网）…")
    call(python(), "-m", "views.assets")
    stamp.write_text(mark, encoding="utf-8")


def compile_loops() -> None:
    """Compile the hot loops and keep their machine code, so that nobody waits for it on a page; again when one changed."""
    files = sorted(path for room in ("geo", "analysis") for path in (HOME / room).glob("*.py"))
    names = [path.relative_to(HOME).as_posix() for path in files if b"compiled" in path.read_bytes()]
    stamp, mark = ENVIRONMENT / ".loops.stamp", fingerprint("requirements.txt", *names)
    if is_done(stamp, mark):
        return
    say("编译计算内核（只在首次和更新后，约一二十秒）…")
    call(python(), "-c", "from analysis.polish import rehearse; rehearse()")
    stamp.write_text(mark, encoding="utf-8")


def build_demo() -> None:
    """Build the synthetic demo county when it is absent; an unfinished one is built again."""
    if (DEMO / "office" / "office.toml").is_file() and (DEMO / ".done").is_file():
        return
    shutil.rmtree(DEMO, ignore_errors=True)
    say("生成虚构的示范县数据并走一遍正式入库流程，约需一分钟…")
    call(python(), "cli.py", "demo", "--size", "county", "--out", DEMO)
    (DEMO / ".done").touch()


def free_port(wanted: int) -> int:
    """First free loopback port from the wanted one on."""
    for port in range(wanted, wanted + 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    fail(f"{wanted}–{wanted + 49} 端口都被占用：请用 --port 指定一个空闲端口。")
    return wanted


def serve(office: str | None, port: int) -> None:
    """Serve the app on the office, or on the demo county."""
    install("requirements.txt")
    install_assets()
    compile_loops()
    if office is None:
        build_demo()
    chosen = free_port(port)
    say(f"请在浏览器打开 http://127.0.0.1:{chosen} （按 Ctrl+C 停止）")
    call(python(), "cli.py", "serve", office or DEMO / "office", "--port", str(chosen))


def install_debian() -> None:
    """Install Chromium, Chinese fonts and PostGIS for the tests, where this machine lets us."""
    missing = [name for name, proof in DEBIAN.items() if not Path(proof).exists()]
    if not missing:
        return
    if os.name == "nt" or not shutil.which("apt-get") or os.geteuid() != 0:
        say(f"缺少 {'、'.join(missing)}：依赖它们的测试会跳过并说明（请用 root 执行 apt-get install）。")
        return
    say(f"安装测试所需的 Debian 软件包：{'、'.join(missing)} …")
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL}
    call("apt-get", "update", "-q", **quiet)
    call("apt-get", "install", "-y", "-q", "--no-install-recommends", *missing, **quiet)


def check(extra: list[str]) -> None:
    """Run the whole check; every step prints its time; the first failure stops it."""
    install_debian()
    install("requirements-dev.txt")
    install_assets()
    rooms = ["geo", "layers", "analysis", "tracker", "demo", "views", "commands"]
    parallel = ["-n", str(min(4, os.cpu_count() or 1))]
    steps: list[tuple[str, list[str]]] = [
        ("format", ["-m", "ruff", "format", "--check", "."]),
        ("lint", ["-m", "ruff", "check", "."]),
        ("types", ["-m", "mypy", *rooms, "app.py", "cli.py", "run.py"]),
        ("imports", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
        ("doctests", ["-m", "pytest", "-q", "--doctest-modules", *rooms]),
    ]
    if extra:
        steps.append(("tests", ["-m", "pytest", "-q", *extra]))
    else:  # the browser's event loop must not meet tests that start their own, so it gets a process of its own
        steps.append(("tests", ["-m", "pytest", "-q", "--ignore", "tests/browser", *parallel]))
        steps.append(("browser tests", ["-m", "pytest", "-q", "tests/browser"]))
    for name, command in steps:
        started = time.monotonic()
        say(f"检查 {name} …")
        done = subprocess.run([str(python()), *command], cwd=HOME, check=False).returncode
        if done and name == "browser tests":  # a slow machine can miss a moment; what is broken fails again
            say("浏览器测试有失败，只把失败的重跑一次 …")
            done = subprocess.run([str(python()), *command, "--last-failed"], cwd=HOME, check=False).returncode
        if done:
            raise SystemExit(done)
        say(f"检查 {name} 通过（{time.monotonic() - started:.0f} 秒）")


def project_files() -> list[Path]:
    """Every file that belongs in a bundle, in a stable order."""
    found = []
    for folder, names, files in os.walk(HOME):
        names[:] = sorted(name for name in names if name not in LEFT_OUT)
        found += [Path(folder) / name for name in sorted(files)]
    return found


def bundle(platform: str, target: str | None) -> None:
    """Write one archive with wheels and browser assets, from which run.py installs with no network."""
    install("requirements.txt")
    install_assets()
    shutil.rmtree(WHEELS, ignore_errors=True)
    WHEELS.mkdir(parents=True)
    limits = []
    if platform != "here":
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        limits = ["--only-binary=:all:", "--python-version", version, "--implementation", "cp"]
        limits += [part for name in PLATFORMS[platform] for part in ("--platform", name)]
    say(f"下载依赖包（{platform}）…")
    call(
        python(),
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "-d",
        WHEELS,
        *limits,
        "-r",
        "requirements.txt",
    )
    out = Path(target) if target else HOME / "dist" / f"qiyou-atlas-{platform}.zip"
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in project_files():
            archive.write(path, Path("qiyou-atlas") / path.relative_to(HOME))
    part.replace(out)
    shutil.rmtree(WHEELS.parent)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    say(f"离线安装包已写好：{out}（{out.stat().st_size / 1e6:.0f} MB）。")
    say(f"拷到没有网络的机器（装有 Python {version}），解压后执行 python run.py 即可。")


def main() -> None:
    """Read the command line and do the one thing it asks for."""
    if sys.version_info < (3, 11):
        fail(f"需要 Python 3.11 或更高版本，当前是 {sys.version.split()[0]}。")
    if len(sys.argv) > 1 and sys.argv[1] == "test":
        check(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", help="office folder to open, or 'bundle'")
    parser.add_argument("--port", type=int, default=8501, help="first port to try (default 8501)")
    parser.add_argument(
        "--for", dest="platform", choices=["here", *PLATFORMS], default="here", help="bundle for which system"
    )
    parser.add_argument("--out", help="where to write the bundle")
    asked = parser.parse_args()
    if asked.what == "bundle":
        bundle(asked.platform, asked.out)
        return
    try:
        serve(asked.what, asked.port)
    except KeyboardInterrupt:
        say("已停止。")


if __name__ == "__main__":
    main()
