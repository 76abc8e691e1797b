"""Settling what came back from the field, and taking a decision back.

What is taken over becomes an event of the day of the visit by the rules of its own ledger. Everything is looked at anew
inside the ledger's own lock, so that nobody's entry of meanwhile is overwritten.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from geo.errors import AppError, InputError
from tracker import discoveries, events, houses, mending, projects
from tracker.events import Draft
from tracker.facts import OBSERVED, SOURCE
from tracker.ledger import Transaction
from tracker.merging import ACCEPTED, PROPOSED, REJECTED, Item, Option, decisions, merge
from tracker.office import Office
from tracker.questions import STEPPED
from tracker.visits import Row, Visit, subject, visit

OFFICE = "office"
May = Callable[[Row], bool]


@dataclass(frozen=True)
class Outcome:
    """What became of a decision: how many items were settled, and why others were not."""

    settled: int
    refused: tuple[tuple[str, str], ...] = ()


def decide(office: Office, visit_id: str, choices: Mapping[str, str], *, by: str, may: May = lambda _: True) -> Outcome:
    """Settle items: each item id -> the key of the option to take over, or `OFFICE` to leave things as they are.

    Everything is looked at anew inside the ledger's own lock: an item that was settled or changed meanwhile is left
    alone and named. A step that the rules do not allow is refused with their reason and stays open.
    """
    settled, refused = 0, []
    found = {item.item_id: item for item in merge(office, visit(office, visit_id))}
    plain = {key: choice for key, choice in choices.items() if key in found and found[key].row.kind not in STEPPED}
    for key, choice in choices.items():
        item = found.get(key)
        if item is None or not item.is_open:
            refused.append((key, "已经处理过了，请看最新的状态。"))
        elif not may(item.row):
            refused.append((key, f"您的权限不包括{item.row.town or '这里'}，没有登记。"))
            plain.pop(key, None)
        elif key not in plain or choice == OFFICE or item.row.kind == "found":
            plain.pop(key, None)
            try:
                _settle(office, visit_id, item, choice, by)
                settled += 1
            except AppError as error:
                refused.append((key, str(error)))
    live = {key: choice for key, choice in plain.items() if found[key].is_open}
    if live:
        done, failed = _settle_facts(office, visit_id, live, found, by)
        settled, refused = settled + done, [*refused, *failed]
    return Outcome(settled, tuple(refused))


def accept_plain(office: Office, visit_id: str, *, by: str, may: May = lambda _: True) -> Outcome:
    """Take over everything that changed in the field only; conflicts stay for a person."""
    open_items = [item for item in merge(office, visit(office, visit_id)) if item.state == PROPOSED and may(item.row)]
    return decide(office, visit_id, {item.item_id: item.options[0].key for item in open_items}, by=by, may=may)


def undo(office: Office, visit_id: str, item_id: str, *, by: str, reason: str) -> None:
    """Take a decision back, with what it entered; the item is open again. The events stay readable."""
    if not reason.strip():
        raise InputError("撤回要写明原因。")
    item = visit(office, visit_id)
    decision = decisions(office, item).get(item_id)
    if decision is None:
        raise InputError(f"{item_id} 还没有处理过，没有什么可撤回。")
    p = decision.payload
    if decision.kind == ACCEPTED and p["kind"] in STEPPED:
        _undo_step(office, p, by, reason)
    elif decision.kind == ACCEPTED and p["kind"] == "found":
        discoveries.keep_only(office, item, _found_of(office, item, without=item_id), by=by)
    elif decision.kind == ACCEPTED:
        seq = int(p["seqs"][0])
        newer = [e for e in events.history(office.ledger, events.event(office.ledger, seq).subject) if e.seq > seq]
        if not any(e.corrects == seq for e in newer):
            events.withdraw(office.ledger, seq, by=by, reason=reason)
    events.withdraw(office.ledger, decision.seq, by=by, reason=reason)


def _settle_facts(
    office: Office, visit_id: str, choices: Mapping[str, str], seen: Mapping[str, Item], by: str
) -> tuple[int, list[tuple[str, str]]]:
    """Enter facts and decisions as one change; when the ledger moved on meanwhile, look at everything again."""
    for _ in range(20):
        item = visit(office, visit_id)
        mark = office.ledger.read(_mark)
        fresh = {found.item_id: found for found in merge(office, item)}
        good, refused = {}, []
        for key, choice in choices.items():
            now, before = fresh.get(key), seen[key]
            option = next((o for o in now.options if o.key == choice), None) if now is not None else None
            if now is None or not now.is_open or option is None:
                refused.append((key, "已经处理过了，请看最新的状态。"))
            elif dict(now.now) != dict(before.now) or len(now.options) != len(before.options):
                refused.append((key, "您打开之后又有人改了，现列为冲突，请对照后再选。"))
            else:
                good[key] = (now, option)
        if not good:
            return 0, refused
        if office.ledger.write(partial(_enter_facts, good=good, mark=mark, item=item, by=by)):
            return len(good), refused
    raise InputError("办公室里一直有人在登记，这一次没有保存。请稍后再试。")


def _mark(t: Transaction) -> int:
    return int(t.rows("SELECT seq FROM chain WHERE id = 1")[0][0])


def _enter_facts(t: Transaction, *, good: Mapping[str, tuple[Item, Option]], mark: int, item: Visit, by: str) -> bool:
    if _mark(t) != mark:
        return False
    for key, (found, option) in good.items():
        [(name, value)] = option.values.items()
        cell, at = found.row.cell(name), option.back.event.at
        payload = {
            **cell._asdict(),
            "value": value,
            "was": found.now[name],
            "visit": item.visit_id,
            "source": f"{SOURCE} {item.visit_id}",
            "remark": option.answer.remark,
        }
        proof = (*option.back.evidence, *option.answer.photos)
        [fact] = events.enter(t, Draft(cell.subject, OBSERVED, at, by, payload, proof))
        events.enter(t, _decision(item.visit_id, key, found, option, ACCEPTED, by, [fact.seq]))
    return True


def _decision(
    visit_id: str, key: str, found: Item, option: Option | None, kind: str, by: str, seqs: Sequence[int]
) -> Draft:
    back = (option or found.options[-1]).back
    payload: dict[str, Any] = {
        "item": key,
        "kind": found.row.kind,
        "name": found.row.name,
        "town": found.row.town,
        "values": dict(option.values) if option is not None else {},
        "was": dict(found.now),
        "sent": dict(found.sent),
        "answers": [each.key for each in found.options],
        "seqs": list(seqs),
    }
    return Draft(subject(visit_id), kind, back.event.at, by, payload, back.evidence)


def _settle(office: Office, visit_id: str, found: Item, choice: str, by: str) -> None:
    """Settle one item by itself: left as it is, a step of a ledger, or a new place."""
    if choice == OFFICE:
        events.append(office.ledger, _decision(visit_id, found.item_id, found, None, REJECTED, by, []))
        return
    option = next((each for each in found.options if each.key == choice), None)
    if option is None:
        raise InputError("没有这个答案，请刷新后再选。")
    if found.row.kind == "found":
        item = visit(office, visit_id)
        listed = [*_found_of(office, item), (found.item_id, dict(option.values), option.back.event.at)]
        seqs = [discoveries.keep_only(office, item, listed, by=by)]
    else:
        seqs = _take_step(office, visit_id, found, option, by)
    events.append(office.ledger, _decision(visit_id, found.item_id, found, option, ACCEPTED, by, seqs))


def _found_of(office: Office, item: Visit, *, without: str = "") -> list[tuple[str, dict[str, str], Any]]:
    taken = [e for key, e in decisions(office, item).items() if e.kind == ACCEPTED and key != without]
    return [(e.payload["item"], dict(e.payload["values"]), e.at) for e in taken if e.payload["kind"] == "found"]


def _take_step(office: Office, visit_id: str, found: Item, option: Option, by: str) -> list[int]:
    """Take a house or project a step further by its own rules, or correct the step that holds a value."""
    ledger, row, values = office.ledger, found.row, dict(option.values)
    about = f"{'house' if row.kind == 'houses' else 'project'}:{row.id}"
    to, at = values.pop("status", None), option.back.event.at
    proof = [*option.back.evidence, *option.answer.photos]
    version = events.version(ledger, about)
    before = {e.seq for e in events.history(ledger, about)}
    why = option.answer.remark or f"{SOURCE} {visit_id}"
    if to is None:
        for name, value in values.items():
            _correct(office, about, name, value, by=by, why=f"{SOURCE} {visit_id}：{why}")
    elif row.kind == "houses":
        houses.move(
            ledger, row.id, to, at=at, by=by, reason=why, evidence=proof, grade=values.get("grade"),
            treatment=values.get("treatment"), expected_version=version,
        )  # fmt: skip
    else:
        cost, length = values.get("actual_cost_cny10k"), values.get("actual_length_km")
        projects.move(
            ledger, row.id, to, at=at, by=by, reason=why, evidence=proof, expected_version=version,
            actual_cost_cny=None if cost is None else Decimal(cost) * 10_000,
            actual_length_km=None if length is None else float(length),
        )  # fmt: skip
    return [e.seq for e in events.history(ledger, about) if e.seq not in before]


def _payload_of(name: str, value: str) -> dict[str, Any]:
    if name == "actual_cost_cny10k":
        return {"actual_cost_cny": str(Decimal(value) * 10_000)}
    return {name: float(value) if name == "actual_length_km" else value}


def _correct(office: Office, about: str, name: str, value: str, *, by: str, why: str) -> None:
    kinds = (*houses.MOVED, *projects.MOVED)
    [(key, said)] = _payload_of(name, value).items()
    steps = [e for e in events.effective(office.ledger, kinds, subject=about) if key in e.payload]
    if not steps:
        raise InputError("还没有登记过这一项，请连同“进度”这一步一起填（例如等级随“鉴定”，实际投资随“竣工”“验收”）。")
    mending.correct_step(office.ledger, steps[-1].seq, by=by, why=why, changes={key: said})


def _undo_step(office: Office, payload: Mapping[str, Any], by: str, reason: str) -> None:
    for seq in reversed(payload["seqs"]):
        entered = events.event(office.ledger, int(seq))
        if entered.corrects is None:
            mending.withdraw_step(office.ledger, entered.seq, by=by, reason=reason)
        else:
            old = events.event(office.ledger, entered.corrects)
            changes = {key: old.payload.get(key) for key in entered.payload if key != "correction"}
            mending.correct_step(office.ledger, entered.seq, by=by, why=reason, changes=changes)
