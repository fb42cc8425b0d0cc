"""Every error urbanbench raises on purpose, each also a built-in kind.

A message has up to three sentences: what is wrong, with its name; what was expected and what was got; the mend.
"""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = [
    "FULL",
    "BadInput",
    "CannotWrite",
    "CityFaults",
    "Conformance",
    "DataCorrupt",
    "DataMissing",
    "EnvironmentFaulty",
    "ExtraMissing",
    "InputMasked",
    "LayerMissing",
    "NoFloor",
    "NoScores",
    "NodeDiffers",
    "PluginBroken",
    "RunRefused",
    "SubmissionFaults",
    "TrainedApart",
    "UnknownName",
    "UrbanbenchError",
    "quoted",
]

_STREAMS = frozenset({"stdout", "stderr"})
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says where there is no room: on the disk, or for this user."""
_WAYS_OUT = {
    **dict.fromkeys(FULL, "free some space, or choose another folder"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a folder that you may write to"),
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EEXIST), "choose another path, a file stands where one of its folders would be"
    ),
    errno.ENAMETOOLONG: "choose a shorter name",
}


def quoted(names: Iterable[object], most: int = 3) -> str:
    """Write names in quotes, so that blanks and leading zeros are seen; the first few of many.

    Examples
    --------
    >>> quoted(["007", " 8"]), quoted(range(9), most=2)
    ("'007', ' 8'", "'0', '1', …")
    """
    listed = [str(name) for name in names]
    shown = ", ".join(repr(name) for name in listed[:most])
    return shown if len(listed) <= most else f"{shown}, …"


class UrbanbenchError(Exception):
    """Root of all deliberate errors; `exit_code` is what the command line returns for it."""

    exit_code = 2


class BadInput(UrbanbenchError, ValueError):
    """A value that a contract refuses: wrong type, range, shape or combination."""


class UnknownName(UrbanbenchError, LookupError):
    """A name that is not registered.

    Parameters
    ----------
    kind
        What the name should have named, in one word: "model", "task", "city", "head".
    name
        The name that was asked for.
    known
        All names that exist.
    mend
        A further sentence: where names come from, and what else may be given.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], mend: str = "") -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        near = difflib.get_close_matches(name, self.known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(
            f"Unknown {kind} {name!r}.{hint} Known: {', '.join(self.known) or 'none'}.{mend and ' ' + mend}"
        )


class InputMasked(UrbanbenchError, PermissionError):
    """A model touched an input that this run does not allow it to see."""

    def __init__(self, name: str, allowed: Iterable[str]) -> None:
        self.name = name
        super().__init__(
            f"Input {name!r} is masked in this run. Allowed inputs: {', '.join(sorted(allowed)) or 'none'}. "
            f"Ask `view.has({name!r})` first, or declare it in the model card and allow it with --inputs."
        )


class LayerMissing(UrbanbenchError, LookupError):
    """A city folder has no such layer."""

    exit_code = 3

    def __init__(self, city: str, layer: str, present: Iterable[str]) -> None:
        self.city, self.layer = city, layer
        super().__init__(
            f"City {city!r} has no layer {layer!r}. Its layers: {', '.join(sorted(present)) or 'none'}. "
            f"Add the file and its entry under 'layers' in city.json, or choose inputs the city has."
        )


class DataMissing(UrbanbenchError, FileNotFoundError):
    """A folder, file or label that should be there is not."""

    exit_code = 3


class DataCorrupt(UrbanbenchError, ValueError):
    """A file or archive that is there and does not hold what it should: cut short, changed, or made to do harm."""

    exit_code = 3


class CityFaults(UrbanbenchError, ValueError):
    """All faults of a city folder at once.

    Parameters
    ----------
    city
        Name or path of the folder.
    faults
        One sentence per fault: table, column, row ids, expected and found.
    """

    exit_code = 3

    def __init__(self, city: str, faults: Sequence[str]) -> None:
        self.city, self.faults = city, tuple(faults)
        shown = "".join(f"\n  - {fault}" for fault in self.faults)
        plural = "fault" if len(self.faults) == 1 else "faults"
        super().__init__(f"City folder {city!r} has {len(self.faults)} {plural}:{shown}")


class SubmissionFaults(UrbanbenchError, ValueError):
    """All that keeps results from being handed in, at once.

    Parameters
    ----------
    where
        Folder or file.
    faults
        One sentence per fault.
    """

    exit_code = 1

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        self.where, self.faults = where, tuple(faults)
        shown = "".join(f"\n  - {fault}" for fault in self.faults)
        super().__init__(f"{where!r} cannot be handed in as it is:{shown}")


class CannotWrite(UrbanbenchError, OSError):
    """A file or folder that has to be written cannot be.

    Parameters
    ----------
    path
        What was to be written.
    cause
        What the system says.
    mend
        What to do, as a sentence without its full stop; what follows from the cause when left out.
    needed
        How many bytes were to be written at least; 0 where that is not known.
    """

    exit_code = 3

    def __init__(
        self,
        path: object,
        cause: OSError,
        mend: str = "",
        needed: int = 0,
    ) -> None:
        self.path, self.full = str(path), cause.errno in FULL
        self.mend = mend or _way_out(Path(self.path), cause)
        why = cause.strerror or str(cause) or type(cause).__name__
        room = ""
        if self.full:  # the system's own words; a library's are longer
            why = os.strerror(cause.errno or 0)
            room = "" if self.path in _STREAMS else _room(Path(self.path), needed)
        super().__init__(
            f"Cannot write {self.path!r} ({why}{room}). Expected a place that can be written. Mend: {self.mend}."
        )


def _way_out(path: Path, cause: OSError) -> str:
    """Return what to do about what the system says, as a sentence without its full stop."""
    if cause.errno == errno.EISDIR or (cause.errno == errno.EBUSY and path.is_dir()):
        return "name a file in this folder"
    return _WAYS_OUT.get(cause.errno or 0, "choose another folder")


def _room(path: Path, needed: int) -> str:
    """Say how much room a file system has, and how much was needed at least."""
    there = next((one for one in path.absolute().parents if one.is_dir()), None)
    if there is None or not hasattr(os, "statvfs"):
        return ""
    try:
        found = os.statvfs(there)
    except OSError:
        return ""
    if found.f_files and not found.f_favail:
        return f"; the file system of {str(there)!r} can hold no further file"
    asked = f"some {_bytes(needed)} needed, " if needed else ""
    return f"; {asked}{_bytes(found.f_bavail * found.f_frsize)} free in {str(there)!r}"


def _bytes(size: float) -> str:
    """Write a number of bytes in few digits."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


class ExtraMissing(UrbanbenchError, ImportError):
    """A package or weight that an optional part needs is not installed."""

    exit_code = 4


class PluginBroken(UrbanbenchError, ImportError):
    """A plugin that was asked for cannot be loaded."""

    exit_code = 4


class NodeDiffers(UrbanbenchError, RuntimeError):
    """A machine that was to do cells has other code, or other packages that move scores, than the one that asks."""

    exit_code = 4


class TrainedApart(UrbanbenchError, RuntimeError):
    """Of several processes that train together one failed, or was lost, and the others with it."""

    exit_code = 1


class RunRefused(UrbanbenchError, ValueError):
    """A run that cannot be done as asked (missing label, input or capability); kept as a row, not a crash."""


class EnvironmentFaulty(RunRefused):
    """The environment of its own that a plugin asks for cannot be made or used."""

    exit_code = 4


class NoScores(UrbanbenchError, LookupError):
    """Scores were asked for of a run that has none.

    Parameters
    ----------
    run
        What was asked.
    status
        "refused" or "failed".
    reason
        Why.
    """

    def __init__(self, run: object, status: str, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(
            f"There are no scores: {run} {'was ' if status == 'refused' else ''}{status}. {reason}"
        )


class NoFloor(RunRefused):
    """A model cannot be scored beside a floor, because no floor reads content from inputs that the model sees."""


class Conformance(UrbanbenchError, AssertionError):
    """A plugin breaks its contract; the message says which rule and how to mend it."""
