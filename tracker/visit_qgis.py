"""The QGIS and QField project of a visit, written by hand: relative paths, forms with lists, what is given cannot be edited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from geo.crs import STORAGE_CRS

VERSION = "3.22.0"
DATABASE = "visit.gpkg"


@dataclass(frozen=True)
class FormField:
    """One column of a form: its name, its title, what may be chosen (code -> word), and what it is."""

    name: str
    title: str
    choices: Mapping[str, str] = field(default_factory=dict)
    is_editable: bool = False
    is_photo: bool = False
    is_hidden: bool = False


@dataclass(frozen=True)
class FormLayer:
    """One layer of the project: table, title, geometry (Point, Polygon, Line), colour, and its form."""

    table: str
    title: str
    geometry: str
    color: str
    fields: Sequence[FormField]
    is_editable: bool = True


def project(title: str, layers: Sequence[FormLayer], bounds: tuple[float, float, float, float]) -> bytes:
    """Write the project; layers are listed the first on top. It names no path but the database beside it."""
    root = ET.Element("qgis", version=VERSION, projectname=title)
    ET.SubElement(root, "title").text = title
    _srs(ET.SubElement(root, "projectCrs"))
    tree = ET.SubElement(root, "layer-tree-group")
    for layer in layers:
        source = f"./{DATABASE}|layername={layer.table}"
        ET.SubElement(
            tree, "layer-tree-layer", id=layer.table, name=layer.title, checked="Qt::Checked", expanded="1",
            source=source, providerKey="ogr",
        )  # fmt: skip
    canvas = ET.SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    ET.SubElement(canvas, "units").text = "degrees"
    _extent(ET.SubElement(canvas, "extent"), bounds)
    _srs(ET.SubElement(canvas, "destinationsrs"))
    held = ET.SubElement(root, "projectlayers")
    for layer in layers:
        _layer(held, layer)
    order = ET.SubElement(root, "layerorder")
    for layer in layers:
        ET.SubElement(order, "layer", id=layer.table)
    properties = ET.SubElement(root, "properties")
    place = ET.SubElement(properties, "SpatialRefSys")
    ET.SubElement(place, "ProjectionsEnabled", type="int").text = "1"
    paths = ET.SubElement(properties, "Paths")
    ET.SubElement(paths, "Absolute", type="bool").text = "false"
    return _bytes(root)


def style(layer: FormLayer) -> str:
    """Write the style and form of one layer, as kept in the table `layer_styles` of the GeoPackage itself."""
    root = ET.Element("qgis", version=VERSION, styleCategories="Symbology|Labeling|Fields|Forms", labelsEnabled="1")
    _look(root, layer)
    return ET.tostring(root, encoding="unicode")


def _bytes(root: ET.Element) -> bytes:
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return (head + ET.tostring(root, encoding="unicode")).encode()


def _extent(place: ET.Element, bounds: tuple[float, float, float, float]) -> None:
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), bounds, strict=True):
        ET.SubElement(place, name).text = f"{value:.6f}"


def _srs(place: ET.Element) -> None:
    srs = ET.SubElement(place, "spatialrefsys")
    ET.SubElement(srs, "wkt").text = STORAGE_CRS.to_wkt()
    for name, text in (
        ("srid", "4490"),
        ("authid", "EPSG:4490"),
        ("description", "CGCS2000"),
        ("geographicflag", "true"),
    ):
        ET.SubElement(srs, name).text = text


def _layer(place: ET.Element, layer: FormLayer) -> None:
    made = ET.SubElement(
        place, "maplayer", type="vector", geometry=layer.geometry, labelsEnabled="1", readOnly="0" if layer.is_editable else "1"
    )  # fmt: skip
    ET.SubElement(made, "id").text = layer.table
    ET.SubElement(made, "datasource").text = f"./{DATABASE}|layername={layer.table}"
    ET.SubElement(made, "layername").text = layer.title
    _srs(ET.SubElement(made, "srs"))
    ET.SubElement(made, "provider", encoding="UTF-8").text = "ogr"
    flags = ET.SubElement(made, "flags")
    for name, value in (("Identifiable", "1"), ("Removable", "0"), ("Searchable", "1")):
        ET.SubElement(flags, name).text = value
    _look(made, layer)


def _look(place: ET.Element, layer: FormLayer) -> None:
    settings = ET.SubElement(place, "fieldConfiguration")
    for item in layer.fields:
        widget = ET.SubElement(ET.SubElement(settings, "field", name=item.name), "editWidget", type=_widget(item))
        _config(ET.SubElement(ET.SubElement(widget, "config"), "Option", type="Map"), item)
    aliases = ET.SubElement(place, "aliases")
    editable = ET.SubElement(place, "editable")
    for at, item in enumerate(layer.fields):
        ET.SubElement(aliases, "alias", field=item.name, index=str(at), name=item.title)
        can = layer.is_editable and item.is_editable
        ET.SubElement(editable, "field", name=item.name, editable="1" if can else "0")
    ET.SubElement(place, "previewExpression").text = '"name"'
    _symbol(ET.SubElement(place, "renderer-v2", type="singleSymbol"), layer)
    _labels(ET.SubElement(place, "labeling", type="simple"))


def _widget(item: FormField) -> str:
    if item.is_hidden:
        return "Hidden"
    return "ValueMap" if item.choices else "ExternalResource" if item.is_photo else "TextEdit"


def _config(config: ET.Element, item: FormField) -> None:
    if item.choices:
        listed = ET.SubElement(config, "Option", name="map", type="List")
        for code, word in item.choices.items():
            pair = ET.SubElement(listed, "Option", type="Map")
            ET.SubElement(pair, "Option", name=word, type="QString", value=code)
    elif item.is_photo:
        for name, kind, value in (
            ("DocumentViewer", "int", "1"), ("FileWidget", "bool", "true"), ("FileWidgetButton", "bool", "true"),
            ("RelativeStorage", "int", "1"), ("StorageMode", "int", "0"), ("DefaultRoot", "QString", "photos"),
        ):  # fmt: skip
            ET.SubElement(config, "Option", name=name, type=kind, value=value)
    else:
        is_long = item.name in ("remark", "known")
        ET.SubElement(config, "Option", name="IsMultiline", type="bool", value="true" if is_long else "false")


def _symbol(place: ET.Element, layer: FormLayer) -> None:
    kinds = {"Point": ("marker", "SimpleMarker"), "Line": ("line", "SimpleLine"), "Polygon": ("fill", "SimpleFill")}
    kind, part = kinds[layer.geometry]
    symbol = ET.SubElement(ET.SubElement(place, "symbols"), "symbol", type=kind, name="0", alpha="1")
    made = ET.SubElement(symbol, "layer", {"class": part, "enabled": "1", "locked": "0", "pass": "0"})
    options = ET.SubElement(made, "Option", type="Map")
    looks = {
        "Point": {"name": "circle", "color": layer.color, "outline_color": "255,255,255,255", "size": "4"},
        "Line": {"line_color": layer.color, "line_width": "0.5"},
        "Polygon": {"color": "0,0,0,0", "style": "no", "outline_color": layer.color, "outline_width": "0.6"},
    }
    for name, value in looks[layer.geometry].items():
        ET.SubElement(options, "Option", name=name, type="QString", value=value)


def _labels(place: ET.Element) -> None:
    settings = ET.SubElement(place, "settings")
    text = ET.SubElement(
        settings, "text-style", fieldName="name", fontSize="9", isExpression="0", textColor="30,30,30,255"
    )
    ET.SubElement(text, "text-buffer", bufferDraw="1", bufferSize="1", bufferColor="255,255,255,255")
    ET.SubElement(settings, "placement", placement="0", dist="2")
