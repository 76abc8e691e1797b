"""What a map shows and how it looks: plain frozen data, the same data give the same map."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from geo.tiles import Geometry
from views.labels import Language
from views.palette import Pattern, Swatch

Bounds = tuple[float, float, float, float]
Feature = tuple[str, int]


@dataclass(frozen=True)
class ClassStyle:
    """How the features of one code are drawn; `width` and `radius` in screen pixels, `rank` high = on top."""

    label: str
    color: str
    pattern: Pattern = "solid"
    ink: str = "#ffffff"
    outline: str = "#333333"
    width: float = 1.0
    radius: float = 4.0
    rank: int = 0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class TileLayer:
    """One layer of the map; `source` is the digest `register_source` returned."""

    id: str
    label: str
    source: str
    geometry: Geometry
    min_zoom: int = 0
    style: ClassStyle = ClassStyle("", "#4a6f8a")
    interactive: bool = True
    visible: bool = True


@dataclass(frozen=True)
class BaseLayer:
    """A base map one may put under everything: its pictures come through our own server (`views.basemap`)."""

    id: str
    title: str
    sheets: int = 1
    matrix: str = "w"
    is_shifted: bool = False
    max_zoom: int = 18
    notice: str = ""


@dataclass(frozen=True)
class SurfaceLayer:
    """A raster one may lay over the map; `source` is the digest `register_surface` returned, `classes` its legend."""

    source: str
    title: str
    classes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MapSpec:
    """What is on the map. Layers are drawn in the order given; bounds are west, south, east, north in degrees."""

    layers: tuple[TileLayer, ...]
    bounds: Bounds
    hillshade: str | None = None
    title: str = ""
    bases: tuple[BaseLayer, ...] = ()
    language: Language = "zh"
    surfaces: tuple[SurfaceLayer, ...] = ()


@dataclass(frozen=True)
class LayerState:
    """How a layer looks now. Everything here may change from run to run without any geometry being sent again.

    `columns` maps a column's name to the digest `register_column` returned; `color_by` names the column whose code
    picks the style from `classes`; `filters` keeps the features whose code is among those given, for every column
    named (none given: all features); `labels_column` is the digest `register_labels` returned.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    color_by: str | None = None
    classes: tuple[ClassStyle, ...] = ()
    filters: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    visible: bool = True
    opacity: float = 1.0
    labels_column: str | None = None
    show_labels: bool = False


@dataclass(frozen=True)
class Sketch:
    """A line that is drawn or edited on the map, places as (longitude, latitude).

    A new `token` begins anew with `line` (empty: an empty line from `start`); the same token only brings new `parts`,
    the stretches (kind, places) laid under the line. What is not `editable` is only shown.
    """

    token: str
    start: tuple[float, float] | None = None
    line: tuple[tuple[float, float], ...] = ()
    parts: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = ()
    editable: bool = True


@dataclass(frozen=True)
class MapEvent:
    """What the person did last. `nonce` grows by one with every action; 0 means nothing yet.

    `drawn` is the line of a sketch after a change: None when something else was done, empty when it was dropped.
    """

    clicked: Feature | None = None
    selected: tuple[Feature, ...] = ()
    bounds: Bounds | None = None
    zoom: float | None = None
    center: tuple[float, float] | None = None
    nonce: int = 0
    drawn: tuple[tuple[float, float], ...] | None = None


def style_of(swatch: Swatch, *, width: float = 1.0, radius: float = 4.0, rank: int = 0) -> ClassStyle:
    """Turn a swatch of `views.palette` into the style of a class."""
    return ClassStyle(
        swatch.label, swatch.color, swatch.pattern, swatch.ink, swatch.outline, width=width, radius=radius, rank=rank
    )
