"""What the office says now of single values: layers with facts laid over, the register, the house and project ledgers."""

from collections.abc import Iterable, Mapping
from typing import Any

from layers import schema as schemas
from layers.places import place_claims
from layers.towns import place_villages
from tracker import houses, projects
from tracker.facts import CLAIMS, Cell, written
from tracker.houses import House
from tracker.office import Office
from tracker.projects import Project


def values(office: Office, cells: Iterable[Cell]) -> dict[Cell, str]:
    """Return what each value stands at now, "" where it is unknown; a feature that is not there is left out.

    The layer `claims` gives the latest claim about a village; `houses` and `projects` are the ledgers.
    """
    wanted: dict[str, list[Cell]] = {}
    for cell in dict.fromkeys(cells):
        wanted.setdefault(cell.layer, []).append(cell)
    found: dict[Cell, str] = {}
    for layer, listed in wanted.items():
        if layer == CLAIMS:
            claims = claimed(office)
            found |= {cell: claims.get((cell.id, cell.field), ("", "", ""))[0] for cell in listed}
        elif layer == "houses":
            found |= _told(listed, {house.household_id: _house(house) for house in houses.houses(office.ledger)})
        elif layer == "projects":
            found |= _told(listed, {item.project_id: _project(item) for item in projects.projects(office.ledger)})
        else:
            found |= _layer(office, layer, listed)
    return found


def claimed(office: Office) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Return the latest claim of every unit and need: value, day, source. Claims of one day that disagree say nothing."""
    frame = office.frame(CLAIMS)
    if frame is None or not len(frame):
        return {}
    frames = {name: made for name in ("towns", "villages") if (made := office.frame(name)) is not None}
    if "villages" in frames:
        frames["villages"] = place_villages(frames["villages"], frames.get("towns")).frame
        frame = place_claims(frame, frames, office.aliases()).frame
    held: dict[tuple[str, str], tuple[str, str, str]] = {}
    columns = ("unit_id", "need", "value", "day", "source")
    for unit, need, value, day, source in zip(*(frame[name].fillna("") for name in columns), strict=True):
        key, said = (str(unit), str(need)), _said(str(value))
        old = held.get(key)
        if old is None or day > old[1]:
            held[key] = (said, str(day), str(source))
        elif day == old[1] and said != old[0]:
            held[key] = ("", str(day), str(source))
    return held


def _said(value: str) -> str:
    text = value.strip().lower()
    return text if text in ("yes", "no") else written(value.strip())


def _layer(office: Office, layer: str, cells: Iterable[Cell]) -> dict[Cell, str]:
    frame = office.frame(layer)
    if frame is None:
        return {}
    listed = list(cells)
    name = schemas.load()[layer].id
    ids = frame[name].astype("str")
    rows = frame[ids.isin({cell.id for cell in listed})]
    at = {key: place for place, key in enumerate(rows[name].astype("str"))}
    columns = {field: list(rows[field]) for field in {cell.field for cell in listed} if field in rows}
    return {
        cell: _known(written(columns[cell.field][at[cell.id]]))
        for cell in listed
        if cell.id in at and cell.field in columns
    }


def _known(value: str) -> str:
    return "" if value == "unknown" else value


def _told(cells: Iterable[Cell], known: Mapping[str, Mapping[str, str]]) -> dict[Cell, str]:
    return {cell: known[cell.id].get(cell.field, "") for cell in cells if cell.id in known}


def _house(house: House) -> dict[str, str]:
    return {"status": house.status, "grade": house.grade, "treatment": house.treatment}


def _project(item: Project) -> dict[str, str]:
    cost: Any = None if item.actual_cost_cny is None else float(item.actual_cost_cny) / 10_000
    return {
        "status": item.status,
        "actual_cost_cny10k": written(cost),
        "actual_length_km": written(item.actual_length_km),
    }
