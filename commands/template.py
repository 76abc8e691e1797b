"""The command that writes differences back into the office's own sheet."""

import getpass
from pathlib import Path
from typing import Any

import click

from commands.shell import FILE, FOLDER, Result, command, read_day
from geo.errors import InputError
from layers.match import load_mapping
from tracker import template as templates
from tracker.accounts import log_access
from tracker.office import open_office
from views import reports


@command("template office villages 村情表.xlsx --out 村情表_回填.xlsx --mark")
@click.argument("office", type=FOLDER)
@click.argument("table")
@click.argument("file", type=FILE)
@click.option("--out", type=FOLDER, help="the workbook with the differences written in (default: only list them)")
@click.option("--sheet", help="sheet of the workbook")
@click.option("--map", "mapping", type=FILE, help="mapping file (TOML)")
@click.option("--mark", is_flag=True, help="yellow ground for the changed cells")
@click.option("--formulas", "with_formulas", is_flag=True, help="also put values over formulas")
@click.option("--only-seen", is_flag=True, help="only values seen on a visit")
@click.option("--since", help="only values whose source is of this day or later")
@click.option("--list", "listing", type=FOLDER, help="CSV file for the list of changes")
@click.option("--by", default=getpass.getuser, show_default="this user", help="who takes it out")
def template(
    office: Path, table: str, file: Path, out: Path | None, sheet: str | None, mapping: Path | None, mark: bool,
    with_formulas: bool, only_seen: bool, since: str | None, listing: Path | None, by: str,
) -> Result:  # fmt: skip
    """Compare the office's own sheet with what the office says now and write only the differences back into it.

    TABLE is a layer (villages, households, claims …) or houses, projects.
    """
    desk = open_office(office)
    options: dict[str, Any] = {
        "mapping": load_mapping(mapping) if mapping else None, "with_formulas": with_formulas, "only_seen": only_seen,
        "since": read_day(since),
    }  # fmt: skip
    found = templates.compare(desk, file, table, sheet=sheet, **options)
    lines = [
        f"“{found.sheet}”：{found.rows} 行，对上 {found.matched} 行；要改 {len(found.changes)} 格，不能改 {len(found.skipped)} 格"
    ]
    lines += [
        f"{c.address}\t{c.unit}\t{c.header}\t{c.old or '（空）'} → {c.new}\t{c.source} {c.day}"
        for c in found.changes[:40]
    ]
    lines += [f"…另有 {len(found.changes) - 40} 格"] if len(found.changes) > 40 else []
    lines += [f"{s.address}\t{s.header}\t{s.old} → {s.new}\t没有改：{s.why}" for s in found.skipped[:20]]
    lines += list(found.notes)
    if listing:
        reports.write_table(templates.change_table(found), listing)
    if out:
        if found.is_old and out.suffix.lower() != ".xlsx":
            raise InputError("旧版 .xls 回填后只能存成 .xlsx：请把 --out 写成 .xlsx 结尾。")
        content, notes = templates.fill(desk, file, found, mark=mark, **options)
        if not desk.ledger.is_read_only:
            log_access(
                desk.ledger, by, "export", what=f"原表回填 {table}", rows=len(found.changes), conditions=file.name
            )
        out.write_bytes(content)
        lines += [f"已写出 {out}", *notes]
    data = {
        "sheet": found.sheet, "rows": found.rows, "matched": found.matched, "unmatched": list(found.unmatched), "out": out,
        "changes": [vars(change) for change in found.changes], "skipped": [vars(item) for item in found.skipped],
        "notes": list(found.notes),
    }  # fmt: skip
    return data, lines
