"""What a view of items holds as rows: distinct pictures, texts and graphs, and the items and lessons made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from urbanbench.models._uge.net import Rows
from urbanbench.models._uge.pictures import FrozenViews, TunedViews, Views
from urbanbench.models._uge.texts import clauses_of, number_waves, phrases_of, worded, words_of
from urbanbench.toolkit.features.encoded import text_features
from urbanbench.toolkit.graphs.flat import GraphTable, graph_table
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.texts.place_texts import distinct_texts
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import seeded_torch

if TYPE_CHECKING:
    from urbanbench.city.item_view import ItemView
    from urbanbench.items import Item
    from urbanbench.models.uge import UGE
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder

__all__ = ["Material", "gather_material"]


@dataclass(frozen=True, eq=False)
class Material:
    """Everything that the towers read.

    Parameters
    ----------
    views
        Pictures by row of `view_ids`; None where none may be seen or read.
    view_ids
        Street views that items and lessons name.
    clauses
        (s, given): frozen vectors of the distinct clauses, of texts and of nodes.
    texts, phrases
        Rows of clauses by text: of its clauses, and of what it is cut to where a graph is asked by it.
    text_row, graph_row
        Text and key to row.
    graphs
        Sub-graphs; None where none may be seen or read.
    """

    views: Views | None
    view_ids: tuple[str, ...]
    clauses: Tensor
    texts: Groups
    phrases: Groups
    text_row: Mapping[str, int]
    graph_row: Mapping[str, int]
    graphs: GraphTable | None

    def rows(self, items: Sequence[Item]) -> Rows:
        """Return items as rows; a picture that cannot be opened is none."""
        view_row = {name: row for row, name in enumerate(self.view_ids)}
        image = np.array([view_row.get(one.image, -1) for one in items], dtype=np.int64)
        if self.views is not None and len(image):
            image[(image >= 0) & ~np.append(self.views.ok, False)[image]] = -1
        text = [self.text_row.get(words_of(one), -1) for one in items]
        graph = [self.graph_row.get(one.graph, -1) for one in items]
        return Rows(image, np.array(text, dtype=np.int64), np.array(graph, dtype=np.int64))

    def told(self, items: Sequence[Item]) -> np.ndarray:
        """Return which items have more than an instruction to be read, bool (n,)."""
        rows = self.rows(items)
        has_text = np.array([bool(one.text) for one in items], dtype=bool)
        return np.asarray(has_text | (rows.image >= 0) | (rows.graph >= 0))


def gather_material(
    model: UGE, view: ItemView, image_encoder: ImageEncoder | None, *, lessons: bool, seed: int, device: str
) -> Material:
    """Read what items, and lessons where they are asked for, consist of."""
    items = list(view.items.values())
    items += [side for one in view.lessons for side in (one.anchor, one.positive)] if lessons else []
    texts, _ = distinct_texts([words for one in items if (words := words_of(one))])
    keys = sorted(
        {one.graph for one in items if one.graph} if model.reads_graphs and view.has("graph") else ()
    )
    graphs = [view.graph(key) for key in keys]
    asking = {words_of(one) for one in items if one.graph and one.text}
    split = [clauses_of(text) for text in texts]
    phrases = [phrases_of(text) if text in asking else [] for text in texts]
    names, (texts_of, phrases_by, told) = _numbered(split, phrases, [list(graph.text) for graph in graphs])
    ids = tuple(sorted({one.image for one in items if one.image} if image_encoder is not None else ()))
    return Material(
        _views(model, view, ids, image_encoder, device),
        ids,
        torch.from_numpy(_vectors(model, names, seed, device)).to(device),
        texts_of,
        phrases_by,
        {text: row for row, text in enumerate(texts)},
        {key: row for row, key in enumerate(keys)},
        graph_table(graphs, _each(told), model.nodes, model.joined) if graphs else None,
    )


def _numbered(*tables: Sequence[Sequence[str]]) -> tuple[Sequence[str], list[Groups]]:
    """Return the distinct strings of all tables together, and each table as rows of them."""
    names, place = distinct_texts([one for table in tables for part in table for one in part])
    made, begin = [], 0
    for table in tables:
        start = np.concatenate([[0], np.cumsum([len(part) for part in table])]).astype(np.int64)
        made.append(Groups(start, place[begin : begin + start[-1]]))
        begin += int(start[-1])
    return names, made


def _each(groups: Groups) -> list[np.ndarray]:
    return [groups.member[groups.start[k] : groups.start[k + 1]] for k in range(len(groups))]


def _vectors(model: UGE, clauses: Sequence[str], seed: int, device: str) -> np.ndarray:
    """Return frozen vectors float32 (s, given) of clauses: of the words, and of the numbers in them."""
    with seeded_torch(seed, "uge", "text encoder"):
        encoder = load_text_encoder(model.text_encoder)
    words, row = distinct_texts([worded(one) for one in clauses])
    return np.hstack([text_features(encoder, words, device=device)[row], number_waves(clauses)])


def _views(
    model: UGE, view: ItemView, ids: tuple[str, ...], encoder: ImageEncoder | None, device: str
) -> Views | None:
    if encoder is None or not ids:
        return None
    kind = TunedViews if model.train_image_encoder else FrozenViews
    return kind(view, ids, encoder, model.size, device)
