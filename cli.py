"""The same functions as commands: `python cli.py COMMAND --help`. What each does lives in commands/."""

from commands import analyse, intake, office, project
from commands.shell import cli

__all__ = ["analyse", "cli", "intake", "office", "project"]

if __name__ == "__main__":
    cli()
