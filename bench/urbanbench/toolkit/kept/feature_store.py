"""Features of frozen encoders on disk, by the content of everything they depend on."""

from __future__ import annotations

import hashlib
import inspect
import time
import uuid
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from urbanbench.atomic import read_through, remove_leftovers, replacing, spared
from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.home import cache_root
from urbanbench.locks import locked
from urbanbench.toolkit.kept.reading import seconds_of, was_made, was_read
from urbanbench.toolkit.kept.versions import learned_versions

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "cached_features",
    "encoder_digest",
    "feature_code",
    "has_features",
    "shapes_digest",
    "texts_digest",
]

_VERSION = 1
"""Raised when features of the same encoder and inputs change though neither code nor packages do."""

_COMPUTED_BY = (
    "texts/text_encoders",
    "texts/_text_nets",
    "pictures/image_encoders",
    "pictures/_image_nets",
    "pictures/_inception",
    "pictures/table",
    "shapes/polygon",
)
"""Files of the toolkit that make tokens, pixels and features."""

_GUARDED = {"builtins", "torch", "transformers", "urbanbench"}
"""Packages whose code and version keys have already."""

_UNFILED: WeakKeyDictionary[type, str] = WeakKeyDictionary()
"""Names of classes without a file, such as those of a notebook: nobody else has their features."""


def cached_features(
    kind: str, encoder: str, inputs_digest: str, compute: Callable[[], np.ndarray]
) -> np.ndarray:
    """Return features from ``<cache>/features``, or compute and keep them.

    A table comes back as the same bits whether it was read or computed. Another process that wants the same features waits for the
    first one. A file that is damaged is computed again.

    Parameters
    ----------
    kind
        What is encoded, in a word such as "text"; part of the key.
    encoder
        What `encoder_digest` gave.
    inputs_digest
        Hash of the inputs in order and of how they are prepared.
    compute
        Gives float32 (n, dim).
    """
    path = _path(kind, encoder, inputs_digest)
    with locked(path.with_suffix(".lock"), needed=False):
        found = _read(path, kind)
        if found is None:
            start = time.perf_counter()
            found = np.ascontiguousarray(compute(), dtype=np.float32)
            with spared("Features are not kept"):
                _write(path, found, kind, time.perf_counter() - start)
    return found


def has_features(kind: str, encoder: str, inputs_digest: str) -> bool:
    """Tell whether there is a file with these features."""
    return _path(kind, encoder, inputs_digest).is_file()


def encoder_digest(encoder: nn.Module, device: str) -> str:
    """Hash all that decides an encoder's features besides its inputs: weights, settings, tokenizer, torch's version, kind of device, own classes' code."""
    import torch

    total = hashlib.blake2b(digest_size=16)
    for name, one in sorted(encoder.state_dict().items()):
        array = one.detach().cpu().contiguous()
        total.update(f"{name}{array.dtype}{tuple(array.shape)}".encode())
        total.update(array.flatten().view(torch.uint8).numpy())
    settings = {
        "class": type(encoder).__name__,
        "weights": total.hexdigest(),
        "plain": {
            name: _plain(one) for name, one in vars(encoder).items() if name[0] != "_" and name != "training"
        },
        "statistics": [_plain(getattr(encoder, name, None)) for name in ("mean", "std")],
        "config": _config(getattr(encoder, "model", None)),
        "tokenizer": _tokenizer(getattr(encoder, "tokenizer", None)),
        "torch": torch.__version__,
        "device": torch.device(device).type,
    }
    own = [one for one in type(encoder).__mro__ if one.__module__.partition(".")[0] not in _GUARDED]
    return value_digest(settings | ({"code": [_code_of(one) for one in own]} if own else {}))


def _code_of(encoder: type) -> str:
    """Hash the file of a class; one without a file has a name of its own for as long as it lives."""
    try:
        file = Path(inspect.getfile(encoder))
    except (TypeError, OSError):
        file = None
    if file is None or not file.is_file():
        return _UNFILED.setdefault(encoder, uuid.uuid4().hex)
    return code_digest(file)


def texts_digest(texts: Sequence[str]) -> str:
    """Hash texts and their order."""
    return value_digest(list(texts))


def shapes_digest(polygons: np.ndarray, size: int) -> str:
    """Hash Shapely geometries (p,), their order, and how many pixels per side they are drawn with."""
    import shapely

    outlines = shapely.to_wkb(polygons, byte_order=1, flavor="iso")
    return value_digest([size, [hashlib.blake2b(one, digest_size=16).hexdigest() for one in outlines]])


def _path(kind: str, encoder: str, inputs_digest: str) -> Path:
    parts = {
        "version": _VERSION,
        "code": feature_code(),
        "packages": learned_versions(),
        "kind": kind,
        "encoder": encoder,
        "inputs": inputs_digest,
    }
    return cache_root() / "features" / f"{value_digest(parts)}.safetensors"


@cache
def feature_code() -> str:
    """Hash the code that makes tokens, pixels and features, as it was when this process first asked."""
    from urbanbench.city import pictures

    toolkit = Path(__file__).parents[1]
    return code_digest(*(toolkit / f"{name}.py" for name in _COMPUTED_BY), Path(pictures.__file__))


def _read(path: Path, kind: str) -> np.ndarray | None:
    """Return a whole table, or None."""
    from safetensors import SafetensorError, safe_open

    try:
        read_through(path)
        with safe_open(path, framework="numpy") as file:
            features, told = file.get_tensor("features"), file.metadata() or {}
    except (OSError, ValueError, SafetensorError):
        return None
    if array_digest(features) != told.get("digest"):
        return None
    was_read(path.stem, f"features: {kind}", seconds_of(told.get("seconds")))
    return np.array(features)


def _write(path: Path, features: np.ndarray, kind: str, seconds: float) -> None:
    from safetensors.numpy import save_file

    remove_leftovers(path)
    told = {"kind": kind, "digest": array_digest(features), "seconds": f"{seconds:.3f}"}
    with replacing(path, size=features.nbytes) as part:
        save_file({"features": features}, part, metadata=told)
    was_made(path.stem)


def _plain(value: object) -> object:
    """Return a setting that can be hashed; modules and other objects count by their own parts of the digest."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__


def _config(model: object) -> str:
    config = getattr(model, "config", None)
    return "" if config is None else str(config.to_json_string())


def _tokenizer(tokenizer: object) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        return str(backend.to_str())
    return "" if tokenizer is None else value_digest(sorted(tokenizer.get_vocab().items()))  # type: ignore[attr-defined]
