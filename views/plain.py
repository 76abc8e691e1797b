"""Text of people and files, made harmless where Markdown would read it."""

import re
from typing import Any

UNSEEN = "\u2060"
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=\w)", re.IGNORECASE)


def plain(text: Any) -> str:
    r"""Make a name harmless where Markdown would read it.

    An address would become a link whatever is escaped; a sign that takes no room keeps it text.

    >>> plain("*村*<b>")
    '\\*村\\*\\<b\\>'
    >>> plain("https://a") == "https\\:" + UNSEEN + "//a"
    True
    """
    broken = _ADDRESS.sub(UNSEEN, str(text))
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()<>#+-.!|~$:" else sign for sign in broken)
