"""What one result's file says, for ``urbanbench describe`` and ``urbanbench results show``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.board.costs import Costs
    from urbanbench.board.rows import Row

__all__ = ["result_facts"]


def result_facts(file: Path) -> dict[str, Any]:
    """Read a result and say what was run, what came out, and what the row used, lacks and knows, and how its model was trained.

    Raises
    ------
    DataMissing
        No such file, or one that is no result.
    BadInput
        A result of another schema.
    """
    from urbanbench.board.levels import candidate_facts
    from urbanbench.board.rows import ordered, read_row
    from urbanbench.cli.added_facts import added_facts, trainings_facts
    from urbanbench.cli.kin import kin_of
    from urbanbench.cli.probe_facts import probe_facts
    from urbanbench.convergence import told_stages
    from urbanbench.store import ResultStore

    result = ResultStore.read(file)
    row = read_row(result.to_dict())
    facts = {"kind": "result", "name": _name(row), "cell": str(result.cell), "status": row.status}
    if not row.ok:
        return facts | {"reason": row.reason}
    kin = kin_of(file, result)
    return {
        **facts,
        "scores": _scores(row),
        "chance": _levels(row, row.chance),
        "oracle": _levels(row, row.oracle),
        "chosen from": candidate_facts(row),
        "probe": probe_facts(result, row.main_metric),
        f"trainings{' of the model alone' if row.spec.get('beside') else ''}": trainings_facts(kin, row),
        "adds": added_facts(kin, row.main_metric),
        "not readable": list(kin.unread),
        "inputs used": ordered(row.used),
        "used": _used(row),
        "lacks": list(row.lacks),
        "knows where it is": "not recorded" if row.knows_place is None else row.knows_place or "no",
        "converged": row.converged,
        "training": told_stages(row.training),
        "stands in": dict(_mapping(row.model.get("variant"))),
        "settings": dict(row.settings or {}),
        "cost": _cost(row),
    }


def _name(row: Row) -> str:
    from urbanbench.board.labels import row_label

    beside = " beside the best floor" if row.spec.get("beside") else ""
    return f"{row_label(row, [row])}{beside}"


def _scores(row: Row) -> dict[str, str]:
    from urbanbench.board.columns import choose_metrics, metric_title

    kind = str(row.task.get("kind") or "")
    return {
        metric_title(one): row.score(one).text
        for one in choose_metrics(kind, row.main_metric, row.scores, None)
    }


def _levels(row: Row, levels: Mapping[str, float]) -> dict[str, float]:
    """Return a retrieval's level for each metric that is shown of its scores; {} for other tasks."""
    from urbanbench.board.columns import choose_metrics, metric_title

    shown = choose_metrics(str(row.task.get("kind") or ""), row.main_metric, row.scores, None)
    return {metric_title(one): round(levels[one], 3) for one in shown if one in levels}


def _cost(row: Row) -> dict[str, str]:
    """Return what a row cost, in words; what was not measured says so."""
    from urbanbench.board.costs import NOT_COUNTED, NOT_MEASURED, cost_entry, costs_of, machine
    from urbanbench.board.numbers import plain_number

    costs = costs_of(row)

    def told(value: float | None, unit: str = "") -> str:
        return f"{plain_number(value)} {unit}".rstrip() if value is not None else NOT_MEASURED

    weights = (
        f"{costs.trained:,} trained, {costs.frozen:,} of frozen encoders"
        if costs.trained is not None
        else NOT_COUNTED
    )
    return {
        "vectors": f"{cost_entry(row).text} s",
        "head, all seeds": told(costs.head_seconds, "s"),
        "processors": _processors(costs),
        "throughput": told(costs.units_per_second, "units/s, training included"),
        "peak memory": told(costs.peak_rss_mb, "MB"),
        "peak GPU memory": told(costs.peak_gpu_mb, "MB") if costs.peak_gpu_mb is not None else "no GPU",
        "weights": weights,
        "vector": told(costs.bytes_per_unit, "bytes a unit"),
        "effective rank": told(row.model.get("effective_rank"), f"of {row.model.get('dim')}"),
        "energy": f"{told(costs.joules, 'J')} ({costs.meters})" if costs.joules is not None else NOT_MEASURED,
        "machine": machine(row) or "not recorded",
    }


def _processors(costs: Costs) -> str:
    """Say what processors computed for a row: "12.5 s of processor for the vectors, 3.1 s of processor for the head; not counted: the GPU's work"."""
    from urbanbench.board.costs import NOT_MEASURED
    from urbanbench.board.numbers import plain_number

    parts = (
        (costs.embed_processor_seconds, "the vectors"),
        (costs.head_processor_seconds, "the head"),
    )
    told = ", ".join(
        f"{plain_number(one)} s of processor for {what}" for one, what in parts if one is not None
    )
    missed = f"; not counted: {', '.join(costs.processor_misses)}" if costs.processor_misses else ""
    return f"{told or NOT_MEASURED}{missed}"


def _used(row: Row) -> dict[str, str] | str:
    """Return how many objects of each kind were used; a word where nothing is recorded, or nothing is there to be counted."""
    from urbanbench.board.used import saw_text

    if not row.saw:
        return saw_text(row)
    from urbanbench.seen import KINDS

    return {KINDS[kind]: f"{count['used']:,} of {count['of']:,}" for kind, count in row.saw.items()}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
