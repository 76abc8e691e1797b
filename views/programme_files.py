"""A road programme as files: the contract's tables, and the project library in the columns bureaus use."""

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
from views.labels import label
from views.reports import write_bytes
from views.results import csv_bytes

LIBRARY = (
    "项目编号", "年度", "乡镇", "路线编码", "路线名称", "路段编号", "起点桩号", "止点桩号", "里程(公里)", "技术等级", "现路面类型",
    "现路面宽(米)", "现路基宽(米)", "估算造价(万元)", "受益人口", "受益贫困人口", "受益自然村", "前置项目", "说明",
)  # fmt: skip


def sections(work: int, made: Programme, road_plan: RoadPlan, roads: Any) -> list[dict[str, Any]]:
    """List the road sections of one work, from its far end to the core: chainage from the start of the drawn line, in km."""
    edges = made.tree.edges[work]
    if road_plan.states is None or len(edges) == 0:
        return []
    network = road_plan.states.network
    found: dict[int, dict[str, Any]] = {}
    for edge in edges.tolist():
        road = int(network.edge_road[edge])
        ends = shapely.line_locate_point(
            roads.geometry.iloc[road], shapely.get_point(network.edge_geometry[edge], [0, -1])
        )
        section = found.setdefault(
            road, {**roads.iloc[road].drop("geometry"), "length_km": 0.0, "start_km": np.inf, "end_km": 0.0}
        )
        section["length_km"] += int(network.edge_length_mm[edge]) / 1e6
        section["start_km"] = min(section["start_km"], float(ends.min()) / 1000)
        section["end_km"] = max(section["end_km"], float(ends.max()) / 1000)
    return list(found.values())


def library(made: Programme, road_plan: RoadPlan, roads: Any) -> pd.DataFrame:
    """Lay a programme out as the bureau's project library: one row a road section of a project.

    Money, people and villages stand on the first row of a project only, so that a sum over the column is right.
    """
    names = road_plan.natural_villages.set_index("natural_village_id")["name"]
    number = {project_id: work for work, project_id in enumerate(made.tree.project_id)}
    rows: list[dict[str, Any]] = []
    for project in made.projects.itertuples():
        villages = [str(names.get(name, name)) for name in str(project.natural_village_ids).split(";") if name]
        head = {
            "项目编号": project.project_id, "年度": project.year, "估算造价(万元)": round(project.cost_cny10k, 2),
            "受益人口": project.people, "受益贫困人口": project.poor_people, "受益自然村": "、".join(villages),
            "前置项目": project.after, "说明": project.why,
        }  # fmt: skip
        parts = sections(number[project.project_id], made, road_plan, roads)
        if project.new_km > 0:
            parts.append({"length_km": project.new_km, "surface": "none", "name": "新建连接线"})
        for place, section in enumerate(parts or [{}]):
            own = head if place == 0 else {"项目编号": project.project_id, "年度": project.year}
            rows.append({**own, **section_cells(section)})
    return pd.DataFrame(rows, columns=list(LIBRARY))


def section_cells(section: Mapping[str, Any]) -> dict[str, Any]:
    """Write one road section in the bureau's columns; what is not known stays blank."""
    surface = section.get("surface")
    return {
        "乡镇": section.get("town"), "路线编码": section.get("route_code"), "路线名称": section.get("name"),
        "路段编号": section.get("road_id"), "起点桩号": kilometres(section.get("start_km")),
        "止点桩号": kilometres(section.get("end_km")), "里程(公里)": kilometres(section.get("length_km")),
        "技术等级": label("technical_grade", section["technical_grade"]) if is_text(section.get("technical_grade")) else None,
        "现路面类型": label("surface", str(surface)) if is_text(surface) else None,
        "现路面宽(米)": section.get("pavement_width_m"), "现路基宽(米)": section.get("subgrade_width_m"),
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
