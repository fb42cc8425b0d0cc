"""Several processes of made-up machines write one results folder, one of them is killed, and others read, merge and compact it; prints JSON.

Done twice: with the system's locks, and with leases as on a file system that has none.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from killed_runs import differing

from urbanbench.errors import UrbanbenchError
from urbanbench.gathered.compact import compact, expand
from urbanbench.gathered.merge import merge
from urbanbench.result_folders import load_results

WRITER = """
import json, sys
from pathlib import Path
from urbanbench import leases
from urbanbench.result import RunSpec
from urbanbench.run.loop import run
from urbanbench.store import ResultStore

machine, out, models, heads = sys.argv[1:]
leases.this_machine = lambda: machine
leases.BEAT_S, leases.DEAD_S = 0.5, 5.0
specs = [
    RunSpec(model, task, "toyville:tiny", split=split, head=head, seeds=(0, 1))
    for model in models.split(",") for task in ("popdensity", "income", "landuse")
    for split in ("random", "block") for head in heads.split(",")
]
run(specs, ResultStore(Path(out)), progress=lambda result, new: print(json.dumps([result.run_id, new]), flush=True))
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--writers", type=int, default=8)
    asked.add_argument("--smallest", action="store_true")
    given = asked.parse_args()
    kinds = (("locks of the system", ""), ("leases", "lease"))
    writers, models, heads = given.writers, "random,mean,poi-counts,poi-shares", "ridge,knn"
    if given.smallest:
        kinds, writers, models, heads = kinds[1:], 2, "random", "ridge"
    with tempfile.TemporaryDirectory(prefix="writers-") as temporary:
        place = Path(temporary)
        calm = place / "calm"
        if not given.smallest:
            together(calm, 1, models, heads, locks="", kill=False)
        found = {}
        for word, locks in kinds:
            here = place / word
            found[word] = together(here, writers, models, heads, locks=locks, kill=not given.smallest)
            if not given.smallest:
                found[word]["differing files"] = differing(calm / "results", here / "results")
    json.dump(found, sys.stdout, indent=1)


def together(place: Path, writers: int, models: str, heads: str, *, locks: str, kill: bool) -> dict:
    """Let some processes write one folder at once; return what was counted."""
    out, began = place / "results", time.monotonic()
    place.mkdir(parents=True, exist_ok=True)
    logs = [place / f"writer{number}.log" for number in range(writers)]
    running = [start(number, out, models, heads, logs[number], locks) for number in range(writers)]
    reading = {"boards read": 0, "rows seen last": 0, "merges": 0, "compactions": 0, "readers' faults": []}
    struck = 0
    while any(one.poll() is None for one in running):
        read_along(out, place, reading)
        if kill and not struck and len(said(logs[0])) >= 3:
            os.kill(running[0].pid, signal.SIGKILL)
            struck = 1
        time.sleep(0.2)
    told = [one for log in logs for one in said(log)]
    new = [run_id for run_id, is_new in told if is_new]
    merge([out], place / "merged")
    return {
        "writers": writers,
        "killed": struck,
        "ended badly": sum(one.returncode not in ((0, -9) if kill else (0,)) for one in running),
        "cells": len({run_id for run_id, _ in told}),
        "computed": len(new),
        "computed twice": len(new) - len(set(new)),
        **reading,
        "temporary files left": len([*out.rglob(".*.part")]),
        "merged differs in": differing(out, place / "merged"),
        "seconds": round(time.monotonic() - began, 1),
    }


def start(number: int, out: Path, models: str, heads: str, log: Path, locks: str) -> subprocess.Popen:
    words = [sys.executable, "-c", WRITER, f"machine {number}", str(out), models, heads]
    env = os.environ | {"OMP_NUM_THREADS": "1", "URBANBENCH_QUIET": "1", "URBANBENCH_LOCKS": locks}
    with log.open("w") as told:
        return subprocess.Popen(words, env=env, stdout=told, stderr=subprocess.DEVNULL)


def said(log: Path) -> list[tuple[str, bool]]:
    """Return the whole lines of a writer: run id, and whether it computed the row."""
    lines = log.read_text().rpartition("\n")[0].splitlines()
    return [tuple(json.loads(line)) for line in lines]


def read_along(out: Path, place: Path, reading: dict) -> None:
    """Read the folder as a board does, merge it and compact it, while it is written."""
    if not out.is_dir() or not any(out.glob("*/*/*.json")):
        return
    try:
        reading["rows seen last"] = len(load_results(out))
        reading["boards read"] += 1
        merge([out], place / "merged")
        reading["merges"] += 1
        compact(out, place / "all.parquet")
        expand(place / "all.parquet", place / "expanded")
        reading["compactions"] += 1
    except UrbanbenchError as error:
        reading["readers' faults"].append(str(error))


if __name__ == "__main__":
    main()
