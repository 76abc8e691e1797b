"""What an invented county did in the eighteen months before its day: projects, money, houses, reported figures.

Only a plan of what happened: nothing is read or written here. Works that were closed stand where the map shows the need as
met, works under way where it shows a gap, so that the tracker and the map of the demo agree – except the few made to disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from demo.sizes import AS_OF

BEGAN = date(2017, 1, 9)
NOTE = "虚构示范"
CNY10K = {"transport": 68.0, "water": 42.0, "environment": 18.0, "culture": 26.0, "health": 22.0, "power": 35.0}
PATH = ("approved", "tendered", "started", "completed", "accepted", "closed")
DAYS = (24, 35, 21, 95, 26, 15)  # usual days up to each step of PATH
SHORTEST_KM = 0.2  # shorter missing pieces are mended, not built as projects of their own
HOUSE_PATH = ("appraised", "planned", "under_works", "accepted", "closed")
HOUSE_DAYS = (20, 25, 30, 110, 30)


@dataclass(frozen=True)
class Move:
    """One step on a day with what it brings along."""

    to: str
    at: date
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Money:
    """An amount in 万元 of one payer at one stage."""

    stage: str
    at: date
    source: str
    cny10k: float


@dataclass(frozen=True)
class Works:
    """A project and everything that happened to it. `needs` are (unit_id, need)."""

    title: str
    kind: str
    town: str
    at: date
    needs: tuple[tuple[str, str], ...]
    villages: tuple[str, ...]
    owner: str
    cost_cny10k: float
    length_km: float | None
    moves: tuple[Move, ...]
    money: tuple[Money, ...]
    is_gap: bool = False


@dataclass(frozen=True)
class HouseRound:
    """A dangerous house and its steps after it was entered."""

    household_id: str
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Kind:
    """How a need is called, whose sector it is and which unit the document makes responsible."""

    label: str
    sector: str
    owner: str


def tell_works(
    gaps: pd.DataFrame, kinds: Mapping[str, Kind], shares: Mapping[str, float], *, count: int, seed: int
) -> list[Works]:
    """Invent projects for needs of villages and natural villages.

    `gaps` has unit_id, name, village_id, town, need, status (met or gap), cost_cny10k and length_km (both may be empty). At
    most `count` are met works, brought to an end, and half as many gaps under way; one of these was closed although the
    map still shows the gap, with its reason. The same seed gives the same story.
    """
    draw = np.random.default_rng(seed)
    is_long = ~(gaps["length_km"].astype(float) < SHORTEST_KM)
    known = gaps[gaps["need"].isin(list(kinds)) & is_long].sort_values(["need", "unit_id"], kind="stable")
    done, open_ = (known[known["status"] == status] for status in ("met", "gap"))
    told = []
    for rows, is_done, wanted in ((done, True, count), (open_, False, max(1, count // 2))):
        picked = np.sort(draw.choice(len(rows), size=min(wanted, len(rows)), replace=False))
        for number, i in enumerate(picked):
            steps = len(PATH) if is_done or number == 0 else int(draw.integers(0, 6))
            told.append(_works(rows.iloc[i], kinds[rows.iloc[i]["need"]], shares, steps, draw))
    return sorted(told, key=lambda works: (works.at, works.title))


def tell_houses(housing: pd.DataFrame, *, count: int, seed: int) -> list[HouseRound]:
    """Invent how far the first `count` dangerous houses by priority have come; each has at least been entered."""
    draw = np.random.default_rng(seed + 1)
    rows = housing.sort_values(["priority", "household_id"], na_position="last", kind="stable").head(count)
    return [_house(str(row["household_id"]), str(row["grade"]), draw) for _, row in rows.iterrows()]


def tell_share(total_days: int, *, upto: float) -> list[tuple[date, float]]:
    """Invent what was reported each quarter of a share that climbs to `upto` over so many days before the demo's day."""
    quarters = [day for day in _quarter_ends(AS_OF - timedelta(days=total_days)) if day <= AS_OF]
    return [(day, round(upto * (number + 1) / len(quarters), 3)) for number, day in enumerate(quarters)]


def _quarter_ends(since: date) -> list[date]:
    ends = [date(year, month, 30 if month in (6, 9) else 31) for year in (2016, 2017, 2018) for month in (3, 6, 9, 12)]
    return [day for day in ends if day > since]


def _works(row: Any, kind: Kind, shares: Mapping[str, float], steps: int, draw: np.random.Generator) -> Works:
    at = BEGAN + timedelta(days=int(draw.integers(0, 190) if steps == len(PATH) else draw.integers(200, 480)))
    length = _length(row, kind, draw)
    known = row["cost_cny10k"]
    cost = float(known) if pd.notna(known) else CNY10K.get(kind.sector, 20.0) * (length or 1.0) * draw.uniform(0.8, 1.2)
    cost = max(round(cost, 2), 0.5)
    is_gap = row["status"] == "gap"
    moves = _moves(at, cost, length, steps, draw)
    village = row["village_id"] if isinstance(row["village_id"], str) else ""
    return Works(
        title=f"{row['name']}{kind.label}",
        kind=kind.sector,
        town=row["town"] if isinstance(row["town"], str) else "",
        at=at,
        needs=((str(row["unit_id"]), str(row["need"])),),
        villages=(village,) if village else (),
        owner=kind.owner or "县乡村建设办公室（虚构）",
        cost_cny10k=cost,
        length_km=length,
        moves=tuple(moves),
        money=tuple(_money(at, cost, moves, shares)),
        is_gap=is_gap,
    )


def _length(row: Any, kind: Kind, draw: np.random.Generator) -> float | None:
    if kind.sector != "transport":
        return None
    known = row["length_km"]
    return round(float(known) if pd.notna(known) and known > 0 else draw.uniform(0.4, 2.6), 3)


def _moves(at: date, cost: float, length: float | None, steps: int, draw: np.random.Generator) -> list[Move]:
    """Walk the steps day by day and stop at the demo's day."""
    moves, day = [], at
    for to, usual in list(zip(PATH, DAYS, strict=True))[:steps]:
        day += timedelta(days=max(3, round(usual * draw.uniform(0.6, 1.5))))
        if day > AS_OF:
            break
        details: dict[str, Any] = {}
        if to == "accepted":
            details["cost_cny10k"] = round(cost * draw.uniform(0.9, 1.0), 2)
            if length is not None:
                details["length_km"] = round(length * draw.uniform(0.97, 1.03), 3)
        moves.append(Move(to, day, details))
    return moves


def _money(at: date, cost: float, moves: Sequence[Move], shares: Mapping[str, float]) -> list[Money]:
    """Plan the money by the policy's shares to the cent, allocate it when approved, pay it at the start and at acceptance."""
    days = {move.to: move.at for move in moves}
    paid = next((move.details["cost_cny10k"] for move in moves if move.to == "accepted"), cost)
    whole = sum(shares.values()) or 1.0
    found = []
    for source, weight in shares.items():
        part = weight / whole
        found.append(Money("plan", at, source, round(cost * part, 6)))
        if "approved" in days:
            found.append(Money("allocation", days["approved"], source, round(cost * part, 6)))
        if "started" in days:
            found.append(Money("payment", days["started"], source, round(cost * part * 0.3, 6)))
        if "accepted" in days:
            rest = round(paid * part, 6) - round(cost * part * 0.3, 6)
            found.append(Money("payment", days["accepted"], source, round(rest, 6)))
    return [item for item in found if item.cny10k > 0]


def _house(household: str, grade: str, draw: np.random.Generator) -> HouseRound:
    steps = int(draw.integers(1, len(HOUSE_PATH) + 1))
    treatment = "reinforce" if grade == "C" else str(draw.choice(["rebuild", "rebuild", "rent", "care_home"]))
    path = [
        (to, days)
        for to, days in zip(HOUSE_PATH, HOUSE_DAYS, strict=True)
        if to != "under_works" or treatment in ("reinforce", "rebuild")
    ][:steps]
    moves, day = [], date(2017, 3, 20) + timedelta(days=int(draw.integers(0, 200)))
    for to, usual in path:
        before, day = day, day + timedelta(days=max(10, round(usual * draw.uniform(0.7, 1.4))))
        if day > AS_OF:
            break
        moves.append(Move(to, day, _house_details(to, grade, treatment, before)))
    return HouseRound(household, tuple(moves))


def _house_details(to: str, grade: str, treatment: str, before: date) -> dict[str, Any]:
    if to == "appraised":
        return {"grade": grade}
    if to == "planned":
        return {"treatment": treatment}
    if to != "closed":
        return {}
    is_built = treatment in ("reinforce", "rebuild")
    return {"close_reason": "renovated" if is_built else "secured_otherwise", "notice_from": before + timedelta(days=1)}
