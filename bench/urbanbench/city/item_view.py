"""ItemView: what one run of a retrieval task lets a model see of a city."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    import pandas as pd
    from PIL.Image import Image

    from urbanbench.units import Units

__all__ = ["SHOWN", "ItemView", "of_items"]

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

    @classmethod
    def within(cls, view: View, exam: Exam) -> ItemView:
        """Return a view of items that a model made of what it sees in a view of a city; what is read of them counts there, too.

        Parameters
        ----------
        view
            Of a city. Without `graph` items have no graphs, without `street_view` no pictures.
        exam
            The items; their pictures are street views of the city.
        """
        city, touched = view._city, view._touched  # noqa: SLF001  # both are views
        return cls(city, view.inputs & SHOWN, view.withholds, exam=exam, _touched=touched)

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
        """Pictures of items and lessons (input `street_view`): index the `image` of items, paths for `open_image`; neither place, region nor heading.

        Paths are made of the index and tell nothing either. They are in the order of the index.
        """
        self._touch("street_view")
        return self._pictures()[0].copy(deep=False)

    def open_image(self, path: str) -> Image:
        """Open a picture of an item or lesson, as `View.open_image` does.

        Raises
        ------
        InputMasked, BadInput, CityFaults
            As there.
        """
        return super().open_image(self._file(path))

    def picture_digest(self, paths: Sequence[str]) -> str:
        """Hash pictures of items and lessons, as `View.picture_digest` does.

        Raises
        ------
        InputMasked, BadInput
            As there.
        """
        return super().picture_digest([self._file(path) for path in paths])

    def features(self, name: str) -> pd.DataFrame:
        """Read a feature table of the street views: those of items and lessons, by their `image`.

        Raises
        ------
        LayerMissing, InputMasked
            As `View.features`; of another layer, always.
        """
        frame = super().features(name)
        keys = {view: key for key, view in self._keys().items()}
        frame = frame[[view in keys for view in frame.index]]
        return frame.set_axis([keys[view] for view in frame.index], axis=0).sort_index()

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
                    "features": self._city.digest(self._tables()) if "street_view" in self.inputs else "",
                }
            )
        return str(self._kept["key"])

    def _tables(self) -> list[str]:
        layers = self._city.feature_layers
        return sorted(f"features/{name}" for name, layer in layers.items() if layer == "street_views")

    def _keys(self) -> Mapping[str, str]:
        """Return the key of every picture that an item or lesson names, and the id of its street view."""
        lessons = [item for one in self.exam.lessons for item in (one.anchor, one.positive)]
        wanted = {item.image for item in [*self.exam.items.values(), *lessons] if item.image}
        return {key: self.exam.pictures.get(key, key) for key in sorted(wanted)}

    def _pictures(self) -> tuple[gpd.GeoDataFrame, Mapping[str, str]]:
        """Return the pictures as they are shown, and the file behind each path."""
        if "pictures" not in self._kept:
            keys = self._keys()
            columns = ["image", *DIRECTIONS]
            shown = self._city.street_views.loc[list(keys.values()), columns].set_axis(list(keys), axis=0)
            files: dict[str, str] = {}
            for column in columns:
                shown[column] = [
                    _named(files, f"{key}/{column}", file) for key, file in shown[column].items()
                ]
            self._kept["pictures"] = (shown, files)
        return self._kept["pictures"]  # type: ignore[no-any-return]

    def _file(self, path: str) -> str:
        files = self._pictures()[1]
        if path not in files:
            msg = f"No picture {path!r} in this view of {self.city_name!r}. Expected a path from view.street_views."
            raise BadInput(msg)
        return files[path]

    def _paths(self) -> list[str]:
        return sorted(self._pictures()[1].values())

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


def _named(files: dict[str, str], path: str, file: object) -> str | None:
    """Give a file a path that tells nothing; one that stands in two columns of a view has that of the first."""
    if not isinstance(file, str):
        return None
    key = path.partition("/")[0]
    known = next((one for one, other in files.items() if other == file and one.startswith(f"{key}/")), path)
    files[known] = file
    return known


def of_items(view: View) -> ItemView:
    """Return a view that shows items.

    Raises
    ------
    BadInput
        It shows a city in place of items.
    """
    if not isinstance(view, ItemView):
        msg = f"A view of {view.city_name!r} shows layers, and items of a retrieval are asked for. Expected the view that a retrieval task gives. Mend: -t with a task of kind retrieval."
        raise BadInput(msg)
    return view
