"""Commands that compute: assess, plan, zonal, bench."""

import json
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from analysis.plan import programme
from analysis.policy import load_policy
from analysis.setting import Setting
from commands.shell import FILE, FOLDER, SIZES, Result, command, progress, read_day
from geo.raster import zonal as zonal_statistics
from geo.traveltime import write_travel_time
from tracker.office import open_office
from views import plan_reports, programme_files, reports, results
from views.assessing import assess_office
from views.choices import road_choices


@command("assess office --day 2018-12-31 --out r")
@click.argument("office", type=FOLDER)
@click.option("--policy", type=FILE, help="another policy profile than the office's own")
@click.option("--day", help="assess as of this day (default: the latest day of the data)")
@click.option("--out", type=FOLDER, required=True, help="folder for the result files")
def assess(office: Path, policy: Path | None, day: str | None, out: Path) -> Result:
    """Write coverage gaps, road candidates, dangerous housing, access and contradictions."""
    desk = open_office(office)
    done = assess_office(desk, policy=policy, day=read_day(day), on_stage=progress, timer=perf_counter)
    paths = results.write(done, out)
    lines = [f"{name}：{seconds:.2f} 秒" for name, seconds in done.stage_seconds.items()]
    return {"summary": done.summary, "files": paths}, [*reports.headline(done), *lines, f"已写入 {out}"]


@command("plan office --budget 2016=800 2017=1000 2018=1200 --out p")
@click.argument("office", type=FOLDER)
@click.argument("more_years", nargs=-1, metavar="[YEAR=AMOUNT]...")
@click.option("--budget", "budgets", multiple=True, required=True, help="YEAR=AMOUNT in 万元; more years follow it")
@click.option("--gap", type=float, default=0.01, show_default=True, help="how far from the proven bound it may be")
@click.option("--seconds", type=float, default=10, show_default=True, help="longest time for the search")
@click.option("--weight", "weights", multiple=True, help="MEASURE=WORTH: people, poor_people, people_km, clinic_people")
@click.option("--year-weight", "year_weights", multiple=True, help="YEAR=WEIGHT; years not named weigh 1")
@click.option("--town-bonus", type=float, default=0.0, help="what people within their town's fair share count more")
@click.option("--fair-share", type=float, help="share of a town's people due to it (default: by the money there is)")
@click.option("--list", "own_list", type=FILE, help="the bureau's own list (xlsx, csv): compared on the same money")
@click.option("--stability", "with_stability", is_flag=True, help="also say how firmly each project stands")
@click.option("--day", help="plan on the data of this day")
@click.option("--out", type=FOLDER, help="folder for programme.csv, frontier.csv, programme.gpkg, plan.json")
def plan(
    office: Path,
    more_years: tuple[str, ...],
    budgets: tuple[str, ...],
    gap: float,
    seconds: float,
    own_list: Path | None,
    with_stability: bool,
    day: str | None,
    out: Path | None,
    **asked: Any,
) -> Result:
    """Choose which roads to harden in which year, with the proven distance to the best."""
    desk = open_office(office)
    on = read_day(day) or desk.default_day()
    money = reports.read_budgets((*budgets, *more_years))
    workspace = desk.workspace(on)
    policy, allowance = load_policy(desk.policy_path), int(desk.settings["max_age_days"])
    roads = Setting(
        workspace, policy, on, max_age_days=allowance, dem=desk.rasters(on).get("dem"), choices=road_choices(desk, on)
    ).plan
    weights = plan_reports.read_weights(workspace, policy, on, roads, **asked)
    made = programme(roads, budgets=money, gap=gap, seconds=seconds, weights=weights)
    files = programme_files.write(made, out, workspace, money) if out else []
    more, lines = plan_reports.beside(roads, made, money, weights, own_list, with_stability, out)
    data = {
        "objective": made.objective,
        "bound": made.bound,
        "gap": made.gap,
        "seconds": made.seconds,
        "solver": made.solver,
    }
    told = [*reports.plan_lines(made, money), *plan_reports.marginal_lines(made), *lines]
    return {**data, **more, "notes": made.notes, "files": files}, told


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


@command("traveltime --sources clinics.gpkg --landcover lc.tif --speeds speeds.csv --out t.tif")
@click.option("--sources", type=FILE, required=True, help="point file")
@click.option("--out", type=FOLDER, required=True, help="GeoTIFF of minutes")
@click.option("--speed-kmh", type=FILE, help="raster of speeds")
@click.option("--landcover", type=FILE, help="raster of classes")
@click.option("--speeds", type=FILE, help="CSV: class, speed_kmh, mode")
@click.option("--dem", type=FILE, help="elevation, for walking speed on slopes")
@click.option("--neighbours", type=click.Choice(["8", "16"]), default="8", show_default=True)
@click.option("--direction", type=click.Choice(["to", "from"]), default="to", show_default=True)
@click.option("--max-minutes", type=float)
def traveltime(out: Path, neighbours: str, **options: Any) -> Result:
    """Compute travel time over a surface, in minutes."""
    done = write_travel_time(out=out, neighbours=int(neighbours), **options)
    counts = f"可达 {done['reached']} 格，限时内到不了 {done['unreached']} 格，不能通行 {done['impassable']} 格"
    return done, [f"出行时间栅格（分钟）已写入 {out}：{counts}"]


@command("bench --size county --against naive")
@click.option("--size", type=SIZES, default="county", show_default=True)
@click.option("--against", type=click.Choice(["naive"]), help="also run the script a user would write")
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="processes a median is taken of")
def bench(size: str, against: str | None, runs: int) -> Result:
    """Measure CPU seconds by stage on the demo county, and the ratio to the script a user would write."""
    from benchmarks.stages import measure

    report = measure(size, against=against, runs=runs)
    return report, [json.dumps(report, ensure_ascii=False, indent=1)]
