"""Road questions beside what a user would write: gaps of all candidates, programmes with their gap, noding against the truth.

    python -m benchmarks.roads --only gap programme noding

CPU seconds (pgRouting: of its server process), on drawn counties (`benchmarks.drawn_roads`). The answers are compared on
the way. Where PostgreSQL or pgRouting is missing the row says so, loudly, instead of leaving it out.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from analysis.hardened import edge_facts
from analysis.plan import compare, frontier, programme, usual_list, works_tree
from analysis.polish import rehearse, solve
from analysis.prices import relax
from analysis.roads import RoadPlan
from analysis.schedule import Task, reached
from analysis.surfaces import HARDENED
from analysis.worth import village_numbers
from benchmarks.drawn_roads import drawn_plan
from benchmarks.kernels import seconds
from benchmarks.noding import noding_rows
from geo.paths import ways

SIZES = (200, 1_000, 2_000, 20_000)
SHARE, YEARS, PG_RUNS = 0.3, 3, 10


def gap_rows(size: int) -> dict[str, Any]:
    """Least unhardened length from every candidate to the core, ours, networkx and pgRouting on one noded network."""
    plan = drawn_plan(size)
    core, states = plan.core, plan.states
    assert core is not None
    assert states is not None
    network = states.network
    is_usable, surface, is_core = edge_facts(core, states)
    length = network.edge_length_mm.astype(np.float64)
    gap = np.where(is_usable, np.where(surface == HARDENED, 0.0, length), np.inf)
    sources = np.unique(np.r_[network.edge_from[is_core], network.edge_to[is_core]])
    at = pd.Index(plan.natural_villages["natural_village_id"]).get_indexer(plan.candidates["natural_village_id"])
    nodes = states.node[at]
    ways(network, first_mm=gap, then_mm=length, sources=sources)
    ours, found = seconds(lambda: ways(network, first_mm=gap, then_mm=length, sources=sources))
    known = found.first_mm[nodes]
    report: dict[str, Any] = {"candidates": len(nodes), "edges": len(length), "ours": ours}

    def by_networkx() -> Any:
        graph = nx.Graph()
        graph.add_edges_from(("core", node, {"mm": 0.0}) for node in sources.tolist())
        ends = zip(network.edge_from.tolist(), network.edge_to.tolist(), gap.tolist(), strict=True)
        for one, two, mm in ends:
            if mm < np.inf and (not graph.has_edge(one, two) or mm < graph[one][two]["mm"]):
                graph.add_edge(one, two, mm=mm)
        return nx.single_source_dijkstra_path_length(graph, "core", weight="mm")

    theirs, lengths = seconds(by_networkx, runs=1)
    assert all(lengths.get(node, np.inf) == mm for node, mm in zip(nodes.tolist(), known.tolist(), strict=True))
    report["networkx"] = theirs
    report["pgrouting"] = by_pgrouting(network, gap, sources, nodes, known)
    return report


@contextmanager
def server() -> Iterator[Any]:
    """Start a throw-away PostgreSQL with pgRouting and connect; None where it cannot be had."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    try:
        import psycopg
        from cluster import running

        with running() as address, psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")
            connection.execute("CREATE EXTENSION pgrouting")
            yield connection
    except BaseException as error:
        if isinstance(error, AssertionError | KeyboardInterrupt):
            raise
        print(f"!!! pgRouting NOT MEASURED: {type(error).__name__}: {error}", file=sys.stderr)
        yield None


def by_pgrouting(network: Any, gap: Any, sources: Any, nodes: Any, known: Any) -> Any:
    """Ask pgRouting the same question; the core is one vertex. CPU seconds of its server process."""
    with server() as connection:
        if connection is None:
            return "NOT MEASURED: needs PostgreSQL with PostGIS and pgRouting (apt install postgresql-15-pgrouting)"
        place = np.arange(1, len(network.node_xy) + 1)
        place[sources] = 0
        one, two = place[network.edge_from], place[network.edge_to]
        connection.execute("CREATE TABLE roads (id bigint, source bigint, target bigint, cost float8)")
        with connection.cursor() as cursor, cursor.copy("COPY roads FROM STDIN") as copy:
            for edge in np.flatnonzero(np.isfinite(gap) & (one != two)).tolist():
                copy.write_row((edge, int(one[edge]), int(two[edge]), float(gap[edge])))
        connection.execute("ANALYZE roads")
        goals = sorted(set(place[nodes].tolist()) - {0})
        pid = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        ask = "SELECT end_vid, agg_cost FROM pgr_dijkstraCost('SELECT id, source, target, cost FROM roads', 0, %s::bigint[], false)"
        connection.execute(ask, (goals,)).fetchall()
        start = ticks(pid)
        for _ in range(PG_RUNS):  # its clock ticks in hundredths of a second
            rows = connection.execute(ask, (goals,)).fetchall()
        spent = (ticks(pid) - start) / PG_RUNS
        told = dict(rows)
        assert all(told.get(int(vertex), 0.0) == mm for vertex, mm in zip(place[nodes], known, strict=True))
        return round(spent, 4)


def ticks(pid: int) -> float:
    """CPU seconds of a process of this machine."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / 100


def tasks(plan: RoadPlan, tree: Any) -> Task:
    """Set the usual question: a third of the money over three years."""
    people = village_numbers(plan, tree, "population")
    budget = float(tree.cost.sum()) * SHARE / YEARS
    return Task(tree.parent, tree.cost, people, np.zeros(len(people), np.int64), np.full(YEARS, budget))


def programme_rows(size: int) -> dict[str, Any]:
    """Programmes by effort: CPU seconds and gap; what-ifs; the usual list on the same money."""
    plan = drawn_plan(size)
    spent_tree, tree = seconds(lambda: works_tree(plan), runs=1)
    task = tasks(plan, tree)
    rehearse()
    solve(task, gap=1.0, tries=1)
    report: dict[str, Any] = {"candidates": len(plan.candidates), "works": len(tree.cost)}
    report["joint"] = {
        "cpu": spent_tree, "km": round(tree.length_mm / 1e6, 1), "gap_percent": percent(1 - tree.bound_mm / tree.length_mm),
        "own_gaps_km": round(float(plan.candidates["gap_km"].sum()), 1),
        "shortest_links_km": round(works_tree(plan, shape="shortest").length_mm / 1e6, 1),
    }  # fmt: skip
    efforts = {
        "prices": {}, "slider": {"gap": 1.0, "tries": 1}, "quick": {"gap": 1.0},
        "exact (0.01 %, 10 s)": {"gap": 1e-4, "seconds": 10},
    }  # fmt: skip
    for name, asked in efforts.items():
        spent, found = seconds(lambda asked=asked: solve(task, **asked) if asked else relax(task), runs=1)
        report[name] = {"cpu": spent, "gap_percent": percent(found.gap), "solver": found.solver}
    budgets = {2018 + turn: float(amount) for turn, amount in enumerate(task.budgets)}
    made = programme(plan, budgets=budgets, tree=tree, frontier_steps=0, tries=1, gap=1.0)
    name = str(plan.candidates["natural_village_id"].iloc[5])
    edits = {
        "lock in": {"locked_in": [name]}, "lock out": {"locked_out": [name]},
        "more money": {"budgets": {**budgets, 2018: budgets[2018] * 1.2}},
    }  # fmt: skip
    for edit, changed in edits.items():
        asked = {
            "budgets": budgets,
            "tree": tree,
            "frontier_steps": 0,
            "tries": 1,
            "gap": 1.0,
            "prices": made.schedule.money,
        }
        spent, again = seconds(lambda asked=asked | changed: programme(plan, **asked), runs=1)
        report[f"what-if: {edit}"] = {"cpu": spent, "gap_percent": percent(again.gap)}
    if size <= 2_000:
        report["frontier of 12"] = {"cpu": seconds(lambda: frontier(plan, tree), runs=1)[0]}
        usual = usual_list(plan, budgets=budgets, tree=works_tree(plan, shape="shortest"))
        spent, beside = seconds(lambda: compare(plan, usual, budgets, best=made), runs=1)
        report["usual list"] = {
            "cpu": spent, "objective": beside.own_objective, "best": reached(task, made.schedule.year),
            "more_percent": percent(made.objective / max(beside.own_objective, 1) - 1), "swaps": len(beside.swaps),
        }  # fmt: skip
    return report


def percent(share: float) -> float:
    """Write a share in per cent."""
    return round(100 * share, 4)


def main() -> None:
    """Print the rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="*", choices=["gap", "programme", "noding"], default=["gap", "programme", "noding"]
    )
    parser.add_argument("--sizes", nargs="*", type=int, choices=SIZES, default=list(SIZES))
    asked = parser.parse_args()
    report: dict[str, Any] = {}
    if "noding" in asked.only:
        report["noding"] = noding_rows()
    for size in asked.sizes:
        if "gap" in asked.only:
            report[f"gap {size}"] = gap_rows(size)
        if "programme" in asked.only:
            report[f"programme {size}"] = programme_rows(size)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
