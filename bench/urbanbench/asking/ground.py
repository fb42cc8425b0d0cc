"""A city made ready for questions: its graph, the pictures that have a sub-graph, and how they are parted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.asking.area import AreaSplit, split_area
from urbanbench.asking.secrets import Secrets
from urbanbench.city.folder.format import UNPLACED
from urbanbench.errors import RunRefused
from urbanbench.graph.around import Around, anchors, sub_graph
from urbanbench.graph.build import build_graph
from urbanbench.graph.local import local_graph
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.tables import kind_code
from urbanbench.graph.words import what
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from scipy.spatial import KDTree

    from urbanbench.city.city import City
    from urbanbench.graph.tables import Graph
    from urbanbench.items import LocalGraph

__all__ = ["MOST_ASKED", "MOST_LEARNED", "Ground", "open_ground"]

MOST_ASKED, MOST_LEARNED = 700, 7000
"""Pictures that are asked about at most, as many as the paper has in a set, and pictures that may be learned from at most."""


@dataclass(frozen=True, eq=False)
class Ground:
    """n pictures of a city with what lies around them.

    Parameters
    ----------
    city, graph, plan
        The city, its graph, and the numbers it was made with.
    rows
        int64 (n,): nodes of the pictures.
    split
        Which of them are asked about, and which may be learned from.
    """

    city: City
    graph: Graph
    plan: GraphPlan
    rows: np.ndarray
    split: AreaSplit

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def view_ids(self) -> tuple[str, ...]:
        """Ids of the pictures in the city (n,)."""
        return tuple(str(one).partition("/")[2] for one in self.graph.nodes.ids[self.rows])

    @cached_property
    def xy(self) -> np.ndarray:
        """Where they were taken, float64 (n, 2), metres."""
        return np.asarray(self.graph.nodes.xy[self.rows])

    @cached_property
    def asked(self) -> np.ndarray:
        """Pictures that are asked about, int64, in order: those of the test blocks, `MOST_ASKED` at most."""
        return _some(self.split.test, MOST_ASKED, "pictures asked about")

    @cached_property
    def learned(self) -> np.ndarray:
        """Pictures that may be learned from, int64, in order, `MOST_LEARNED` at most."""
        return _some(self.split.lesson, MOST_LEARNED, "pictures learned from")

    @cached_property
    def placed(self) -> bool:
        """Whether it is known where the pictures were taken."""
        return self.city.layers["street_views"].kind != UNPLACED

    @cached_property
    def has_surroundings(self) -> bool:
        """Whether there are streets or POIs around the pictures, so that a graph says more than that there are regions."""
        kinds = set(self.graph.nodes.kind.tolist())
        return bool(kinds & {kind_code("poi"), kind_code("street")})

    @cached_property
    def number(self) -> Mapping[int, int]:
        """Row of the graph to the picture that stands for it."""
        return {row: k for k, row in enumerate(self.rows.tolist())}

    def beside(self, k: int) -> list[int]:
        """Return the pictures at the very point of picture k, itself too."""
        return np.flatnonzero((self._points == self._points[k]).all(axis=1)).tolist()

    def pois_within(self, k: int, metres: float) -> np.ndarray:
        """Return the POIs of the map within so many metres of picture k, rows of the graph, int64, sorted."""
        rows, tree = self._pois
        return rows[np.sort(np.array(tree.query_ball_point(self.xy[k], metres), dtype=np.int64))]

    @cached_property
    def _pois(self) -> tuple[np.ndarray, KDTree]:
        from scipy.spatial import KDTree

        rows = self.graph.nodes.rows("poi")
        return rows, KDTree(self.graph.nodes.xy[rows])

    @cached_property
    def _points(self) -> np.ndarray:
        return np.round(self.xy, 1)

    @cached_property
    def _around(self) -> dict[int, Around]:
        return {}

    def around(self, k: int) -> Around:
        """Return the nodes around picture k."""
        if k not in self._around:
            self._around[k] = sub_graph(self.graph, int(self.rows[k]), self.plan)
        return self._around[k]

    def local(self, k: int) -> LocalGraph:
        """Return what a model may see of the graph around picture k: kinds, categories, offsets and edges, and neither names nor places."""
        return local_graph(self.graph, self.around(k), self.words)

    @cached_property
    def secrets(self) -> Secrets:
        """What nobody may be told."""
        return Secrets(self.graph)

    def how_common(self, row: int) -> str:
        """Say in which quarter of the POIs a POI lies when kinds stand from the commonest to the rarest."""
        return f"quarter {self._quarter[str(self.graph.nodes.category[row])]}"

    @cached_property
    def _quarter(self) -> Mapping[str, int]:
        nodes = self.graph.nodes
        words, many = np.unique(nodes.category[nodes.rows("poi")].astype(str), return_counts=True)
        order = np.argsort(-many, kind="stable")
        before = (np.cumsum(many[order]) - many[order]) / many.sum()
        return dict(zip(words[order].tolist(), (4 * before).astype(int).tolist(), strict=True))

    @cached_property
    def words(self) -> Mapping[int, str]:
        """What nodes are, by row of the graph, without what nobody may be told."""
        return _Words(self.graph, self.secrets)


def _some(chosen: np.ndarray, most: int, purpose: str) -> np.ndarray:
    """Return where a mask holds, so many places at most, always the same ones."""
    rows = np.flatnonzero(chosen)
    if len(rows) <= most:
        return rows
    return np.sort(generator(0, purpose).choice(rows, most, replace=False))


class _Words(dict[int, str]):
    """What nodes are in words, each written once."""

    def __init__(self, graph: Graph, secrets: Secrets) -> None:
        super().__init__()
        self._graph, self._veiled = graph, cache(secrets.veil)

    def __missing__(self, row: int) -> str:
        self[row] = self._veiled(what(self._graph, row))
        return self[row]


def open_ground(city: City, *, placed: bool = True) -> Ground:
    """Build the graph of a city and part its pictures.

    Parameters
    ----------
    city
        With street views.
    placed
        Whether it matters where the pictures were taken.

    Raises
    ------
    RunRefused
        The city has no street views, none of them is placed, or they are too few to be parted.
    """
    if "street_views" not in city.layers:
        msg = f"City {city.name!r} has no street views, which are what is asked about. Its layers: {', '.join(sorted(city.layers)) or 'none'}. Mend: urbanbench data build {city.name} --street-views FOLDER (docs/your_city.md)."
        raise RunRefused(msg)
    if placed and city.layers["street_views"].kind == UNPLACED:
        msg = f"Nobody knows where the street views of {city.name!r} were taken (kind {UNPLACED!r} in city.json). Expected places: this task asks for them. Mend: choose -t perception, or a city whose pictures have coordinates."
        raise RunRefused(msg)
    plan = GraphPlan()
    graph = build_graph(city, plan)
    rows = anchors(graph, plan)
    split = split_area(graph.nodes.xy[rows])
    if not split.test.any() or split.test.all():
        msg = f"City {city.name!r} has {len(rows)} street views in {len(np.unique(split.block))} blocks. Expected some to ask about and some to learn from. Mend: add street views farther apart."
        raise RunRefused(msg)
    return Ground(city, graph, plan, rows, split)
