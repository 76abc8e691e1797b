"""What the map says today about the needs a project was to close."""

from collections.abc import Iterable
from dataclasses import dataclass

from tracker.projects import Project
from views.context import Context
from views.labels import label, say

CONNECTED = "natural_village_connected"
HOUSE = "dangerous_house"
SECTORS_BY_CATALOGUE = {
    "RD": "transport", "WA": "water", "PW": "power", "TL": "culture", "TV": "culture", "CU": "culture", "HC": "health",
    "HO": "housing", "ED": "education", "EN": "environment", "FI": "finance", "IN": "culture",
}  # fmt: skip
_STATES = {"connected": "met", "harden": "gap", "build": "gap"}


@dataclass(frozen=True)
class Standing:
    """One need of a project, as the map has it: met, gap, disputed or unknown."""

    unit_id: str
    need: str
    place: str
    label: str
    status: str


def standings(context: Context, needs: Iterable[tuple[str, str]]) -> list[Standing]:
    """Look every need up in the assessment of the day; what it does not know is unknown."""
    done = context.assessment
    found = done.findings.set_index(["unit_id", "need"])["status"].to_dict() if len(done.findings) else {}
    natural = done.natural_villages.set_index("natural_village_id")["state"].to_dict()
    dangerous = set(done.housing["household_id"]) if len(done.housing) else set()
    known = set(context.frame("households")["household_id"]) if len(context.frame("households")) else set()
    rows = []
    for unit, need in needs:
        if need == CONNECTED:
            status = _STATES.get(str(natural.get(unit)), "unknown")
        elif need == HOUSE:
            status = "gap" if unit in dangerous else ("met" if unit in known else "unknown")
        else:
            status = str(found.get((unit, need), "unknown"))
        rows.append(Standing(unit, need, place_name(context, unit), need_label(context, need), status))
    return rows


def still_open(found: Iterable[Standing]) -> list[tuple[str, str]]:
    """Return the needs that the map still shows as gaps, or that map and register dispute."""
    return [(item.unit_id, item.need) for item in found if item.status in {"gap", "disputed"}]


def need_label(context: Context, need: str) -> str:
    """Name a need as the policy does."""
    names = {item.id: item.label for item in context.policy.needs}
    return names.get(need) or label("project_need", need, context.language)


def sector_of(context: Context, need: str) -> str:
    """Tell which bureau's sector a need belongs to, by its place in the catalogue."""
    if need in {CONNECTED, HOUSE}:
        return "transport" if need == CONNECTED else "housing"
    found = next((item.catalogue for item in context.policy.needs if item.id == need), "")
    return SECTORS_BY_CATALOGUE.get(found[:2], "other")


def owner_of(context: Context, need: str) -> str:
    """Name the unit the document makes responsible, empty where it names none."""
    wanted = "natural_village_road" if need == CONNECTED else need
    if need == HOUSE:
        return str(context.policy.tables.get("housing", {}).get("owner", ""))
    return next((item.owner for item in context.policy.needs if item.id == wanted), "")


def place_name(context: Context, unit: str) -> str:
    """Name a village or natural village; a household is its number, and only to those who may see households."""
    for layer, field in (("villages", "village_id"), ("natural_villages", "natural_village_id"), ("towns", "town_id")):
        frame = context.frame(layer)
        if len(frame):
            name = frame.loc[frame[field] == unit, "name"]
            if len(name):
                return str(name.iloc[0])
    if not len(context.frame("households")):
        return unit
    return (
        say(context.language, "household_named", unit=unit)
        if context.user.may("households")
        else say(context.language, "a_household_your_role_may_not")
    )


def data_day(context: Context, project: Project) -> str:
    """Warn when no layer is newer than the works: the map cannot know of them yet. Empty when one is."""
    done = project.dates.get("completed")
    if done is None or not context.workspace.sources:
        return ""
    newest = max(source.as_of for source in context.workspace.sources.values())
    if newest >= done:
        return ""
    return say(context.language, "the_newest_layer_is_of_before", newest=newest, done=done)
