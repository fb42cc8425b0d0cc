"""What a cell costs beside its work, how cells scale over processes beside what the simulation says, and a full board simulated to 1,000 GPUs; prints JSON.

planned_runs.py overhead [CELLS]; planned_runs.py scaling [SEEDS]; planned_runs.py board RESULTS [--figure FILE].
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from urbanbench.result import OK, RunSpec
from urbanbench.run.planning.bounds import bounds
from urbanbench.run.planning.costs import Costs
from urbanbench.run.planning.groups import grouped
from urbanbench.run.planning.jobs import Job, Node, Terms, alike
from urbanbench.run.planning.outlook import Wanted, outlook
from urbanbench.run.planning.simulate import simulate
from urbanbench.run.planning.state import CACHED, CellState
from urbanbench.store import ResultStore

GPUS = (1, 8, 64, 256, 512, 1000)
A_NODE, CORES_A_GPU = 8, 4
SPLITS, TRAININGS, SEEDS = 5, 10, 10
HEADS = ("mlp", "ridge", "lightgbm", "rf", "select")
LONG_S = 20.0
CITY_MB = {"new_york": 700.0, "singapore": 150.0}
DAY = 86_400.0


def overhead(n_cells):
    """Wall and processor milliseconds of a cell with vectors in the cache, its head taken off; of new cells and of finished ones."""
    from urbanbench.cli.run_command import progress_of
    from urbanbench.run.loop import run

    os.environ["URBANBENCH_QUIET"] = "1"
    models, tasks = ("poi-counts", "building-stats"), ("popdensity", "gdp")
    each = n_cells // (len(models) * len(tasks))
    specs = [
        RunSpec(model, task, "toyville:tiny", head="ridge", seeds=(seed,))
        for task in tasks
        for model in models
        for seed in range(each)
    ]
    found = {"cells": len(specs)}
    with tempfile.TemporaryDirectory() as folder:
        run(specs[::each], ResultStore(Path(folder, "warm")))
        store = ResultStore(Path(folder, "rows"))
        for name in ("new", "kept"):
            wall, processor = time.perf_counter(), time.process_time()
            told = progress_of(specs, store, jobs=1, overwrite="only-missing")
            rows = run(specs, store, progress=told, began=told.began)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            heads = sum(row.cost["head_seconds"] for row in rows) if name == "new" else 0.0
            found[name] = {
                "ms a cell": 1000 * (wall - heads) / len(specs),
                "processor ms a cell, head included": 1000 * processor / len(specs),
            }
        found["ms to write and wait for the disk"] = 1000 * disk_s(Path(folder))
    return found


def disk_s(folder):
    """Seconds until a small file is safely on this disk."""
    spent = []
    for number in range(20):
        began = time.perf_counter()
        with (folder / f"{number}.bin").open("wb") as stream:
            stream.write(b"0" * 4096)
            stream.flush()
            os.fsync(stream.fileno())
        spent.append(time.perf_counter() - began)
    return median(spent)


def scaling(seeds):
    """Seconds of the same 24 cells with one and two processes, beside what the plan says from the rows of a first run."""
    words = ["-m", "poi-counts,tfidf,building-stats,area", "-t", "popdensity,gdp,income", "-c", "toyville"]
    words += [
        "--split",
        "random,block",
        "--head",
        "select",
        "--seeds",
        str(seeds),
        "--no-floors",
        "--device",
        "cpu",
    ]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "URBANBENCH_QUIET": "1", "OMP_NUM_THREADS": "1"}

        def taken(jobs, out):
            began = time.perf_counter()
            command = [
                sys.executable,
                "-m",
                "urbanbench",
                "run",
                *words,
                "--jobs",
                str(jobs),
                "--out",
                str(Path(folder, out)),
            ]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            return time.perf_counter() - began

        taken(1, "first")
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "urbanbench", "list", "tasks"],
            env=environment,
            check=True,
            capture_output=True,
        )
        start_s = time.perf_counter() - began
        measured = {jobs: taken(jobs, f"jobs{jobs}") for jobs in (1, 2)}
        told = {jobs: predicted(Path(folder, "jobs1"), jobs, start_s) for jobs in (1, 2)}
    return {
        "cells": 24,
        "measured s": measured,
        "predicted s": told,
        "speed-up measured": measured[1] / measured[2],
        "speed-up predicted": told[1] / told[2],
        "load of the machine": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }


def predicted(folder, jobs, start_s):
    """What the plan says of cells whose vectors are cached, from their own rows."""
    from urbanbench.run import resolve

    rows, costs = ResultStore(folder).load_all(), Costs()
    for row in rows:
        costs.learn(row)
    orders = [
        resolve(RunSpec(c.model, c.task, c.city, head=c.head, split=c.split, seeds=c.seeds))
        for c in (row.cell for row in rows)
    ]
    states = [CellState(order, "missing", vectors=CACHED) for order in orders]
    each = overhead(80)["new"]["ms a cell"] / 1000
    terms = Terms(each, 0.003, start_s * (2 if jobs > 1 else 1))
    return outlook(grouped(states, costs), Wanted(jobs=jobs), terms).here.seconds


def board(folder, figure):
    """The full board: what the committed rows cost, for every city, model, task, split, head and training there is."""
    jobs = board_jobs(folder)
    terms = Terms(
        0.03, 0.003, 20.0, {city: CITY_MB.get(city, 50.0) / 100.0 for city in {job.city for job in jobs}}
    )
    found = {
        "jobs": len(jobs),
        "trainings": sum(job.gpus > 0 for job in jobs),
        "hours of work": sum(job.seconds for job in jobs) / 3600,
    }
    found["longest training s"] = max(job.seconds for job in jobs if job.gpus)
    found["gpus"] = {}
    for gpus in GPUS:
        nodes = alike(max(gpus // A_NODE, 1), node_of(min(gpus, A_NODE)))
        least = bounds(jobs, nodes, terms)
        row = {"least s": least.seconds, "holds": least.holds}
        for order in ("asked", "longest"):
            row[f"{order} s"] = simulate(jobs, nodes, terms, order=order).makespan
        lossy = Terms(
            terms.overhead_s, terms.dispatch_s, terms.start_s, terms.ship_s, lost_every_s=DAY, back_s=300.0
        )
        losing = simulate(jobs, nodes, lossy, order="asked")
        row |= {"with losses s": losing.makespan, "losses": losing.losses}
        found["gpus"][gpus] = row
    one = found["gpus"][1]["least s"]
    for gpus, row in found["gpus"].items():
        row |= {f"{order} efficiency": one / (gpus * row[f"{order} s"]) for order in ("asked", "longest")}
    if figure:
        drawn(found, Path(figure))
    return found


def node_of(gpus):
    return Node(CORES_A_GPU * gpus, gpus)


def board_jobs(folder):
    """Jobs of all rows' models and cities; trainings take a GPU for as long as their rows say, heads a core for as long as heads of their kind, short ones of all splits as one job."""
    rows = [row for row in ResultStore(Path(folder)).load_all() if row.status == OK]
    costs, groups, tasks, units = Costs(), {}, defaultdict(set), {}
    for row in rows:
        costs.learn(row)
        cell, level = row.cell, str(row.task.get("level"))
        trains = bool(row.training)
        key = (cell.city, cell.model, cell.preset, cell.inputs, level)
        before = groups.get(key, (0.0, False))
        groups[key] = max(before[0], made_in(row)), before[1] or trains
        tasks[cell.city, level].add(cell.task)
        units[cell.city, cell.task] = int(row.evaluation.get("n_units") or 0)
    rates = head_rates(rows)
    jobs = []
    for (city, model, _, _, level), (seconds, trains) in sorted(groups.items()):
        for training in range(TRAININGS if trains else 1):
            after = (len(jobs),)
            jobs.append(Job(f"{model} in {city}, training {training}", seconds, city, (), 1, float(trains)))
            for task in sorted(tasks[city, level]):
                for head in HEADS:
                    length = rates[head] * units[city, task] * SEEDS
                    times = 1 if length < LONG_S else SPLITS
                    jobs += [
                        Job(f"{head} for {task}", length * SPLITS / times, city, after) for _ in range(times)
                    ]
    return jobs


def made_in(row):
    stages = sum(float(one.get("seconds") or 0.0) for one in row.training)
    return max(float(row.cost.get("embed_seconds") or 0.0), stages)


def head_rates(rows):
    """Seconds a labelled unit and fit of each head; ridge and lightgbm, which no row has alone, as parts of select."""
    found = defaultdict(list)
    for row in rows:
        units = int(row.evaluation.get("n_units") or 0) * len(row.cell.seeds)
        if units >= 1000:
            found[row.cell.reader].append(float(row.cost["head_seconds"]) / units)
    rates = {head: median(found[head]) for head in ("mlp", "rf", "select")}
    rest = max(rates["select"] - rates["mlp"] - rates["rf"], 0.0) / 2
    return rates | {"ridge": rest or rates["mlp"], "lightgbm": rest or rates["mlp"]}


def drawn(found, path):
    from matplotlib.figure import Figure

    from urbanbench.figures.files import save_figure
    from urbanbench.figures.style import COLOURS, MARKS, SOFT, drawn_alike

    rows = found["gpus"]
    gpus = list(rows)
    with drawn_alike():
        canvas = Figure(figsize=(9.0, 3.8), layout="constrained")
        times, shares = canvas.subplots(1, 2)
        series = (("asked", "in sharing order"), ("longest", "longest way first"))
        for (order, title), colour, mark in zip(series, COLOURS, MARKS, strict=False):
            times.plot(
                gpus,
                [rows[one][f"{order} s"] / 3600 for one in gpus],
                color=colour,
                marker=mark,
                ms=4,
                label=title,
            )
            shares.plot(
                gpus,
                [100 * rows[one][f"{order} efficiency"] for one in gpus],
                color=colour,
                marker=mark,
                ms=4,
                label=title,
            )
        lossy = [rows[one]["with losses s"] / 3600 for one in gpus]
        times.plot(
            gpus, lossy, color=COLOURS[2], marker=MARKS[2], ms=4, ls=":", label="a node lost every day"
        )
        times.plot(
            gpus,
            [rows[one]["least s"] / 3600 for one in gpus],
            color=SOFT,
            ls="--",
            label="no order ends sooner",
        )
        times.set(
            xscale="log", yscale="log", xlabel="GPUs", ylabel="hours until all is done", title="a  Time"
        )
        shares.set(
            xscale="log",
            xlabel="GPUs",
            ylabel="of what the machines could do, %",
            title="b  Efficiency",
            ylim=(0, 105),
        )
        for axes in (times, shares):
            axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
            axes.spines[["top", "right"]].set_visible(False)
        times.legend(frameon=False)
        shares.legend(frameon=False, loc="lower left")
        save_figure(canvas, path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", default="overhead", choices=("overhead", "scaling", "board"))
    parser.add_argument(
        "--smallest", action="store_true", help="a few cells: the program runs, its figures mean nothing"
    )
    parser.add_argument("of", nargs="?")
    parser.add_argument("--figure")
    asked = parser.parse_args()
    if asked.what == "overhead":
        found = overhead(8 if asked.smallest else int(asked.of or 400))
    elif asked.what == "scaling":
        found = scaling(int(asked.of or 3))
    else:
        found = board(asked.of or "results", asked.figure)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
