"""Files that mean harm or are merely broken (safety.md, catalogue B): refused with a sentence, the app alive."""

import contextlib
import io
import json
import os
import random
import struct
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xlsxwriter

from geo.errors import AppError, InputError
from geo.formats import ACCEPTED
from geo.read import Limits, read

CANARY = "canary-7f3a91"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file nobody uploaded; its text must never come back."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    file = folder / "secret.csv"
    file.write_text(f"name,x,y\n{CANARY},113,25\n", encoding="utf-8")
    return file


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A host on the intranet that must never be called."""
    hits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            return

    listener = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_port}", hits
    listener.shutdown()
    listener.server_close()
    thread.join()


def refused(path: Path | str, match: str | None = None, **options: object) -> str:
    """Read, expect a refusal in Chinese, and give its text."""
    with pytest.raises(InputError, match=match) as refusal:
        read(path, **options)
    text = str(refusal.value)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text)
    assert "Traceback" not in text
    assert CANARY not in text
    return text


def still_alive(tmp_path: Path) -> None:
    file = tmp_path / "alive.csv"
    file.write_text("村名\n甲\n", encoding="utf-8")
    assert list(read(file).frame["村名"]) == ["甲"]


def vrt(source: str) -> str:
    return f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'


@pytest.mark.parametrize("suffix", [".geojson", ".json", ".kml", ".gpkg", ".csv", ".shp", ".xlsx", ".pbf", ".ovkml"])
def test_f01_vrt_in_disguise_shows_nothing(tmp_path: Path, secret: Path, suffix: str) -> None:
    file = tmp_path / f"evil{suffix}"
    file.write_text(vrt(str(secret)), encoding="utf-8")
    refused(file)
    packed = tmp_path / "evil.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(file, file.name)
    refused(packed)


@pytest.mark.parametrize("suffix", [".geojson", ".json", ".topojson"])
def test_f02_gdal_command_file_is_not_run(tmp_path: Path, secret: Path, suffix: str) -> None:
    file = tmp_path / f"evil{suffix}"
    command = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline read {secret} ! write"}
    file.write_text(json.dumps(command), encoding="utf-8")
    refused(file, "有恶意|不是 GeoJSON")
    file.write_text(json.dumps({"x": "FeatureCollection", **command, "type": "gdal_streamed_alg"}), encoding="utf-8")
    refused(file)
    padded = '{"pad":"' + " " * 70_000 + '",' + json.dumps(command)[1:]
    file.write_text(padded, encoding="utf-8")
    refused(file)


def test_f03_no_address_is_ever_opened(tmp_path: Path, server: tuple[str, list[str]]) -> None:
    url, hits = server
    for name in (f"{url}/a.geojson", f"/vsicurl/{url}/a.geojson", f"WFS:{url}/wfs", f"/vsizip/vsicurl/{url}/a.zip"):
        refused(name, "找不到文件")
    for text in (
        vrt(f"/vsicurl/{url}/a.geojson"),
        vrt(f"WFS:{url}/wfs"),
        f'{{"type":"Link","href":"{url}/x"}}',
        f"<kml xmlns='http://www.opengis.net/kml/2.2'><NetworkLink><Link><href>{url}/x.kml</href></Link></NetworkLink></kml>",
        f"<wfs:FeatureCollection xmlns:wfs='{url}' xsi:schemaLocation='{url} {url}/x.xsd'/>",
    ):
        for suffix in (".geojson", ".kml"):
            file = tmp_path / f"evil{suffix}"
            file.write_text(text, encoding="utf-8")
            refused(file)
    assert hits == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_f05_f06_kml_with_entities_is_refused(tmp_path: Path, secret: Path, encoding: str) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    heads = [
        f'<!DOCTYPE kml [<!ENTITY x SYSTEM "file://{secret}">]>',
        f'<!DOCTYPE kml [<!ENTITY l0 "lol">{laughs}]>',
        '<!DOCTYPE kml SYSTEM "http://127.0.0.1:9/evil.dtd">',
    ]
    for head in heads:
        body = "<kml><Placemark><name>&x;&l9;</name><Point><coordinates>1,1</coordinates></Point></Placemark></kml>"
        file = tmp_path / "evil.kml"
        file.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>{head}{body}'.encode(encoding))
        refused(file, "DOCTYPE|KML")
        packed = tmp_path / "evil.kmz"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(file, "doc.kml")
        refused(packed, "DOCTYPE|KML")


def test_kml_nested_very_deep(tmp_path: Path) -> None:
    file = tmp_path / "deep.kml"
    file.write_text("<kml>" + "<Folder>" * 50_000 + "</Folder>" * 50_000 + "</kml>", encoding="utf-8")
    refused(file, "KML")


@pytest.mark.parametrize(
    "name",
    ["../../app.py.csv", "/etc/cron.d/evil.csv", "..\\..\\evil.csv", "C:\\evil.csv", "C:evil.csv", "a/../../evil.csv",
     "x" * 500 + ".csv"],
)  # fmt: skip
def test_f09_names_that_lead_out_of_the_archive(tmp_path: Path, name: str) -> None:
    file = tmp_path / "evil.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "村名\n甲\n")
    before = sorted(path for path in tmp_path.parent.rglob("*") if path.is_file())
    refused(file, "指向包外")
    assert sorted(path for path in tmp_path.parent.rglob("*") if path.is_file()) == before


def test_f10_links_in_archives(tmp_path: Path, secret: Path) -> None:
    file = tmp_path / "evil.zip"
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("a.csv")
        info.create_system = 3
        info.external_attr = 0o120777 << 16
        archive.writestr(info, str(secret))
    refused(file, "链接或特殊文件")


def test_links_in_folders_are_not_followed(tmp_path: Path, secret: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").symlink_to(secret)
    refused(folder)


def bomb(path: Path, megabytes: int, name: str = "a.csv") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as sink:
        for _ in range(megabytes):
            sink.write(b"1,2\n" * 250_000)
    return path


def test_f11_archives_that_swell(tmp_path: Path) -> None:
    file = bomb(tmp_path / "bomb.zip", 120)
    refused(file, "压缩率|超过上限")
    refused(file, "超过上限 50 MB", limits=Limits(unpacked_bytes=50_000_000, ratio=10**9))
    still_alive(tmp_path)


def test_f11_archives_that_lie_about_their_size(tmp_path: Path) -> None:
    file = bomb(tmp_path / "bomb.zip", 60)
    data = bytearray(file.read_bytes())
    entry = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 1000)
    file.write_bytes(bytes(data))
    refused(file)
    still_alive(tmp_path)


def test_f12_nested_crowded_overlapping_and_locked_archives(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.csv", "村名\n甲\n")
    for name in ("inner.zip", "inner.rar", "inner.7z"):
        file = tmp_path / "nested.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, inner.getvalue())
        refused(file, "里还有压缩包")
    crowd = tmp_path / "crowd.zip"
    with zipfile.ZipFile(crowd, "w") as archive:
        for n in range(201):
            archive.writestr(f"{n}.csv", "")
    refused(crowd, "201 个文件，超过上限 200 个")
    twice = bytearray(inner.getvalue())
    start = twice.index(b"PK\x01\x02")
    end = twice.index(b"PK\x05\x06")
    entry = bytes(twice[start:end])
    count = struct.pack("<HH", 2, 2)
    doubled = bytes(twice[:end]) + entry + bytes(twice[end : end + 8]) + count
    doubled += struct.pack("<II", 2 * len(entry), start) + bytes(twice[end + 20 :])
    (tmp_path / "overlap.zip").write_bytes(doubled)
    refused(tmp_path / "overlap.zip", "重叠|损坏")
    locked = bytearray(inner.getvalue())
    locked[6] |= 1
    locked[start + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(bytes(locked))
    refused(tmp_path / "locked.zip", "密码")


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData>{}</worksheet>'


def workbook(path: Path, sheet: str | bytes, extra: dict[str, str] | None = None) -> Path:
    """A minimal xlsx whose only sheet is the given XML."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{rels}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{rels}">'
        '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{rels}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
        **(extra or {}),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def cell(reference: str, value: str = "1") -> str:
    return f'<c r="{reference}"><v>{value}</v></c>'


def test_f13_two_cells_at_the_corners_of_the_sheet(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1")}</row><row r="1048576">{cell("XFD1048576")}</row>'
    for name, sheet in (
        ("plain", SHEET.format(rows, "")),
        ("quoted", SHEET.format(rows, "").replace('r="', "r = '").replace('"><v>', "'><v>").replace('">', "'>")),
        ("padded", SHEET.format(" " * 4_194_280 + rows, "")),
        ("utf16", SHEET.format(rows, "").encode("utf-16")),
    ):
        file = workbook(tmp_path / f"{name}.xlsx", sheet)
        refused(file)
    assert "第 1,048,576 行" in refused(tmp_path / "plain.xlsx")
    still_alive(tmp_path)


def test_f13_merged_area_over_the_whole_sheet(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1")}{cell("B1")}</row><row r="2">{cell("A2")}{cell("B2")}</row>'
    merged = '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    file = workbook(tmp_path / "a.xlsx", SHEET.format(rows, merged))
    with contextlib.suppress(AppError):
        assert len(read(file).frame) <= 2
    still_alive(tmp_path)


def test_f06_workbook_entities(tmp_path: Path) -> None:
    head = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    refused(workbook(tmp_path / "a.xlsx", head + SHEET.format("", "")), "实体声明")


def test_f15_thousands_of_sheets_and_parts(tmp_path: Path) -> None:
    extra = {f"xl/worksheets/sheet{n}.xml": SHEET.format("", "") for n in range(2, 400)}
    refused(workbook(tmp_path / "a.xlsx", SHEET.format(f'<row r="1">{cell("A1")}</row>', ""), extra), "工作表")
    extra = {f"xl/media/{n}.bin": "x" for n in range(1600)}
    refused(workbook(tmp_path / "b.xlsx", SHEET.format("", ""), extra), "超过上限")


def test_f16_macros_and_links_are_named_and_left_alone(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1", "1")}{cell("B1", "2")}</row>'
    extra = {"xl/vbaProject.bin": "x", "xl/externalLinks/externalLink1.xml": "<externalLink/>"}
    dropped = read(workbook(tmp_path / "a.xlsm", SHEET.format(rows, ""), extra))
    assert any("宏不会运行" in note for note in dropped.notes)
    assert any("链接不会被打开" in note for note in dropped.notes)


def test_f17_locked_workbook(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    file.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600
    )
    refused(file, "打开密码")


@pytest.mark.parametrize(
    ("head", "said"),
    [(b"\x89PNG\r\n", "PNG"), (b"%PDF-1.7", "PDF"), (b"Rar!\x1a\x07", "RAR"), (b"\x1f\x8b\x08", "gzip"), (b"MZ\x90\x00", "程序"),
     (b"II*\x00", "TIFF"), (b"<html><script>", "网页|XML"), (b"PK\x03\x04", "zip"), (b"SQLite format 3\x00", "SQLite")],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".csv", ".geojson", ".gpq", ".kmz"])
def test_f20_f29_content_is_not_what_the_ending_says(tmp_path: Path, head: bytes, said: str, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    file.write_bytes(head + b"\0" * 500)
    text = refused(file)
    assert suffix in text or "损坏" in text or "压缩包" in text


def test_f21_geopackage_with_endless_view(tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(113, 25)], crs=4490).to_file(file, layer="点", driver="GPKG")
    with sqlite3.connect(file) as book:
        book.execute(
            "CREATE VIEW endless AS WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid+1 FROM n) SELECT fid FROM n"
        )
        book.execute(
            "INSERT INTO gpkg_contents(table_name,data_type,identifier) VALUES('endless','attributes','endless')"
        )
    book.close()
    before = file.read_bytes()
    refused(file, "已停止|中止|多个图层|上限", limits=Limits(seconds=3.0, rows=1000))
    refused(file, "已停止|中止|上限", layer="endless", limits=Limits(seconds=3.0, rows=1000))
    assert len(read(file, layer="点").frame) == 1
    assert file.read_bytes() == before


def test_f22_many_and_strange_layer_names(tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "a.gpkg"
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(113, 25)], crs=4490)
    for name in ("a'b", 'a"b', "x; DROP TABLE y;--", "🏠", "\u202eabc"):
        frame.to_file(file, layer=name, driver="GPKG")
    text = refused(file, "多个图层")
    assert "\u202e" not in text
    assert len(read(file, layer="x; DROP TABLE y;--").frame) == 1
    assert len(read(file, layer="a'b").frame) == 1
    with sqlite3.connect(file) as book:
        for n in range(300):
            book.execute(f"CREATE TABLE t{n}(fid INTEGER PRIMARY KEY)")
            book.execute(
                f"INSERT INTO gpkg_contents(table_name,data_type,identifier) VALUES('t{n}','attributes','t{n}')"
            )
    book.close()
    assert len(refused(file, "太多")) < 800


def shapefile(folder: Path) -> Path:
    boxes = [shapely.box(113 + n, 25, 114 + n, 26) for n in range(20)]
    frame = gpd.GeoDataFrame({"name": [f"v{n}" for n in range(20)]}, geometry=boxes, crs=4490)
    frame.to_file(folder / "a.shp")
    return folder / "a.shp"


@pytest.mark.parametrize("kept", [0, 50, 99, 100, 101, 500, 1500])
def test_f23_truncated_shp(tmp_path: Path, kept: int) -> None:
    file = shapefile(tmp_path)
    file.write_bytes(file.read_bytes()[:kept])
    try:
        dropped = read(file)
    except InputError:
        assert kept < 500
    else:
        assert any("不完整" in note for note in dropped.notes)
        assert len(dropped.frame) == 20
        assert 0 < dropped.frame.geometry.notna().sum() < 20


@pytest.mark.parametrize("suffix", [".shx", ".dbf"])
@pytest.mark.parametrize("kept", [1, 32, 60, 100, 150])
def test_f23_truncated_companions(tmp_path: Path, suffix: str, kept: int) -> None:
    file = shapefile(tmp_path)
    part = file.with_suffix(suffix)
    part.write_bytes(part.read_bytes()[:kept])
    try:
        read(file)
    except InputError as refusal:
        assert "a.shp" in str(refusal)  # noqa: PT017


def test_prj_of_nonsense_is_passed_over(tmp_path: Path) -> None:
    file = shapefile(tmp_path)
    file.with_suffix(".prj").write_bytes(b"\xff\x00nonsense[[[")
    dropped = read(file)
    assert dropped.crs is None
    assert len(dropped.frame) == 20


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"FeatureCollection","features":' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":' + '{"a":' * 60_000 + "1" + "}" * 60_000 + "}]}",
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[1e999,1]}}]}',
        '{"type":"FeatureCollection","features":[{"type":"Feature"',
        '{"type":"Topology","objects":{"a":' + "[" * 100_000,
        '{"type":"Topology","arcs":[],"objects":{}}',
        '{"type":"Topology","arcs":[[["a"]]],"objects":{"a":{"type":"Point","coordinates":[1,2]}}}',
        "[1,2,3]",
        '"FeatureCollection"',
        '{"ObjItems":[' + "[" * 100_000,
    ],
)  # fmt: skip
def test_f26_json_that_is_deep_cut_or_out_of_range(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(text, encoding="utf-8")
    refused(file)


def test_f26_nan_is_not_a_place(tmp_path: Path) -> None:
    file = tmp_path / "a.geojson"
    feature = '{"type":"Feature","properties":{"a":1},"geometry":{"type":"Point","coordinates":[NaN,1]}}'
    file.write_text(f'{{"type":"FeatureCollection","features":[{feature}]}}', encoding="utf-8")
    try:
        points = shapely.get_coordinates(read(file).frame.geometry.dropna())
    except InputError:
        return
    assert len(points) <= 1


def test_f28_names_that_trick_the_eye_or_the_system(tmp_path: Path) -> None:
    for name in ("CON.csv", "a\u202evsc.csv", "村 名;rm -rf.csv", "a'b\".csv", "长" * 80 + ".csv", "-rf.csv"):
        file = tmp_path / name
        try:
            file.write_text("村名\n甲\n", encoding="utf-8")
        except OSError:
            continue
        assert list(read(file).frame["村名"]) == ["甲"]
        file.write_bytes(b"")
        text = refused(file, "空的")
        assert "\u202e" not in text
        assert len(text) < 200
        file.unlink()
    refused("x" * 5000 + ".csv", "找不到文件")
    refused("a\0b.csv", "找不到文件")


def test_f29_nothing_devices_and_the_ledger_itself(tmp_path: Path) -> None:
    for suffix in (".csv", ".shp", ".zip", ".xlsx", ".gpkg", ".geojson", ".kml", ".pbf", ".gpq", ".ovkmz"):
        file = tmp_path / f"a{suffix}"
        file.write_bytes(b"")
        refused(file, "空的（0 字节）")
        file.unlink()
    if os.name != "nt":
        refused("/dev/zero", "不是普通文件")
        os.mkfifo(tmp_path / "pipe.csv")
        refused(tmp_path / "pipe.csv", "不是普通文件")
    import sqlite3

    ledger = tmp_path / "ledger.gpkg"
    with sqlite3.connect(ledger) as book:
        book.execute("CREATE TABLE events(id INTEGER PRIMARY KEY, payload TEXT)")
    book.close()
    refused(ledger)
    refused(tmp_path / "ledger.sqlite", "找不到文件")


def test_unknown_formats_list_what_is_accepted(tmp_path: Path) -> None:
    for name in ("a.dwg", "a.exe", "noending", "a.vrt", "a.gml", "a.gdb.exe"):
        file = tmp_path / name
        file.write_bytes(b"abc")
        assert ACCEPTED in refused(file, "不认识的文件格式")
    refused(tmp_path, "请指定|里面没有|不认识")


def test_f30_csv_too_wide_too_long_or_never_ending(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(",".join(f"c{n}" for n in range(16_000)) + "\n", encoding="utf-8")
    refused(file, "16000 列")
    file.write_text("村名,备注\n甲," + "长" * 4_000_000 + "\n", encoding="utf-8")
    refused(file, "超长的单元格")
    file.write_text("村名,备注\n" + '"' * 999 + "\n甲,乙\n", encoding="utf-8")
    still_alive(tmp_path)
    file.write_bytes(b"a,b\n\x00\x01\x02\x03,2\n")
    refused(file, "二进制")


def samples(folder: Path) -> list[Path]:
    """One small good file of each format."""
    points = gpd.points_from_xy(np.linspace(113, 114, 30), np.linspace(25, 26, 30))
    frame = gpd.GeoDataFrame({"name": [f"村{n}" for n in range(30)], "people": range(30)}, geometry=points, crs=4326)
    frame.to_file(folder / "a.gpkg", driver="GPKG")
    frame.to_file(folder / "a.geojson", driver="GeoJSON")
    frame.to_parquet(folder / "a.gpq")
    shape = shapefile(folder)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in folder.glob("a.*"):
            if part.stem == shape.stem and part.suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                archive.write(part, part.name)
    pd.DataFrame(frame.drop(columns="geometry")).to_csv(folder / "b.csv", index=False)
    book = xlsxwriter.Workbook(str(folder / "b.xlsx"))
    sheet = book.add_worksheet()
    for n in range(30):
        sheet.write_row(n, 0, [f"村{n}" if n else "村名", n if n else "人口"])
    book.close()
    marks = "".join(
        f"<Placemark><name>{n}</name><Point><coordinates>113,{n}</coordinates></Point></Placemark>" for n in range(30)
    )
    (folder / "b.kml").write_text(f"<kml xmlns='http://www.opengis.net/kml/2.2'>{marks}</kml>", encoding="utf-8")
    topology = {"type": "Topology", "arcs": [[[0, 0], [1, 1]]], "objects": {"a": {"type": "LineString", "arcs": [0]}}}
    (folder / "b.topojson").write_text(json.dumps(topology), encoding="utf-8")
    names = ("a.gpkg", "a.geojson", "a.gpq", "a.shp", "a.zip", "b.csv", "b.xlsx", "b.kml", "b.topojson")
    return [folder / name for name in names]


def mutated(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 3, 20))):
        at = draw.randrange(len(changed))
        action = draw.randrange(4)
        if action == 0:
            changed[at] = draw.randrange(256)
        elif action == 1:
            changed[at : at + draw.randrange(1, 40)] = b""
        elif action == 2:
            changed[at:at] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 40)))
        else:
            changed[at : at + 4] = struct.pack("<I", draw.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 65536)))
        if not changed:
            break
    return bytes(changed)


def test_f27_seeded_mutations_never_hurt(tmp_path: Path) -> None:
    """Each file either reads as a frame or is refused in words; each case can be repeated from its seed."""
    count = int(os.environ.get("QIYOU_MUTATIONS", "18"))
    limits = Limits(seconds=10.0)
    outcomes = {"read": 0, "refused": 0}
    for source in samples(tmp_path):
        good = source.read_bytes()
        for number in range(count):
            source.write_bytes(mutated(good, random.Random(f"{source.name}-{number}")))
            try:
                dropped = read(source, limits=limits)
                assert len(dropped.rows) == len(dropped.frame)
                outcomes["read"] += 1
            except AppError as refusal:
                assert "秒，已停止" not in str(refusal), f"{source.name}-{number} hung"  # noqa: PT017
                outcomes["refused"] += 1
        source.write_bytes(good)
    assert outcomes["read"] > count
    assert outcomes["refused"] > count
    still_alive(tmp_path)
