"""The same functions as commands: `python cli.py COMMAND --help`. What each does lives in commands/."""

from commands import analyse, intake, office
from commands.shell import cli

__all__ = ["analyse", "cli", "intake", "office"]

if __name__ == "__main__":
    cli()
