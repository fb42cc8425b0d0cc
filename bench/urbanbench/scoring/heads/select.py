"""Head `select`: the best of several heads by validation score, chosen per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput
from urbanbench.scoring.heads import get_head
from urbanbench.scoring.heads.choice import validation_score
from urbanbench.scoring.heads.contract import HeadOutput

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["SelectHead"]


@dataclass(frozen=True)
class SelectHead:
    """Fits every candidate and keeps, per seed, the one with the best validation score.

    The score is the RMSE in the natural unit, or macro-F1 for classes; test rows play no part. `details` name the chosen head
    ("chosen") and give all candidates' scores ("val_score", higher is better).

    Parameters
    ----------
    candidates
        Names of heads; an earlier one wins a tie.
    params
        Parameters per candidate.
    """

    candidates: tuple[str, ...] = ("mlp", "ridge", "lightgbm", "rf")
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        strange = sorted(set(self.params) - set(self.candidates))
        if not self.candidates or "select" in self.candidates or strange:
            msg = f"Head 'select' has candidates {self.candidates} and parameters for {strange}. Expected other heads, and parameters for these only."
            raise BadInput(msg)

    def fit_predict(
        self,
        features: Features,
        targets: Targets,
        splits: Sequence[Split],
        *,
        seeds: Sequence[int],
        device: str,
    ) -> list[HeadOutput]:
        """Fit all candidates on all splits and choose per split."""
        heads = {name: get_head(name, **self.params.get(name, {})) for name in self.candidates}
        outputs = {
            name: head.fit_predict(features, targets, splits, seeds=seeds, device=device)
            for name, head in heads.items()
        }
        return [
            _best(targets, split, {name: outputs[name][k] for name in outputs})
            for k, split in enumerate(splits)
        ]


def _best(targets: Targets, split: Split, outputs: Mapping[str, HeadOutput]) -> HeadOutput:
    scores = {
        name: validation_score(targets, split, output.predicted_val) for name, output in outputs.items()
    }
    chosen = max(scores, key=lambda name: scores[name])
    output = outputs[chosen]
    details = {"chosen": chosen, "val_score": scores, **output.details}
    return replace(output, details=details)
