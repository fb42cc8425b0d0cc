"""What groups and rows are called; two rows that differ never look the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from urbanbench.board.blocks import SELECT, Group
from urbanbench.board.marks import OWN, UNCONVERGED, chosen_heads
from urbanbench.board.numbers import plain_number
from urbanbench.board.rows import Row
from urbanbench.board.versions import MODEL, older_parts
from urbanbench.convergence import NO

__all__ = ["brief", "group_title", "row_label"]

_SHOWN_VALUE = 40

_SHORT = {("with_pe", True): "+pe"}
"""Settings with a shorter name: rows with a positional encoding."""


def group_title(group: Group) -> str:
    """Name a group: "singapore · popdensity · block (2480 m)", "new_york · popdensity · city-out+10 · trained in singapore", or "singapore · popdensity · paper:hgi (parity rows)"."""
    version = f" (version {group.task_version})" if group.task_version != 1 else ""
    size = f" ({plain_number(group.block_size_m)} m)" if group.block_size_m else ""
    parity = " (parity rows)" if group.parity else ""
    where = f" · trained in {group.train_city}" if group.train_city else ""
    return f"{group.city} · {group.task}{version} · {group.split}{size}{where}{parity}"


def row_label(row: Row, beside: Sequence[Row]) -> str:
    """Name a row: the model, its preset and what was set otherwise, a floor's best head, and what tells it from its namesakes.

    Parameters
    ----------
    row
        The row.
    beside
        Rows it must be told from, itself among them or not.

    Examples
    --------
    "urbanmfm (small)", "urbanmfm (small), trained in singapore", "urbanmfm (small, pooling=sum)", "cityfm (small, +pe, no stage road)", "hgi (small, version 1)" beside one of version 2, "poi-counts (best head: rf)"; an own run beside reference rows has a mark behind,
    and so has a row that had not converged.
    """
    rivals = [one for one in beside if _is_rival(one, row)]
    told = [*_told(row), *_age(row, rivals), *_differences(row, [one for one in rivals if _as_old(one, row)])]
    if row.head == SELECT:
        told.append(f"best head: {chosen_heads(row)}")
    aside = [f"({', '.join(told)})"] if told else []
    aside[-1:] = [f"{one}, trained in {row.train_city}" if row.train_city else one for one in aside[-1:]]
    name = row.name if aside or not row.train_city else f"{row.name}, trained in {row.train_city}"
    marked = {UNCONVERGED: row.ok and row.converged == NO, OWN: row.own}
    return " ".join([name, *aside, *(mark for mark, holds in marked.items() if holds)])


def _told(row: Row) -> list[str]:
    """Return what a row says of itself, whatever stands beside it: preset, settings, what it lacks, its trainings or the seed of one."""
    seed = row.spec.get("model_seed")
    trained = [f"{len(row.trainings)} trainings"] if row.trainings else [f"model seed={seed}"] if seed else []
    return [*_told_but_trainings(row), *trained]


def _told_but_trainings(row: Row) -> list[str]:
    preset = str(row.spec.get("preset") or "")
    settings = [_setting(name, value) for name, value in sorted((row.settings or {}).items())]
    return [*([preset] if preset else []), *settings, *map(brief, row.lacks)]


def _setting(name: str, value: Any) -> str:
    short = _SHORT.get((name, value)) if isinstance(value, bool) else None
    return short or f"{name}={brief(value)}"


def _is_rival(one: Row, row: Row) -> bool:
    """Tell whether another row would be called the same, but for its trainings; of a row that does not say its settings all of its preset would."""
    if (one.name, one.head, one.own) != (row.name, row.head, row.own) or one.run_id == row.run_id:
        return False
    unsaid = row.settings is None and one.spec.get("preset") == row.spec.get("preset")
    return unsaid or _told_but_trainings(one) == _told_but_trainings(row)


def _age(row: Row, rivals: Sequence[Row]) -> list[str]:
    """Name the version of a model where the newest of its namesakes is another; the newest needs no such word."""
    version, _ = older_parts(row, rivals).get(MODEL, (0, 0))
    return [f"version {version}"] if version else []


def _as_old(one: Row, row: Row) -> bool:
    """Tell whether the version of the model does not tell two namesakes apart."""
    versions = (one.versions.get(MODEL), row.versions.get(MODEL))
    return None in versions or versions[0] == versions[1]


def _differences(row: Row, rivals: Sequence[Row]) -> list[str]:
    """Return what tells a row from its namesakes; its run where another is alike in that and in its trainings too."""
    mine, theirs = _particulars(row), [_particulars(one) for one in rivals]
    names = [name for name in mine if any(other.get(name) != mine[name] for other in theirs)]
    shown = [f"{name}={brief(mine[name])}" for name in names]
    alike = any(
        _told(one) == _told(row) and all(brief(other.get(name, "")) == brief(mine[name]) for name in names)
        for one, other in zip(rivals, theirs, strict=True)
    )
    return [*shown, f"run={row.run_id[:8]}"] if alike else shown


def _particulars(row: Row) -> dict[str, str]:
    """Return what can tell two runs of one model apart beyond what `_told` says, as text."""
    told: dict[str, Any] = {**_mapping(row.spec.get("parameters")), **_mapping(row.model.get("variant"))}
    told = {name: value for name, value in told.items() if name not in (row.settings or {})}
    told |= {"inputs": row.spec.get("inputs"), "seeds": len(row.seeds)}
    told |= {"block size asked": row.spec.get("block_size_m")}
    return {name: _text(value) for name, value in sorted(told.items())}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    """Write a value on one line: text as it is, a list of words with plus signs, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
        return "+".join(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def brief(value: Any) -> str:
    """Write a value in at most 40 signs.

    Examples
    --------
    >>> brief(["poi", "local"]), brief(None), brief("x" * 50) == "x" * 39 + "…"
    ('poi+local', 'null', True)
    """
    text = _text(value)
    return text if len(text) <= _SHOWN_VALUE else f"{text[: _SHOWN_VALUE - 1]}…"
