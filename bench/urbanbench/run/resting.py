"""What a kept row rests on today, asked in a process of its own where its task is kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from urbanbench.apart import Apart, Ended, keeping
from urbanbench.errors import PluginBroken, UrbanbenchError
from urbanbench.reasons import error_of, told
from urbanbench.registry import Face
from urbanbench.run.order import resolve
from urbanbench.run.walk import rests_on
from urbanbench.run.workbench import Workbench

if TYPE_CHECKING:
    from urbanbench.apart import Channel
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
    order.check_loaded()
    helper = Apart(_rests, limits=keeping().limits)
    try:
        helper.send(order.spec)
        answer: dict[str, Any] = helper.answer(order.files)
    except Ended as ended:
        msg = f"Task {order.spec.task!r} gave no targets: {ended}"
        raise PluginBroken(msg) from None
    finally:
        helper.close(wait_s=0)
    if "error" in answer:
        raise error_of(answer["error"])
    return dict(answer["hashes"]), answer["variant"]


def _rests(channel: Channel) -> None:
    spec = channel.receive()
    try:
        hashes, variant = rests_on(resolve(spec), Workbench(cache=None))
        answer: dict[str, Any] = {"hashes": hashes, "variant": None if variant is None else dict(variant)}
    except UrbanbenchError as error:
        answer = {"error": {"class": type(error).__name__, "message": str(error)}}
    except BaseException as error:  # noqa: BLE001 - whatever the plugins do is told
        reason = f"Task {spec.task!r} gave no targets: {told(error)}"
        answer = {"error": {"class": PluginBroken.__name__, "message": reason}}
    channel.send(answer)
