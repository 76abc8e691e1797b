"""Two days of one village in one place: red on the left, blue on the right."""

import geopandas as gpd
import numpy as np
import shapely
import streamlit as st

from views.maps import ClassStyle, LayerState, MapSpec, TileLayer, register_column, register_source
from views.swipe import Side, show_swipe


@st.cache_resource
def county() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"village_id": ["v"]}, geometry=[shapely.box(112.5, 24.5, 114.9, 25.7)], crs=4490)


def side(title: str, color: str, text: str) -> Side:
    layer = TileLayer("villages", "村", register_source(county(), id_field="village_id", kind="polygon"), "polygon")
    look = LayerState({"c": register_column(np.array([0]))}, "c", (ClassStyle(text, color),))
    return Side(title, MapSpec((layer,), (113.6, 25.0, 113.8, 25.2)), {"villages": look})


st.set_page_config(layout="wide")
events = show_swipe((side("2018", "#ff0000", "前"), side("2019", "#0000ff", "后")), key="swipe", height=500)
st.text(f"left={events[0].clicked} right={events[1].clicked}")
