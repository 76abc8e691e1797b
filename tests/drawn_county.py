"""A small whole county for tests of the whole assessment: three villages, one road, a few of everything."""

from typing import Any

from layers.workspace import Workspace
from tests.drawn import (
    at,
    claims,
    facilities,
    facility,
    full_road,
    full_roads,
    layer,
    line,
    need,
    policy,
    square,
    villages,
    workspace,
)

RULES = policy(
    need("road", "road", {"target": "seat", "snap_m": 500}, label="硬底化村道"),
    need("toilet", "has", {"kind": "public_toilet"}, label="公共厕所", scope=("poor",)),
    need("pipe", "has", {"layer": "lines", "kind": "water_pipe"}, label="自来水"),
    need("water", "share", {"of": "households", "field": "safe_water", "min_share": 1.0}, label="饮水安全"),
    need("bus", "near", {"kind": "bus_stop", "max_distance_m": 1000, "by": "network"}, label="通客车"),
    need("plan", "flag", {}, label="村庄规划"),
    need("small", "road", {"target": "natural_villages", "min_share": 1.0}, label="自然村路"),
    need("all", "all", {"needs": ["road", "toilet"]}, label="都有"),
    tables={
        "housing": {
            "classes": [{"categories": ["wubao"], "priority": 1, "reference": "三(七)2"}],
            "treatments": [{"grades": ["C"], "treatment": "固"}, {"grades": ["D"], "treatment": "建"}],
        }
    },
    hardening__surfaces=["asphalt", "concrete"],
    hardening__snap_m=500,
    hardening__min_population=200,
    speed__asphalt_kmh=40,
    speed__gravel_kmh=20,
    speed__walk_kmh=4,
)


def county_layers(*, middle: str = "gravel", extra: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """Three villages west to east; the road is hardened in the first, `middle` in the second, earth in the third."""
    roads = full_roads(
        full_road("r0", "asphalt", (0, 400), (1000, 400), admin_class="S"),
        full_road("r1", middle, (1000, 400), (2000, 400)),
        full_road("r2", "earth", (2000, 400), (3000, 400)),
    )
    natural = layer(
        [
            {"natural_village_id": f"n{i}", "name": f"屋{i}", "village_id": f"v{i}", "town": "甲镇"}
            | {"population": people, "poor_population": 5.0, "households": 50.0, "geometry": at(i * 1000 + 300, 450)}
            for i, people in enumerate([199.0, 200.0, None])
        ]
    )
    homes = layer(
        [
            {"household_id": f"h{i}", "village_id": f"v{i % 3}", "town": "甲镇", "natural_village": f"屋{i % 3}"}
            | {"members": 3.0, "category": "wubao", "housing_grade": "ABCD"[i % 4], "sole_dwelling": True}
            | {"safe_water": i % 5 != 0, "has_labour": None, "head_name": "张三"}
            | {"geometry": at((i % 3) * 1000 + 100 + i, 450)}
            for i in range(12)
        ],
        sole_dwelling="boolean",
        safe_water="boolean",
        has_labour="boolean",
    )
    pipes = [{"line_id": "p", "kind": "water_pipe", "status": "in_service", "geometry": line((0, 100), (1500, 100))}]
    rows = [
        facility("t", "public_toilet", "v0", 400),
        facility("s", "bus_stop", "v1", 1200, 400),
        facility("c", "clinic", "v0", 200, 400),
    ]
    return {
        "towns": layer([{"town_id": "t1", "name": "甲镇", "geometry": square(0, 0, 3000)}]),
        "villages": villages("甲", "乙", "丙"),
        "natural_villages": natural,
        "households": homes,
        "roads": roads,
        "facilities": facilities(*rows, *extra),
        "lines": layer(pipes),
        "claims": claims(("v1", "toilet", "yes", "2018-01-01"), ("v0", "plan", "yes", "2018-01-01")),
        "hazards": layer([{"hazard_id": "z", "kind": "flood", "level": None, "geometry": square(0, 0, 300)}]),
    }


def county(*, middle: str = "gravel", extra: tuple[dict[str, Any], ...] = ()) -> Workspace:
    return workspace(county_layers(middle=middle, extra=extra))
