"""Frames to vector tiles."""

from typing import Literal

Geometry = Literal["polygon", "line", "point"]
