"""Where things are computed."""

from __future__ import annotations

from urbanbench.errors import BadInput

__all__ = ["chosen_device"]


def chosen_device(word: str, option: str = "device") -> str:
    """Return "cpu" or "cuda"; "auto" takes the GPU when torch sees one.

    Parameters
    ----------
    word
        "auto", "cpu" or "cuda".
    option
        What the word was given as, for messages.

    Raises
    ------
    BadInput
        Another word, or "cuda" without a GPU.
    """
    if word not in {"auto", "cpu", "cuda"}:
        msg = f"{option} got {word!r}. Expected auto, cpu or cuda."
        raise BadInput(msg)
    if word == "cpu":
        return word
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if word == "cuda":
        msg = f"{option} got 'cuda', and torch sees no GPU. Expected a CUDA device and a CUDA build of torch. Use cpu, or see `urbanbench doctor`."
        raise BadInput(msg)
    return "cpu"
