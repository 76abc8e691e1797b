"""Our map against plain `st_folium`, the same county, the same run, a real Chromium without GPU.

python benchmarks/rendering.py [--households 60000] [--naive-households 60000] [--repeats 5] [--naive-repeats 1] [--out FILE.json]

Medians of the repeats (`st_folium` takes minutes a view at 60,000: one repeat by default). Libraries folium would fetch from CDNs come from this machine in both, so no network time counts.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

HOME = Path(__file__).resolve().parent.parent
PAGES = HOME / "benchmarks" / "pages"
CHROMIUM = os.environ.get("QIYOU_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # fmt: skip
LOCAL = ("http://127.0.0.1:", "data:", "blob:")
ATLAS = "document.querySelector('.atlas-holder').atlas"
FRAMES = """move => new Promise(done => { const f = []; let last = performance.now(), n = 0;
  const step = () => { const t = performance.now(); f.push(t - last); last = t; move(n);
    if (++n < 150) requestAnimationFrame(step); else done(f.sort((a, b) => a - b)[142]); };
  requestAnimationFrame(step); })"""


class Ours:
    name = "ours"
    script = PAGES / "rendering_ours.py"

    def ready(self, page: Page) -> None:
        page.wait_for_selector(".atlas-holder[data-ready]", state="attached", timeout=300_000)
        self.painted(page)

    def painted(self, page: Page) -> None:
        page.wait_for_function(
            f"""() => {{ const t = {ATLAS}.tiles, n = Object.values(t._tiles);
                return n.length && n.every(x => x.loaded) && !t._queue.length; }}""",
            timeout=300_000,
        )

    def filtered(self, page: Page, count: int) -> None:
        page.wait_for_function(f"n => {ATLAS}.tiles.view('villages').filters[0][1].size === n", arg=count)
        self.painted(page)

    def map_in(self, page: Page) -> Any:
        return page

    map = f"{ATLAS}.map"


class Folium(Ours):
    name = "st_folium"
    script = PAGES / "rendering_folium.py"
    map = "window.map"

    def ready(self, page: Page) -> None:
        page.wait_for_selector("iframe", timeout=300_000)
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.asked(page, DRAWN):
                return
            page.wait_for_timeout(20)
        raise TimeoutError("st_folium did not draw")

    def filtered(self, page: Page, count: int) -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.asked(page, STATUSES) == count:
                return
            page.wait_for_timeout(10)
        raise TimeoutError("st_folium did not filter")

    def asked(self, page: Page, script: str) -> Any:
        """Answer of the map's frame; None while it is being replaced, which it is at every filter."""
        frame = self.map_in(page)
        try:
            return frame.evaluate(script) if frame is not None else None
        except Error:
            return None

    def map_in(self, page: Page) -> Any:
        return next((frame for frame in page.frames if "streamlit_folium" in frame.url), None)


DRAWN = """() => { if (!window.map || !window.map._loaded) return false; let n = 0;
  window.map.eachLayer(l => { if (l.feature) n++; });
  return n > 10000 && [...document.querySelectorAll('canvas')].some(c =>
    c.width && c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v)); }"""
STATUSES = """() => { const s = new Set(); if (!window.map) return -1; window.map.eachLayer(l => {
  const p = l.feature && l.feature.properties; if (p && 'status' in p) s.add(p.status); }); return s.size; }"""


def begin(script: Path, households: int) -> tuple[subprocess.Popen, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"from views.server import create_app; create_app(None, script={str(script)!r}).run(config={{'server.port': {port}}})"
    environment = {**os.environ, "PYTHONPATH": f"{HOME}:{PAGES}", "QIYOU_BENCH_HOUSEHOLDS": str(households)}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=HOME, env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(400):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return process, address
    raise TimeoutError("the app did not start")


def opened(browser: Browser) -> tuple[Page, dict[str, int], list[str]]:
    """A page that counts the bytes it is sent."""
    context = browser.new_context(viewport={"width": 1366, "height": 900}, bypass_csp=True)
    page = context.new_page()
    sent = {"bytes": 0}
    outside: list[str] = []
    context.on("request", lambda r: None if r.url.startswith(LOCAL) else outside.append(r.url))
    session = context.new_cdp_session(page)
    session.send("Network.enable")

    def count(more: float) -> None:
        sent["bytes"] += int(more)

    session.on("Network.loadingFinished", lambda e: count(e["encodedDataLength"]))
    session.on("Network.webSocketFrameReceived", lambda e: count(len(e["response"]["payloadData"]) * 0.75))
    page.set_default_timeout(300_000)
    return page, sent, outside


def timed(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return round(time.perf_counter() - start, 3)


def memory_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024


def measure(browser: Browser, way: Ours, households: int, repeats: int) -> dict[str, Any]:
    process, address = begin(way.script, households)
    try:
        page, sent, outside = opened(browser)
        found: dict[str, Any] = {"households": households}
        found["cold_s"] = timed(lambda: (page.goto(address), way.ready(page)))
        warm, warm_bytes, clicks, filters, filter_bytes = [], [], [], [], []
        for _ in range(repeats):
            page.wait_for_timeout(1000)
            sent["bytes"] = 0
            warm.append(timed(lambda: (page.reload(), way.ready(page))))
            warm_bytes.append(sent["bytes"])
        page.wait_for_timeout(2000)
        found["outside_requests"] = len(outside)
        clicks, kept = clicking(page, way, repeats)
        for turn in range(repeats):
            page.wait_for_timeout(1500)
            sent["bytes"] = 0
            label = page.get_by_text(f"status {turn % 4}", exact=True)
            filters.append(timed(lambda label=label: (label.click(), way.filtered(page, 3))))
            page.wait_for_timeout(300)
            filter_bytes.append(sent["bytes"])
            label.click()
            way.filtered(page, 4)
        found |= {
            "warm_s": statistics.median(warm),
            "warm_kb": round(statistics.median(warm_bytes) / 1000, 1),
            "click_s": statistics.median(clicks) if clicks else None,
            "filter_s": statistics.median(filters),
            "filter_kb": round(statistics.median(filter_bytes) / 1000, 1),
            "view_kept": kept,
        }
        page.wait_for_timeout(1000)
        place = way.map_in(page)
        found["pan_p95_ms"] = round(
            place.evaluate(f"() => ({FRAMES})(() => {way.map}.panBy([9, 4], {{animate: false}}))")
        )
        turns = f"n => {{ if (n % 25 === 0) {way.map}.setZoom({way.map}.getZoom() + (n < 75 ? 1 : -1)); }}"
        found["zoom_p95_ms"] = round(place.evaluate(f"() => ({FRAMES})({turns})"))
        found["server_mb"] = memory_mb(process.pid)
        page.context.close()
        return found
    finally:
        process.terminate()
        process.wait(timeout=30)


def clicking(page: Page, way: Ours, repeats: int) -> tuple[list[float], bool]:
    """Seconds from a click on the map to the page naming the feature, and whether a filter keeps the view."""
    times: list[float] = []
    script = "b => { const e = document.body.innerText.match(/clicked=\\S+/); return e && e[0] !== b; }"
    box = page.locator("iframe" if isinstance(way, Folium) else ".atlas-map").first.bounding_box()
    if box is None:
        return times, False
    for turn in range(repeats):
        page.wait_for_timeout(1200)
        before = page.locator("text=/clicked=/").inner_text()
        page.mouse.move(box["x"] + box["width"] / 2 - 61 * turn, box["y"] + box["height"] / 2 - 37 * turn)

        def act(before: str = before) -> None:
            page.mouse.down()
            page.mouse.up()
            page.wait_for_function(script, arg=before, timeout=60_000)

        times.append(timed(act))
    page.wait_for_timeout(1000)
    place = way.map_in(page)
    place.evaluate(f"() => {way.map}.setZoom(12, {{animate: false}})")
    page.wait_for_timeout(1500)
    page.get_by_text("status 3", exact=True).click()
    way.filtered(page, 3)
    page.wait_for_timeout(500)
    kept = way.map_in(page).evaluate(f"() => {way.map}.getZoom()") == 12
    page.get_by_text("status 3", exact=True).click()
    way.filtered(page, 4)
    way.map_in(page).evaluate(f"() => {way.map}.setZoom(10, {{animate: false}})")
    return times, kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=60_000)
    parser.add_argument("--naive-households", type=int, help="as many as ours unless said; 0 leaves it out")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--naive-repeats", type=int, default=1)
    parser.add_argument("--only", choices=["ours", "st_folium"])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        theirs = asked.households if asked.naive_households is None else asked.naive_households
        ways = ((Ours(), asked.households, asked.repeats), (Folium(), theirs, asked.naive_repeats))
        for way, households, repeats in ways:
            if asked.only in (None, way.name) and households:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                found[way.name] = measure(browser, way, households, repeats)
                browser.close()
                print(way.name, json.dumps(found[way.name]), flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
