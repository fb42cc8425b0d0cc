"""What a plugin may not leave changed in the process that runs it."""

from __future__ import annotations

import decimal
import gc
import io
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any

from urbanbench.apart.child import is_apart

__all__ = ["state_kept"]


@contextmanager
def state_kept() -> Iterator[None]:
    """Run a plugin's code: what it prints goes to stderr, and the state that all code of a process shares is as before afterwards.

    That is: environment, working folder, umask, standard streams, recursion limit, warning filters, logging, signal
    handlers and alarms, the random states of `random` and numpy, numpy's treatment of floating point errors, decimal's context,
    garbage collection, and torch's default type, threads, gradients and determinism.
    """
    put_back = [restore for remember in _REMEMBERED for restore in remember()]
    try:
        with redirect_stdout(_ToStderr()):
            yield
    finally:
        for restore in put_back:
            with suppress(Exception):  # one that cannot be put back must not keep the others from it
                restore()


class _ToStderr(io.TextIOBase):
    """Standard output during a plugin's code; closing it closes nothing."""

    def write(self, text: str) -> int:
        """Write to stderr."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush stderr."""
        sys.stderr.flush()

    def close(self) -> None:
        """Stay open."""

    def fileno(self) -> int:
        """Return stderr's."""
        return sys.stderr.fileno()


_Restores = list[Callable[[], Any]]


def _environment() -> _Restores:
    """Remember the variables; in a process of its own a plugin may keep those it sets."""
    if is_apart():
        return []
    variables = dict(os.environ)

    def restore() -> None:
        if dict(os.environ) != variables:
            os.environ.clear()
            os.environ.update(variables)

    return [restore]


def _folders() -> _Restores:
    mask = os.umask(0o022)
    os.umask(mask)
    try:
        here = Path.cwd()
    except OSError:
        return [lambda: os.umask(mask)]
    return [lambda: os.umask(mask), lambda: os.chdir(here)]


def _interpreter() -> _Restores:
    depth, switch = sys.getrecursionlimit(), sys.getswitchinterval()
    streams = {name: getattr(sys, name) for name in ("stdin", "stderr", "excepthook", "displayhook")}
    collecting = gc.isenabled()
    return [
        lambda: sys.setrecursionlimit(depth),
        lambda: sys.setswitchinterval(switch),
        gc.enable if collecting else gc.disable,
        *(partial(setattr, sys, name, value) for name, value in streams.items()),
    ]


def _messages() -> _Restores:
    filters, shown, quiet = list(warnings.filters), warnings.showwarning, logging.root.manager.disable
    level, handlers = logging.root.level, list(logging.root.handlers)

    def restore_filters() -> None:
        if list(warnings.filters) != filters:
            warnings.resetwarnings()
            warnings.filters[:] = filters  # type: ignore[index]  # a list, annotated as a sequence

    return [
        restore_filters,
        lambda: setattr(warnings, "showwarning", shown),
        lambda: logging.disable(quiet),
        lambda: logging.root.setLevel(level),
        lambda: logging.root.handlers.__setitem__(slice(None), handlers),
    ]


def _signals() -> _Restores:
    if threading.current_thread() is not threading.main_thread():
        return []
    watched = [
        one for name in ("SIGINT", "SIGTERM", "SIGALRM") if (one := getattr(signal, name, None)) is not None
    ]
    before = {one: signal.getsignal(one) for one in watched}
    restores: _Restores = [
        partial(signal.signal, one, handler) for one, handler in before.items() if handler is not None
    ]
    return [lambda: signal.alarm(0), *restores] if hasattr(signal, "alarm") else restores


def _numbers() -> _Restores:
    drawn, exact = random.getstate(), decimal.getcontext().copy()
    restores: _Restores = [lambda: random.setstate(drawn), lambda: decimal.setcontext(exact)]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        errors, state, shown = numpy.geterr(), numpy.random.get_state(), numpy.get_printoptions()
        restores += [
            lambda: numpy.seterr(**errors),
            lambda: numpy.random.set_state(state),
            lambda: numpy.set_printoptions(**shown),
        ]
    return restores


def _torch() -> _Restores:
    """Remember torch's switches; where it is not loaded yet, those of a fresh torch come back."""
    torch = sys.modules.get("torch")
    if torch is None:
        return [_fresh_torch]
    kind, threads, gradients = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    strict = _strictness(torch)
    return [
        lambda: torch.set_default_dtype(kind),
        lambda: torch.set_num_threads(threads) if torch.get_num_threads() != threads else None,
        lambda: torch.set_grad_enabled(gradients),
        lambda: (
            torch.use_deterministic_algorithms(strict[0], warn_only=strict[1])
            if _strictness(torch) != strict  # to set it, even to what it is, loads torch's compiler
            else None
        ),
        lambda: torch.set_default_device(None) if torch.get_default_device().type != "cpu" else None,
    ]


def _strictness(torch: Any) -> tuple[bool, bool]:
    """Return whether torch insists on deterministic algorithms, and whether it only warns."""
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _fresh_torch() -> None:
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)


_REMEMBERED = (_environment, _folders, _interpreter, _messages, _signals, _numbers, _torch)
