"""Which rasters of the office may be laid over a map: people a cell, land cover – each with its colours explained.

A cell of the population raster may hold one household: it is for those who may see every town's households.
"""

from pathlib import Path

import streamlit as st

from geo.surface import Ramp, bounds_of_values, classes_of_values
from views.context import Context
from views.grading import spread
from views.labels import Language, label, number, say
from views.maps import SurfaceLayer, register_surface
from views.signin import Owner, audience
from views.tilestore import EVERYONE

SHADES = ("#fee6ce", "#fdae6b", "#f16913", "#d94801", "#8c2d04")  # few to many
KINDS = ("#1b7837", "#a6dba0", "#dfc27d", "#bf812d", "#35978f", "#762a83", "#c51b7d", "#4d4d4d")


def offered(context: Context) -> tuple[SurfaceLayer, ...]:
    """List the rasters the office holds on the day, none shown until it is switched on."""
    held, user = context.office.rasters(context.day), context.user
    sees_people = isinstance(user, Owner) or (user.may("households") and not user.towns)
    names = [name for name in (*(("population",) if sees_people else ()), "landcover") if name in held]
    who = {"population": audience(user)}
    made = [_layer(str(held[name]), name, who.get(name, EVERYONE), context.language) for name in names]
    return tuple(layer for layer in made if layer is not None)


@st.cache_resource(show_spinner=False, max_entries=20)
def _ramp(path: str, name: str) -> Ramp:
    if name == "population":
        bounds = bounds_of_values(Path(path), len(SHADES))
        return Ramp(bounds, SHADES[len(SHADES) - len(bounds) :], least=0.0)
    bounds = classes_of_values(Path(path))
    return Ramp(bounds, KINDS[: len(bounds)], is_classes=True)


def _layer(path: str, name: str, who: frozenset[str], language: Language) -> SurfaceLayer | None:
    ramp = _ramp(path, name)
    if not ramp.bounds:
        return None
    texts = [
        say(language, "surface_class", code=number(bound)) if ramp.is_classes else spread(low, bound, 0)
        for low, bound in zip((0.0, *ramp.bounds), ramp.bounds, strict=False)
    ]
    if not ramp.is_classes:
        texts = [
            f"＞{text}" if place else f"≤ {number(bound)}"
            for place, (text, bound) in enumerate(zip(texts, ramp.bounds, strict=True))
        ]
    title = label("surface_layer", name, language)
    return SurfaceLayer(register_surface(path, ramp, audience=who), title, tuple(zip(ramp.colors, texts, strict=True)))
