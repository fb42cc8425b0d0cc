"""What a kept row rests on today, asked in a process of its own where its task is kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.registry import Face
from urbanbench.run.asking import answer, asked
from urbanbench.run.order import resolve
from urbanbench.run.walk import rests_on
from urbanbench.run.workbench import Workbench

if TYPE_CHECKING:
    from urbanbench.apart import Channel
    from urbanbench.result import RunSpec
    from urbanbench.run.order import Order

__all__ = ["rests_on_today"]


def rests_on_today(order: Order, bench: Workbench) -> tuple[dict[str, str], Mapping[str, str] | None]:
    """Return today's hashes and stand-ins of a run, as `urbanbench.run.walk.rests_on`; a task that is kept apart reads its targets there.

    Raises
    ------
    RunRefused, LayerMissing, InputMasked
        It cannot be run as asked.
    PluginBroken
        The task does not load, fails, or ends its process.
    """
    if not isinstance(order.task, Face):
        return rests_on(order, bench)
    said = asked(order, _rests, otherwise=_missing(order.spec))
    return dict(said["hashes"]), said["variant"]


def _rests(channel: Channel) -> None:
    def made(spec: RunSpec) -> dict[str, Any]:
        hashes, variant = rests_on(resolve(spec), Workbench(cache=None))
        return {"hashes": hashes, "variant": None if variant is None else dict(variant)}

    answer(channel, made, _missing, lambda spec: Path(spec.task))


def _missing(spec: RunSpec) -> str:
    return f"Task {spec.task!r} gave no targets"
