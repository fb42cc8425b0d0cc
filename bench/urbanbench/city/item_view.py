"""ItemView: what one run of a retrieval task lets a model see of a city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.city.folder.format import DIRECTIONS
from urbanbench.city.view import View
from urbanbench.errors import BadInput, InputMasked
from urbanbench.hashing import code_digest, value_digest
from urbanbench.items import Exam, Item, Lesson, LocalGraph

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np

    from urbanbench.units import Units

__all__ = ["SHOWN", "ItemView"]

SHOWN = frozenset({"street_view", "graph"})
"""Inputs that a view of items may show; texts are the question itself and always there."""


@dataclass(frozen=True, eq=False, repr=False)
class ItemView(View):
    """Queries, candidates and training pairs of a retrieval task; no layer of the city, and no place of a picture.

    A masked part of an item is gone from it: without `street_view` an item has no image, without `graph` no graph. An item of which nothing
    is left is not shown, and the model gives it a zero row that is not covered.

    Parameters
    ----------
    exam
        What the task shows.

    Raises
    ------
    BadInput
        An input that a view of items does not show.
    """

    exam: Exam = field(default_factory=lambda: Exam({}, {}))

    def __post_init__(self) -> None:
        super().__post_init__()
        strange = sorted(self.inputs - SHOWN)
        if strange:
            msg = f"A view of items was asked to show {strange}, which tell where pictures lie. Expected some of {sorted(SHOWN)}."
            raise BadInput(msg)

    @property
    def items(self) -> Mapping[str, Item]:
        """Items to embed by id, without their masked parts; ids tell nothing. An input is touched when a picture or graph is opened."""
        return self._shown()[0]

    @property
    def sides(self) -> Mapping[str, str]:
        """Id to "query" or "candidate"."""
        return {name: self.exam.sides[name] for name in self._shown()[0]}

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """Pairs to learn from; those with a side of which nothing is left are gone."""
        return self._shown()[1]

    def graph(self, key: str) -> LocalGraph:
        """Return the graph that an item or lesson names (input `graph`).

        Raises
        ------
        InputMasked
            Graphs are masked.
        BadInput
            No such graph.
        """
        if not self.has("graph"):
            raise InputMasked("graph", self.inputs)
        self._touched.add("graph")
        if key not in self.exam.graphs:
            msg = f"No graph {key!r} in this view. Expected the `graph` of an item or lesson."
            raise BadInput(msg)
        return self.exam.graphs[key]

    @property
    def street_views(self) -> gpd.GeoDataFrame:
        """Pictures of items and lessons (input `street_view`): index view_id, paths for `open_image`; neither place, region nor heading."""
        self._touch("street_view")
        return self._pictures().copy(deep=False)

    def coordinates(self, units: Units) -> np.ndarray:
        """Refuse: where a picture lies is what is asked.

        Raises
        ------
        InputMasked
            Always.
        """
        del units
        raise InputMasked("coordinates", self.inputs)

    def has(self, name: str) -> bool:
        """Tell whether an input is allowed and something of it is there; not counted as a touch."""
        return (name in self.inputs and bool(self.exam.graphs)) if name == "graph" else super().has(name)

    def without(self, *names: str) -> ItemView:
        """Return a view of the same items that shows these inputs no more."""
        return replace(self, inputs=self.inputs - set(names), _kept={}, _touched=set())

    @property
    def key(self) -> str:
        """Hash of everything that can be seen through the view, and of the code that shows it."""
        return value_digest([super().key, code_digest(Path(__file__))])

    @property
    def data_key(self) -> str:
        """Hash of what is shown: items, graphs, lessons and the pictures they name."""
        if "key" not in self._kept:
            self._kept["key"] = value_digest(
                {
                    "items": self.exam.digest,
                    "inputs": sorted(self.inputs),
                    "pictures": self._city.picture_digest(self._paths())
                    if "street_view" in self.inputs
                    else "",
                }
            )
        return str(self._kept["key"])

    def _pictures(self) -> gpd.GeoDataFrame:
        if "pictures" not in self._kept:
            lessons = [item for one in self.exam.lessons for item in (one.anchor, one.positive)]
            wanted = {item.image for item in [*self.exam.items.values(), *lessons] if item.image}
            frame = self._city.street_views
            shown = frame.loc[frame.index.isin(wanted), ["image", *DIRECTIONS]]
            self._kept["pictures"] = shown
        pictures: gpd.GeoDataFrame = self._kept["pictures"]
        return pictures

    def _paths(self) -> list[str]:
        frame = self._pictures()
        return sorted({path for column in frame for path in frame[column].dropna()})

    def _shown(self) -> tuple[Mapping[str, Item], tuple[Lesson, ...]]:
        if "shown" not in self._kept:
            items = {name: self._left(item) for name, item in self.exam.items.items()}
            pairs = [(one, self._left(one.anchor), self._left(one.positive)) for one in self.exam.lessons]
            self._kept["shown"] = (
                {name: item for name, item in items.items() if item is not None},
                tuple(
                    replace(one, anchor=anchor, positive=positive)
                    for one, anchor, positive in pairs
                    if anchor and positive
                ),
            )
        return self._kept["shown"]  # type: ignore[no-any-return]

    def _left(self, item: Item) -> Item | None:
        image = item.image if self.has("street_view") else ""
        graph = item.graph if self.has("graph") else ""
        if not (item.text or image or graph):
            return None
        return item if (image, graph) == (item.image, item.graph) else replace(item, image=image, graph=graph)
