"""A row as the page keeps it: numbers, what it saw, cost, and the way back to its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from urbanbench.board.added import Added
from urbanbench.board.columns import choose_metrics
from urbanbench.board.costs import cost_entry, costs_of, machine
from urbanbench.board.labels import row_label
from urbanbench.board.numbers import Score
from urbanbench.board.rows import FROZEN, Row, ordered
from urbanbench.board.used import saw_text
from urbanbench.convergence import stage_converged, told_stages
from urbanbench.report.interned import Interned, short_number
from urbanbench.result import Cell
from urbanbench.seen import KINDS

__all__ = ["Shared", "line_of", "paths_of"]

_POINTS = 24
"""Points of a loss curve that are drawn: more cannot be told apart in its width."""


@dataclass(frozen=True)
class Shared:
    """What rows share: seeds, versions, stand-ins, notes, origins (packages, machine), parameters, trainings, and series (a row whatever its split)."""

    seeds: Interned = field(default_factory=Interned)
    versions: Interned = field(default_factory=Interned)
    variants: Interned = field(default_factory=Interned)
    notes: Interned = field(default_factory=Interned)
    origins: Interned = field(default_factory=Interned)
    parameters: Interned = field(default_factory=Interned)
    trainings: Interned = field(default_factory=Interned)
    series: Interned = field(default_factory=Interned)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the lists; series are told apart by their place alone."""
        return {
            "seeds": self.seeds.values,
            "versions": self.versions.values,
            "variants": self.variants.values,
            "notes": self.notes.values,
            "origins": self.origins.values,
            "parameters": self.parameters.values,
            "trainings": self.trainings.values,
            "hashes": list(HASHES),
        }


def line_of(row: Row, question: int, shared: Shared) -> dict[str, Any]:
    """Return a row as plain data; what it does not have is left out.

    Parameters
    ----------
    row
        A row of a board.
    question
        Place of its city, task and split in the page's list.
    shared
        Where values that other rows have too are kept.
    """
    score, costs = row.score(row.main_metric), costs_of(row)
    told = {
        "id": _ids(row)[0],
        "also": _ids(row)[1:],
        "question": question,
        "model": row.name,
        "label": row_label(row, [row]),
        "floor": row.floor,
        "frozen": row.kind == FROZEN,
        "inputs": ordered(row.offered),
        "used": "" if row.used == row.offered else ordered(row.used),
        "head": row.head,
        "preset": str(row.spec.get("preset") or ""),
        "converged": row.converged,
        "status": row.status,
        "reason": row.reason,
        "own": row.own,
        "seeds": shared.seeds.place(list(row.seeds)),
        "score": _score(score),
        "others": {name: _brief(row.scores[name]) for name in _others(row)},
        "adds": _added(row.added, row.main_metric),
        "seconds": short_number(costs.seconds),
        "whole": costs.complete,
        "embed": cost_entry(row).text,
        "cost": _cost(row),
        "saw": saw_text(row),
        "counts": {KINDS[kind]: [count["used"], count["of"]] for kind, count in row.saw.items()},
        "lacks": list(row.lacks),
        "place": row.knows_place,
        "uncovered": row.n_uncovered,
        "units": row.n_units,
        "dim": row.model.get("dim"),
        "variant": shared.variants.place(_words(row.model.get("variant"))),
        "settings": _words(row.settings),
        "from": row.train_city,
        "versions": shared.versions.place(dict(row.versions)),
        "hashes": [str(row.provenance.get(f"{name}_digest") or "")[:_HASH] for name in HASHES],
        "started": str(row.provenance.get("started_utc") or "")[:16],
        "origin": shared.origins.place(_origin(row)),
        "params": shared.parameters.place(row.spec.get("parameters") or {}),
        "training": shared.trainings.place(_stages(row)) if row.training else None,
        "series": shared.series.place(_series(row)),
        "files": paths_of(row),
    }
    return {
        name: value
        for name, value in told.items()
        if value is not None and value not in ("", [], {}) and value is not False
    }


HASHES = ("targets", "split", "data", "embedding", "code")
"""Digests that a row shows, of what made it."""
_HASH = 10
"""Signs of them; the result's file has all."""


def _others(row: Row) -> list[str]:
    """Return the metrics beside the main one that its kind of task shows; all of them of a kind that is not known."""
    kind = str(row.task.get("kind") or "")
    return [
        name for name in choose_metrics(kind, row.main_metric, row.scores, None) if name != row.main_metric
    ]


def _ids(row: Row) -> list[str]:
    """Return the first ten signs of the run's id, and of a row of several trainings those of each further one; "-own" stays behind an own run."""
    return [one[:10] + ("-own" if one.endswith("-own") else "") for one in row.run_id.split(" ")]


def paths_of(row: Row) -> list[str]:
    """Return where a row's result files lie below the results folder, one for each training."""
    return [Cell.from_dict(one.spec).file_name for one in row.trainings or (row,)]


def _score(score: Score) -> dict[str, Any]:
    told = {
        "text": score.text,
        "mean": short_number(score.mean, 6),
        "sd": short_number(score.std),
        "between": short_number(score.between),
        "values": [short_number(one) for one in score.values],
        "trainings": [[short_number(one) for one in values] for values in score.trainings],
    }
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def _brief(score: Score) -> list[Any]:
    return [score.text, short_number(score.mean)]


def _added(added: Added | None, metric: str) -> dict[str, Any]:
    if added is None:
        return {}
    gain = added.gain.get(metric, Score(()))
    told = {
        "text": added.text(metric),
        "mean": short_number(gain.mean),
        "sd": short_number(gain.std),
        "values": [short_number(one) for one in gain.values],
        "second": short_number(added.second.get(metric, Score(())).mean),
        "floors": added.floors if added.chosen else "",
    }
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def _cost(row: Row) -> dict[str, Any]:
    costs = costs_of(row)
    told = {
        "head": short_number(costs.head_seconds, 4),
        "processor": short_number(costs.processor_seconds, 4),
        "processor misses": ", ".join(costs.processor_misses),
        "MB": short_number(costs.peak_rss_mb, 4),
        "GPU MB": short_number(costs.peak_gpu_mb, 4),
        "trained": costs.trained,
        "frozen": costs.frozen,
        "bytes": costs.bytes_per_unit,
        "rate": short_number(costs.units_per_second, 4),
        "J": short_number(costs.joules, 4),
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _origin(row: Row) -> dict[str, Any]:
    """Return on what a row was computed; its machine is the one that seconds may be compared on."""
    told = row.provenance
    words = ("urbanbench", "git_commit", "git_dirty", "python", "platform", "device")
    found = {name: told[name] for name in words if told.get(name) is not None}
    packages = told.get("packages")
    return {
        "machine": machine(row),
        **found,
        "packages": dict(packages) if isinstance(packages, Mapping) else {},
    }


def _stages(row: Row) -> list[dict[str, Any]]:
    """Return what was trained, stage by stage, with thinned losses."""
    words = told_stages(row.training)
    return [_stage(stage, said) for stage, said in zip(row.training, words, strict=True)]


def _stage(stage: Mapping[str, Any], said: str) -> dict[str, Any]:
    told = {
        "name": str(stage.get("name") or "stage"),
        "said": said,
        "converged": stage_converged(stage),
        "chance": short_number(_number(stage.get("held_out_chance", stage.get("chance")))),
        "seconds": short_number(_number(stage.get("seconds")), 4),
        "checks": _thinned(stage.get("checks")),
        "curve": _thinned(stage.get("curve")),
    }
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _thinned(points: Any) -> list[list[float | None]]:
    """Keep some points of a curve of (step, loss), the first and the last among them."""
    if not isinstance(points, Sequence) or isinstance(points, str):
        return []
    known = [one for one in points if isinstance(one, Sequence) and len(one) == 2]
    places = (
        range(len(known))
        if len(known) <= _POINTS
        else [round(k * (len(known) - 1) / (_POINTS - 1)) for k in range(_POINTS)]
    )
    return [
        [short_number(_number(step), 6), short_number(_number(loss), 4)]
        for step, loss in (known[k] for k in places)
    ]


def _words(told: Any) -> dict[str, str]:
    if not isinstance(told, Mapping):
        return {}
    return {
        str(name): value if isinstance(value, str) else json.dumps(value, default=str)
        for name, value in told.items()
    }


def _series(row: Row) -> list[Any]:
    """Return what stays the same from split to split, so that a ladder can join a row's rungs."""
    parts = ("city", "task", "task_version", "model", "preset", "parameters", "inputs", "head", "train_city")
    return [
        *(row.spec.get(part) for part in parts),
        row.own,
        len(row.trainings),
        dict(row.versions).get("model"),
    ]
