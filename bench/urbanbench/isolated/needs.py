"""What a plugin's file states that it needs: script metadata, a file of requirements beside it, or the project it lies in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanbench.errors import BadInput

__all__ = ["ENTRY_POINTS", "Needs", "needs_of"]

ENTRY_POINTS = "urbanbench.models"
"""Group of entry points by which a project names its models."""

_BLOCK = re.compile(r"(?m)^# /// (?P<kind>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""The pattern of the inline script metadata specification (PEP 723)."""
_DEEPEST = 4
"""Folders above a file in which the project that it belongs to is looked for."""
_ANOTHER = re.compile(r"^(?:-r|-c|--requirement|--constraint)[ =]+(\S+)")


@dataclass(frozen=True)
class Needs:
    """What a plugin needs.

    Parameters
    ----------
    file
        Its file.
    stated_in
        Where it says so, in words for people.
    requirements
        Lines as pip reads them.
    python
        The Python versions it can do with, such as ">=3.11,<3.13"; "" where it says nothing.
    content
        All that decides what is installed, to be hashed: the lines, and the files they name.
    module
        Name under which the file is imported; "" for a file that stands alone.
    roots
        Folders from which it imports.
    """

    file: Path
    stated_in: str
    requirements: tuple[str, ...]
    python: str = ""
    content: tuple[str, ...] = ()
    module: str = ""
    roots: tuple[Path, ...] = ()


def needs_of(file: Path) -> Needs | None:
    """Return what a plugin's file states; None where it states no dependency and no other Python than this one.

    The first of these counts: a block ``# /// script`` in the file (PEP 723); ``<stem>.requirements.txt`` beside it; the ``pyproject.toml`` above it, where
    an entry point of the group `ENTRY_POINTS` names the file's module.

    Raises
    ------
    BadInput
        What it states cannot be read.
    """
    file = file.resolve()
    found = _from_block(file) or _from_list(file) or _from_project(file)
    if found is None or (_fits_here(found) and not found.requirements):
        return None
    for line in found.requirements:
        _check_line(found, line)
    return found


def _from_block(file: Path) -> Needs | None:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return None
    blocks = [one for one in _BLOCK.finditer(text) if one["kind"] == "script"]
    if not blocks:
        return None
    if len(blocks) > 1:
        msg = f"{file.name!r} has {len(blocks)} blocks '# /// script'. Expected one. Mend: put all dependencies into the first."
        raise BadInput(msg)
    lines = (line[2:] if line.startswith("# ") else line[1:] for line in blocks[0]["content"].splitlines())
    where = f"the script metadata of {file.name}"
    said = _toml("\n".join(lines), where)
    requirements = _listed(said.get("dependencies", []), where)
    return Needs(
        file, where, requirements, _text(said.get("requires-python", ""), where), content=requirements
    )


def _from_list(file: Path) -> Needs | None:
    beside = file.with_name(f"{file.stem}.requirements.txt")
    if not beside.is_file():
        return None
    return Needs(file, beside.name, (f"-r {beside.name}",), content=tuple(_lines_of(beside, set())))


def _lines_of(path: Path, seen: set[Path]) -> Iterable[str]:
    """Give the lines of a file of requirements and of the files that it names, without comments."""
    if path in seen:
        return
    seen.add(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        msg = f"The file of requirements {path.name!r} cannot be read ({type(error).__name__}). Expected text in UTF-8."
        raise BadInput(msg) from error
    for line in (re.sub(r"(^|\s)#.*$", "", one).strip() for one in text.splitlines()):
        if line:
            yield line
        if another := _ANOTHER.match(line):
            yield from _lines_of((path.parent / another[1]).resolve(), seen)


def _from_project(file: Path) -> Needs | None:
    """Read the project that names the file's module as a model of its own; the nearest pyproject.toml counts."""
    manifest = next(
        (path for one in file.parents[:_DEEPEST] if (path := one / "pyproject.toml").is_file()), None
    )
    if manifest is None:
        return None
    try:
        project = tomllib.loads(manifest.read_text(encoding="utf-8")).get("project", {})
        points = project.get("entry-points", {}).get(ENTRY_POINTS, {})
    except (OSError, ValueError, AttributeError):
        return None
    roots = [root for root in (manifest.parent / "src", manifest.parent) if file.is_relative_to(root)]
    names = {str(point).partition(":")[0].strip() for point in points.values()}
    module = next((name for root in roots for name in names if _is_module(file, root, name)), "")
    if not module:
        return None
    requirements = _listed(project.get("dependencies", []), "pyproject.toml")
    python = _text(project.get("requires-python", ""), "pyproject.toml")
    return Needs(file, "pyproject.toml", requirements, python, requirements, module, tuple(roots))


def _is_module(file: Path, root: Path, name: str) -> bool:
    path = root.joinpath(*name.split("."))
    return file in {path.with_suffix(".py"), path / "__init__.py"}


def _toml(text: str, where: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f'What stands in {where} is no TOML ({error}). Expected for example # dependencies = ["scipy<1.12"].'
        raise BadInput(msg) from error


def _listed(value: object, where: str) -> tuple[str, ...]:
    if not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        msg = f'The dependencies in {where} are {value!r}. Expected a list of texts, for example ["scipy<1.12"].'
        raise BadInput(msg)
    return tuple(one.strip() for one in value if one.strip())


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        msg = f'requires-python in {where} is {value!r}. Expected text, for example ">=3.11".'
        raise BadInput(msg)
    return value.strip()


def _check_line(needs: Needs, line: str) -> None:
    """Refuse what is no requirement; lines of a file of requirements are the installer's to judge."""
    from packaging.requirements import InvalidRequirement, Requirement

    if line.startswith("-r "):
        return
    try:
        Requirement(line)
    except InvalidRequirement as error:
        first = str(error).splitlines()[0]
        msg = f'The dependency {line!r} in {needs.stated_in} is no requirement ({first}). Expected for example "scipy<1.12".'
        raise BadInput(msg) from error


def _fits_here(needs: Needs) -> bool:
    import platform

    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return platform.python_version() in SpecifierSet(needs.python)
    except InvalidSpecifier as error:
        msg = f'requires-python in {needs.stated_in} is {needs.python!r}. Expected for example ">=3.11".'
        raise BadInput(msg) from error
