"""Take the pictures of the user guide: every page of the demo county at both sizes, in Chinese, with the network cut.

python docs/pictures.py OFFICE
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZES = {1366: 768, 1920: 1080}
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


def wait_until_up(port: int, seconds: float = 60) -> None:
    """Wait for the server to answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("the app did not start")


def click_map(page: Page, across: float, down: float) -> None:
    """Click into the map at a share of its width and height."""
    box: Any = page.locator(".leaflet-container").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)


def choose_first_row(page: Page) -> None:
    """Choose the first row of the page's table, then go back up to the map."""
    table = page.locator('[data-testid="stDataFrame"]').last
    table.scroll_into_view_if_needed()
    box: Any = table.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 52)
    page.wait_for_timeout(2500)
    page.keyboard.press("Home")


BUSY_OVER = "() => !document.querySelector('[data-testid=stSpinner], [data-testid=stStatusWidget]')"
PAGES = [
    "overview",
    "coverage",
    "roads",
    "programme",
    "network",
    "housing",
    "projects",
    "ledger",
    "compare",
    "meeting",
    "quality",
]
ACTIONS = {"coverage": lambda page: click_map(page, 0.58, 0.25), "roads": choose_first_row, "housing": choose_first_row}


def cut(route: Route) -> None:
    """Let requests to this machine through and no others."""
    if route.request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
        route.continue_()
    else:
        route.abort()


def take(page: Page, address: str, name: str, width: int) -> None:
    """Open a page, do what a planner does there first, and keep the picture."""
    page.goto(f"{address}/{'' if name == 'overview' else name}")
    page.wait_for_selector("h3", timeout=90_000)
    page.wait_for_timeout(3000)
    page.wait_for_function(BUSY_OVER, timeout=90_000)
    page.wait_for_timeout(4000)
    if name in ACTIONS:
        ACTIONS[name](page)
        page.wait_for_timeout(3000)
    page.mouse.move(2, 2)
    page.wait_for_timeout(400)
    page.screenshot(path=IMAGES / f"{name}-{width}.png")


def main() -> None:
    """Serve the office, take every picture, stop the server."""
    office, names = sys.argv[1], sys.argv[2:] or PAGES
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, ROOT / "cli.py", "serve", office, "--port", str(port)], cwd=ROOT)
    try:
        wait_until_up(port)
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
            for width, height in SIZES.items():
                page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN").new_page()
                page.route("**/*", cut)
                for name in names:
                    take(page, f"http://127.0.0.1:{port}", name, width)
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
