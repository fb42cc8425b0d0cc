"""Tasks whose units have a label: heads are fitted on vectors, split by split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from urbanbench.errors import UnknownName
from urbanbench.run.rooms.contract import Room
from urbanbench.run.split_ground import targets_for

if TYPE_CHECKING:
    from urbanbench.card import ModelCard, TaskCard
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.result import Cell, RunSpec
    from urbanbench.scoring.protocol import Protocol

__all__ = ["BEST_HEAD", "LabelRoom"]

BEST_HEAD = "select"


class LabelRoom(Room):
    """Regression, classification and composition."""

    family, fits_heads = "", True

    def scoring(self, spec: RunSpec, head: str) -> dict[str, Any]:
        """See `Room.scoring`."""
        from urbanbench.scoring.splits import has_blocks, split_name

        size = spec.block_size_m if has_blocks(spec.split) else None
        return {
            "split": split_name(spec.split),
            "block_size_m": size,
            "head": head or spec.head,
            "seeds": tuple(spec.seeds),
        }

    def check_names(self, protocol: Protocol) -> None:
        """See `Room.check_names`."""
        from urbanbench.scoring.heads import HEADS
        from urbanbench.scoring.split import is_split_file
        from urbanbench.scoring.splits import read_word

        split = protocol.split
        if not is_split_file(split):
            read_word(split)
        if protocol.head not in HEADS:
            kind = "head"
            raise UnknownName(kind, protocol.head, HEADS)

    def no_tower(self, model: str, card: ModelCard, task: TaskCard, asked: frozenset[str] | None) -> str:
        """See `Room.no_tower`."""
        del asked
        if task.level in card.embeds:
            return ""
        words = " and ".join(map(repr, card.embeds))
        return f"Model {model!r} embeds {words}. Task {task.title!r} labels {task.level}s."

    def inputs_of(self, card: ModelCard) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
        """See `Room.inputs_of`."""
        return card.inputs, card.needs, card.needs_any

    def view(
        self, city: City, inputs: frozenset[str], model: str, card: ModelCard, task: TaskCard, targets: Any
    ) -> View:
        """See `Room.view`; labelled buildings may be hidden."""
        del model, card
        hidden = targets.ids.tolist() if targets is not None and "target_building" in task.withholds else ()
        return city.view(inputs, task.withholds, hidden)

    def fits(self, task: TaskCard, city: City) -> bool:
        """See `Room.fits`."""
        return task.label in city.labels

    def heads_beside(self, asked: str, head: str) -> list[str]:
        """See `Room.heads_beside`; the one that is chosen by validation score is always among them."""
        return [head] if head else [asked, BEST_HEAD]

    def targets(self, found: Any, cell: Cell, split: str, city: City, task: TaskCard) -> Any:
        """See `Room.targets`."""
        del cell
        return targets_for(split, found, city, task.label)

    def shows_targets(self, task: TaskCard, city: City) -> bool:
        """See `Room.shows_targets`; units that are labelled may be hidden."""
        return task.label in city.labels

    def check_cell(self, cell: Cell, task: TaskCard, *, given: bool) -> None:
        """See `Room.check_cell`; nothing here."""

    def versions(self, cell: Cell, *, across: bool) -> dict[str, int]:
        """See `Room.versions`."""
        from urbanbench.scoring.heads import HEADS
        from urbanbench.scoring.splits import split_version

        del across
        return {"split": split_version(cell.split), "head": HEADS[cell.head].version}

    def layers(self, task: TaskCard) -> Sequence[str]:
        """See `Room.layers`."""
        return ["regions", f"labels/{task.label}"]

    def shared_by(self, card: TaskCard, task: str) -> str:
        """See `Room.shared_by`: all regions are embedded whatever their label, of other levels the labelled units."""
        del task
        return card.label if card.level != "region" else ""

    def declared(self, card: TaskCard) -> dict[str, Any]:
        """See `Room.declared`; nothing here."""
        del card
        return {}
