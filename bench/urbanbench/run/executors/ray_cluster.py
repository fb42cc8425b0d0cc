"""A Ray cluster as a grid: one on this machine that is started and ended with a run, or one that is there and is joined by its address."""

from __future__ import annotations

import io
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TextIO

from urbanbench.errors import BadInput, DataMissing, ExtraMissing, NodeDiffers
from urbanbench.progress import note
from urbanbench.run.executors.errand import Errand
from urbanbench.run.executors.grid import Lost, Ticket
from urbanbench.run.executors.ray_node import work

__all__ = ["Needs", "RayGrid", "joined"]

_PIECE = 8 * 2**20
"""Bytes of a piece of a file: nodes with a small object store take it too."""
_STORE_BYTES = 500_000_000
"""Object store of a cluster started here; what does not fit is put on the disk by Ray."""
_LEAST_AT_ONCE = 16
"""Errands of a kind that wait in a cluster which has no node for them yet: what makes an autoscaler start some."""
_SPARE = 1
"""Heads that wait beside those that are done, so that none has to be asked for first."""
_ASKED_EVERY_S = 2.0
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_IGNORE_UNHANDLED_ERRORS": "1"}
"""Nothing is sent to anybody; errors are told by rows, and vectors of a lost worker are nobody's error."""
_REACHED_WITHIN_S = 10.0
_CLIENT = "ray://"


@dataclass(frozen=True)
class Needs:
    """What a job takes of a node.

    Parameters
    ----------
    cores
        Cores.
    gpus
        GPUs, or a share of one, of cells that make vectors; on "cuda" of all cells.
    memory_mb
        10^6 bytes of memory of cells that make vectors; None for any.
    """

    cores: int = 1
    gpus: float = 0.0
    memory_mb: float | None = None

    def options(self, *, embeds: bool, device: str) -> dict[str, Any]:
        """Return the options of a Ray task."""
        told: dict[str, Any] = {"num_cpus": self.cores, "max_retries": 0, "num_returns": 2}
        if self.gpus and (embeds or device == "cuda"):
            told["num_gpus"] = self.gpus
        if self.memory_mb and embeds:
            told["memory"] = int(self.memory_mb * 1e6)
        return told


@contextmanager
def joined(address: str, cores: int) -> Iterator[bool]:
    """Be connected to a cluster during the block; a connection that is there already is used and stays.

    Parameters
    ----------
    address
        "" for a cluster on this machine that ends with the block; else what ``ray.init`` takes: "auto", HOST:PORT or ``ray://HOST:PORT``.
    cores
        Of the cluster on this machine; 0 for all.

    Yields
    ------
    bool
        Whether the cluster was started here.

    Raises
    ------
    ExtraMissing
        Ray is not installed.
    DataMissing
        No cluster answers.
    NodeDiffers
        The cluster has another version of Ray or Python.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        msg = "Package 'ray' is not installed. Expected it for --executor ray. Mend: pip install \"urbanbench[ray]\""
        raise ExtraMissing(msg) from error
    if ray.is_initialized():
        if address:
            msg = f"--address {address} is given, and this process is connected to a Ray cluster already. Expected one of them. Leave the address out, or call ray.shutdown() before."
            raise BadInput(msg)
        yield False
        return
    with _handlers_kept():
        _connect(address, cores)
    try:
        with _stdout_of_this_thread():
            yield not address
    finally:
        ray.shutdown()


def _connect(address: str, cores: int) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if not address:
        ray.init(
            address="local",
            num_cpus=cores or None,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            **quiet,
        )
        return
    try:
        _check_reached(address)
        ray.init(address=address, **quiet)
    except (OSError, ValueError, ImportError) as error:
        reason = _first_line(error).partition(". ")[0].rstrip(".")
        msg = f"No Ray cluster at --address {address}: {reason}. Expected `auto` or HOST:PORT of a cluster that runs. Leave it out for one on this machine."
        raise DataMissing(msg) from error
    except RuntimeError as error:
        reason = _first_line(error)
        msg = f"The Ray cluster at --address {address} cannot be used: {reason} Expected the same versions of Ray and Python there and here."
        raise NodeDiffers(msg) from error


class _OfOneThread(io.TextIOBase):
    """Standard output for one thread, and nothing for others."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._mine = stream, threading.get_ident()

    def write(self, text: str) -> int:
        """Write, or leave it."""
        return self._stream.write(text) if threading.get_ident() == self._mine else len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def fileno(self) -> int:
        """Return the stream's."""
        return self._stream.fileno()


@contextmanager
def _stdout_of_this_thread() -> Iterator[None]:
    """Keep Ray's threads from printing what became of workers: standard output is the command's, and rows and notes tell it."""
    with redirect_stdout(_OfOneThread(sys.stdout)):
        yield


def _check_reached(address: str) -> None:
    """Raise OSError where nobody listens at an address, and ValueError where it is none; Ray itself would try for minutes."""
    if address == "auto":
        return
    host, _, port = address.removeprefix(_CLIENT).rpartition(":")
    if not host or not port.isdecimal():
        msg = "that is no HOST:PORT"
        raise ValueError(msg)
    with socket.create_connection((host, int(port)), timeout=_REACHED_WITHIN_S):
        return


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Put signal handlers back that Ray replaces: how a command is stopped is the command's."""
    main = threading.current_thread() is threading.main_thread()
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)} if main else {}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class RayGrid:
    """The cluster that this process is connected to; see `urbanbench.run.executors.grid.Grid`.

    Parameters
    ----------
    needs
        What a job takes.
    device
        "cpu" or "cuda".
    jobs
        Most errands at once; None for as many as keep the cluster busy.
    fixed
        Whether no further node will come.
    """

    def __init__(self, needs: Needs, device: str, *, jobs: int | None = None, fixed: bool = False) -> None:
        import ray

        self._ray: Any = ray
        self._needs, self._device, self._jobs = needs, device, jobs
        self._numbers = count()
        self._task: Any = ray.remote(work)
        self._asked = -_ASKED_EVERY_S
        self._slots = 0, 0
        self._waits_told = False
        if fixed and not self._fits(embeds=True):
            told = self._needs.options(embeds=True, device=device)
            msg = f"A job takes {_needs_told(told)}, and this machine has {_needs_told(_resources(self._ray))}. Expected jobs that fit. Ask for less, or name a cluster with --address."
            raise BadInput(msg)

    def most(self, *, embeds: bool, beside: int) -> int:
        """How many errands of a kind may be handed in at once, while so many of the other kind are."""
        if self._jobs is not None:
            return self._jobs - beside
        places, for_vectors = self._places()
        if for_vectors >= places:  # both kinds want the same
            return max(2 * places, _LEAST_AT_ONCE) - beside
        if embeds:
            return max(2 * for_vectors, _LEAST_AT_ONCE)
        # Ray gives what is free to whoever it looks at first: heads leave room for those that wait for a GPU or for memory.
        return max(places - for_vectors + _SPARE, 1) if beside else max(2 * places, _LEAST_AT_ONCE)

    def _places(self) -> tuple[int, int]:
        """Return how many heads the cluster does at once, and how many cells that make vectors."""
        if time.monotonic() - self._asked > _ASKED_EVERY_S:
            self._asked = time.monotonic()
            there, needs = self._ray.cluster_resources(), self._needs
            places = int(there.get("CPU", 0)) // needs.cores
            on_gpus = there.get("GPU", 0) / needs.gpus if needs.gpus else math.inf
            in_memory = there.get("memory", 0) / (needs.memory_mb * 1e6) if needs.memory_mb else math.inf
            on_both = int(min(places, on_gpus, in_memory))
            heads = on_both if needs.gpus and self._device == "cuda" else places
            self._slots = heads, on_both
        return self._slots

    def put(self, file: Path | bytes) -> list[Any]:
        """Keep bytes in the cluster, in pieces."""
        if isinstance(file, bytes):
            return [self._ray.put(file[at : at + _PIECE]) for at in range(0, len(file), _PIECE)]
        with file.open("rb") as stream:
            return [self._ray.put(piece) for piece in iter(lambda: stream.read(_PIECE), b"")]

    def submit(self, errand: Errand, archives: Sequence[Any], vectors: Any, *, embeds: bool) -> Ticket:
        """Hand in an errand."""
        if not self._waits_told and not self._fits(embeds=embeds):
            self._waits_told = True
            asked = _needs_told(self._needs.options(embeds=embeds, device=self._device))
            note(f"No node of the cluster has {asked}: jobs wait until one joins.")
        task = self._task.options(**self._needs.options(embeds=embeds, device=self._device))
        refs = task.remote(errand.write(), list(archives), list(vectors or ()))
        return Ticket(next(self._numbers), tuple(refs))

    def wait(self, tickets: Collection[Ticket], seconds: float) -> list[Ticket]:
        """Return the tickets whose answers are there."""
        if not tickets:
            time.sleep(seconds)
            return []
        by_ref = {ticket.handle[0]: ticket for ticket in tickets}
        ready, _ = self._ray.wait(list(by_ref), num_returns=1, timeout=seconds)
        more, _ = self._ray.wait(list(by_ref), num_returns=len(by_ref), timeout=0)
        return [by_ref[ref] for ref in dict.fromkeys([*ready, *more])]

    def answer(self, ticket: Ticket) -> bytes:
        """Return the bundle of an answer."""
        return self._got(ticket.handle[0])

    def vectors(self, ticket: Ticket) -> bytes:
        """Return the bundle of the vectors that came with an answer."""
        return self._got(ticket.handle[1])

    def cancel(self, tickets: Collection[Ticket]) -> None:
        """End errands with the processes that do them."""
        for ticket in tickets:
            with suppress(Exception):
                self._ray.cancel(ticket.handle[0], force=True)

    def _got(self, ref: Any) -> bytes:
        errors = self._ray.exceptions
        try:
            found: bytes = self._ray.get(ref)
        except errors.RayTaskError as error:
            if "failed to import" in str(error) or "No module named 'urbanbench'" in str(error):
                msg = "A node of the cluster cannot import urbanbench. Expected it on every node, the same as here. Mend: pip install urbanbench there."
                raise NodeDiffers(msg) from None
            raise Lost(_last_line(error)) from None
        except errors.OutOfMemoryError as error:
            raise Lost(_first_line(error), blamed=True) from None
        except errors.RayError as error:
            raise Lost(_first_line(error)) from None
        return found

    def _fits(self, *, embeds: bool) -> bool:
        """Tell whether a node that is there could do a job, were it idle."""
        told = self._needs.options(embeds=embeds, device=self._device)
        asked = {"CPU": told["num_cpus"], "GPU": told.get("num_gpus", 0), "memory": told.get("memory", 0)}
        return any(
            node["Alive"] and all(node["Resources"].get(name, 0) >= much for name, much in asked.items())
            for node in self._ray.nodes()
        )


def _resources(ray: Any) -> dict[str, Any]:
    found = ray.cluster_resources()
    return {
        "num_cpus": int(found.get("CPU", 0)),
        "num_gpus": found.get("GPU", 0),
        "memory": found.get("memory", 0),
    }


def _needs_told(told: dict[str, Any]) -> str:
    parts = [f"{told['num_cpus']} cores"]
    parts += [f"{told['num_gpus']:g} GPUs"] if "num_gpus" in told else []
    parts += [f"{told['memory'] / 1e6:,.0f} MB of memory"] if "memory" in told else []
    return " and ".join(parts)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
