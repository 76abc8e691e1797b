"""Trials that kill processes, run in a process of their own: python -m tests.hostile.ledger_trials TRIAL ARGUMENTS.

Everything is imported once and each trial is a fork, so that sixty kills take seconds. Prints one JSON document.
"""

import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from geo.errors import AppError, StoreError
from tracker import backup, events, office, sqlite
from tracker.events import Draft
from tracker.ledger import ConflictError, open_ledger

DAY = date(2018, 5, 1)
ROWS = 20
READY, COMMITTED = b"r", b"c"


def forked(work: Callable[[], None]) -> int:
    """Run `work` in a child that leaves without any tidying up, and return its process id."""
    child = os.fork()
    if child:
        return child
    code = 0
    try:
        work()
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        code = 1
    finally:
        sys.stderr.flush()
        os._exit(code)


def ended(child: int) -> int:
    """Wait for a child and return its exit code, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def write_for_ever(where: str, run: int, acknowledge: int) -> None:
    """Commit groups of twenty events and tell each commit only after it is made; meddle with the file meanwhile."""
    with open_ledger(where) as ledger:
        number = 0
        os.write(acknowledge, READY)
        while True:
            events.append(ledger, *(Draft(f"run:{run}", "k", DAY, "x", {"n": number}) for _ in range(ROWS)))
            os.write(acknowledge, COMMITTED)
            number += 1
            try:  # what a careless download button would do: the guard stops it, or acknowledged rows would be lost
                Path(where).read_bytes()
            except StoreError:
                pass
            else:
                os._exit(3)


def kill_while_writing(where: str, points: str) -> dict[str, object]:
    """Kill a writer at random moments; count acknowledged groups lost and groups half there."""
    chance = random.Random(7)
    open_ledger(where, create=True).close()
    told, lost, partial, broken = 0, 0, 0, []
    for run in range(int(points)):
        reading, writing = os.pipe()
        child = forked(lambda run=run, writing=writing: write_for_ever(where, run, writing))
        os.close(writing)
        os.read(reading, 1)
        time.sleep(chance.random() * 0.06)
        os.kill(child, signal.SIGKILL)
        if ended(child) != -signal.SIGKILL:
            broken.append(f"run {run}: the writer ended by itself")
        heard = b""
        while block := os.read(reading, 65536):
            heard += block
        os.close(reading)
        acknowledged = heard.count(COMMITTED)
        told += acknowledged
        with open_ledger(where) as ledger:
            stored = [event.payload["n"] for event in events.history(ledger, f"run:{run}")]
            broken += ledger.faults()
        lost += sum(stored.count(n) != ROWS for n in range(acknowledged))
        partial += sum(stored.count(n) != ROWS for n in set(stored))
    with open_ledger(where) as ledger:
        broken += [fault.message for fault in events.verify(ledger)]
    return {"acknowledged": told, "lost": lost, "partial": partial, "broken": broken}


def edit(where: str, name: str, times: int, seconds: float) -> int:
    """Change one record again and again, each time from the version last seen, and return how often that was acknowledged.

    Goes on until both the number of changes is reached and the seconds are over.
    """
    end = time.monotonic() + seconds
    with open_ledger(where) as ledger:
        done = 0
        while done < times or time.monotonic() < end:
            seen = events.version(ledger, "hot")
            try:
                events.append(ledger, Draft("hot", "k", DAY, name, {"count": seen + 1}, expected_version=seen))
            except ConflictError as conflict:
                if not conflict.theirs:
                    raise
                continue
            done += 1
    return done


def many_editors(where: str, editors: str, times: str, seconds: str = "0") -> dict[str, object]:
    """Let many processes edit one record at once; nothing may be lost and nobody may see a lock error."""
    open_ledger(where, create=True).close()
    reading, writing = os.pipe()

    def work(number: int) -> None:
        os.write(writing, b"%d\n" % edit(where, f"人{number}", int(times), float(seconds)))

    begun = time.monotonic()
    children = [forked(lambda i=i: work(i)) for i in range(int(editors))]
    os.close(writing)
    codes = [ended(child) for child in children]
    took = time.monotonic() - begun
    with os.fdopen(reading, "rb") as file:
        acknowledged = sum(map(int, file.read().split()))
    with open_ledger(where) as ledger:
        found = events.history(ledger, "hot")
        return {
            "failed": [code for code in codes if code],
            "events": len(found),
            "lost": acknowledged - len(found),
            "is_gapless": [event.payload["count"] for event in found] == list(range(1, len(found) + 1)),
            "editors": len({event.by for event in found}),
            "broken": [fault.message for fault in events.verify(ledger)],
            "seconds": round(took, 1),
        }


def kill_while_migrating(where: str) -> dict[str, object]:
    """Kill the program after each statement of every migration; the tables are then as before or as after."""
    seen: list[list[str]] = []
    for stop in range(1, 200):
        Path(where).unlink(missing_ok=True)
        count = 0
        real = sqlite.sqlite3.complete_statement

        def counting(text: str, stop: int = stop, real: Callable[[str], bool] = real) -> bool:
            nonlocal count
            is_whole = real(text)
            count += is_whole
            if is_whole and count == stop:
                os.kill(os.getpid(), signal.SIGKILL)
            return is_whole

        def migrate(counting: Callable[[str], bool] = counting) -> None:
            sqlite.sqlite3.complete_statement = counting  # type: ignore[assignment]
            open_ledger(where, create=True).close()

        if ended(forked(migrate)) == 0:
            return {"statements": stop - 1, "seen": seen}
        with open_ledger(where, create=True) as ledger:
            tables = ledger.read(lambda t: t.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"))
            events.append(ledger, Draft("a", "k", DAY, "x"))
            seen.append([str(row[0]) for row in tables])
    raise AssertionError("no end of statements")


def kill_while_importing(folder: str, layer_file: str) -> dict[str, object]:
    """Kill an import at each of its steps; the layer is then wholly there or not at all, and can be added again."""
    home = Path(folder)
    policy = home / "policy.toml"
    policy.write_text('id = "p"\n')
    places = [(office.store, "write_layer"), (office.events, "append"), (sqlite.SQLite, "begin")]
    dropped = office.read(Path(layer_file))
    office.read = lambda *_, **__: dropped  # type: ignore[assignment]  # no reading worker is left behind by the kills
    results = []
    for module, name in places:
        for moment in ("before", "after"):
            with office.create(home / f"{name}-{moment}", policy=policy, name="x") as made:
                path = made.path

            def add(module: object = module, name: str = name, moment: str = moment, path: Path = path) -> None:
                with office.open_office(path) as opened:
                    real = getattr(module, name)

                    def deadly(*arguments: object, **rest: object) -> object:
                        if name == "begin" and not arguments[2]:
                            return real(*arguments, **rest)
                        if moment == "after":
                            real(*arguments, **rest)
                        os.kill(os.getpid(), signal.SIGKILL)
                        return None

                    setattr(module, name, deadly)
                    opened.add_layer("villages", layer_file, as_of=DAY)

            code = ended(forked(add))
            with office.open_office(path) as opened:
                before = len(opened.sources())
                again = opened.add_layer("villages", layer_file, as_of=DAY)
                rows = len(opened.frames()["villages"])
                results.append([name, moment, code, before, again.stored, rows, len(events.verify(opened.ledger))])
    return {"results": results}


def kill_while_backing_up(folder: str, points: str) -> dict[str, object]:
    """Kill a backup at random moments; the former backup stays whole and no half file bears the name."""
    home = Path(folder)
    policy = home / "policy.toml"
    policy.write_text('id = "p"\n')
    chance = random.Random(3)
    target = home / "backup.zip"
    damaged, replaced = [], 0
    with office.create(home / "office", policy=policy, name="x") as made:
        for i in range(50):
            (made.path / "results" / str(i)).write_bytes(chance.randbytes(200_000))
        backup.backup(made, target)
    for run in range(int(points)):
        before = target.read_bytes()

        def back_up() -> None:
            with office.open_office(home / "office") as opened:
                backup.backup(opened, target)

        child = forked(back_up)
        time.sleep(chance.random() * 0.15)
        os.kill(child, signal.SIGKILL)
        ended(child)
        if target.read_bytes() != before:
            replaced += 1
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            try:
                backup.restore(target, Path(scratch) / "again")
            except AppError as error:
                damaged.append(f"{run}: {error}")
    return {"damaged": damaged, "replaced": replaced}


def limited(size: int) -> None:
    """Let no file of this process grow beyond a size: a write past it is an error, not a signal."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def told(work: Callable[[], None], size: int) -> str:
    """Run `work` in a child whose files end at a size, and return its sentence, "" when it was done."""
    reading, writing = os.pipe()

    def child() -> None:
        limited(size)
        try:
            work()
        except AppError as error:
            os.write(writing, str(error).encode())

    code = ended(forked(child))
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        sentence = file.read().decode()
    return sentence if code == 0 else f"exit {code}"


def fail_by_size(where: str) -> dict[str, object]:
    """Let the ledger's files end at one size after another while events are entered, until one run passes."""
    with open_ledger(where, create=True) as ledger:
        events.append(ledger, *(Draft("a", "k", DAY, "x", {"n": n, "text": "石灰窑埠" * 40}) for n in range(20)))
    Path(where + "-reserve").unlink(missing_ok=True)
    start = Path(where).stat().st_size
    sentences, done, partial, broken, stored = [], 0, [], [], 20

    def enter() -> None:
        with open_ledger(where) as ledger:
            drafts = [Draft("a", "k", DAY, "x", {"n": n, "text": "石灰窑埠" * 4000}) for n in range(ROWS)]
            events.append(ledger, *drafts)

    for size in [0, 100, 4096, *range(start, start + 2_000_000, 60_000)]:
        sentence = told(enter, size)
        with open_ledger(where) as ledger:
            count = len(events.history(ledger, "a"))
            broken += [*ledger.faults(), *(fault.message for fault in events.verify(ledger))]
        done += not sentence
        sentences += [sentence] if sentence else []
        if count - stored != (0 if sentence else ROWS):
            partial.append([size, count - stored, sentence])
        stored = count
    return {
        "refused": len(sentences),
        "done": done,
        "partial": partial,
        "broken": broken,
        "sentences": sorted(set(sentences)),
    }


def fail_backup_by_size(folder: str) -> dict[str, object]:
    """Let a backup's files end at one size after another; the former backup stays until a new one is whole."""
    home = Path(folder)
    policy = home / "policy.toml"
    policy.write_text('id = "p"\n')
    target = home / "backup.zip"
    with office.create(home / "office", policy=policy, name="x") as made:
        (made.path / "results" / "r").write_bytes(random.Random(3).randbytes(200_000))
        backup.backup(made, target)
    sentences, damaged = [], []

    def back_up() -> None:
        with office.open_office(home / "office") as opened:
            backup.backup(opened, target)

    for size in [0, 5000, *range(60_000, 320_000, 25_000)]:
        before = target.read_bytes()
        sentence = told(back_up, size)
        sentences += [sentence] if sentence else []
        if sentence and target.read_bytes() != before:
            damaged.append(f"{size}: replaced in spite of {sentence}")
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            try:
                backup.restore(target, Path(scratch) / "again")
            except AppError as error:
                damaged.append(f"{size}: {error}")
    return {"refused": len(sentences), "damaged": damaged, "sentences": sorted(set(sentences))}


if __name__ == "__main__":
    trials = {f.__name__: f for f in (kill_while_writing, many_editors, kill_while_migrating)}
    trials |= {f.__name__: f for f in (kill_while_importing, kill_while_backing_up)}
    trials |= {f.__name__: f for f in (fail_by_size, fail_backup_by_size)}
    print(json.dumps(trials[sys.argv[1]](*sys.argv[2:]), ensure_ascii=False))
