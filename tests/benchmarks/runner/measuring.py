"""One benchmark at a time, each in a process of its own, so that one that fails or hangs costs one row."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1]
CHECKOUT = BENCHMARKS.parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(CHECKOUT)]
PLAIN = ["-o", "addopts=--import-mode=importlib", "--benchmark-only"]
LONGEST_REASON = 200


def listed(*, slow: bool) -> list[str]:
    """Return the names of all benchmarks, ``test_hgi.py::test_growth``, in the order of their files."""
    asked = [*PYTEST, *PLAIN, "--collect-only", "-m", "" if slow else "not slow", str(BENCHMARKS)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=CHECKOUT, env=_alone())
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    found = [line.partition("::") for line in done.stdout.splitlines() if "::" in line]
    return [f"{Path(file).name}::{rest}" for file, _, rest in found]


def measured(name: str, *, limit_s: float) -> dict[str, Any]:
    """Run one benchmark and return its row.

    Returns
    -------
    dict[str, Any]
        status ("measured", "skipped" or "failed"), reason, group (benchmarks that do the same in several ways; None), seconds (min,
        median and max of a round), rounds, timer ("wall" or "processor"), figures (what the benchmark told), took (seconds of the
        whole process), load (processes per core that wanted to run before it began), date.
    """
    load, began = os.getloadavg()[0] / (os.cpu_count() or 1), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        status, reason = _run(name, Path(folder), limit_s)
        figures = _figures(Path(folder) / "benchmark.json")
    if status == "measured" and not figures:
        status, reason = "failed", "no figures"
    took = round(time.perf_counter() - began, 1)
    date = datetime.now(UTC).date().isoformat()
    return {"status": status, "reason": reason, **figures, "took": took, "load": round(load, 1), "date": date}


def _run(name: str, folder: Path, limit_s: float) -> tuple[str, str]:
    report = folder / "report.xml"
    told = [f"--benchmark-json={folder / 'benchmark.json'}", f"--junitxml={report}", "-m", ""]
    process = subprocess.Popen(
        [*PYTEST, *PLAIN, *told, str(BENCHMARKS / name)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=CHECKOUT,
        env=_alone(),
        start_new_session=True,
    )
    try:
        code = process.wait(timeout=limit_s)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)  # what it has started as well
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            return "failed", f"ended after {limit_s:g} s"
        raise
    return _outcome(report) or ("failed", f"the process ended with exit code {code}")


def _alone() -> dict[str, str]:
    """Return the environment without what another pytest, of which this may be a worker, tells its children."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def _outcome(report: Path) -> tuple[str, str] | None:
    """Read from pytest's report how it went; None without one."""
    try:
        case = ET.parse(report).getroot().find(".//testcase")
    except (OSError, ET.ParseError):
        return None
    if case is None:
        return None
    for word, status in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        if (found := case.find(word)) is not None:
            return status, _one_line(found.get("message") or "")
    return "measured", ""


def _one_line(message: str) -> str:
    """Return the first line of a message, without the folders of this machine."""
    first = (message.strip().splitlines() or [""])[0]
    for folder in (str(CHECKOUT), tempfile.gettempdir(), str(Path.home())):
        first = first.replace(folder, "…")
    return first[:LONGEST_REASON]


def _figures(path: Path) -> dict[str, Any]:
    try:
        (found,) = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
    except (OSError, ValueError, KeyError):
        return {}
    stats = {name: found["stats"][name] for name in ("min", "median", "max")}
    timer = "processor" if "process" in found["options"]["timer"] else "wall"
    rounds = found["stats"]["rounds"] * found["stats"].get("iterations", 1)
    told = {"group": found["group"], "seconds": stats, "rounds": rounds, "timer": timer}
    return told | {"figures": found["extra_info"]}
