"""Checks of plugins from elsewhere: in a process of its own, which tells every rule as soon as it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import Apart, Ended, keeping
from urbanbench.errors import UrbanbenchError
from urbanbench.reasons import error_of

if TYPE_CHECKING:
    from urbanbench.apart import Channel

__all__ = ["Held", "checked_apart"]

Held = Callable[[str, str], None]
"""Called with the level, "" for none, and a sentence for every rule that holds."""


def checked_apart(
    work: Callable[[tuple[Any, ...], Held], str], words: tuple[Any, ...], files: Iterable[Path], held: Held
) -> str:
    """Check a plugin in a process of its own, within the limits in force, and return the rule that it breaks; "" where it keeps them all.

    Parameters
    ----------
    work
        A function of a module, which checks and returns that.
    words
        What it is called with; the first names the plugin.
    files
        Files of the plugin, to say in which of their lines the process was that ended.
    held
        Called for every rule that holds.

    Raises
    ------
    UrbanbenchError
        What `work` raises of that kind.
    """
    helper = Apart(_check, work, limits=keeping().limits)
    try:
        helper.send(words)
        while True:
            answer = helper.answer(files)
            if "rule" in answer:
                held(answer["level"], answer["rule"])
            elif "error" in answer:
                raise error_of(answer["error"])
            else:
                return str(answer["problem"])
    except Ended as ended:
        return f"{words[0]} ended the check: {ended}"
    finally:
        helper.close(wait_s=0)


def _check(channel: Channel, work: Callable[[tuple[Any, ...], Held], str]) -> None:
    words = channel.receive()
    try:
        problem = work(words, lambda level, rule: channel.send({"level": level, "rule": rule}))
    except KeyboardInterrupt:
        channel.send({"problem": f"{words[0]} fails: KeyboardInterrupt"})
    except UrbanbenchError as error:
        channel.send({"error": {"class": type(error).__name__, "message": str(error)}})
    else:
        channel.send({"problem": problem})
