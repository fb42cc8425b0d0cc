"""The tools that make an environment: uv where it is installed, else venv and pip. Both are configured as their user has configured them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from urbanbench.errors import BadInput, EnvironmentFaulty

__all__ = ["INSTALLER_VARIABLE", "Installer", "installer", "python_in", "words_outside"]

INSTALLER_VARIABLE = "URBANBENCH_INSTALLER"
"""Says which tool makes environments: "uv" or "pip"; uv where it is installed when unset."""

_LEAST_MINOR, _MOST_MINOR = 11, 20
_LAST_LINES, _LONGEST = 6, 1_200
_OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__")
"""Variables that say where this process has its packages from."""


@dataclass(frozen=True)
class Installer:
    """A tool.

    Parameters
    ----------
    name
        "uv" or "pip".
    program
        The file of uv; "" for pip.
    """

    name: str
    program: str = ""

    def make(self, folder: Path, python: str, beside: Path) -> None:
        """Make an empty environment.

        Parameters
        ----------
        folder
            Where.
        python
            The versions it may have, such as ">=3.12"; "" for this one's.
        beside
            Folder of the plugin, whose configuration counts.

        Raises
        ------
        EnvironmentFaulty
            There is no such Python, or the tool fails.
        """
        if self.name == "uv":
            wanted = python or sys.executable
            _run([self.program, "venv", "--quiet", "--no-project", "--python", wanted, str(folder)], beside)
            return
        base = sys.executable if not python else _python_for(python)
        without = ["--without-pip"] if _has_pip() else []
        _run([base, "-m", "venv", *without, str(folder)], beside)

    def install(self, folder: Path, words: Sequence[str], beside: Path) -> None:
        """Install into an environment what pip understands by some words.

        Raises
        ------
        EnvironmentFaulty
            It cannot be had; the message has the tool's last lines.
        """
        python = str(python_in(folder))
        if self.name == "uv":
            command = [self.program, "pip", "install", "--quiet", "--python", python]
        elif _has_pip():
            command = [sys.executable, "-m", "pip", "--python", python, "install", "--no-input"]
        else:
            command = [python, "-m", "pip", "install", "--no-input"]
        _run([*command, *words], beside)


def installer() -> Installer:
    """Return the tool that makes environments here.

    Raises
    ------
    BadInput
        `INSTALLER_VARIABLE` names another one, or uv where there is none.
    """
    asked = os.environ.get(INSTALLER_VARIABLE, "").strip()
    if asked not in {"", "uv", "pip"}:
        msg = f"{INSTALLER_VARIABLE} is {asked!r}. Expected uv or pip. Unset it to take uv where it is installed."
        raise BadInput(msg)
    found = "" if asked == "pip" else _uv()
    if asked == "uv" and not found:
        msg = f"{INSTALLER_VARIABLE} is 'uv', and there is none. Mend: pip install uv"
        raise BadInput(msg)
    return Installer("uv", found) if found else Installer("pip")


def python_in(folder: Path) -> Path:
    """Return the Python of an environment."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def words_outside() -> dict[str, str]:
    """Return the environment variables without those that say where this process has its packages from."""
    return {name: value for name, value in os.environ.items() if name not in _OURS}


def _uv() -> str:
    beside = Path(sys.executable).parent / ("uv.exe" if os.name == "nt" else "uv")
    return str(beside) if beside.is_file() else shutil.which("uv") or ""


def _has_pip() -> bool:
    import importlib.util

    return importlib.util.find_spec("pip") is not None


def _python_for(versions: str) -> str:
    """Return a Python on the path whose version fits."""
    from packaging.specifiers import SpecifierSet

    wanted = SpecifierSet(versions)
    for minor in range(_MOST_MINOR, _LEAST_MINOR - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and _version_of(found) in wanted:
            return found
    msg = (
        f"There is no Python {versions} here. Expected one on the path, such as python3.{_LEAST_MINOR + 1}. "
        "Mend: install it, or uv (pip install uv), which brings one along."
    )
    raise EnvironmentFaulty(msg)


def _version_of(python: str) -> str:
    asked = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "0"  # noqa: S603 - a Python


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> None:
    """Run a tool; where it fails its last lines are the reason."""
    try:
        done = subprocess.run(  # noqa: S603 - the command is made here
            list(command),
            cwd=folder,
            env=dict(variables or words_outside()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        msg = f"{Path(command[0]).name} cannot be run: {error.strerror}."
        raise EnvironmentFaulty(msg) from error
    if done.returncode:
        lines = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
        told = "\n".join(lines[-_LAST_LINES:])[-_LONGEST:] or f"exit code {done.returncode}"
        raise EnvironmentFaulty(told)
