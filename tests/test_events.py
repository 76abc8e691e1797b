"""Events over both stores: order, corrections, what was known when, conflicts, saving twice, the hash chain."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import InputError, StoreError
from tracker import chain, events
from tracker.events import Draft
from tracker.ledger import ConflictError, open_ledger

MAY, JUNE, JULY = date(2018, 5, 1), date(2018, 6, 1), date(2018, 7, 1)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC)


@pytest.fixture
def ledger(store):
    with open_ledger(store, create=True) as opened:
        yield opened


def draft(subject="project:1", kind="project_described", at=MAY, by="李工", **rest) -> Draft:
    return Draft(subject, kind, at, by, **rest)


def says(found):
    return [(e.subject, e.payload.get("v")) for e in found]


def test_what_is_stored_comes_back_as_it_was(ledger):
    payload = {"title": "㙦村 “村道” \0 𬒈", "cost": 12.5, "n": 3, "ok": True, "none": None, "list": ["a", {"b": 1}]}
    [stored] = events.append(ledger, draft(payload=payload, evidence=["验收单.pdf#ab12"]), now=noon(JUNE))
    assert events.event(ledger, 1) == stored
    assert stored.payload == payload
    assert stored.evidence == ("验收单.pdf#ab12",)
    assert (stored.at, stored.entered, stored.by, stored.version) == (MAY, noon(JUNE), "李工", 1)
    assert events.verify(ledger) == []


def test_version_counts_each_subject_by_itself(ledger):
    stored = events.append(ledger, draft("a"), draft("b"), draft("a"), draft("a"))
    assert [(e.seq, e.subject, e.version) for e in stored] == [(1, "a", 1), (2, "b", 1), (3, "a", 2), (4, "a", 3)]
    assert events.version(ledger, "a") == 3
    assert events.version(ledger, "nothing") == 0


def test_a_late_entry_takes_its_place_by_the_day_it_happened(ledger):
    events.append(ledger, draft(at=JULY, payload={"v": "july"}), now=noon(JULY))
    events.append(ledger, draft(at=MAY, payload={"v": "may"}), now=noon(date(2018, 8, 1)))
    assert says(events.effective(ledger, ["project_described"])) == [("project:1", "may"), ("project:1", "july")]
    assert says(events.latest(ledger, ["project_described"])) == [("project:1", "july")]
    assert says(events.latest(ledger, ["project_described"], as_of=JUNE)) == [("project:1", "may")]
    assert says(events.latest(ledger, ["project_described"], as_of=JUNE, known_on=JULY)) == []


def test_as_of_includes_the_day_itself(ledger):
    events.append(ledger, draft(at=JUNE, payload={"v": 1}))
    day = timedelta(days=1)
    assert events.latest(ledger, ["project_described"], as_of=JUNE - day) == []
    assert len(events.latest(ledger, ["project_described"], as_of=JUNE)) == 1
    assert len(events.effective(ledger, ["project_described"], as_of=JUNE + day)) == 1


def test_known_on_ends_at_midnight_in_china(ledger):
    events.append(ledger, draft(payload={"v": 1}), now=datetime(2018, 6, 1, 15, 59, 59, tzinfo=UTC))
    events.append(ledger, draft(payload={"v": 2}), now=datetime(2018, 6, 1, 16, 0, 0, tzinfo=UTC))
    assert says(events.effective(ledger, ["project_described"], known_on=JUNE)) == [("project:1", 1)]
    assert len(events.effective(ledger, ["project_described"], known_on=date(2018, 6, 2))) == 2


def test_a_clock_set_back_does_not_reorder_or_hide_anything(ledger):
    events.append(ledger, draft(payload={"v": 1}), now=noon(JULY))
    events.append(ledger, draft(payload={"v": 2}), now=noon(JUNE))
    assert says(events.latest(ledger, ["project_described"])) == [("project:1", 2)]
    assert len(events.effective(ledger, ["project_described"], known_on=JULY)) == 2
    assert events.verify(ledger) == []


def test_latest_is_one_for_each_subject_and_kind(ledger):
    for subject in ("p:2", "p:1"):
        for kind in ("x", "y", "z"):
            events.append(ledger, draft(subject, kind, payload={"v": 1}), draft(subject, kind, payload={"v": 2}))
    found = events.latest(ledger, ["x", "y"])
    assert [(e.subject, e.kind, e.payload["v"]) for e in found] == [
        ("p:1", "x", 2),
        ("p:1", "y", 2),
        ("p:2", "x", 2),
        ("p:2", "y", 2),
    ]
    assert events.latest(ledger, []) == []


def test_correction_replaces_and_the_old_view_can_still_be_asked(ledger):
    events.append(ledger, draft(payload={"v": "wrong"}), now=noon(MAY))
    fixed = events.correct(ledger, 1, by="王工", payload={"v": "right"}, now=noon(JULY))
    assert fixed.corrects == 1
    assert says(events.effective(ledger, ["project_described"])) == [("project:1", "right")]
    assert says(events.effective(ledger, ["project_described"], known_on=JUNE)) == [("project:1", "wrong")]
    assert [e.payload["v"] for e in events.history(ledger, "project:1")] == ["wrong", "right"]


def test_correction_keeps_the_place_of_what_it_corrects(ledger):
    """Two moves on one day: mending the first must not make it the latest."""
    events.append(ledger, draft(payload={"v": "first"}), draft(payload={"v": "second"}))
    events.correct(ledger, 1, by="王工", payload={"v": "first mended"})
    events.correct(ledger, 3, by="王工", payload={"v": "first mended again"})
    assert says(events.latest(ledger, ["project_described"])) == [("project:1", "second")]
    assert [v for _, v in says(events.effective(ledger, ["project_described"]))] == ["first mended again", "second"]


def test_correction_may_move_the_day(ledger):
    events.append(ledger, draft(at=MAY, payload={"v": 1}))
    events.correct(ledger, 1, by="王工", at=JULY)
    assert events.effective(ledger, ["project_described"], as_of=JUNE) == []
    assert says(events.effective(ledger, ["project_described"])) == [("project:1", 1)]


def test_withdrawn_event_is_gone_from_views_and_stays_in_history(ledger):
    events.append(ledger, draft(payload={"v": 1}), now=noon(MAY))
    events.withdraw(ledger, 1, by="王工", reason="登记错了村", now=noon(JULY))
    assert events.latest(ledger, ["project_described"]) == []
    assert says(events.latest(ledger, ["project_described"], known_on=JUNE)) == [("project:1", 1)]
    assert events.history(ledger, "project:1")[1].payload == {"reason": "登记错了村"}
    with pytest.raises(InputError, match="原因"):
        events.withdraw(ledger, 1, by="王工", reason="  ")


def test_correcting_twice_the_same_event_is_a_conflict(ledger):
    events.append(ledger, draft(payload={"v": 1}))
    events.correct(ledger, 1, by="甲", payload={"v": 2})
    with pytest.raises(ConflictError, match="已被更正"):
        events.correct(ledger, 1, by="乙", payload={"v": 3})


def test_correction_must_stay_with_its_subject_and_kind(ledger):
    events.append(ledger, draft(payload={"v": 1}))
    with pytest.raises(InputError, match="不属于"):
        events.append(ledger, draft("project:2", corrects=1))
    with pytest.raises(InputError, match="先撤回"):
        events.append(ledger, draft(kind="house_found", corrects=1))
    with pytest.raises(InputError, match="第 99 号"):
        events.correct(ledger, 99, by="甲")
    assert len(events.history(ledger, "project:1")) == 1


def test_two_people_edit_one_thing_the_second_sees_the_first(ledger):
    events.append(ledger, draft(payload={"v": 0}))
    seen = events.version(ledger, "project:1")
    events.append(ledger, draft(by="甲", payload={"v": "甲的"}, expected_version=seen))
    with pytest.raises(ConflictError, match=r"已由甲修改.*没有保存") as caught:
        events.append(ledger, draft(by="乙", payload={"v": "乙的"}, expected_version=seen))
    assert [e.payload["v"] for e in caught.value.theirs] == ["甲的"]
    assert isinstance(caught.value, StoreError)
    assert len(events.history(ledger, "project:1")) == 2


def test_a_group_is_entered_whole_or_not_at_all(ledger):
    events.append(ledger, draft("a"))
    with pytest.raises(ConflictError):
        events.append(ledger, draft("b"), draft("a", expected_version=9))
    assert events.history(ledger, "b") == []
    assert events.append(ledger, draft("b"))[0].seq == 2
    assert events.verify(ledger) == []


def test_saving_twice_is_one_event(ledger):
    once = draft(payload={"v": 1}, event_id="form-7", expected_version=0)
    [first] = events.append(ledger, once)
    [again] = events.append(ledger, once)
    assert again == first
    assert len(events.history(ledger, "project:1")) == 1
    with pytest.raises(ConflictError, match="另一条记录"):
        events.append(ledger, replace(once, payload={"v": 2}))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"subject": " "}, "subject"),
        ({"kind": ""}, "kind"),
        ({"by": ""}, "by"),
        ({"at": noon(MAY)}, "日期"),
        ({"at": "2018-05-01"}, "日期"),
        ({"payload": {"v": float("nan")}}, "不能保存"),
        ({"payload": {"v": {1, 2}}}, "不能保存"),
        ({"payload": {"v": "\ud800"}}, "不能保存"),
        ({"evidence": ["\udfff"]}, "不能保存"),
        ({"subject": "a\0b"}, "不能保存"),
        ({"by": "\ud800"}, "不能保存"),
        ({"payload": {"v": date(2018, 1, 1)}}, "不能保存"),
    ],
)
def test_incomplete_events_are_refused(ledger, change, text):
    with pytest.raises(InputError, match=text):
        events.append(ledger, replace(draft(), **change))
    assert events.verify(ledger) == []


def test_rows_cannot_be_changed_through_the_database(ledger):
    import sqlite3

    import psycopg

    events.append(ledger, draft(payload={"v": 1}))
    for sql in ("UPDATE events SET actor = 'x'", "DELETE FROM events"):
        with pytest.raises((StoreError, sqlite3.IntegrityError, psycopg.errors.RaiseException), match="append-only"):
            ledger.write(lambda t, sql=sql: t.run(sql))
    assert events.verify(ledger) == []


def tamper(ledger, *changes):
    """Change rows as somebody with a database tool would: the triggers go first."""

    def work(t):
        if "postgresql" in ledger.where:
            t.run("ALTER TABLE events DISABLE TRIGGER USER")
        else:
            t.run("DROP TRIGGER events_are_not_changed")
            t.run("DROP TRIGGER events_are_not_deleted")
        for change in changes:
            t.run(change)

    ledger.write(work)


@pytest.mark.parametrize(
    "change",
    [
        "payload = '{\"v\":99}'",
        "at = '2017-01-01'",
        "entered = '2017-01-01T00:00:00.000000Z'",
        "actor = '别人'",
        "evidence = '[\"假\"]'",
        "kind = 'other'",
        "subject = 'project:9'",
        "place = '2017-01-01#000000000003#000000000003'",
        "event_id = 'other'",
        "version = 44",
        "corrects = 1",
        "hash = 'abc'",
    ],
)
def test_verify_names_the_altered_row(ledger, change):
    events.append(ledger, *(draft(payload={"v": i}) for i in range(6)))
    tamper(ledger, f"UPDATE events SET {change} WHERE seq = 3")
    faults = events.verify(ledger)
    assert 3 in {fault.seq for fault in faults}
    assert {fault.seq for fault in faults} <= {3, 4}
    assert any("第 3 号" in fault.message for fault in faults)


def test_verify_notices_rows_taken_out_of_the_middle_and_the_end(ledger):
    events.append(ledger, *(draft(payload={"v": i}) for i in range(6)))
    tamper(ledger, "DELETE FROM events WHERE seq IN (3, 6)")
    faults = {fault.seq: fault.message for fault in events.verify(ledger)}
    assert "第 3 至 3 号记录被删除" in faults[3]
    assert "末尾" in faults[6]


def test_verify_notices_a_row_rewritten_with_a_fitting_hash(ledger):
    events.append(ledger, *(draft(payload={"v": i}) for i in range(4)))
    row = ledger.read(lambda t: t.rows(f"SELECT {chain.COLUMNS} FROM events WHERE seq = 2"))[0]
    forged = chain.link(row[12], (*row[:8], '{"v":99}', *row[9:12]))
    tamper(ledger, f"UPDATE events SET payload = '{{\"v\":99}}', hash = '{forged}' WHERE seq = 2")
    assert [fault.seq for fault in events.verify(ledger)] == [3]


def test_verify_reads_past_a_page(ledger):
    events.append(ledger, *(draft(f"s:{i}") for i in range(5003)))
    assert events.verify(ledger) == []
    tamper(ledger, "UPDATE events SET actor = 'x' WHERE seq = 5002")
    assert [fault.seq for fault in events.verify(ledger)] == [5002]


def test_threads_editing_one_subject_lose_nothing(ledger):
    faults = []

    def edit(name):
        done = 0
        while done < 5:
            seen = events.version(ledger, "hot")
            try:
                events.append(ledger, draft("hot", by=name, payload={"n": seen + 1}, expected_version=seen))
                done += 1
            except ConflictError:
                continue
            except BaseException as error:
                faults.append(error)
                return

    threads = [threading.Thread(target=edit, args=(f"人{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert [e.payload["n"] for e in events.history(ledger, "hot")] == list(range(1, 31))
    assert events.verify(ledger) == []


step = st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 5), st.booleans())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=1, max_size=12), as_of=st.integers(0, 3), known=st.integers(0, 12))
def test_views_agree_with_a_plain_fold(tmp_path_factory, steps, as_of, known):
    """Law: latest() is the last of effective(), and both follow from the events by the rule in words."""
    start = date(2018, 1, 1)
    with open_ledger(tmp_path_factory.mktemp("fold") / "l.sqlite", create=True) as ledger:
        entries = []
        for number, (subject, day, target, is_correction) in enumerate(steps, start=1):
            at, when = start + timedelta(days=day), noon(start + timedelta(days=number))
            free = [e for e in entries if e.subject == subject and not any(c.corrects == e.seq for c in entries)]
            corrects = free[target % len(free)].seq if is_correction and free else None
            what = draft(subject, "k", at, payload={"v": number}, corrects=corrects)
            entries += events.append(ledger, what, now=when)
        day, until = start + timedelta(days=as_of), start + timedelta(days=known)
        seen = entries[:known]
        replaced = {e.corrects for e in seen}

        def root(e):
            return e.seq if e.corrects is None else root(entries[e.corrects - 1])

        holds = [e for e in seen if e.seq not in replaced and e.at <= day]
        holds.sort(key=lambda e: (e.at, root(e)))
        assert events.effective(ledger, ["k"], as_of=day, known_on=until) == holds
        last = {e.subject: e for e in holds}
        assert events.latest(ledger, ["k"], as_of=day, known_on=until) == [last[s] for s in sorted(last)]


class Dropping:
    """A connection whose server, once armed, commits and then does not answer."""

    def __init__(self, real, armed):
        self.real, self.armed = real, armed

    def __getattr__(self, name):
        return getattr(self.real, name)

    def execute(self, sql, *values):
        import psycopg

        answer = self.real.execute(sql, *values)
        if sql == "COMMIT" and self.armed:
            self.armed.clear()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return answer


@pytest.mark.postgis
def test_a_connection_lost_after_commit_makes_one_event(postgresql_url, monkeypatch):
    """D26: the answer is lost, the write is tried again, and its id makes it one event."""
    from tracker.postgresql import PostgreSQL

    real, armed = PostgreSQL.connect, []
    monkeypatch.setattr(PostgreSQL, "connect", lambda self: Dropping(real(self), armed))
    with open_ledger(postgresql_url, create=True) as ledger:
        armed.append("next commit")
        [stored] = events.append(ledger, draft(payload={"v": 1}))
        assert armed == []
        assert [e.seq for e in events.history(ledger, "project:1")] == [stored.seq] == [1]
        assert events.verify(ledger) == []
