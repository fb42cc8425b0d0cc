"""An image-to-text model in a folder, read through transformers, and what it says of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.errors import DataMissing, ExtraMissing

if TYPE_CHECKING:
    from urbanbench.graph._captioner import Captioner

__all__ = ["load_captioner"]


def load_captioner(folder: Path, *, device: str = "cpu") -> Captioner:
    """Load a model that writes of pictures, such as BLIP, GIT, LLaVA or Qwen-VL, from a folder.

    Parameters
    ----------
    folder
        What `save_pretrained` of model and processor write: config.json, the processor's files, weights as safetensors. Nothing is
        fetched, and no code of the folder is run.
    device
        Where it computes.

    Raises
    ------
    DataMissing
        No such folder.
    ExtraMissing
        It holds no model and processor that transformers reads.
    """
    if not folder.is_dir():
        msg = f"No folder {str(folder)!r} with an image-to-text model. Expected one with config.json, the processor's files and model.safetensors. Mend: save_pretrained of model and processor write it."
        raise DataMissing(msg)
    from urbanbench.graph._captioner import read_captioner

    try:
        return read_captioner(folder, device)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        msg = (
            f"The image-to-text model in {str(folder)!r} cannot be loaded ({' '.join(str(error).split())[:160]}). "
            "Expected config.json of a kind that transformers knows, the processor's files and model.safetensors. "
            "Mend: save_pretrained of model and processor write it."
        )
        raise ExtraMissing(msg) from error
