"""Vectors of a foreign model, made in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import Apart, Ended, keeping
from urbanbench.errors import PluginBroken
from urbanbench.reasons import told
from urbanbench.registry.probing import error_of
from urbanbench.run.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    from urbanbench.apart import Channel
    from urbanbench.cache import EmbeddingKey
    from urbanbench.result import RunSpec
    from urbanbench.run.order import Order
    from urbanbench.space import EmbeddingSpace

__all__ = ["embed_there", "key_there"]


def embed_there(order: Order, device: str) -> tuple[EmbeddingSpace, Mapping[str, Any]]:
    """Embed as `urbanbench.run.embedding.embed_city` does, and bring the vectors here.

    Raises
    ------
    PluginBroken
        The model does not load, fails, or ends its process.
    UrbanbenchError
        As `embed_city` does.
    """
    from urbanbench.space import EmbeddingSpace

    with tempfile.TemporaryDirectory(prefix="urbanbench-") as folder:
        file = Path(folder) / "vectors.safetensors"
        facts = _asked(order, _embed, device, str(file))
        return EmbeddingSpace.load(file), facts


def key_there(order: Order, device: str) -> EmbeddingKey:
    """Return the key of the vectors; raises as `embed_there` does."""
    from urbanbench.cache import EmbeddingKey

    told = _asked(order, _key, device)
    return EmbeddingKey(told["parts"], told["label"])


def _asked(order: Order, work: Callable[..., None], *words: str) -> dict[str, Any]:
    order.check_loaded()
    helper = Apart(work, *words, limits=keeping().limits)
    try:
        helper.send(order.spec)
        answer: dict[str, Any] = helper.answer(order.files)
    except Ended as ended:
        msg = f"Model {order.spec.model!r} gave no vectors: {ended}"
        raise PluginBroken(msg) from None
    finally:
        helper.close(wait_s=0)
    if "error" in answer:
        raise error_of(answer["error"])
    return answer


def _embed(channel: Channel, device: str, file: str) -> None:
    from urbanbench.run.embedding import embed_city

    def made(spec: RunSpec) -> dict[str, Any]:
        space, facts = embed_city(spec, Workbench(device))
        space.save(Path(file))
        return dict(facts)

    _answered(channel, made)


def _key(channel: Channel, device: str) -> None:
    from urbanbench.run.embedding import key_of

    def made(spec: RunSpec) -> dict[str, Any]:
        key = key_of(spec, Workbench(device))
        return {"parts": dict(key.parts), "label": key.label}

    _answered(channel, made)


def _answered(channel: Channel, made: Callable[[RunSpec], dict[str, Any]]) -> None:
    """Answer with what is made of a spec, or with the error that came up."""
    from urbanbench.errors import UrbanbenchError
    from urbanbench.reasons import place_in

    spec: RunSpec = channel.receive()
    try:
        answer = made(spec)
    except UrbanbenchError as error:
        answer = {"error": {"class": type(error).__name__, "message": str(error)}}
    except BaseException as error:  # noqa: BLE001 - whatever the model does is told
        reason = f"Model {spec.model!r} gave no vectors: {told(error)}{place_in(error, [Path(spec.model)])}"
        answer = {"error": {"class": PluginBroken.__name__, "message": reason}}
    channel.send(answer)
