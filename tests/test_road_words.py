"""Every sentence the road analysis writes is known in English; figures are kept, Chinese names stay."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from road_county import DAY, policy, roads, villages, workspace

from analysis.plan import programme, works_tree
from analysis.road_works import narrow_roads
from analysis.roads import natural_villages
from views import road_reasons
from views.labels import catalogue
from views.road_words import told

CHINESE = re.compile(r"[\u3400-\u9fff]")
LINES = [
    ("X1", "asphalt", [(0, 0), (9000, 0)], {"admin_class": "X", "pavement_width_m": 3.0}),
    ("R1", "earth", [(1000, 0), (1000, 1000)]),
    ("R2", "earth", [(1000, 1000), (2000, 2000)]),
    ("R3", "earth", [(1000, 1000), (0, 2000)]),
    ("U1", "unknown", [(5000, 0), (5000, 800)]),
    ("S1", "earth", [(7000, 0), (7000, 900)]),
    ("LOST", "earth", [(20000, 9000), (20500, 9000)]),
]
PEOPLE = [
    ("a", 400, (2000, 2000)), ("b", 300, (0, 2000)), ("c", 300, (5000, 800)), ("d", None, (7000, 900)), ("e", 250, (7000, 900)),
    ("f", 300, (8000, 2000)), ("g", 300, None), ("h", 300, (5040, 780)),
]  # fmt: skip


def left_in_chinese(texts) -> list[str]:
    return [found for text in texts for found in [told(text, "en")] if CHINESE.search(found)]


@pytest.mark.parametrize("changes", [{}, {"hardening__detour_factor": None}, {"cost__new_road_cny10k_per_km": None}])
@pytest.mark.parametrize("ceiling", [False, True])
def test_notes_of_natural_villages(changes, ceiling) -> None:
    rules = policy({"subsidy.road_cny10k_per_km": "ceiling"} if ceiling else {}, road__min_pavement_m=3.5, **changes)
    ws = workspace(roads=roads(LINES), natural_villages=villages(PEOPLE))
    notes = natural_villages(ws, rules, DAY).natural_villages["note"]
    assert notes.str.len().gt(0).sum() > 3
    assert left_in_chinese(notes) == []
    assert left_in_chinese(narrow_roads(ws, rules, DAY)[0]["note"]) == []


def test_what_a_programme_says_of_itself_and_its_projects() -> None:
    plan = natural_villages(workspace(roads=roads(LINES), natural_villages=villages(PEOPLE)), policy(), DAY)
    tree = works_tree(plan)
    made = programme(plan, budgets={2018: 1000.0, 2019: 500.0}, tree=tree, frontier_steps=0)
    assert len(made.projects) > 2
    assert len(made.notes) == 2
    assert left_in_chinese([*made.projects["why"], *made.notes]) == []
    for row in made.projects[made.projects["people"] > 0].itertuples():
        count = len(row.natural_village_ids.split(";"))
        assert re.findall(r"[\d.]+", told(row.why, "en"))[:2] == [str(count), f"{row.people:.0f}"]


def test_each_form_keeps_its_figures() -> None:
    for key, texts in catalogue()["road_note"].items():
        holes = sorted(set(re.findall(r"\{\d\}", texts["zh"])))
        assert set(re.findall(r"\{\d\}", texts["en"])) == set(holes) or key == "drawn_price"
        figures = [str(11 * (number + 1)) for number in range(len(holes))]
        assert told(texts["zh"].format(*figures), "en") == texts["en"].format(*figures)


def test_who_shares_a_stretch_is_named() -> None:
    plan = natural_villages(workspace(roads=roads(LINES), natural_villages=villages(PEOPLE)), policy(), DAY)
    context = SimpleNamespace(assessment=SimpleNamespace(natural_villages=plan.natural_villages))
    assert road_reasons.names_of(context, "a;zz") == "a村;zz"
    assert road_reasons.names_of(context, np.nan) is np.nan
