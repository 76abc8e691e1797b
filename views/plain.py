"""Text of people and files, made harmless where Markdown would read it."""

from typing import Any


def plain(text: Any) -> str:
    r"""Make a name harmless where Markdown would read it.

    >>> plain("*村*<b>")
    '\\*村\\*\\<b\\>'
    """
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()<>#+-.!|~$:" else sign for sign in str(text))
