"""What a row says that it cost: of vectors from the cache what making them took, of a head what this run took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from urbanbench.cost import Cost
from urbanbench.toolkit.training.distributed import processes

__all__ = ["costs_told", "processor_together", "row_costs"]


def costs_told(cost: Cost) -> dict[str, Any]:
    """Return what is kept of the making of vectors; the processes that train together count one for themselves each."""
    others = processes() - 1
    told = [f"{others} other process{'es' if others > 1 else ''} of the training"] if others else []
    return asdict(cost) | {"processor_misses": [*cost.processor_misses, *told]}


def processor_together(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the seconds of processors of parts that were done one after the other; None where one of them has none, as those kept by earlier versions."""
    known = [part.get("processor_seconds") for part in parts]
    missed = dict.fromkeys(word for part in parts for word in part.get("processor_misses", ()))
    return {
        "processor_seconds": None if None in known else sum(one for one in known if one is not None),
        "processor_misses": list(missed),
    }


def row_costs(facts: Mapping[str, Any], head: Cost, *, cached: bool) -> dict[str, Any]:
    """Return what a row cost; of vectors that an earlier version kept, what it wrote down.

    Parameters
    ----------
    facts
        Of the making of the vectors, as the cache has them.
    head
        Of the head.
    cached
        Whether the vectors were there.
    """
    gpu = [one for one in (facts["peak_gpu_mb"], head.peak_gpu_mb) if one is not None]
    return {
        "embed_seconds": round(facts["seconds"], 3),
        **({"embed_read": facts["read"]} if facts.get("read") else {}),
        "embed_units": facts.get("units"),
        "head_seconds": round(head.seconds, 3),
        **_processor("embed", facts),
        **_processor("head", asdict(head)),
        "peak_rss_mb": max(facts["peak_rss_mb"], head.peak_rss_mb),
        "embed_peak_rss_mb": facts["peak_rss_mb"],
        "peak_gpu_mb": max(gpu) if gpu else None,
        "weights": facts.get("weights"),
        "embed_joules": facts.get("energy_joules"),
        "head_joules": head.energy_joules,
        "energy_meters": facts.get("energy_meters") or head.energy_meters,
        "embedding_cached": cached,
    }


def _processor(part: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the seconds of processors of a part, and what they miss; nothing where they were not measured."""
    seconds, misses = facts.get("processor_seconds"), list(facts.get("processor_misses", ()))
    if seconds is None:
        return {}
    return {
        f"{part}_processor_seconds": round(seconds, 3),
        **({f"{part}_processor_misses": misses} if misses else {}),
    }
