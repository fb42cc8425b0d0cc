"""Retrieval: items are embedded, and candidates ranked by the cosine; no head is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from urbanbench.card import RETRIEVAL
from urbanbench.errors import RunRefused
from urbanbench.inputs import format_inputs
from urbanbench.items import MODALITIES
from urbanbench.run.rooms.contract import Room
from urbanbench.scoring.retrieval.words import COSINE, SPLITS, head_word, split_word
from urbanbench.scoring.splits.city_out import CITY_OUT

if TYPE_CHECKING:
    from urbanbench.card import ModelCard, TaskCard
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.items import Item
    from urbanbench.result import Cell, RunSpec
    from urbanbench.scoring.protocol import Protocol

__all__ = ["INPUT_OF", "ItemRoom"]

INPUT_OF = {"image": "street_view", "graph": "graph"}
"""Which input shows a part of an item; texts are the question itself and always shown."""


class ItemRoom(Room):
    """Retrieval."""

    family, fits_heads = RETRIEVAL, False

    def scoring(self, spec: RunSpec, head: str) -> dict[str, Any]:
        """See `Room.scoring`; what a run says when it is asked for nothing is `area` and `cosine` here."""
        del head
        split = split_word(spec.split, spec.train_city)
        return {
            "split": split,
            "block_size_m": None,
            "head": head_word(spec.head),
            "seeds": tuple(spec.seeds),
        }

    def check_names(self, protocol: Protocol) -> None:
        """See `Room.check_names`: words of other kinds are refused when the cell is run, those of none here."""
        if protocol.split in SPLITS and protocol.head == COSINE:
            return
        from urbanbench.run.rooms.labels import LabelRoom

        split = "random" if protocol.split in SPLITS else protocol.split
        head = "mlp" if protocol.head == COSINE else protocol.head
        LabelRoom().check_names(replace(protocol, split=split, head=head))

    def no_tower(self, model: str, card: ModelCard, task: TaskCard, asked: frozenset[str] | None) -> str:
        """See `Room.no_tower`: each side has a part that the model has a tower for and that is not masked."""
        has = [name for name in card.embeds if name in MODALITIES]
        if not has:
            return f"Model {model!r} embeds {_and(card.embeds)}. Task {task.title!r} asks with {_or(task.query)} and chooses among {_or(task.candidates)}, which need a tower each."
        for side, parts in (("asks with", task.query), ("chooses among", task.candidates)):
            towers = [one for one in parts if one in has]
            if not towers:
                return (
                    f"Model {model!r} has a tower for {_and(has)}. Task {task.title!r} {side} {_or(parts)}."
                )
            if all(_masked(one, asked) for one in towers):
                inputs = " or ".join(repr(INPUT_OF[one]) for one in towers)
                return f"Model {model!r} needs input {inputs} for what task {task.title!r} {side}, which --inputs {format_inputs(asked or ())} masks."
        return ""

    def inputs_of(self, card: ModelCard) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
        """See `Room.inputs_of`: what shows the parts of items that a model has towers for; what its card needs is for regions."""
        return frozenset(INPUT_OF[one] for one in card.embeds if one in INPUT_OF), (), ()

    def view(
        self, city: City, inputs: frozenset[str], model: str, card: ModelCard, task: TaskCard, targets: Any
    ) -> View:
        """See `Room.view`; a model for which no query and its right candidate are both something has nothing to do."""
        from urbanbench.city.item_view import ItemView

        view = ItemView(city, inputs, tuple(sorted(task.withholds)), exam=targets.exam)
        shown = view.items
        towers = {one for one in card.embeds if one in MODALITIES}
        pairs = zip(targets.queries, targets.positive, strict=True)
        if not any(
            _reached(shown.get(one), towers) and _reached(shown.get(other), towers) for one, other in pairs
        ):
            msg = f"Model {model!r} has a tower for {_and(sorted(towers))}. No query of task {task.title!r} in {city.name!r} and its right candidate have that both, of what --inputs shows."
            raise RunRefused(msg)
        return view

    def fits(self, task: TaskCard, city: City) -> bool:
        """See `Room.fits`."""
        labelled = not task.label or task.label in city.labels
        return labelled and all(layer in city.layers for layer in task.layers)

    def heads_beside(self, asked: str, head: str) -> list[str]:
        """See `Room.heads_beside`; there is one."""
        del head
        return [asked]

    def targets(self, found: Any, cell: Cell, split: str, city: City, task: TaskCard) -> Any:
        """See `Room.targets`: who learns in another city is shown no lesson of this one."""
        del split, city, task
        return replace(found, exam=replace(found.exam, lessons=())) if cell.train_city else found

    def shows_targets(self, task: TaskCard, city: City) -> bool:
        """See `Room.shows_targets`; lessons are all that is learned from."""
        del task, city
        return True

    def check_cell(self, cell: Cell, task: TaskCard, *, given: bool) -> None:
        """See `Room.check_cell`."""
        what = f"Task {task.title!r} is a retrieval"
        if cell.beside or cell.probe:
            asked = f"probe {cell.probe!r}" if cell.probe else "--adds"
            msg = f"{what}, and {asked} reads what a head makes of vectors. Expected regression, classification or composition: no head is fitted for a retrieval."
            raise RunRefused(msg)
        if given:
            msg = f"{what}, whose items are made anew for each city. Expected a model that embeds them; a file of vectors has no rows for them. Mend: a plugin with embeds=('image', 'text')."
            raise RunRefused(msg)
        if cell.split not in SPLITS:
            msg = f"{what}, whose lessons are kept apart from its questions by area. Expected split 'area' (or 'random', which stands for it), got {cell.split!r}. Mend: --split area"
            raise RunRefused(msg)
        if cell.split == CITY_OUT and not cell.train_city:
            msg = f"{what}, and split {CITY_OUT!r} takes its lessons from another city. Expected one to be named. Mend: --train-city CITY"
            raise RunRefused(msg)
        if cell.head != COSINE:
            msg = f"{what}, whose candidates are ranked by the cosine of their vectors. Expected head 'cosine' (or 'mlp', which stands for it), got {cell.head!r}. Mend: --head cosine"
            raise RunRefused(msg)

    def versions(self, cell: Cell, *, across: bool) -> dict[str, int]:
        """See `Room.versions`: of the candidate sets and of the ranks."""
        from urbanbench.scoring.retrieval.versions import DRAWING_VERSION, RANKING_VERSION

        del cell, across
        return {"split": DRAWING_VERSION, "head": RANKING_VERSION}

    def layers(self, task: TaskCard) -> Sequence[str]:
        """See `Room.layers`."""
        return ["regions", *task.layers, *([f"labels/{task.label}"] if task.label else [])]

    def shared_by(self, card: TaskCard, task: str) -> str:
        """See `Room.shared_by`: every task has items of its own."""
        del card
        return task

    def declared(self, card: TaskCard) -> dict[str, Any]:
        """See `Room.declared`: what is asked, what is chosen from, which is right, and what may not be told."""
        return {
            "query": list(card.query),
            "candidates": list(card.candidates),
            "positive": card.positive,
            "leaks": list(card.leaks),
        }


def _reached(item: Item | None, towers: set[str]) -> bool:
    return item is not None and bool(towers & set(item.modalities))


def _masked(part: str, asked: frozenset[str] | None) -> bool:
    return asked is not None and part in INPUT_OF and INPUT_OF[part] not in asked


def _and(words: Sequence[str]) -> str:
    return " and ".join(map(repr, words))


def _or(words: Sequence[str]) -> str:
    return " or ".join(map(repr, words))
