"""Plain sentences in `policy_cases/*.toml`, each one test."""

import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from shapely import Point

from analysis.coverage import cover
from analysis.housing import assess_housing
from analysis.policy import Policy, load_policy, value_on
from analysis.progress import progress, reports_due
from analysis.roads import natural_villages
from tests.drawn import DAY, X0, Y0, at, claims, facilities, facility, layer, line, source, villages, workspace

ROOT = Path(__file__).parent
Case = Mapping[str, Any]


def read_cases() -> list[Any]:
    found = []
    for path in sorted((ROOT / "policy_cases").glob("*.toml")):
        for kind, cases in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found += [pytest.param(kind, case, id=f"{path.stem}: {case['sentence']}") for case in cases]
    return found


@pytest.mark.parametrize(("kind", "case"), read_cases())
def test_sentence(kind: str, case: Case) -> None:
    policy = load_policy(ROOT.parent / "policies" / f"{case['policy']}.toml")
    checks: Mapping[str, Callable[[Policy, Case], None]] = {
        "value": check_value,
        "natural_village": check_natural_village,
        "household": check_household,
        "village": check_village,
        "target": check_target,
        "report": check_report,
    }
    checks[kind](policy, case)


def check_value(policy: Policy, case: Case) -> None:
    value = value_on(policy, case["key"], case["day"])
    if case["expect"] == "nothing":
        assert value is None
        return
    assert value is not None
    assert value.amount == case["expect"]
    assert value.strength == case.get("strength", "hard")
    origin = "document" if value.reference else "public page" if value.source else "assumption"
    assert origin == case.get("sourced_by", "document")


def check_natural_village(policy: Policy, case: Case) -> None:
    row = {"name": "甲屋", "town": "甲镇", "village_id": "v0", "poor_population": None, "households": None}
    row |= {"natural_village_id": "n0", "population": case.get("population"), "geometry": at(500, 1000)}
    lanes = [road("r0", "concrete", "S", (0, 0), (1000, 0))]
    if case["road"] != "absent":
        lanes.append(road("r1", case["road"], "W", (500, 0), (500, 1000)))
    layers = {
        "villages": villages("甲"),
        "natural_villages": layer([row], population="float64", poor_population="float64", households="float64"),
        "roads": layer(lanes, is_duplicate="boolean", is_dead_end="boolean"),
    }
    plan = natural_villages(workspace(layers), policy, case.get("day", DAY))
    found = plan.natural_villages.iloc[0].to_dict()
    found["is_due"] = "unknown" if pd.isna(found["is_due"]) else "yes" if found["is_due"] else "no"
    found["is_candidate"] = "yes" if len(plan.candidates) else "no"
    for key, expected in case["expect"].items():
        assert found[key] == expected if isinstance(expected, str) else found[key] == pytest.approx(expected)


def road(ident: str, surface: str, admin: str, *places: tuple[float, float]) -> dict[str, Any]:
    row = {"road_id": ident, "route_code": None, "name": ident, "admin_class": admin, "technical_grade": None}
    row |= {"surface": surface, "pavement_width_m": 4.5, "subgrade_width_m": 5.5, "has_safety_barrier": None}
    return row | {"built_year": None, "is_duplicate": False, "is_dead_end": False, "geometry": line(*places)}


def check_household(policy: Policy, case: Case) -> None:
    row = {"household_id": "h0", "village_id": "v0", "town": "甲镇", "category": case["category"]}
    row |= {"housing_grade": case["grade"], "sole_dwelling": case.get("sole_dwelling"), "has_labour": None}
    row |= {"house_area_m2": case.get("area_m2", 50.0), "house_built_year": case.get("built", 1985)}
    row |= {"geometry": Point(X0 + 500, Y0 + 500)}
    homes = layer(
        [row], sole_dwelling="boolean", has_labour="boolean", house_area_m2="float64", house_built_year="float64"
    )
    ws = workspace({"villages": villages("甲"), "households": homes})
    found = assess_housing(ws, policy, case.get("day", DAY)).iloc[0]
    assert {key: found[key] for key in case["expect"]} == case["expect"]


def check_village(policy: Policy, case: Case) -> None:
    standard = pd.NA if case.get("is_standard") == "unknown" else True
    placed = [
        facility(
            f"f{i}", kind, None if "distance_m" in case else "v0", 500 + case.get("distance_m", 0), is_standard=standard
        )
        for i, kind in enumerate(case["facilities"])
    ]
    layers = {"villages": villages("甲", list_type=[case["list_type"]])}
    if placed:
        layers["facilities"] = facilities(*placed)
    layers["roads"] = layer([road("r0", "concrete", "S", (0, 500), (1000, 500))])
    said = [("v0", need, value, "2018-01-01") for need, value in case.get("claims", {}).items()]
    if said:
        layers["claims"] = claims(*said)
    ws = workspace(layers, facilities=source("facilities", partial=case.get("partial", False)))
    table = cover(ws, policy, case.get("day", date(2018, 12, 1) if policy.issued > DAY else DAY), max_age_days=400)
    found = table.loc[(table["need"] == case["need"]) & (table["unit_id"] == "v0"), "status"].tolist()
    assert found == ([] if case["expect"] == "not asked" else [case["expect"]])


def check_target(policy: Policy, case: Case) -> None:
    target = next(target for target in policy.targets if target.id == case["target"])
    seen = pd.DataFrame(case["seen"], columns=["day", "value"]).assign(measure=target.measure)
    table = progress(policy, case["day"], seen).set_index("target_id")
    assert table.loc[target.id, "status"] == case["expect"]


def check_report(policy: Policy, case: Case) -> None:
    table = reports_due(policy, case["from"], case["to"])
    assert table.loc[table["duty_id"] == case["duty"], "due"].tolist() == case["expect"]
