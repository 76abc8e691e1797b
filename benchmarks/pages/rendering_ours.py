"""The county on our map: filter, click, recolour."""

import numpy as np
import streamlit as st
from rendering_county import asked_households, county

from views.maps import LayerState, MapSpec, TileLayer, register_column, register_source, show_map, style_of
from views.palette import GRADE, STATUS, SURFACE

made = st.cache_resource(county)
villages, roads, houses = made(asked_households())
keep = [i for i in range(4) if st.checkbox(f"status {i}", value=True)]


@st.cache_resource
def columns() -> tuple[str, str, str, np.ndarray]:
    grade = houses["grade"].to_numpy()
    values = (villages["status"].to_numpy(), roads["surface"].to_numpy(), grade)
    return (*(register_column(v) for v in values), grade)  # type: ignore[return-value]


status, surface, grades, worst = columns()
sources = [
    register_source(villages, id_field="id", kind="polygon"),
    register_source(roads, id_field="id", kind="line"),
    register_source(houses, id_field="id", kind="point", priority=worst),
]
layers = tuple(
    TileLayer(name, name, digest, kind)  # type: ignore[arg-type]
    for name, digest, kind in zip(("villages", "roads", "houses"), sources, ("polygon", "line", "point"), strict=True)
)
states = {
    "villages": LayerState({"s": status}, "s", tuple(style_of(s) for s in STATUS.values()), filters={"s": tuple(keep)}),
    "roads": LayerState({"s": surface}, "s", tuple(style_of(s) for s in list(SURFACE.values())[:4])),
    "houses": LayerState({"g": grades}, "g", tuple(style_of(s, rank=i) for i, s in enumerate(GRADE.values()))),
}
event = show_map(MapSpec(layers, (110.0, 25.03, 110.6, 25.58)), states, key="county", height=560)
st.text(f"clicked={event.clicked[1] if event.clicked else None}")
