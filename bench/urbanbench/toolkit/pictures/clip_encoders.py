"""CLIP by folder or hub name, from this machine if it is here, else fetched; what is missing is said with its mend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.errors import ExtraMissing
from urbanbench.toolkit.kept.hub import read_here_or_there
from urbanbench.toolkit.kept.weight_counts import loads_weights

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.toolkit.pictures._clip_nets import Clip

__all__ = ["encode_sentences", "load_clip_encoder"]

_BATCH = 256


def load_clip_encoder(place: str, *, mend: str) -> Clip:
    """Load both towers of a CLIP, in eval mode, on the CPU.

    Parameters
    ----------
    place
        Folder, or name on the hub.
    mend
        What to do where it cannot be loaded, for the message.

    Raises
    ------
    ExtraMissing
        The weights are not on this machine and cannot be fetched.
    """
    from urbanbench.toolkit.pictures._clip_nets import load_clip

    name = Path(place).name if Path(place).is_dir() else place
    clip = read_here_or_there(
        place,
        lambda local_only: load_clip(name, place, local_only=local_only).eval(),
        lambda error: _missing(place, error, mend),
    )
    return loads_weights(clip)


def encode_sentences(clip: Clip, texts: Sequence[str], device: str) -> np.ndarray:
    """Return text vectors float32 (n, dim) of length 1, by the text tower; nothing is trained."""
    import numpy as np
    import torch

    clip.eval().to(device)
    made = np.empty((len(texts), clip.dim), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(texts), _BATCH):
            made[start : start + _BATCH] = clip.encode_texts(texts[start : start + _BATCH]).cpu().numpy()
    return made


def _missing(place: str, error: Exception, mend: str) -> ExtraMissing:
    return ExtraMissing(
        f"CLIP {place!r} cannot be loaded ({str(error).splitlines()[0][:160]}). "
        f"Expected it in the local cache, on the hub, or in a folder with config.json, tokenizer.json and model.safetensors. "
        f"Mend: {mend}."
    )
