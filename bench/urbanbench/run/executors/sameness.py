"""Whether another machine would compute the same: the same code of urbanbench, and the same versions of what moves scores."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import urbanbench
from urbanbench.hashing import file_digest, value_digest
from urbanbench.provenance import package_versions

__all__ = ["difference", "this_code"]

_CODE = "urbanbench"


@cache
def _digest() -> str:
    root = Path(urbanbench.__file__).parent
    return value_digest([[path.relative_to(root).as_posix(), file_digest(path)] for path in _sources(root)])


def _sources(root: Path) -> Iterator[Path]:
    """Go through the package's Python files, those of the linked plugin folders among them."""
    for here, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        yield from (Path(here) / name for name in sorted(files) if name.endswith(".py"))


def this_code() -> dict[str, str]:
    """Return what a score made here rests on beside its cell and data: package or "python" to version, "urbanbench" to a digest of its files."""
    python = ".".join(platform.python_version_tuple()[:2])
    packages = {name: version or "none" for name, version in package_versions().items()}
    return {_CODE: _digest(), "python": python, **packages}


def difference(asked: Mapping[str, str]) -> str:
    """Say how this machine differs from the one that asks; "" where it does not.

    Parameters
    ----------
    asked
        What `this_code` gave there.
    """
    here = this_code()
    other = [name for name in sorted({*here, *asked}) if here.get(name) != asked.get(name)]
    if not other:
        return ""
    where = f"Node {socket.gethostname()!r}"
    if _CODE in other:
        return (
            f"{where} has other code of urbanbench ({here[_CODE][:10]}) than the machine that asks ({asked.get(_CODE, 'none')[:10]}). "
            f"Expected the same files, or its rows would be of another version. Mend: install the same urbanbench on every node."
        )
    told = ", ".join(
        f"{name} {here.get(name, 'none')} in place of {asked.get(name, 'none')}" for name in other
    )
    return (
        f"{where} has {told}. Expected the versions of the machine that asks, or its rows would have other bits. "
        f"Mend: pip install -c constraints.txt on every node."
    )
