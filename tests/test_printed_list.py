"""The programme as a paper: sums by town and year, clauses, digests, and a PDF that is one."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.plan import programme, works_tree
from analysis.policy import load_policy
from analysis.setting import Setting
from cli import cli
from geo.errors import InputError
from tracker.office import open_office
from views import planning, printed_list, printed_parts, whatif
from views.assessing import assess_office
from views.briefing_fonts import find_font
from views.context import Context

QUESTION = planning.Question(((2018, 60.0), (2019, 80.0), (2020, 40.0)))


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    out = tmp_path_factory.mktemp("printed")
    done = CliRunner().invoke(cli, ["demo", "--size", "tiny", "--seed", "1", "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with open_office(out / "office") as desk:
        policy, day = load_policy(desk.policy_path), desk.default_day()
        plan = Setting(desk.workspace(), whatif.with_value(policy, whatif.THRESHOLD, 30, day), day).plan
        tree = works_tree(plan)
        every = programme(plan, budgets={2018: 1e9}, tree=tree, frontier_steps=0)
        works = planning.Works(plan, tree, every.geometry[["project_id", "geometry"]].reset_index(drop=True))
        made = programme(plan, budgets=dict(QUESTION.budgets), tree=tree, frontier_steps=0)
        context = Context(desk, desk.workspace(), policy, assess_office(desk), day, "zh")
        yield context, works, made


def number_of(text: str) -> float:
    return float(text.replace(",", ""))


def test_subtotals_by_town_add_up_to_the_year_and_to_the_programme(held):
    context, works, made = held
    rows = printed_list.sheets(made, works, context.frame("roads"))
    assert len(rows) == len(made.projects) > 1
    columns = list(printed_list.WIDTHS)
    for name, field in (("cost", "cost_cny10k"), ("people", "people"), ("km", "length_km")):
        place, whole = columns.index(name), 0.0
        for year, own in made.projects.groupby("year"):
            table = printed_list.table_of([row for row in rows if row.year == year])
            sums = {kind: sum(number_of(row["cells"][place]) for row in table["rows"] if row["kind"] == kind) for kind in ("row", "subtotal", "total")}  # fmt: skip
            assert sums["subtotal"] == pytest.approx(sums["total"], abs=0.3)
            assert sums["total"] == pytest.approx(own[field].sum(), abs=0.06)
            whole += own[field].sum()
        assert whole == pytest.approx(made.projects[field].sum())


def test_every_row_has_as_many_cells_as_headings(held):
    context, works, made = held
    data = printed_list._data(
        context, printed_list.sheets(made, works, context.frame("roads")), QUESTION, made, "x", "a3"
    )
    tables = [*data["summary"], *(year["table"] for year in data["years"]), *data["basis"]]
    assert {len(row["cells"]) - len(table["columns"]) for table in tables for row in table["rows"]} == {0}
    assert json.dumps(data, ensure_ascii=False)  # plain data only


def test_the_summary_says_budget_and_what_is_left(held):
    context, works, made = held
    table = printed_list.summary_of(printed_list.sheets(made, works, context.frame("roads")), QUESTION)
    left = [number_of(cell.replace("−", "-")) for cell in table["rows"][-1]["cells"][1:] if cell]
    spent = made.projects.groupby("year")["cost_cny10k"].sum()
    wanted = [amount - spent.get(year, 0.0) for year, amount in QUESTION.budgets]
    assert left == pytest.approx([*wanted, sum(wanted)], abs=0.06)


def test_clauses_carry_source_price_year_and_what_is_missing(held):
    context = held[0]
    rows = {row[0]: row for row in printed_parts.clause_rows(context.policy, context)}
    assert "2018 年价" in rows["道路硬化单位造价"][2]
    assert rows["自然村道路硬化人口下限"][4] != "—"
    assert "没有" in {row[1] for row in rows.values()}  # the policy gives no road subsidy: asked for, not invented


def test_the_basis_names_policy_data_and_code(held):
    context, done = held[0], held[0].assessment
    text = json.dumps(printed_parts.basis_of(context, QUESTION), ensure_ascii=False)
    for digest in (done.workspace_digest, done.policy_digest[:16], context.workspace.sources["roads"].digest[:16]):
        assert digest in text


def test_the_paper_is_a_pdf_and_the_same_again(held):
    try:
        find_font()
    except InputError as error:
        pytest.skip(str(error))
    context, works, made = held
    first = printed_list.printed_list(context, works, made, QUESTION, paper="a4")
    assert first.startswith(b"%PDF-")
    assert first == printed_list.printed_list(context, works, made, QUESTION, paper="a4")
    assert len(printed_list.printed_list(context, works, made, QUESTION, with_maps=False)) < len(first)


def test_an_empty_programme_is_refused(held):
    context, works, _ = held
    none = programme(works.road_plan, budgets={2018: 0.0}, tree=works.tree, frontier_steps=0)
    with pytest.raises(InputError, match="没有项目"):
        printed_list.printed_list(context, works, none, QUESTION)


def test_the_template_never_reads_a_text_as_markup():
    text = Path(printed_list.TEMPLATE).read_text("utf-8")
    assert "eval(" not in text
