"""Play the demo's invented eighteen months into the ledger of a demo office, through the same functions a person's entries take."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pandas as pd

from analysis.assess import Assessment
from analysis.policy import Policy, load_policy
from demo.sizes import AS_OF
from demo.story import NOTE, HouseRound, Kind, Money, Move, Works, tell_houses, tell_share, tell_works
from tracker import events, evidence, funds, houses, measures, projects, responsibility
from tracker.office import Office
from views.assessing import assess_office
from views.recheck import CONNECTED, SECTORS_BY_CATALOGUE

BY = "示范录入"
WORKS, HOUSES = 48, 420
UNITS = ("县交通运输局", "县水务局", "县卫生健康局", "县财政局", "县住房城乡建设局", "县农业农村局")
STILL_SHOWN = f"{NOTE}：现场已验收，设施图层尚未更新"
FOUND_ON, HELPED_SINCE = date(2017, 3, 10), date(2016, 12, 1)
LONGEST_LAG = 6  # days from what happened to its entry, less one
Action = tuple[date, Callable[[], object]]


def play(office: Office, *, seed: int) -> dict[str, int]:
    """Enter projects, money, houses, reported figures and helper units, and return how many of each."""
    assessment = assess_office(office)
    policy = load_policy(office.policy_path)
    payers = policy.tables.get("fund_shares", {}).get("payers", [])
    shares = {str(item["payer"]): float(item["weight"]) for item in payers}
    villages = office.workspace().layers["villages"]
    told = tell_works(gaps(assessment, villages), kinds(policy), shares, count=WORKS, seed=seed)
    paper = evidence.keep(office.path, "验收单_虚构.txt", f"{NOTE}：验收单，非真实材料。\n".encode())
    rounds = tell_houses(assessment.housing, count=HOUSES, seed=seed)
    actions = [
        *(action for lag, works in enumerate(told) for action in _works(office, works, paper, lag % LONGEST_LAG)),
        *_houses(office, assessment.housing, rounds, int(policy.tables.get("notice", {}).get("days", 0))),
        *_reported(office, policy),
        *_helped(office, villages),
    ]
    _enter(office, actions)
    found = responsibility.responsibilities(office.ledger, AS_OF)
    return {
        "projects": len(told),
        "houses": len(houses.houses(office.ledger)),
        "measures": len(measures.observed(office.ledger)),
        "helper_units": len(found),
    }


def _enter(office: Office, actions: Iterable[Action]) -> None:
    """Enter everything on its own day, in the order of those days: what was known on a day is then to be seen too."""
    ledger, real = office.ledger, office.ledger.clock
    try:
        for day, work in sorted(actions, key=lambda action: action[0]):
            moment = datetime.combine(min(day, AS_OF), time(17), events.OFFICE_ZONE)
            ledger.clock = lambda moment=moment: moment  # type: ignore[misc]
            work()
    finally:
        ledger.clock = real


def kinds(policy: Policy) -> dict[str, Kind]:
    """Name the needs that works can close, their sectors and who answers for them."""
    found = {
        need.id: Kind(need.label, SECTORS_BY_CATALOGUE.get(need.catalogue[:2], ""), need.owner)
        for need in policy.needs
        if need.kind in ("has", "near", "road")
        and need.unit == "village"
        and need.parameters.get("target") != "natural_villages"
    }
    owner = next((need.owner for need in policy.needs if need.id == "natural_village_road"), "")
    return {
        **{name: kind for name, kind in found.items() if kind.sector},
        CONNECTED: Kind("通村路硬化", "transport", owner),
    }


def gaps(assessment: Assessment, places: pd.DataFrame) -> pd.DataFrame:
    """Put the villages' findings and the natural villages' roads into one table of what was and is to be done."""
    villages = assessment.findings[assessment.findings["unit_kind"] == "village"]
    names = places.set_index("village_id")["name"]
    natural = assessment.natural_villages
    natural = natural[natural["is_due"].eq("yes") | natural["is_due"].eq(True)]
    roads = pd.DataFrame(
        {
            "unit_id": natural["natural_village_id"],
            "name": natural["name"],
            "village_id": natural["village_id"],
            "town": natural["town"],
            "need": CONNECTED,
            "status": natural["state"].map({"connected": "met", "harden": "gap"}),
            "cost_cny10k": natural["cost_cny10k"].where(natural["state"] == "harden"),
            "length_km": natural["gap_km"].where(natural["state"] == "harden"),
        }
    )
    seen = villages.assign(
        village_id=villages["unit_id"], name=villages["unit_id"].map(names), cost_cny10k=None, length_km=None
    )
    return pd.concat([seen[roads.columns], roads], ignore_index=True)


def _works(office: Office, works: Works, paper: str, lag_days: int) -> Iterator[Action]:
    """Tell a project's entries, each some days after it happened."""
    ledger, lag = office.ledger, timedelta(days=lag_days)
    about = projects.Description(
        title=works.title,
        kind=works.kind,
        town=works.town,
        year=works.at.year,
        village_ids=works.villages,
        needs=works.needs,
        owner=works.owner,
        planned_cost_cny=_yuan(works.cost_cny10k),
        planned_length_km=works.length_km,
        note=NOTE,
    )
    number: list[str] = []

    def propose() -> None:
        number.append(projects.propose(ledger, about, at=works.at, by=BY))

    def take(move: Move) -> None:
        accepted, is_against = move.to == "accepted", move.to == "closed" and works.is_gap
        projects.move(
            ledger,
            number[0],
            move.to,
            at=move.at,
            by=BY,
            evidence=(paper,) if accepted else (),
            reason=STILL_SHOWN if is_against else "",
            still_open=works.needs if is_against else (),
            actual_cost_cny=_yuan(move.details["cost_cny10k"]) if accepted else None,
            actual_length_km=move.details.get("length_km"),
        )

    def pay(money: Money) -> None:
        funds.post(
            ledger,
            money.stage,
            source=money.source,
            amount_cny=_yuan(money.cny10k),
            year=works.at.year,
            at=money.at,
            by=BY,
            project_id=number[0],
            town=works.town,
            note=NOTE,
        )

    yield works.at + lag, propose
    for move in works.moves:
        yield move.at + lag, partial(take, move)
    for money in works.money:
        yield money.at + lag, partial(pay, money)


def _houses(office: Office, housing: pd.DataFrame, rounds: Iterable[HouseRound], notice_days: int) -> Iterator[Action]:
    paper = evidence.keep(office.path, "鉴定与验收_虚构.txt", f"{NOTE}：危房鉴定与验收材料，非真实材料。\n".encode())
    rows = housing[["household_id", "village_id", "town", "grade"]].to_dict("records")
    yield FOUND_ON, partial(houses.report, office.ledger, rows, at=FOUND_ON, by=BY, source=NOTE)
    for number, item in enumerate(rounds):
        for move in item.moves:
            given: Mapping[str, Any] = move.details
            proof = (paper,) if move.to in ("appraised", "accepted") else ()
            day = move.at + timedelta(days=number % LONGEST_LAG)
            yield day, partial(
                houses.move, office.ledger, item.household_id, move.to, at=move.at, by=BY, evidence=proof, notice_days=notice_days, **given
            )  # fmt: skip


def _reported(office: Office, policy: Policy) -> Iterator[Action]:
    shares = dict.fromkeys(target.measure for target in policy.targets if target.unit == "share")
    for number, measure in enumerate(shares):
        for day, value in tell_share(540, upto=0.86 - 0.09 * number):
            yield day, partial(measures.observe, office.ledger, measure, max(value, 0.0), at=day, by=BY, source=NOTE)


def _helped(office: Office, villages: pd.DataFrame) -> Iterator[Action]:
    helped = villages[villages["list_type"].isin(["poor", "key"])].sort_values("village_id")
    rows = [
        {"village_id": village, "unit": f"{UNITS[i % len(UNITS)]}（虚构）", "since": HELPED_SINCE}
        for i, village in enumerate(helped["village_id"])
    ]
    if rows:
        yield HELPED_SINCE, partial(responsibility.assign, office.ledger, rows, by=BY, source=NOTE)


def _yuan(cny10k: float) -> Decimal:
    return (Decimal(str(cny10k)) * 10000).quantize(Decimal("0.01"))
