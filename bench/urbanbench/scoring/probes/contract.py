"""What a probe is given and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urbanbench.scoring.evaluate import align, score_outputs
from urbanbench.scoring.heads import get_head
from urbanbench.scoring.splits import make_splits

if TYPE_CHECKING:
    from urbanbench.scoring.evaluate import Scores
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.heads.contract import HeadOutput
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets
    from urbanbench.space import EmbeddingSpace

__all__ = ["Probed", "Subject", "listed"]


@dataclass(frozen=True, eq=False)
class Probed:
    """What a probe answers.

    Parameters
    ----------
    scores
        As of any evaluation; of a curve those of its last step.
    section
        JSON-like: what the probe tells beside them.
    main_metric
        The metric it is about; "" for the usual one of the task.
    """

    scores: Scores
    section: dict[str, Any]
    main_metric: str = ""


@dataclass(frozen=True, eq=False)
class Subject:
    """What is probed: vectors and labels of the same units, cut and read as the row of these vectors is.

    Parameters
    ----------
    features
        Vectors of the targets' units, in their order.
    targets
        The units in the order of their ids.
    protocol
        Split, head and seeds.
    splits
        One per seed.
    device
        "cpu" or "cuda".
    """

    features: Features
    targets: Targets
    protocol: Protocol
    splits: Sequence[Split]
    device: str = "cpu"

    @classmethod
    def of(cls, space: EmbeddingSpace, targets: Targets, protocol: Protocol, device: str = "cpu") -> Subject:
        """Align vectors with labels and cut the units as the protocol does.

        Raises
        ------
        BadInput
            The space is of another level or lacks a unit, or the split is impossible.
        """
        targets = targets.in_order()
        return cls(align(space, targets), targets, protocol, make_splits(targets, protocol), device)

    def fit(self, targets: Targets | None = None, splits: Sequence[Split] | None = None) -> list[HeadOutput]:
        """Fit the head to the vectors as they are, all seeds in one call; to other targets or on other splits where these are given."""
        return self._fit(self.features, targets or self.targets, splits or self.splits, self.protocol.seeds)

    def fit_each(self, changed: Sequence[Features]) -> list[HeadOutput]:
        """Fit the head to vectors that every seed has of its own, one call a seed."""
        pairs = zip(changed, self.splits, self.protocol.seeds, strict=True)
        return [self._fit(features, self.targets, [split], [seed])[0] for features, split, seed in pairs]

    def score(self, outputs: Sequence[HeadOutput], splits: Sequence[Split] | None = None) -> Scores:
        """Score what heads predicted, on the splits they were fitted on where these are not the usual ones."""
        where, covered = splits or self.splits, self.features.covered
        return score_outputs(outputs, where, self.targets, self.protocol, covered, seconds=0.0)

    def _fit(
        self, features: Features, targets: Targets, splits: Sequence[Split], seeds: Sequence[int]
    ) -> list[HeadOutput]:
        head = get_head(self.protocol.head)
        return head.fit_predict(features, targets, splits, seeds=seeds, device=self.device)


def listed(scores: Scores) -> dict[str, list[float]]:
    """Return metric name to one score per seed, JSON-like."""
    return {metric: list(values) for metric, values in scores.per_seed.items()}
