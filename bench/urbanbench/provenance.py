"""Where a number comes from: versions, commit and hardware."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from urbanbench.toolkit.kept.versions import installed_version

__all__ = ["PACKAGES", "machine_facts", "package_versions", "provenance"]

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "lightgbm",
    "torch",
    "torch-geometric",
    "transformers",
    "gensim",
    "geopandas",
    "shapely",
    "pyproj",
    "pyarrow",
    "safetensors",
    "pillow",
)
"""Packages whose version may move a score."""

_CODE = (":(top)", ":(top,exclude)results")
"""What of the repository may move a score: rows that were made anew change no later one."""


def provenance(device: str) -> dict[str, Any]:
    """Describe this process.

    Parameters
    ----------
    device
        "cpu" or "cuda": where models and heads were told to run.
    """
    return dict(_constant()) | {
        "device": device,
        "gpu": _gpu_name() if device != "cpu" else None,
        "started_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def machine_facts() -> dict[str, Any]:
    """Return what a row says of its machine: platform, processor and cores; machines of one kind say the same."""
    return {name: _constant()[name] for name in ("platform", "cpu", "cores")}


def package_versions() -> dict[str, str | None]:
    """Return the installed version of each of `PACKAGES`; None where it is not installed."""
    return {name: installed_version(name) for name in PACKAGES}


@cache
def _constant() -> dict[str, Any]:
    commit, dirty = _git_state(Path(__file__).resolve())
    return {
        "urbanbench": installed_version("urbanbench"),
        "git_commit": commit,
        "git_dirty": dirty,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "packages": package_versions(),
    }


def _git_state(file: Path) -> tuple[str | None, bool | None]:
    """Return commit and whether the tree differs from it, rows of `results` aside; (None, None) when the file is not under git."""
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None, None
    changed = _git(file.parent, "status", "--porcelain", "--untracked-files=no", "--", *_CODE)
    return _git(file.parent, "rev-parse", "HEAD"), None if changed is None else bool(changed)


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            ["git", *words],  # noqa: S607 - the user's git
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpu_name() -> str | None:
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
