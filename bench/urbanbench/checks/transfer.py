"""Conformance of a model that says it can embed a city it was not trained on: trained on one city, it embeds another."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.checks.frames import frames_digest
from urbanbench.checks.practice import practice
from urbanbench.city.city import City
from urbanbench.errors import BadInput, Conformance, InputMasked, LayerMissing, RunRefused, UnknownName
from urbanbench.home import fresh_cache
from urbanbench.inputs import LAYER_OF
from urbanbench.learned import Learned
from urbanbench.model import Model
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.units import LEVELS, Units

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace

__all__ = ["check_transfer"]

MAX_UNITS = 100


def check_transfer(
    model: Model,
    source: City,
    target: City,
    *,
    level: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    held: Callable[[str, str], None] | None = None,
) -> None:
    """Check that a model does what its card says of other cities; a model whose card does not say that it can is passed over.

    The rules: what is learned is a `Learned` that a file holds; it is the same bits again from an empty cache; with it the city it was
    learned in has the bits of `embed`, and another city has a finite row for every unit, as long as in the first, the same bits twice, from a
    file as from memory; nothing is trained on the other city, and what was learned is not changed by it. `learn` is given a view of the
    first city alone, so the second cannot be seen in training. A model that learns nothing gives the other city the bits of `embed`.

    Parameters
    ----------
    model
        The model.
    source, target
        Two small cities; the model is asked for what both have.
    level
        One level instead of the first that the card names.
    seed, device
        Given to the model.
    held
        Called with the level and a sentence for every rule that holds.

    Raises
    ------
    Conformance
        The first rule that is broken.
    RunRefused
        The cities lack an input the model needs.
    """
    if not model.card.moves:
        return
    chosen = level or next((one for one in model.card.embeds if one in LEVELS), "item")
    check = _Check(model, source, target, chosen, seed, device)
    for rule in check.rules():
        if held is not None:
            held(chosen, rule)


class _Check:
    """One model on two cities."""

    def __init__(self, model: Model, source: City, target: City, level: str, seed: int, device: str) -> None:
        self.model, self.level, self.seed, self.device = model, level, seed, device
        self.name = type(model).__name__
        both = {
            one
            for one in model.card.inputs - {"coordinates"}
            if LAYER_OF.get(one, "regions") in {*source.layers, "regions"} & {*target.layers, "regions"}
        }
        lacking = [one for one in model.card.needs if one not in both]
        if lacking or (model.card.needs_any and not both & set(model.card.needs_any)):
            msg = f"{self.name} cannot be checked on {source.name!r} and {target.name!r}: both need what it reads. Choose two cities that have it."
            raise RunRefused(msg)
        self.here: View
        self.there: View
        if level == "item":
            self.here, self.units_here = practice(source, model.card)
            self.there, self.units_there = practice(target, model.card)
            return
        self.here, self.there = source.view(both), target.view(both)
        self.units_here, self.units_there = (
            Units(level, tuple(city.unit_ids(level))[:MAX_UNITS]) for city in (source, target)
        )

    def rules(self) -> list[str]:
        """Try all rules and return them; raises for the first that is broken."""
        told = [*self._learns()]
        with tempfile.TemporaryDirectory(prefix="urbanbench-") as folder:
            path = Path(folder) / "learned.safetensors"
            self.learned.save(path)
            kept, _ = Learned.load(path)
        own = self._embed(self.learned, self.here, self.units_here)
        native = self._native(self.here, self.units_here)
        self._same(
            own,
            native,
            "its own city",
            "gave other vectors than `embed`",
            "`embed` and `embed_with(learn(view), view)` to agree",
        )
        told.append("with what it learned, its own city has the bits of embed")
        told += self._embeds_another(kept, own.dim)
        return told

    def _learns(self) -> list[str]:
        self.learned = self._learn()
        with fresh_cache():  # a trained part that is read from disk would prove nothing
            again = self._learn()
        if self.device == "cpu" and again.digest() != self.learned.digest():
            self._fail("learn", "gave something else for the same city and seed", "the same bits on the CPU")
        return ["it learns the same bits from one city twice"]

    def _learn(self) -> Learned:
        with self._explained("learn"):
            made = self.model.learn(self.here, seed=self.seed, device=self.device)
        if not isinstance(made, Learned):
            self._fail("learn", f"returned {type(made).__name__}", "a Learned of arrays and facts")
        return made

    def _embeds_another(self, kept: Learned, dim: int) -> list[str]:
        before, digest = frames_digest(self.there), kept.digest()
        with recording() as stages:
            first = self._embed(kept, self.there, self.units_there)
        if trained := [one for one in stages if not one.skipped]:
            self._fail(
                "embed_with",
                f"trained on the city it embeds ({trained[0].name})",
                "only what was learned before",
            )
        if first.dim != dim:
            self._fail(
                "embed_with",
                f"gave {first.dim} columns in another city and {dim} in its own",
                "the same columns",
            )
        with fresh_cache():
            self._same(
                first,
                self._embed(self.learned, self.there, self.units_there),
                "another city",
                "gave other bits the second time",
                "the same, from a file as from memory",
            )
        if kept.digest() != digest or frames_digest(self.there) != before:
            self._fail("embed_with", "changed what it was given", "it to read only")
        if self.model.card.transfers == "fixed":
            self._same(
                first,
                self._native(self.there, self.units_there),
                "another city",
                "gave other vectors than `embed`",
                "the same, as its card says that it learns nothing",
            )
        return [
            "another city has a row for every unit, with the columns of the first",
            "nothing is trained on the other city, whose vectors are the same bits twice",
        ]

    def _native(self, view: View, units: Units) -> EmbeddingSpace:
        with self._explained("embed"):
            return self.model.embed(view, units=units, seed=self.seed, device=self.device)

    def _embed(self, learned: Learned, view: View, units: Units) -> EmbeddingSpace:
        with self._explained("embed_with"):
            space = self.model.embed_with(learned, view, units=units, seed=self.seed, device=self.device)
        if space.level != units.level or tuple(space.ids.tolist()) != units.ids:
            self._fail("embed_with", "returned other units than those asked for", "units.ids, in this order")
        if (space.vectors[~space.mask] != 0).any():
            self._fail(
                "embed_with", "filled rows of units it has no data for", "zeros where covered is False"
            )
        return space

    @contextmanager
    def _explained(self, method: str) -> Iterator[None]:
        """Make a broken rule of what the contracts of views, vectors and what was learned refuse."""
        try:
            yield
        except (BadInput, InputMasked, LayerMissing, UnknownName) as error:
            msg = f"{self.name}.{method} raised {type(error).__name__}. {error}"
            raise Conformance(msg) from error

    def _same(self, one: EmbeddingSpace, other: EmbeddingSpace, where: str, what: str, expected: str) -> None:
        alike = (
            one.vectors.shape == other.vectors.shape
            and one.vectors.tobytes() == other.vectors.tobytes()
            and np.array_equal(one.mask, other.mask)
        )
        if self.device == "cpu" and not alike:
            self._fail("embed_with", f"{what} in {where}", expected)

    def _fail(self, method: str, what: str, expected: str) -> None:
        msg = f"{self.name}.{method} {what}. Expected {expected}. Its card says transfers={self.model.card.transfers!r}."
        raise Conformance(msg)
