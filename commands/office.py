"""Commands that serve, publish, save and restore an office."""

from pathlib import Path

import click

from commands.shell import FILE, FOLDER, Result, command, progress
from tracker import backup as backups
from tracker.office import open_office
from tracker.publish import publish as publish_office
from views.assessing import assess_office, published_tables
from views.server import serve as serve_office


@command("serve office --port 8501")
@click.argument("office", type=FOLDER)
@click.option("--port", type=int, default=8501, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="another address needs users first")
def serve(office: Path, port: int, host: str) -> Result:
    """Serve the app."""
    serve_office(office, host=host, port=port)
    return {}, []


@command("publish office --to atlas.gpkg")
@click.argument("office", type=FOLDER)
@click.option("--to", required=True, help="FILE.gpkg or postgresql://…")
def publish(office: Path, to: str) -> Result:
    """Copy current layers and findings for QGIS and other departments, without private columns."""
    desk = open_office(office)
    tables = published_tables(assess_office(desk, on_stage=progress))
    rows = publish_office(desk, to, tables=tables)
    return {"tables": rows}, [f"{name}：{count} 行" for name, count in rows.items()]


@command("backup office --out office.zip")
@click.argument("office", type=FOLDER)
@click.option("--out", type=FOLDER, required=True, help="one zip file, outside the office folder")
def backup(office: Path, out: Path) -> Result:
    """Save the whole office, consistent while in use."""
    done = backups.backup(open_office(office), out)
    line = f"已备份到 {done.path}：{done.files} 个文件，{done.events} 条记录，{done.size_bytes / 1e6:.1f} MB"
    return vars(done), [line]


@command("restore office.zip --to office")
@click.argument("file", type=FILE)
@click.option("--to", "office", type=FOLDER, required=True, help="a new or empty folder")
@click.option("--ledger", help="postgresql:// address of an empty database, instead of a file")
def restore(file: Path, office: Path, ledger: str | None) -> Result:
    """Rebuild an office from a backup; refuses a damaged archive and never overwrites an office."""
    folder = backups.restore(file, office, ledger=ledger)
    return {"office": folder}, [f"已恢复到 {folder}，每个文件都与备份清单核对过。"]


@command("move office --to postgresql://user@server/database")
@click.argument("office", type=FOLDER)
@click.option("--to", required=True, help="postgresql:// address of an empty database, or 'file'")
def move(office: Path, to: str) -> Result:
    """Move the ledger between the office folder and PostgreSQL, and compare both before switching."""
    backups.move_ledger(office, None if to == "file" else to)
    return {"office": office, "to": "file" if to == "file" else "postgresql"}, ["账本已搬好，新旧两份逐条核对一致。"]
