"""Addresses of files and uploads, good only for the person they were sent to.

Streamlit keeps what a page hands out under `/media/…` and answers whoever names the address. Here the gate reads the
addresses off the messages as they go to a person's browser, and lets nobody else use them.
"""

import re
from collections import OrderedDict

from views.tilestore import Identity

PREFIXES = ("/media/", "/_stcore/upload_file/")
_BEGINNING = re.compile(rb"/(?:media|_stcore/upload_file)/")
_ADDRESS = re.compile(rb"/(?:media/[0-9a-f]{16,}(?:\.\w{1,12})?|_stcore/upload_file/[0-9a-f-]{8,}/[0-9a-f-]{8,})")
_MOST_KEPT = 50_000


class Handed:
    """Which addresses were sent to whom; a person with another role or another town is another person here."""

    def __init__(self, most: int = _MOST_KEPT) -> None:
        self._kept: OrderedDict[tuple[Identity, str], None] = OrderedDict()
        self._most = most

    def note(self, identity: Identity, message: bytes) -> None:
        r"""Remember the addresses in a message on its way to a person; before each stands its length in one byte.

        >>> handed = Handed()
        >>> handed.note(Identity("li"), b"\x0a\x1b/media/0123456789abcdef.csv\x42..")
        >>> handed.allows(Identity("li"), "/media/0123456789abcdef.csv")
        True
        >>> handed.allows(Identity("wu"), "/media/0123456789abcdef.csv")
        False
        """
        for found in _BEGINNING.finditer(message):
            at = found.start()
            address = message[at : at + message[at - 1]] if at else b""
            if _ADDRESS.fullmatch(address):
                key = (identity, address.decode("ascii"))
                self._kept[key] = None
                self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def allows(self, identity: Identity, path: str) -> bool:
        """Tell whether a person may use an address; an address of another kind is for others to judge."""
        return not path.startswith(PREFIXES) or (identity, path) in self._kept
