"""Files of a results folder that are no good, moved out of the way, so that the next run computes their rows again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from urbanbench.errors import BadInput, CannotWrite
from urbanbench.predictions import is_changed_tested, tested_by
from urbanbench.store import predictions_beside
from urbanbench.verify.judge import DAMAGED, STRANGER, Verdict

__all__ = ["FOLDER", "set_aside"]

FOLDER = "damaged"
"""Where they lie, below the results folder, at the same paths; nothing reads them there."""


def set_aside(folder: Path, verdicts: Iterable[Verdict]) -> list[str]:
    """Move damaged rows with their predictions, damaged test units and strangers, and return their paths.

    Raises
    ------
    CannotWrite
        A file cannot be moved.
    """
    moved: list[str] = []
    for verdict in verdicts:
        if verdict.state in {DAMAGED, STRANGER}:
            moved += [name for path in _with_it(folder / verdict.file) if (name := _move(path, folder))]
    return moved


def _with_it(path: Path) -> Iterator[Path]:
    """Return a file and what is of no use without it: the test units first, as long as something names them."""
    predictions = predictions_beside(path)
    if path.suffix == ".json" and predictions.is_file():
        tested = tested_by(predictions)
        if tested is not None and _is_damaged(tested):
            yield tested
        yield predictions
    yield path


def _is_damaged(tested: Path) -> bool:
    try:
        return is_changed_tested(tested)
    except (BadInput, OSError):
        return True


def _move(path: Path, folder: Path) -> str:
    """Move a file and return its path; "" where it is gone already."""
    name = path.relative_to(folder)
    to = folder / FOLDER / name
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            path.replace(to)
            return name.as_posix()
    except OSError as error:
        raise CannotWrite(to, error) from error
    return ""
