"""Three known places on a map that offers the base maps of the office."""

import geopandas as gpd
import shapely
import streamlit as st

from views.basemap import offered
from views.desk import served
from views.maps import ClassStyle, LayerState, MapSpec, TileLayer, register_source, show_map

PLACES = ((113.7, 25.1), (113.66, 25.13), (113.75, 25.08))


@st.cache_resource
def marks() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"facility_id": ["a", "b", "c"]}, geometry=shapely.points(PLACES), crs=4490)


@st.cache_resource
def county() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"village_id": ["v"]}, geometry=[shapely.box(113.6, 25.0, 113.8, 25.2)], crs=4490)


st.set_page_config(layout="wide")
ring = ClassStyle("标记", "#00000000", outline="#0000ff", radius=14)
white = ClassStyle("县", "#ffffff", "none", outline="#999999")
layers = (
    TileLayer("county", "县", register_source(county(), id_field="village_id", kind="polygon"), "polygon", style=white),
    TileLayer("marks", "标记", register_source(marks(), id_field="facility_id", kind="point"), "point", style=ring),
)
spec = MapSpec(layers, (113.6, 25.0, 113.8, 25.2), bases=offered(served()))
event = show_map(spec, {"marks": LayerState(classes=(ring,))}, key="base", height=560)
st.text(
    f"clicked={event.clicked} selected={event.selected} look={st.session_state.get('look')} base={st.session_state.get('base_map')}"
)
