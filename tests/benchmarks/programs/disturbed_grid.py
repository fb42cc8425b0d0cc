"""A grid on a Ray cluster of three nodes whose workers are killed and one of whose nodes is removed, held against an undisturbed local run; prints JSON."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from urbanbench.datasets.toyville import Toyville
from urbanbench.result import OK, RunSpec
from urbanbench.run.executors.on_ray import OnRay
from urbanbench.run.loop import run
from urbanbench.store import ResultStore

FLOORS = ("poi-counts", "tfidf", "building-stats", "coordinates", "area", "flow-rows")
TASKS = ("popdensity", "income", "gdp", "housing", "landuse")
BRIEF = (("category_epochs", "1"), ("max_steps", "5"))
STORE_BYTES = 80_000_000
ROW = {"started_utc"}
WORKERS = {"ray::IDLE", "ray::work"}


def main(cells: int, nodes: int, every_s: float) -> None:
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "URBANBENCH_QUIET": "1"}
    with tempfile.TemporaryDirectory(prefix="urbanbench-") as scratch:
        folder = Path(scratch)
        os.environ["URBANBENCH_CACHE"] = str(folder / "cache")
        specs = grid(hamlet(folder), cells)
        start = time.perf_counter()
        run(specs, ResultStore(folder / "local"))
        alone = time.perf_counter() - start
        os.environ["URBANBENCH_CACHE"] = str(folder / "driver")
        found = disturbed(specs, folder, nodes, every_s)
        local, spread = rows_in(folder / "local"), rows_in(folder / "spread")
        differ = sorted(name for name, told in local.items() if spread.get(name) != told)
        for name in differ[:3]:
            sys.stderr.write(f"{name} differs:\n{local[name]}\n{spread.get(name)}\n")
        same = len(local) - len(differ)
        compared = {
            "files": len(local),
            "files that are the same": same,
            "files beyond": len(spread.keys() - local.keys()),
        }
        json.dump({"cells": len(specs), "local seconds": round(alone)} | found | compared, sys.stdout)


def hamlet(folder: Path) -> Path:
    """A city that only this machine has."""
    city = folder / "hamlet"
    Toyville(size="tiny", images=False).build(city)
    told = json.loads((city / "city.json").read_text(encoding="utf-8")) | {"name": "hamlet"}
    (city / "city.json").write_text(json.dumps(told), encoding="utf-8")
    return city


def grid(city: Path, cells: int) -> list[RunSpec]:
    """Floors on all tasks, and seven short trainings of HGI."""
    asked = [(floor, task, 0, ()) for floor in FLOORS for task in TASKS]
    asked += [("hgi", task, seed, BRIEF) for seed in range(7) for task in TASKS[:3]]
    specs = [
        RunSpec(
            model, task, str(city), split=split, head=head, seeds=(0, 1), model_seed=seed, settings=settings
        )
        for model, task, seed, settings in asked
        for split in ("random", "block")
        for head in ("ridge", "knn")
    ]
    step = max(1, len(specs) // cells)
    return specs[::step][:cells]


def disturbed(specs: list[RunSpec], folder: Path, nodes: int, every_s: float) -> dict[str, float]:
    """Run the grid on a cluster; a worker is killed every so many seconds, and a node is removed half way."""
    import ray
    from ray.cluster_utils import Cluster

    def node(number: int) -> dict[str, object]:
        variables = {"URBANBENCH_CACHE": str(folder / f"node{number}")}
        return {"num_cpus": 1, "object_store_memory": STORE_BYTES, "env_vars": variables}

    cluster = Cluster(initialize_head=True, head_node_args=node(0) | {"include_dashboard": False})
    others = [cluster.add_node(**node(number)) for number in range(1, nodes)]
    killed, done, stop = [], [], threading.Event()

    def kill() -> None:
        while every_s and not stop.wait(every_s):
            found = workers(cluster)
            if found:
                one = found[len(killed) % len(found)]
                one.send_signal(signal.SIGKILL)
                killed.append(one.pid)

    def told(_result: object, _new: bool) -> None:
        done.append(1)
        if every_s and others and len(done) == len(specs) // 2:
            cluster.remove_node(others.pop())

    killer, start = threading.Thread(target=kill), time.perf_counter()
    killer.start()
    try:
        results = run(specs, ResultStore(folder / "spread"), executor=OnRay(cluster.address), progress=told)
        seconds = time.perf_counter() - start
    finally:
        stop.set()
        killer.join()
        ray.shutdown()
        cluster.shutdown()
    removed = nodes - 1 - len(others)
    fine = sum(one.status == OK for one in results)
    return {
        "seconds": round(seconds),
        "workers killed": len(killed),
        "nodes removed": removed,
        "cells with scores": fine,
    }


def workers(cluster: object) -> list[psutil.Process]:
    raylets = [
        one.process.pid for node in cluster.list_all_nodes() for one in node.all_processes.get("raylet", [])
    ]
    found = []
    for pid in raylets:
        if psutil.pid_exists(pid):
            found += [one for one in psutil.Process(pid).children() if one.name() in WORKERS]
    return sorted(found, key=lambda one: one.pid)


def rows_in(folder: Path) -> dict[str, object]:
    """Every file of a results folder: rows without times, all others byte by byte."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            found[inside.as_posix()] = row(path) if path.suffix == ".json" else path.read_bytes()
    return found


def row(path: Path) -> dict[str, object]:
    told = json.loads(path.read_text(encoding="utf-8"))
    for name in ("cost", "content"):
        told.pop(name)
    told["provenance"] = {name: one for name, one in told["provenance"].items() if name not in ROW}
    for stage in told.get("training", ()):
        stage.pop("seconds", None)
    return told


@contextmanager
def environment_kept() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument(
        "--every", type=float, default=4.0, help="seconds from one killed worker to the next; 0 for none"
    )
    parser.add_argument("--smallest", action="store_true")
    asked = parser.parse_args()
    with environment_kept():
        if asked.smallest:
            main(2, 1, 0.0)
        else:
            main(asked.cells, 3, asked.every)
