"""What a view of items holds as the model reads it: pictures, words, and graphs as flat arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from urbanbench.city.folder.format import DIRECTIONS
from urbanbench.errors import CityFaults
from urbanbench.models._uge_vlm.net import word_means
from urbanbench.models._uge_vlm.prompts import Asked, Prompts, Turns
from urbanbench.seen import saw
from urbanbench.toolkit.graphs.flat import Batch, GraphTable, graph_table

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanbench.city.item_view import ItemView
    from urbanbench.items import Item
    from urbanbench.models._uge_vlm.backbone import Backbone
    from urbanbench.models.uge_vlm import UgeVLM

__all__ = ["Graphs", "Material", "gather_material"]


@dataclass(frozen=True, eq=False)
class Graphs:
    """All graphs by key, and the frozen vectors (k, dim) of the distinct texts of their nodes."""

    row: Mapping[str, int]
    table: GraphTable
    texts: Tensor

    def nodes(self, key: str) -> int:
        """Return how many nodes are read of a graph."""
        row = self.row[key]
        return int(self.table.nodes[row + 1] - self.table.nodes[row])

    def batch(self, keys: Sequence[str]) -> Batch | None:
        """Return the graphs of these keys behind one another; None for none."""
        return self.table.batch(np.array([self.row[key] for key in keys])) if keys else None


@dataclass(frozen=True, eq=False)
class Material:
    """Items and lessons as tensors.

    Parameters
    ----------
    view
        What may be seen.
    prompts
        Writes items.
    paths
        Picture files by image, those that can be opened.
    graphs
        None where none are read.
    """

    view: ItemView
    prompts: Prompts
    paths: Mapping[str, tuple[str, ...]]
    graphs: Graphs | None

    def readable(self, item: Item, *, with_graph: bool = True) -> Item | None:
        """Return what the model reads of an item: no picture that cannot be opened, no graph where it reads none; None where nothing is left."""
        image = item.image if item.image in self.paths else ""
        graph = item.graph if with_graph and self.graphs is not None else ""
        if not (item.text or image or graph):
            return None
        return replace(item, image=image, graph=graph)

    def turns(self, items: Sequence[Item]) -> tuple[Turns, Batch | None]:
        """Return items that are `readable` as one batch, and the graphs of those that have one, in order."""
        asked = [Asked.of(one, self._pictures(one.image), self._nodes(one.graph)) for one in items]
        keys = [one.graph for one in items if one.graph]
        return self.prompts.turns(asked), None if self.graphs is None else self.graphs.batch(keys)

    def _pictures(self, image: str) -> list[Image]:
        return [self.view.open_image(path) for path in self.paths[image]] if image else []

    def _nodes(self, graph: str) -> int:
        return self.graphs.nodes(graph) if self.graphs is not None and graph else 0


def gather_material(
    model: UgeVLM, view: ItemView, backbone: Backbone, *, lessons: bool, with_graph: bool
) -> Material:
    """Read what items, and lessons where they are asked for, consist of."""
    items = list(view.items.values())
    items += [side for one in view.lessons for side in (one.anchor, one.positive)] if lessons else []
    prompts = Prompts(backbone, most_tokens=model.text_tokens, most_pixels=model.pixels)
    keys = sorted({one.graph for one in items if one.graph} if with_graph and view.has("graph") else ())
    graphs = _graphs(model, view, backbone, prompts, keys) if keys else None
    return Material(view, prompts, _paths(view, {one.image for one in items if one.image}), graphs)


def _paths(view: ItemView, images: set[str]) -> dict[str, tuple[str, ...]]:
    """Return the picture files of images, of those that can all be opened, and say which were used."""
    if not images:
        return {}
    frame = view.street_views
    rows = frame.index.isin(images)
    sides = frame.loc[rows, ["image", *DIRECTIONS]].to_numpy(dtype=object)
    named = {
        str(name): tuple(one for one in row if isinstance(one, str))
        for name, row in zip(frame.index[rows], sides, strict=True)
    }
    found = {name: paths for name, paths in named.items() if paths and _all_open(view, paths)}
    saw("street_view", frame.index.isin(found.keys()))
    return found


def _all_open(view: ItemView, paths: tuple[str, ...]) -> bool:
    try:
        for path in paths:
            view.open_image(path)
    except (CityFaults, FileNotFoundError):
        return False
    return True


def _graphs(
    model: UgeVLM, view: ItemView, backbone: Backbone, prompts: Prompts, keys: Sequence[str]
) -> Graphs:
    graphs = [view.graph(key) for key in keys]
    texts = sorted({text for graph in graphs for text in graph.text})
    row = {text: k for k, text in enumerate(texts)}
    means = word_means(backbone.words, [prompts.words(text) for text in texts], model.node_tokens)
    told = [np.array([row[text] for text in graph.text], dtype=np.int64) for graph in graphs]
    return Graphs({key: k for k, key in enumerate(keys)}, graph_table(graphs, told, model.nodes), means)
