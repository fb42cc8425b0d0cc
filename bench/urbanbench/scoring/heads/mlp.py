"""Head `mlp`: a perceptron 256-128 with early stopping, all seeds trained as one batched computation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.features import Features
from urbanbench.scoring.heads.coding import dense_values, natural_predictions
from urbanbench.scoring.heads.contract import HeadOutput
from urbanbench.seeds import generator, torch_generator

if TYPE_CHECKING:
    from urbanbench.scoring.heads._mlp_net import Inputs
    from urbanbench.scoring.heads._mlp_training import Fitted, Wanted
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["MlpHead"]


@dataclass(frozen=True)
class MlpHead:
    """ReLU perceptron on standardised vectors.

    Squared error on the training-standardised target for a regression; softmax with cross entropy for classes, and
    against the shares (the Kullback-Leibler divergence but for a constant) for a composition. AdamW. Training stops when
    the validation loss has fallen neither for `patience` epochs nor for `patience_updates` updates, and the weights of the best epoch
    are used. Of few units an epoch is a step or two, so there the updates decide.

    Each seed has its own first weights, batch order, standardisation and stopping; the seeds' networks are stacked and
    trained together, and the result does not depend on which seeds share the stack, but for rounding.

    Parameters
    ----------
    hidden
        Units of the hidden layers.
    learning_rate, weight_decay
        Of AdamW.
    batch_size
        About the rows of a batch when 60 % of the units train.
    max_epochs
        Longest training.
    patience, patience_updates
        Patience: so many epochs, and at least so many updates of the weights.
    """

    hidden: tuple[int, ...] = (256, 128)
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    batch_size: int = 128
    max_epochs: int = 1500
    patience: int = 20
    patience_updates: int = 200

    def __post_init__(self) -> None:
        numbers = (*self.hidden, self.batch_size, self.max_epochs, self.patience, self.patience_updates)
        if not self.hidden or min(numbers) < 1 or self.learning_rate <= 0 or self.weight_decay < 0:
            msg = f"Head 'mlp' has parameters {self}. Expected sizes, epochs and patience >= 1, learning_rate > 0 and weight_decay >= 0."
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
        """Fit one perceptron per split, all at once, and predict its validation and test rows."""
        from urbanbench.scoring.heads._mlp_training import outputs_of

        inputs, wanted = _inputs(features, splits, device), _wanted(targets, splits, device)
        fitted = self._fit(inputs, wanted, splits, seeds)
        outputs = outputs_of(
            fitted.net, inputs, [np.concatenate([split.val, split.test]) for split in splits]
        )
        found = []
        for k, (split, output) in enumerate(zip(splits, outputs, strict=True)):
            natural, belief, end = _natural(targets, split, output), _belief(targets, output), len(split.val)
            details = {"epochs": int(fitted.epochs[k]), "best_epoch": int(fitted.best_epoch[k])}
            beliefs = None if belief is None else (belief[:end], belief[end:])
            found.append(HeadOutput(natural[:end], natural[end:], details, beliefs))
        return found

    def _fit(self, inputs: Inputs, wanted: Wanted, splits: Sequence[Split], seeds: Sequence[int]) -> Fitted:
        from urbanbench.scoring.heads._mlp_batches import Batches, steps_per_epoch
        from urbanbench.scoring.heads._mlp_net import StackedMlp
        from urbanbench.scoring.heads._mlp_training import Schedule, fit

        sizes = [inputs.matrix.shape[1], *self.hidden, wanted.values.shape[1]]
        first = [torch_generator(seed, "head", "mlp", "weights") for seed in seeds]
        net = StackedMlp.drawn(sizes, first, str(inputs.matrix.device))
        steps = steps_per_epoch(len(wanted.values), self.batch_size)
        order = [generator(seed, "head", "mlp", "order") for seed in seeds]
        batches = Batches([split.train for split in splits], steps, order)
        patience = max(self.patience, -(-self.patience_updates // steps))
        schedule = Schedule(self.learning_rate, self.weight_decay, self.max_epochs, patience)
        return fit(net, inputs, wanted, batches, [split.val for split in splits], schedule)


def _inputs(features: Features, splits: Sequence[Split], device: str) -> Inputs:
    import torch

    from urbanbench.scoring.heads._mlp_net import Inputs

    scalers = [features.scaler(split) for split in splits]
    inverse = np.stack([scaler.inverse for scaler in scalers])[:, None, :]
    shift = np.stack([-scaler.mean * scaler.inverse for scaler in scalers])[:, None, :]
    covered = features.covered.astype(np.float32)[:, None] if features.has_indicator else None
    return Inputs(
        torch.from_numpy(features.matrix()).to(device),
        torch.from_numpy(inverse).to(device),
        torch.from_numpy(shift).to(device),
        None if covered is None else torch.from_numpy(covered).to(device),
        max(scaler.clip for scaler in scalers),
    )


def _wanted(targets: Targets, splits: Sequence[Split], device: str) -> Wanted:
    import torch

    from urbanbench.scoring.heads._mlp_training import Wanted

    values = dense_values(targets)
    inverse = np.ones((len(splits), 1, values.shape[1]))
    shift = np.zeros_like(inverse)
    if targets.kind == "regression":
        for k, split in enumerate(splits):
            inverse[k], shift[k] = _standardising(values[split.train])
    on_device = (torch.from_numpy(part.astype(np.float32)).to(device) for part in (values, inverse, shift))
    return Wanted(next(on_device), next(on_device), next(on_device), soft=targets.kind != "regression")


def _standardising(values: np.ndarray) -> tuple[float, float]:
    spread = float(values.std())
    inverse = 1.0 / spread if spread > 0 else 1.0
    return inverse, -float(values.mean()) * inverse


def _natural(targets: Targets, split: Split, output: np.ndarray) -> np.ndarray:
    output = output.astype(np.float64)
    if targets.kind == "regression":
        inverse, shift = _standardising(dense_values(targets)[split.train])
        output = (output - shift) / inverse
    elif targets.kind == "composition":
        output = np.exp(output - output.max(axis=1, keepdims=True))
    return natural_predictions(targets, split, output)


def _belief(targets: Targets, output: np.ndarray) -> np.ndarray | None:
    """Return the softmax of raw outputs (m, classes); None for no classes."""
    if targets.kind != "classification":
        return None
    odds = np.exp(output.astype(np.float64) - output.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
