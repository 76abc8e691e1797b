"""Time the views of a county's ledger as of a day: python -m benchmarks.ledger --events 1000000 [--url postgresql://…].

Five thousand dangerous houses, two thousand projects, their money, and for the rest the log of who looked at what.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from tracker import events, funds, houses, projects
from tracker.events import Draft
from tracker.ledger import Ledger, open_ledger

BASE, DAYS = date(2016, 1, 1), 1000
HOUSES, PROJECTS = 5000, 2000


def drafts(count: int) -> Iterator[Draft]:
    """Give events of a county in the shares a busy office has them; the same every time."""
    chance = random.Random(1)
    described = {"title": "路", "kind": "road", "town": "东", "year": 2018, "village_ids": ["V1"], "needs": []}
    described |= {"owner": "x", "planned_cost_cny": "100.00", "planned_length_km": 1.0, "basis": {}, "note": ""}
    money = {"source": "省", "amount_cny": "10.00", "town": "东", "year": 2018, "document": "", "note": ""}
    for number in range(count):
        day, share = BASE + timedelta(days=DAYS * number // count), chance.random()
        house, project = f"house:H{chance.randrange(HOUSES)}", chance.randrange(PROJECTS)
        if share < 0.3:
            kind = houses.MOVED[chance.randrange(len(houses.MOVED))]
            yield Draft(
                house, kind, day, "李", {"reason": "", "town": f"镇{number % 12}", "village_id": "V", "grade": "D"}
            )
        elif share < 0.4:
            kind = projects.MOVED[chance.randrange(len(projects.MOVED))]
            yield Draft(f"project:P{project}", kind, day, "李", {"reason": ""})
        elif share < 0.42:
            yield Draft(f"project:P{project}", projects.DESCRIBED, day, "李", described)
        elif share < 0.44:
            kind = funds.KINDS[chance.randrange(len(funds.KINDS))]
            yield Draft(f"fund:{number}", kind, day, "李", {**money, "project_id": f"P{project}"})
        else:
            yield Draft(f"access:u{number % 40}", "access", day, "u", {"action": "view", "what": "h", "rows": 1})


def fill(ledger: Ledger, count: int) -> None:
    """Enter the events, twenty thousand a transaction."""
    batch: list[Draft] = []
    for draft in drafts(count):
        batch.append(draft)
        if len(batch) == 20000:
            events.append(ledger, *batch)
            batch = []
    events.append(ledger, *batch)


def seconds(work: Callable[[], object]) -> float:
    """Return the best of three."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return round(min(taken), 3)


def measure(ledger: Ledger, count: int) -> dict[str, object]:
    """Fill a ledger and time its views."""
    start = time.perf_counter()
    fill(ledger, count)
    entering = time.perf_counter() - start
    day = BASE + timedelta(days=DAYS // 2)
    return {
        "events": count,
        "entered_per_second": round(count / entering),
        "houses_s": seconds(lambda: houses.houses(ledger, as_of=day)),
        "houses_known_on_s": seconds(lambda: houses.houses(ledger, as_of=day, known_on=day)),
        "projects_s": seconds(lambda: projects.projects(ledger, as_of=day)),
        "funds_s": seconds(lambda: funds.totals(funds.postings(ledger, as_of=day), ["town", "year"])),
        "one_history_s": seconds(lambda: events.history(ledger, "house:H7")),
        "verify_s": seconds(lambda: events.verify(ledger)),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--url", help="postgresql:// address of an empty schema; default: an SQLite file")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_ledger(options.url or Path(folder) / "ledger.sqlite", create=True) as opened,
    ):
        print(json.dumps(measure(opened, options.events), indent=1))
