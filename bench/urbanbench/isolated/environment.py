"""An environment of a plugin's own: built once for what it states, below the cache folder, and found again by all who need the same."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import urbanbench
from urbanbench.atomic import write_text
from urbanbench.errors import BadInput, CannotWrite, EnvironmentFaulty
from urbanbench.hashing import value_digest
from urbanbench.home import CACHE_MEND, cache_root
from urbanbench.isolated import doorway
from urbanbench.isolated.installers import Installer, installer, python_in, words_outside
from urbanbench.isolated.lent import (
    MODULES,
    Lent,
    contract_beside,
    held_in,
    lent_to,
    lent_tools,
    lent_versions,
)
from urbanbench.isolated.needs import Needs
from urbanbench.locks import locked
from urbanbench.progress import note

__all__ = ["FOLDER", "RECORD", "Environment", "doorway_command", "prepared", "told_of"]

FOLDER, RECORD = "environments", "environment.json"
"""Where environments lie below the cache folder, and the file that tells of one."""
_FORM = 1
_LEAST_PYTHON = (3, 11)
_CONSTRAINTS = ("PIP_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE")
"""Variables by which users bound what is installed; the files they name are part of what an environment is known by."""
_ASK = (
    "import json, platform, sys, sysconfig; print(json.dumps({'python': platform.python_version(), "
    "'tag': sys.implementation.cache_tag, 'site': sysconfig.get_path('platlib')}))"
)


@dataclass(frozen=True)
class Environment:
    """An environment that is there.

    Parameters
    ----------
    folder
        Where.
    facts
        What its record says: Python, packages with versions, whether the contract's are lent, what was stated.
    """

    folder: Path
    facts: Mapping[str, Any]

    @property
    def python(self) -> Path:
        """Its Python."""
        return python_in(self.folder)

    @cached_property
    def digest(self) -> str:
        """Hash of what runs in it: Python, and every package with its version."""
        lent = lent_versions() if self.facts["lends"] else {}
        return value_digest([self.facts["python"], self.facts["packages"], lent])

    def told(self) -> dict[str, Any]:
        """Return what a result keeps of it."""
        names = ("python", "packages", "lends", "built_by")
        return {"digest": self.digest} | {name: self.facts[name] for name in names}

    def lent(self) -> Lent:
        """Return what it may use of ours."""
        found = lent_to(self.facts["packages"], same_python=True) if self.facts["lends"] else lent_tools()
        return found or lent_tools()


def doorway_command(python: Path, **told: Any) -> list[str]:
    """Return the command by which an environment's Python begins: this package and what is lent are found there, and nothing else of ours.

    Parameters
    ----------
    python
        The environment's.
    told
        What `urbanbench.isolated.doorway` and `urbanbench.isolated.service` are told: what is ``lent``, and more.
    """
    usual = {"package": str(Path(urbanbench.__file__).parent), "file": "", "roots": [], "tries": []}
    return [str(python), "-s", "-P", str(Path(doorway.__file__)), json.dumps({**usual, **told})]


_known: dict[tuple[str, str], Environment | EnvironmentFaulty] = {}


def prepared(needs: Needs) -> Environment:
    """Return the environment that has what a plugin states; it is built where it is not there. One that failed here is not tried again.

    Raises
    ------
    EnvironmentFaulty
        It cannot be built; the message has the last lines of the tool that was to build it.
    """
    key = _key(needs)
    known = (str(cache_root()), key)
    if known not in _known:
        try:
            _known[known] = _found_or_built(needs, key)
        except EnvironmentFaulty as fault:
            _known[known] = fault
    found = _known[known]
    if isinstance(found, EnvironmentFaulty):
        raise EnvironmentFaulty(str(found))
    return found


def _key(needs: Needs) -> str:
    return value_digest(
        {
            "form": _FORM,
            "requirements": sorted(needs.content),
            "python": [needs.python, platform.python_version(), sys.implementation.cache_tag],
            "constraints": [_constraints(name) for name in _CONSTRAINTS],
            "lent": lent_versions(),
        }
    )


def _constraints(name: str) -> list[str]:
    """Return what the files say that a variable names."""
    told = []
    for word in os.environ.get(name, "").split():
        try:
            told.append(Path(word).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            told.append(word)  # an address, or nothing: the tool will say so
    return told


def _found_or_built(needs: Needs, key: str) -> Environment:
    folder = cache_root() / FOLDER / key
    found = _found(folder)
    if found is not None:
        return found
    try:
        with locked(folder.with_suffix(".lock"), mend=CACHE_MEND):
            return _found(folder) or _built(needs, folder)
    except OSError as error:
        if isinstance(error, CannotWrite):
            raise
        raise CannotWrite(folder, error) from error


def _found(folder: Path) -> Environment | None:
    record = folder / RECORD
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        os.utime(record)
    except (OSError, ValueError):
        return None
    return Environment(folder, facts) if python_in(folder).exists() else None


def told_of(folder: Path) -> str:
    """Say in a few words what an environment was built for; "" for what is none."""
    try:
        facts = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return f"{facts['for']} · Python {facts['python']} · {', '.join(facts['requirements'])}"
    except (OSError, ValueError, KeyError):
        return ""


def _built(needs: Needs, folder: Path) -> Environment:
    """Build in a folder beside and give it its name when it is whole; what a killed build of the same left is removed."""
    for left in folder.parent.glob(f".{folder.name[:8]}-*"):
        shutil.rmtree(left, ignore_errors=True)
    tool = _tool(needs)
    note(f"Builds an environment for {needs.file.name} with {tool.name}: {_words(needs)} …")
    began = time.perf_counter()
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:8]}-"))
    try:
        facts = _filled(tool, needs, part) | {"seconds": round(time.perf_counter() - began, 1)}
        write_text(part / RECORD, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except EnvironmentFaulty as fault:
        msg = (
            f"The environment of {needs.file.name!r} cannot be built. Expected what {needs.stated_in} asks for ({_words(needs)}). "
            f"{tool.name} says:\n{fault}"
        )
        raise EnvironmentFaulty(msg) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    note(f"Built in {facts['seconds']} s: {len(facts['packages'])} packages, Python {facts['python']}.")
    return Environment(folder, facts)


def _tool(needs: Needs) -> Installer:
    try:
        return installer()
    except BadInput as error:
        msg = f"The environment of {needs.file.name!r} cannot be built. {error}"
        raise EnvironmentFaulty(msg) from error


def _filled(tool: Installer, needs: Needs, folder: Path) -> dict[str, Any]:
    """Install what is stated, and what the contract needs where ours cannot serve beside it."""
    beside = needs.file.parent
    tool.make(folder, "" if _fits_here(needs.python) else needs.python, beside)
    told = _asked(folder)
    if tuple(map(int, told["python"].split(".")[:2])) < _LEAST_PYTHON:
        msg = f"its Python is {told['python']}, and the contract needs {'.'.join(map(str, _LEAST_PYTHON))} or newer"
        raise EnvironmentFaulty(msg)
    words = _pip_words(needs)
    if words:
        tool.install(folder, words, beside)
    site, same = Path(told["site"]), told["tag"] == sys.implementation.cache_tag
    lends = lent_to(held_in(site), same_python=same) is not None
    if not lends:
        tool.install(folder, [*words, *contract_beside(held_in(site))], beside)
    _check_loads(folder, (lent_to(held_in(site), same_python=same) if lends else None) or lent_tools())
    return {
        "form": _FORM,
        "for": needs.file.name,
        "stated_in": needs.stated_in,
        "requirements": list(needs.requirements),
        "python": told["python"],
        "packages": held_in(site),
        "lends": lends,
        "built_by": tool.name,
    }


def _check_loads(folder: Path, lent: Lent) -> None:
    """Refuse packages that do not load beside each other, whatever they say of themselves; what loads is compiled by that."""
    command = doorway_command(python_in(folder), lent=lent, tries=MODULES)
    done = subprocess.run(  # noqa: S603 - the Python of the environment
        command, env=words_outside(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        msg = f"its packages do not load together: {last}. Mend: state versions that do, of this one too"
        raise EnvironmentFaulty(msg)


def _pip_words(needs: Needs) -> list[str]:
    """Return the requirements as words of a command; this package serves the contract itself."""
    from packaging.requirements import Requirement

    words: list[str] = []
    for line in needs.requirements:
        if line.startswith("-r "):
            words += ["-r", str(needs.file.parent / line[3:])]
        elif Requirement(line).name.lower() != "urbanbench":
            words.append(line)
    return words


def _fits_here(python: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return platform.python_version() in SpecifierSet(python)


def _asked(folder: Path) -> dict[str, str]:
    done = subprocess.run(  # noqa: S603 - the Python of the environment
        [str(python_in(folder)), "-I", "-c", _ASK], capture_output=True, text=True, check=False
    )
    try:
        told: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        msg = f"its Python does not start: {done.stderr.strip()[-200:]}"
        raise EnvironmentFaulty(msg) from None
    return told


def _words(needs: Needs) -> str:
    stated = [*needs.requirements, *([f"Python {needs.python}"] if needs.python else [])]
    return ", ".join(stated)
