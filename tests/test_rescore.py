"""A rule change scores old periods anew and shows both; a published report opens again to the byte."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point, box

from analysis.policy import read_policy
from analysis.policy_changes import in_force, policy_changes, rescored_targets
from geo.errors import InputError, StoreError
from tracker import events, measures, policies, published
from tracker.office import create
from views.rescore import rescore, rescored_tables

POLICY = """
id = "p"
title = "甲"
document = "一号"
issued = 2016-01-01
[parameters."clinic.max_distance"]
label = "卫生站最远距离"
unit = "m"
values = [{since = 2016-01-01, value = 800, strength = "hard", reference = "一(一)", quote = "八百米"}%s]
[[needs]]
id = "clinic"
label = "卫生站"
unit = "village"
kind = "near"
layer = "facilities"
strength = "hard"
reference = "一(一)"
quote = "卫生站"
parameters = {kind = "clinic", max_distance_m = "@clinic.max_distance", by = "straight"}
[[targets]]
id = "exit_2018"
label = "脱贫人数"
measure = "poverty_exit_people"
day = 2018-12-31
value = %s
unit = "person"
cumulative = true
strength = "hard"
reference = "一(二)"
quote = "人"
"""
NEW_VALUE = ', {since = 2019-01-01, value = 500, strength = "hard", reference = "新一(一)", quote = "五百米"}'


def text(change: str = "", target: int = 100) -> str:
    return POLICY % (change, target)


def rules(change: str = "", target: int = 100):
    return read_policy(text(change, target))


def test_rules_of_a_day_hold_for_every_day() -> None:
    both = rules(NEW_VALUE)
    first, second = in_force(both, date(2018, 12, 31)), in_force(both, date(2019, 1, 1))
    assert [v.amount for v in first.values["clinic.max_distance"]] == [800]
    assert [v.amount for v in second.values["clinic.max_distance"]] == [500]
    assert first.digest != second.digest
    assert len(both.values["clinic.max_distance"]) == 2


@pytest.mark.parametrize(("old", "new", "count"), [("2018-12-30", "2018-12-31", 0), ("2018-12-31", "2019-01-01", 1), ("2019-01-01", "2030-01-01", 0)])  # fmt: skip
def test_a_dated_value_changes_on_its_day(old, new, count) -> None:
    both = rules(NEW_VALUE)
    found = policy_changes(both, both, old_day=date.fromisoformat(old), new_day=date.fromisoformat(new))
    assert len(found) == count
    if count:
        assert found.iloc[0][["key", "old", "new", "since", "reference"]].tolist() == [
            "clinic.max_distance", "800 m", "500 m", "2019-01-01", "新一(一)",
        ]  # fmt: skip


def test_targets_gone_and_new_are_blank_on_the_other_side() -> None:
    one, two = rules(), rules(target=120)
    seen = pd.DataFrame({"measure": ["poverty_exit_people"], "day": ["2018-12-31"], "value": [110.0]})
    day = date(2018, 12, 31)
    changes = policy_changes(one, two, old_day=day, new_day=day)
    row = rescored_targets(one, two, day, seen, seen, changes).iloc[0]
    assert (row["old_status"], row["new_status"], bool(row["is_changed"])) == ("met", "behind", True)
    assert (row["old_target"], row["new_target"], row["old_actual"]) == (100, 120, 110)
    assert row["reason"] == "脱贫人数：目标值 不少于 100 → 目标值 不少于 120（一(二)）"
    bare = read_policy(text().split("[[targets]]")[0])
    changes = policy_changes(one, bare, old_day=day, new_day=day)
    row = rescored_targets(one, bare, day, seen, seen, changes).iloc[0]
    assert (row["old_target"], row["new_target"], row["new_status"]) == (100, None, None)


@pytest.fixture
def office(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text(text(), "utf-8")
    shapes = [box(113 + i / 10, 25, 113.05 + i / 10, 25.05) for i in range(3)]
    seats = [(113 + i / 10 + 0.025, 25.025) for i in range(3)]
    rows = {
        "village_id": ["V0", "V1", "V2"],
        "name": ["甲村", "乙村", "丙村"],
        "seat_x": [x for x, _ in seats],
        "seat_y": [y for _, y in seats],
    }
    gpd.GeoDataFrame(rows, geometry=shapes, crs=4490).to_file(tmp_path / "villages.geojson", driver="GeoJSON")
    degree = 111_000 * 0.906  # metres to a degree of longitude at 25 N
    points = [Point(x + distance / degree, y) for (x, y), distance in zip(seats, (400, 600, 3000), strict=True)]
    clinics = {"facility_id": ["F0", "F1", "F2"], "kind": ["clinic"] * 3, "status": ["in_service"] * 3}
    gpd.GeoDataFrame(clinics, geometry=points, crs=4490).to_file(tmp_path / "clinics.geojson", driver="GeoJSON")
    with create(tmp_path / "office", policy=policy, name="试") as made:
        for layer, name in (("villages", "villages"), ("facilities", "clinics")):
            made.add_layer(layer, tmp_path / f"{name}.geojson", as_of=date(2018, 12, 31))
        measures.observe(made.ledger, "poverty_exit_people", 110, at=date(2018, 12, 31), by="试")
        yield made


def changed(folder: Path, **change) -> Path:
    file = folder / "new.toml"
    file.write_text(text(**change), "utf-8")
    return file


def test_an_old_period_is_scored_under_both_versions(office, tmp_path) -> None:
    day = date(2018, 12, 31)
    policies.note_current(office)
    new = changed(tmp_path, change=NEW_VALUE, target=120)
    policies.adopt(office, new, since=date(2019, 1, 1), by="王", reason="新文件")
    done = rescore(office, day, today=date(2019, 1, 1))
    assert done.changes["kind"].tolist() == ["parameter", "target"]
    need = done.needs.iloc[0]
    assert need[["old_met", "new_met", "old_gap", "new_gap"]].tolist() == [2, 1, 1, 2]
    assert need["reason"] == "卫生站最远距离：800 m → 500 m（新一(一)）"
    assert done.targets.iloc[0][["old_status", "new_status"]].tolist() == ["met", "behind"]
    tables = rescored_tables(done, "zh")
    assert list(tables) == ["目标 新旧对照", "缺口 新旧对照", "规则改了什么"]
    assert (
        tables["目标 新旧对照"]["结论（旧规则）"].tolist() == ["达到"]
        or tables["目标 新旧对照"]["结论（旧规则）"].notna().all()
    )


def test_the_same_rules_give_one_figure(office) -> None:
    policies.note_current(office)
    done = rescore(office, date(2018, 12, 31), today=date(2018, 12, 31))
    assert done.changes.empty
    assert not done.needs["is_changed"].any()
    assert not done.targets["is_changed"].any()


def test_a_dated_value_alone_scores_anew(office, tmp_path) -> None:
    office.policy_path.write_text(text(NEW_VALUE), "utf-8")
    policies.note_current(office)
    before = rescore(office, date(2018, 12, 31), today=date(2018, 12, 31))
    after = rescore(office, date(2018, 12, 31), today=date(2019, 1, 1))
    assert before.needs.iloc[0]["new_gap"] == 1
    assert after.needs.iloc[0][["old_gap", "new_gap"]].tolist() == [1, 2]


def test_a_period_before_any_layer_has_targets_and_no_needs(office, tmp_path) -> None:
    policies.adopt(office, changed(tmp_path, target=120), since=date(2019, 1, 1), by="王", reason="新文件")
    done = rescore(office, date(2017, 12, 31), today=date(2019, 1, 1))
    assert done.needs["old_met"].isna().all()
    assert done.targets.iloc[0][["old_status", "new_status"]].tolist() == ["not_due", "not_due"]


def test_versions_are_kept_and_noted_whoever_changes_the_file(office, tmp_path) -> None:
    policies.note_current(office)
    policies.note_current(office)
    assert [v.reason for v in policies.versions(office)] == ["首次登记"]
    first = policies.versions(office)[0]
    office.policy_path.write_text(text(target=130), "utf-8")
    policies.note_current(office)
    assert [v.reason for v in policies.versions(office)] == ["首次登记", "政策文件在程序之外被改动"]
    assert first.path.read_text("utf-8") == text()


def test_the_version_of_a_day(office, tmp_path) -> None:
    policies.adopt(office, changed(tmp_path, target=120), since=date(2019, 1, 1), by="王", reason="a")
    policies.adopt(office, changed(tmp_path, target=130), since=date(2020, 1, 1), by="王", reason="b")
    said = [policies.held_on(office, date.fromisoformat(day)).path.read_text("utf-8") for day in ("2010-01-01", "2018-12-31", "2019-01-01", "2019-12-31", "2020-01-01")]  # fmt: skip
    assert said == [text(), text(), text(target=120), text(target=120), text(target=130)]
    with pytest.raises(InputError, match="不能更早"):
        policies.adopt(office, changed(tmp_path, target=140), since=date(2019, 6, 1), by="王", reason="c")
    with pytest.raises(InputError, match="还没到"):
        policies.adopt(office, changed(tmp_path, target=140), since=date(2999, 1, 1), by="王", reason="c")
    assert office.policy_path.read_text("utf-8") == text(target=130)


def test_a_version_needs_a_reason_and_a_difference(office, tmp_path) -> None:
    with pytest.raises(InputError, match="原因"):
        policies.adopt(office, changed(tmp_path, target=120), since=date(2019, 1, 1), by="王", reason=" ")
    with pytest.raises(InputError, match="一字不差"):
        policies.adopt(office, changed(tmp_path), since=date(2019, 1, 1), by="王", reason="x")


def give_out(office, content=b"bytes of a workbook", **rest):
    about = {"name": "季度通报", "period": "2018年第四季度", "start": date(2018, 10, 1), "end": date(2018, 12, 31), "policy_digest": "d1",
             "data_digest": "w1", "file_name": "季度通报.xlsx", "figures": [{"目标": "脱贫人数", "实际": 110.0, "结论": "达到"}], "by": "王"}  # fmt: skip
    return published.publish(office, content, **{**about, **rest})


def test_a_report_published_under_an_old_rule_opens_again_to_the_byte(office, tmp_path) -> None:
    give_out(office)
    policies.adopt(office, changed(tmp_path, target=120), since=date(2019, 1, 1), by="王", reason="新文件")
    give_out(office, b"another", policy_digest="d2")
    second, first = published.reports(office)
    assert published.content(office, first) == b"bytes of a workbook"
    assert (first.policy_digest, second.policy_digest) == ("d1", "d2")
    assert first.figures[0]["实际"] == 110.0
    file = next((office.path / "results" / "reports").glob(f"{first.digest}*"))
    file.write_bytes(b"altered")
    with pytest.raises(StoreError, match="报告"):
        published.content(office, first)


def test_published_reports_and_versions_are_in_a_backup(office, tmp_path) -> None:
    from tracker import backup
    from tracker.office import open_office

    give_out(office)
    policies.note_current(office)
    saved = backup.backup(office, tmp_path / "b.zip")
    with open_office(backup.restore(saved.path, tmp_path / "again")) as again:
        assert published.content(again, published.reports(again)[0]) == b"bytes of a workbook"
        assert policies.held_on(again, date(2018, 1, 1)).path.read_text("utf-8") == text()
        assert events.verify(again.ledger) == []
