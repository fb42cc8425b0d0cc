"""UGE on a vision-language model: an item's vector is the last token's state, and graphs stand among the tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.models._uge_vlm.prompts import NODE, PICTURE
from urbanbench.toolkit.graphs._node_net import NodeEncoder
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._uge_vlm.backbone import Backbone
    from urbanbench.models._uge_vlm.prompts import Turns
    from urbanbench.toolkit.graphs.flat import Batch

__all__ = ["UgeVlm", "word_means"]


class UgeVlm(nn.Module):
    """The whole model.

    Parameters
    ----------
    backbone
        Frozen but for its adapters.
    graphs
        Encodes nodes to vectors as long as a token's; None where no graphs are read.
    """

    def __init__(self, backbone: Backbone, graphs: NodeEncoder | None) -> None:
        super().__init__()
        self.backbone, self.graphs = backbone, graphs
        self.language = backbone.peft

    def forward(self, turns: Turns, graphs: Batch | None, node_texts: Tensor) -> Tensor:
        """Return vectors float32 (b, dim) of length 1.

        Parameters
        ----------
        turns
            Items.
        graphs
            The graphs of all items that have one, in their order; every one of them is encoded.
        node_texts
            (k, dim): frozen vectors of the distinct texts of nodes.
        """
        home = self.backbone.words.weight.device
        ids, attention, kind, last = (
            on_device(one, home) for one in (turns.ids, turns.attention, turns.kind, turns.last)
        )
        with _placed(self.backbone.words, kind == NODE, self._nodes(graphs, node_texts)):
            made = self.backbone.inner(
                input_ids=ids, attention_mask=attention, use_cache=False, **self._shown(turns, kind)
            )
        states = made.last_hidden_state
        ends = states[torch.arange(len(ids), device=home), last]
        return F.normalize(ends.float(), dim=1)

    def _nodes(self, graphs: Batch | None, texts: Tensor) -> Tensor | None:
        """Return the vectors of all nodes, in float32 whatever the language model computes in."""
        if graphs is None or self.graphs is None:
            return None
        with torch.autocast(texts.device.type, enabled=False):
            made: Tensor = self.graphs(graphs, texts)
        return made

    def _shown(self, turns: Turns, kind: Tensor) -> dict[str, Any]:
        """Return what the model is given of pictures."""
        if not turns.pixels:
            return {}
        pixels: dict[str, Any] = {name: on_device(one, kind.device) for name, one in turns.pixels.items()}
        if "image_grid_thw" in pixels:
            pixels["mm_token_type_ids"] = (kind == PICTURE).int()
        return pixels


@contextmanager
def _placed(words: nn.Embedding, where: Tensor, vectors: Tensor | None) -> Iterator[None]:
    """Let the table of token embeddings give these vectors, row by row, where there are placeholders, inside the block."""
    if vectors is None:
        yield
        return

    def put(_table: nn.Module, _given: Any, found: Tensor) -> Tensor:
        return found.masked_scatter(where[..., None], vectors.to(found.dtype))

    hook = words.register_forward_hook(put)
    try:
        yield
    finally:
        hook.remove()


@torch.no_grad()
def word_means(words: nn.Embedding, texts: list[list[int]], most: int) -> Tensor:
    """Return the mean embedding, float32 (k, dim), of the first tokens of each text; zeros of an empty one."""
    home = words.weight.device
    made = torch.zeros((len(texts), words.embedding_dim), device=home)
    for row, tokens in enumerate(texts):
        if tokens:
            ids = torch.tensor(tokens[:most], device=home)
            made[row] = F.embedding(ids, words.weight).float().mean(dim=0)
    return made
