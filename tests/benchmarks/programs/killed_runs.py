"""Kill a grid, its workers, a city's build, merges and compactions many times, and compare the end with an undisturbed run; prints JSON.

Every kill is SIGKILL, at a moment drawn from a seed: after some seconds, or while a file of a chosen kind is being written.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LONGEST_WAIT_S = 20.0
LOOKS_PER_S = 200
WHOM = ("tree", "driver", "worker")
"""The command with all it started, the command alone, or one process that it started."""

MOMENTS = {
    "a city is built": "cache/cities/.*.part",
    "vectors are stored": "cache/embeddings/.*.part",
    "a stage is checkpointed": "cache/training/*/.*.part",
    "a reading is kept": "cache/readings/.*.part",
    "predictions are written": "results/*/*/predictions/.*.part",
    "a row is written": "results/*/*/.*.part",
    "rows are merged": "merged/*/*/.*.part",
    "a folder is compacted": ".all.parquet.*.part",
}
"""What is under way while a file of this name is there."""

OF_TABLES = ("a city is built", "vectors are stored", "predictions are written", "a row is written")
OF_TRAINING = ("a stage is checkpointed", "a reading is kept")
"""What happens in grids with training only."""

OFTEN = (
    "import urbanbench.toolkit.training.checkpoint as kept; kept.PAUSE_S = kept.MOST_S = 0.0; "
    "from urbanbench.cli.app import main; raise SystemExit(main())"
)
"""The command line, with a checkpoint at every check and step of training."""


@dataclass(frozen=True)
class Grid:
    """What is run: a cheap table with a model that trains, or the smallest there is."""

    name: str
    words: str
    trains: bool = False

    def command(self, place: Path, jobs: int) -> list[str]:
        start = ["-c", OFTEN] if self.trains else ["-m", "urbanbench"]
        return [
            sys.executable,
            *start,
            "run",
            *self.words.split(),
            "--jobs",
            str(jobs),
            "--out",
            str(place / "results"),
        ]


TABLE = Grid(
    "table",
    "-m random,mean,poi-counts,poi-shares,coordinates,area --no-floors -t popdensity,income,landuse -c toyville:tiny "
    "--split random,block --head ridge,knn --seeds 2 --device cpu",
)
TRAINING = Grid(
    "training",
    "-m hgi --preset quick --set max_steps=60 --no-floors --adds -t popdensity,landuse -c toyville:tiny "
    "--head ridge --seeds 2 --device cpu",
    trains=True,
)
SMALLEST = Grid(
    "smallest", "-m random --no-floors -t popdensity -c toyville:tiny --head ridge,knn --seeds 2 --device cpu"
)
ROUNDS = ((TABLE, 1), (TRAINING, 2), (TABLE, 2), (TRAINING, 1))
"""What is run one after the other, and in how many processes."""
MOST_IN_A_ROUND = 24


@dataclass
class Tally:
    """What was seen."""

    killed: Counter[str] = field(default_factory=Counter)
    ended_first: int = 0
    rounds: int = 0
    rows: int = 0
    left_by_kills: int = 0
    left_at_the_end: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(self.killed.values())


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=100)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--folder", type=Path, help="Where to work; kept.")
    asked.add_argument("--smallest", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="killed-") as temporary:
        place = given.folder or Path(temporary)
        rounds, kills = (((SMALLEST, 1),), 1) if given.smallest else (ROUNDS, given.kills)
        found = disturbed(place, rounds, kills, given.seed)
    json.dump(found, sys.stdout, indent=1)
    if found["faults"]:
        sys.exit(1)


def disturbed(place: Path, rounds: Sequence[tuple[Grid, int]], kills: int, seed: int) -> dict:
    """Run each grid calmly, then kill it again and again; return what was counted."""
    rng, tally, began = random.Random(seed), Tally(), time.monotonic()
    calm_s = {
        grid.name: calm_run(grid, place / f"calm-{grid.name}")
        for grid in dict.fromkeys(grid for grid, _ in rounds)
    }
    while tally.kills < kills:
        grid, jobs = rounds[tally.rounds % len(rounds)]
        calm, here = place / f"calm-{grid.name}", place / f"round{tally.rounds}"
        share = min(MOST_IN_A_ROUND, kills - tally.kills)
        kill_often(grid, here, jobs, share, calm_s[grid.name], rng, tally)
        compare(calm, here, tally)
        if grid is not SMALLEST:
            kill_gathering(calm, here, rng, tally)
        tally.rounds += 1
        shutil.rmtree(here)
        found = told(tally, sum(calm_s.values()), time.monotonic() - began)
        sys.stderr.write(f"{json.dumps(found)}\n")
    return found


def calm_run(grid: Grid, place: Path) -> float:
    """Run a grid to its end and return the seconds it took."""
    began = time.monotonic()
    finish(grid.command(place, 1), place)
    return time.monotonic() - began


def told(tally: Tally, calm_s: float, whole_s: float) -> dict:
    return {
        "kills": tally.kills,
        "killed": dict(sorted(tally.killed.items())),
        "runs that ended before their kill": tally.ended_first,
        "rounds": tally.rounds,
        "rows compared": tally.rows,
        "temporary files left by kills": tally.left_by_kills,
        "temporary files left at the end": tally.left_at_the_end,
        "faults": tally.faults,
        "seconds undisturbed": round(calm_s, 1),
        "seconds in all": round(whole_s, 1),
    }


def environment(place: Path) -> dict[str, str]:
    place.mkdir(parents=True, exist_ok=True)
    return os.environ | {
        "URBANBENCH_CACHE": str(place / "cache"),
        "OMP_NUM_THREADS": "1",
        "URBANBENCH_QUIET": "1",
    }


def finish(command: list[str], place: Path) -> None:
    """Run a command to its end."""
    done = subprocess.run(command, env=environment(place), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")


def kill_often(
    grid: Grid, place: Path, jobs: int, kills: int, calm_s: float, rng: random.Random, tally: Tally
) -> None:
    """Start a command and kill it so many times, or until nothing is left to do; then let it end."""
    command = grid.command(place, jobs)
    moments = [*OF_TABLES, *(OF_TRAINING if grid.trains else ())]
    for _ in range(kills):
        moment = rng.choice(["", "", "", *moments])
        whom = rng.choice(WHOM if jobs > 1 else WHOM[:2])
        old = found_at(place, moment)
        due = awaited(place, moment) if moment else after(rng.uniform(0.5, max(4.0, calm_s / 3)))
        if killed(command, place, whom, due, rng):
            met = found_at(place, moment) - old  # it is left where it was under way
            tally.killed[f"{whom}, {f'while {moment}' if met else 'at any time'}"] += 1
        else:
            tally.ended_first += 1
            if not moment:
                break
        tally.left_by_kills += len(leftovers(place))
    finish(command, place)
    if jobs > 1:  # a worker that was killed at last is a failed row, which the next command computes
        finish(command, place)
    tally.left_at_the_end += len(leftovers(place))


def kill_gathering(calm: Path, place: Path, rng: random.Random, tally: Tally) -> None:
    """Kill a merge and a compaction while they write, then let them end."""
    merged, table = place / "merged", place / "all.parquet"
    program = [sys.executable, "-m", "urbanbench", "results"]
    for words, moment in (
        (["merge", str(place / "results"), "-o", str(merged)], "rows are merged"),
        (["compact", str(place / "results"), "-o", str(table)], "a folder is compacted"),
    ):
        if killed([*program, *words], place, "tree", awaited(place, moment), rng):
            tally.killed[f"tree, while {moment}"] += 1
        finish([*program, *words], place)
    finish([*program, "expand", str(table), "-o", str(place / "expanded")], place)
    for other in (merged, place / "expanded"):
        tally.faults += [f"{other.name}: {one}" for one in differing(calm / "results", other)]


def killed(command: list[str], place: Path, whom: str, due: Iterator[bool], rng: random.Random) -> bool:
    """Start a command and kill it, or what it started, when it is due; tell whether it still lived then."""
    process = subprocess.Popen(
        command,
        env=environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for now in due:
        if process.poll() is not None:
            return False
        if now:
            break
        time.sleep(1 / LOOKS_PER_S)
    alive = process.poll() is None
    strike(process, whom, rng)
    process.wait(timeout=300)
    return alive


def strike(process: subprocess.Popen, whom: str, rng: random.Random) -> None:
    """Send SIGKILL, and wait until nothing of a killed tree is left; a command that lost a worker goes on to its end."""
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = []
    victims = {"tree": started, "driver": [], "worker": [rng.choice(started)] if started else []}[whom]
    for one in victims:
        one.kill()
    if whom != "worker" or not victims:
        process.send_signal(signal.SIGKILL)
        psutil.wait_procs(started, timeout=60)


def after(seconds: float) -> Iterator[bool]:
    end = time.monotonic() + seconds
    while True:
        yield time.monotonic() >= end


def awaited(place: Path, moment: str) -> Iterator[bool]:
    """Wait until a new file of a moment is there, at most some seconds."""
    end, old = time.monotonic() + LONGEST_WAIT_S, found_at(place, moment)
    while True:
        yield time.monotonic() >= end or bool(found_at(place, moment) - old)


def found_at(place: Path, moment: str) -> set[Path]:
    return set(place.glob(MOMENTS[moment])) if moment else set()


def leftovers(place: Path) -> list[Path]:
    """Return temporary files and folders below a place."""
    return list(place.rglob(".*.part"))


def compare(calm: Path, place: Path, tally: Tally) -> None:
    tally.rows += len(list((place / "results").glob("*/*/*__*.json")))
    tally.faults += differing(calm / "results", place / "results")


def differing(one: Path, other: Path) -> list[str]:
    """Say which rows and files of predictions are not the same in two results folders."""
    ours, theirs = files_of(one), files_of(other)
    found = [f"{name} is in one folder only" for name in sorted(ours.keys() ^ theirs.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        read: Callable[[Path], object] = without_times if name.endswith(".json") else Path.read_bytes
        if read(ours[name]) != read(theirs[name]):
            found.append(f"{name} differs")
    return found


def files_of(folder: Path) -> dict[str, Path]:
    found = [*folder.glob("*/*/*.json"), *folder.glob("*/*/*/[!.]*.parquet")]
    return {path.relative_to(folder).as_posix(): path for path in found}


def without_times(path: Path) -> object:
    """Read a row without what it cost, when it was made, how long each stage of training took, and the hash of all that."""
    row = json.loads(path.read_text(encoding="utf-8"))
    del row["cost"], row["content"]
    row["provenance"].pop("started_utc")
    return forgetting(row, {"seconds"})


def forgetting(value: object, names: set[str]) -> object:
    if isinstance(value, dict):
        return {name: forgetting(one, names) for name, one in value.items() if name not in names}
    return [forgetting(one, names) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
