"""What is assumed on the programme page – another threshold, prices nobody gave – is called so wherever it goes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from analysis.policy import Policy, load_policy
from cli import cli
from tests.page_context import FAULTS, HELD
from tracker.office import open_office
from views import desk, plan_questions, printed_parts, scenarios, whatif
from views.assessing import assess_office
from views.basis import basis
from views.context import Context

SCRIPT = """
import traceback
from tests.page_context import FAULTS, context_now
from views.pages import programme
import streamlit as st
context = context_now()
st.session_state["policy"] = context.policy.title
st.session_state["day"] = st.session_state["standard_day"] = context.day
try:
    programme.page(context)
except Exception:
    FAULTS.append(traceback.format_exc())
"""
PRICE = "cost.hardening_cny10k_per_km"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A tiny county, assessed."""
    out: Path = tmp_path_factory.mktemp("asked")
    done = CliRunner().invoke(cli, ["demo", "--size", "tiny", "--seed", "1", "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with pytest.MonkeyPatch.context() as patch, open_office(out / "office") as office:
        patch.setenv(desk.OFFICE_VARIABLE, str(office.path))
        policy, day = load_policy(office.policy_path), office.default_day()
        yield Context(office, office.workspace(), policy, assess_office(office), day, "zh")
        desk.desk.cache_clear()


def opened(context: Context) -> AppTest:
    """Open the page."""
    FAULTS.clear()
    HELD["context"] = context
    shown = AppTest.from_string(SCRIPT, default_timeout=90).run()
    assert not FAULTS, FAULTS[0]
    return shown


def priceless(context: Context) -> Context:
    """The same county under a policy that does not say what hardening costs."""
    values = {key: held for key, held in context.policy.values.items() if key != PRICE}
    return replace(context, policy=replace(context.policy, values=values, digest="ohne Preis"), assessment=replace(context.assessment, policy_digest="ohne Preis"))  # fmt: skip


def texts(shown: AppTest) -> str:
    return " ".join(str(part.value) for part in (*shown.warning, *shown.markdown, *shown.caption, *shown.metric))


def test_another_threshold_is_worked_out_and_called_an_assumption(context: Context) -> None:
    shown = opened(context)
    assert "假设" not in texts(shown)
    before = [metric.value for metric in shown.metric]
    shown.slider(key=plan_questions.THRESHOLD).set_value(30).run()
    assert not FAULTS, FAULTS[0]
    assert "这是假设，不是政策" in texts(shown)
    assert "刚才这一改" in texts(shown)
    assert [metric.value for metric in shown.metric] != before
    asked = plan_questions.assuming(context, 30)
    due = int((context.assessment.natural_villages["population"] >= 30).sum())
    from analysis.setting import Setting

    plan = Setting(context.workspace, asked.policy, context.day).plan
    assert int(plan.natural_villages["is_due"].fillna(False).sum()) == due
    shown.slider(key=plan_questions.THRESHOLD).set_value(whatif.threshold_of(context)).run()
    assert not shown.warning
    assert [metric.value for metric in shown.metric] == before


def test_what_leaves_the_page_says_that_the_threshold_is_assumed(context: Context) -> None:
    asked = plan_questions.assuming(context, 120)
    assert plan_questions.assuming(context, None) is context
    assert asked.key != context.key
    assert any("假设：人口门槛 120 人" in str(text) for text in basis(asked).values())
    rows = {row[0]: row for row in printed_parts.clause_rows(asked.policy, asked)}
    own = {row[0]: row for row in printed_parts.clause_rows(context.policy, context)}
    name = context.policy.labels.get(whatif.THRESHOLD) or printed_parts.told("parameter_hardening_min_population")
    assert rows[name][1].startswith("120 ")
    assert rows[name][2] == "会议假设"
    assert own[name][2] != "会议假设"


def test_a_scenario_keeps_the_threshold_it_assumes(context: Context) -> None:
    from views.planning import Question

    question = Question(((2018, 100.0),))
    scenarios.keep(context, "门槛", question, 50)
    scenarios.keep(context, "文件", question, None)
    assert scenarios.kept_scenarios(context) == {"门槛": (question, 50), "文件": (question, None)}
    shown = opened(context)
    table = next(frame.value for frame in shown.dataframe if "方案" in frame.value)
    assert table.set_index("方案")["人口门槛"].to_dict() == {"（现在这个）": "200", "文件": "200", "门槛": "50（假设）"}
    assert any("门槛" in str(part.value) and "人，" in str(part.value) for part in shown.markdown)


def test_a_missing_price_is_asked_for_and_called_an_assumption(context: Context) -> None:
    bare = priceless(context)
    shown = opened(bare)
    assert "没有给出下面的单价" in texts(shown)
    assert not shown.metric
    shown.number_input(key=f"plan_{PRICE}").set_value(60.0).run()
    assert not FAULTS, FAULTS[0]
    with_price = [metric.value for metric in shown.metric]
    assert with_price == [metric.value for metric in opened(context).metric]  # 60 is what the policy itself says
    assert isinstance(bare.policy, Policy)
    assert PRICE not in bare.policy.values


def test_prices_nobody_needs_are_not_asked_for(context: Context) -> None:
    rows = context.assessment.natural_villages.assign(new_km=0.0)
    values = {key: held for key, held in context.policy.values.items() if not key.startswith("cost.")}
    bare = replace(
        context,
        policy=replace(context.policy, values=values),
        assessment=replace(context.assessment, natural_villages=rows),
    )
    assert plan_questions.missing_prices(context) == []
    assert plan_questions.missing_prices(bare) == [PRICE]
