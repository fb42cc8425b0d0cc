"""What every head is and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.scoring.features import Features
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["Head", "HeadOutput"]


@dataclass(frozen=True, eq=False)
class HeadOutput:
    """Predictions of one fitted head in the target's natural form.

    Parameters
    ----------
    predicted_val, predicted_test
        For the rows of ``split.val`` and ``split.test`` in their order: float64 (m,), class names (m,) or shares (m, k).
    details
        What was chosen while fitting (penalty, epochs, ...), JSON-like.
    beliefs
        Of classes, how much speaks for each in validation and test rows: two float64 (m, classes), whose rows add up to 1 and are largest
        at the predicted class. None for numbers and shares.
    """

    predicted_val: np.ndarray
    predicted_test: np.ndarray
    details: dict[str, Any] = field(default_factory=dict)
    beliefs: tuple[np.ndarray, np.ndarray] | None = None


class Head(Protocol):
    """Fits on training rows, may choose on validation rows, never sees a label of a test row.

    A head is a frozen dataclass of its parameters. One call fits all seeds, so that a head can share work among them.
    """

    def fit_predict(
        self,
        features: Features,
        targets: Targets,
        splits: Sequence[Split],
        *,
        seeds: Sequence[int],
        device: str,
    ) -> list[HeadOutput]:
        """Fit one model per split and predict its validation and test rows.

        Parameters
        ----------
        features
            Vectors (n, dim) of the targets' units, in their order.
        targets
            Labels of the n units.
        splits
            One per seed.
        seeds
            Seeds of the fits' own randomness, one per split.
        device
            "cpu" or "cuda"; heads that run on the CPU only ignore it.
        """
        ...
