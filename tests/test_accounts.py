"""People and sessions over both stores: roles, towns, limits on tries, what ends a session, what is logged."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from geo.errors import AccessError, InputError
from tracker import accounts, events, sessions
from tracker.accounts import User
from tracker.ledger import open_ledger

NOON = datetime(2018, 5, 1, 4, 0, tzinfo=UTC)
LIGHT = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "石灰窑埠-2018"


@pytest.fixture
def ledger(store):
    with open_ledger(store, create=True) as opened:
        yield opened


@pytest.fixture
def people(ledger):
    add(ledger, "admin", "administrator")
    add(ledger, "li", "town_clerk", towns=["东山街道"])
    return ledger


def add(ledger, username, role, **rest):
    rest = {"name": username, "password": PASSWORD, "by": "安装", "hasher": LIGHT, **rest}
    return accounts.add_user(ledger, username, role=role, **rest)


def sign_in(ledger, username="li", password=PASSWORD, now=NOON, **rest):
    return sessions.sign_in(ledger, username, password, now=now, hasher=LIGHT, **rest)


def after(**rest):
    return NOON + timedelta(**rest)


def test_no_users_at_first(ledger):
    assert not accounts.has_users(ledger)
    add(ledger, "admin", "administrator")
    assert accounts.has_users(ledger)


def test_passwords_and_session_ids_are_never_stored(people):
    session = sign_in(people)
    text = json.dumps(
        [people.read(lambda t, n=n: t.rows(f"SELECT * FROM {n}")) for n in ("users", "sessions", "events")],
        ensure_ascii=False,
    )
    assert PASSWORD not in text
    assert session.token not in text
    assert "$argon2id$" in text
    assert "$argon2id$" not in json.dumps(people.read(lambda t: t.rows("SELECT payload FROM events")))


def test_default_cost_is_a_real_one():
    assert accounts.HASHER.memory_cost >= 19 * 1024
    assert accounts.HASHER.time_cost >= 2
    assert accounts.HASHER.type.name == "ID"


def test_signing_in_and_out(people):
    session = sign_in(people, " LI ")
    assert session.user == User("li", "li", "town_clerk", "", ("东山街道",))
    assert sessions.session_user(people, session.token, now=NOON) == session.user
    sessions.sign_out(people, session.token)
    sessions.sign_out(people, session.token)
    assert sessions.session_user(people, session.token, now=NOON) is None


def test_every_sign_in_has_its_own_id(people):
    first, second = sign_in(people), sign_in(people)
    assert first.token != second.token
    assert len(first.token) >= 40
    assert sessions.session_user(people, first.token, now=NOON) is not None


@pytest.mark.parametrize("token", ["", "x", "'; DROP TABLE sessions; --", "㙦" * 100, "\ud800"])
def test_an_unknown_id_is_nobody(people, token):
    assert sessions.session_user(people, token) is None


def test_wrong_name_and_wrong_password_get_the_same_answer(people):
    answers = set()
    for username, password in (("li", "wrong-password"), ("nobody", PASSWORD), ("' OR 1=1 --", "x"), ("", "")):
        with pytest.raises(AccessError) as caught:
            sign_in(people, username, password)
        answers.add(str(caught.value))
    assert len(answers) == 1


def test_an_unknown_name_costs_a_check_too(people, monkeypatch):
    checked = []
    real = sessions._verify

    def counting(hasher, digest, password):
        checked.append(digest)
        return real(hasher, digest, password)

    monkeypatch.setattr(sessions, "_verify", counting)
    for username in ("li", "nobody"):
        with pytest.raises(AccessError):
            sign_in(people, username, "wrong-password")
    own, decoy = checked
    assert own.split("$")[1:4] == decoy.split("$")[1:4], "same kind and cost"
    assert [len(part) for part in own.split("$")] == [len(part) for part in decoy.split("$")]


def fail(ledger, times, now=NOON, username="li", **rest):
    for _ in range(times):
        with pytest.raises(AccessError, match="用户名或密码不对"):
            sign_in(ledger, username, "wrong-password", now=now, **rest)


def test_five_wrong_tries_make_the_next_wait_even_with_the_right_password(people):
    fail(people, 4)
    sign_in(people)
    fail(people, 5)
    with pytest.raises(AccessError, match="次数太多"):
        sign_in(people, now=after(seconds=14))
    assert sign_in(people, now=after(seconds=15))


def test_waiting_doubles_up_to_a_quarter_of_an_hour_and_a_success_forgets(people):
    moment, waits = NOON, []
    fail(people, 4, moment)
    for _ in range(9):
        fail(people, 1, moment)
        until = people.read(lambda t: t.rows("SELECT until FROM failures WHERE scope = 'user:li'"))[0][0]
        waits.append(int((datetime.fromisoformat(until) - moment).total_seconds()))
        moment = datetime.fromisoformat(until)
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    sign_in(people, now=moment)
    fail(people, 4, moment)


def test_unknown_names_are_limited_too_and_one_machine_as_a_whole(people):
    fail(people, 5, username="nobody")
    with pytest.raises(AccessError, match="次数太多"):
        sign_in(people, "nobody")
    for i in range(30):
        fail(people, 1, username=f"guess{i}", client="10.0.0.9")
    with pytest.raises(AccessError, match="次数太多"):
        sign_in(people, client="10.0.0.9")
    assert sign_in(people, client="10.0.0.8")


def test_failures_of_yesterday_are_forgotten(people):
    fail(people, 4)
    fail(people, 4, after(days=1, seconds=1))
    assert sign_in(people, now=after(days=1, seconds=2))


def test_sessions_end_when_idle_and_after_a_day_at_work(people):
    token = sign_in(people).token
    assert sessions.session_user(people, token, now=after(minutes=119))
    assert sessions.session_user(people, token, now=after(minutes=119 + 119))
    assert sessions.session_user(people, token, now=after(minutes=119 + 119 + 121)) is None
    token = sign_in(people).token
    for hours in range(1, 13):
        assert sessions.session_user(people, token, now=after(hours=hours)), hours
    assert sessions.session_user(people, token, now=after(hours=12, seconds=1)) is None


def test_password_role_and_scope_changes_end_all_sessions(people):
    changes = [
        lambda: accounts.set_password(people, "li", PASSWORD + "新", by="admin", hasher=LIGHT),
        lambda: accounts.change_user(people, "li", role="planner", by="admin"),
        lambda: accounts.change_user(people, "li", towns=["民安街道"], by="admin"),
        lambda: accounts.change_user(people, "li", is_active=False, by="admin"),
    ]
    admin = sign_in(people, "admin").token
    for change in changes:
        password = PASSWORD + "新" if change is not changes[0] else PASSWORD
        tokens = [sign_in(people, password=password).token for _ in range(2)]
        change()
        assert [sessions.session_user(people, token, now=NOON) for token in tokens] == [None, None]
    assert sessions.session_user(people, admin, now=NOON), "nobody else is signed out"
    with pytest.raises(AccessError, match="用户名或密码不对"):
        sign_in(people, password=PASSWORD + "新")


def test_password_hash_is_renewed_when_the_cost_went_up(people):
    heavier = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    sessions.sign_in(people, "li", PASSWORD, now=NOON, hasher=heavier)
    stored = people.read(lambda t: t.rows("SELECT password FROM users WHERE username = 'li'"))[0][0]
    assert "m=16,t=2,p=1" in stored
    assert sessions.sign_in(people, "li", PASSWORD, now=NOON, hasher=heavier)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"username": "LI"}, "已经有人用了"),
        ({"username": "a b"}, "不合用"),
        ({"username": ""}, "不合用"),
        ({"username": "<img>"}, "不合用"),
        ({"role": "king"}, "角色"),
        ({"role": "bureau"}, "行业"),
        ({"role": "town_clerk"}, "乡镇"),
        ({"password": "short"}, "至少 8 位"),
        ({"password": "aaaaaaaaaaa"}, "太容易"),
        ({"password": "wang-2018x"}, "太容易"),
        ({"password": "ab12" * 40}, "最多 128 位"),
    ],
)
def test_bad_accounts_are_refused(people, change, match):
    options = {"username": "wang", "role": "planner", **change}
    with pytest.raises(InputError, match=match):
        add(people, options.pop("username"), options.pop("role"), **options)
    assert [user.username for user in accounts.users(people)] == ["admin", "li"]


def test_the_last_administrator_stays(people):
    for change in ({"role": "leader"}, {"is_active": False}):
        with pytest.raises(InputError, match="最后一位管理员"):
            accounts.change_user(people, "admin", by="admin", **change)
    add(people, "admin2", "administrator")
    assert accounts.change_user(people, "admin", role="leader", by="admin2").role == "leader"
    with pytest.raises(InputError, match="最后一位"):
        accounts.change_user(people, "admin2", is_active=False, by="admin2")


def test_unknown_account(people):
    with pytest.raises(InputError, match="没有用户名"):
        accounts.change_user(people, "nobody", by="admin", name="x")
    with pytest.raises(InputError, match="没有用户名"):
        accounts.set_password(people, "nobody", PASSWORD, by="admin", hasher=LIGHT)


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("leader", {"view", "export"}),
        ("planner", {"view", "export", "import", "edit", "fund", "households"}),
        ("bureau", {"view", "export", "import", "edit", "households"}),
        ("town_clerk", {"view", "export", "edit", "households", "private"}),
        ("administrator", {"view", "users", "backup", "audit"}),
        ("king", set()),
    ],
)
def test_what_each_role_may_do(role, rights):
    user = User("x", "x", role)
    every = set().union(*accounts.RIGHTS.values())
    assert {right for right in every if user.may(right)} == rights
    assert not User("x", "x", role, is_active=False).may("view")


def test_a_town_clerk_sees_the_own_town_and_a_bureau_edits_the_own_sector():
    clerk = User("li", "李工", "town_clerk", towns=("东山街道", "民安街道"))
    assert clerk.may("private", town="民安街道")
    assert not clerk.may("private", town="东简街道")
    with pytest.raises(AccessError, match=r"乡镇经办“李工”没有这项权限（东简街道）"):
        accounts.require(clerk, "private", town="东简街道")
    accounts.require(clerk, "private", town="东山街道")
    road = User("w", "王", "bureau", sector="transport")
    assert road.may("edit", sector="transport")
    assert not road.may("edit", sector="housing")
    assert road.may("view", sector="housing")


def test_exports_and_household_views_are_logged(people):
    accounts.log_access(people, "li", "export", what="housing.xlsx", rows=120, conditions="镇=东山街道")
    [entry] = accounts.access_log(people)
    assert (entry.by, entry.payload) == (
        "li",
        {"action": "export", "what": "housing.xlsx", "rows": 120, "conditions": "镇=东山街道"},
    )
    assert accounts.access_log(people, since=date(2100, 1, 1)) == []


def test_account_changes_are_events(people):
    accounts.change_user(people, "li", role="planner", by="admin")
    sign_in(people)
    kinds = [(event.kind, event.by) for event in events.history(people, "user:li")]
    assert kinds == [("user_added", "安装"), ("user_changed", "admin"), ("signed_in", "li")]
    assert events.verify(people) == []
