"""Policies as data: dates, faults, digests."""

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.policy import Policy, RuleKind, Strength, _policy, amount, load_policy, read_policy, resolve, value_on
from analysis.policy_format import STRENGTHS, UNITS, faults
from analysis.policy_rules import RULES
from analysis.units import KINDS
from geo.errors import PolicyError

POLICIES = Path(__file__).parents[1] / "policies"
FILES = sorted(POLICIES.glob("*.toml"))
HEAD = 'id = "p"\ntitle = "甲"\ndocument = "一号"\nissued = 2016-11-08\n'
TWO = (
    HEAD
    + """
[parameters."hardening.min_population"]
label = "人口下限"
unit = "person"
values = [
    { since = 2020-01-01, value = 100, unsourced = true },
    { since = 2016-11-08, value = 200, reference = "三(五)1", quote = "200人以上" },
]
"""
)
NEED = """
[[needs]]
id = "{id}"
label = "甲"
kind = "{kind}"
layer = "facilities"
parameters = {parameters}
unsourced = true
"""


def need(kind: str = "flag", parameters: str = "{}", *, id: str = "n", more: str = "") -> str:  # noqa: A002
    return NEED.format(id=id, kind=kind, parameters=parameters) + more + "\n"


def complaint(text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        read_policy(text, name="甲.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2016-11-08", 200), ("2019-12-31", 200), ("2020-01-01", 100), ("2030-01-01", 100)],
)
def test_since_is_inclusive(day: str, expected: int) -> None:
    assert amount(read_policy(TWO), "hardening.min_population", date.fromisoformat(day)) == expected


def test_before_the_first_day_there_is_no_value() -> None:
    policy = read_policy(TWO)
    assert value_on(policy, "hardening.min_population", date(2016, 11, 7)) is None
    with pytest.raises(PolicyError, match="自 2016-11-08 起"):
        amount(policy, "hardening.min_population", date(2016, 11, 7))
    with pytest.raises(PolicyError, match="没有参数 x"):
        amount(policy, "x", date(2018, 1, 1))


@settings(deadline=None)
@given(st.lists(st.dates(date(2000, 1, 1), date(2030, 1, 1)), min_size=1, max_size=6, unique=True), st.data())
def test_one_value_holds_on_every_day_after_the_first(starts: list[date], data: st.DataObject) -> None:
    values = ", ".join(f"{{ since = {day}, value = {day.toordinal()}, unsourced = true }}" for day in starts)
    policy = read_policy(f'{HEAD}[parameters.k]\nlabel = "甲"\nunit = "none"\nvalues = [{values}]')
    day = data.draw(st.dates(min(starts), date(2040, 1, 1)))
    assert amount(policy, "k", day) == max(start for start in starts if start <= day).toordinal()
    assert value_on(policy, "k", min(starts) - timedelta(days=1)) is None


def test_names_of_parameters_become_amounts_at_any_depth() -> None:
    policy = read_policy(TWO)
    given = {"kind": ["clinic", "@hardening.min_population"], "where": {"capacity": "@hardening.min_population"}}
    expected = {"kind": ["clinic", 200], "where": {"capacity": 200}}
    assert resolve(policy, given, date(2018, 1, 1)) == expected
    assert given["where"] == {"capacity": "@hardening.min_population"}
    with pytest.raises(PolicyError, match="没有参数 nothing"):
        resolve(policy, {"x": "@nothing"}, date(2018, 1, 1))


def test_the_digest_is_of_the_content() -> None:
    first = read_policy(TWO).digest
    assert read_policy("# 说明\n" + TWO.replace("\n\n", "\n\n\n")).digest == first
    moved = TWO.replace('label = "人口下限"\nunit = "person"', 'unit = "person"\nlabel = "人口下限"')
    assert moved != TWO
    assert read_policy(moved).digest == first
    assert read_policy(TWO.replace("value = 200", "value = 201")).digest != first
    assert read_policy(TWO.replace("2016-11-08, value", "2016-11-09, value")).digest != first
    assert read_policy(TWO.replace("人口下限", "人数下限")).digest != first


def test_every_fault_is_told_at_once() -> None:
    text = complaint(
        'title = "甲"\nissued = "2016"\nneed = 1\n[parameters.k]\nunit = "m"\nvalues = [{ value = 5, low = 6, strength = "must" }]\n'
        + need("has")
        + need("fly")
    )
    assert text.startswith("甲.toml：有 ")
    for part in (
        *("id：没有填写", "document：没有填写", "issued：应是日期", "不认识的项 need；是不是想写 needs"),
        *("label：没有填写", "low 与 high", "不认识 must", "没有出处", "必须有这一项", "不认识规则 fly", "重复"),
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (need("near", '{ kind = "clinic" }'), "max_distance_m：规则 near 必须有这一项"),
        (need("near", "{ max_distance_m = 5 }"), "要写 kind（设施种类）或 layer"),
        (need("near", '{ kind = "clinic", max_distance_m = 5, by = "air" }'), "不认识 air"),
        (need("near", '{ kind = "clinic", max_distance_m = "@bus.max" }'), "不存在的参数 @bus.max"),
        (need("has", '{ kind = "clinic", minimum = 1 }'), "不认识的项 minimum"),
        (need("road", '{ target = "house" }'), "不认识 house"),
        (need("share", '{ of = "households", field = "safe_water" }'), "min_share：规则 share 必须有"),
        (need("all", '{ needs = ["m"] }'), "由不存在的 m 组成"),
        (need("all", '{ needs = ["n"] }'), "由自己组成"),
        (need("all", '{ needs = ["b"] }', id="a") + need("all", '{ needs = ["a"] }', id="b"), "由自己组成"),
        (need("has", "{ kind = 5 }"), "kind：应是文字或一组文字"),
        (need("has", '{ kind = "clinic", min_count = "two" }'), "min_count：应是数或@参数"),
        (need("all", '{ needs = "n" }'), "needs：应是一组文字"),
        ('[[reporting.duties]]\nid = "d"\nlabel = "甲"\nevery = "week"\nreference = "一"\nquote = "一"', "不认识 week"),
        ('[[housing.classes]]\nlabel = "甲"\nunsourced = true', "housing.classes[1].categories：没有填写"),
        ("[[housing]]\na = 1", "housing：应是表"),
        (
            '[[targets]]\nid = "t"\nlabel = "甲"\nunit = "m"\nvalue = nan\nyear = 2018\nunsourced = true',
            "value：应是数",
        ),
        ("[parameters]\nk = 5", 'parameters."k"：应是表'),
        (need(more='scope = ["rich"]'), "scope：不认识 rich"),
        (need(more='unit = "planet"'), "unit：不认识 planet"),
        (need(more='strength = "perhaps"'), "strength：不认识 perhaps"),
        (need(more='deadline = "2018"'), "deadline：应是日期"),
        (need(more='reference = "一"'), "摘一句能在文件里查到的原文"),
        (need(more='quote = "一"'), "有原文而没有条款号"),
        (need(more='reference = "一"\nquote = "一"'), "又写了 unsourced"),
        ('[notice]\ndays = 7\nreference = "二"', "notice.quote"),
        (
            '[[targets]]\nid = "t"\nlabel = "甲"\nunit = "m"\nvalue = 1\nneed = "z"\nyear = 2018\nunsourced = true',
            "不存在的 z",
        ),
        ('[[targets]]\nid = "t"\nlabel = "甲"\nunit = "m"\nvalue = 1\nunsourced = true', "没有期限"),
        ('[parameters.k]\nlabel = "甲"\nunit = "m"\nvalues = []', "没有取值"),
        (
            '[parameters.k]\nlabel = "甲"\nunit = "m"\nvalues = [{ value = 1, reference = "一", quote = "一" }]',
            "要写生效日期",
        ),
        ('[parameters.k]\nlabel = "甲"\nunit = "m"\nvalues = [{ value = 1 }]', "没有出处"),
        (
            '[parameters.k]\nlabel = "甲"\nunit = "m"\nvalues = [{ value = 1, unsourced = true }, { value = 2, unsourced = true }]',
            "同一天有两个取值",
        ),
        ("[housings]\na = 1", "不认识的项 housings；是不是想写 housing"),
    ],
)
def test_a_fault_is_named(text: str, part: str) -> None:
    assert part in complaint(HEAD + text)


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 99999),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.just("@nothing"),
    st.dates(),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.just({})), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


@settings(deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_no_file_however_wrong_breaks_the_reader(path: Path, data: st.DataObject) -> None:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    for _ in range(data.draw(st.integers(1, 3))):
        here: Any = raw
        for _ in range(data.draw(st.integers(0, 5))):
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(here[key], dict | list) or not here[key]:
                break
            here = here[key]
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        here[data.draw(st.sampled_from(keys))] = data.draw(junk)
    try:
        policy = _policy(raw, "甲")
    except PolicyError as error:
        assert "请" in str(error)  # noqa: PT017
    else:
        assert len(policy.digest) == 64


def test_a_year_figure_in_a_cumulative_series_is_noticed() -> None:
    target = '[[targets]]\nid = "t{0}"\nlabel = "甲"\nmeasure = "m"\nunit = "person"\nvalue = {1}\nyear = {0}\nunsourced = true\n'
    rising = target.format(2016, 848) + target.format(2017, 1348)
    falling = target.format(2016, 848) + target.format(2017, 500)
    assert len(read_policy(HEAD + rising).targets) == 2
    assert "是否误填了当年数" in complaint(HEAD + falling)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="打不开"):
        load_policy(tmp_path / "none.toml")
    (tmp_path / "gbk.toml").write_bytes(HEAD.encode("gbk"))
    with pytest.raises(PolicyError, match="UTF-8"):
        load_policy(tmp_path / "gbk.toml")
    (tmp_path / "bad.toml").write_text("id = ", encoding="utf-8")
    with pytest.raises(PolicyError, match="TOML"):
        load_policy(tmp_path / "bad.toml")
    (tmp_path / "bom.toml").write_text(HEAD, encoding="utf-8-sig")
    assert load_policy(tmp_path / "bom.toml").id == "p"


def test_the_words_of_the_format_are_the_words_of_the_types() -> None:
    assert set(RULES) == set(get_args(RuleKind))
    assert set(STRENGTHS) == set(get_args(Strength))
    assert set(UNITS) == set(KINDS)
    assert faults({"id": "p", "title": "甲", "document": "一号", "issued": date(2016, 11, 8)}) == []


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def policy(request: pytest.FixtureRequest) -> Policy:
    return load_policy(request.param)


def test_there_are_five_documents() -> None:
    assert len(FILES) == 5
    assert all(load_policy(path).id == path.stem for path in FILES)


def test_every_need_resolves_on_the_day_of_issue(policy: Policy) -> None:
    for need in policy.needs:
        resolve(policy, need.parameters, policy.issued)
    for key in policy.values:
        assert policy.labels[key]


def test_keys_that_other_rooms_read_are_there(policy: Policy) -> None:
    asked = (
        *("hardening.surfaces", "hardening.snap_m", "hardening.detour_factor", "bridge.dangerous_ratings"),
        *("cost.hardening_cny10k_per_km", "cost.new_road_cny10k_per_km", "cost.widening_cny10k_per_km"),
        *("cost.safety_cny10k_per_km", "bus.max_distance_m", "water.max_distance_m", "water.max_vertical_m"),
    )
    for key in asked:
        assert amount(policy, key, policy.issued) is not None
    assert policy.tables["housing"]["classes"]


def test_only_documents_that_give_a_population_have_one() -> None:
    held = {path.stem for path in FILES if "hardening.min_population" in load_policy(path).values}
    assert held == {"zhanjiang-edz-2016", "meizhou-2016", "renhua-2016"}


def test_assumptions_are_never_passed_off_as_the_document(policy: Policy) -> None:
    for values in policy.values.values():
        for value in values:
            assert sum([bool(value.reference), bool(value.source), value.unsourced]) == 1
    for value in (value for key, values in policy.values.items() if key.startswith("cost.") for value in values):
        assert not value.reference, "no document gives a construction cost"


def test_facility_kinds_and_fields_are_those_of_the_contract(policy: Policy) -> None:
    facilities = {
        *("clinic", "public_toilet", "cultural_venue", "garbage_point", "water_works", "sewage_plant", "meeting_place"),
        *("school", "kindergarten", "bus_stop", "bus_station", "nursing_home", "finance_point", "cash_point"),
        *("information_point", "street_lamp", "fibre_point", "transformer", "sports_ground"),
    }
    kinds = {
        "facilities": facilities,
        "lines": {"water_pipe", "power_line", "fibre"},
        "service_areas": {"water", "power", "mobile_4g", "tv"},
    }
    fields = {"safe_water", "sanitary_toilet", "electricity", "has_labour", "sole_dwelling"}
    for need in policy.needs:
        if "kind" in need.parameters:
            assert need.parameters["kind"] in kinds[need.parameters.get("layer", "facilities")]
        if need.kind == "share":
            assert need.parameters["field"] in fields


def test_the_same_need_has_the_same_meaning_in_every_document() -> None:
    rules: dict[str, set[str]] = {}
    for path in FILES:
        for need in load_policy(path).needs:
            rules.setdefault(need.id, set()).add(f"{need.kind} {need.layer}")
    differing = {need: kinds for need, kinds in rules.items() if len(kinds) > 1}
    assert set(differing) == {"tv"}, "yicheng asks for cable, known from the register only"


def test_fund_shares() -> None:
    weights = {
        path.stem: [payer["weight"] for payer in load_policy(path).tables["fund_shares"]["payers"]] for path in FILES
    }
    assert weights == {
        "zhanjiang-edz-2016": [6, 3, 0.5, 0.5],
        "meizhou-2016": [6, 3, 0.5, 0.5],
        "haojiang-2017": [1, 1],
        "renhua-2016": [],
        "yicheng-2018": [],
    }
