"""Adapters in a folder, in the form that peft and other programs read, and the graph encoder beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.atomic import replacing
from urbanbench.errors import BadInput, DataMissing
from urbanbench.learned import Learned

if TYPE_CHECKING:
    from urbanbench.models.uge_vlm import UgeVLM

__all__ = ["read_adapters", "write_adapters"]

ADAPTER_FILE, GRAPH_FILE = "adapter_model.safetensors", "graph_encoder.safetensors"
FILES = {"adapters/": ADAPTER_FILE, "graphs/": GRAPH_FILE}
"""File by the first word of what `Learned` calls the weights."""


def write_adapters(model: UgeVLM, learned: Learned, folder: Path) -> None:
    """Write what a model learned: adapter_model.safetensors and adapter_config.json as peft has them, and graph_encoder.safetensors."""
    from peft import LoraConfig
    from safetensors.numpy import save_file

    from urbanbench.models._uge_vlm.backbone import ADAPTED

    folder.mkdir(parents=True, exist_ok=True)
    for start, name in FILES.items():
        own = {
            word.removeprefix(start): one for word, one in learned.arrays.items() if word.startswith(start)
        }
        if own:
            with replacing(folder / name) as part:
                save_file({word: np.ascontiguousarray(one) for word, one in own.items()}, part)
    settings = LoraConfig(
        r=model.rank, lora_alpha=model.alpha, lora_dropout=model.dropout, target_modules=ADAPTED, bias="none"
    )
    settings.save_pretrained(str(folder))


def read_adapters(folder: Path) -> Learned:
    """Read what `write_adapters` or peft wrote; nothing is unpickled.

    Raises
    ------
    DataMissing
        There is no such file.
    BadInput
        A file that holds something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not (folder / ADAPTER_FILE).is_file():
        msg = f"There is no {ADAPTER_FILE!r} in folder {str(folder)!r}. Expected adapters as peft's save_pretrained writes them. Mend: --set adapters=/path/to/folder, or leave it out to train."
        raise DataMissing(msg)
    arrays: dict[str, np.ndarray] = {}
    for start, name in FILES.items():
        if not (folder / name).is_file():
            continue
        try:
            arrays |= {
                f"{start}{word}": one.astype(np.float32) for word, one in load_file(folder / name).items()
            }
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            msg = f"{name!r} in folder {folder.name!r} cannot be read ({error}). Expected weights as float32 in safetensors. Mend: write them anew."
            raise BadInput(msg) from error
    return Learned(arrays)
