"""The command that writes a briefing or the data behind it, internal or public."""

from pathlib import Path

import click

from commands.shell import FILE, FOLDER, Result, command, progress, read_day
from tracker.office import open_office
from views.briefing_files import KINDS, export_office


@command("export office --to pptx --out 汇报.pptx")
@click.argument("office", type=FOLDER)
@click.option(
    "--to", "kind", type=click.Choice(KINDS), required=True, help="slides, paper, web page, live map, workbook or data"
)
@click.option("--out", type=FOLDER, required=True, help="the file, ending like --to (map: .html)")
@click.option(
    "--public", "is_public", is_flag=True, help="aggregates only, small counts hidden; no maps without a number"
)
@click.option("--review-number", help="审图号 of the map the boundaries come from, e.g. GS(2024)0650号; with --public")
@click.option("--day", help="YYYY-MM-DD; default: the latest day of the data")
@click.option("--policy", type=FILE, help="another policy than the office's own")
def export(
    office: Path, kind: str, out: Path, is_public: bool, review_number: str | None, day: str | None, policy: Path | None
) -> Result:
    """Write a briefing for a meeting, or the tables and layers behind it."""
    done = export_office(
        open_office(office),
        out,
        kind=kind,
        is_public=is_public,
        review_number=review_number,
        day=read_day(day),
        policy=policy,
        on_stage=progress,
    )
    lines = [f"已写出 {done.path}（{done.size_bytes / 1e6:.1f} MB）", *done.notes]
    if done.missing:
        lines.append(f"下列字本机字体没有，图和 PDF 中可能是方框：{'、'.join(done.missing)}")
    return vars(done), lines
