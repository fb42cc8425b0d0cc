"""Recipe: how a paper builds and trains its perceptron, as data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DECAYS", "Recipe"]

DECAYS = {
    "none": "constant rate",
    "linear": "rate falling linearly to 0",
    "slow": "rate times 0.999 per epoch",
}


@dataclass(frozen=True)
class Recipe:
    """Sizes, activation and schedule of a perceptron.

    Parameters
    ----------
    hidden
        Units of the hidden layers.
    entry
        Units of a linear layer with ReLU that the vector alone goes through first; 0 for none.
    activation
        "relu" or "tanh".
    batch_norm
        Whether hidden units are batch-normalised before their activation.
    learning_rate, batch, epochs
        Of Adam.
    decay
        A word of `DECAYS`.
    shuffled
        Whether batches are drawn anew each epoch; otherwise they are the same slices every time.
    position
        Factor of the positional encoding that is put beside the vector; 0 for none.
    """

    hidden: tuple[int, ...]
    entry: int = 0
    activation: str = "relu"
    batch_norm: bool = False
    learning_rate: float = 5e-3
    batch: int = 128
    epochs: int = 40
    decay: str = "none"
    shuffled: bool = False
    position: float = 0.0

    @property
    def needs_position(self) -> bool:
        """Whether it is given where the units lie."""
        return self.position > 0
