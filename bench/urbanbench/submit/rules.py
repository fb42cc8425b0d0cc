"""What a row needs to be handed in: finished or refused, with predictions that give its scores, and what it was made with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from urbanbench.errors import DataMissing
from urbanbench.registry import is_path
from urbanbench.registry.live import is_live
from urbanbench.result import FAILED, OK, RunResult
from urbanbench.store import ResultStore
from urbanbench.verify.judge import BAD, Verdict

__all__ = ["brief", "faults_of", "odd_words", "row_facts", "unknown_here"]

_MADE_WITH = ("urbanbench", "python", "packages", "started_utc", "view_key", "targets_digest", "split_digest")
"""What the provenance of a finished row must say."""


def faults_of(verdict: Verdict) -> Iterator[str]:
    """Say, one sentence each, why a row cannot be handed in; nothing for one that can."""
    result = verdict.result
    if verdict.state in BAD or result is None:
        yield from (f"{verdict.file} is {verdict.state}: {reason}" for reason in verdict.reasons)
        return
    if result.status == FAILED:
        yield f"{verdict.file} failed ({result.reason}). Mend it and run it again, or remove the file."
    if result.status != OK:
        return
    if is_live(result.cell.model) or is_live(result.cell.task):
        yield f"{verdict.file} is of a class of a session, which nobody else has. Write the class into a file and run that."
    lacking = [name for name in _MADE_WITH if not result.provenance.get(name)]
    if lacking:
        yield f"{verdict.file} does not say what it was made with: provenance lacks {', '.join(lacking)}. Run it again."
    yield from _without_predictions(verdict.file, result)


def _without_predictions(file: str, result: RunResult) -> Iterator[str]:
    if result.file is None:
        yield f"{file} has no predictions."
        return
    try:
        ResultStore.read_predictions(result.file, result.cell)
    except DataMissing as error:
        yield f"{file}: {error}"


def odd_words(result: RunResult) -> str:
    """Return a word of a row that names a path in place of a name, which a stranger's row may not; "" where there is none.

    What is registered is looked up by such words, and a path would be opened or run.
    """
    cell = result.cell
    words: Iterable[Any] = (
        cell.city,
        cell.model,
        cell.task,
        cell.split,
        cell.head,
        cell.train_city,
        cell.probe,
        cell.inputs,
    )
    odd = (str(one) for one in words if is_path(str(one)) or ".." in str(one))
    return next(odd, "")


def unknown_here(result: RunResult) -> str:
    """Return why a stranger's row is not made from today's plugins again: a parameter that may be a path; "" where none is."""
    for name, value in result.cell.parameters.items():
        if any(sign in json.dumps(value, default=str) for sign in ("/", "\\\\", "..", "~")):
            return f"parameter {name!r} may name a file, so its model was not asked"
    return ""


def brief(reason: str) -> str:
    """Return the first sentence of a reason; what is known instead would fill a screen.

    Examples
    --------
    >>> brief("cannot be made again: Unknown model 'mine'. Did you mean 'mean'? Known: area, …")
    "cannot be made again: Unknown model 'mine'"
    """
    return reason.partition(". ")[0].removesuffix(".")


def row_facts(verdict: Verdict) -> Mapping[str, Any]:
    """Return the fact sheet of a row."""
    result = verdict.result
    if result is None:
        return {"file": verdict.file}
    metric = str(result.evaluation.get("main_metric") or "")
    origin = {
        name: result.provenance.get(name)
        for name in ("urbanbench", "git_commit", "git_dirty", "started_utc", "device")
    }
    return {
        "run_id": result.run_id,
        "file": verdict.file,
        "cell": str(result.cell),
        "status": result.status,
        "metric": metric,
        "mean": result.mean(metric) if result.status == OK else None,
        "made_with": origin,
        "state": verdict.state,
        "not_told": list(verdict.unchecked),
    }
