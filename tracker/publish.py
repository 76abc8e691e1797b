"""The copy of an office that QGIS and other departments read: a GeoPackage file or tables in PostGIS.

Public columns only. Households are people: they are left out unless asked for, and asking is logged. The live ledger is
never published; readers get this copy, which appears whole or not at all.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from geo.errors import InputError, StoreError
from layers import schema as schemas
from tracker import accounts, events, postgresql
from tracker.office import Office

SCHEMA = "qiyou"
SRID = 4490
PERSON = "household_id"


def publish(
    office: Office,
    to: Path | str,
    *,
    tables: Mapping[str, Any] | None = None,
    day: date | None = None,
    with_households: bool = False,
    schema: str = SCHEMA,
    by: str = "本机用户",
) -> dict[str, int]:
    """Write the layers of a day, and tables such as findings, for others to read; return rows by table.

    `to` is a .gpkg file or a postgresql:// URL with PostGIS (tables in `schema`). `tables` are frames by name, for example
    findings, natural_villages, candidates. A table of single households is left out unless `with_households`. From a
    table `findings` a map table `village_findings` is made: one polygon a village, one column a need.
    """
    content = public_tables(office, tables or {}, day=day, with_households=with_households)
    if str(to).startswith(("postgresql://", "postgres://")):
        counts = postgresql.write_tables(str(to), schema, {name: _rows(frame) for name, frame in content.items()})
    else:
        counts = _write_geopackage(content, Path(to).absolute())
    if not office.ledger.is_read_only:
        where = postgresql.shown_url(str(to)) if "://" in str(to) else Path(to).name
        accounts.log_access(
            office.ledger, by, "publish", what=where, rows=sum(counts.values()), conditions=", ".join(counts)
        )
    return counts


def public_tables(
    office: Office, tables: Mapping[str, Any], *, day: date | None = None, with_households: bool = False
) -> dict[str, Any]:
    """Return what may be published: layers in EPSG:4490, the given tables, and `about` saying where it came from."""
    when = day or office.default_day()
    layers = office.frames(when)
    content = {name: frame for name, frame in {**layers, **tables}.items() if len(frame.columns)}
    if "findings" in tables and "villages" in layers:
        content["village_findings"] = village_findings(layers["villages"], tables["findings"])
    if not with_households:
        content = {name: _without_people(frame) for name, frame in content.items() if PERSON not in frame.columns}
    content["about"] = _about(office, when, content)
    private = {column for schema in schemas.load().values() for column in schema.private}
    for name, frame in content.items():
        if found := sorted(private & set(frame.columns)):
            raise InputError(f"表 {name} 含个人信息列 {'、'.join(found)}，不能发布。")
        if not name.isidentifier():
            raise InputError(f"表名“{name}”不合用，请用英文字母、数字和下划线。")
        if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None and frame.crs.to_epsg() != SRID:
            content[name] = frame.to_crs(SRID)
    return content


def village_findings(villages: Any, findings: pd.DataFrame) -> Any:
    """Return the villages with one column a need holding its status; a village without a finding has none."""
    of_villages = findings[findings["unit_kind"] == "village"]
    wide = of_villages.pivot_table(index="unit_id", columns="need", values="status", aggfunc="first")
    wide.columns.name = None
    kept = villages[["village_id", "name", "town", "geometry"]]
    return kept.merge(wide, how="left", left_on="village_id", right_index=True).reset_index(drop=True)


def _without_people(frame: Any) -> Any:
    """Return the frame without findings about single households."""
    if "unit_kind" not in frame.columns:
        return frame
    return frame[frame["unit_kind"] != "household"].reset_index(drop=True)


def _about(office: Office, day: date, published: Mapping[str, Any]) -> pd.DataFrame:
    made = datetime.now(events.OFFICE_ZONE).isoformat(timespec="seconds")
    rows = [("office", office.name), ("day", day.isoformat()), ("published", made), ("policy", office.policy_path.name)]
    for layer, source in office.sources(day).items():
        note = "，部分" if source.is_partial else ""
        if layer in published:
            rows.append((f"layer.{layer}", f"{source.file_name}（{source.as_of}{note}）{source.digest}"))
    return pd.DataFrame(rows, columns=["key", "value"])


def _write_geopackage(content: Mapping[str, Any], target: Path) -> dict[str, int]:
    if target.suffix.lower() != ".gpkg":
        raise InputError(f"发布的文件名要以 .gpkg 结尾，现在是 {target.name}。")
    part = target.with_name(f".{secrets.token_hex(6)}.part.gpkg")
    try:
        for name, frame in content.items():
            pyogrio.write_dataframe(
                _typed(frame), part, layer=name, driver="GPKG", append=part.exists(), use_arrow=True
            )
        part.replace(target)
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise StoreError(
            f"{target.name} 没有写出（{error}）。请检查磁盘空间；若在 QGIS 里打开着，请先移除再发布。原有文件未动。"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return {name: len(frame) for name, frame in content.items()}


def _typed(frame: Any) -> Any:
    """Return the frame with every column as text, number or yes/no, which is all a GeoPackage knows."""
    plain = frame.reset_index(drop=True).copy()
    for name in plain.columns:
        if name != "geometry" and plain[name].dtype.kind not in "iufb" and str(plain[name].dtype) != "boolean":
            plain[name] = plain[name].astype("str")
    return plain


def _rows(frame: Any) -> tuple[Sequence[postgresql.Column], Iterator[Sequence[Any]]]:
    typed = _typed(frame)
    columns = [(str(name), _kind(name, typed[name])) for name in typed.columns]
    values = [_values(name, typed[name]) for name in typed.columns]
    return columns, zip(*values, strict=True)


def _kind(name: str, column: Any) -> str:
    if name == "geometry":
        return f"geometry(Geometry,{SRID})"
    kinds = {"b": "boolean", "i": "bigint", "u": "bigint", "f": "double precision"}
    return kinds.get(column.dtype.kind, "text")


def _values(name: str, column: Any) -> list[Any]:
    if name == "geometry":
        shapes = shapely.set_srid(np.asarray(column, dtype=object), SRID)
        return list(shapely.to_wkb(shapes, hex=True, include_srid=True))
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]
