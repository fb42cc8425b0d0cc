"""A session of processes that train together now and then: the first says when, the others follow, and what fails in one fails in all.

torchrun starts them. Between two pieces of work nothing is connected, so that the first one may take its time with other things; they talk
through torchrun's store, in words alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from urbanbench.errors import TrainedApart
from urbanbench.reasons import told
from urbanbench.toolkit.training.distributed import connected, rank, sharing, started

__all__ = ["Session", "session"]

_T = TypeVar("_T")
_LOOK_S = 0.05
"""Seconds between two looks for a word of another process; a wait inside the store would let no signal through."""
GRACE_S = 20.0
"""Seconds that a process waits for the others after its own work has failed: theirs fails as soon as they wait for it."""
_STORE_S = timedelta(seconds=60)
_OVER = "over"


class Session:
    """What one process knows of the others.

    Parameters
    ----------
    device
        "cpu" or "cuda".
    store
        torch's store of words.
    """

    def __init__(self, device: str, store: Any) -> None:
        self.device, self.rank, self.size = device, rank(), started()
        self.apart = ""
        self._store, self._count, self._over = store, 0, False

    def lead(self, what: str, work: Callable[[], _T]) -> _T:
        """Say to the others what comes, and do it with them.

        Parameters
        ----------
        what
            A word by which the others know what to do.
        work
            What this process does of it.

        Raises
        ------
        TrainedApart
            It failed in another process, with its reason.
        """
        if self.apart:
            raise TrainedApart(self.apart)
        self._store.set(f"next/{self._count}", json.dumps({"do": what}))
        return self._together(work)

    def follow(self, do: Callable[[str], object]) -> int:
        """Do what the first process says until it says that all is over; return how it ended.

        Raises
        ------
        TrainedApart
            Something failed here alone, and the others cannot be told.
        """
        while True:
            word = json.loads(self._heard(f"next/{self._count}"))
            if _OVER in word:
                return int(word[_OVER])
            what = str(word["do"])
            try:
                self._together(lambda what=what: do(what))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException:  # noqa: BLE001 - the first process has a row that says it
                if self.apart:
                    raise TrainedApart(self.apart) from None

    def end(self, code: int) -> None:
        """Tell the others how all of it ended."""
        if not self._over and self.rank == 0:
            self._over = True
            self._store.set(f"next/{self._count}", json.dumps({_OVER: code}))

    def _together(self, work: Callable[[], _T]) -> _T:
        from torch.distributed.distributed_c10d import PrefixStore

        number, self._count = self._count, self._count + 1
        try:
            with connected(self.device, PrefixStore(f"work/{number}", self._store)):
                made = self._said(number, work)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            first = self._first_failure(number, GRACE_S)
            if first is None or first == told(error):
                raise
            raise self._failed(first) from error
        self._say(number, "")
        first = self._first_failure(number, None)
        if first is not None:
            raise self._failed(first)
        return made

    def _said(self, number: int, work: Callable[[], _T]) -> _T:
        """Do the work; where it fails, say so before the connections are closed, which fails it for the others."""
        try:
            return work()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self._say(number, told(error))
            raise

    def _failed(self, first: str) -> TrainedApart:
        return TrainedApart(f"Another of the {self.size} processes that train together failed: {first}")

    def _say(self, number: int, reason: str) -> None:
        turn = self._store.add(f"failed/{number}", 1) if reason else 0
        said = {"turn": turn, "reason": reason, "rank": self.rank}
        self._store.set(f"said/{number}/{self.rank}", json.dumps(said))

    def _first_failure(self, number: int, grace_s: float | None) -> str | None:
        """Wait for the word of every process, and return why the first failed that did; None where none did."""
        until = None if grace_s is None else time.monotonic() + grace_s
        said = []
        for one in range(self.size):
            word = self._heard(f"said/{number}/{one}", until)
            if word is None:
                self.apart = (
                    f"Process {self.rank} of {self.size} that train together failed, and process {one} works on and cannot be told. "
                    f"All of them end; the same command goes on from the last checkpoint."
                )
                break
            said.append(json.loads(word))
        failed = sorted((one for one in said if one["reason"]), key=lambda one: one["turn"])
        return str(failed[0]["reason"]) if failed else None

    def _heard(self, key: str, until: float | None = None) -> Any:
        """Wait for a word; None where it does not come in time."""
        while not self._store.check([key]):
            if until is not None and time.monotonic() > until:
                return None
            time.sleep(_LOOK_S)
        return self._store.get(key).decode()


@contextmanager
def session(device: str) -> Iterator[Session | None]:
    """Meet the processes that torchrun started, for the block; None where there are no others.

    When the block ends in the first process, with or without an error, the others hear of it.
    """
    if started() == 1:
        yield None
        return
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    store, _, _ = next(iter(rendezvous("env://", timeout=_STORE_S)))
    here = Session(device, PrefixStore("session", store))
    try:
        with sharing(here.size):
            yield here
    except BaseException as error:
        here.end(int(getattr(error, "exit_code", 1)))
        raise
    finally:
        here.end(1)
