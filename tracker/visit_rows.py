"""Which rows a visit asks about: villages and what lies in them, chosen by hand, by town or by filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer

from geo.crs import STORAGE_CRS
from layers.workspace import Workspace
from tracker import houses, projects
from tracker.office import Office
from tracker.questions import GRADES, KINDS, YES_NO
from tracker.status import HOUSE_LABELS, PROJECT_LABELS
from tracker.visits import Row

LAYERS = {
    "villages": "village_id",
    "natural_villages": "natural_village_id",
    "facilities": "facility_id",
    "households": "household_id",
}


@dataclass(frozen=True)
class Wish:
    """What a visit is to ask: of which villages, which kinds of row, which needs (id -> label), which households.

    `households` and `projects` name single ones; without them all dangerous houses (C, D) and all open projects of the
    villages are meant. `known` is what is said beside a row, by its key.
    """

    villages: Sequence[str]
    kinds: Sequence[str]
    needs: Mapping[str, str]
    households: Sequence[str] = ()
    projects: Sequence[str] = ()
    known: Mapping[str, str] | None = None


def rows(office: Office, workspace: Workspace, wish: Wish) -> list[Row]:
    """Return the rows of a wish in the order of the sheet: by kind, town, village. Unknown ids are left out."""
    places = _places(workspace, wish.villages)
    found: list[Row] = []
    for kind in KINDS:
        if kind not in wish.kinds:
            continue
        if kind == "needs":
            found += _needs(places, wish)
        elif kind == "houses":
            found += _houses(office, workspace, places, wish)
        elif kind == "projects":
            found += _projects(office, places, wish)
        elif kind in LAYERS:
            found += _features(workspace, kind, places, wish)
    return found


def _places(workspace: Workspace, wanted: Sequence[str]) -> dict[str, Row]:
    """Return the chosen villages by id, with the place of their seat, in the order of town and name."""
    frame = workspace.get("villages")
    if frame is None:
        return {}
    chosen: Any = frame[frame["village_id"].isin(list(wanted))].sort_values(
        ["town", "name", "village_id"], kind="stable"
    )
    xy = _degrees(chosen, workspace)
    columns = (chosen[name].fillna("") for name in ("village_id", "name", "town"))
    return {
        str(key): Row(f"villages/{key}", "villages", str(key), str(name), str(town), str(key), str(name), x=x, y=y)
        for key, name, town, (x, y) in zip(*columns, xy, strict=True)
    }


def _degrees(frame: Any, workspace: Workspace) -> list[tuple[float | None, float | None]]:
    """Return a point inside every shape in degrees; None where there is no shape."""
    if "geometry" not in frame or not len(frame):
        return [(None, None)] * len(frame)
    points = shapely.point_on_surface(np.asarray(frame["geometry"], dtype=object))
    x, y = shapely.get_x(points), shapely.get_y(points)
    if "seat_x" in frame:
        seated = frame["seat_x"].notna().to_numpy() & frame["seat_y"].notna().to_numpy()
        x, y = np.where(seated, frame["seat_x"], x), np.where(seated, frame["seat_y"], y)
    change = Transformer.from_crs(workspace.crs, STORAGE_CRS, always_xy=True)
    lon, lat = change.transform(x, y)
    return [
        (round(float(a), 7), round(float(b), 7)) if np.isfinite(a) and np.isfinite(b) else (None, None)
        for a, b in zip(lon, lat, strict=True)
    ]


def _needs(places: Mapping[str, Row], wish: Wish) -> list[Row]:
    known = wish.known or {}
    made = []
    for place in places.values():
        for need, label in wish.needs.items():
            key = f"needs/{place.id}/{need}"
            made.append(
                Row(key, "needs", place.id, place.name, place.town, place.id, place.name, known.get(key, ""), {need: ""}, label, place.x, place.y)
            )  # fmt: skip
    return made


def _features(workspace: Workspace, kind: str, places: Mapping[str, Row], wish: Wish) -> list[Row]:
    frame: Any = workspace.get(kind)
    if frame is None:
        return []
    key = LAYERS[kind]
    if kind == "households" and wish.households:
        chosen = frame[frame[key].isin(list(wish.households))]
    else:
        chosen = frame[frame["village_id"].isin(list(places))]
        if kind == "households":
            chosen = chosen[chosen["housing_grade"].isin(["C", "D"])]
    chosen = chosen.sort_values(["town", "village_id", key], kind="stable")
    known, names = wish.known or {}, _village_names(workspace)
    source = workspace.sources.get(kind)
    day = f"台账日 {source.as_of}" if source is not None else ""
    made = []
    for row, (x, y) in zip(chosen.to_dict("records"), _degrees(chosen, workspace), strict=True):
        unit = str(row[key])
        village = _text(row.get("village_id"))
        place = places.get(village)
        name = _text(row.get("name")) or unit
        name = unit if kind == "households" else name
        said = "，".join(filter(None, [known.get(f"{kind}/{unit}", "") or _said(kind, row), day]))
        made.append(
            Row(f"{kind}/{unit}", kind, unit, name, _text(row.get("town")), village, place.name if place else names.get(village, ""), said, x=x, y=y)
        )  # fmt: skip
    return made


def _houses(office: Office, workspace: Workspace, places: Mapping[str, Row], wish: Wish) -> list[Row]:
    points = {row.id: (row.x, row.y) for row in _features(workspace, "households", places, wish)}
    names, known, made = _village_names(workspace), wish.known or {}, []
    for house in houses.houses(office.ledger):
        is_meant = house.household_id in wish.households if wish.households else house.village_id in places
        if not is_meant or not house.is_open:
            continue
        said = f"{HOUSE_LABELS[house.status]}（{house.since}）" + (
            f"，{GRADES[house.grade]}" if house.grade in GRADES else ""
        )
        key = f"houses/{house.household_id}"
        x, y = points.get(house.household_id, (None, None))
        made.append(
            Row(key, "houses", house.household_id, house.household_id, house.town, house.village_id,
                names.get(house.village_id, ""), known.get(key, said), x=x, y=y)
        )  # fmt: skip
    return made


def _projects(office: Office, places: Mapping[str, Row], wish: Wish) -> list[Row]:
    known, made = wish.known or {}, []
    for item in projects.projects(office.ledger):
        about = item.description
        at = next((village for village in about.village_ids if village in places), "")
        is_meant = item.project_id in wish.projects if wish.projects else bool(at)
        if not is_meant or item.status in ("closed", "cancelled"):
            continue
        place = places.get(at)
        said = f"{PROJECT_LABELS[item.status]}（{item.since}）" + (f"，{about.owner}" if about.owner else "")
        key = f"projects/{item.project_id}"
        made.append(
            Row(key, "projects", item.project_id, about.title, about.town, at, place.name if place else "", known.get(key, said),
                x=place.x if place else None, y=place.y if place else None)
        )  # fmt: skip
    return made


def _village_names(workspace: Workspace) -> dict[str, str]:
    frame = workspace.get("villages")
    return {} if frame is None else dict(zip(frame["village_id"].astype("str"), frame["name"].fillna(""), strict=True))


def _said(kind: str, row: Mapping[str, Any]) -> str:
    """Say of a feature what helps to find it; nothing personal."""
    if kind == "households":
        parts = [
            _text(row.get("natural_village")),
            f"{row['members']:.0f}人" if row["members"] == row["members"] else "",
        ]
        grade = _text(row.get("housing_grade"))
        return "，".join(filter(None, [*parts, GRADES.get(grade, "")]))
    return ""


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def answer_word(value: str) -> str:
    """Return yes, no or unknown in Chinese."""
    return YES_NO.get(value, "不清楚")
