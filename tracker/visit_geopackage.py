"""A visit for phones and tablets: a GeoPackage with layers to fill in, a QGIS/QField project beside it, a place for photos."""

import io
import tempfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
from shapely.geometry import Point

from geo.crs import STORAGE_CRS
from layers.workspace import Workspace
from tracker.questions import KINDS, UNKNOWN, UNKNOWN_WORD, Question
from tracker.visit_qgis import DATABASE, FormField, FormLayer, project, style
from tracker.visit_workbook import PRIVATE, STATES, facility_words
from tracker.visits import Row, Visit

VILLAGE_POINTS = "village_points"
FOUND = "found"
FOUND_FIELDS = ("visit_id", "name", "kind", "status", "village_id", "remark", "photos")
PHOTOS = "photos"
_COLORS = {
    VILLAGE_POINTS: "31,78,121,255", "natural_villages": "60,130,80,255", "facilities": "200,120,20,255",
    "households": "150,50,120,255", "houses": "190,40,30,255", "projects": "80,80,160,255", FOUND: "230,40,40,255",
}  # fmt: skip
_OLD = {"VERSION": "1.2"}  # what phones in use can read
_EPOCH = (2000, 1, 1, 0, 0, 0)


def package(
    visit: Visit,
    rows: Sequence[Row],
    workspace: Workspace,
    *,
    office: str,
    private: Mapping[str, Mapping[str, str]] | None = None,
) -> bytes:
    """Write the package of a visit as a zip: database, project, photo folder, and what it holds in words."""
    made = [*_forms(rows, private or {}, visit), (_found_form(visit), _no_places())]
    context = _context(rows, workspace)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / DATABASE
        for layer, frame in [*made, *context]:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*crs.*", category=UserWarning)
                kind = "Point" if layer.geometry == "Point" else None
                pyogrio.write_dataframe(
                    frame,
                    file,
                    layer=layer.table,
                    driver="GPKG",
                    append=file.exists(),
                    geometry_type=kind,
                    **({} if file.exists() else {"dataset_options": _OLD}),
                )
        layers = [layer for layer, _ in [*made[::-1], *context]]
        pyogrio.write_dataframe(_styles(layers), file, layer="layer_styles", driver="GPKG", append=True)
        content = file.read_bytes()
    name = f"visit_{visit.visit_id}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in (
            (f"{name}/{DATABASE}", content),
            (f"{name}/{name}.qgs", project(f"{visit.title} {visit.visit_id}", layers, _bounds(rows, context))),
            (f"{name}/{PHOTOS}/照片放这里.txt", "照片放在这个文件夹里，文件名写进表单的“照片”一栏。\r\n".encode()),
            (f"{name}/说明.txt", _guide(visit, rows, office, has_private=bool(private)).encode("utf-8-sig")),
        ):
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _forms(rows: Sequence[Row], private: Mapping[str, Mapping[str, str]], visit: Visit) -> list[tuple[FormLayer, Any]]:
    """Return each layer to fill in with its rows; the needs of a village are columns of the village."""
    made = []
    tables = {VILLAGE_POINTS: [row for row in rows if row.kind in ("needs", "villages")]}
    tables |= {kind: [row for row in rows if row.kind == kind] for kind in KINDS if kind in _COLORS and kind != FOUND}
    for table, listed in tables.items():
        if listed:
            made.append(_form(table, listed, private if table in ("households", "houses") else {}, visit))
    return made


def _form(
    table: str, rows: Sequence[Row], private: Mapping[str, Mapping[str, str]], visit: Visit
) -> tuple[FormLayer, Any]:
    records: dict[str, dict[str, Any]] = {}
    asked: dict[str, Question] = {}
    for row in rows:
        key = row.village_id if table == VILLAGE_POINTS else row.id
        name = row.village if table == VILLAGE_POINTS else row.name
        start: dict[str, Any] = {
            "visit_id": visit.visit_id, "row_key": key, "name": name, "town": row.town, "village": row.village,
            **{column: private.get(row.id, {}).get(column, "") for column in (PRIVATE if private else ())}, "known": "",
        }  # fmt: skip
        record = records.setdefault(key, {**start, "geometry": Point(row.x, row.y) if row.x is not None else None})
        if row.known:
            said = f"{row.title}：{row.known}" if row.title else row.known
            record["known"] = "；".join(filter(None, [record["known"], said]))
        for question in row.questions:
            asked[question.field] = question
            record[f"had_{question.field}"] = question.show(row.sent.get(question.field, ""))
            record[question.field] = None
        record |= {"remark": None, "photos": None}
    columns = [*start_columns(private), *(name for q in asked for name in (f"had_{q}", q)), "remark", "photos"]
    frame = gpd.GeoDataFrame(
        pd.DataFrame(list(records.values())).reindex(columns=[*columns, "geometry"]),
        geometry="geometry",
        crs=STORAGE_CRS,
    )
    text = dict.fromkeys(columns, "str")
    title = "行政村" if table == VILLAGE_POINTS else KINDS[table]
    layer = FormLayer(table, f"走访·{title}", "Point", _COLORS[table], _fields(columns, asked))
    return layer, frame.astype(text)


def start_columns(private: Mapping[str, Any]) -> list[str]:
    """Return the columns that say which row it is."""
    return ["visit_id", "row_key", "name", "town", "village", *(PRIVATE if private else ()), "known"]


def _fields(columns: Sequence[str], asked: Mapping[str, Question]) -> list[FormField]:
    titles = {
        "name": "名称",
        "town": "乡镇",
        "village": "行政村",
        "known": "已知情况",
        "remark": "备注",
        "photos": "照片",
        **PRIVATE,
    }
    made = []
    for name in columns:
        question = asked.get(name.removeprefix("had_"))
        if question is not None and name.startswith("had_"):
            made.append(FormField(name, f"台账：{question.label}"))
        elif question is not None:
            choices = {**question.choices, UNKNOWN: UNKNOWN_WORD} if question.choices else {}
            unit = f"（{question.unit}，弄不清写“{UNKNOWN_WORD}”）" if not question.choices else ""
            made.append(FormField(name, f"核实：{question.label}{unit}", choices, is_editable=True))
        else:
            made.append(
                FormField(
                    name, titles.get(name, name), is_editable=name in ("remark", "photos"), is_photo=name == "photos",
                    is_hidden=name in ("visit_id", "row_key"),
                )
            )  # fmt: skip
    return made


def _found_form(visit: Visit) -> FormLayer:
    fields = [
        FormField("visit_id", "走访编号", is_hidden=True),
        FormField("name", "名称", is_editable=True),
        FormField("kind", "类型", facility_words(), is_editable=True),
        FormField("status", "使用状态", STATES, is_editable=True),
        FormField("village_id", "所在村", dict(visit.villages), is_editable=True),
        FormField("remark", "备注", is_editable=True),
        FormField("photos", "照片", is_editable=True, is_photo=True),
    ]
    return FormLayer(FOUND, "走访·新发现（在图上点）", "Point", _COLORS[FOUND], fields)


def _no_places() -> Any:
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in FOUND_FIELDS})
    return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], crs=STORAGE_CRS))


def _context(rows: Sequence[Row], workspace: Workspace) -> list[tuple[FormLayer, Any]]:
    """Return the borders of the villages and the roads near them, to find the way; nothing of them can be changed."""
    villages: Any = workspace.get("villages")
    wanted = {row.village_id for row in rows if row.village_id}
    if villages is None or not wanted:
        return []
    chosen = villages[villages["village_id"].isin(wanted)]
    if "geometry" not in chosen or not len(chosen):
        return []
    made = []
    roads: Any = workspace.get("roads")
    if roads is not None:
        near = roads[roads.intersects(chosen.geometry.union_all().buffer(500))]
        frame = near[["name", "surface", "geometry"]].to_crs(STORAGE_CRS)
        shown = [FormField("name", "路名"), FormField("surface", "路面")]
        if len(frame):
            made.append((FormLayer("roads", "道路", "Line", "120,120,120,255", shown, is_editable=False), frame))
    borders = chosen[["village_id", "name", "town", "geometry"]].to_crs(STORAGE_CRS)
    shown = [FormField("name", "名称"), FormField("town", "乡镇")]
    made.append((FormLayer("village_borders", "村界", "Polygon", "90,90,90,255", shown, is_editable=False), borders))
    return made


def _styles(layers: Sequence[FormLayer]) -> pd.DataFrame:
    """Return the table QGIS looks for styles in, so that the layers bring their forms along without the project."""
    rows = [
        {
            "id": at, "f_table_catalog": "", "f_table_schema": "", "f_table_name": layer.table,
            "f_geometry_column": "geom", "styleName": layer.title, "styleQML": style(layer), "styleSLD": "",
            "useAsDefault": True, "description": "", "owner": "", "ui": "",
            "update_time": pd.Timestamp("2000-01-01", tz="UTC"),
        }
        for at, layer in enumerate(layers, start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _bounds(rows: Sequence[Row], context: Sequence[tuple[FormLayer, Any]]) -> tuple[float, float, float, float]:
    borders = [frame for layer, frame in context if layer.table == "village_borders"]
    if borders:
        west, south, east, north = borders[0].total_bounds
        return float(west), float(south), float(east), float(north)
    x = [row.x for row in rows if row.x is not None] or [113.0]
    y = [row.y for row in rows if row.y is not None] or [25.0]
    return min(x) - 0.01, min(y) - 0.01, max(x) + 0.01, max(y) + 0.01


def _guide(visit: Visit, rows: Sequence[Row], office: str, *, has_private: bool) -> str:
    held = "，".join(f"{KINDS[kind]} {n} 行" for kind in KINDS if (n := sum(row.kind == kind for row in rows)))
    secret = (
        "含户主姓名、电话、住址：个人信息，只供走访人使用，用后删除，不得转发。"
        if has_private
        else "含单户情况（无姓名电话）：内部资料，不得转发。"
        if visit.is_personal
        else "不含个人信息。"
    )
    lines = (
        f"{visit.title}（{visit.visit_id}）  {office}",
        f"走访日 {visit.day}，走访人 {visit.who}",
        f"里面有：{held}；村界、道路（只看）；空的“新发现”点图层。{secret}",
        f"用 QGIS 或 QField 打开 visit_{visit.visit_id}.qgs，不需要网络。点一个要素，在表单里填“核实：……”。",
        "留空 = 没有核实；“不清楚” = 核实了但没有弄清。两种都不会改掉台账里原来的数。",
        "路上看到台账里没有的设施：在“新发现”图层上加一个点。",
        f"照片放在 {PHOTOS} 文件夹，文件名写进“照片”（几张用分号隔开）。QField 拍的照片（DCIM 文件夹）也认。",
        "交回：把整个文件夹（或只把 visit.gpkg）压成 zip，在“下乡走访”页选这个文件，或用命令 visit in。",
        "不要改走访编号（visit_id）和行标识（row_key）。",
    )
    return "\r\n".join(lines) + "\r\n"
