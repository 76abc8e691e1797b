"""What was decided about roads, as events of the office: drawn lines, which of them the programme uses, repairs undone.

Nothing is overwritten: undoing withdraws the event, with the reason, and what held before holds again. An event holds from
the assessment day on which it was entered, so that earlier days stay as they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from analysis.alternative import TOLERANCE_M, DrawnLine
from analysis.choices import RoadChoices
from geo.errors import InputError
from tracker import events
from tracker.events import OFFICE_ZONE, Draft, Event
from tracker.office import Office

DRAWN, CHOSEN, APART = "road_line_drawn", "road_line_chosen", "road_kept_apart"
COMPUTED = "computed"
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class KeptLine:
    """A line saved for a natural village: who drew it, when it was entered, why, and what it cost when saved."""

    seq: int
    line: DrawnLine
    by: str
    entered: str
    why: str
    figures: Mapping[str, Any]


def road_choices(office: Office, day: date) -> RoadChoices:
    """Return what holds on a day: one line a natural village at most, and the places kept apart."""
    lines = {event.seq: event for event in events.effective(office.ledger, [DRAWN], as_of=day)}
    held = events.latest(office.ledger, [CHOSEN], as_of=day)
    chosen = [lines[int(event.payload["line"])] for event in held if event.payload["line"] in lines]
    apart = events.effective(office.ledger, [APART], as_of=day)
    places = sorted({(float(event.payload["lon"]), float(event.payload["lat"])) for event in apart})
    return RoadChoices(tuple(_line(event) for event in chosen), tuple(places))


def _line(event: Event) -> DrawnLine:
    held = event.payload
    points = tuple((float(lon), float(lat)) for lon, lat in held["points"])
    return DrawnLine(str(held["natural_village_id"]), str(held["name"]), points, float(held["tolerance_m"]))


def lines_of(office: Office, natural_village_id: str, day: date) -> list[KeptLine]:
    """List the lines saved for a natural village, oldest first."""
    found = events.effective(office.ledger, [DRAWN], as_of=day, subject=_subject(natural_village_id))
    return [
        KeptLine(
            event.seq,
            _line(event),
            event.by,
            event.entered.astimezone(OFFICE_ZONE).strftime("%Y-%m-%d %H:%M"),
            str(event.payload["why"]),
            event.payload["figures"],
        )
        for event in found
    ]


def choice_of(office: Office, natural_village_id: str, day: date) -> Event | None:
    """Return the choice that holds for a natural village: `payload["line"]` is the number of its line, or computed."""
    held = events.latest(office.ledger, [CHOSEN], as_of=day, subject=_subject(natural_village_id))
    return held[-1] if held else None


def keep_line(
    office: Office,
    natural_village_id: str,
    *,
    name: str,
    points: Sequence[tuple[float, float]],
    tolerance_m: float = TOLERANCE_M,
    why: str,
    figures: Mapping[str, Any],
    day: date,
    by: str,
    event_id: str,
) -> Event:
    """Save a drawn line under a name; two lines of one village cannot have the same name."""
    if not name.strip() or not why.strip():
        raise InputError("请写明线路名称和画这条线的理由：以后有人会问为什么这样走。")
    taken = {kept.line.name: kept.seq for kept in lines_of(office, natural_village_id, day)}
    stored = events.by_id(office.ledger, event_id)
    if name.strip() in taken and (stored is None or stored.seq != taken[name.strip()]):
        raise InputError(f"这个自然村已有叫“{name.strip()}”的线路，请换一个名称。")
    payload = {
        "natural_village_id": natural_village_id,
        "name": name.strip(),
        "points": [[round(lon, 8), round(lat, 8)] for lon, lat in points],
        "tolerance_m": tolerance_m,
        "why": why.strip(),
        "figures": dict(figures),
    }
    return events.append(
        office.ledger, Draft(_subject(natural_village_id), DRAWN, day, by, payload, event_id=event_id)
    )[0]


def choose_line(office: Office, natural_village_id: str, seq: int | None, *, why: str, day: date, by: str) -> Event:
    """Say which line the programme uses for a natural village; None is the computed one."""
    known = {kept.seq for kept in lines_of(office, natural_village_id, day)}
    if seq is not None and seq not in known:
        raise InputError("这条线路已被撤回，请刷新页面后重新选择。")
    payload = {"line": COMPUTED if seq is None else seq, "why": why.strip()}
    return events.append(office.ledger, Draft(_subject(natural_village_id), CHOSEN, day, by, payload))[0]


def undo(office: Office, seq: int, *, by: str, reason: str) -> Event:
    """Take a line, a choice or a kept-apart place back; what held before holds again."""
    return events.withdraw(office.ledger, seq, by=by, reason=reason)


def keep_apart(
    office: Office, place: tuple[float, float], *, about: Mapping[str, Any], reason: str, day: date, by: str
) -> Event:
    """Undo a repair: roads are not joined at this place (longitude, latitude) from now on."""
    if not reason.strip():
        raise InputError("请写明为什么这里不应相接（例：立交、隔着河、已封闭）。")
    lon, lat = (round(value, 9) for value in place)
    if any((lon, lat) == (kept["lon"], kept["lat"]) for kept in (event.payload for event in apart(office, day))):
        raise InputError("这一处已经标为不应相接。")
    payload = {"lon": lon, "lat": lat, "reason": reason.strip(), **about}
    return events.append(office.ledger, Draft(f"road_repair:{lon:.9f},{lat:.9f}", APART, day, by, payload))[0]


def apart(office: Office, day: date) -> list[Event]:
    """List the places kept apart that hold on a day."""
    return events.effective(office.ledger, [APART], as_of=day)


def _subject(natural_village_id: str) -> str:
    return f"road_line:{natural_village_id}"
