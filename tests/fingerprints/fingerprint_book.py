"""A fingerprint: a few coarse numbers of what something computes, kept beside the version it was computed under."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RECORDED = Path(__file__).with_name("recorded")
COMMAND = "python tests/fingerprints --write"
_DIRECTIONS = 6
_DIGITS = 5

Numbers = Mapping[str, Mapping[str, float]]
"""Part of what is computed, for example "small · region", to name and number; `scale` says what a difference is measured by."""


@dataclass(frozen=True)
class Fingerprint:
    """What is computed, and how its version is raised.

    Parameters
    ----------
    kind, name
        "model" and "hgi": the file of `recorded` and the key in it.
    version
        Its version in the code.
    raised_in
        Where the version stands, for a developer.
    make
        Computes the numbers.
    tolerance
        Largest difference that platforms may make, in units of a part's `scale`.
    """

    kind: str
    name: str
    version: int
    raised_in: str
    make: Callable[[], Numbers]
    tolerance: float


def summary(array: np.ndarray) -> dict[str, float]:
    """Sum an array (n, k) or (n,) up: sizes, mean, root mean square, and sums against fixed waves, which see order and sign.

    A sum against a wave is scaled so that it is about as large as a single value, and a change of all values by a share moves it by that.
    """
    matrix = np.atleast_2d(np.asarray(array, dtype=np.float64).T).T
    rows, columns = np.indices(matrix.shape)
    rms = float(np.sqrt(np.mean(matrix**2)))
    told = {"rows": len(matrix), "columns": matrix.shape[1], "mean": float(matrix.mean()), "scale": rms}
    for k in range(1, _DIRECTIONS + 1):
        wave = np.cos(0.7 * k + rows * (0.61 * k) + columns * (1.17 + 0.29 * k))
        told[f"wave {k}"] = float((matrix * wave).sum() / np.sqrt(matrix.size))
    return told


def text_code(words: Iterable[object]) -> float:
    """Return a number for a sequence of words: equal for equal ones."""
    return float(zlib.crc32("\x1f".join(map(str, words)).encode()))


def recorded(kind: str) -> dict[str, dict]:
    """Read the fingerprints of a kind: name to version and numbers."""
    file = RECORDED / f"{kind}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def complaint(one: Fingerprint) -> str:
    """Compute a fingerprint and return what is wrong with it, or ""."""
    kept = recorded(one.kind).get(one.name)
    if kept is None:
        return f"{one.kind} {one.name!r} has no fingerprint. Write it with `{COMMAND}` and commit it."
    if kept["version"] != one.version:
        return (
            f"{one.kind} {one.name!r} has version {one.version}, its fingerprint is of version {kept['version']}. "
            f"Write the new one with `{COMMAND}` and commit it."
        )
    wrong = differences(kept["numbers"], one.make(), one.tolerance)
    if not wrong:
        return ""
    return (
        f"{one.kind} {one.name!r} gives other numbers than version {one.version} recorded ({'; '.join(wrong[:4])}). "
        f"If that is meant, raise {one.raised_in}, write the new fingerprint with `{COMMAND}`, and say in CHANGELOG under Scores why."
    )


def differences(kept: Numbers, now: Numbers, tolerance: float) -> list[str]:
    """Return the numbers that differ by more than a share of their part's scale; parts that are new or gone, too."""
    wrong = [f"{part}: {'gone' if part in kept else 'new'}" for part in sorted({*kept} ^ {*now})]
    for part in sorted({*kept} & {*now}):
        old, new = kept[part], now[part]
        allowed = tolerance * (abs(old.get("scale", 1.0)) or 1.0)
        for name in sorted({*old, *new}):
            before, after = old.get(name, np.nan), new.get(name, np.nan)
            if not abs(before - after) <= allowed + 10.0**-_DIGITS * abs(before):
                wrong.append(f"{part}, {name}: {before:.5g} recorded, {after:.5g} now")
    return wrong


def write(fingerprints: Iterable[Fingerprint]) -> tuple[list[str], list[str]]:
    """Write fingerprints that are new or whose version was raised; return the names written, and complaints about the others."""
    written, refused = [], []
    for one in fingerprints:
        book = recorded(one.kind)
        kept = book.get(one.name)
        if kept is not None and kept["version"] == one.version:
            refused += [said] if (said := complaint(one)) else []
            continue
        book[one.name] = {"version": one.version, "numbers": _rounded(one.make())}
        text = json.dumps(dict(sorted(book.items())), indent=1, ensure_ascii=False)
        RECORDED.mkdir(exist_ok=True)
        (RECORDED / f"{one.kind}.json").write_text(text + "\n", encoding="utf-8")
        written.append(f"{one.kind} {one.name} {one.version}")
    return written, refused


def _rounded(numbers: Numbers) -> dict[str, dict[str, float]]:
    """Round to digits that platforms share; codes of texts and counts stay whole."""
    return {
        part: {
            name: value if float(value).is_integer() else _significant(value) for name, value in told.items()
        }
        for part, told in numbers.items()
    }


def _significant(value: float) -> float:
    return float(f"{value:.{_DIGITS + 1}g}")
