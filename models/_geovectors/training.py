"""Training with gensim so that it repeats bit by bit, epoch by epoch, with progress and with files to go on from."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.atomic import read_through, remove_leftovers, replacing, spared
from urbanbench.home import cache_root
from urbanbench.locks import locked
from urbanbench.progress import Bar, tracking
from urbanbench.seeds import integer_seed
from urbanbench.toolkit.kept.weight_counts import trains_weights
from urbanbench.toolkit.training.plateau import settled
from urbanbench.toolkit.training.stage_log import EPOCHS, StageLog, record

if TYPE_CHECKING:
    from gensim.models import Word2Vec

__all__ = ["FIRST_RATE", "LAST_RATE", "Corpus", "KeptTraining", "fixed_hash", "gensim_seed", "train"]

FIRST_RATE, LAST_RATE = 0.025, 0.0001
"""Learning rate before the first step and after the last; linear between (gensim's defaults)."""

JUDGED = "loss of sentences that are not drawn again, after every epoch; the rate falls by gensim's clock"
"""What the record says of how convergence is judged: by the last two epochs."""

CHUNK = 4096
"""Sentences that exist as Python lists at once."""

PAUSE_S = 30.0
"""Least seconds between two checkpoints."""


class Corpus:
    """Sentences for gensim, which reads them once per epoch.

    Parameters
    ----------
    sentences
        int (w, length), -1 after the end of a sentence; or a list of int arrays.
    names
        The words, for a model that has to see them; else it gets the numbers.

    Attributes
    ----------
    bar
        Moved on by one per sentence.
    """

    def __init__(self, sentences: np.ndarray | Sequence[np.ndarray], names: Sequence[str] = ()) -> None:
        self.sentences, self.names = sentences, np.array(names, dtype=object)
        self.bar: Bar | None = None

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[list[Any]]:
        for first in range(0, len(self), CHUNK):
            part = self.sentences[first : first + CHUNK]
            yield from _as_lists(part) if isinstance(part, np.ndarray) else self._as_words(part)
            if self.bar is not None:
                self.bar.advance(len(part))

    def _as_words(self, part: Sequence[np.ndarray]) -> list[list[Any]]:
        return [(self.names[one] if len(self.names) else one).tolist() for one in part]


def _as_lists(part: np.ndarray) -> list[list[int]]:
    lists: list[list[int]] = part.tolist()
    ended = np.asarray((part < 0).any(axis=1))
    return [
        [word for word in one if word >= 0] if cut else one for one, cut in zip(lists, ended, strict=True)
    ]


def fixed_hash(word: object) -> int:
    """Return a number that depends on the word alone; Python's own hash of a text changes from one start to the next."""
    return int.from_bytes(hashlib.blake2b(str(word).encode(), digest_size=4).digest(), "big")


def gensim_seed(seed: int, *purpose: str | int) -> int:
    """Return a 32-bit seed, which is what gensim takes."""
    return integer_seed(seed, "geovectors", *purpose) % 2**32


@dataclass(frozen=True)
class KeptTraining:
    """The files of one training: its vectors when it is done, its weights of the last checkpoint before.

    Parameters
    ----------
    key
        Hash of all that the vectors depend on.
    """

    key: str

    @property
    def done(self) -> Path:
        """Where the vectors are."""
        return cache_root() / "training" / f"{self.key}.safetensors"

    @property
    def checkpoint(self) -> Path:
        """Where the weights of an unfinished training are."""
        return cache_root() / "training" / f"{self.key}.part.safetensors"

    def vectors(self, compute: Callable[[], tuple[np.ndarray, StageLog]]) -> np.ndarray:
        """Read the vectors, or compute and keep them; the log of their training is recorded in both cases.

        A program that wants the same vectors meanwhile waits for the first one.
        """
        with locked(self.done.with_suffix(".lock"), needed=False):
            found = read_arrays(self.done)
            if found is None:
                remove_leftovers(self.done, self.checkpoint)
                vectors, log = compute()
                write_arrays(self.done, {"vectors": vectors}, {"log": asdict(log)})
                self.checkpoint.unlink(missing_ok=True)
            else:
                vectors, log = found[0]["vectors"], StageLog.from_fields(found[1]["log"])
        record(log)
        return vectors


def train(
    model: Word2Vec,
    corpus: Corpus,
    log: StageLog,
    check: Callable[[], float],
    *,
    epochs: int,
    seed: int,
    checkpoint: Path | None = None,
) -> None:
    """Train a gensim model whose vocabulary is built; the log gets the loss of every check.

    Every epoch begins with its own random state, so a training that goes on from a checkpoint gives the same bits as one that was
    never stopped.

    Parameters
    ----------
    model
        Word2Vec or FastText with one worker.
    corpus
        Sentences.
    log
        Takes (epoch, loss) of every check; the first is before training.
    check
        Loss of the present weights on sentences the training does not draw.
    epochs
        Passes over the sentences.
    seed
        Seed of windows and negative samples.
    checkpoint
        File to go on from and to write; None to keep nothing.
    """
    began = last = time.perf_counter()
    first = _resume(model, log, checkpoint)
    trains_weights(_weights(model).values())
    log.planned_steps = epochs
    if first == 0:
        log.checks.append((0, check()))
    with tracking(f"train {log.name}", epochs * len(corpus)) as bar:
        corpus.bar = bar
        bar.advance(first * len(corpus))
        for epoch in range(first, epochs):
            _epoch(model, corpus, epoch, epochs, gensim_seed(seed, log.name, "epoch", epoch))
            log.checks.append((epoch + 1, check()))
            log.best_step = epoch + 1  # the last weights are kept
            if checkpoint is not None and epoch + 1 < epochs and time.perf_counter() - last >= PAUSE_S:
                write_arrays(checkpoint, _weights(model), {"log": asdict(log)})
                last = time.perf_counter()
    log.seconds += time.perf_counter() - began
    log.ended, log.epochs, log.judged = EPOCHS, epochs, JUDGED
    log.converged = settled([loss for _, loss in log.checks])


def _epoch(model: Word2Vec, corpus: Corpus, epoch: int, epochs: int, seed: int) -> None:
    model.random = np.random.RandomState(seed)  # gensim calls methods that only the old kind has
    rates = [FIRST_RATE - (FIRST_RATE - LAST_RATE) * place / epochs for place in (epoch, epoch + 1)]
    model.train(
        corpus,
        total_examples=len(corpus),
        epochs=1,
        start_alpha=rates[0],
        end_alpha=rates[1],
    )


def _weights(model: Word2Vec) -> dict[str, np.ndarray]:
    """Return the arrays that training changes, themselves."""
    names = ("vectors_vocab", "vectors_ngrams") if hasattr(model.wv, "vectors_ngrams") else ("vectors",)
    return {name: getattr(model.wv, name) for name in names} | {"syn1neg": model.syn1neg}


def _resume(model: Word2Vec, log: StageLog, checkpoint: Path | None) -> int:
    """Take over the weights of a checkpoint and return how many epochs they have seen."""
    found = read_arrays(checkpoint) if checkpoint is not None else None
    if found is None:
        return 0
    stored, before = found[0], StageLog.from_fields(found[1]["log"])
    for name, array in _weights(model).items():
        array[...] = stored[name]
    log.checks, log.seconds = before.checks, before.seconds
    return before.best_step


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """Read arrays and facts; None where there is no whole file."""
    from safetensors import SafetensorError, safe_open

    try:
        read_through(path)
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            return {name: np.array(file.get_tensor(name)) for name in file.keys()}, facts  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def write_arrays(path: Path, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """Write arrays and facts, whole or not at all; where there is no room they are not kept, which is said."""
    from safetensors.numpy import save_file

    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with spared("A training is not kept"), replacing(path) as part:
        save_file(plain, part, metadata={"facts": json.dumps(facts)})
