"""Pinyin initials, so that a name is found without an input method."""

import functools

from pypinyin import Style, lazy_pinyin


@functools.lru_cache(maxsize=20_000)
def initials(name: str) -> str:
    """Give the pinyin initials of a name in capitals.

    >>> initials("荷坑村委会")
    'HKCWH'
    """
    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER, errors="ignore")).upper()
