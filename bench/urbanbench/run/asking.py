"""One question about a spec, answered in a process of its own: what both sides do with it and with what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import Apart, Ended, keeping
from urbanbench.errors import PluginBroken, UrbanbenchError
from urbanbench.reasons import error_of, place_in, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from urbanbench.apart import Channel
    from urbanbench.result import RunSpec
    from urbanbench.run.order import Order

__all__ = ["answer", "asked"]


def asked(order: Order, work: Callable[..., None], *words: str, otherwise: str) -> dict[str, Any]:
    """Have `work` answer for an order's spec in another process, and return its answer.

    Parameters
    ----------
    order
        What is asked about; its spec is sent, and its plugins' files are named to the process.
    work
        What the process does with its channel and `words`: a function that calls `answer`.
    otherwise
        What is missing where none came: "Model 'x' gave no vectors".

    Raises
    ------
    PluginBroken
        The plugin does not load, fails, or ends its process.
    UrbanbenchError
        What the process refused, of its class.
    """
    order.check_loaded()
    helper = Apart(work, *words, limits=keeping().limits)
    try:
        helper.send(order.spec)
        said: dict[str, Any] = helper.answer(order.files)
    except Ended as ended:
        msg = f"{otherwise}: {ended}"
        raise PluginBroken(msg) from None
    finally:
        helper.close(wait_s=0)
    if "error" in said:
        raise error_of(said["error"])
    return said


def answer(
    channel: Channel,
    made: Callable[[RunSpec], dict[str, Any]],
    otherwise: Callable[[RunSpec], str],
    written_in: Callable[[RunSpec], Path],
) -> None:
    """Answer the spec that comes with what is made of it, or with the error that came up; `written_in` is the plugin's file, where the fault may lie."""
    spec: RunSpec = channel.receive()
    try:
        said = made(spec)
    except UrbanbenchError as error:
        said = {"error": {"class": type(error).__name__, "message": str(error)}}
    except BaseException as error:  # noqa: BLE001 - whatever a plugin does is told
        reason = f"{otherwise(spec)}: {told(error)}{place_in(error, [written_in(spec)])}"
        said = {"error": {"class": PluginBroken.__name__, "message": reason}}
    channel.send(said)
