"""The places that needs are asked of: villages, natural villages, towns, the county."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from geo.errors import PolicyError
from layers.workspace import Workspace

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

COUNTY = "county"
KINDS = ("village", "natural_village", "town", COUNTY)


@dataclass(frozen=True)
class Units:
    """Units of one kind, in the order of their layer.

    `frame` has a RangeIndex and the columns unit_id, name, town, village_id, list_type, people, population,
    households; `points` is (n, 2) in metres (NaN where a unit has no place), `shapes` the geometries (None where a
    unit has none).
    """

    kind: str
    frame: pd.DataFrame
    points: Floats
    shapes: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.frame)


def make_units(ws: Workspace, kind: str) -> Units:
    """List the units of a kind that a workspace holds.

    Parameters
    ----------
    kind
        "village", "natural_village", "town" or "county". A village stands at its seat (seat_x, seat_y), else at its
        polygon's representative point; a natural village at its point or its polygon's representative point.

    Returns
    -------
    Units
        Empty when the workspace holds no such layer; a county is always one unit.

    Raises
    ------
    PolicyError
        The kind is none of these.

    Examples
    --------
    >>> from pyproj import CRS
    >>> make_units(Workspace({}, CRS("EPSG:4547"), {}, (), ""), "county").frame["unit_id"].tolist()
    ['county']
    """
    if kind == "village":
        return _villages(ws)
    if kind == "natural_village":
        return _natural_villages(ws)
    if kind == "town":
        return _towns(ws)
    if kind == COUNTY:
        return _units(COUNTY, pd.DataFrame({"unit_id": [COUNTY], "name": ["全部"], "town": [""]}), None)
    raise PolicyError(f"不认识的单元种类 {kind}；只能是 {'、'.join(KINDS)}")


def geometries(frame: pd.DataFrame | None) -> npt.NDArray[Any]:
    """Give a frame's geometries as an array, None where a row has none or an empty one; all None without a column.

    Examples
    --------
    >>> geometries(pd.DataFrame({"household_id": ["1"]})).tolist()
    [None]
    """
    if frame is None:
        return np.empty(0, dtype=object)
    if "geometry" not in frame.columns:
        return np.full(len(frame), None, dtype=object)
    shapes: npt.NDArray[Any] = np.array(frame["geometry"].array, dtype=object)
    shapes[shapely.is_missing(shapes) | shapely.is_empty(shapes)] = None
    return shapes


def points_of(shapes: npt.NDArray[Any]) -> Floats:
    """Give one point per geometry, in its CRS: the point itself, else a point on the shape; NaN for None.

    Examples
    --------
    >>> points_of(np.array([shapely.Point(3, 4), None], dtype=object)).tolist()
    [[3.0, 4.0], [nan, nan]]
    """
    result = np.full((len(shapes), 2), np.nan)
    kind = shapely.get_type_id(shapes)
    points, others = kind == 0, kind > 0
    result[points] = shapely.get_coordinates(shapes[points])
    if others.any():
        result[others] = shapely.get_coordinates(shapely.point_on_surface(shapes[others]))
    return result


def members(ws: Workspace, layer: str, units: Units) -> Ints:
    """Say to which unit each row of a layer belongs: its position among the units, -1 for none.

    Villages claim by village_id; towns by the town of that village, else by their name where only one town has it;
    natural villages by village_id and name; the county everything.

    Examples
    --------
    >>> from pyproj import CRS
    >>> ws = Workspace({"households": pd.DataFrame({"village_id": ["v1", None]})}, CRS("EPSG:4547"), {}, (), "")
    >>> members(ws, "households", make_units(ws, "county")).tolist()
    [0, 0]
    """
    frame = ws.get(layer)
    if frame is None:
        return np.empty(0, dtype=np.int64)
    if units.kind == COUNTY:
        return np.zeros(len(frame), dtype=np.int64)
    if units.kind == "town":
        return _town_members(ws, frame, units)
    if units.kind == "natural_village":
        return _natural_village_members(frame, units)
    return _positions(units.frame["unit_id"], frame["village_id"]) if "village_id" in frame else _none(frame)


def _none(frame: pd.DataFrame) -> Ints:
    return np.full(len(frame), -1, dtype=np.int64)


def _positions(keys: Any, wanted: Any) -> Ints:
    """Position of each wanted value among the keys (the first where a key repeats), -1 for missing or unknown."""
    first = pd.Series(np.arange(len(keys)), index=pd.Index(keys)).loc[lambda s: s.index.notna()]
    first = first[~first.index.duplicated()]
    codes, uniques = pd.factorize(pd.Series(wanted))
    places = np.append(first.reindex(uniques).fillna(-1).to_numpy(dtype=np.int64), -1)
    return np.asarray(places[codes], dtype=np.int64)


def _town_members(ws: Workspace, frame: pd.DataFrame, units: Units) -> Ints:
    names = units.frame["name"]
    single = names.where(~names.duplicated(keep=False))
    by_name = _positions(single, frame["town"]) if "town" in frame else _none(frame)
    villages = ws.get("villages")
    if villages is None or "town_id" not in villages or "village_id" not in frame:
        return by_name
    of_village = np.append(_positions(units.frame["unit_id"], villages["town_id"]), -1)
    by_village = of_village[_positions(villages["village_id"], frame["village_id"])]
    return np.where(by_village >= 0, by_village, by_name)


def _natural_village_members(frame: pd.DataFrame, units: Units) -> Ints:
    if "natural_village" not in frame or "village_id" not in frame:
        return _none(frame)
    by_id = _positions(units.frame["unit_id"], frame["natural_village"])
    names = units.frame["village_id"].astype("str") + "\x1f" + units.frame["name"].astype("str")
    by_name = _positions(names, frame["village_id"].astype("str") + "\x1f" + frame["natural_village"].astype("str"))
    return np.where(by_id >= 0, by_id, by_name)


def _units(kind: str, frame: pd.DataFrame, shapes: npt.NDArray[Any] | None, points: Floats | None = None) -> Units:
    held = frame.reset_index(drop=True)
    for column in ("village_id", "list_type"):
        if column not in held:
            held[column] = pd.Series(np.nan, index=held.index, dtype="str")
    for column in ("population", "households"):
        held[column] = held[column].astype(np.float64) if column in held else np.nan
    held["people"] = held["population"]
    shapes = np.full(len(held), None, dtype=object) if shapes is None else shapes
    return Units(kind, held, points_of(shapes) if points is None else points, shapes)


def _villages(ws: Workspace) -> Units:
    frame = ws.get("villages")
    if frame is None:
        return _units("village", pd.DataFrame({"unit_id": [], "name": [], "town": []}, dtype="str"), None)
    shapes = geometries(frame)
    points = points_of(shapes)
    if {"seat_x", "seat_y"} <= set(frame.columns):
        seats = frame[["seat_x", "seat_y"]].to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(seats).all(axis=1)
        points[known] = _metric(seats[known], ws.crs)
    columns = ["village_id", "name", "town", "list_type", "population", "households"]
    held = pd.DataFrame({name: frame[name] for name in columns if name in frame})
    return _units("village", held.assign(unit_id=frame["village_id"]), shapes, points)


def _metric(seats: Floats, crs: pyproj.CRS) -> Floats:
    """Seats given in degrees of the storage CRS, in metres of the measurement CRS; metres stay as they are."""
    degrees = (np.abs(seats[:, 0]) <= 180) & (np.abs(seats[:, 1]) <= 90)
    result = seats.copy()
    if degrees.any():
        transformer = pyproj.Transformer.from_crs(4490, crs, always_xy=True)
        result[degrees] = np.column_stack(transformer.transform(seats[degrees, 0], seats[degrees, 1]))
    return result


def _natural_villages(ws: Workspace) -> Units:
    frame = ws.get("natural_villages")
    if frame is None:
        return _units("natural_village", pd.DataFrame({"unit_id": [], "name": [], "town": []}, dtype="str"), None)
    columns = ["name", "town", "village_id", "population", "households"]
    held = pd.DataFrame({name: frame[name] for name in columns if name in frame})
    held["unit_id"] = frame["natural_village_id"]
    if "town" not in held:
        held["town"] = pd.Series(np.nan, index=held.index, dtype="str")
    villages = ws.get("villages")
    if villages is not None and "list_type" in villages and "village_id" in held:
        place = _positions(villages["village_id"], held["village_id"])
        kinds = np.append(villages["list_type"].to_numpy(dtype=object), np.nan)
        held["list_type"] = pd.Series(kinds[place], index=held.index, dtype="str")
    return _units("natural_village", held, geometries(frame))


def _towns(ws: Workspace) -> Units:
    frame = ws.get("towns")
    if frame is not None:
        held = pd.DataFrame({"unit_id": frame["town_id"], "name": frame["name"], "town": frame["name"]})
        return _units("town", held, geometries(frame))
    villages = ws.get("villages")
    names = [] if villages is None else sorted(villages["town"].dropna().unique())
    return _units("town", pd.DataFrame({"unit_id": names, "name": names, "town": names}, dtype="str"), None)
