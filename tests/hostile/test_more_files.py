"""More files that mean harm: rasters, pictures, links in KML, large sheets, many mutations (safety.md, catalogue B)."""

import io
import os
import random
import struct
import zipfile
import zlib
from pathlib import Path

import geopandas as gpd
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine
from shapely import Point, box

from geo.errors import AppError, InputError, StoreError
from geo.raster import zonal
from geo.read import Limits, read
from geo.relief import relief_tile
from layers.intake import take
from tests.hostile.test_files import (  # noqa: F401 - fixtures
    CANARY,
    SHEET,
    cell,
    mutated,
    refused,
    samples,
    secret,
    server,
    still_alive,
    workbook,
)
from tests.policies_path import POLICY
from tracker import evidence
from tracker.office import create
from tracker.publish import publish
from views import basemap

IS_FULL = os.environ.get("QIYOU_FULL") == "1"
RAW = (
    '<VRTDataset rasterXSize="8" rasterYSize="8"><SRS>EPSG:4547</SRS><GeoTransform>0,1,0,8,0,-1</GeoTransform>'
    '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand"><SourceFilename relativetoVRT="0">{}'
    "</SourceFilename></VRTRasterBand></VRTDataset>"
)


def picture_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of 3.6 thousand million pixels in a few hundred bytes: what its header says is enough to refuse it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_f04_a_raster_that_is_a_recipe_for_reading_a_file(tmp_path: Path, secret: Path) -> None:  # noqa: F811
    """F04: by the command, by a statistic and as relief; not one byte of the file comes back."""
    trap = tmp_path / "dem.tif"
    trap.write_text(RAW.format(secret))
    with create(tmp_path / "office", policy=POLICY, name="试") as office:
        with pytest.raises(InputError, match="GeoTIFF") as caught:
            office.add_raster("dem", trap)
        assert CANARY not in str(caught.value)
        assert office.rasters() == {}
        assert not list((office.path / "rasters").rglob("*.tif"))
    for attempt in (
        lambda: zonal(trap, gpd.GeoDataFrame(geometry=[box(0, 0, 8, 8)], crs="EPSG:4547"), stat="sum"),
        lambda: relief_tile(trap, 0, 0, 0),
    ):
        with pytest.raises(InputError, match="GeoTIFF"):
            attempt()


def test_f19_a_raster_that_declares_more_than_any_disk_holds(tmp_path: Path) -> None:
    """F19: a sparse file of a few kB that would unpack to terabytes is refused by what it declares."""
    path = tmp_path / "sparse.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=1_400_000, width=1_400_000, count=1, dtype="uint8", crs="EPSG:4547", sparse_ok=True,
        tiled=True, bigtiff="yes", transform=Affine(1, 0, 5, 0, -1, 5), blockxsize=16384, blockysize=16384,
    ):  # fmt: skip
        pass
    assert path.stat().st_size < 1_000_000
    with create(tmp_path / "office", policy=POLICY, name="试") as office:
        with pytest.raises(InputError, match="超过上限"):
            office.add_raster("population", path)
        assert office.rasters() == {}


def test_f07_links_in_kml_are_not_followed(tmp_path: Path, server: tuple[str, list[str]]) -> None:  # noqa: F811
    """F07: places are read; network links, overlays, icons and descriptions ask nobody for anything."""
    url, hits = server
    text = (
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link><href>{url}/more.kml</href></Link></NetworkLink>'
        f"<ScreenOverlay><Icon><href>{url}/logo.png</href></Icon></ScreenOverlay><Style id='s'><IconStyle><Icon><href>{url}/i.png</href>"
        f"</Icon></IconStyle></Style><Placemark><name>甲村</name><styleUrl>{url}/styles.kml#s</styleUrl><description><![CDATA[<img src="
        f"'{url}/d.png'>]]></description><Point><coordinates>113.7,25.1</coordinates></Point></Placemark></Document></kml>"
    )
    file = tmp_path / "a.kml"
    file.write_text(text, encoding="utf-8")
    packed = tmp_path / "a.kmz"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("doc.kml", text)
    for path in (file, packed):
        dropped = read(path)
        assert len(dropped.frame) == 1
        assert "甲村" in dropped.frame.astype(str).to_csv()
        assert any("链接" in note or "NetworkLink" in note for note in dropped.notes), dropped.notes
    assert hits == []


def test_f08_gml_is_not_among_the_formats(tmp_path: Path, server: tuple[str, list[str]]) -> None:  # noqa: F811
    """F08: neither under its own name nor under another; its schema is asked of nobody."""
    url, hits = server
    text = (
        f'<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{url} {url}/a.xsd">'
        f'<gml:featureMember xlink:href="{url}/b.gml"/></gml:FeatureCollection>'
    )
    for name in ("a.gml", "a.xml", "a.kml", "a.geojson", "a.gpkg", "a.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        refused(tmp_path / name)
    assert hits == []


def test_f14_a_sheet_that_swells_to_hundreds_of_megabytes(tmp_path: Path) -> None:
    """F14: 400 MB of sheet in a small workbook, and more rows than a county has anything of."""
    file = tmp_path / "large.xlsx"
    row = "".join(f"<c><v>{n}</v></c>" for n in range(26))
    block = "".join(f"<row>{row}</row>" for _ in range(2000)).encode()
    small = workbook(tmp_path / "small.xlsx", SHEET.format(f'<row r="1">{cell("A1")}</row>', ""))
    head, tail = SHEET.split("{}", 1)[0].encode(), b"</sheetData></worksheet>"
    with zipfile.ZipFile(small) as parts, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for name in parts.namelist():
            if name.endswith("sheet1.xml"):
                with out.open(name, "w") as sink:
                    sink.write(head)
                    for _ in range(300):
                        sink.write(block)
                    sink.write(tail)
            else:
                out.writestr(name, parts.read(name))
    assert sum(info.file_size for info in zipfile.ZipFile(file).infolist()) > 200_000_000
    refused(file, "超过上限|压缩率")
    many = "".join(f'<row r="{n}">{cell(f"A{n}")}</row>' for n in range(1, 1500))
    refused(workbook(tmp_path / "rows.xlsx", SHEET.format(many, "")), "占用过大", limits=Limits(cells=1000))
    still_alive(tmp_path)


def test_f18_a_picture_bomb_is_never_unpacked(tmp_path: Path) -> None:
    """F18: as data it is no layer; as evidence it is kept unopened; from a base map it is refused by its header."""
    bomb = picture_bomb()
    assert len(bomb) < 1000
    for name in ("a.png", "a.csv", "a.geojson", "a.kml"):
        (tmp_path / name).write_bytes(bomb)
        refused(tmp_path / name)
    reference = evidence.keep(tmp_path, "照片.png", bomb)
    assert evidence.fetch(tmp_path, reference) == bomb
    with pytest.raises(StoreError, match="图片"):
        basemap.picture(bomb)


def test_f24_whatever_the_encoding_names_are_never_garbage(tmp_path: Path) -> None:
    """F24: DBF in GBK without .cpg and with a wrong one, CSV in GB18030 with four-byte letters, with a mark, in UTF-16."""
    names = ["石灰窑埠村", "调文村", "㙦寮村", "龙湾社区"]
    shapes = [Point(113 + n / 100, 25) for n in range(4)]
    frame = gpd.GeoDataFrame({"村名": names}, geometry=shapes, crs=4490)
    for encoding, label in (("GB18030", None), ("GB18030", "UTF-8"), ("UTF-8", "GBK"), ("UTF-8", None)):
        folder = tmp_path / f"{encoding}-{label}"
        folder.mkdir()
        plain = frame if encoding == "UTF-8" else frame[frame["村名"] != "㙦寮村"]
        plain.to_file(folder / "a.shp", encoding=encoding if encoding == "UTF-8" else "GBK")
        (folder / "a.cpg").unlink(missing_ok=True)
        if label:
            (folder / "a.cpg").write_text(label)
        held = read(folder / "a.shp")
        assert held.frame.iloc[:, 0].tolist() == plain["村名"].tolist(), (encoding, label)
    text = "村名,人口\r\n" + "".join(f"{name},{n}\r\n" for n, name in enumerate(names))
    for encoding in ("gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        content = text.encode(encoding)
        if encoding in {"utf-16-le", "utf-16-be"}:
            content = "\ufeff".encode(encoding) + content
        (tmp_path / "a.csv").write_bytes(content)
        assert read(tmp_path / "a.csv").frame["村名"].tolist() == names, encoding


def test_f25_what_is_given_away_is_read_again_and_says_what_its_columns_mean(tmp_path: Path) -> None:
    """F25, met differently: GeoPackage instead of shapefile, so no name is cut at ten bytes; the dictionary goes along."""
    frame = gpd.GeoDataFrame(
        {"行政村代码": ["440224101201", "440224101202"], "行政村": ["张庄村", "㙦寮村"], "乡镇": ["甲镇"] * 2},
        geometry=[box(113.7, 25.1, 113.71, 25.11), box(113.71, 25.1, 113.72, 25.11)], crs=4490,
    )  # fmt: skip
    frame.to_file(tmp_path / "v.geojson", driver="GeoJSON")
    with create(tmp_path / "office", policy=POLICY, name="试") as office:
        office.add_layer("villages", tmp_path / "v.geojson")
        publish(office, str(tmp_path / "out.gpkg"), tables={})
        before = office.frames()["villages"]
    again = take(read(tmp_path / "out.gpkg", layer="villages"), "villages")
    assert again.frame["name"].tolist() == before["name"].tolist() == ["张庄村", "㙦寮村"]
    assert again.frame["village_id"].tolist() == before["village_id"].tolist()


def test_f31_a_photo_with_a_place_in_it_is_bounded_and_stays_inside(tmp_path: Path) -> None:
    """F31: too large is refused; what is kept is in no published file."""
    with pytest.raises(InputError, match="MB"):
        evidence.keep(tmp_path, "大.jpg", b"\xff\xd8" + b"\0" * evidence.LARGEST_BYTES)
    picture = Image.new("RGB", (8, 8))
    exif = Image.Exif()
    exif[0x9C9C] = "CANARY-GPS-25.0853"
    exif.get_ifd(0x8825)[2] = (25.0, 5.0, 7.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    photo = buffer.getvalue()
    assert b"CANARY-GPS" in photo.replace(b"\0", b"")
    with create(tmp_path / "office", policy=POLICY, name="试") as office:
        evidence.keep(office.path, "现场.jpg", photo)
        point = gpd.GeoDataFrame({"类型": ["卫生站"], "设施编号": ["f1"]}, geometry=[Point(113.7, 25.1)], crs=4490)
        point.to_file(tmp_path / "f.geojson", driver="GeoJSON")
        office.add_layer("facilities", tmp_path / "f.geojson")
        publish(office, str(tmp_path / "out.gpkg"), tables={})
    assert b"CANARY-GPS" not in (tmp_path / "out.gpkg").read_bytes().replace(b"\0", b"")


@pytest.mark.slow
@pytest.mark.skipif(not IS_FULL, reason="ten thousand mutated files take minutes: set QIYOU_FULL=1")
def test_f27_ten_thousand_mutations(tmp_path: Path) -> None:
    """F27: other seeds than every day's; no crash, no hang beyond ten seconds, every refusal in words."""
    each = int(os.environ.get("QIYOU_MUTATIONS", "1112"))
    read_well = 0
    for source in samples(tmp_path):
        good = source.read_bytes()
        for number in range(each):
            source.write_bytes(mutated(good, random.Random(f"many-{source.name}-{number}")))
            try:
                read_well += len(read(source, limits=Limits(seconds=10.0)).frame) >= 0
            except AppError as refusal:
                assert "秒，已停止" not in str(refusal), f"{source.name}-{number} hung"  # noqa: PT017
        source.write_bytes(good)
    assert 0 < read_well < 9 * each
    still_alive(tmp_path)
