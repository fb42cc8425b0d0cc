"""The board as a long CSV: one line per result and metric, with everything a table leaves out."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from urbanbench.board.blocks import Block, Group
from urbanbench.board.costs import costs_of, machine, read_seconds
from urbanbench.board.labels import row_label
from urbanbench.board.marks import chosen_heads, floor_above, floor_beyond, marks
from urbanbench.board.numbers import Score
from urbanbench.board.published import Published, for_row, for_task, listed_for
from urbanbench.board.published_tables import stands_beside
from urbanbench.board.rows import Row, ordered
from urbanbench.board.text import one_line
from urbanbench.board.used import saw_text
from urbanbench.board.versions import older_words
from urbanbench.convergence import told_stages

__all__ = ["plain_text", "to_csv"]

_SPEC = (
    "city",
    "task",
    "task_version",
    "split",
    "block_size_m",
    "model",
    "preset",
    "parameters",
    "inputs",
    "head",
    "seeds",
    "model_seed",
    "train_city",
)
_COST = (
    "embed_seconds",
    "head_seconds",
    "embed_processor_seconds",
    "head_processor_seconds",
    "peak_rss_mb",
    "peak_gpu_mb",
    "embedding_cached",
)
_MORE_COST = (
    "processor_misses",
    "weights_trained",
    "weights_frozen",
    "bytes_per_unit",
    "units_per_second",
    "joules",
    "energy_meters",
    "machine",
)
_ORIGIN = (
    "urbanbench",
    "git_commit",
    "git_dirty",
    "data_digest",
    "targets_digest",
    "split_digest",
    "view_key",
    "code_digest",
    "started_utc",
)
_FIELDS = (
    *_SPEC, "label", "kind", "own", "run_id", "status", "reason", "metric", "main_metric", "mean", "std", "n_seeds", "values", "covered_mean",
    "trainings", "std_trainings", "adds_mean", "adds_std", "adds_std_trainings", "adds_gained", "adds_of", "adds_values", "adds_together_mean", "adds_floor_mean",
    "adds_floors", "second_floor_adds_mean", "mark", "below_floor", "below_floor_of_other_inputs", "table_inputs", "older", "inputs_used", "chosen_heads", "task_kind", "level", "unit", "n_units", "n_uncovered",
    "used_block_size_m", "dim", "effective_rank", "saw", "lacks", "knows_place", "converged", "training", "variant", "embed_read_seconds", "embed_read", *_COST, *_MORE_COST, *_ORIGIN,
)  # fmt: skip
_PUBLISHED = ("published_mean", "published_std", "published_setting", "published_source", "published_note")
_FORMULA = ("=", "+", "-", "@")


def to_csv(groups: Sequence[Group], *, metrics: Sequence[str] | None, published: bool) -> str:
    """Print groups.

    Means and values have all their digits; `values` follow `seeds`, both separated by spaces. Text that a spreadsheet
    would take for a formula starts with an apostrophe. No groups give the line of column names alone.
    """
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [*_FIELDS, *(_PUBLISHED if published else ())], lineterminator="\n")
    writer.writeheader()
    for group in groups:
        paper = _published_lines(group, metrics) if published and stands_beside(group) else ()
        lines = [*_result_lines(group, metrics), *paper]
        writer.writerows(_safe(line, published) for line in lines)
    if published:
        writer.writerows(_safe(line, published) for line in _listed_lines(groups, metrics))
    return out.getvalue()


def _safe(line: dict[str, Any], published: bool) -> dict[str, Any]:
    kept = {name: value for name, value in line.items() if published or name not in _PUBLISHED}
    return {name: plain_text(value) if isinstance(value, str) else value for name, value in kept.items()}


def plain_text(text: str) -> str:
    """Return text on one line that no spreadsheet takes for a formula."""
    text = one_line(text)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_numbers(text) else text


def _is_numbers(text: str) -> bool:
    try:
        return all(math.isfinite(float(part)) for part in text.split())
    except ValueError:
        return False


def _result_lines(group: Group, asked: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    scored = [row for row in group.rows if row.ok]
    joined = [row for block in group.blocks for row in block.models if row.trainings]
    for row in (*group.rows, *joined):
        block = next((block for block in group.blocks if row in block.models), None)
        known = for_task(group.task, group.city, row.scores) if stands_beside(group) else []
        numbers = for_row(known, row.name, row.offered)
        names = [name for name in row.scores if asked is None or name in asked] if row.ok else []
        for metric in names or [""]:
            yield (
                _about(row)
                | {"label": row_label(row, group.rows), "older": "; ".join(older_words(row, scored))}
                | _score(row, metric)
                | _adds(row, metric)
                | _standing(row, metric, block)
                | _beside(numbers.get(metric))
            )


def _about(row: Row) -> dict[str, Any]:
    spec = {name: row.spec.get(name) for name in _SPEC}
    trainings = row.trainings or (row,)
    spec |= {"parameters": _json(spec["parameters"]), "seeds": " ".join(map(str, row.seeds))}
    spec["model_seed"] = " ".join(str(one.spec.get("model_seed")) for one in trainings)
    return {
        **spec,
        "kind": "floor" if row.floor else "model",
        "trainings": len(trainings),
        "own": row.own,
        "run_id": row.run_id,
        "status": row.status,
        "reason": row.reason,
        "main_metric": row.main_metric,
        "inputs_used": ordered(row.used),
        "chosen_heads": chosen_heads(row),
        "task_kind": row.task.get("kind"),
        "level": row.task.get("level"),
        "unit": row.task.get("unit"),
        "n_units": row.n_units,
        "n_uncovered": row.n_uncovered,
        "used_block_size_m": row.block_size_m,
        "dim": row.model.get("dim"),
        "effective_rank": row.model.get("effective_rank"),
        "saw": _json(row.saw) or saw_text(row),
        "lacks": "; ".join(row.lacks),
        "knows_place": row.knows_place,
        "converged": row.converged,
        "training": "; ".join(told_stages(row.training)),
        "variant": _json(row.model.get("variant")),
        "embed_read_seconds": read_seconds(row)[0] if row.cost.get("embed_read") else "",
        "embed_read": _json(row.cost.get("embed_read")),
        **{name: row.cost.get(name) for name in _COST},
        **_more_cost(row),
        **{name: row.provenance.get(name) for name in _ORIGIN},
    }


def _more_cost(row: Row) -> dict[str, Any]:
    costs = costs_of(row)
    told = (
        "; ".join(costs.processor_misses),
        costs.trained,
        costs.frozen,
        costs.bytes_per_unit,
        costs.units_per_second,
        costs.joules,
        costs.meters,
        machine(row),
    )
    return dict(zip(_MORE_COST, told, strict=True))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if value else ""


def _score(row: Row, metric: str) -> dict[str, Any]:
    score, covered = row.score(metric), row.covered.get(metric)
    return {
        "metric": metric,
        "mean": _digits(score.mean),
        "std": _digits(score.std),
        "std_trainings": _digits(score.between),
        "n_seeds": len(score.finite),
        "values": _listed(score),
        "covered_mean": _digits(covered.mean) if covered else "",
    }


def _listed(score: Score) -> str:
    return " ".join("nan" if value is None else repr(value) for value in score.values)


def _adds(row: Row, metric: str) -> dict[str, Any]:
    """Return what a model adds to a floor; nothing where it was not run beside one."""
    added = row.added
    if added is None or metric not in added.gain:
        return {}
    gain, (gained, of) = added.gain[metric], added.gained(metric)
    others = {"adds_together_mean": added.together, "adds_floor_mean": added.alone}
    others |= {"second_floor_adds_mean": added.second}
    return {
        "adds_mean": _digits(gain.mean),
        "adds_std": _digits(gain.std),
        "adds_std_trainings": _digits(gain.between),
        "adds_gained": gained,
        "adds_of": of,
        "adds_values": _listed(gain),
        "adds_floors": added.floors,
        **{name: _digits(part[metric].mean) for name, part in others.items() if metric in part},
    }


def _digits(value: float) -> str:
    return repr(value) if math.isfinite(value) else ""


def _standing(row: Row, metric: str, block: Block | None) -> dict[str, Any]:
    """Return what holds inside a learned model's table; a floor stands in several and gets none."""
    if block is None:
        return {"table_inputs": ordered(row.offered)} if not row.floor else {}
    return {
        "mark": marks(block, metric).get(row.run_id, ""),
        "below_floor": _named(floor_above(block, row)),
        "below_floor_of_other_inputs": _named(floor_beyond(block, row)),
        "table_inputs": ordered(block.inputs),
    }


def _named(floor: Row | None) -> str:
    return f"{floor.name} ({chosen_heads(floor)})" if floor else ""


def _beside(number: Published | None) -> dict[str, Any]:
    if number is None:
        return {}
    return {
        "published_mean": number.value,
        "published_std": number.scaled_std,
        "published_setting": number.setting,
        "published_source": number.source,
        "published_note": number.note,
    }


def _published_lines(group: Group, asked: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    """Return every printed number of the group's task and city; their own means stay empty."""
    metrics = {metric for row in group.rows for metric in row.scores if asked is None or metric in asked}
    for one in for_task(group.task, group.city, metrics):
        where = {
            "city": group.city,
            "task": group.task,
            "model": one.model,
            "kind": "published",
            "metric": one.metric,
        }
        yield where | {"unit": one.unit} | _beside(one)


def _listed_lines(groups: Sequence[Group], asked: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    """Return what is listed of UGBench for the tasks of the groups, once each, under the paper's own cities."""
    for task in dict.fromkeys(group.task for group in groups if stands_beside(group)):
        metrics = {
            metric for group in groups if group.task == task for row in group.rows for metric in row.scores
        }
        for one in listed_for(task, metrics if asked is None else metrics & set(asked)):
            where = {
                "city": one.city,
                "task": task,
                "model": one.model,
                "kind": "published",
                "metric": one.metric,
            }
            yield where | {"unit": one.unit} | _beside(one)
