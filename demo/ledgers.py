"""Write layers to the files bureaus send: GBK shapefiles, Excel ledgers, CSV, GeoJSON, Ovital and GeoPackage."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import Transformer

from demo.sizes import AS_OF, CRS_PLAIN, CRS_ZONED, ZONE_SHIFT_M, Array
from demo.workbook import zip_write

STORAGE = "EPSG:4490"


def lonlat(xy: Array) -> Array:
    """Turn metres of the demo's zone into CGCS2000 longitude and latitude, to seven decimals."""
    turn = Transformer.from_crs(CRS_PLAIN, STORAGE, always_xy=True)
    x, y = turn.transform(xy[:, 0], xy[:, 1])
    return np.round(np.column_stack([x, y]), 7)


def to_degrees(shapes: Array) -> Array:
    """Turn shapes in the demo's zone into CGCS2000 longitude and latitude."""
    return np.asarray(shapely.transform(shapes, lonlat))


@contextmanager
def _fixed_clock() -> Iterator[None]:
    """Let files that note when they were written note the day they describe."""
    name = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(name)
    pyogrio.set_gdal_config_options({name: f"{AS_OF.isoformat()}T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({name: before})


def write_shapefile(
    path: Path, table: pd.DataFrame, shapes: Array, *, encoding: str = "GBK", cpg: bool = True, zoned: bool = False
) -> None:
    """Write a zipped shapefile; `zoned` puts the zone number before the easting, `cpg` keeps the code page note."""
    if zoned:
        shapes = shapely.transform(shapes, lambda xy: xy + np.array([ZONE_SHIFT_M, 0.0]))
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs=CRS_ZONED if zoned else CRS_PLAIN)
    with tempfile.TemporaryDirectory() as folder:
        shp = Path(folder) / f"{path.stem}.shp"
        pyogrio.write_dataframe(
            frame,
            shp,
            driver="ESRI Shapefile",
            encoding=encoding,
            layer_options={"DBF_DATE_LAST_UPDATE": AS_OF.isoformat(), "RESIZE": "YES"},
        )
        if not cpg:
            shp.with_suffix(".cpg").unlink(missing_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for part in sorted(Path(folder).iterdir()):
                zip_write(archive, part.name, part.read_bytes())


def write_geopackage(path: Path, table: pd.DataFrame, shapes: Array, *, layer: str, crs: str = CRS_PLAIN) -> None:
    """Write one layer as a GeoPackage."""
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs=crs)
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, _fixed_clock():
        made = Path(folder) / "made.gpkg"
        pyogrio.write_dataframe(frame, made, driver="GPKG", layer=layer)
        shutil.move(made, path)


def write_geojson(path: Path, table: pd.DataFrame, shapes: Array, *, title: str) -> None:
    """Write GeoJSON in CGCS2000 degrees with Chinese property names, one feature a line."""
    geometry = [json.loads(text) for text in shapely.to_geojson(to_degrees(shapes)).tolist()]
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    lines = [
        json.dumps({"type": "Feature", "properties": row, "geometry": shape}, ensure_ascii=False, separators=(",", ":"))
        for row, shape in zip(rows, geometry, strict=True)
    ]
    head = json.dumps(title, ensure_ascii=False)
    text = f'{{"type":"FeatureCollection","name":{head},"features":[\n' + ",\n".join(lines) + "\n]}\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def write_csv(path: Path, table: pd.DataFrame, *, encoding: str = "GBK") -> None:
    """Write a table as the CSV that Chinese Excel saves: GBK, CRLF."""
    text = table.to_csv(index=False, lineterminator="\r\n")
    path.write_bytes(text.encode(encoding))


def write_ovkml(path: Path, table: pd.DataFrame, degrees: Array, *, title: str, fields: Mapping[str, str]) -> None:
    """Write points the way Ovital exports them (coordinates as given: pass GCJ-02); `fields` are data names -> columns."""
    marks = []
    for row, (x, y) in zip(table.to_dict("records"), degrees.tolist(), strict=True):
        data = "".join(
            f'<Data name="{escape(name)}"><value>{escape(str(row[column]))}</value></Data>'
            for name, column in fields.items()
            if row[column] is not None and row[column] == row[column]
        )
        marks.append(
            f"<Placemark><name>{escape(str(row['name']))}</name><ExtendedData>{data}</ExtendedData>"
            f"<Point><coordinates>{x:.8f},{y:.8f},0</coordinates></Point></Placemark>"
        )
    body = "\n".join(marks)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">\n<Document>\n'
        f"<name>{escape(title)}</name>\n{body}\n</Document>\n</kml>\n",
        encoding="utf-8",
        newline="\n",
    )


def write_mapping(path: Path, tables: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write a mapping file for a sheet whose headers need explaining."""
    lines = ["# 虚构数据的字段对应表"]
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [
            f"{json.dumps(key, ensure_ascii=False)} = {json.dumps(value, ensure_ascii=False)}"
            for key, value in table.items()
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path
