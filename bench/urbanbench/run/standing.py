"""What a result stands on: the versions, data and files that make its number, and which of them have changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from urbanbench.city.view import VIEW_VERSION
from urbanbench.registry import environment_of
from urbanbench.registry.own_code import foreign_digest
from urbanbench.result import RunResult
from urbanbench.run.beside import beside_versions

if TYPE_CHECKING:
    from urbanbench.run.order import Order

__all__ = ["foreign_code", "older_versions", "other_encoders", "stale_data", "stale_parts", "versions_of"]

_DATA = {
    "view_key": "city data",
    "targets_digest": "targets",
    "train_view_key": "data of the train city",
    "train_targets_digest": "targets of the train city",
    "floors_key": "data of the floors beside it",
    "model_file_digest": "the model's file",
    "task_file_digest": "the task's file",
    "environment_digest": "packages of the model's environment",
}
"""Hashes that count: of what is seen and asked, and of plugins that no fingerprint guards."""


def versions_of(order: Order) -> dict[str, int]:
    """Return the versions of everything that makes a run's number.

    A paper's question has one version for its cut and head together; it is left out where the paper does not score the task. Of a model
    beside a floor those of the fusion and of the floors are among them, and of a probe its own.
    """
    from urbanbench.scoring.metrics import METRICS_VERSION
    from urbanbench.scoring.probes.catalogue import probe_info

    cell, found = order.cell, {"model": order.model.card.version, "task": order.task.card.version}
    if order.paper is None:
        found |= order.room.versions(cell, across=order.across)
    elif order.question is not None:
        found["protocol"] = order.question.version
    if cell.beside:
        found |= beside_versions(order)
    if cell.probe:
        found["probe"] = probe_info(cell.probe).version
    return found | {"metrics": METRICS_VERSION, "view": VIEW_VERSION}


def foreign_code(order: Order) -> dict[str, str]:
    """Hash the files of model and task where they are not urbanbench's own, and the environment that the model has for itself."""
    files = dict(zip(("model", "task"), order.files, strict=True))
    digests = {f"{kind}_file_digest": foreign_digest(file) for kind, file in files.items()}
    digests["environment_digest"] = environment_of(order.model)
    return {name: digest for name, digest in digests.items() if digest}


def stale_parts(
    found: RunResult, versions: Mapping[str, int], now: Mapping[str, str], variant: Mapping[str, str]
) -> list[str]:
    """Return what has changed since a result was made; [] while it still holds. Code as such does not count.

    Parameters
    ----------
    found
        The earlier result.
    versions
        Today's versions.
    now
        Today's hashes; of these, data and foreign files count.
    variant
        Today's stand-ins for the model's parts.
    """
    return [*older_versions(found, versions), *stale_data(found, now), *other_encoders(found, variant)]


def older_versions(found: RunResult, versions: Mapping[str, int]) -> list[str]:
    """Return which versions differ: ``["model version 1, now 2"]``; a result without any says so."""
    if not found.versions:
        return ["no versions recorded"]
    return [
        f"{part} version {found.versions.get(part, 'unknown')}, now {now}"
        for part, now in versions.items()
        if found.versions.get(part) != now
    ]


def stale_data(found: RunResult, now: Mapping[str, str]) -> list[str]:
    """Return which data or foreign files differ; parameters as in `stale_parts`."""
    return [word for name, word in _DATA.items() if found.provenance.get(name) != now.get(name)]


def other_encoders(found: RunResult, variant: Mapping[str, str]) -> list[str]:
    """Return which stand-ins differ, which another machine may have: ``["text: hashing, now all-minilm-l6-v2"]``."""
    before = dict(found.model.get("variant", {}))
    return [
        f"{part}: {before.get(part, 'none')}, now {variant.get(part, 'none')}"
        for part in sorted({*before, *variant})
        if before.get(part) != variant.get(part)
    ]
