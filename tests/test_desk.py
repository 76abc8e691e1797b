"""The open office: opened once, and anew when it was replaced under the running program."""

import shutil
from datetime import date

import pytest

from geo.errors import StoreError
from tests.policies_path import POLICY
from tracker import accounts, backup, events
from tracker.events import Draft
from tracker.office import create
from views.desk import desk, has_accounts

DAY = date(2018, 5, 1)


@pytest.fixture
def folder(tmp_path):
    with create(tmp_path / "office", policy=POLICY, name="试验县") as made:
        events.append(made.ledger, Draft("a", "note", DAY, "试", {"text": "备份前"}))
        backup.backup(made, tmp_path / "b.zip")
        events.append(made.ledger, Draft("a", "note", DAY, "试", {"text": "备份后"}))
    yield (tmp_path / "office").absolute()
    desk.cache_clear()


def notes(office):
    return [event.payload["text"] for event in events.effective(office.ledger, ["note"])]


def test_an_office_is_opened_once(folder):
    assert desk(folder) is desk(folder)


def test_an_office_restored_under_the_running_program_is_opened_anew(folder, tmp_path):
    """The folder is set aside and the backup restored to its place while the program goes on."""
    before = desk(folder)
    assert notes(before) == ["备份前", "备份后"]
    folder.rename(tmp_path / "set-aside")
    with pytest.raises(StoreError, match="不是办公室文件夹"):
        desk(folder)
    backup.restore(tmp_path / "b.zip", folder)
    assert notes(desk(folder)) == ["备份前"]
    events.append(desk(folder).ledger, Draft("a", "note", DAY, "试", {"text": "恢复后"}))
    assert notes(desk(folder)) == ["备份前", "恢复后"]
    with pytest.raises(StoreError, match="重新打开"):
        events.append(before.ledger, Draft("a", "note", DAY, "试", {"text": "写错地方"}))


def test_who_holds_the_old_office_is_told_so_before_anything_is_written(folder, tmp_path):
    """A page that was already drawing: its ledger is gone, and it must not write into the new file."""
    before = desk(folder)
    shutil.move(folder, tmp_path / "set-aside")
    backup.restore(tmp_path / "b.zip", folder)
    with pytest.raises(StoreError, match="被删除或替换"):
        events.append(before.ledger, Draft("a", "note", DAY, "试", {"text": "写错地方"}))
    assert notes(desk(folder)) == ["备份前"]


def test_edited_settings_hold_at_the_next_look(folder):
    assert desk(folder).settings["max_age_days"] == 0
    file = folder / "office.toml"
    file.write_text(file.read_text("utf-8").replace("max_age_days = 0", "max_age_days = 365"), "utf-8")
    assert desk(folder).settings["max_age_days"] == 365


@pytest.mark.postgis
def test_a_ledger_moved_while_the_program_runs_is_followed(folder, postgresql_url):
    desk(folder)
    backup.move_ledger(folder, postgresql_url)
    events.append(desk(folder).ledger, Draft("a", "note", DAY, "试", {"text": "搬家后"}))
    assert not desk(folder).ledger.is_file
    assert notes(desk(folder)) == ["备份前", "备份后", "搬家后"]


def test_accounts_of_a_restored_office_are_those_of_the_backup(folder, tmp_path):
    accounts.add_user(desk(folder).ledger, "admin", name="管", role="administrator", password="zhen-hao-9", by="试")
    assert has_accounts(folder)
    folder.rename(tmp_path / "set-aside")
    assert not has_accounts(folder)
    backup.restore(tmp_path / "b.zip", folder)
    assert not has_accounts(folder)
