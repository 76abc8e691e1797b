"""A road programme as files: the contract's tables, and the project library in the columns bureaus use."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.plan import FRONTIER_COLUMNS, Programme
from analysis.roads import RoadPlan
from layers.workspace import Workspace
from views.labels import Language, label, say
from views.reports import write_bytes
from views.results import csv_bytes

LIBRARY = (
    "project_id", "year", "town", "route_code", "road_name", "road_id", "start_km", "end_km", "length_km", "technical_grade",
    "surface", "pavement_width_m", "subgrade_width_m", "cost_cny10k", "people", "poor_people", "villages", "after", "why",
)  # fmt: skip


def sections(work: int, made: Programme, road_plan: RoadPlan, roads: Any, language: Language) -> list[dict[str, Any]]:
    """List the road sections of one work, from its far end to the core: chainage from the start of the drawn line, in km."""
    edges = made.tree.edges[work]
    if road_plan.states is None or len(edges) == 0:
        return []
    network = road_plan.states.network
    found: dict[int, dict[str, Any]] = {}
    for edge in edges.tolist():
        road = int(network.edge_road[edge])
        if road < 0:
            start = {"length_km": 0.0, "surface": "none", "name": say(language, "new_line_drawn"), "shapes": []}
            section = found.setdefault(road, start)
            section["length_km"] += int(network.edge_length_mm[edge]) / 1e6
            section["shapes"].append(network.edge_geometry[edge])
            continue
        ends = shapely.line_locate_point(
            roads.geometry.iloc[road], shapely.get_point(network.edge_geometry[edge], [0, -1])
        )
        section = found.setdefault(
            road,
            {**roads.iloc[road].drop("geometry"), "length_km": 0.0, "start_km": np.inf, "end_km": 0.0, "shapes": []},
        )
        section["shapes"].append(network.edge_geometry[edge])
        section["length_km"] += int(network.edge_length_mm[edge]) / 1e6
        section["start_km"] = min(section["start_km"], float(ends.min()) / 1000)
        section["end_km"] = max(section["end_km"], float(ends.max()) / 1000)
    return list(found.values())


def library(made: Programme, road_plan: RoadPlan, roads: Any, language: Language = "zh") -> pd.DataFrame:
    """Lay a programme out as the bureau's project library, with the headings of a language."""
    table = pd.DataFrame(library_rows(made, road_plan, roads, language)[list(LIBRARY)])
    return table.rename(columns={name: label("library", name, language) for name in LIBRARY})


def library_rows(made: Programme, road_plan: RoadPlan, roads: Any, language: Language = "zh") -> gpd.GeoDataFrame:
    """Lay a programme out as one row a road section of a project, columns by key, with its shape.

    Money, people and villages stand on the first row of a project only, so that a sum over the column is right.
    `project_key` names a project by what it connects and over which roads, whatever its number is this time.
    """
    names = road_plan.natural_villages.set_index("natural_village_id")["name"]
    number = {project_id: work for work, project_id in enumerate(made.tree.project_id)}
    rows: list[dict[str, Any]] = []
    geometry = made.geometry.set_index("project_id").geometry
    for project in made.projects.itertuples():
        villages = [str(names.get(name, name)) for name in str(project.natural_village_ids).split(";") if name]
        head = {
            "project_id": project.project_id, "year": project.year, "cost_cny10k": round(project.cost_cny10k, 2),
            "people": project.people, "poor_people": project.poor_people, "villages": "、".join(villages),
            "after": project.after, "why": project.why,
        }  # fmt: skip
        parts = sections(number[project.project_id], made, road_plan, roads, language)
        if project.new_km > 0:
            parts.append({"length_km": project.new_km, "surface": "none", "name": say(language, "new_link_road")})
        for place, section in enumerate(parts or [{}]):
            own = head if place == 0 else {"project_id": project.project_id, "year": project.year}
            shapes = section.get("shapes") or list(shapely.get_parts(geometry[project.project_id]))[-1:]
            rows.append(
                {
                    **own,
                    **section_cells(section, language),
                    "project_key": project_key(project.natural_village_ids, project.road_ids),
                    "geometry": shapely.line_merge(shapely.multilinestrings(shapes)),
                }
            )
    frame = pd.DataFrame(rows, columns=[*LIBRARY, "project_key", "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=made.geometry.crs)


def project_key(natural_village_ids: Any, road_ids: Any) -> str:
    """Name a project by what it connects and over which roads.

    >>> project_key("b;a", "r2;r1") == project_key("a;b", "r1;r2")
    True
    """
    text = json.dumps([sorted(str(ids).split(";")) for ids in (natural_village_ids, road_ids)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def section_cells(section: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Write one road section in the bureau's columns; what is not known stays blank."""
    surface = section.get("surface")
    return {
        "town": section.get("town"), "route_code": section.get("route_code"), "road_name": section.get("name"),
        "road_id": section.get("road_id"), "start_km": kilometres(section.get("start_km")),
        "end_km": kilometres(section.get("end_km")), "length_km": kilometres(section.get("length_km")),
        "technical_grade": label("technical_grade", section["technical_grade"], language) if is_text(section.get("technical_grade")) else None,
        "surface": label("surface", str(surface), language) if is_text(surface) else None,
        "pavement_width_m": section.get("pavement_width_m"), "subgrade_width_m": section.get("subgrade_width_m"),
    }  # fmt: skip


def kilometres(value: Any) -> float | None:
    """Round a length to the metre; blank when there is none."""
    return None if value is None else round(float(value), 3)


def is_text(value: Any) -> bool:
    """Whether a cell holds a word."""
    return isinstance(value, str) and value != ""


def write(made: Programme, out: Path, workspace: Workspace, budgets: Mapping[int, float]) -> list[Path]:
    """Write programme.csv, frontier.csv, programme.gpkg and plan.json; the timings stand under `run`."""
    table = made.projects.drop(columns=["after", "new_km"])
    write_bytes(csv_bytes(table), out / "programme.csv")
    write_bytes(csv_bytes(made.frontier.reindex(columns=FRONTIER_COLUMNS)), out / "frontier.csv")
    part = out / ".programme.part.gpkg"
    part.unlink(missing_ok=True)
    gpd.GeoDataFrame(made.geometry).to_file(part, layer="programme", driver="GPKG", engine="pyogrio")
    part.replace(out / "programme.gpkg")
    report = {
        "objective": made.objective, "bound": made.bound, "gap": made.gap, "solver": made.solver, "notes": list(made.notes),
        "budgets_cny10k": {str(year): amount for year, amount in sorted(budgets.items())},
        "people": float(made.projects["people"].sum()), "cost_cny10k": float(made.projects["cost_cny10k"].sum()),
        "workspace_digest": workspace.digest, "run": {"seconds": made.seconds},
    }  # fmt: skip
    write_bytes(json.dumps(report, ensure_ascii=False, indent=1).encode("utf-8"), out / "plan.json")
    return [out / name for name in ("programme.csv", "frontier.csv", "programme.gpkg", "plan.json")]
