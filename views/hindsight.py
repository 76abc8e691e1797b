"""回头看: an earlier list of natural villages or of road projects against what was built, by town, in a table and on the map."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import streamlit as st

from analysis.hindcast import count_projects, hindcast, judge_projects
from geo.crs import to_storage
from geo.errors import AppError, InputError
from geo.read import read
from geo.stretches import stretches
from views import own_list, panels, uploads
from views.context import Context
from views.labels import Language, label, say
from views.mapspec import ClassStyle
from views.planning import Works
from views.road_sheets import Sheet

TYPES = ["xlsx", "xls", "csv", "zip", "gpkg", "geojson", "kml", "kmz"]
STYLE = {"built": ("#045a8d", ()), "not_built": ("#c8450b", (8, 4)), "unknown": ("#6b6b6b", (3, 4))}
ROAD = "__road"  # the column that says which road of the layer a row names
OF_STATE = {"connected": "built", "harden": "not_built", "build": "not_built"}
GUESSES = {
    "project_id": ("project_id", "项目编号", "项目编码", "项目", "编号", "项目名称"),
    "town": ("town", "乡镇", "镇街", "所在乡镇", "乡镇名称", "镇"),
    "km": ("declared_km", "里程公里", "里程", "建设里程", "里程(公里)", "计划里程", "length_km", "长度公里"),
    "start": ("start_km", "起点桩号", "起点公里", "起点"),
    "end": ("end_km", "止点桩号", "止点公里", "终点桩号", "止点"),
}


def show(context: Context, works: Works) -> Sheet | None:
    """Read an earlier list and say how much of it is built today, by town; the rows are shown on the map below."""
    language = context.language
    upload = st.file_uploader(say(language, "an_earlier_list"), type=TYPES, key="hindcast_file")
    if upload is None:
        st.caption(say(language, "upload_an_earlier_list"))
        return None
    try:
        with uploads.as_file(upload) as path:
            dropped = read(path)
        frame = dropped.frame.rename(columns=str)
        known = works.road_plan.natural_villages["natural_village_id"].tolist()
        if "geometry" in frame and frame.geometry.notna().any() and frame.geometry.geom_type.str.contains("Line").any():
            villages = context.workspace.get("villages")
            reference = None if villages is None else villages.to_crs("EPSG:4490")
            stored, notes = to_storage(frame, dropped.crs or dropped.default_shift, reference)
            for note in notes:
                st.caption(panels.plain(note))
            return show_projects(context, stored.to_crs(context.workspace.crs), is_section=False)
        table = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
        column, hits = own_list.best_column(table, known)
        road, road_hits = own_list.best_column(table, context.frame("roads")["road_id"].tolist())
        if column is not None and hits >= road_hits:
            return show_villages(context, works, table, language)
        if road is not None:
            return show_projects(context, on_roads(context, table, road), is_section=True)
        raise InputError(say(language, "earlier_list_has_no_key"))
    except AppError as error:
        st.error(panels.plain(error), icon=":material/error:")
        return None


def show_villages(context: Context, works: Works, table: pd.DataFrame, language: Language) -> Sheet:
    """Show how much of a list of natural villages is connected today."""
    plan = works.road_plan
    own, strangers = own_list.read_own_list(table, plan.natural_villages["natural_village_id"].tolist())
    listed = pd.concat([own, pd.DataFrame({"natural_village_id": strangers})], ignore_index=True)
    _show_counts(hindcast(listed, plan), language)
    places = context.frame("natural_villages").set_index("natural_village_id").geometry
    held = plan.natural_villages.set_index("natural_village_id").reindex(dict.fromkeys(own["natural_village_id"]))
    status = [OF_STATE.get(str(state), "unknown") for state in held["state"]]
    rows = gpd.GeoDataFrame(
        {
            "name": held["name"].to_numpy(), "town": held["town"].to_numpy(), "residents": held["population"].to_numpy(),
            "status": status, "built": _told(status, "listed_status", language),
            "state_now": [label("state", str(state), language) for state in held["state"]], "unit_id": held.index,
        },
        geometry=places.reindex(held.index).representative_point().to_numpy(), crs=context.workspace.crs,
    )  # fmt: skip
    columns = ("name", "town", "residents", "built", "state_now", "unit_id")
    return Sheet(rows, columns, "status", "", say(language, "hindsight_villages_note", lost=len(strangers)), classes=_classes("listed_status", language), part="villages")  # fmt: skip


def on_roads(context: Context, table: pd.DataFrame, column: str) -> gpd.GeoDataFrame:
    """Place a list that names roads: each row on its road, between its chainages where it has them."""
    roads = context.frame("roads")
    place = pd.Index(roads["road_id"].astype(str)).get_indexer(table[column].astype("str").str.strip())
    lines = np.array([*roads.geometry, None], dtype=object)[place]  # the last stands for a road that is not there
    start, end = (guess(table, key) for key in ("start", "end"))
    if start is not None and end is not None:
        begin, stop = (pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64) * 1000 for name in (start, end))
        lone = ~shapely.is_missing(lines) & (shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING)
        cut = np.flatnonzero(lone & np.isfinite(begin) & np.isfinite(stop) & (stop > begin))
        lines[cut] = stretches(lines[cut], begin[cut], stop[cut])  # beyond its end a line is not prolonged
    return gpd.GeoDataFrame(table.assign(**{ROAD: place}), geometry=lines, crs=context.workspace.crs)


def guess(table: pd.DataFrame, key: str) -> str | None:
    """Find the column that most likely holds something.

    >>> guess(pd.DataFrame({"序号": [1], "里程（公里）": [2.0]}), "km")
    '里程（公里）'
    """
    plain = {
        str(name).split("/")[-1].strip().lower().replace("（", "(").replace("）", ")"): name for name in table.columns
    }
    words = (*GUESSES[key], *((label("library", "length_km", "en").lower(),) if key == "km" else ()))
    return next((str(plain[word]) for word in words if word in plain), None)


def show_projects(context: Context, lines: gpd.GeoDataFrame, *, is_section: bool) -> Sheet:
    """Show how much of a list of road projects is hardened today; a person may say which columns hold what."""
    language = context.language
    names = [str(name) for name in lines.columns if name not in ("geometry", ROAD)]
    chosen: dict[str, str | None] = {}
    for place, key in zip(st.columns(3), ("project_id", "town", "km"), strict=True):
        first, none = guess(lines, key), say(language, f"column_none_{key}")
        texts = {"": none, **{name: name for name in names}}
        held = place.selectbox(
            say(language, f"column_of_{key}"), list(texts), index=names.index(first) + 1 if first in names else 0,
            format_func=texts.__getitem__, key=f"hindsight_{key}",
        )  # fmt: skip
        chosen[key] = held or None
    listed = laid_out(context, lines, chosen, is_section=is_section)
    judged = judge_projects(listed, context.workspace, context.policy, context.day)
    _show_counts(count_projects(judged), language)
    judged = judged.assign(
        built=_told(judged["status"], "listed_status", language),
        share_low=judged["share_low"] * 100,
        name=judged["project_id"],
    )
    nowhere = judged.geometry.is_empty
    held = judged.drop(columns="project_id").set_geometry(judged.geometry.where(~nowhere))
    columns = ("name", "town", "built", "share_low", "declared_km", "drawn_km")
    note = say(
        language, "hindsight_sections_note" if is_section else "hindsight_projects_note", nowhere=int(nowhere.sum())
    )
    return Sheet(held, columns, "status", "", note, classes=_classes("listed_status", language), part="projects")


def laid_out(context: Context, lines: gpd.GeoDataFrame, chosen: dict[str, str | None], *, is_section: bool) -> Any:
    """Give a list its project, town and declared kilometres; what the list does not say is taken from the lines.

    A project whose rows all repeat one length has that length; rows of different lengths, or that name road sections, are
    added up.
    """
    project, town, km = chosen["project_id"], chosen["town"], chosen["km"]
    rows = [str(number) for number in range(1, len(lines) + 1)]
    keys = pd.Series(rows, index=lines.index) if project is None else lines[project].astype("str").str.strip()
    metres = pd.Series(lines.geometry.length.to_numpy() / 1000, index=lines.index)
    length = metres if km is None else pd.to_numeric(lines[km], errors="coerce")
    by_project = length.groupby(keys)
    is_repeated = (by_project.transform("nunique") == 1) & (not is_section) & (km is not None)
    declared = length.where(is_repeated, by_project.transform("sum"))
    named = _town_of(context, lines) if town is None else lines[town].astype("object")
    shapes = lines.geometry.where(lines.geometry.notna(), shapely.LineString())
    held = {"project_id": keys, "town": named, "declared_km": declared}
    return gpd.GeoDataFrame(held | ({"road": lines[ROAD]} if is_section else {}), geometry=shapes, crs=lines.crs)


def _town_of(context: Context, lines: gpd.GeoDataFrame) -> Any:
    """Find the town in which the middle of each line lies; blank outside every town."""
    towns = context.frame("towns")
    found = pd.Series([None] * len(lines), index=lines.index, dtype="object")
    if not len(towns):
        return found
    held = lines.geometry.notna().to_numpy()
    middle = shapely.line_interpolate_point(
        np.array([shapely.get_parts(line)[0] for line in lines.geometry[held]]), 0.5, normalized=True
    )
    row, town = shapely.STRtree(towns.geometry.to_numpy()).query(middle, predicate="intersects")
    spots = np.flatnonzero(held)[row[::-1]]
    found.iloc[spots] = towns["name"].to_numpy()[town[::-1]]
    return found


def _show_counts(table: pd.DataFrame, language: Language) -> None:
    """Show the hit rate by town, the whole county last."""
    shares = [name for name in table.columns if name.startswith("hit_rate")]
    told = table.assign(**{name: table[name] * 100 for name in shares}, town=[label("hindsight_town", name, language) for name in table["town"]])  # fmt: skip
    heads = {name: label("hindsight", name, language) for name in table.columns}
    formats = {heads[name]: st.column_config.NumberColumn(format="%.0f%%") for name in shares}
    formats |= {heads[name]: st.column_config.NumberColumn(format="%.1f") for name in heads if name.endswith("_km")}
    st.dataframe(
        told.rename(columns=heads), hide_index=True, key="hindcast_table", column_config=formats, placeholder="—",
        height=min(36 * (len(told) + 1) + 4, 330),
    )  # fmt: skip


def _told(values: Any, group: str, language: Language) -> list[str]:
    return [label(group, str(value), language) for value in values]


def _classes(group: str, language: Language) -> dict[str, ClassStyle]:
    return {
        name: ClassStyle(
            label(group, name, language), color, outline="#ffffff", width=3.0, radius=6, rank=rank, dash=dash
        )
        for rank, (name, (color, dash)) in enumerate(STYLE.items())
    }
