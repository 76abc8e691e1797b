"""The words of the field-work page in both languages."""

from tracker.questions import KINDS
from views.labels import Language, label


def word(language: Language, key: str, **figures: object) -> str:
    """Give a sentence of the catalogue (group `visit`) with its figures filled in.

    >>> word("zh", "rows", count=3)
    '3 行'
    """
    return label("visit", key, language).format(**figures)


def kind_word(kind: str, language: Language) -> str:
    """Name a kind of row; Chinese is what stands on the sheets themselves."""
    return KINDS[kind] if language == "zh" else label("visit", f"kind_{kind}", language)
