"""The folder of weights that a user names: found, judged without loading anything heavy, and named by its content."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from urbanbench.errors import BadInput, DataMissing, ExtraMissing, RunRefused
from urbanbench.models._uge_vlm.families import FAMILIES, WITHOUT_CLASS, Family
from urbanbench.toolkit.kept.weight_folders import folder_name

__all__ = ["FORM", "Chosen", "choose_folder"]

FORM = "config.json, preprocessor_config.json, the tokenizer's files and the weights as *.safetensors"
_SETTINGS = (("preprocessor_config.json", "processor_config.json"), ("tokenizer_config.json",))
"""Files of which one is there: those of the image processor and of the tokenizer."""

_MEND = "Mend: --set weights=/path/to/folder"


@dataclass(frozen=True)
class Chosen:
    """A folder of weights and the family it belongs to."""

    folder: Path
    family: Family

    @property
    def name(self) -> str:
        """Family, number of weights, and the folder by its own name and its content: all that can be known of where they come from."""
        return f"{self.family.title}, {_count(self.folder):,} weights from {folder_name(self.folder)}"


def choose_folder(weights: str) -> Chosen:
    """Return the folder that a parameter names, with its family.

    Raises
    ------
    RunRefused
        No folder is named, or it holds a model that transformers has no class for.
    ExtraMissing
        The package peft is not installed.
    DataMissing
        There is no such folder.
    BadInput
        The folder holds something else.
    """
    if not weights:
        msg = f"Model 'uge-vlm' needs weights, and none are named; it fetches nothing itself. Expected a folder as `save_pretrained` and the hub have it ({FORM}), for example of {_public()}. {_MEND}"
        raise RunRefused(msg)
    if find_spec("peft") is None:
        msg = "Model 'uge-vlm' needs the package peft, which is not installed. Mend: pip install 'urbanbench[vlm]'"
        raise ExtraMissing(msg)
    folder = Path(weights)
    if not folder.is_dir():
        msg = f"There is no folder {weights!r} with weights for 'uge-vlm'. Expected one with {FORM}. {_MEND}"
        raise DataMissing(msg)
    found = Chosen(folder, _family(folder))
    _check_files(folder)
    return found


def _family(folder: Path) -> Family:
    told = _config(folder)
    kind = str(told.get("model_type", ""))
    if kind in WITHOUT_CLASS:
        msg = f"Folder {folder.name!r} holds {WITHOUT_CLASS[kind]}, which transformers has no class for: it would run code from the folder, and none is ever run. Expected {_public()}. {_MEND}"
        raise RunRefused(msg)
    if kind not in FAMILIES:
        msg = f"Folder {folder.name!r} holds a model of type {kind!r}. Expected one of: {', '.join(sorted(FAMILIES))}, for example {_public()}. {_MEND}"
        raise BadInput(msg)
    family = FAMILIES[kind]
    language = (told.get("text_config") or {}).get("model_type", family.language)
    if language not in {family.language, kind}:
        msg = f"Folder {folder.name!r} holds a {family.kind} around a language model of type {language!r}. Expected {family.language!r}, as in {family.public[0]}. {_MEND}"
        raise BadInput(msg)
    return family


def _config(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"Folder {folder.name!r} has no config.json that can be read. Expected {FORM}. {_MEND}"
        raise BadInput(msg) from error
    return told if isinstance(told, dict) else {}


def _check_files(folder: Path) -> None:
    for known in _SETTINGS:
        if not any((folder / one).is_file() for one in known):
            msg = f"Folder {folder.name!r} has no {known[0]}. Expected {FORM}. Mend: save_pretrained of the processor writes it."
            raise BadInput(msg)
    if not any(folder.glob("*.safetensors")):
        msg = f"Folder {folder.name!r} has no weights as *.safetensors; other forms may run code when they are read, and are not opened. Expected {FORM}. Mend: save_pretrained writes them."
        raise BadInput(msg)


def _count(folder: Path) -> int:
    """Return how many numbers the weights of a folder are, without reading them."""
    from safetensors import SafetensorError, safe_open

    total = 0
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, framework="numpy") as stored:
                total += sum(math.prod(stored.get_slice(name).get_shape()) for name in stored.keys())  # noqa: SIM118 - no mapping
        except (OSError, SafetensorError) as error:
            msg = f"{file.name!r} in folder {folder.name!r} cannot be read ({error}). Expected whole weights. Mend: copy the file again."
            raise BadInput(msg) from error
    return total


def _public() -> str:
    return ", ".join(name for family in FAMILIES.values() for name in family.public)
