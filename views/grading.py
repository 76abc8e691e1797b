"""Numbers into a few classes for a map: equal counts, bounds written; too little data is hatched."""

import numpy as np
import pandas as pd

from views.labels import Language, number, say
from views.maps import ClassStyle
from views.palette import CLASSED, NO_DATA

NOTHING = "none"


def bounds(values: pd.Series, classes: int = 5) -> list[float]:
    """Give the upper bounds (inclusive) of classes that hold about the same number of values.

    >>> bounds(pd.Series([1.0, 2.0, 3.0, 4.0]), 2)
    [2.0, 4.0]
    >>> bounds(pd.Series([7.0, 7.0, 7.0]))
    [7.0]
    """
    known = np.sort(values.dropna().to_numpy(np.float64))
    if not len(known):
        return []
    ends = [known[int(np.ceil(len(known) * part / classes)) - 1] for part in range(1, classes + 1)]
    return [float(end) for end in dict.fromkeys(ends)]


def spread(low: float, high: float, decimals: int) -> str:
    """Write the first class: both its bounds, or the one value it holds."""
    return number(high, decimals) if low == high else f"{number(low, decimals)}–{number(high, decimals)}"


def graded(values: pd.Series, language: Language, *, decimals: int = 0) -> tuple[pd.Series, dict[str, ClassStyle]]:
    """Class numbers by feature id, and give each class its style with its bounds (the legend counts them).

    >>> names, styles = graded(pd.Series([0.0, 10.0, None], index=["a", "b", "c"]), "zh")
    >>> names.tolist(), [style.label for style in styles.values()]
    (['0', '1', 'none'], ['0', '1–10', '数据不足或不在范围'])
    """
    ends = bounds(values)
    is_counted = not decimals and bool(np.isclose(values.dropna() % 1, 0).all())
    places = (
        np.searchsorted(np.array(ends), values.to_numpy(np.float64), side="left") if ends else np.zeros(len(values))
    )
    names = pd.Series(
        [NOTHING if pd.isna(value) else str(int(place)) for value, place in zip(values, places, strict=True)],
        index=values.index,
    )
    lowest = float(values.min()) if ends else 0.0
    shades = np.linspace(0, len(CLASSED) - 1, max(len(ends), 1)).round().astype(int)
    styles: dict[str, ClassStyle] = {}
    for place, end in enumerate(ends):
        text = (
            spread(lowest, end, decimals)
            if place == 0
            else spread(ends[place - 1] + 1, end, decimals)
            if is_counted
            else f"＞{number(ends[place - 1], decimals)}–{number(end, decimals)}"
        )
        styles[str(place)] = ClassStyle(text, CLASSED[shades[place]], outline="#5f6b73", width=0.8)
    if (names == NOTHING).any():
        text = say(language, "no_data")
        styles[NOTHING] = ClassStyle(text, NO_DATA.color, NO_DATA.pattern, NO_DATA.ink, NO_DATA.outline, width=0.8)
    return names, styles
