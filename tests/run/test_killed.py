"""Killed at any point, a run goes on where it was; two runs on one folder share the work."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

TASKS = {3: "popdensity,income,landuse", 5: "popdensity,income,gdp,crime,landuse"}


def command(model: Path, city: Path, out: Path, *, tasks: int, powers: int) -> list[list[str]]:
    """Command lines of one table: tasks x 2 splits x 2 heads each, one line per parameter setting."""
    words = [sys.executable, "-m", "urbanbench", "run", "-m", str(model), "-t", TASKS[tasks], "-c", str(city)]
    words += [
        "--split",
        "random,block",
        "--head",
        "ridge,knn",
        "--seeds",
        "2",
        "--no-floors",
        "--no-isolate",
        "--device",
        "cpu",
    ]
    return [
        [*words, "--out", str(out), "--set", f"power={p + 1}", "--set", "pause_s=0.1"] for p in range(powers)
    ]


def environment(folder: Path) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    return os.environ | {
        "URBANBENCH_CACHE": str(folder / "cache"),
        "EMBED_LOG": str(folder / "embeds.log"),
        "OMP_NUM_THREADS": "1",
    }


def finish(lines: list[list[str]], env: dict[str, str]) -> str:
    said = ""
    for line in lines:
        done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said += done.stderr
    return said


def results_of(out: Path) -> dict[str, dict]:
    """Every result by run id; reading fails on half a file."""
    found = [json.loads(path.read_text()) for path in out.glob("*/*/*.json")]
    assert len({one["run_id"] for one in found}) == len(found)
    return {one["run_id"]: one for one in found}


def scores_of(out: Path) -> dict[str, tuple]:
    return {
        run_id: (one["status"], one["scores"], one["provenance"]["split_digest"])
        for run_id, one in results_of(out).items()
    }


def run_and_kill(lines: list[list[str]], env: dict[str, str], after_s: float) -> None:
    end = time.monotonic() + after_s
    for line in lines:
        process = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return


def check_killed(
    village: Path, counting: Path, tmp_path: Path, *, tasks: int, powers: int, kills: int
) -> None:
    started = time.monotonic()
    calm = environment(tmp_path / "calm")
    finish(command(counting, village, tmp_path / "calm" / "results", tasks=tasks, powers=powers), calm)
    whole_s = time.monotonic() - started
    env, out = environment(tmp_path / "killed"), tmp_path / "killed" / "results"
    lines = command(counting, village, out, tasks=tasks, powers=powers)
    rng, kept, cached = random.Random(kills), {}, set()
    for _ in range(kills):
        run_and_kill(lines, env, rng.uniform(0.1, 1.0) * whole_s)
        now = {path: path.read_bytes() for path in out.glob("*/*/*.json")}
        assert all(now.get(path) == content for path, content in kept.items()), (
            "a finished result was lost or redone"
        )
        kept = now
        entries = {path.stem for path in (tmp_path / "killed" / "cache" / "embeddings").glob("*.json")}
        assert cached <= entries
        cached = entries
    finish(lines, env)
    assert scores_of(out) == scores_of(tmp_path / "calm" / "results")
    assert len(scores_of(out)) == tasks * powers * 4
    predicted = {path.stem for path in out.glob("*/*/predictions/[!.]*.parquet")}
    assert predicted == {path.stem for path in out.glob("*/*/*__*.json")}
    embeds = (tmp_path / "killed" / "embeds.log").read_text().splitlines()
    assert set(embeds) == set((tmp_path / "calm" / "embeds.log").read_text().splitlines())
    assert (
        len(embeds) <= len(set(embeds)) + kills
    )  # a kill between embedding and storing costs one embedding, no more


def test_killed_run_goes_on_where_it_was(village, counting, tmp_path):
    check_killed(village, counting, tmp_path, tasks=3, powers=1, kills=2)


@pytest.mark.slow
def test_forty_cells_killed_twenty_times_give_the_undisturbed_results(village, counting, tmp_path):
    check_killed(village, counting, tmp_path, tasks=5, powers=2, kills=20)


def test_two_runs_at_once_share_the_cells(telling_village, counting, tmp_path):
    env, out = environment(tmp_path / "both"), tmp_path / "both" / "results"
    [line] = command(counting, telling_village, out, tasks=3, powers=1)
    pair = [
        subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in "ab"
    ]
    said = [process.communicate()[1] for process in pair]
    assert [process.returncode for process in pair] == [0, 0], said
    told = [row for text in said for row in text.splitlines() if row.startswith("[")]
    assert len(told) == 2 * 12
    assert sum(", kept" not in row for row in told) == 12, "every cell is computed by one of the two"
    assert len(results_of(out)) == 12
    embeds = (tmp_path / "both" / "embeds.log").read_text().splitlines()
    assert len(embeds) == len(set(embeds)) == 2
