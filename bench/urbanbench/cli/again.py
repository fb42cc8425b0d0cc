"""The command that runs a result's cell once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from urbanbench.cli.printing import command
from urbanbench.errors import UrbanbenchError
from urbanbench.scoring.split import PREFIX, is_split_file

if TYPE_CHECKING:
    from pathlib import Path

    from urbanbench.result import RunResult

__all__ = ["command_again"]

_NONE = object()


def command_again(result: RunResult, folder: Path | None = None) -> str:
    """Return a command to paste that computes a result anew, without floors, into a folder or where runs usually go.

    Names are those of the result: a model or city that was given as a path has to be given by its path again.
    """
    cell = result.cell
    words: list[object] = ["run", "-m", cell.model, "-t", cell.task, "-c", cell.city]
    words += ["--train-city", cell.train_city] if cell.train_city else []
    words += ["--preset", cell.preset] if cell.preset else []
    for name, value in sorted(_settings(result).items()):
        words += ["--set", f"{name}={_text(value)}"]
    words += ["--inputs", cell.inputs] if cell.inputs != "full" else []
    words += ["--model-seed", cell.model_seed] if cell.model_seed else []
    words += ["--protocol", cell.protocol] if cell.protocol != "default" else _scoring(result)
    words += ["--adds"] if cell.beside else []
    words += ["--probe", cell.probe] if cell.probe else []
    words += ["--no-floors", "--overwrite", "always"]
    return command(*words, *(["--out", folder] if folder is not None else []))


def _settings(result: RunResult) -> Mapping[str, Any]:
    """Return what differs from the preset; of a result that does not say it, from the preset as it is today."""
    stated = result.model.get("settings")
    if isinstance(stated, Mapping):
        return stated
    from urbanbench.registry import load_model

    cell = result.cell
    try:
        usual = load_model(cell.model).from_settings(cell.preset).parameters()
    except (UrbanbenchError, TypeError):  # no such model here, or one that needs settings
        usual = {}
    return {name: value for name, value in cell.parameters.items() if usual.get(name, _NONE) != value}


def _scoring(result: RunResult) -> list[object]:
    cell = result.cell
    usual = tuple(range(len(cell.seeds)))
    seeds = str(len(cell.seeds)) if cell.seeds == usual else ",".join(map(str, cell.seeds)) + ","
    size = [] if cell.block_size_m is None else ["--block-size", f"{cell.block_size_m:g}"]
    if is_split_file(cell.split):  # its path is not kept, its name and content are
        return ["--splits", f"{cell.split.removeprefix(PREFIX).rpartition('-')[0]}.json", "--head", cell.head]
    return ["--split", cell.split, "--head", cell.head, "--seeds", seeds, *size]


def _text(value: Any) -> str:
    """Write a parameter as ``--set`` reads it."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
