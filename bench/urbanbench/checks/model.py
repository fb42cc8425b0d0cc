"""Conformance of a model: run it on a small city and look for broken promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.checks.frames import frames_digest
from urbanbench.checks.model_card import check_model_card
from urbanbench.checks.planted import MOST_NEARER, TWINS, rows_in_pairs, share_nearer
from urbanbench.checks.practice import embeds_items, practice
from urbanbench.city.changing.moved import moved_view
from urbanbench.city.changing.twins import choose_twins, twins_view
from urbanbench.city.city import City
from urbanbench.city.folder.format import UNIT_LAYER
from urbanbench.errors import BadInput, Conformance, InputMasked, LayerMissing, RunRefused, UnknownName
from urbanbench.home import fresh_cache
from urbanbench.inputs import LAYER_OF, format_inputs
from urbanbench.model import Model
from urbanbench.seeds import generator
from urbanbench.seen import COUNTED, KINDS, Seen, seeing
from urbanbench.space import EmbeddingSpace
from urbanbench.units import ITEM, LEVELS, Units

if TYPE_CHECKING:
    from urbanbench.city.view import View

__all__ = ["check_model"]

MAX_UNITS = 200
MOVED_BY = (8192.0, -16384.0)
MOVED_TOLERANCE = 1e-3

_OWN_INPUT = {
    level: name for level, layer in UNIT_LAYER.items() for name, read in LAYER_OF.items() if read == layer
}
"""The input that shows the units of a level themselves."""


def check_model(
    model: Model | type[Model],
    where: City | View,
    *,
    level: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    held: Callable[[str, str], None] | None = None,
) -> None:
    """Check that a model keeps its contract; it is run up to six times per level.

    The rules: the card is complete and parameters can be rebuilt; the same ids in the order asked for, float32, finite, zero rows
    for units without data; the same seed gives the same bits, and any seed does where the card says trained=False; the view is not changed; only declared inputs are touched, and
    optional ones only where the view has them; a model that does not declare `coordinates` gives the same vectors when the whole
    city is moved by some kilometres; a region planted twice, with all it holds, has like vectors under both ids. What a model says of the
    objects it used (`urbanbench.seen.saw`) fits the view's layers.

    Parameters
    ----------
    model
        The model; a class is built with its preset "small", or its defaults where it has none.
    where
        A small city, or a view of one. With a view the rule on optional inputs is not checked.
    level
        One level instead of all the card names and the city has.
    seed
        Seed given to the model.
    device
        Device given to the model. The same bits are promised on "cpu" only.
    held
        Called with the level ("" for the card) and a sentence for every rule that holds, as soon as it is known.

    Raises
    ------
    Conformance
        The first rule that is broken.
    BadInput
        A level that the model does not embed.
    RunRefused
        The city lacks an input the model needs, or has none of its levels.
    """
    built = (
        model
        if isinstance(model, Model)
        else model.from_settings("small" if "small" in model.presets else "")
    )
    check_model_card(built)
    held = held or (lambda _level, _rule: None)
    held("", "the card is complete, and parameters can be written down and read back")
    units_of = [one for one in built.card.embeds if one in LEVELS]
    _check_asked(built, level, [*units_of, ITEM] if embeds_items(built.card) else units_of)
    run = _Check(built, where, seed, device, held)
    levels = [one for one in units_of if level in {None, one} and run.has_level(one)]
    items = embeds_items(built.card) and level in {None, ITEM} and run.city is not None
    if not levels and not items:
        msg = f"{run.name} cannot be checked here: the city has none of its levels ({', '.join(built.card.embeds)}). Choose a city that has one."
        raise RunRefused(msg)
    for one in levels:
        run.check_level(one)
    if items:
        run.check_items()


def _check_asked(model: Model, level: str | None, known: Sequence[str]) -> None:
    """Refuse a level that the model does not embed."""
    if level is not None and level not in known:
        msg = f"{type(model).__name__} cannot be checked at level {level!r}. Expected a level that its card names: {', '.join(known)}."
        raise BadInput(msg)


class _Check:
    """One model on one city."""

    def __init__(
        self, model: Model, where: City | View, seed: int, device: str, held: Callable[[str, str], None]
    ) -> None:
        self.held = held
        self.model, self.seed, self.device, self.name = model, seed, device, type(model).__name__
        self.city = where if isinstance(where, City) else None
        self.view: View = self._full_view(where) if isinstance(where, City) else where

    def _full_view(self, city: City) -> View:
        lacking = [
            one for one in self.model.card.needs if one in LAYER_OF and LAYER_OF[one] not in city.layers
        ]
        if lacking:
            msg = f"{self.name} cannot be checked on city {city.name!r}: it needs {format_inputs(lacking)}. Choose a city that has the layer."
            raise RunRefused(msg)
        any_of = self.model.card.needs_any
        if any_of and not any(LAYER_OF.get(one) in {None, *city.layers} for one in any_of):
            msg = f"{self.name} cannot be checked on city {city.name!r}: it needs one of {format_inputs(any_of)}. Choose a city that has one."
            raise RunRefused(msg)
        return city.view(
            frozenset(
                one
                for one in self.model.card.inputs
                if LAYER_OF.get(one, "regions") in (*city.layers, "regions")
            )
        )

    def has_level(self, level: str) -> bool:
        """Tell whether units of this level can be named here."""
        return level == "region" or len(self._ids(level)) > 0

    def _ids(self, level: str) -> list[str]:
        if level == "region":
            return list(self.view.region_ids)
        layer = UNIT_LAYER[level]
        if self.city is not None:
            return list(self.city.unit_ids(level)) if layer in self.city.layers else []
        return list(getattr(self.view, layer).index) if self.view.has(_OWN_INPUT[level]) else []

    def check_level(self, level: str) -> None:
        """Run all rules at one level."""
        order = generator(self.seed, "check", level)
        ids = order.permutation(np.array(self._ids(level), dtype=object))[:MAX_UNITS].tolist()
        units, fewer = Units(level, tuple(ids)), Units(level, tuple(ids[: max(len(ids) // 2, 1)][::-1]))
        before = frames_digest(self.view)
        self.view.reset_touched()
        with seeing() as seen:
            space = self._embed(self.view, units)
        touched = self.view.touched
        self._check_touched(self.view)
        self.held(level, "it touches declared inputs only")
        self._check_seen(seen)
        if touched & COUNTED and touched & COUNTED <= set(seen.masks):
            self.held(level, "it says how many of the objects it touched it used")
        self._check_space(space, units)
        self.held(
            level,
            "it gives a finite float32 row for every unit, in the order asked, zeros where it has no data",
        )
        if frames_digest(self.view) != before:
            self._fail(
                "changed the view it was given",
                "Expected `embed` to read only. Mend: copy a frame before writing into it.",
            )
        self.held(level, "it leaves the view as it was")
        seed = self.seed if self.model.card.trained else self.seed + 1
        with fresh_cache():  # a trained part that is read from disk would prove nothing
            again = self._embed(self.view, units, seed)
        self._check_same_bits(space, again)
        same = "for the same seed" if self.model.card.trained else "for any seed, as its card says, here"
        self.held(level, f"it gives the same bits {same} {seed}")
        self._check_lean(fewer)
        self.held(level, "it does with fewer units in another order, from needed inputs alone")
        if self._check_moved(units):
            self.held(level, "it gives the same vectors when the whole city is moved")
        if self._check_planted(level):
            self.held(level, "its rows belong to their ids: planted twins of regions are found")

    def check_items(self) -> None:
        """Run the rules on items of a small exam, whose pictures are the city's."""
        if self.city is None:
            return
        view, units = practice(self.city, self.model.card)
        with seeing() as seen:
            space = self._embed(view, units)
        touched = view.touched
        self._check_space(space, units)
        if touched & COUNTED and touched & COUNTED <= set(seen.masks):
            self.held(ITEM, "it says how many of the objects it touched it used")
        self.held(
            ITEM, "it gives a finite float32 row for every item, zeros where it has no tower or no data"
        )
        seed = self.seed if self.model.card.trained else self.seed + 1
        with fresh_cache():
            again = self._embed(view, units, seed)
        self._check_same_bits(space, again)
        self.held(ITEM, f"it gives the same bits for seed {seed}")
        fewer = Units(ITEM, units.ids[: len(units) // 2])
        self._check_space(self._embed(view, fewer), fewer)
        self._check_space(self._embed(view.without("street_view", "graph"), units), units)
        self.held(ITEM, "it does with fewer items, and with pictures and graphs masked")

    def _check_same_bits(self, first: EmbeddingSpace, second: EmbeddingSpace) -> None:
        if self.device == "cpu" and (first.vectors.tobytes(), first.mask.tobytes()) != (
            second.vectors.tobytes(),
            second.mask.tobytes(),
        ):
            if not self.model.card.trained:
                self._fail(
                    f"gave other vectors for seed {self.seed + 1} than for seed {self.seed}",
                    "Expected the same bits, because its card says trained=False. Mend: draw nothing at random, or leave trained=False out.",
                )
            self._fail(
                f"gave other vectors for the same seed {self.seed}",
                "Expected the same bits on the CPU. Mend: draw all randomness from urbanbench.seeds and keep no state between calls.",
            )

    def _check_lean(self, units: Units) -> None:
        """Ask for fewer units in another order; where the city is at hand, with needed inputs and the units themselves only."""
        own = {_OWN_INPUT[units.level]} & self.view.inputs if units.level in _OWN_INPUT else set()
        some = [one for one in self.model.card.needs_any if self.view.has(one)][:1]
        needed = own | set(self.model.card.needs) | set(some)
        view = self.view if self.city is None else self.city.view(needed)
        self._check_space(self._embed(view, units), units)

    def _check_moved(self, units: Units) -> bool:
        """Compare vectors here and some kilometres away, without the input `coordinates`; False where that cannot be done."""
        if "coordinates" in self.model.card.needs:
            return False
        view = self.view
        if "coordinates" in view.inputs:
            if self.city is None:
                return False
            view = self.city.view(view.inputs - {"coordinates"})
        here, there = (self._embed(moved_view(view, offset), units) for offset in ((0.0, 0.0), MOVED_BY))
        off = _largest_difference(here.vectors, there.vectors)
        if off > MOVED_TOLERANCE:
            self._fail(
                f"gave other vectors (by {off:.2g} of a column's largest value) when the whole city was moved by {MOVED_BY} m",
                "Expected no use of absolute positions without the input 'coordinates'. Mend: use distances and directions between "
                "things, or declare needs=('coordinates',).",
            )
        return True

    def _check_planted(self, level: str) -> bool:
        """Plant twins of some regions and look for them in the vectors; False where that cannot be done.

        A model that sees nothing of what regions hold, has no data for the regions that are repeated, or tells their surroundings rather
        than their content, tells nothing here.
        """
        seen = (self.view.inputs & self.model.card.inputs) - {"coordinates"}
        count = min(TWINS, len(self.view.region_ids) // 4)
        if level != "region" or not seen or count < 4:
            return False
        order = generator(self.seed, "check", "twins")
        twin_of = choose_twins(self.view, count, order)
        planted = [*twin_of, *twin_of.values()]
        rest = [one for one in self.view.region_ids if one not in set(planted)]
        asked = [
            *planted,
            *order.permutation(np.array(rest, dtype=object)).tolist()[: MAX_UNITS - len(planted)],
        ]
        units = Units("region", tuple(order.permutation(np.array(asked, dtype=object)).tolist()))
        space = self._embed(twins_view(self.view, twin_of), units)
        self._check_space(space, units)
        known = dict(zip(units.ids, space.mask.tolist(), strict=True))
        alike = not np.ptp(
            space.vectors, axis=0
        ).any()  # rows that are all the same tell nothing of their ids
        if alike or not all(known[one] for one in twin_of):
            return False
        nearer = share_nearer(space, twin_of)
        if nearer > MOST_NEARER:
            if rows_in_pairs(space) < count:
                return False
            first, second = next(iter(twin_of.items()))
            self._fail(
                f"does not tell regions by their ids: of {count} regions that were planted twice, with all they hold, {nearer:.0%} of "
                f"the other regions lie nearer than the twin (for example {first!r} and {second!r}; 50 % is chance)",
                "Expected like rows for like regions. Mend: give each id of `units.ids` its own row, for example with "
                "counts.reindex(list(units.ids)), not rows in the order of a table or of a groupby.",
            )
        return True

    def _embed(self, view: View, units: Units, seed: int | None = None) -> EmbeddingSpace:
        with self._explained(view):
            chosen = self.seed if seed is None else seed
            return self.model.embed(view, units=units, seed=chosen, device=self.device)

    @contextmanager
    def _explained(self, view: View) -> Iterator[None]:
        try:
            yield
        except InputMasked as error:
            declared = error.name in self.model.card.inputs
            mend = (
                f"ask `view.has({error.name!r})` first"
                if declared
                else "name it under needs or can_use in the card"
            )
            self._fail(
                f"touched the input {error.name!r}, which this view masks (allowed: {format_inputs(view.inputs)})",
                f"Expected it to be left alone. Mend: {mend}.",
                error,
            )
        except LayerMissing as error:
            self._fail(
                f"touched the layer {error.layer!r}, which the city lacks",
                "Expected optional inputs to be asked for first. Mend: `if view.has(...)`, or name the input under needs.",
                error,
            )
        except (BadInput, UnknownName) as error:
            self._fail(f"raised {type(error).__name__}", str(error), error)

    def _check_touched(self, view: View) -> None:
        strange = view.touched - self.model.card.inputs
        if strange:
            self._fail(
                f"touched {format_inputs(strange)} without declaring it",
                "Mend: name it under needs or can_use in the card.",
            )

    def _check_seen(self, seen: Seen) -> None:
        """Compare what the model says it used with the layers of the view; it need not say anything."""
        for kind, told in seen.to_record().items():
            name = "poi" if kind == "poi_with_footprint" else kind
            there = len(getattr(self.view, LAYER_OF[name])) if self.view.has(name) else 0
            if told["of"] != there:
                self._fail(
                    f"said that it used {told['used']} of {told['of']} {KINDS[kind]}, where the view shows {there}",
                    f"Expected rows of the view's layer. Mend: saw({kind!r}, rows, of=len(view.{LAYER_OF[name]})).",
                )

    def _check_space(self, space: EmbeddingSpace, units: Units) -> None:
        if not isinstance(space, EmbeddingSpace):
            self._fail(
                f"returned {type(space).__name__}",
                "Expected EmbeddingSpace(units.level, units.ids, vectors, covered).",
            )
        if space.level != units.level:
            self._fail(
                f"returned units of level {space.level!r}", f"Expected {units.level!r}, the level asked for."
            )
        if tuple(space.ids.tolist()) != units.ids:
            same = set(space.ids.tolist()) == set(units.ids)
            what = (
                "the ids in another order"
                if same
                else f"{len(space)} ids that are not the {len(units)} asked for"
            )
            self._fail(
                f"returned {what}",
                "Expected units.ids, in this order, units without data among them. Mend: space.take(units.ids).",
            )
        if space.vectors.dtype != np.float32 or not np.isfinite(space.vectors).all():
            self._fail(
                "returned vectors that are not finite float32",
                "Mend: mark units without data by zeros and covered=False.",
            )
        if (space.vectors[~space.mask] != 0).any():
            self._fail(
                "filled rows of units it has no data for",
                "Expected zeros where covered is False. Mend: vectors[~covered] = 0.",
            )

    def _fail(self, what: str, mend: str, cause: Exception | None = None) -> None:
        msg = f"{self.name}.embed {what}. {mend}"
        raise Conformance(msg) from cause


def _largest_difference(here: np.ndarray, there: np.ndarray) -> float:
    """Return the largest difference as a share of the column's largest value (at least 0.001 of the matrix's); inf for other shapes."""
    if here.shape != there.shape:
        return float("inf")
    size = np.abs(here.astype(np.float64)).max(axis=0)
    scale = np.maximum(size, max(1e-3 * float(size.max()), 1e-12))
    return float((np.abs(here.astype(np.float64) - there) / scale).max())
