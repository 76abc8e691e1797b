"""Funds: what is planned, what may be had at most, what was allocated and what was paid, each posting an event.

A ceiling (可争取, 上限) is never money: it stands in a column of its own and in no total of commitments.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from geo.errors import InputError
from tracker import events, money
from tracker.events import Draft, Event
from tracker.ledger import Ledger

STAGE_LABELS = {"plan": "计划", "ceiling": "上限（可争取）", "allocation": "下达", "payment": "支付"}
KINDS = tuple(f"fund_{stage}" for stage in STAGE_LABELS)
KEYS = ("project_id", "town", "year", "source")
_NONE = Decimal("0.00")


@dataclass(frozen=True)
class Posting:
    """One amount: which stage, whose money, for which project, town and year. Amounts in yuan, exact to the cent."""

    seq: int
    stage: str
    source: str
    amount_cny: Decimal
    project_id: str
    town: str
    year: int
    at: date
    document: str
    note: str


@dataclass(frozen=True)
class Sums:
    """Totals of the four stages in yuan."""

    plan: Decimal = _NONE
    ceiling: Decimal = _NONE
    allocation: Decimal = _NONE
    payment: Decimal = _NONE

    def with_posting(self, posting: Posting) -> "Sums":
        """Return the sums with one posting more."""
        return replace(self, **{posting.stage: getattr(self, posting.stage) + posting.amount_cny})


def post(
    ledger: Ledger,
    stage: str,
    *,
    source: str,
    amount_cny: object,
    year: int,
    at: date,
    by: str,
    project_id: str = "",
    town: str = "",
    document: str = "",
    note: str = "",
    evidence: Sequence[str] = (),
    event_id: str = "",
) -> int:
    """Enter an amount in yuan and return its number in the ledger. A refund or cut is negative and says why in `note`.

    To mend a posting use `correct`, to take it away `tracker.events.withdraw`: what it said stays readable.
    """
    payload = _payload(
        stage,
        source=source,
        amount_cny=amount_cny,
        year=year,
        project_id=project_id,
        town=town,
        document=document,
        note=note,
    )
    number = event_id or uuid.uuid4().hex
    draft = Draft(f"fund:{number}", f"fund_{stage}", at, by, payload, tuple(evidence), event_id=number)
    return events.append(ledger, draft)[0].seq


def correct(ledger: Ledger, seq: int, *, by: str, at: date | None = None, **changes: Any) -> int:
    """Replace what a posting says (source, amount_cny, year, project_id, town, document, note) and return its number."""
    old = events.event(ledger, seq)
    if old.kind not in KINDS:
        raise InputError(f"第 {seq} 号记录不是资金记录。")
    payload = _payload(old.kind.removeprefix("fund_"), **{**old.payload, **changes})
    return events.correct(ledger, seq, by=by, payload=payload, at=at or old.at).seq


def postings(ledger: Ledger, *, as_of: date | None = None, known_on: date | None = None) -> list[Posting]:
    """Return the postings that hold on a day, as known on a day, in the order they happened."""
    return [_posting(event) for event in events.effective(ledger, KINDS, as_of=as_of, known_on=known_on)]


def totals(found: Iterable[Posting], by: Sequence[str] = ()) -> dict[tuple[object, ...], Sums]:
    """Return the sums by project_id, town, year, source or any of them together; without keys one grand total.

    Every posting falls into exactly one group, so groups add up to the grand total to the cent.

    >>> a = Posting(1, "payment", "省", Decimal("1.10"), "", "东山", 2018, date(2018, 1, 1), "", "")
    >>> totals([a, a], by=["town"])[("东山",)].payment
    Decimal('2.20')
    """
    unknown = [key for key in by if key not in KEYS]
    if unknown:
        raise InputError(f"不能按 {'、'.join(unknown)} 汇总。可用的有：{'、'.join(KEYS)}。")
    sums: dict[tuple[object, ...], Sums] = {} if by else {(): Sums()}
    for posting in found:
        key = tuple(getattr(posting, name) for name in by)
        sums[key] = sums.get(key, Sums()).with_posting(posting)
    return dict(sorted(sums.items(), key=lambda item: tuple(map(str, item[0]))))


def total_table(found: Iterable[Posting], by: Sequence[str]) -> pd.DataFrame:
    """Return `totals` as a table in 万元 with a last row 合计."""
    items = list(found)
    rows = [(*key, *_cny10k(sums)) for key, sums in totals(items, by).items()]
    rows.append((*(["合计"] + [""] * len(by))[: len(by)], *_cny10k(totals(items)[()])))
    return pd.DataFrame(rows, columns=[*by, *(f"{stage}_cny10k" for stage in STAGE_LABELS)])


def share_table(found: Iterable[Posting], shares: Mapping[str, float | Decimal], *, stage: str) -> pd.DataFrame:
    """Return, for each payer of a policy's shares (6:3:0.5:0.5), what it owes of the total, what came, and the rest.

    Only money from the named payers is divided; other sources are listed with an expected amount of 0. A source written
    with 级 or 财政 (省级, 省级财政) is the payer of that name (省).

    >>> from datetime import date
    >>> paid = Posting(1, "plan", "省级财政", Decimal(60), "", "", 2018, date(2018, 1, 1), "", "")
    >>> share_table([paid], {"省": 6, "县": 4}, stage="plan").values.tolist()[0][:3]
    ['省', Decimal('36.00'), Decimal('60.00')]
    """
    sums: dict[str, Decimal] = {}
    for key, value in totals(found, ["source"]).items():
        payer = _payer(str(key[0]), shares)
        sums[payer] = sums.get(payer, _NONE) + getattr(value, stage)
    shared = sum((sums.get(payer, _NONE) for payer in shares), _NONE)
    expected = money.split(shared, shares)
    names = [*shares, *sorted(set(sums) - set(shares))]
    rows = [(name, expected.get(name, _NONE), sums.get(name, _NONE)) for name in names]
    table = pd.DataFrame(rows, columns=["source", "expected_cny", "actual_cny"])
    return table.assign(difference_cny=table["actual_cny"] - table["expected_cny"])


def _payer(source: str, shares: Mapping[str, float | Decimal]) -> str:
    """Return the payer of a policy that a source means, the source itself when it is none of them."""
    spellings = (source, source.removesuffix("财政"), source.removesuffix("财政").removesuffix("级"))
    return next((name for name in spellings if name in shares), source)


def faults(found: Iterable[Posting]) -> list[str]:
    """Return where money does not fit, project by project and source by source, in Chinese; empty when all fits.

    Paid more than allocated, allocated more than planned (where there is a plan), planned more than the ceiling.
    """
    out: list[str] = []
    for (project_id, source), sums in totals(found, ["project_id", "source"]).items():
        where = f"{project_id or '未分项目'}，{source}"
        if sums.payment > sums.allocation:
            out.append(
                f"{where}：已支付 {sums.payment} 元，多于下达的 {sums.allocation} 元。请核对下达文件或支付凭证。"
            )
        if sums.plan and sums.allocation > sums.plan:
            out.append(f"{where}：下达 {sums.allocation} 元，多于计划的 {sums.plan} 元。请核对计划。")
        if sums.ceiling and sums.plan > sums.ceiling:
            out.append(
                f"{where}：计划 {sums.plan} 元，超过上限 {sums.ceiling} 元。上限是最多可争取的数，不能当作资金。"
            )
    return out


def _payload(stage: str, *, source: str, amount_cny: object, year: int, note: str, **rest: str) -> dict[str, Any]:
    if stage not in STAGE_LABELS:
        raise InputError(f"没有“{stage}”这一类资金。可用的有：{'、'.join(STAGE_LABELS.values())}。")
    sum_cny = money.amount(amount_cny)
    if sum_cny == 0:
        raise InputError("金额为 0，没有可登记的内容。")
    if sum_cny < 0 and not note.strip():
        raise InputError("负数表示退回或核减，请在备注里写明原因。")
    if not source.strip():
        raise InputError("请写明资金来源，例如“省级财政”。")
    return {**rest, "source": source.strip(), "amount_cny": str(sum_cny), "year": int(year), "note": note}


def _posting(event: Event) -> Posting:
    p = event.payload
    return Posting(
        seq=event.seq,
        stage=event.kind.removeprefix("fund_"),
        source=p["source"],
        amount_cny=Decimal(p["amount_cny"]),
        project_id=p["project_id"],
        town=p["town"],
        year=int(p["year"]),
        at=event.at,
        document=p["document"],
        note=p["note"],
    )


def _cny10k(sums: Sums) -> list[float]:
    return [float(getattr(sums, stage) / 10000) for stage in STAGE_LABELS]
