"""Take the pictures of the user guide: every page of the demo county at both sizes, in Chinese, with the network cut.

python docs/pictures.py OFFICE [NAME …]
"""

import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Route, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZES = {1366: 768, 1920: 1080}
MOST_COLORS = 256
APART = 5  # of 255 in a channel: colours nearer than this are one
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


def at_rest(page: Page) -> None:
    """Wait until the page has run to its end and its map is drawn."""
    page.wait_for_timeout(600)
    page.wait_for_function(BUSY_OVER, timeout=90_000)
    page.wait_for_timeout(1800)
    page.wait_for_function(BUSY_OVER, timeout=90_000)


def press(page: Page, text: str) -> None:
    """Press what bears these words, and wait."""
    page.get_by_text(text, exact=True).first.click()
    at_rest(page)


def choose_first_row(page: Page) -> None:
    """Choose the first row of the page's table, then go back up to the map."""
    table = page.locator('[data-testid="stDataFrame"]').last
    table.scroll_into_view_if_needed()
    box: Any = table.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 52)
    at_rest(page)
    page.locator("h3").first.scroll_into_view_if_needed()


def show_proof(page: Page) -> None:
    """Point at what proves the first finding of the card."""
    page.get_by_text("在地图上指出证据").first.click()
    at_rest(page)
    page.locator("h4").first.scroll_into_view_if_needed()


def open_rules(page: Page) -> None:
    """Open targets and reports, and there the versions of the rules."""
    press(page, "目标与报告")
    part = page.locator(".st-key-rules_part summary").first
    part.scroll_into_view_if_needed()
    part.click()
    at_rest(page)
    page.locator(".st-key-rules_part").first.evaluate("node => node.scrollIntoView({ block: 'end' })")


def begin_visit(page: Page) -> None:
    """Begin a visit to the village in the middle of the map."""
    if page.locator(".leaflet-container").count() == 0:
        press(page, "发出新的走访")
    box: Any = page.locator(".leaflet-container").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    at_rest(page)


def open_unit(page: Page) -> None:
    """Open the first helper unit."""
    press(page, "帮扶责任")
    choose_first_row(page)


BUSY_OVER = """() => !document.querySelector('[data-testid=stSpinner], [data-testid=stStatusWidget], [data-testid=stSkeleton]')
    && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'running'
    && [...document.querySelectorAll('.atlas-holder')].every(holder => holder.dataset.ready)"""
Act = Callable[[Page], None]
# Name of the picture: the page's address, and what a planner does there first.
PAGES: dict[str, tuple[str, Act | None]] = {
    "overview": ("", None),
    "coverage": ("coverage?need=hardened_road&village=999901101208", show_proof),
    "roads": ("roads", choose_first_row),
    "programme": ("programme", None),
    "network": ("network", None),
    "housing": ("housing", choose_first_row),
    "projects": ("projects", None),
    "funds": ("projects", lambda page: press(page, "资金")),
    "progress": ("projects", lambda page: press(page, "目标与报告")),
    "rules": ("projects", open_rules),
    "responsibility": ("projects", open_unit),
    "ledger": ("ledger", None),
    "visits": ("visits", begin_visit),
    "compare": ("compare?mode=scenario&against_threshold=100", None),
    "swipe": ("compare?mode=scenario&against_threshold=100&shown=swipe", None),
    "meeting": ("meeting", None),
    "meeting-roads": ("meeting?slide=2", None),
    "quality": ("quality", None),
    "users": ("users", None),
}


def cut(route: Route) -> None:
    """Let requests to this machine through and no others."""
    if route.request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
        route.continue_()
    else:
        route.abort()


def in_few_colors(seen: Image.Image) -> Image.Image:
    """Keep the most frequent colours as they are, so that legends stay true, and give every other the nearest of them."""
    rows = np.asarray(seen, dtype=np.int32)
    found, where, counts = np.unique(rows @ np.array([65536, 256, 1]), return_inverse=True, return_counts=True)
    colors = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    is_left, kept = np.ones(len(found), dtype=bool), []
    while is_left.any() and len(kept) < MOST_COLORS:
        color = colors[np.where(is_left, counts, -1).argmax()]
        kept.append(color)
        is_left &= np.abs(colors - color).max(axis=1) > APART
    palette = np.array(kept)
    nearest = np.array([((palette - color) ** 2).sum(axis=1).argmin() for color in colors], dtype=np.uint8)
    few = Image.fromarray(nearest[where].reshape(rows.shape[:2]))
    few.putpalette(palette.astype(np.uint8).tobytes())
    return few


def take(page: Page, address: str, name: str, width: int) -> None:
    """Open a page, do what a planner does there first, and keep the picture in few colours."""
    path, act = PAGES[name]
    page.goto(f"{address}/{path}")
    page.wait_for_selector("h3", timeout=90_000)
    page.wait_for_timeout(2000)
    at_rest(page)
    if act is not None:
        act(page)
    page.mouse.move(2, 2)
    page.wait_for_timeout(400)
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    in_few_colors(seen).save(IMAGES / f"{name}-{width}.png", optimize=True)


def main() -> None:
    """Serve the office, take every picture, stop the server."""
    office, names = sys.argv[1], sys.argv[2:] or list(PAGES)
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
