"""Statuses stay apart for colour-blind readers and on a bad projector: hue, lightness and pattern, measured."""

import itertools

import numpy as np
import pytest

from views.palette import GRADE, STATE, STATUS, Swatch

# Viénot, Brettel and Mollon (1999) for red and green, Brettel et al. (1997) simplified for blue, in linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]),
    "deuteranopia": np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]),
    "tritanopia": np.array([[1.0, 0.14461, -0.14461], [0.0, 0.85924, 0.14076], [0.0, 0.85924, 0.14076]]),
}
WHITE = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> np.ndarray:
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(color: str, sight: str) -> np.ndarray:
    seen = np.clip(SIGHT[sight] @ linear(color), 0, 1)
    part = TO_XYZ @ seen / WHITE
    f = np.where(part > 0.008856, np.cbrt(part), 7.787 * part + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(one: str, other: str, sight: str) -> float:
    return float(np.linalg.norm(lab(one, sight) - lab(other, sight)))


def contrast(one: str, other: str) -> float:
    light = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ linear(color)) + 0.05 for color in (one, other))
    return light[1] / light[0]


PAIRS = [
    (f"{first}-{second}", scale[first], scale[second])
    for scale in (STATUS, STATE, GRADE)
    for first, second in itertools.combinations(scale, 2)
]


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(("name", "one", "other"), PAIRS, ids=[name for name, _, _ in PAIRS])
def test_two_classes_differ_in_colour_or_else_in_pattern(name: str, one: Swatch, other: Swatch, sight: str) -> None:
    if one.pattern == other.pattern:
        assert apart(one.color, other.color, sight) >= 20, name
    else:
        assert apart(one.color, other.color, sight) >= 9, name


@pytest.mark.parametrize("sight", SIGHT)
def test_the_four_statuses_are_far_apart_in_colour_alone(sight: str) -> None:
    for one, other in itertools.combinations(STATUS.values(), 2):
        assert apart(one.color, other.color, sight) >= 20


def test_no_two_statuses_share_a_pattern() -> None:
    assert len({swatch.pattern for swatch in STATUS.values()}) == len(STATUS)


@pytest.mark.parametrize("background", ["#f4f6f4", "#ffffff"])
def test_outlines_and_inks_stand_out(background: str) -> None:
    for swatch in (*STATUS.values(), *STATE.values()):
        assert contrast(swatch.outline, background) >= 3, swatch.label
        if swatch.pattern != "solid":
            assert contrast(swatch.ink, swatch.color) >= 1.9, swatch.label
