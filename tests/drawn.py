"""Small hand-drawn workspaces for the analysis tests: a row of square villages, a road, a few facilities."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS
from shapely import LineString, Point, box

from analysis.policy import Need, Policy, Value
from layers.workspace import Source, Workspace

METRIC = CRS("EPSG:4547")
DAY = date(2018, 6, 30)
X0, Y0 = 500_000.0, 2_700_000.0


def at(x: float, y: float) -> Point:
    return Point(X0 + x, Y0 + y)


def line(*places: tuple[float, float]) -> LineString:
    return LineString([(X0 + x, Y0 + y) for x, y in places])


def square(x: float, y: float, size: float = 1000.0) -> Any:
    return box(X0 + x, Y0 + y, X0 + x + size, Y0 + y + size)


def layer(rows: list[dict[str, Any]], **types: str) -> Any:
    frame = pd.DataFrame(rows)
    for column, kind in types.items():
        frame[column] = (
            frame[column].astype(kind) if column in frame else pd.Series(pd.NA, index=frame.index, dtype=kind)
        )
    if "geometry" in frame:
        return gpd.GeoDataFrame(frame, geometry="geometry", crs=METRIC)
    return frame


def villages(*names: str, **columns: list[Any]) -> Any:
    """Squares of 1 km side in a row from west to east, seats in their middle."""
    rows = [
        {"village_id": f"v{i}", "name": name, "town": "甲镇", "kind": "administrative", "list_type": "poor"}
        | {"population": 1000.0, "households": 300.0, "seat_x": X0 + i * 1000 + 500, "seat_y": Y0 + 500}
        | {key: values[i] for key, values in columns.items()}
        | {"geometry": square(i * 1000, 0)}
        for i, name in enumerate(names)
    ]
    return layer(rows)


def facility(ident: str, kind: str, village: str | None, x: float, y: float = 500.0, **columns: Any) -> dict[str, Any]:
    row = {"facility_id": ident, "kind": kind, "name": ident, "village_id": village, "is_standard": True}
    return row | {"status": "in_service", "capacity": None, "town": "甲镇"} | columns | {"geometry": at(x, y)}


def facilities(*rows: dict[str, Any]) -> Any:
    return layer(list(rows), is_standard="boolean", status="str", village_id="str")


def source(name: str, rows: int = 1, *, as_of: date = DAY, partial: bool = False, kinds: Any = None) -> Source:
    return Source(name, f"digest-{name}", f"{name}.gpkg", as_of, partial, rows, kinds=kinds or {})


def workspace(layers: Mapping[str, Any], **sources: Source) -> Workspace:
    held = {name: source(name, len(frame)) for name, frame in layers.items()} | sources
    return Workspace(dict(layers), METRIC, held, (), "digest-workspace")


def policy(*needs: Need, tables: Mapping[str, Any] | None = None, **values: Any) -> Policy:
    held = {key.replace("__", "."): (Value(date.min, value, "", "文件一"),) for key, value in values.items()}
    return Policy("test", "试验政策", "digest-policy", held, needs, tables=tables or {})


def need(ident: str, kind: str, parameters: Mapping[str, Any], **columns: Any) -> Need:
    given = {"label": ident, "layer": "", "strength": "hard", "reference": "三(七)1"} | columns
    return Need(id=ident, kind=kind, parameters=parameters, **given)  # type: ignore[arg-type]


def claims(*rows: tuple[str, str, str, str]) -> Any:
    """Rows of unit_id, need, value, day."""
    return pd.DataFrame(
        [{"unit_id": u, "need": n, "value": v, "source": "贫困村台账", "by": "张三", "day": d} for u, n, v, d in rows],
        dtype="str",
    )


def full_road(ident: str, surface: str, *places: tuple[float, float], **columns: Any) -> dict[str, Any]:
    """Return one road with every column of the contract."""
    blank = dict.fromkeys(("route_code", "name", "technical_grade", "built_year", "town", "village_id"))
    blank |= dict.fromkeys(
        ("pavement_width_m", "subgrade_width_m", "has_safety_barrier", "is_duplicate", "is_dead_end")
    )
    return {"road_id": ident, "admin_class": "C"} | blank | {"surface": surface} | columns | {"geometry": line(*places)}


def full_roads(*rows: dict[str, Any]) -> Any:
    flags = dict.fromkeys(("has_safety_barrier", "is_duplicate", "is_dead_end"), "boolean")
    texts = dict.fromkeys(("route_code", "name", "technical_grade", "town", "village_id", "admin_class"), "str")
    numbers = dict.fromkeys(("built_year", "pavement_width_m", "subgrade_width_m"), "float64")
    return layer(list(rows), **flags, **texts, **numbers)
