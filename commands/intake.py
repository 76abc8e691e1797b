"""Commands that put data into an office and look at its quality."""

from pathlib import Path
from typing import Any

import click

from analysis.policy import load_policy
from commands import story
from commands.shell import FILE, FOLDER, POLICIES, RASTERS, SIZES, Result, command, progress, read_day
from demo.county import write_county
from layers.match import load_mapping
from tracker.office import create, open_office
from views import reports


@command("demo --size county --seed 1 --out d")
@click.option("--size", type=SIZES, default="county", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", type=FOLDER, required=True, help="folder for files/ and office/")
@click.option(
    "--history/--no-history", default=None, help="eighteen invented months of projects, money and houses [county: yes]"
)
def demo(size: str, seed: int, out: Path, history: bool | None) -> Result:
    """Write a synthetic county: files as bureaus send them, and the office made from them."""
    made = write_county(size, seed, out / "files", progress=progress)
    office = create(out / "office", policy=POLICIES / f"{made.policy_id}.toml", name=made.name, demo_day=made.as_of)
    added = {}
    for file in made.files:
        progress(f"入库 {file.layer} ← {Path(file.path).name}")
        options = dict(file.options)
        if options.get("mapping"):
            options["mapping"] = load_mapping(options["mapping"])
        done = office.add_layer(file.layer, file.path, **{"as_of": made.as_of, "by": "demo", **options})
        added[f"{file.layer}/{Path(file.path).name}"] = [done.rows_read, done.stored, done.refused]
    for name, path in made.rasters:
        office.add_raster(name, path, as_of=made.as_of)
    told: dict[str, int] = {}
    if history if history is not None else size == "county":
        progress("登记虚构的项目、资金和危房进展 …")
        told = story.play(office, seed=seed)
    lines = [f"{name}：读入 {a}，入库 {b}，退回 {c}" for name, (a, b, c) in added.items()]
    return {"office": out / "office", "added": added, "history": told}, [
        *lines,
        *([f"虚构进展：项目 {told['projects']} 个，危房 {told['houses']} 户"] if told else []),
        f"虚构示范数据已生成：{out}/files，办公文件夹：{out}/office",
    ]


@command("new office --policy policies/renhua-2016.toml")
@click.argument("office", type=FOLDER)
@click.option("--policy", type=FILE, required=True, help="policy profile (TOML)")
@click.option("--name", default="", help="name of the county or office")
def new(office: Path, policy: Path, name: str) -> Result:
    """Make an empty office under one policy."""
    profile = load_policy(policy)
    create(office, policy=policy, name=name or profile.title)
    return {"office": office, "policy": profile.id}, [f"已建立办公文件夹 {office}，政策：{profile.title}"]


@command("add office roads 农村公路.zip --crs EPSG:4526 --as-of 2016-12-31")
@click.argument("office", type=FOLDER)
@click.argument("layer")
@click.argument("file", type=FILE)
@click.option("--map", "mapping", type=FILE, help="mapping file (TOML)")
@click.option("--crs", help="EPSG:n, gcj02 or bd09, when the file does not say")
@click.option("--encoding", help="text encoding, when the guess is wrong")
@click.option("--sheet", help="sheet of a workbook")
@click.option("--part", help="name of this part of a layer that comes in several files")
@click.option("--partial", is_flag=True, help="not everything there is: an absence stays unknown")
@click.option("--as-of", "as_of", help="the day the data describe (default today)")
@click.option("--refused", type=FOLDER, help="workbook for the rows that were refused")
def add(
    office: Path,
    layer: str,
    file: Path,
    mapping: Path | None,
    as_of: str | None,
    refused: Path | None,
    partial: bool,
    **options: Any,
) -> Result:
    """Read, match, check and store one file as a layer; prints rows read, stored and refused."""
    desk = open_office(office)
    rules = load_mapping(mapping) if mapping else None
    if layer in RASTERS:
        digest = desk.add_raster(layer, file, as_of=read_day(as_of))
        return {"layer": layer, "digest": digest}, [f"栅格 {layer} 已入库（{digest[:12]}）"]
    done = desk.add_layer(layer, file, mapping=rules, is_partial=partial, as_of=read_day(as_of), **options)
    if refused and done.refused:
        reports.write_refused(done.refused_rows, refused)
    lines = [f"{layer}：读入 {done.rows_read} 行，入库 {done.stored} 行，退回 {done.refused} 行", *done.notes]
    lines += [f"  {p.message}" for p in done.problems[:20]]
    lines += [f"  …另有 {len(done.problems) - 20} 条，见 check 或退回表"] if len(done.problems) > 20 else []
    counts = {"rows_read": done.rows_read, "stored": done.stored, "refused": done.refused, "digest": done.digest}
    return {**counts, "layer": layer, "notes": list(done.notes), "problems": [vars(p) for p in done.problems]}, lines


@command("check office --strict")
@click.argument("office", type=FOLDER)
@click.option("--strict", is_flag=True, help="exit 3 when any error or warning is left")
def check(office: Path, strict: bool) -> Result:
    """Tell the data quality: per layer rows, problems by kind, unmatched villages."""
    desk = open_office(office)
    if not desk.sources():
        return {"layers": [], "problems": []}, ["还没有图层：用 add 命令加入第一份数据。"]
    report = reports.quality(desk.workspace(), desk.problems())
    failed = strict and any(row["severity"] != "note" for row in report["problems"])
    lines = [f"{row['layer']}：{row['rows']} 行，{row['file_name']}（{row['as_of']}）" for row in report["layers"]]
    lines += [
        f"  {row['layer']} · {row['severity']} · {row['kind']}：{row['count']} 条，例：{row['example']}"
        for row in report["problems"]
    ]
    return {**report, "failed": failed}, lines
