"""The live map as a file: every need inside the office; outside it no household, no natural village, no small count."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from analysis.assess import assess
from analysis.policy import load_policy
from demo.county import write_county
from geo.errors import InputError, StoreError
from tracker.office import create
from views import assets
from views.briefing_tables import kept_apart
from views.context import Context
from views.livemap import livemap
from views.policy_words import spoken
from views.publication import Rules, rules_for

POLICY = Path(__file__).resolve().parents[1] / "policies" / "zhanjiang-edz-2016.toml"
NUMBER = "GS(2024)0650号"
INSIDE = Rules()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    try:
        assets.load()
    except StoreError as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("county")
    made = write_county("tiny", 1, folder / "files")
    office = create(folder / "office", policy=POLICY, name="示范县（虚构）")
    for file in made.files:
        office.add_layer(file.layer, file.path, **{"as_of": made.as_of, **dict(file.options)})
    policy, day = load_policy(POLICY), office.default_day()
    workspace = office.workspace(day)
    yield Context(office, workspace, policy, assess(workspace, policy, day, rasters={}), day, "zh")
    office.close()


def written(page: bytes) -> dict[str, Any]:
    """Read the data a page carries."""
    found = re.search(r"const DATA = (\{.*?\});\n", page.decode(), flags=re.DOTALL)
    assert found
    return json.loads(found[1])


def whole_text(page: bytes) -> str:
    """All that can be read out of a page: its text and what is packed inside it."""
    packed = written(page)["values"].values()
    inside = b"".join(gzip.decompress(base64.b64decode(text)) for text in packed)
    return page.decode() + inside.decode("utf-8", errors="ignore")


def public_rules(context: Context) -> Rules:
    return rules_for(context.policy, {}, date(2018, 6, 30), is_public=True, review_number=NUMBER)


def test_every_need_of_every_village_is_inside(context: Context) -> None:
    data = written(livemap(context, INSIDE, {"政策": context.policy.title}))
    needs = [need for need in context.policy.needs if need.unit == "village"]
    assert sorted(theme["label"] for theme in data["themes"]) == sorted(need.label for need in needs)
    assert len(data["cards"]["villages"]) == len(context.frame("villages"))
    assert {len(card["rows"]) for card in data["cards"]["villages"]} == {len(needs)}
    assert set(data["cards"]) == {"villages", "natural_villages"}
    gaps = context.assessment.findings
    gaps = gaps[(gaps["unit_kind"] == "village") & (gaps["status"] == "gap")]
    assert sum(row[1] == "gap" for card in data["cards"]["villages"] for row in card["rows"]) == len(gaps)


def test_a_public_map_needs_a_review_number(context: Context) -> None:
    with pytest.raises(InputError, match="审图号"):
        livemap(context, rules_for(context.policy, {}, date(2018, 6, 30), is_public=True), {})


def test_a_public_map_holds_towns_and_villages_alone(context: Context) -> None:
    rules = public_rules(context)
    page = livemap(context, rules, {})
    data, text = written(page), whole_text(page)
    assert set(data["cards"]) == {"villages"}
    assert set(data["themes"][0]["states"]) == {"villages", "towns"}
    names = context.frame("natural_villages")["natural_village_id"]
    assert not [name for name in names if name in text]
    assert rules.mark in page.decode()
    apart = kept_apart(context.workspace, context.policy, rules)
    kept = {need.label for need in context.policy.needs if need.id in apart}
    assert kept.isdisjoint(theme["label"] for theme in data["themes"])


@pytest.mark.parametrize("is_public", [False, True])
def test_no_household_leaves(context: Context, is_public: bool) -> None:
    text = whole_text(livemap(context, public_rules(context) if is_public else INSIDE, {}))
    homes = context.frame("households")
    assert len(homes) > 10
    assert not [key for key in homes["household_id"] if re.search(rf"(?<!\d){re.escape(key)}(?!\d)", text)]


def test_it_speaks_english(context: Context) -> None:
    english = Context(
        context.office, context.workspace, spoken(context.policy, "en"), context.assessment, context.day, "en"
    )
    page = livemap(english, INSIDE, {})
    assert '<html lang="en">' in page.decode()
    assert set(written(page)["statuses"]) >= {"Met", "Gap", "Disputed", "Unknown"}
    assert not re.search("[\u3400-\u9fff]", "".join(written(page)["words"].values()))
