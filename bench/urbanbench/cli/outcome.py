"""What a run says while it goes on, and the exit code in the end."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import typer

from urbanbench.cli.printing import debugging, note, words_of_command
from urbanbench.counted import counted

if TYPE_CHECKING:
    from urbanbench.result import RunResult
    from urbanbench.run.order import Order
    from urbanbench.run.planning.forecast import Forecast

__all__ = ["ProgressLines", "Stopped", "exit_code", "named", "outcome", "told_when_stopped"]


class Stopped(typer.Abort):
    """The user has stopped a command, and it has said so."""

    exit_code = 130


def exit_code(results: list[RunResult]) -> int:
    """Return how a command ends.

    0; 3 when results could not be written; 4 when cells failed for want of an optional part, or of a plugin that loads, only; 1 when
    others failed or none could be done.
    """
    from urbanbench.errors import CannotWrite, ExtraMissing, PluginBroken
    from urbanbench.result import FAILED, OK

    unsaved = [result.unsaved for result in results if result.unsaved]
    if unsaved:
        note(
            f"Error: {len(unsaved)} of {counted(len(results), 'result')} {'is' if len(unsaved) == 1 else 'are'} shown but not written: {unsaved[0]}"
        )
        return CannotWrite.exit_code
    failed = [result.error_type for result in results if result.status == FAILED]
    if failed and set(failed) <= {ExtraMissing.__name__, PluginBroken.__name__}:
        return ExtraMissing.exit_code
    return 1 if failed or all(result.status != OK for result in results) else 0


@contextmanager
def told_when_stopped(progress: ProgressLines, folder: Path) -> Iterator[None]:
    """Say what is done when the user stops the block, and end the command.

    Raises
    ------
    Stopped
        The user pressed Ctrl-C, or the process was asked to end.
    """
    try:
        with progress:
            yield
    except KeyboardInterrupt:
        again = shlex.join(["urbanbench", *words_of_command()])
        note(
            f"Stopped: {progress.done} of {progress.total} cells are done and kept in {folder}/. "
            f"The same command goes on from there: {again}"
        )
        raise Stopped from None


class ProgressLines:
    """One line on stderr for each cell, with the time that is left; none where URBANBENCH_QUIET is set.

    Parameters
    ----------
    total
        Number of cells.
    forecast
        Tells the time that is left.
    """

    def __init__(self, total: int, forecast: Forecast) -> None:
        self.total, self.done, self.forecast = total, 0, forecast

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Show nothing any more."""

    def began(self, order: Order) -> None:
        """Take in that a cell runs now."""
        self.forecast.began(order)

    def __call__(self, result: RunResult, new: bool) -> None:
        """Tell how a cell ended; `new` when it was computed now."""
        self.done += 1
        self.forecast.took(result, new)
        if os.environ.get("URBANBENCH_QUIET"):
            return
        note(
            f"[{self.done}/{self.total}] {named(result)}: {outcome(result, new)}{f' ({left})' if (left := str(self.forecast)) else ''}"
        )
        if result.traceback and debugging():
            note(result.traceback)


def named(result: RunResult) -> str:
    """Name a cell with what was set otherwise than in its preset."""
    from urbanbench.board.labels import brief

    settings = result.model.get("settings") or {}
    told = ", ".join(f"{name}={brief(value)}" for name, value in sorted(settings.items()))
    return f"{result.cell} · {told}" if told else str(result.cell)


def _main_score(result: RunResult) -> str:
    """Write the mean of the main metric over the seeds that have a finite score, and how many these are where some have none."""
    from urbanbench.board.numbers import NO_SCORE, Score, score_text

    metric = str(result.evaluation["main_metric"])
    score = Score(tuple(result.scores.get(metric, ())))
    if not score.finite:
        return f"{metric} {NO_SCORE}"
    some = (
        f" ({len(score.finite)} of {counted(len(score.values), 'seed')})"
        if len(score.finite) < len(score.values)
        else ""
    )
    gain = Score(tuple((result.adds.get("gain") or {}).get(metric, ())))
    adds = f", adds {gain.signed_text(3)} to a floor" if gain.finite else ""
    return f"{metric} {score_text(score.mean)}{some}{adds}"


def outcome(result: RunResult, new: bool) -> str:
    """Say how a cell ended: its score and seconds, or why it has none."""
    from urbanbench.result import OK

    if result.status != OK:
        return f"{result.status}: {result.reason}"
    score = _main_score(result)
    if not new:
        return f"{score}, kept"
    seconds = result.cost["head_seconds"] + (
        0.0 if result.cost["embedding_cached"] else result.cost["embed_seconds"]
    )
    stale = result.provenance.get("replaced_stale")
    return f"{score}, {seconds:.1f} s" + (
        f", computed again (it was old: {'; '.join(stale)})" if stale else ""
    )
