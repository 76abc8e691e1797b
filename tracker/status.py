"""Which steps a project or a dangerous house may take, and what each step must bring along. Pure: no files, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

PROJECT_LABELS = {
    "reserve": "储备",
    "approved": "立项",
    "tendered": "招标",
    "started": "开工",
    "completed": "竣工",
    "accepted": "验收",
    "closed": "销号",
    "cancelled": "取消",
}
HOUSE_LABELS = {
    "found": "新发现",
    "appraised": "鉴定",
    "planned": "纳入计划",
    "under_works": "施工",
    "accepted": "验收",
    "closed": "销档",
}
# HO-07, the five ways of domain.md 1.7 ("五宜": 固、建、养、租、保).
TREATMENTS = {"reinforce": "宜固", "rebuild": "宜建", "care_home": "宜养", "rent": "宜租", "insure": "宜保"}
CLOSE_REASONS = {
    "renovated": "改造完成",
    "secured_otherwise": "其他方式保障",
    "deceased": "当事人死亡，无需改造",
    "not_dangerous": "鉴定为安全（A、B级）",
}
FIELD_LABELS = {
    "owner": "责任单位",
    "planned_cost_cny": "计划投资",
    "actual_cost_cny": "实际投资",
    "grade": "危房等级",
    "treatment": "处置方式",
    "close_reason": "销档原因",
    "notice_from": "公示开始日期",
}


@dataclass(frozen=True)
class Rule:
    """What a step must bring: a reason, an evidence file, and details that are filled in."""

    needs_reason: bool = False
    needs_evidence: bool = False
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step taken: to which status, on which day, with what."""

    to: str
    at: date
    reason: str = ""
    evidence: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


_BACK = Rule(needs_reason=True)
PROJECT_STEPS: Mapping[tuple[str, str], Rule] = {
    ("", "reserve"): Rule(),
    ("reserve", "approved"): Rule(fields=("owner", "planned_cost_cny")),
    ("approved", "tendered"): Rule(),
    (
        "approved",
        "started",
    ): _BACK,  # no tender: below the limit, or by the villagers' own labour; the reason says which
    ("tendered", "started"): Rule(),
    ("started", "completed"): Rule(),
    ("completed", "accepted"): Rule(needs_evidence=True, fields=("actual_cost_cny",)),
    ("accepted", "closed"): Rule(),
    ("approved", "reserve"): _BACK,
    ("tendered", "approved"): _BACK,
    ("completed", "started"): _BACK,
    ("accepted", "started"): _BACK,
    ("closed", "started"): _BACK,
    **{(status, "cancelled"): _BACK for status in ("reserve", "approved", "tendered", "started")},
    ("cancelled", "reserve"): _BACK,
}
_CLOSE = Rule(needs_reason=True, fields=("close_reason",))
HOUSE_STEPS: Mapping[tuple[str, str], Rule] = {
    ("", "found"): Rule(),
    ("found", "appraised"): Rule(needs_evidence=True, fields=("grade",)),
    ("appraised", "planned"): Rule(fields=("treatment",)),
    ("planned", "under_works"): Rule(),
    ("planned", "accepted"): Rule(needs_evidence=True),  # cared for, rented or insured: nothing is built
    ("under_works", "accepted"): Rule(needs_evidence=True),
    ("accepted", "closed"): Rule(fields=("close_reason",)),
    ("accepted", "under_works"): _BACK,
    ("planned", "appraised"): _BACK,
    ("found", "closed"): _CLOSE,
    ("appraised", "closed"): _CLOSE,
    ("planned", "closed"): _CLOSE,
    ("under_works", "closed"): _CLOSE,
    ("closed", "found"): _BACK,
}
_WORKS = frozenset({"reinforce", "rebuild"})


def project_faults(steps: Sequence[Step]) -> list[str]:
    """Return what is wrong with the steps of a project, in the order they happened; empty when all are allowed.

    >>> project_faults([Step("reserve", date(2018, 1, 1)), Step("started", date(2018, 2, 1))])
    ['不能从“储备”直接到“开工”。下一步可以是：立项、取消。']
    """
    faults = _walk(steps, PROJECT_STEPS, PROJECT_LABELS)
    for step in steps:
        for name in ("planned_cost_cny", "actual_cost_cny"):
            if name in step.details and not _is_amount(step.details[name]):
                faults.append(f"{FIELD_LABELS[name]}要是不小于 0 的金额（元），现在是 {step.details[name]!r}。")
    return faults


def house_faults(steps: Sequence[Step], *, notice_days: int = 0) -> list[str]:
    """Return what is wrong with the steps of a dangerous house; empty when all are allowed.

    A renovated house is closed only after a public notice of so many full days as its closing step says in `notice_days`
    (what the policy asked for then); `notice_days` here counts for steps that do not say (0: none asked).
    """
    faults = _walk(steps, HOUSE_STEPS, HOUSE_LABELS)
    grade, treatment, before = "", "", ""
    for step in steps:
        if step.to == "found":
            grade, treatment = "", ""
        grade = str(step.details.get("grade", grade))
        treatment = str(step.details.get("treatment", treatment))
        asked = int(step.details.get("notice_days", notice_days))
        faults.extend(_house_step_faults(step, before, grade, treatment, asked))
        before = step.to
    return faults


def next_steps(status: str, *, of: Mapping[tuple[str, str], Rule]) -> dict[str, Rule]:
    """Return where a project or house may go from a status, and what each step needs ("" is before the first).

    >>> list(next_steps("accepted", of=PROJECT_STEPS))
    ['closed', 'started']
    """
    return {to: rule for (start, to), rule in of.items() if start == status}


def notice_ends(start: date, notice_days: int) -> date:
    """Return the first day after a public notice of so many full days.

    >>> notice_ends(date(2018, 5, 1), 7)
    datetime.date(2018, 5, 8)
    """
    return start + timedelta(days=notice_days)


def _walk(steps: Sequence[Step], rules: Mapping[tuple[str, str], Rule], labels: Mapping[str, str]) -> list[str]:
    faults: list[str] = []
    before, day = "", date.min
    for step in steps:
        if step.to not in labels:
            return [*faults, f"没有“{step.to}”这个状态。可用的有：{'、'.join(labels.values())}。"]
        rule = rules.get((before, step.to))
        if rule is None:
            options = "、".join(labels[to] for to in next_steps(before, of=rules)) or "无"
            start = f"从“{labels[before]}”直接" if before else "一开始就"
            faults.append(f"不能{start}到“{labels[step.to]}”。下一步可以是：{options}。")
        else:
            faults.extend(_missing(step, rule, labels))
        if step.at < day:
            faults.append(f"“{labels[step.to]}”的日期 {step.at} 早于前一步的 {day}。请核对日期。")
        before, day = step.to, step.at
    return faults


def _missing(step: Step, rule: Rule, labels: Mapping[str, str]) -> list[str]:
    faults = []
    if rule.needs_reason and not step.reason.strip():
        faults.append(f"到“{labels[step.to]}”这一步要写明原因。")
    if rule.needs_evidence and not [item for item in step.evidence if item.strip()]:
        faults.append(f"到“{labels[step.to]}”这一步要附证明材料（文件或照片）。")
    blank = [FIELD_LABELS[name] for name in rule.fields if step.details.get(name) in (None, "")]
    if blank:
        faults.append(f"到“{labels[step.to]}”这一步要填写：{'、'.join(blank)}。")
    return faults


def _house_step_faults(step: Step, before: str, grade: str, treatment: str, notice_days: int) -> list[str]:
    faults = []
    if "grade" in step.details and grade not in {"A", "B", "C", "D"}:
        faults.append(f"危房等级只能是 A、B、C、D，现在是“{grade}”。")
    if step.to == "planned" and grade in {"A", "B"}:
        faults.append(f"鉴定为 {grade} 级，不是危房，不能纳入改造计划；请以“鉴定为安全”销档。")
    if "treatment" in step.details and treatment not in TREATMENTS:
        faults.append(f"处置方式只能是：{'、'.join(TREATMENTS.values())}，现在是“{treatment}”。")
    if step.to == "under_works" and treatment and treatment not in _WORKS:
        faults.append(f"处置方式是“{TREATMENTS.get(treatment, treatment)}”，没有施工这一步；安置到位后直接验收。")
    if step.to == "accepted" and before == "planned" and treatment in _WORKS:
        faults.append(f"处置方式是“{TREATMENTS[treatment]}”，要先施工再验收。")
    if step.to == "closed":
        faults.extend(_closing_faults(step, before, grade, notice_days))
    return faults


def _closing_faults(step: Step, before: str, grade: str, notice_days: int) -> list[str]:
    reason = str(step.details.get("close_reason", ""))
    if reason and reason not in CLOSE_REASONS:
        return [f"销档原因只能是：{'、'.join(CLOSE_REASONS.values())}，现在是“{reason}”。"]
    if reason == "not_dangerous" and grade not in {"A", "B"}:
        return ["没有鉴定为 A、B 级，不能以“鉴定为安全”销档。"]
    if reason == "renovated" and before != "accepted":
        return ["没有验收，不能以“改造完成”销档。"]
    if reason != "renovated" or notice_days <= 0:
        return []
    start = step.details.get("notice_from")
    if start in (None, ""):
        return [f"销档前要公示 {notice_days} 天，请填写公示开始日期。"]
    begun = start if isinstance(start, date) else date.fromisoformat(str(start))
    if step.at < notice_ends(begun, notice_days):
        return [f"公示从 {begun} 起要满 {notice_days} 天，最早 {notice_ends(begun, notice_days)} 才能销档。"]
    return []


def _is_amount(value: Any) -> bool:
    try:
        return float(value) >= 0
    except (TypeError, ValueError):
        return False
