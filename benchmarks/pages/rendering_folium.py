"""The county as a user would write it: GeoJSON layers in `st_folium`."""

import folium
import streamlit as st
from rendering_county import asked_households, county
from streamlit_folium import st_folium

from views import assets

held = assets.load()
folium.Map.default_js = [("leaflet", held.address("leaflet.js"))]
folium.Map.default_css = [("leaflet_css", held.address("leaflet.css"))]
COLOURS = ("#3a8fc4", "#c8450b", "#f2c12e", "#e6e6e6")


@st.cache_resource
def layers(households: int):
    return [frame.to_crs(4326) for frame in county(households)]


villages, roads, houses = layers(asked_households())
keep = [i for i in range(4) if st.checkbox(f"status {i}", value=True)]
drawn = folium.Map(location=[25.3, 110.3], zoom_start=10, tiles=None, prefer_canvas=True)
chosen = villages[villages["status"].isin(keep)]
folium.GeoJson(
    chosen,
    style_function=lambda f: {"fillColor": COLOURS[f["properties"]["status"]], "weight": 1, "fillOpacity": 0.7},
    tooltip=folium.GeoJsonTooltip(["id"]),
).add_to(drawn)
folium.GeoJson(roads, style_function=lambda f: {"color": COLOURS[f["properties"]["surface"]], "weight": 1}).add_to(
    drawn
)
folium.GeoJson(
    houses,
    marker=folium.CircleMarker(radius=3, fill=True),
    style_function=lambda f: {"color": COLOURS[f["properties"]["grade"]]},
).add_to(drawn)
answer = st_folium(drawn, height=560, use_container_width=True, key="county", returned_objects=["last_active_drawing"])
feature = (answer or {}).get("last_active_drawing")
st.text(f"clicked={feature['properties']['id'] if feature else None}")
