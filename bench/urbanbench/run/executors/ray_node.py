"""What Ray runs on a node: an errand, after what it needs has arrived. Arguments are text, bytes and Ray's own references to bytes."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from typing import Any

from urbanbench.run.executors.bundle import bundled
from urbanbench.run.executors.carrying import carried, lacking, put_down
from urbanbench.run.executors.errand import Answer, Errand
from urbanbench.run.executors.sameness import difference
from urbanbench.run.executors.shelf import Shelf
from urbanbench.run.executors.station import ANSWER, do, with_arrivals

__all__ = ["work"]


def work(text: str, archives: Sequence[Sequence[Any]], vectors: Sequence[Any]) -> tuple[bytes, bytes]:
    """Do an errand.

    Parameters
    ----------
    text
        The errand, written.
    archives
        References to the pieces of each of its shipments.
    vectors
        References to the pieces of the bundle of its vectors; none where they are not made yet.

    Returns
    -------
    tuple[bytes, bytes]
        The bundle of answer and row, and that of the vectors it made; b"" where it made none.
    """
    errand = Errand.read(text)
    differs = difference(errand.code)
    if differs:
        return bundled({ANSWER: Answer(differs=differs).write().encode()}), b""
    shelf = Shelf()
    arrived = [
        (_node(), shipment.word)
        for shipment, pieces in zip(errand.shipments, archives, strict=True)
        if shelf.receive(shipment, lambda pieces=pieces: _fetched(pieces))  # type: ignore[misc]
    ]
    if vectors and lacking(errand.vectors):
        put_down(b"".join(_fetched(vectors)))
    piece, answer = do(errand, shelf)
    made = [] if set(answer.vectors) <= set(errand.vectors) else answer.vectors
    return with_arrivals(piece, arrived), carried(made) if made else b""


def _fetched(pieces: Sequence[Any]) -> Iterator[bytes]:
    import ray

    for piece in pieces:
        yield ray.get(piece)


def _node() -> str:
    import ray

    return f"{ray.get_runtime_context().get_node_id()[:8]} ({socket.gethostname()})"
