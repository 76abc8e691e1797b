"""Which files are accepted, and what their first bytes give away."""

KINDS = {
    ".shp": "shapefile", ".dbf": "shapefile", ".gpkg": "gpkg", ".geojson": "json", ".json": "json", ".topojson": "json",
    ".kml": "kml", ".ovkml": "kml", ".kmz": "kmz", ".ovkmz": "kmz", ".ovjsn": "ovjsn", ".pbf": "osm", ".csv": "text",
    ".tsv": "text", ".txt": "text", ".xls": "workbook", ".xlsx": "workbook", ".xlsm": "workbook", ".gpq": "parquet",
    ".parquet": "parquet", ".geoparquet": "parquet", ".zip": "zip",
}  # fmt: skip
ACCEPTED = (
    "Shapefile（.shp 及同名文件，或打包成 .zip）、GeoPackage（.gpkg）、文件地理数据库（.gdb 文件夹或 zip）、"
    "GeoJSON / TopoJSON（.json、.geojson、.topojson）、KML/KMZ、奥维 .ovkml/.ovkmz/.ovjsn、OSM（.osm.pbf）、"
    "Excel（.xls、.xlsx）、CSV/TXT、GeoParquet（.gpq、.parquet）"
)
KEEP_DRIVERS = ("ESRI Shapefile", "GPKG", "GeoJSON", "OSM", "OpenFileGDB")
_MAGIC = (
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"SQLite format 3\x00", "gpkg"), (b"PAR1", "parquet"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"), (b"\x00\x00\x27\x0a", "shapefile"), (b"%PDF", "PDF 文档"),
    (b"\x89PNG", "PNG 图片"), (b"\xff\xd8\xff", "JPEG 图片"), (b"GIF8", "GIF 图片"), (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"), (b"II*\x00", "TIFF 栅格"), (b"MM\x00*", "TIFF 栅格"), (b"\x1f\x8b", "gzip 压缩包"),
    (b"AC10", "DWG 图纸"), (b"MZ\x90", "程序"), (b"\x7fELF", "程序"),
)  # fmt: skip
_NEEDED = {"gpkg": "gpkg", "parquet": "parquet", "zip": "zip", "kmz": "zip"}
_TITLES = {
    "zip": "zip 压缩包",
    "gpkg": "SQLite 数据库",
    "ole": "旧版 Office 文档",
    "parquet": "Parquet",
    "shapefile": "Shapefile",
}


def sniffed(head: bytes) -> str:
    """Say what the first bytes are: a kind of ours, a Chinese name of something else, `markup`, `json` or nothing.

    Examples
    --------
    >>> sniffed(b"PK\\x03\\x04..."), sniffed(b"  <html>"), sniffed(b'{"type"'), sniffed(b"a,b")
    ('zip', 'markup', 'json', '')
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return "markup" if text[:1] == b"<" else "json" if text[:1] in (b"{", b"[") else ""


def mismatch(kind: str, found: str) -> str | None:
    """Name what the content is when it cannot be what the ending says, else None."""
    needed = _NEEDED.get(kind)
    title = _TITLES.get(found, {"markup": "网页或 XML", "json": "JSON 文本"}.get(found, found or "别的内容"))
    if needed is not None:
        return None if found == needed else title
    if kind in ("kml", "json", "ovjsn"):
        right = "markup" if kind == "kml" else "json"
        return None if found in (right, "") else title
    if kind == "text":
        return None if found in ("", "json") else title
    return None
