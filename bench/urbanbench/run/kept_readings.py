"""Readings on disk: what heads make of floors, which every model of a table stands beside, in this command and in later ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.atomic import read_through, remove_leftovers, replacing, spared
from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.locks import locked
from urbanbench.provenance import package_versions
from urbanbench.scoring.fusion.reading import Exam, Reading
from urbanbench.scoring.heads.contract import HeadOutput

if TYPE_CHECKING:
    from urbanbench.cache import EmbeddingKey

__all__ = ["kept_reading", "reading_digest", "scoring_code"]


@cache
def scoring_code() -> str:
    """Hash the code of splits, heads and metrics; heads are loaded by name, so every file counts."""
    import urbanbench.scoring

    return code_digest(*sorted(Path(urbanbench.scoring.__path__[0]).rglob("*.py")))


def reading_digest(key: EmbeddingKey, exam: Exam) -> str:
    """Name everything that a reading depends on: vectors, labels, the rows of every fit, head and seeds, code and packages."""
    rows = [part for split in exam.splits for part in (split.train, split.val, split.test)]
    return value_digest(
        {
            "vectors": key.digest,
            "targets": exam.targets.digest(),
            "rows": array_digest(*rows, *exam.folds),
            "head": exam.protocol.head,
            "seeds": exam.protocol.seeds,
            "code": scoring_code(),
            "packages": package_versions(),
            "device": exam.device,
        }
    )


def kept_reading(folder: Path | None, digest: str, exam: Exam, make: Callable[[], Reading]) -> Reading:
    """Return a reading from a folder, or make and keep it; without details of its fits, which nobody asks a floor for.

    Parameters
    ----------
    folder
        Where readings are kept; None: nowhere.
    digest
        What `reading_digest` gave.
    exam
        What was asked.
    make
        Makes the reading. Another process that wants the same one waits. A damaged file is made again.
    """
    if folder is None:
        return make()
    path = folder / f"{digest}.safetensors"
    with locked(path.with_suffix(".lock"), needed=False):
        found = _load(path, exam)
        if found is None:
            found = make()
            with spared("What heads read out of a floor is not kept"):
                _save(found, path, exam)
        return found


def _save(reading: Reading, path: Path, exam: Exam) -> None:
    from safetensors.numpy import save_file

    arrays = {"covered": reading.covered.astype(np.uint8)}
    for place, (output, held_out) in enumerate(zip(reading.outputs, reading.held_out, strict=True)):
        arrays |= {f"held_out {place}": held_out}
        arrays |= {f"val {place}": _numbers(output.predicted_val, exam)}
        arrays |= {f"test {place}": _numbers(output.predicted_test, exam)}
        if output.beliefs is not None:
            arrays |= {f"belief val {place}": output.beliefs[0], f"belief test {place}": output.beliefs[1]}
    remove_leftovers(path)
    with replacing(path) as part:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, part)


def _load(path: Path, exam: Exam) -> Reading | None:
    """Return a whole reading, or None."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        read_through(path)
        arrays = load_file(path)
        places = range(len(exam.splits))
        outputs = [_output(arrays, place, exam) for place in places]
        return Reading(outputs, [arrays[f"held_out {place}"] for place in places], arrays["covered"] > 0)
    except (SafetensorError, OSError, KeyError, IndexError):
        return None


def _output(arrays: dict[str, np.ndarray], place: int, exam: Exam) -> HeadOutput:
    beliefs = None
    if exam.targets.kind == "classification":
        beliefs = arrays[f"belief val {place}"], arrays[f"belief test {place}"]
    val, test = (_natural(arrays[f"{side} {place}"], exam) for side in ("val", "test"))
    return HeadOutput(val, test, beliefs=beliefs)


def _numbers(predicted: np.ndarray, exam: Exam) -> np.ndarray:
    """Return values and shares as they are, classes as their numbers."""
    if exam.targets.kind != "classification":
        return np.asarray(predicted, dtype=np.float64)
    return np.array([exam.targets.classes.index(name) for name in predicted], dtype=np.int64)


def _natural(numbers: np.ndarray, exam: Exam) -> np.ndarray:
    if exam.targets.kind != "classification":
        return numbers
    return np.asarray(np.array(exam.targets.classes, dtype=object)[numbers])
