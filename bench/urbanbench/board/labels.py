"""What a row is called, and what a reader should know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from urbanbench.board.blocks import SELECT, Block, Group
from urbanbench.board.columns import metric_title
from urbanbench.board.marks import BELOW, chosen_heads, floor_above, head_counts, usual_seeds
from urbanbench.board.numbers import Score, plain_number
from urbanbench.board.rows import Row

__all__ = ["group_title", "notes", "row_label", "short_reason"]

_REASON_LENGTH = 140
_SHOWN_VALUE = 24


def group_title(group: Group) -> str:
    """Name a group: "singapore · popdensity · block (2480 m)", or "singapore · popdensity · paper:hgi (parity rows)"."""
    version = f" (version {group.task_version})" if group.task_version != 1 else ""
    size = f" ({plain_number(group.block_size_m)} m)" if group.block_size_m else ""
    parity = " (parity rows)" if group.parity else ""
    return f"{group.city} · {group.task}{version} · {group.split}{size}{parity}"


def row_label(row: Row, beside: Sequence[Row]) -> str:
    """Name a row: the model, a floor's best head, then what tells it from rows of the same model.

    Examples
    --------
    "urbanmfm (small)", "urbanmfm (small, dim=128)", "poi-counts (best head: rf)".
    """
    parts = [
        str(row.spec.get("preset") or ""),
        *_differences(row, [one for one in beside if one.name == row.name]),
    ]
    if row.head == SELECT:
        parts.append(f"best head: {chosen_heads(row)}")
    told = ", ".join(part for part in parts if part)
    return f"{row.name} ({told})" if told else row.name


def _differences(row: Row, namesakes: Sequence[Row]) -> list[str]:
    mine = _particulars(row)
    rivals = [_particulars(one) for one in namesakes if one.head == row.head and one.run_id != row.run_id]
    names = [name for name in mine if any(other.get(name) != mine[name] for other in rivals)]
    if any(other == mine for other in rivals):
        names.append("run")
        mine["run"] = row.run_id[:8]
    return [f"{name}={mine[name]}" for name in names]


def _particulars(row: Row) -> dict[str, str]:
    """Return what can tell two runs of one model apart, as text."""
    told: dict[str, Any] = {**_mapping(row.spec.get("parameters")), **_mapping(row.model.get("variant"))}
    told |= {
        "model seed": row.spec.get("model_seed"),
        "inputs": row.spec.get("inputs"),
        "seeds": len(row.seeds),
    }
    told |= {"block size asked": row.spec.get("block_size_m")}
    return {name: _brief(value) for name, value in sorted(told.items())}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _brief(value: Any) -> str:
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    )
    return text if len(text) <= _SHOWN_VALUE else f"{text[: _SHOWN_VALUE - 1]}…"


def notes(row: Row, block: Block) -> list[str]:
    """Return short remarks on a scored row: below a floor, not ranked, stand-ins, and the score on covered units."""
    floor = floor_above(block, row)
    found = [f"{BELOW} below {floor.name} ({chosen_heads(floor)})"] if floor else []
    if row.seeds != usual_seeds(block):
        found.append("other seeds, not ranked")
    found.extend(_folds(row))
    if len(counts := head_counts(row)) > 1:
        found.append(f"heads chosen: {', '.join(f'{name} {count}x' for name, count in counts.items())}")
    found.extend(
        f"{name}: {_brief(value)}" for name, value in sorted(_mapping(row.model.get("variant")).items())
    )
    found.extend(_check(_mapping(row.model.get("checked"))))
    covered = row.covered.get(row.main_metric)
    if row.n_uncovered and covered is not None and covered.text:
        found.append(f"on covered units: {covered.text}")
    return found


def _check(mark: Mapping[str, Any]) -> list[str]:
    """Tell of a model from elsewhere whose code has not passed `urbanbench check`."""
    if mark.get("state") == "failed":
        return ["failed its check"]
    return ["unchecked"] if mark.get("state") == "unchecked" else []


def _folds(row: Row) -> list[str]:
    """Tell how the main metric scatters over folds whose predictions are pooled into one score."""
    folds = [one for details in row.head_details for one in details.get(f"{row.main_metric}_by_fold") or ()]
    if not folds:
        return []
    score = Score(tuple(folds))
    return [f"{metric_title(row.main_metric)} of single folds, {len(folds)}: {score.text}"]


def short_reason(row: Row) -> str:
    """Return status and first sentence of the reason, at most 140 characters of it."""
    reason = " ".join(row.reason.split())
    first = reason.partition(". ")[0].rstrip(".")
    if len(first) > _REASON_LENGTH:
        first = f"{first[: _REASON_LENGTH - 1]}…"
    return f"{row.status}: {first}" if first else row.status
