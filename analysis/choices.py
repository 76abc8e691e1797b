"""What people decided about roads: lines they drew and chose, and repairs of the drawn network they undid."""

import hashlib
import json
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from analysis.alternative import DrawnLine
from analysis.surfaces import road_network
from geo.network import Network
from layers.workspace import Workspace


@dataclass(frozen=True)
class RoadChoices:
    """Lines that take the place of computed ways, and places (longitude, latitude) where roads must not be joined."""

    drawn: tuple[DrawnLine, ...] = ()
    apart: tuple[tuple[float, float], ...] = ()

    @property
    def digest(self) -> str:
        """Return a short digest of everything chosen, empty when nothing is.

        >>> RoadChoices().digest, len(RoadChoices(apart=((110.0, 21.0),)).digest)
        ('', 16)
        """
        if not self.drawn and not self.apart:
            return ""
        lines = [[line.natural_village_id, line.name, line.points, line.tolerance_m] for line in self.drawn]
        text = json.dumps([lines, self.apart], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def record(self) -> dict[str, object]:
        """Write what was chosen as plain data, for the basis of every export."""
        lines = [{"natural_village_id": line.natural_village_id, "name": line.name} for line in self.drawn]
        return {"digest": self.digest, "drawn_lines": lines, "kept_apart": [list(place) for place in self.apart]}


NOTHING = RoadChoices()


def places_in(crs: CRS, places: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """Bring places in EPSG:4490 to metres, (n, 2)."""
    if not places:
        return np.empty((0, 2))
    points = gpd.GeoSeries(shapely.points(np.asarray(places, np.float64)), crs="EPSG:4490").to_crs(crs)
    return np.column_stack([points.x, points.y])


def chosen_network(ws: Workspace, choices: RoadChoices) -> Network | None:
    """Node the roads of a workspace without the repairs that were undone; None when none was, or there are no roads."""
    if not choices.apart or ws.get("roads") is None or not len(ws.layers["roads"]):
        return None
    places = places_in(ws.crs, choices.apart)
    key = hashlib.sha256(repr(choices.apart).encode()).hexdigest()[:16]
    found: Network = ws.kept(f"road_network|{key}", "roads", lambda roads: road_network(roads, keep_apart=places))
    return found
