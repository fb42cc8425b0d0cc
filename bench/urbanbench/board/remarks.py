"""What a reader should know of a row beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from urbanbench.board.added import added_notes
from urbanbench.board.blocks import Block
from urbanbench.board.columns import metric_title
from urbanbench.board.labels import brief
from urbanbench.board.marks import (
    BELOW,
    UNCONVERGED,
    chosen_heads,
    floor_above,
    floor_beyond,
    head_counts,
    usual_seeds,
)
from urbanbench.board.numbers import Score
from urbanbench.board.rows import NOT_STATED, Row, ordered
from urbanbench.board.versions import OLDER, of_another_question, older_words
from urbanbench.convergence import NO, NOT_KNOWN, stage_converged
from urbanbench.counted import counted

__all__ = ["notes", "short_reason"]

_REASON_LENGTH = 140


def notes(row: Row, block: Block) -> list[str]:
    """Return short remarks on a scored row: floors above it, not ranked, stand-ins, and the score on covered units."""
    found = [*_floors(row, block), *_training(row), *_standing(row, block), *_folds(row)]
    if len(counts := head_counts(row)) > 1:
        found.append(f"heads chosen: {', '.join(f'{name} {count}x' for name, count in counts.items())}")
    found.extend(f"{name}: {brief(value)}" for name, value in sorted(_mapping(row, "variant").items()))
    found.extend([*added_notes(row.added, row.main_metric, len(row.trainings)), *_check(row)])
    covered = row.covered.get(row.main_metric)
    if row.n_uncovered and covered is not None and covered.text:
        found.append(f"on covered units: {covered.text}")
    return found


def _mapping(row: Row, name: str) -> Mapping[str, Any]:
    value = row.model.get(name)
    return value if isinstance(value, Mapping) else {}


def _check(row: Row) -> list[str]:
    """Tell of a model from elsewhere whose code has not passed `urbanbench check`."""
    state = _mapping(row, "checked").get("state")
    return {"failed": ["failed its check"], "unchecked": ["unchecked"]}.get(str(state), [])


def _floors(row: Row, block: Block) -> list[str]:
    """Name the best floor above a learned model, and a better one of other inputs."""
    if row.floor:
        return []
    found = []
    if floor := floor_above(block, row):
        found.append(f"{BELOW} below {floor.name} ({chosen_heads(floor)})")
    if floor := floor_beyond(block, row):
        seen = f"{chosen_heads(floor)}; {ordered(floor.used)}"
        found.append(
            f"lower than {floor.name} ({seen}), a floor of other inputs: {floor.score(row.main_metric).text}"
        )
    if ordered(row.offered) == NOT_STATED:
        found.append("nobody says what these vectors were made of: compare them with floors of every input")
    return found


def _training(row: Row) -> list[str]:
    """Tell which stages of a learned model had not converged, or that nobody knows of any."""
    word = row.converged
    if row.floor or word not in {NO, NOT_KNOWN}:
        return []
    stages = [one for one in row.training if stage_converged(one) == word]
    names = ", ".join(dict.fromkeys(str(one.get("name") or "stage") for one in stages))
    said = f"{UNCONVERGED} not converged" if word == NO else "not known whether converged"
    return [f"{said}: {names}" if names else said]


def _standing(row: Row, block: Block) -> list[str]:
    found = ["other seeds, not ranked"] if row.seeds != usual_seeds(block) else []
    if older := older_words(row, block.shown):
        aside = ", not ranked" if of_another_question(row, block.shown) else ""
        found.append(f"{OLDER} {'; '.join(older)}{aside}")
    score = row.score(row.main_metric)
    if not score.whole:
        found.append(
            f"no finite score on {len(score.values) - len(score.finite)} of {counted(len(row.seeds), 'seed')}, not ranked"
        )
    return found


def _folds(row: Row) -> list[str]:
    """Tell how the main metric scatters over folds whose predictions are pooled into one score."""
    folds = [one for details in row.head_details for one in details.get(f"{row.main_metric}_by_fold") or ()]
    if not folds:
        return []
    score = Score(tuple(folds))
    return [f"{metric_title(row.main_metric)} of single folds, {len(folds)}: {score.text}"]


def short_reason(row: Row) -> str:
    """Return status and first sentence of the reason, at most 140 characters of it, cut behind a word."""
    reason = " ".join(row.reason.split())
    first = reason.partition(". ")[0].rstrip(".")
    return f"{row.status}: {_cut(first)}" if first else row.status


def _cut(text: str) -> str:
    """Cut a long text behind a word; within one that alone takes up half of the room."""
    if len(text) <= _REASON_LENGTH:
        return text
    words = text[:_REASON_LENGTH].rpartition(" ")[0]
    kept = words if len(words) > _REASON_LENGTH // 2 else text[: _REASON_LENGTH - 1]
    return f"{kept.rstrip(' ,;:')}…"
