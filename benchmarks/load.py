"""People at once on one server: what a page interaction takes when everybody works.

python -m benchmarks.load OFFICE [--people 20] [--seconds 60] [--think 4] [--out FILE.json]

Each person is a WebSocket session as the browser opens one, on this machine only: opens a page, waits, then filters,
chooses a village or turns to another page, with a pause drawn around `--think` seconds. Beside it every turn asks for map
tiles as a moved map does. An interaction ends when the script has run to its end (`script_finished`). Prints the median
and the 95th percentile per kind of interaction, and CPU seconds and memory of the server.
"""

import argparse
import asyncio
import json
import math
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

HOME = Path(__file__).resolve().parent.parent
PAGES = ("", "coverage", "roads", "housing", "projects", "compare", "network", "quality")
SLOWEST = 60.0
POLICY_SHARE = 0.02  # of the filters: looked at through another policy, which assesses the whole county anew


@dataclass
class Tally:
    """Seconds by kind of interaction."""

    taken: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0

    def add(self, kind: str, seconds: float) -> None:
        self.taken.setdefault(kind, []).append(seconds)


class Person:
    """One browser tab, without the drawing."""

    def __init__(self, number: int, port: int, tally: Tally) -> None:
        self.port, self.tally = port, tally
        self.chance = random.Random(number)
        self.widgets: dict[str, Any] = {}
        self.map: str | None = None
        self.place = ""

    async def work(self, until: float, think: float) -> None:
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        async with websockets.connect(
            address, subprotocols=["streamlit"], max_size=None, origin=f"http://127.0.0.1:{self.port}"
        ) as self.line:
            await asyncio.sleep(self.chance.uniform(0, think))
            await self.turn("open", self.chance.choice(PAGES))
            while time.monotonic() < until:
                await asyncio.sleep(self.chance.uniform(0.5, 1.5) * think)
                if self.chance.random() < 0.35:
                    await self.turn("turn page", self.chance.choice(PAGES))
                else:
                    await self.filter()

    async def turn(self, kind: str, page: str) -> None:
        self.widgets, self.map, self.place = {}, None, ""
        await self.ask(kind, page=page)

    async def filter(self) -> None:
        """Choose a value of a list, as a person narrows a page to a town or another need."""
        lists = [state for state in self.widgets.values() if len(state.options) > 1]
        if not lists:
            await self.turn("turn page", self.chance.choice(PAGES))
            return
        policies = [state for state in lists if state.id.endswith("-policy")]
        is_policy = bool(policies) and self.chance.random() < POLICY_SHARE
        others = [state for state in lists if state not in policies]
        chosen = policies[0] if is_policy or not others else self.chance.choice(others)
        await self.ask(
            "another policy" if chosen in policies else "filter",
            chosen=(chosen.id, self.chance.choice(list(chosen.options))),
        )

    async def ask(self, kind: str, *, page: str | None = None, chosen: tuple[str, str] | None = None) -> None:
        message = BackMsg()
        rerun = message.rerun_script
        if page is not None:
            self.page = page
        if self.place:
            rerun.page_script_hash = self.place
        else:
            rerun.page_name = self.page
        if chosen is not None:
            state = rerun.widget_states.widgets.add()
            state.id, state.string_value = chosen
        begin = time.perf_counter()
        await self.line.send(message.SerializeToString())
        try:
            async with asyncio.timeout(SLOWEST):
                await self.until_finished()
        except TimeoutError:
            self.tally.failed += 1
        self.tally.add(f"{kind} {self.page or 'overview'}", time.perf_counter() - begin)
        await asyncio.to_thread(self.fetch_tiles)

    async def until_finished(self) -> None:
        async for raw in self.line:
            message = ForwardMsg()
            message.ParseFromString(raw)
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self.place = message.navigation.page_script_hash
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self.see(message.delta.new_element)
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    def see(self, element: Any) -> None:
        """Remember lists to choose from and the layers of the map."""
        which = element.WhichOneof("type")
        if which == "selectbox":
            self.widgets[element.selectbox.id] = element.selectbox
        elif which == "bidi_component":
            held = element.bidi_component
            text = held.json if held.WhichOneof("data") == "json" else held.mixed.json
            self.map = text if '"map"' in text else self.map  # other components draw no map

    def layers(self) -> list[str]:
        """Digests of the layers of the map on the page; a swipe holds two maps."""
        if self.map is None:
            return []
        definition = json.loads(self.map)["map"].split("+")[0]
        text = self.read(f"map/{definition}.js").decode()
        return sorted({part.split('"')[0] for part in text.split('"digest":"')[1:]})

    def read(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/atlas/{path}", timeout=30) as answer:
            content: bytes = answer.read()
        return content

    def fetch_tiles(self) -> None:
        """Ask for three tiles of every layer around a random place of the county, as a moved map does."""
        zoom = self.chance.choice((9, 10, 11, 12))
        longitude, latitude = 113.5 + self.chance.random() * 0.4, math.radians(25.0 + self.chance.random() * 0.3)
        x = int((longitude + 180) / 360 * 2**zoom)
        y = int((1 - math.asinh(math.tan(latitude)) / math.pi) / 2 * 2**zoom)
        for layer in self.layers()[:4]:
            for step in range(3):
                begin = time.perf_counter()
                self.read(f"tiles/{layer}/{zoom}/{x + step}/{y}.mvt")
                self.tally.add("tile", time.perf_counter() - begin)


def begin(office: Path) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"from views.server import serve; serve({str(office)!r}, port={port})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=HOME, stdout=subprocess.DEVNULL)
    for _ in range(400):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return process, port
    raise TimeoutError("the app did not start")


def spent(pid: int) -> tuple[float, int]:
    """CPU seconds and memory in MB of a process so far."""
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = Path(f"/proc/{pid}/status").read_text()
    memory = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024
    return (int(parts[11]) + int(parts[12])) / 100, memory


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def everybody(people: list[Person], seconds: float, think: float) -> None:
    until = time.monotonic() + seconds
    await asyncio.gather(*(person.work(until, think) for person in people))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("office", type=Path)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--think", type=float, default=4.0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    process, port = begin(asked.office)
    try:
        first = Tally()
        for page in PAGES:  # the first visit of the day is not what is asked here
            asyncio.run(everybody_once(Person(0, port, first), page))
        before, alone = spent(process.pid)
        tally = Tally()
        people = [Person(number, port, tally) for number in range(asked.people)]
        start = time.monotonic()
        asyncio.run(everybody(people, asked.seconds, asked.think))
        after, together = spent(process.pid)
        waits = [value for kind, values in tally.taken.items() if kind != "tile" for value in values]
        found = {
            "people": asked.people,
            "seconds": round(time.monotonic() - start, 1),
            "interactions": len(waits),
            "failed": tally.failed,
            "p50_s": round(statistics.median(waits), 2),
            "p95_s": round(percentile(waits, 0.95), 2),
            "server_cpu_s": round(after - before, 1),
            "server_mb": together,
            "mb_a_session": round((together - alone) / asked.people, 1),
            "kinds": {
                kind: [len(values), round(statistics.median(values), 3), round(percentile(values, 0.95), 3)]
                for kind, values in sorted(tally.taken.items())
            },
        }
        print(json.dumps(found, indent=1, ensure_ascii=False))
        if asked.out:
            asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    finally:
        process.terminate()
        process.wait(timeout=30)


async def everybody_once(person: Person, page: str) -> None:
    address = f"ws://127.0.0.1:{person.port}/_stcore/stream"
    async with websockets.connect(
        address, subprotocols=["streamlit"], max_size=None, origin=f"http://127.0.0.1:{person.port}"
    ) as person.line:
        await person.turn("open", page)


if __name__ == "__main__":
    main()
