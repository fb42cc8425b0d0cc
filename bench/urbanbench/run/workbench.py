"""Workbench: what one process keeps between runs, so that nothing is opened or computed twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from urbanbench.apart import state_kept
from urbanbench.atomic import spared
from urbanbench.cache import EmbeddingCache, EmbeddingKey
from urbanbench.city.least import least_withholding
from urbanbench.cost import measured
from urbanbench.effective_rank import effective_rank
from urbanbench.errors import Conformance, DataMissing, quoted
from urbanbench.inputs import format_inputs
from urbanbench.registry import is_foreign, open_city
from urbanbench.run.learning import learn
from urbanbench.run.spent import costs_told, processor_together
from urbanbench.seen import seeing
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.kept.reading import reading
from urbanbench.toolkit.kept.weight_counts import counting_weights
from urbanbench.toolkit.training.checkpoint import checkpoints_in
from urbanbench.toolkit.training.distributed import agreed, process
from urbanbench.toolkit.training.stage_log import recording

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.run.learning import School
    from urbanbench.run.order import Order
    from urbanbench.scoring.fusion.reading import Exam, Reading
    from urbanbench.scoring.targets import Targets
    from urbanbench.units import Units

__all__ = ["Workbench"]


@dataclass
class Workbench:
    """The city that was opened last, its targets, the same of the train city, what was learned and embedded last, and what heads read out of floors.

    Parameters
    ----------
    device
        "cpu" or "cuda".
    cache
        Where embeddings are kept on disk; None: nowhere.
    """

    device: str = "cpu"
    cache: EmbeddingCache | None = field(default_factory=EmbeddingCache)
    _city: tuple[str, City] | None = None
    _targets: dict[str, Targets] = field(default_factory=dict)
    _fitted: dict[tuple[str, str], Targets] = field(default_factory=dict)
    _space: tuple[str, EmbeddingSpace, Mapping[str, Any]] | None = None
    _readings: dict[tuple[str, str], Reading] = field(default_factory=dict)
    _train: tuple[str, City] | None = None
    _train_targets: dict[str, Targets] = field(default_factory=dict)
    _learned: tuple[str, Learned, Mapping[str, Any]] | None = None

    def city(self, word: str) -> City:
        """Open a city; the one opened last is kept."""
        if self._city is None or self._city[0] != word:
            self._targets.clear()
            self._fitted.clear()
            self._city = None
            self._city = (word, open_city(word))
        return self._city[1]

    def lay_out(
        self,
        word: str,
        city: City,
        made: tuple[str, EmbeddingSpace, Mapping[str, Any]] | None = None,
    ) -> None:
        """Use a city that is open, and vectors that were made: their key's digest, the space and the facts of its making."""
        self._city, self._space = (word, city), made

    def forget_city(self) -> None:
        """Read the city, the train city and their targets anew when they are asked for next."""
        self._city = self._train = None
        self._targets.clear()
        self._train_targets.clear()
        self._fitted.clear()

    def targets(self, order: Order) -> Targets:
        """Read the targets of the order's task in its city, with what its split needs of the city."""
        city, task = self.city(order.spec.city), order.spec.task
        if task not in self._targets:
            self._targets[task] = order.task.targets(city)
        if order.paper is not None or order.across:
            return self._targets[task]
        split = order.protocol.split
        if (task, split) not in self._fitted:
            found = order.room.targets(self._targets[task], order.cell, split, city, order.task.card)
            self._fitted[task, split] = found
        return self._fitted[task, split]

    def train_city(self, word: str) -> City:
        """Open a train city; the one opened last is kept."""
        if self._train is None or self._train[0] != word:
            self._train_targets.clear()
            self._train = (word, open_city(word))
        return self._train[1]

    def train_targets(self, order: Order) -> Targets:
        """Read the targets of the order's task in its train city."""
        city = self.train_city(order.spec.train_city)
        if order.spec.task not in self._train_targets:
            self._train_targets[order.spec.task] = order.task.targets(city)
        return self._train_targets[order.spec.task]

    def learned(self, order: Order, school: School) -> tuple[Learned, Mapping[str, Any]]:
        """Return what the model learned in its train city; what was learned last is kept."""
        if self._learned is None or self._learned[0] != school.key.digest:
            folder = self.cache.folder.parent if self.cache is not None else None
            self._learned = (school.key.digest, *learn(order, school, folder, self.device))
        return self._learned[1:]

    def has(self, key: EmbeddingKey) -> bool:
        """Tell whether vectors are at hand because they were used last."""
        return self._space is not None and self._space[0] == key.digest

    def embedding(
        self, order: Order, view: View, units: Units, key: EmbeddingKey, school: School | None = None
    ) -> tuple[EmbeddingSpace, Mapping[str, Any], bool]:
        """Return vectors, the facts of their making, and whether they came from memory or disk; with a school what was learned there makes them.

        Training keeps its checkpoints in ``<cache>/training/<digest>`` until the vectors are stored, so that a killed program goes on
        in the stage where it was.

        Raises
        ------
        Conformance
            The model broke its contract: other units, order, level or type.
        DataMissing
            One of several processes does not find what the first one found.
        """
        if self._space is not None and self._space[0] == key.digest:
            return self._space[1], self._space[2], True
        self._space = None
        if is_foreign("model", order.spec.model):
            self.forget_city()  # the view has it; what it changes there must not change what it is scored on
        if self.cache is None or order.passing:
            made, cached = self._embedded(order, view, units, school), False
        else:
            with self._alone(self.cache, key):
                found = self._shared(self.cache, key)
                cached = found is not None
                made = found or self._make(self.cache, order, view, units, key, school)
        space, facts = made
        facts = {"effective_rank": effective_rank(space)} | dict(facts)
        self._space = (key.digest, space, facts)
        return space, facts, cached

    def floor_reading(self, order: Order, view: View, units: Units, key: EmbeddingKey, exam: Exam) -> Reading:
        """Return what the exam's head reads out of a floor's vectors; every model of a table stands beside the same, so it is kept here and on disk.

        The embedding used last stays that of the model.
        """
        from urbanbench.run.kept_readings import kept_reading, reading_digest
        from urbanbench.scoring.fusion.reading import read

        asked = order.spec.city, reading_digest(key, exam)
        if asked not in self._readings:
            folder = None if self.cache is None else self.cache.folder.parent / "readings"
            last = self._space
            made = kept_reading(
                folder, asked[1], exam, lambda: read(self.embedding(order, view, units, key)[0], exam)
            )
            here = {one: kept for one, kept in self._readings.items() if one[0] == asked[0]}
            self._readings, self._space = here | {asked: made}, last
        return self._readings[asked]

    @staticmethod
    @contextmanager
    def _alone(cache: EmbeddingCache, key: EmbeddingKey) -> Iterator[None]:
        """Hold the key's lock; of the processes that train together the first holds it for all."""
        if process():
            yield
            return
        with cache.lock(key):
            yield

    @staticmethod
    def _shared(cache: EmbeddingCache, key: EmbeddingKey) -> tuple[EmbeddingSpace, Mapping[str, Any]] | None:
        """Look into the cache; processes that train together all do what the first one finds."""
        found = cache.get(key) if process() == 0 else None
        if not agreed(float(found is not None)):
            return None
        found = found or cache.get(key)
        if found is None:
            msg = f"Process {process()} does not find the embedding {key.digest[:10]} in {str(cache.folder)!r}. Expected one cache folder for all processes."
            raise DataMissing(msg)
        return found

    def _embedded(
        self, order: Order, view: View, units: Units, school: School | None
    ) -> tuple[EmbeddingSpace, Mapping[str, Any]]:
        return embed(order, view, units, self.device, self.learned(order, school) if school else None)

    def _make(
        self,
        cache: EmbeddingCache,
        order: Order,
        view: View,
        units: Units,
        key: EmbeddingKey,
        school: School | None,
    ) -> tuple[EmbeddingSpace, Mapping[str, Any]]:
        """Embed, store, and remove the checkpoints, which are of no use any more."""
        folder = cache.folder.parent / "training" / key.digest
        with checkpoints_in(folder):
            made = self._embedded(order, view, units, school)
        if process() == 0:
            with spared("Vectors are not kept"):
                cache.put(key, *made)
            shutil.rmtree(folder, ignore_errors=True)
        return made


def embed(
    order: Order,
    view: View,
    units: Units,
    device: str,
    school: tuple[Learned, Mapping[str, Any]] | None = None,
) -> tuple[EmbeddingSpace, Mapping[str, Any]]:
    """Let the model embed, check what it gives, and record what it cost and saw.

    `school` is what it learned in another city, and what is told of that; its seconds count, as those of training do.
    """
    view = least_withholding(
        view
    )  # what the key names, so that no model can tell tasks apart that share its vectors
    view.reset_touched()
    seed, model = order.cell.model_seed, order.model
    with (
        state_kept(),
        measured() as cost,
        recording() as stages,
        reading() as kept,
        seeing() as seen,
        counting_weights() as weights,
    ):
        if school is None:
            space = model.embed(view, units=units, seed=seed, device=device)
        else:
            space = model.embed_with(school[0], view, units=units, seed=seed, device=device)
    _check(space, units, order.cell.model)
    facts = costs_told(cost) | {
        "inputs_touched": _listed(view.touched),
        "saw": seen.to_record(),
        "dim": space.dim,
        "units": len(space),
        "training": [stage.to_record() for stage in stages],
        "read": kept.to_record(),
        "weights": weights.to_record(),
    }
    return space, facts if school is None else _with_learning(facts, school[1])


def _with_learning(facts: dict[str, Any], learning: Mapping[str, Any]) -> dict[str, Any]:
    """Add what the learning took to what the embedding did, and say what it was."""
    of_gpu = [one for one in (facts["peak_gpu_mb"], learning["peak_gpu_mb"]) if one is not None]
    return facts | {
        "seconds": facts["seconds"] + learning["seconds"],
        **processor_together(facts, learning),
        "peak_rss_mb": max(facts["peak_rss_mb"], learning["peak_rss_mb"]),
        "peak_gpu_mb": max(of_gpu) if of_gpu else None,
        "training": [*learning["training"], *facts["training"]],
        "learned": {name: learning[name] for name in ("city", "seconds", "inputs_touched", "saw", "variant")},
    }


def _listed(inputs: frozenset[str]) -> list[str]:
    return format_inputs(inputs).split(",") if inputs else []


def _check(space: object, units: Units, model: str) -> None:
    if not isinstance(space, EmbeddingSpace):
        msg = f"Model {model!r} returned a {type(space).__name__}. Expected an EmbeddingSpace."
        raise Conformance(msg)
    given = space.ids.tolist()
    if space.level != units.level or given != list(units.ids):
        msg = (
            f"Model {model!r} returned {len(space)} {space.level}s for the {len(units)} {units.level}s asked for: "
            f"{_difference(given, units.ids)}. Expected one row per id of `units.ids` in that order, with covered=False where there "
            f"is no data. Mend: space.take(units.ids) orders rows."
        )
        raise Conformance(msg)


def _difference(given: Sequence[str], asked: Sequence[str]) -> str:
    """Say which ids are missing, which are extra, or where the order differs."""
    missing, extra = _beyond(asked, given), _beyond(given, asked)
    told = [
        f"{len(ids)} {word} ({quoted(ids)})" for word, ids in (("missing", missing), ("extra", extra)) if ids
    ]
    if told:
        return " and ".join(told)
    moved = [(ours, theirs) for ours, theirs in zip(asked, given, strict=True) if ours != theirs]
    if not moved:
        return "the ids fit, but not the level"
    return f"the right ids in another order ({len(moved)} rows; the first asked for is {moved[0][0]!r}, the row is {moved[0][1]!r})"


def _beyond(some: Sequence[str], others: Sequence[str]) -> list[str]:
    known = set(others)
    return [one for one in some if one not in known]
