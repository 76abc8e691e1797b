"""The same functions as commands: `python cli.py COMMAND --help`. What each does lives in commands/."""

from commands import (
    analyse,
    export,
    houses,
    intake,
    mend,
    office,
    people,
    privacy,
    project,
    reports,
    responsibility,
    template,
    visit,
)
from commands.shell import cli

__all__ = [
    "analyse",
    "cli",
    "export",
    "houses",
    "intake",
    "mend",
    "office",
    "people",
    "privacy",
    "project",
    "reports",
    "responsibility",
    "template",
    "visit",
]

if __name__ == "__main__":
    cli()
