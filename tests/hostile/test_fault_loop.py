"""The n-th write, fsync or rename fails, n = 1 … until one run passes: the old state or the new, and one sentence each time.

Python's own file calls are failed one by one; SQLite's are failed by a limit on the size of files (RLIMIT_FSIZE).
"""

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from geo.errors import AppError, StoreError
from tests.hostile.failing import failing
from tests.hostile.test_ledger_faults import needs_fork, trial, village_file
from tracker import backup, configuration, events, evidence, policies, projects, published
from tracker.events import Draft
from tracker.office import Office, create, open_office

DAY = date(2018, 5, 1)
POLICY = 'id = "p"\ntitle = "甲"\nissued = 2016-01-01\n'
CHINESE = re.compile(r"[一-鿿]{4,}")


@pytest.fixture
def office(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY, "utf-8")
    with create(tmp_path / "office", policy=policy, name="试") as made:
        made.add_layer("villages", village_file(tmp_path), as_of=DAY)
        (made.path / "decision.key").write_bytes(b"k" * 32)
        yield made


def loop(
    monkeypatch,
    work: Callable[[], object],
    check: Callable[[bool], None],
    *,
    again: Callable[[], None] = lambda: None,
    most: int = 400,
) -> list[str]:
    """Fail the n-th call until a run passes; return the sentences. `check` is told whether the run said it was done.

    `again` takes away what a failed run may have left for the next to find (files named by their content).
    """
    sentences = []
    for number in range(1, most):
        with failing(number, monkeypatch) as counter:
            try:
                work()
                is_done = True
            except AppError as error:
                is_done = False
                sentences.append(str(error))
        check(is_done)
        if is_done and not counter.has_failed:
            assert {"write", "fsync", "rename"} <= set(counter.kinds), "the loop must have met all of them"
            break
        again()
    else:
        pytest.fail(f"still failing after {most} calls")
    assert sentences
    assert all(CHINESE.search(text) for text in sentences), sentences
    return sentences


def no_rest(folder: Path) -> None:
    """Nothing half written may lie about under a name of its own."""
    left = [path for path in folder.rglob("*") if path.name.endswith((".part", ".tmp"))]
    assert left == []


def sound(office: Office) -> None:
    assert office.ledger.faults() == []
    assert events.verify(office.ledger) == []


def test_import(office, tmp_path, monkeypatch):
    file = village_file(tmp_path, count=40)
    later = date(2019, 1, 1)

    def check(is_done: bool) -> None:
        standing = office.sources()["villages"]
        assert (standing.rows, standing.as_of) == ((40, later) if is_done else (30, DAY))
        assert len(office.frames()["villages"]) == standing.rows
        no_rest(office.path)
        sound(office)

    import tracker.office as module
    from geo.read import read

    dropped = read(file)  # read once: parsing runs in a process of its own
    monkeypatch.setattr(module, "read", lambda *_, **__: dropped)
    former = office.sources()["villages"].digest

    def again() -> None:
        for path in (office.path / "layers" / "villages").iterdir():
            if not path.name.startswith(former):
                path.unlink()

    loop(monkeypatch, lambda: office.add_layer("villages", file, as_of=later), check, again=again)


def test_evidence_is_on_the_disk_before_its_event(office, monkeypatch):
    about = projects.Description(title="路", kind="road", town="东", year=2018, owner="局", planned_cost_cny=100)
    number = projects.propose(office.ledger, about, at=DAY, by="试")
    for to in ("approved", "tendered", "started", "completed"):
        projects.move(office.ledger, number, to, at=DAY, by="试")
    paper = b"%PDF " + b"x" * 100_000

    def accept() -> None:
        named = evidence.keep(office.path, "验收单.pdf", paper)
        projects.move(office.ledger, number, "accepted", at=DAY, by="试", evidence=[named], actual_cost_cny=90)

    def check(is_done: bool) -> None:
        [project] = projects.projects(office.ledger)
        assert project.status == ("accepted" if is_done else "completed")
        assert all(evidence.fetch(office.path, name) == paper for name in project.evidence)
        no_rest(office.path)

    loop(monkeypatch, accept, check, again=lambda: shutil.rmtree(office.path / "evidence"))


def test_evidence_and_its_folder_are_fsynced(office, monkeypatch):
    with failing(10**9, monkeypatch) as counter:
        evidence.keep(office.path, "a.pdf", b"x")
    assert counter.kinds.count("fsync") >= 2
    assert counter.kinds.index("fsync") < counter.kinds.index("rename")


def restorable(file: Path, tmp_path: Path) -> int:
    folder = tmp_path / "rehearsal"
    shutil.rmtree(folder, ignore_errors=True)
    with open_office(backup.restore(file, folder)) as again:
        return len(events.effective(again.ledger, ["note"]))


def test_backup(office, tmp_path, monkeypatch):
    target = tmp_path / "backup.zip"
    backup.backup(office, target)
    former = hashlib.sha256(target.read_bytes()).hexdigest()
    events.append(office.ledger, Draft("a", "note", DAY, "试"))

    def check(is_done: bool) -> None:
        found = hashlib.sha256(target.read_bytes()).hexdigest()
        assert (found == former) is not is_done
        with zipfile.ZipFile(target) as archive:
            assert archive.testzip() is None
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".backup", "qiyou-backup"))] == []

    loop(monkeypatch, lambda: backup.backup(office, target), check)
    assert restorable(target, tmp_path) == 1


def test_restore(office, tmp_path, monkeypatch):
    evidence.keep(office.path, "a.pdf", b"paper")
    saved = backup.backup(office, tmp_path / "b.zip").path
    folder = tmp_path / "again"

    def check(is_done: bool) -> None:
        assert folder.exists() is is_done
        assert [path.name for path in tmp_path.iterdir() if "restoring" in path.name] == []
        if is_done:
            with open_office(folder) as again:
                sound(again)
                assert evidence.fetch(folder, f"{hashlib.sha256(b'paper').hexdigest()[:16]}/a.pdf") == b"paper"
                assert (folder / "decision.key").read_bytes() == b"k" * 32
                assert (folder / "decision.key").stat().st_mode & 0o077 == 0
            shutil.rmtree(folder)

    loop(monkeypatch, lambda: backup.restore(saved, folder), check)


def test_a_new_version_of_the_policy(office, tmp_path, monkeypatch):
    policies.note_current(office)
    new = tmp_path / "new.toml"
    new.write_text(POLICY.replace("甲", "乙"), "utf-8")

    def adopt() -> None:
        policies.adopt(office, new, since=datetime.now(events.OFFICE_ZONE).date(), by="试", reason="新")

    def check(is_done: bool) -> None:
        text = office.policy_path.read_text("utf-8")
        assert text in (POLICY, new.read_text("utf-8"))
        known = policies.versions(office)
        assert all(version.path.is_file() for version in known)
        if is_done:
            assert (known[-1].reason, text) == ("新", new.read_text("utf-8"))
        elif text != POLICY:  # put in place, and failed afterwards: noted at the next look
            policies.note_current(office)
            assert policies.versions(office)[-1].path.read_text("utf-8") == text
            office.policy_path.write_text(POLICY, "utf-8")
            policies.note_current(office)

    loop(monkeypatch, adopt, check)


def test_a_published_report(office, monkeypatch):
    def give_out() -> None:
        published.publish(
            office, b"workbook" * 1000, name="季报", period="一", start=DAY, end=DAY, policy_digest="p", data_digest="w",
            file_name="r.xlsx", figures=[], by="试",
        )  # fmt: skip

    def check(is_done: bool) -> None:
        found = published.reports(office)
        assert bool(found) is is_done
        assert all(published.content(office, item) == b"workbook" * 1000 for item in found)

    loop(
        monkeypatch,
        give_out,
        check,
        again=lambda: shutil.rmtree(office.path / "results" / "reports", ignore_errors=True),
    )


def test_the_address_of_the_ledger(office, monkeypatch):
    file = office.path / "office.toml"
    before = file.read_text("utf-8")

    def check(is_done: bool) -> None:
        said = configuration.read(office.path)
        assert said["name"] == "试"
        assert "ledger" in said if is_done else file.read_text("utf-8") == before or "ledger" in said
        no_rest(office.path)

    loop(
        monkeypatch,
        lambda: configuration.set_ledger_address(office.path, "postgresql://x@y/z"),
        check,
        again=lambda: file.write_text(before, "utf-8"),
    )


def test_the_key_that_signs_decisions(office, monkeypatch):
    from views.decision import KEY_FILE, office_key

    file = office.path / KEY_FILE
    file.unlink()
    with failing(2, monkeypatch), pytest.raises(StoreError, match="签名密钥"):
        office_key(office.path)
    assert not file.exists()
    assert len(office_key(office.path)) == 32


@needs_fork
def test_the_ledgers_own_file_cannot_grow(tmp_path):
    """SQLite's write fails at every size of its log in turn: whole commits or none, and a sentence."""
    found = trial("fail_by_size", tmp_path / "ledger.sqlite")
    assert found["refused"] >= 10
    assert found["done"] >= 1
    assert found["partial"] == []
    assert found["broken"] == []
    assert all(CHINESE.search(text) and "没有保存" in text for text in found["sentences"]), found["sentences"]


@needs_fork
def test_a_backup_that_cannot_grow(tmp_path):
    found = trial("fail_backup_by_size", tmp_path)
    assert found["refused"] >= 5
    assert found["damaged"] == []
    assert all(CHINESE.search(text) for text in found["sentences"]), found["sentences"]


def test_what_a_person_reads_is_json_safe():
    """A sentence with a path of the system in it is still a sentence: no traceback, no class name."""
    error = StoreError("磁盘空间不足，“a”没有写入。")
    assert "Error" not in json.dumps(str(error), ensure_ascii=False)
