"""Vectors in a notebook: made by a model, with what they were made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.api import pages
from urbanbench.api.cities import ShownCity, load_city
from urbanbench.api.pictures import Picture
from urbanbench.api.words import settings_words
from urbanbench.errors import BadInput
from urbanbench.inputs import FULL
from urbanbench.space import EmbeddingSpace

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.cache import EmbeddingKey
    from urbanbench.city.city import City
    from urbanbench.model import Model
    from urbanbench.result import RunSpec
    from urbanbench.task import Task

__all__ = ["Embedding", "Origin", "embed"]


@dataclass(frozen=True, eq=False)
class Origin:
    """What vectors were made from.

    Parameters
    ----------
    city
        Where.
    spec
        Model, parameters, inputs and the task whose withheld parts the model did not see; "" for none.
    withholds
        What was withheld, words of `urbanbench.card.WITHHOLDABLE`.
    key
        Names all that the vectors depend on.
    facts
        Seconds, memory, touched inputs, and how much of them was used.
    """

    city: ShownCity
    spec: RunSpec
    withholds: tuple[str, ...]
    key: EmbeddingKey
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class Embedding(EmbeddingSpace):
    """Vectors that a model made of a city; an `urbanbench.space.EmbeddingSpace` that knows where it comes from and shows itself."""

    origin: Origin | None = None

    @property
    def made(self) -> Origin:
        """What the vectors were made from.

        Raises
        ------
        BadInput
            Nobody said.
        """
        if self.origin is None:
            msg = "Nobody said what these vectors were made from. Expected those that ub.embed gave."
            raise BadInput(msg)
        return self.origin

    @property
    def frame(self) -> pd.DataFrame:
        """The vectors, one unit a row, by id: columns d0, d1, …; float32."""
        import pandas as pd

        index = pd.Index(self.ids, name=f"{self.level}_id")
        return pd.DataFrame(self.vectors, index=index, columns=[f"d{column}" for column in range(self.dim)])

    def map(self, column: int | str = 0) -> Picture:
        """Draw one number of the vectors of regions.

        Parameters
        ----------
        column
            Its place from 0, or its name in `frame`: ``2`` or ``"d2"``.

        Raises
        ------
        BadInput
            Vectors of other units, or no such column.
        """
        import pandas as pd

        from urbanbench.city.drawing.maps import draw_values

        place = _place_of(column)
        if self.level != "region" or not 0 <= place < self.dim:
            msg = f"A map of column {column!r} of {self!r} was asked for. Expected vectors of regions and a column from 0 to {self.dim - 1}, or from 'd0' to 'd{self.dim - 1}'."
            raise BadInput(msg)
        regions, spec = self.made.city.regions, self.made.spec
        values = pd.Series(np.where(self.mask, self.vectors[:, place], np.nan), index=self.ids)
        title = f"{spec.model} in {self.made.city.title or self.made.city.name}: column {place}"
        return Picture(title, partial(draw_values, regions, values, title=title))

    def __repr__(self) -> str:
        bare = int((~self.mask).sum())
        whose = f"{self.origin.spec.model} of {self.origin.city.name}, " if self.origin is not None else ""
        return f"Embedding({whose}{len(self)} {self.level}s x {self.dim}, {bare} without data)"

    def _repr_html_(self) -> str:
        made, words = self.made, self.made.facts
        told = {
            "city": made.city.name,
            "preset": made.spec.preset,
            "parameters": ", ".join(f"{name}={value}" for name, value in made.spec.settings),
            "inputs used": ", ".join(words.get("inputs_touched", ())),
            "withheld": ", ".join(made.withholds) or "nothing",
            "seconds": f"{words['seconds']:.3g}{' (kept from before)' if words.get('cached') else ''}",
            "without data": int((~self.mask).sum()) or "",
        }
        title = f"{made.spec.model}: {len(self):,} {self.level}s x {self.dim}"
        first = self.frame.iloc[:5, :8].round(3)
        return pages.heading(title) + pages.facts(told) + pages.table(first, index=True)


def _place_of(column: object) -> int:
    """Return the place of a column that is told by it or by its name; -1 for anything else."""
    if isinstance(column, str):
        name, digits = column[:1], column[1:]
        return int(digits) if name == "d" and digits.isdecimal() else -1
    return int(column) if isinstance(column, int | np.integer) and not isinstance(column, bool) else -1


def embed(
    model: str | Path | Model | type[Model],
    city: str | Path | City = "toyville",
    *,
    for_task: str | Path | Task | type[Task] = "",
    inputs: str = FULL,
    preset: str = "",
    settings: Mapping[str, Any] | None = None,
    model_seed: int = 0,
    device: str = "auto",
) -> Embedding:
    """Let a model represent a city; vectors are kept in the cache, so the same question is answered at once the next time.

    Parameters
    ----------
    model
        A name, the path of a plugin file, a model or its class. It runs in this process.
    city
        A name, a path or an opened city.
    for_task
        The task that the vectors are for: its units are embedded, and the model does not see what the task withholds, because that
        would give its answer away. Left out, all regions are embedded with everything in view, which is right for every task of regions
        that withholds nothing.
    inputs
        What the model may see: "full", or names joined by commas.
    preset
        Preset of the model's parameters; "small" where the model has it.
    settings
        Single parameters, name to value.
    model_seed
        Seed of the model's own training.
    device
        "auto", "cpu" or "cuda".

    Raises
    ------
    RunRefused
        The model cannot embed these units from these inputs.
    UnknownName, BadInput, DataMissing, PluginBroken
        A name, parameter or file that does not exist, or a plugin that does not load.
    """
    from urbanbench.result import RunSpec
    from urbanbench.run.devices import chosen_device
    from urbanbench.run.embedding import embed_city, key_of
    from urbanbench.run.embedding_here import order_of
    from urbanbench.run.workbench import Workbench

    opened = load_city(city)
    objects: dict[str, Any] = {
        "model": model,
        "task": for_task,
        "city": opened,
    }  # the spec turns them into words
    spec = RunSpec(
        **objects,
        preset=preset,
        settings=settings_words(settings),
        inputs=inputs,
        model_seed=model_seed,
    )
    bench = Workbench(chosen_device(device))
    bench.lay_out(spec.city, opened)
    space, facts = embed_city(spec, bench)
    bench.lay_out(spec.city, opened)
    withholds = order_of(spec).task.card.withholds
    origin = Origin(opened, spec, withholds, key_of(spec, bench), facts)
    return Embedding(space.level, space.ids, space.vectors, space.covered, space.parts, origin)
