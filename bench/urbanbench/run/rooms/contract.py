"""The contract of a room: what a run asks of the kind of task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.card import ModelCard, TaskCard
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.result import Cell, RunSpec
    from urbanbench.scoring.protocol import Protocol

__all__ = ["Room"]


class Room(ABC):
    """How tasks of some kinds are asked, shown and scored; it holds nothing."""

    family: str
    """Which floors stand beside its rows besides those of no family, see `urbanbench.card.ModelCard.family`; "" for none."""

    fits_heads: bool
    """Whether a head is fitted, which can be done in another city, read beside a floor or asked by a probe."""

    @abstractmethod
    def scoring(self, spec: RunSpec, head: str) -> dict[str, Any]:
        """Return a cell's split, block size, head and seeds; `head` is the only one that makes sense for the model, or ""."""

    @abstractmethod
    def check_names(self, protocol: Protocol) -> None:
        """Refuse a split or head that no kind has before anything runs.

        Raises
        ------
        UnknownName, BadInput
            No such word.
        """

    @abstractmethod
    def no_tower(self, model: str, card: ModelCard, task: TaskCard, asked: frozenset[str] | None) -> str:
        """Return why a model cannot make vectors of what the task is about; "" where it can. `asked` are the inputs allowed, None for all."""

    @abstractmethod
    def inputs_of(self, card: ModelCard) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
        """Return the inputs that a model may see here, those that it needs, and those of which it needs one."""

    @abstractmethod
    def view(
        self, city: City, inputs: frozenset[str], model: str, card: ModelCard, task: TaskCard, targets: Any
    ) -> View:
        """Return what a model is shown; `targets` may be None where nothing is asked yet.

        Raises
        ------
        RunRefused
            Nothing of what is asked is for this model.
        """

    @abstractmethod
    def fits(self, task: TaskCard, city: City) -> bool:
        """Tell whether a city has what the task is made of, as far as names tell."""

    @abstractmethod
    def heads_beside(self, asked: str, head: str) -> list[str]:
        """Return the heads that a floor is run with beside rows of the head asked for; `head` as in `scoring`."""

    @abstractmethod
    def targets(self, found: Any, cell: Cell, split: str, city: City, task: TaskCard) -> Any:
        """Return a task's targets with what the split needs of the city."""

    @abstractmethod
    def shows_targets(self, task: TaskCard, city: City) -> bool:
        """Tell whether what is seen of a train city depends on the task's targets there."""

    @abstractmethod
    def check_cell(self, cell: Cell, task: TaskCard, *, given: bool) -> None:
        """Refuse what cannot be asked of this kind; `given` where the vectors come from a file.

        Raises
        ------
        RunRefused
            And why.
        """

    @abstractmethod
    def versions(self, cell: Cell, *, across: bool) -> dict[str, int]:
        """Return the versions of split, head and metrics."""

    @abstractmethod
    def layers(self, task: TaskCard) -> Sequence[str]:
        """Return the layers of a city's folder that targets are made of."""

    @abstractmethod
    def shared_by(self, card: TaskCard, task: str) -> str:
        """Return a word that is the same for tasks that can share vectors."""

    @abstractmethod
    def declared(self, card: TaskCard) -> dict[str, Any]:
        """Return what a result says of the task beside what every task says."""
