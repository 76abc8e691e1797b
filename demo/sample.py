"""Write the small cut of the demo county that lives in data/boundaries, in the contract's own columns."""

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from demo import ledgers
from demo.county import plan_county
from demo.plan import Plan
from demo.register import SURFACE_TEXT
from demo.roads import SURFACES

SEED = 2018


def write_sample(folder: str | Path) -> list[Path]:
    """Write towns, villages, natural villages, roads and facilities of the tiny demo county; no household is among them.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     print(sorted(path.name for path in write_sample(place)))
    ['facilities.csv', 'natural_villages.csv', 'roads.geojson', 'towns.geojson', 'villages.geojson']
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plan = plan_county("tiny", SEED)
    title = "示范县（虚构）"
    ledgers.write_geojson(folder / "towns.geojson", _towns(plan), plan.places.town_shapes, title=title)
    ledgers.write_geojson(folder / "villages.geojson", _villages(plan), plan.places.village_shapes, title=title)
    ledgers.write_geojson(folder / "roads.geojson", _roads(plan), plan.road_lines, title=title)
    ledgers.write_csv(folder / "natural_villages.csv", _natural_villages(plan), encoding="utf-8-sig")
    ledgers.write_csv(folder / "facilities.csv", _facilities(plan), encoding="utf-8-sig")
    return sorted(folder.glob("*.geojson")) + sorted(folder.glob("*.csv"))


def _towns(plan: Plan) -> pd.DataFrame:
    return plan.places.towns[["town_id", "name"]].astype(object)


def _villages(plan: Plan) -> pd.DataFrame:
    villages = plan.places.villages
    count = len(villages)
    home = plan.places.hamlets["village"].to_numpy()
    seat = ledgers.lonlat(villages[["seat_x", "seat_y"]].to_numpy())
    return villages[["village_id", "name", "kind", "list_type"]].assign(
        town=plan.town_name,
        population=np.bincount(home, plan.people["population"], minlength=count).astype(int),
        households=np.bincount(home, plan.people["households"], minlength=count).astype(int),
        seat_x=seat[:, 0],
        seat_y=seat[:, 1],
    )


def _natural_villages(plan: Plan) -> pd.DataFrame:
    hamlets = plan.places.hamlets
    at = ledgers.lonlat(hamlets[["x", "y"]].to_numpy())
    return pd.DataFrame(
        {
            "natural_village_id": hamlets["natural_village_id"],
            "name": hamlets["name"],
            "village_id": plan.village("village_id")[hamlets["village"].to_numpy()],
            "population": plan.people["population"],
            "households": plan.people["households"],
            "poor_population": plan.people["poor_population"],
            "longitude": at[:, 0],
            "latitude": at[:, 1],
        }
    )


def _roads(plan: Plan) -> pd.DataFrame:
    code = dict(zip(SURFACE_TEXT, SURFACES, strict=True))
    roads = plan.roads
    return pd.DataFrame(
        {
            "road_id": roads["路段编号"],
            "route_code": roads["路线编号"],
            "admin_class": roads["路线编号"].str.slice(0, 1),
            "surface": roads["面层类型"].map(code),
            "pavement_width_m": roads["路面宽度"],
            "subgrade_width_m": roads["路基宽度"],
        }
    )


def _facilities(plan: Plan) -> pd.DataFrame:
    rows = plan.facilities
    at = ledgers.lonlat(shapely.get_coordinates(shapely.points(rows[["x", "y"]].to_numpy())))
    return pd.DataFrame(
        {
            "facility_id": rows["id"],
            "kind": rows["kind"],
            "name": rows["name"],
            "village_id": plan.village("village_id")[rows["village"].to_numpy()],
            "is_standard": rows["standard"],
            "status": rows["status"],
            "longitude": at[:, 0],
            "latitude": at[:, 1],
        }
    )
