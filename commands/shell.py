"""How every command behaves: --help with an example, --json, exit 0 done, 2 a mistake to mend, 3 a failed check."""

import functools
import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from geo.errors import AppError, InputError

POLICIES = Path(__file__).resolve().parents[1] / "policies"
FOLDER = click.Path(path_type=Path)
FILE = click.Path(exists=True, path_type=Path)
SIZES = click.Choice(["tiny", "county", "city", "province"])
RASTERS = ("dem", "population", "landcover")
Result = tuple[dict[str, Any], list[str]]


class Shell(click.Group):
    """Commands whose deliberate errors end as one plain sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn an AppError into its sentence."""
        try:
            return super().invoke(ctx)
        except AppError as error:
            click.echo(f"错误：{error}", err=True)
            ctx.exit(2)


@click.group(cls=Shell, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """七有图 Qiyou Atlas: from bureau files to coverage gaps, road candidates and dangerous housing."""


def command(example: str, group: click.Group = cli) -> Callable[[Callable[..., Result]], click.Command]:
    """Register a function that returns (data, lines) as a command with --json and an example in its help."""

    def register(function: Callable[..., Result]) -> click.Command:
        @functools.wraps(function)
        def run(as_json: bool, **arguments: Any) -> None:
            data, lines = function(**arguments)
            click.echo(json.dumps(data, ensure_ascii=False, indent=1, default=str) if as_json else "\n".join(lines))
            if data.get("failed"):
                sys.exit(3)

        with_json = click.option("--json", "as_json", is_flag=True, help="one JSON document on stdout, nothing else")
        name = function.__name__.rstrip("_")
        return group.command(name, epilog=f"\b\nExample:\n  python cli.py {example}")(with_json(run))

    return register


def progress(text: str) -> None:
    """Tell how far the work is, on stderr."""
    click.echo(text, err=True)


def read_day(text: str | None) -> date | None:
    """Read a day written as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"日期“{text}”无法识别：请写成 2018-12-31 的样子。") from None
