"""Frozen features of pictures on disk, one row for each picture and encoder, so that no picture goes through an encoder twice."""

from __future__ import annotations

import hashlib
import inspect
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.atomic import read_through, remove_leftovers, replacing, spared
from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.home import cache_root
from urbanbench.locks import locked
from urbanbench.toolkit.kept.feature_store import encoder_digest, feature_code
from urbanbench.toolkit.kept.reading import seconds_of, was_made, was_read
from urbanbench.toolkit.kept.versions import learned_versions
from urbanbench.toolkit.pictures.image_encoders import encode_pictures
from urbanbench.toolkit.pictures.table import PictureTable, pictures_at_once

if TYPE_CHECKING:
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder

__all__ = ["has_pictures", "stored_pictures"]

_VERSION = 1
"""Raised when features of the same encoder and pictures change though neither code nor packages do."""

PART = 4096
"""Pictures in one file: what a run that is stopped loses at most, and what is held beside the result."""

_DIGEST = np.dtype([("high", ">u8"), ("low", ">u8")])
"""128 bits that can be sorted."""


def stored_pictures(
    encoder: ImageEncoder, pictures: PictureTable, digests: Sequence[str], *, device: str = "cpu"
) -> np.ndarray:
    """Return features of pictures, each computed once for its content, encoder and size, then read from ``<cache>/features``.

    Pictures of the same bytes share a row, in whatever city and order they come. Every picture goes through the encoder in a batch of
    the same length, so its features do not depend on how many others are missing. Another process that wants features of the same
    encoder waits for the first one. A damaged file is computed again.

    Parameters
    ----------
    encoder
        A frozen image encoder.
    pictures
        The p pictures; its store of pixels, if any, is not used.
    digests
        Hash of each picture's file, 32 hexadecimal digits (p,).
    device
        Where to compute.

    Returns
    -------
    numpy.ndarray
        float32 (p, dim); NaN in the rows of pictures that cannot be opened.
    """
    if not digests:
        return np.empty((0, encoder.dim), dtype=np.float32)
    folder = _folder(encoder, pictures.size, device)
    keys = _keys(digests)
    distinct, first, place = np.unique(keys, return_index=True, return_inverse=True)
    made = np.empty((len(keys), encoder.dim), dtype=np.float32)
    with locked(folder.with_suffix(".lock"), needed=False):
        there = np.zeros(len(distinct), dtype=bool)
        for path in sorted(folder.glob("*.safetensors")):
            _read(path, distinct, first, made, there)
        missing = np.flatnonzero(~there)
        missing = missing[np.argsort(first[missing], kind="stable")]
        for start in range(0, len(missing), PART):
            rows = missing[start : start + PART]
            began = time.perf_counter()
            made[first[rows]] = _encoded(encoder, pictures, first[rows], device)
            with spared("Features of pictures are not kept"):
                _write(folder, distinct[rows], made[first[rows]], time.perf_counter() - began)
    again = np.flatnonzero(first[place] != np.arange(len(keys)))
    made[again] = made[first[place[again]]]
    return made


def has_pictures(encoder: ImageEncoder, size: int, digests: Sequence[str], *, device: str = "cpu") -> bool:
    """Tell whether features of all these pictures are on disk."""
    folder = _folder(encoder, size, device)
    kept = [names for path in folder.glob("*.safetensors") if (names := _names(path)) is not None]
    return bool(np.isin(_keys(digests), np.concatenate(kept)).all()) if kept else not digests


def _keys(digests: Sequence[str]) -> np.ndarray:
    """Return digests, strings of any form, at one length."""
    width = np.dtype(_DIGEST).itemsize
    short = (hashlib.blake2b(one.encode(), digest_size=width).digest() for one in digests)
    return np.frombuffer(b"".join(short), dtype=_DIGEST)


def _names(path: Path) -> np.ndarray | None:
    """Return the digests of the pictures in a file; None where it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return np.asarray(file.get_tensor("pictures").view(_DIGEST).ravel())
    except (OSError, ValueError, SafetensorError):
        return None


def _folder(encoder: ImageEncoder, size: int, device: str) -> Path:
    parts = {
        "version": _VERSION,
        "code": [feature_code(), code_digest(Path(inspect.getfile(type(encoder))))],
        "packages": learned_versions(),
        "encoder": encoder_digest(encoder, device),
        "size": size,
    }
    return cache_root() / "features" / f"pictures-{value_digest(parts)}"


def _encoded(encoder: ImageEncoder, pictures: PictureTable, rows: np.ndarray, device: str) -> np.ndarray:
    step = pictures_at_once(pictures.size, device)
    whole = np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % step)])
    paths = [pictures.paths[row] for row in whole.tolist()]
    table = PictureTable(pictures.open_image, paths, pictures.size, threads=pictures.threads)
    return encode_pictures(encoder, table, device=device, batch=step)[: len(rows)]


def _read(path: Path, distinct: np.ndarray, first: np.ndarray, made: np.ndarray, there: np.ndarray) -> None:
    """Copy the features of a file that are wanted to the first picture that has them; remove a file that is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        read_through(path)
        with safe_open(path, framework="numpy") as file:
            listed = file.get_tensor("pictures")
            names = listed.view(_DIGEST).ravel()
            row = np.searchsorted(distinct, names).clip(max=len(distinct) - 1)
            wanted = distinct[row] == names
            if not wanted.any():
                return
            features, told = file.get_tensor("features"), file.metadata() or {}
    except (OSError, ValueError, SafetensorError):
        path.unlink(missing_ok=True)
        return
    if told.get("digest") != array_digest(listed, features):
        path.unlink(missing_ok=True)
        return
    made[first[row[wanted]]], there[row[wanted]] = features[wanted], True
    whole = seconds_of(told.get("seconds"))
    share = None if whole is None else whole * float(wanted.mean())
    was_read(str(path), f"features: {int(wanted.sum())} pictures", share)


def _write(folder: Path, names: np.ndarray, features: np.ndarray, seconds: float) -> None:
    """Keep a part under a name that follows its pictures; the same ones overwrite a damaged file."""
    from safetensors.numpy import save_file

    listed = np.frombuffer(names.tobytes(), dtype=np.uint8).reshape(len(names), _DIGEST.itemsize)
    path = folder / f"{array_digest(listed)}.safetensors"
    remove_leftovers(path)
    with replacing(path, size=features.nbytes) as part:
        told = {"kind": "picture", "digest": array_digest(listed, features), "seconds": f"{seconds:.3f}"}
        save_file({"pictures": listed, "features": features}, part, metadata=told)
    was_made(str(path))
