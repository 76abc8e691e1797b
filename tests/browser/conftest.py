"""A Chromium that may only reach this machine, and apps served to it on a free port."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1]
CHROMIUM = os.environ.get("QIYOU_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCAL = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")


def lacking(what: str) -> None:
    """Skip aloud; where everything must run (CI=true), fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI runs every browser test")
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """One browser for all tests."""
    if not Path(CHROMIUM).exists():
        lacking(f"no Chromium at {CHROMIUM} (apt install chromium, or set QIYOU_CHROMIUM)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium) -> Iterator[object]:
    """A fresh profile. `page.outside` lists every request that would have left the machine, `page.faults` every error."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    opened = context.new_page()
    opened.outside = []
    opened.faults = []

    def judge(route) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            opened.outside.append(route.request.url)
            route.abort()

    context.route("**/*", judge)
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    opened.on("console", lambda line: opened.faults.append(line.text) if line.type == "error" else None)
    opened.set_default_timeout(20_000)
    yield opened
    context.close()


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def serve(tmp_path_factory) -> Iterator[Callable[..., str]]:
    """Return a function that serves a Streamlit script behind the gate and gives its address."""
    from geo.errors import StoreError
    from views import assets

    try:
        assets.load()
    except StoreError as missing:
        lacking(str(missing))
    running: list[subprocess.Popen] = []

    def begin(script: Path, **environment: str) -> str:
        port = int(environment.pop("PORT", 0)) or free_port()
        log = tmp_path_factory.mktemp("app") / "log.txt"
        code = (
            "import sys; from views.server import create_app; "
            f"create_app(None, script=sys.argv[1]).run(config={{'server.port': {port}}})"
        )
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", code, str(script)],
                cwd=HOME,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(HOME), **environment},
            )
        running.append(process)
        address = f"http://127.0.0.1:{port}"
        for _ in range(240):
            if process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                    return address
            except OSError:
                time.sleep(0.25)
        process.kill()
        raise AssertionError(f"the app did not start:\n{log.read_text()[-2000:]}")

    yield begin
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Path:
    """A tiny invented county of the test file's own."""
    from demo.county import write_county
    from tracker.office import create

    folder = tmp_path_factory.mktemp("county")
    made = write_county("tiny", 1, folder / "files")
    with create(folder / "office", policy=HOME / "policies" / "zhanjiang-edz-2016.toml", name="示范县（虚构）") as held:
        for file in made.files:
            held.add_layer(file.layer, file.path, **{"as_of": made.as_of, **dict(file.options)})
    return folder / "office"
