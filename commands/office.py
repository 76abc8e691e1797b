"""Commands that serve, publish, save and restore an office."""

from pathlib import Path

import click

from commands.shell import FOLDER, Result, command
from views.server import serve as serve_office


@command("serve office --port 8501")
@click.argument("office", type=FOLDER)
@click.option("--port", type=int, default=8501, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="another address needs users first")
def serve(office: Path, port: int, host: str) -> Result:
    """Serve the app."""
    serve_office(office, host=host, port=port)
    return {}, []
