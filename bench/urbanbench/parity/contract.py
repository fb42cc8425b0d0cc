"""What a paper's protocol is: questions it can score, each with its split, head and repeats, and what to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["DEFAULT", "PREFIX", "Answer", "Cut", "Paper", "PaperHead", "Question", "is_paper"]

DEFAULT = "default"
"""The name of our own protocol, which has splits, heads and seeds of its own to choose from."""
PREFIX = "paper:"


def is_paper(name: str) -> bool:
    """Tell whether a name is that of a paper's protocol.

    Examples
    --------
    >>> is_paper("paper:hgi"), is_paper("default"), is_paper("random")
    (True, False, False)
    """
    return name.startswith(PREFIX)


@dataclass(frozen=True, eq=False)
class Answer:
    """Predictions of one fitted head.

    Parameters
    ----------
    test, val
        For the rows of ``split.test`` and ``split.val`` in their order: float64 (m,), class names (m,) or shares (m, k).
    details
        What was chosen while fitting, JSON-like.
    """

    test: np.ndarray
    val: np.ndarray
    details: dict[str, Any]


class Cut(Protocol):
    """A way to split, without a model or head in it."""

    @property
    def words(self) -> str:
        """Say the split in a line."""
        ...

    def folds(self, targets: Targets, seed: int, name: str) -> list[Split]:
        """Return the splits whose test rows are predicted in one repeat; `name` is the protocol's."""
        ...


class PaperHead(Protocol):
    """A head as published: a frozen dataclass of its parameters that fits the vectors as they are."""

    @property
    def name(self) -> str:
        """One word, for tables and file names."""
        ...

    @property
    def words(self) -> str:
        """Say the head in a line."""
        ...

    @property
    def needs_position(self) -> bool:
        """Whether it is given where the units lie."""
        ...

    def fit_predict(
        self,
        vectors: np.ndarray,
        targets: Targets,
        split: Split,
        *,
        position: np.ndarray | None,
        parts: Mapping[str, tuple[int, int]],
        seed: int,
        name: str,
        device: str,
    ) -> Answer:
        """Fit on the training rows and predict the others.

        Parameters
        ----------
        vectors
            float32 (n, width), rows in the targets' order, none of them standardised.
        targets
            The labels.
        split
            The rows of each side.
        position
            float64 (n, 256), the positional encoding, for heads that need it.
        parts
            Columns of named parts of the vectors, where the model tells them.
        seed
            Number of the repeat.
        name
            The protocol's, which keeps the randomness of two protocols apart.
        device
            "cpu" or "cuda".
        """
        ...


@dataclass(frozen=True)
class Question:
    """How a protocol scores one kind of task.

    Parameters
    ----------
    kind, level
        Kind and level of the tasks.
    cut
        The split.
    head
        The head.
    repeats
        How often split and head are drawn; each repeat gives one score from its pooled test predictions.
    spread
        What "±" means, and what the published "±" is.
    leaks
        What test rows give away under it.
    clip_at_zero
        Whether negative predictions become 0.
    covered_only
        Whether units that the vectors have no data for are left out before anything is drawn.
    version
        Raised whenever cut or head give other predictions from the same vectors; rows of an earlier version are computed again.
    """

    kind: str
    level: str
    cut: Cut
    head: PaperHead
    repeats: int
    spread: str
    leaks: Sequence[str]
    clip_at_zero: bool = False
    covered_only: bool = False
    version: int = 1

    @property
    def words(self) -> str:
        """Say what it scores and how, in a line."""
        repeats = "once" if self.repeats == 1 else f"{self.repeats} repeats"
        clip = ", negative predictions set to 0" if self.clip_at_zero else ""
        units = ", those without data left out" if self.covered_only else ""
        return f"{self.kind} of {self.level}s{units}: {self.cut.words}; {self.head.words}{clip}; {repeats}"


@dataclass(frozen=True)
class Paper:
    """A protocol as a paper or its released code has it.

    Parameters
    ----------
    name
        Name on the command line, "paper:" and a word.
    title
        Whose protocol.
    sources
        Where its facts are from: papers, and files of released code.
    questions
        What it can score.
    differs
        Where ours is not the published one: what is not stated, or not possible here.
    """

    name: str
    title: str
    sources: Sequence[str]
    questions: Sequence[Question]
    differs: Sequence[str]

    def question(self, kind: str, level: str) -> Question | None:
        """Return how a kind of task at a level is scored, or None where the protocol has no answer."""
        return next((one for one in self.questions if (one.kind, one.level) == (kind, level)), None)

    @property
    def scores(self) -> str:
        """Name what it can score: "regression of regions, classification of buildings"."""
        return ", ".join(f"{one.kind} of {one.level}s" for one in self.questions)

    def label(self, question: Question) -> dict[str, Any]:
        """Return what a result says of the protocol it follows, JSON-like."""
        return {
            "name": self.name,
            "title": self.title,
            "scored": question.words,
            "spread": question.spread,
            "leaks": list(question.leaks),
            "differs": list(self.differs),
            "sources": list(self.sources),
        }
