"""Commands for field work: a visit goes out as paper, workbook or QGIS package, and comes back."""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from analysis.policy import load_policy
from commands.shell import FILE, FOLDER, Result, cli, command, progress, read_day
from geo.errors import InputError
from tracker import deciding, merging, visit_return, visit_rows, visits
from tracker.merging import Item
from tracker.office import Office, open_office
from tracker.questions import KINDS
from tracker.visits import Row, Visit
from views import visit_files
from views.assessing import assess_office
from views.visit_known import first_needs, known, needs_of

STATE_WORDS = {
    "proposed": "待采用",
    "conflict": "冲突",
    "accepted": "已采用",
    "rejected": "维持原样",
    "same": "已一致",
}
by_option = click.option("--by", default=getpass.getuser, show_default="this user", help="who enters it")
path_options = [
    click.option("--xlsx", type=FOLDER, help="write the workbook here"),
    click.option("--qgis", type=FOLDER, help="write the QGIS/QField package (zip) here"),
    click.option("--pdf", type=FOLDER, help="write the printable sheets here"),
    click.option("--by-house", is_flag=True, help="one printed sheet a household"),
    click.option("--private", "has_private", is_flag=True, help="with names, phones and addresses; logged"),
]


@cli.group(epilog="\b\nExample:\n  python cli.py visit office out --town 东山街道 --who 李工 --xlsx 走访.xlsx")
@click.argument("office", type=FOLDER)
@click.pass_context
def visit(ctx: click.Context, office: Path) -> None:
    """Field work with no signal: send a visit out, read it back, settle what differs."""
    ctx.obj = ctx.with_resource(open_office(office))


def opened() -> Office:
    """Return the office this command works in."""
    office: Office = click.get_current_context().obj
    return office


def with_paths(function: Any) -> Any:
    """Add the options that say which files to write."""
    for option in reversed(path_options):
        function = option(function)
    return function


@command(
    "visit office out --town 东山街道 --kind needs --kind facilities --who 李工 --day 2018-07-12 --xlsx 走访.xlsx",
    visit,
)
@click.option("--town", "towns", multiple=True, help="every village of this town; may be repeated")
@click.option("--village", "villages", multiple=True, help="village id; may be repeated")
@click.option("--owner", default="", help="the villages of the projects of this responsible unit")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="what is asked (default: all)")
@click.option("--need", "needs", multiple=True, help="need to ask; default: the first group of the policy")
@click.option("--household", "households", multiple=True, help="only these households; may be repeated")
@click.option("--title", default="", help="what the visit is for")
@click.option("--who", required=True, help="who goes")
@click.option("--day", help="the day of the visit (default today)")
@with_paths
@by_option
def out(
    towns: Sequence[str], villages: Sequence[str], owner: str, kinds: Sequence[str], needs: Sequence[str],
    households: Sequence[str], title: str, who: str, day: str | None, by: str, **paths: Any,
) -> Result:  # fmt: skip
    """Send a visit out: what is asked, as it stands now, under a number of its own."""
    office = opened()
    done = assess_office(office, on_stage=progress)
    workspace = office.workspace()
    chosen = visit_files.villages_of(office, workspace, towns=towns, villages=villages, owner=owner)
    labels = needs_of(load_policy(office.policy_path))
    wrong = [need for need in needs if need not in labels]
    if wrong:
        raise InputError(f"政策里没有“{wrong[0]}”这个按村核实的事项。可用的有：{'、'.join(labels)}。")
    asked = {need: labels[need] for need in needs or first_needs(load_policy(office.policy_path))}
    wish = visit_rows.Wish(chosen, kinds or list(KINDS), asked, households, known=known(done, workspace, chosen))
    on = read_day(day) or office.today
    made = visits.send(office, visit_rows.rows(office, workspace, wish), title=title, day=on, who=who, by=by)
    written = _write(office, made, by, **paths)
    counts = {kind: sum(row.kind == kind for row in visits.rows_of(office, made)) for kind in made.kinds}
    lines = [f"已发出 {made.visit_id}：{'，'.join(f'{KINDS[kind]} {count} 行' for kind, count in counts.items())}"]
    return {"visit_id": made.visit_id, "rows": counts, "files": written}, [
        *lines,
        *(f"已写入 {path}" for path in written),
    ]


@command("visit office paper ZF2018-0001 --pdf 走访.pdf", visit)
@click.argument("visit_id")
@with_paths
@by_option
def paper(visit_id: str, by: str, **paths: Any) -> Result:
    """Write the files of a visit once more, as it was sent."""
    office = opened()
    written = _write(office, visits.visit(office, visit_id), by, **paths)
    return {"visit_id": visit_id, "files": written}, [f"已写入 {path}" for path in written] or [
        "没有指明要写哪种文件。"
    ]


@command("visit office in 走访.xlsx", visit)
@click.argument("file", type=FILE)
@click.option("--at", help="the day of the visit, when it was another than planned")
@by_option
def in_(file: Path, at: str | None, by: str) -> Result:
    """Read a file that came back. Nothing changes yet: see show and accept."""
    office = opened()
    parcel, is_new = visit_return.take_in(office, file, at=read_day(at), by=by)
    data, lines = _standing(office, parcel.visit)
    if not is_new:
        lines = ["这份文件以前读过，没有重复登记。", *lines]
    refused = [{"where": where, "why": why} for where, why in parcel.refused]
    lines += [f"退回 {item['where']}：{item['why']}" for item in refused]
    return {**data, "is_new": is_new, "refused": refused, "notes": parcel.notes}, [*lines, *parcel.notes]


@command("visit office list", visit)
def list_() -> Result:
    """List the visits, the newest first."""
    found = [_about(item) for item in visits.visits(opened())]
    lines = [
        f"{a['visit_id']}\t{a['day']}\t{a['who']}\t{a['rows']} 行\t交回 {a['returned']} 份\t{a['title']}" for a in found
    ]
    return {"visits": found}, lines or ["还没有走访。"]


@command("visit office show ZF2018-0001", visit)
@click.argument("visit_id")
def show(visit_id: str) -> Result:
    """Show what came back and differs: what was sent, what the office says now, what the field says."""
    return _standing(opened(), visits.visit(opened(), visit_id))


@command("visit office accept ZF2018-0001", visit)
@click.argument("visit_id")
@click.argument("choices", nargs=-1, metavar="[ITEM=OPTION]...")
@by_option
def accept(visit_id: str, choices: Sequence[str], by: str) -> Result:
    """Take over what changed in the field only; a conflict by naming the item and the option (see show)."""
    office = opened()
    if choices:
        pairs = dict(_pair(text) for text in choices)
        outcome = deciding.decide(office, visit_id, pairs, by=by)
    else:
        outcome = deciding.accept_plain(office, visit_id, by=by)
    return _settled(office, visit_id, outcome)


@command("visit office reject ZF2018-0001 villages/V1#population", visit)
@click.argument("visit_id")
@click.argument("items", nargs=-1, required=True)
@by_option
def reject(visit_id: str, items: Sequence[str], by: str) -> Result:
    """Leave things as the office has them; what came back stays on record."""
    office = opened()
    return _settled(office, visit_id, deciding.decide(office, visit_id, dict.fromkeys(items, deciding.OFFICE), by=by))


@command("visit office undo ZF2018-0001 villages/V1#population --reason 看错了", visit)
@click.argument("visit_id")
@click.argument("item")
@click.option("--reason", required=True)
@by_option
def undo(visit_id: str, item: str, reason: str, by: str) -> Result:
    """Take a decision back, with what it entered; the item is open again."""
    deciding.undo(opened(), visit_id, item, by=by, reason=reason)
    return {"visit_id": visit_id, "item": item}, [f"已撤回 {item}，重新待定。"]


def _write(
    office: Office, item: Visit, by: str, *, by_house: bool, has_private: bool, **paths: Path | None
) -> list[str]:
    written = []
    for kind, path in paths.items():
        if path is not None:
            path.write_bytes(visit_files.make(office, item, kind, by=by, by_house=by_house, has_private=has_private))
            written.append(str(path))
    return written


def _about(item: Visit) -> dict[str, Any]:
    return {
        "visit_id": item.visit_id, "title": item.title, "day": item.day.isoformat(), "who": item.who, "rows": item.rows,
        "kinds": list(item.kinds), "towns": list(item.towns), "returned": len(item.returns),
    }  # fmt: skip


def _standing(office: Office, item: Visit) -> Result:
    found = merging.merge(office, item)
    counts = {word: sum(each.state == state for each in found) for state, word in STATE_WORDS.items()}
    confirmed, unclear = sum(r.confirmed for r in item.returns), sum(r.unclear for r in item.returns)
    head = f"{item.visit_id}：核实一致 {confirmed} 处，没弄清 {unclear} 处；" + "，".join(
        f"{w} {n}" for w, n in counts.items() if n
    )
    data = {**_about(item), "confirmed": confirmed, "unclear": unclear, "items": [_told(each) for each in found]}
    lines = [line for each in found if each.is_open for line in _lines(each)]
    return data, [head, *lines]


def _told(item: Item) -> dict[str, Any]:
    options = [
        {"option": option.key, "values": dict(option.values), "remark": option.answer.remark} for option in item.options
    ]
    return {
        "item": item.item_id,
        "state": item.state,
        "sent": dict(item.sent),
        "now": dict(item.now),
        "options": options,
    }


def _lines(item: Item) -> list[str]:
    row: Row = item.row
    head = f"{STATE_WORDS[item.state]}\t{item.item_id}\t{row.town} {row.village} {row.name} {row.title}".rstrip()
    lines = [head]
    asked = {question.field: question for question in row.questions}
    for name in item.fields:
        question = asked.get(name)
        title, show = (name, str) if question is None else (question.label, question.show)
        said = "；".join(
            f"[{option.key}] {show(option.values[name])}" for option in item.options if name in option.values
        )
        sent, now = (show(value) if value else "不清楚" for value in (item.sent[name], item.now[name]))
        lines.append(f"    {title}：发出时 {sent}，现在 {now}，现场 {said}")
    return lines


def _pair(text: str) -> tuple[str, str]:
    item, mark, option = text.rpartition("=")
    if not mark:
        raise InputError(f"“{text}”要写成 条目=选项，见 visit show 方括号里的编号。")
    return item, option


def _settled(office: Office, visit_id: str, outcome: deciding.Outcome) -> Result:
    data, lines = _standing(office, visits.visit(office, visit_id))
    refused = [{"item": item, "why": why} for item, why in outcome.refused]
    head = [f"已处理 {outcome.settled} 条", *(f"没有登记 {item['item']}：{item['why']}" for item in refused)]
    return {**data, "settled": outcome.settled, "not_settled": refused}, [*head, *lines]
