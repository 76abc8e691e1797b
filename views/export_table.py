"""A table as it is shown, as CSV or GeoPackage: no cell becomes a formula, no private column gets out."""

import csv
import io
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geo.crs import STORAGE_CRS
from geo.errors import AccessError
from layers import schema
from views.excel import cell
from views.labels import Language, label, say
from views.results import FORMULA

CSV_MIME = "text/csv"
GPKG_MIME = "application/geopackage+sqlite3"


@cache
def private_names() -> frozenset[str]:
    """List every name under which a private column is known."""
    fields = [field for layer in schema.load().values() for field in layer.fields if field.is_private]
    return frozenset(name for field in fields for name in (field.name, *field.aliases))


def refuse_private(table: pd.DataFrame) -> None:
    """Raise AccessError when a table that is to leave the program has a private column.

    >>> refuse_private(pd.DataFrame({"村": ["甲"]}))
    """
    found = sorted(private_names() & {str(name) for name in table.columns})
    if found:
        raise AccessError(f"导出的表里有个人信息列“{'、'.join(found)}”，已停止导出。请去掉这些列。")


def harmless(value: Any) -> Any:
    """Write a cell so that a spreadsheet takes text as text.

    >>> harmless("=1+1"), harmless("甲村"), harmless(-2.5), harmless(200.0), harmless(None)
    ("'=1+1", '甲村', -2.5, 200, '')
    """
    plain = cell(value)
    if plain is None:
        return ""
    if isinstance(plain, float) and plain.is_integer():
        return int(plain)
    return f"'{plain}" if isinstance(plain, str) and plain.startswith(FORMULA) else plain


def csv_file(table: pd.DataFrame) -> bytes:
    """Write a table as CSV that Excel opens in Chinese: UTF-8 with a mark, unknown cells empty.

    >>> csv_file(pd.DataFrame({"村": ["=甲"], "人口": [200.0]})).decode("utf-8-sig")
    "村,人口\\r\\n'=甲,200\\r\\n"
    """
    refuse_private(table)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([harmless(str(name)) for name in table.columns])
    writer.writerows([[harmless(value) for value in row] for row in table.itertuples(index=False, name=None)])
    return text.getvalue().encode("utf-8-sig")


def geopackage(
    table: pd.DataFrame, places: Any, basis: Mapping[str, Any], *, name: str, language: Language = "zh"
) -> bytes:
    """Write the rows of a table with their places as a GeoPackage in EPSG:4490, and what they rest on as a table.

    Parameters
    ----------
    table
        Indexed by feature id; written in its order.
    places
        GeoSeries with a CRS, indexed by feature id. A row without a place keeps an empty geometry.
    basis
        What the rows were made from; becomes the table “数据依据”.

    Raises
    ------
    AccessError
        If the table has a private column.

    """
    refuse_private(table)
    shapes = gpd.GeoSeries(places.reindex(table.index).to_numpy(), crs=places.crs).to_crs(STORAGE_CRS)
    rows = gpd.GeoDataFrame(table.reset_index(drop=True), geometry=shapes)
    facts = pd.DataFrame(
        {
            label("field", "need", language): [str(key) for key in basis],
            say(language, "content"): [str(value) for value in basis.values()],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "export.gpkg"
        rows.to_file(file, layer=name, driver="GPKG")
        gpd.GeoDataFrame(facts, geometry=gpd.GeoSeries([None] * len(facts), crs=STORAGE_CRS)).to_file(
            file, layer=say(language, "basis_2"), driver="GPKG"
        )
        return file.read_bytes()
