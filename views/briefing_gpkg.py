"""A briefing as a GeoPackage: the office's copy for QGIS, or a public one with aggregates only."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio

from analysis.assess import Assessment
from analysis.policy import Policy
from geo.crs import STORAGE_CRS
from layers import schema
from layers.workspace import Workspace
from tracker.office import Office
from tracker.publish import public_tables, publish
from views.assessing import published_tables
from views.briefing import Briefing
from views.briefing_tables import kept_apart
from views.labels import catalogue
from views.publication import without_numbers

PUBLIC_NAMES = {"总览": "overview", "分镇": "towns", "道路分镇": "roads_by_town", "危房分镇": "housing_by_town"}
PUBLIC_NAMES |= {"逐村逐项": "findings", "政策参数": "policy"}


def write_internal(office: Office, done: Assessment, brief: Briefing, path: Path, *, by: str) -> None:
    """Write layers and results of the day without private columns or single households, with a field dictionary."""
    tables = {name: without_numbers(_impersonal(name, frame)) for name, frame in published_tables(done).items()}
    content = public_tables(office, tables, day=done.day)
    tables["field_dictionary"] = dictionary({name: list(frame.columns) for name, frame in content.items()})
    tables["notice"] = _notice(brief)
    publish(office, path, tables=tables, day=done.day, by=by)


def _impersonal(name: str, frame: Any) -> Any:
    """Take out the ids of single households."""
    if name == "contradictions":
        return frame[frame["need"] != "location"].reset_index(drop=True)
    if name == "findings":
        told = frame["evidence_layer"] == "households"
        return frame.assign(evidence_id=frame["evidence_id"].mask(told))
    return frame


def dictionary(columns: dict[str, list[str]]) -> pd.DataFrame:
    """Say in Chinese what every column of every table holds.

    >>> dictionary({"villages": ["population"]})[["column", "label"]].values.tolist()
    [['population', '人口']]
    """
    known = schema.load()
    words = catalogue().get("field", {})
    rows = []
    for table, names in columns.items():
        fields = {field.name: field for field in known[table].fields} if table in known else {}
        for name in names:
            field = fields.get(name)
            text = words.get(name, {}).get("zh") or (_first_alias(field) if field else None) or name
            rows.append((table, name, text, field.unit if field else None, field.description if field else None))
    return pd.DataFrame(rows, columns=["table", "column", "label", "unit", "description"])


def _first_alias(field: Any) -> str | None:
    return next((alias for alias in field.aliases if not alias.isascii()), None)


def public_file(done: Assessment, ws: Workspace, policy: Policy, brief: Briefing) -> bytes:
    """Write the public tables of a briefing; village outlines only under a review number."""
    content: dict[str, Any] = {PUBLIC_NAMES[n]: t for n, t in brief.tables.items() if n in PUBLIC_NAMES}
    if brief.rules.has_maps:
        content = {"village_findings": _outlines(done, ws, policy, brief), **content}
    content["sources"] = pd.DataFrame({"项目": list(brief.sources), "内容": list(brief.sources.values())})
    content["notice"] = _notice(brief)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "public.gpkg"
        for name, table in content.items():
            pyogrio.write_dataframe(_texts(table), file, layer=name, driver="GPKG", append=file.exists())
        return file.read_bytes()


def _outlines(done: Assessment, ws: Workspace, policy: Policy, brief: Briefing) -> Any:
    apart = kept_apart(ws, policy, brief.rules)
    found = done.findings[(done.findings["unit_kind"] == "village") & ~done.findings["need"].isin(apart)]
    wide = found.pivot_table(index="unit_id", columns="need", values="status", aggfunc="first")
    villages = without_numbers(ws.layers["villages"][["village_id", "name", "town", "geometry"]])
    joined = villages.merge(wide, how="left", left_on="village_id", right_index=True).drop(columns="village_id")
    return joined.reset_index(drop=True).to_crs(STORAGE_CRS)


def _notice(brief: Briefing) -> pd.DataFrame:
    return pd.DataFrame({"notice": [brief.rules.mark, *brief.notes]})


def _texts(table: Any) -> Any:
    held = table.copy()
    for name in held.columns:
        if name != "geometry" and not pd.api.types.is_numeric_dtype(held[name]):
            held[name] = held[name].map(lambda value: value if value is None or isinstance(value, str) else str(value))
            held[name] = held[name].astype("str")
    return held
