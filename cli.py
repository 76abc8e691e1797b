"""The same functions as commands. Exit 0: done; 2: a mistake you can mend (one sentence); 3: a check failed."""

import functools
import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from analysis.assess import assess as run_assess
from analysis.policy import load_policy
from demo.county import write_county
from geo.errors import AppError, InputError
from geo.raster import zonal as zonal_statistics
from layers.match import load_mapping
from tracker.office import create, open_office
from views import reports, results
from views.server import serve as serve_office

POLICIES = Path(__file__).resolve().parent / "policies"
SIZES = ["tiny", "county", "city", "province"]
RASTERS = ("dem", "population", "landcover")
Result = tuple[dict[str, Any], list[str]]
FOLDER = click.Path(path_type=Path)
FILE = click.Path(exists=True, path_type=Path)


class Shell(click.Group):
    """Commands whose deliberate errors end as one plain sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn an AppError into its sentence."""
        try:
            return super().invoke(ctx)
        except AppError as error:
            click.echo(f"错误：{error}", err=True)
            ctx.exit(2)


@click.group(cls=Shell, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """七有图 Qiyou Atlas: from bureau files to coverage gaps, road candidates and dangerous housing."""


def command(example: str, group: click.Group = cli) -> Callable[[Callable[..., Result]], click.Command]:
    """Register a function that returns (data, lines) as a command with --json and an example in its help."""

    def register(function: Callable[..., Result]) -> click.Command:
        @functools.wraps(function)
        def run(as_json: bool, **arguments: Any) -> None:
            data, lines = function(**arguments)
            click.echo(json.dumps(data, ensure_ascii=False, indent=1, default=str) if as_json else "\n".join(lines))
            if data.get("failed"):
                sys.exit(3)

        with_json = click.option("--json", "as_json", is_flag=True, help="one JSON document on stdout, nothing else")
        name = function.__name__.rstrip("_")
        return group.command(name, epilog=f"\b\nExample:\n  python cli.py {example}")(with_json(run))

    return register


def progress(text: str) -> None:
    """Tell how far the work is, on stderr."""
    click.echo(text, err=True)


def read_day(text: str | None) -> date | None:
    """Read a day written as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"日期“{text}”无法识别：请写成 2018-12-31 的样子。") from None


@command("demo --size county --seed 1 --out d")
@click.option("--size", type=click.Choice(SIZES), default="county", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", type=FOLDER, required=True, help="folder for files/ and office/")
def demo(size: str, seed: int, out: Path) -> Result:
    """Write a synthetic county: files as bureaus send them, and the office made from them."""
    made = write_county(size, seed, out / "files", progress=progress)
    office = create(out / "office", policy=POLICIES / f"{made.policy_id}.toml", name=made.name)
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
    lines = [f"{name}：读入 {a}，入库 {b}，退回 {c}" for name, (a, b, c) in added.items()]
    return {"office": out / "office", "added": added}, [
        *lines,
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


@command("assess office --day 2018-12-31 --out r")
@click.argument("office", type=FOLDER)
@click.option("--policy", type=FILE, help="another policy profile than the office's own")
@click.option("--day", help="assess as of this day (default: the latest day of the data)")
@click.option("--out", type=FOLDER, required=True, help="folder for the result files")
def assess(office: Path, policy: Path | None, day: str | None, out: Path) -> Result:
    """Write coverage gaps, road candidates, dangerous housing, access and contradictions."""
    desk = open_office(office)
    on = read_day(day) or desk.default_day()
    profile = load_policy(policy or desk.policy_path)
    allowance = int(desk.settings.get("max_age_days", 0))
    done = run_assess(
        desk.workspace(on),
        profile,
        on,
        rasters=desk.rasters(on),
        max_age_days=allowance,
        on_stage=progress,
        timer=perf_counter,
    )
    paths = results.write(done, out)
    lines = [f"{name}：{seconds:.2f} 秒" for name, seconds in done.stage_seconds.items()]
    return {"summary": done.summary, "files": paths}, [*reports.headline(done), *lines, f"已写入 {out}"]


@command("zonal --raster pop.tif --zones villages.gpkg --id village_id --stat sum --out pop.csv")
@click.option("--raster", type=FILE, required=True)
@click.option("--zones", type=FILE, required=True)
@click.option("--id", "field", required=True, help="column that names a zone")
@click.option("--stat", type=click.Choice(["sum", "mean", "min", "max"]), required=True)
@click.option("--out", type=FOLDER, required=True)
def zonal(raster: Path, zones: Path, field: str, stat: str, out: Path) -> Result:
    """Give raster statistics by zone (a cell counts where its centre lies)."""
    values = reports.zonal_table(zonal_statistics, raster, zones, field, stat)
    reports.write_table(values, out)
    return {"zones": len(values), "out": out}, [f"{len(values)} 个分区的 {stat} 已写入 {out}"]


@command("bench --size county --against naive")
@click.option("--size", type=click.Choice(SIZES), default="county", show_default=True)
@click.option("--against", type=click.Choice(["naive"]), help="also run the script a user would write")
def bench(size: str, against: str | None) -> Result:
    """Measure seconds by stage on the demo county, and the ratio to the script a user would write."""
    from benchmarks.stages import measure

    report = measure(size, against=against)
    return report, [json.dumps(report, ensure_ascii=False, indent=1)]


@command("serve office --port 8501")
@click.argument("office", type=FOLDER)
@click.option("--port", type=int, default=8501, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="another address needs users first")
def serve(office: Path, port: int, host: str) -> Result:
    """Serve the app."""
    serve_office(office, host=host, port=port)
    return {}, []


if __name__ == "__main__":
    cli()
