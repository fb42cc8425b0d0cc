"""Targets: the labels of a task's units with all that a fair split needs, checked once at the door."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from urbanbench.errors import BadInput, quoted
from urbanbench.hashing import array_digest, value_digest
from urbanbench.units import LEVELS

__all__ = ["KINDS", "Targets"]

KINDS = ("regression", "classification", "composition")
_SHARE_TOLERANCE = 1e-3
_BY_ROW = ("ids", "values", "xy", "groups", "parcels", "support")


@dataclass(frozen=True, eq=False)
class Targets:
    """Known labels of a task's units in one city.

    Arrays are copied and made read-only.

    Parameters
    ----------
    ids
        Unit ids (n,), unique.
    level
        What the units are: "region", "building", or another of `urbanbench.units.LEVELS`.
    kind
        "regression", "classification" or "composition".
    values
        float64 (n,) in `unit`; or class names (n,); or shares float64 (n, k) that add up to 1 in each row.
    classes
        Class names, sorted; for a composition the names of the k columns; empty for a regression.
    unit
        Unit of the values, for example "thousand persons per km2".
    xy
        Positions float64 (n, 2), (easting, northing) in metres.
    groups
        Coarse area of each unit (n,), for the group split.
    parcels
        Fine area of each unit (n,) that no split may cut, for example the parcel a building stands on.
    support
        Count behind each label (n,): persons, sales; not used for fitting.
    domain
        Places (m, 2) where the label is to be predicted, (easting, northing) in metres; for the split `knndm`.
    log1p_scale
        None: heads model the value itself. s: heads model ``log1p(value * s)``, for skewed non-negative values.
    report_log_scale
        Scale s of the extra metric r2_log, the R² of ``log1p(value * s)``.

    Raises
    ------
    BadInput
        Lengths that differ, unknown kind or level, repeated ids, NaN or infinite values, shares that do not add up
        to 1 within 1e-3, a class that is not listed, missing groups or parcels, a domain of another shape, negative values that should be modelled on a log scale.
    """

    ids: np.ndarray
    level: str
    kind: str
    values: np.ndarray
    classes: tuple[str, ...]
    unit: str
    xy: np.ndarray
    groups: np.ndarray | None = None
    parcels: np.ndarray | None = None
    support: np.ndarray | None = None
    log1p_scale: float | None = None
    report_log_scale: float = 1.0
    domain: np.ndarray | None = None

    def __post_init__(self) -> None:
        _check_word("kind", self.kind, KINDS)
        _check_word("level", self.level, LEVELS)
        self._freeze("ids", np.array(self.ids, dtype=np.str_))
        self._freeze("xy", np.array(self.xy, dtype=np.float64))
        named = self.kind == "classification"
        self._freeze("values", np.array(self.values, dtype=object if named else np.float64))
        object.__setattr__(self, "classes", tuple(self.classes))
        for name in ("groups", "parcels"):
            part = getattr(self, name)
            if part is not None:
                _check_known(name, part)
                self._freeze(name, np.array(part, dtype=np.str_))
        if self.support is not None:
            self._freeze("support", np.array(self.support, dtype=np.float64))
        if self.domain is not None:
            self._freeze("domain", np.array(self.domain, dtype=np.float64))
        _check_units(self)
        _CHECKS[self.kind](self)
        _check_scales(self)

    def __len__(self) -> int:
        return len(self.ids)

    def _freeze(self, name: str, array: np.ndarray) -> None:
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    @property
    def codes(self) -> np.ndarray:
        """Class numbers int64 (n,) into `classes`, for a classification."""
        place = {name: k for k, name in enumerate(self.classes)}
        return np.array([place[name] for name in self.values], dtype=np.int64)

    def digest(self) -> str:
        """Hash of everything that can change a score."""
        words = [
            self.level,
            self.kind,
            list(self.classes),
            self.unit,
            self.log1p_scale,
            self.report_log_scale,
        ]
        optional = [
            np.array([]) if part is None else part for part in (self.groups, self.parcels, self.support)
        ]
        if (
            self.domain is not None
        ):  # as they had no domain, digests of before are still those of targets without
            optional.append(self.domain)
        return value_digest([words, array_digest(self.ids, self.values, self.xy, *optional)])

    def in_order(self) -> Targets:
        """Return the same units sorted by id: whatever is drawn, fitted or tied then does not depend on the order of a file's rows."""
        order = np.argsort(self.ids, kind="stable")
        if np.array_equal(order, np.arange(len(self))):
            return self
        return self.rows(order)

    def rows(self, chosen: np.ndarray) -> Targets:
        """Return some of the units, in the order given: row numbers int64 (m,) or a mask bool (n,).

        Raises
        ------
        BadInput
            No unit is left.
        """
        parts = {name: getattr(self, name) for name in _BY_ROW}
        return replace(self, **{name: part[chosen] for name, part in parts.items() if part is not None})

    def with_values(self, values: np.ndarray) -> Targets:
        """Return the same units with other values."""
        return replace(self, values=values)


def _check_word(name: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        msg = f"Targets have {name} {word!r}. Expected one of: {', '.join(known)}."
        raise BadInput(msg)


def _check_known(name: str, part: np.ndarray) -> None:
    # A missing value is the only one that differs from itself; as text it would join strangers in one area "nan".
    missing = sum(one is None or one != one for one in np.asarray(part).ravel().tolist())  # noqa: PLR0124
    if missing:
        msg = f"Targets have {missing} missing values in {name}. Expected one for every unit. Mend: give lone units an area of their own."
        raise BadInput(msg)


def _check_units(targets: Targets) -> None:
    n = len(targets.ids)
    if targets.ids.ndim != 1 or n == 0:
        msg = f"Targets have ids of shape {targets.ids.shape}. Expected (n,) with at least one unit."
        raise BadInput(msg)
    if len(np.unique(targets.ids)) != n:
        names, counts = np.unique(targets.ids, return_counts=True)
        msg = f"Targets hold {n - len(names)} repeated ids ({quoted(names[counts > 1])}). Expected every unit once. Mend: keep one row of each in the label's table."
        raise BadInput(msg)
    if targets.xy.shape != (n, 2) or not np.isfinite(targets.xy).all():
        msg = f"Targets have xy of shape {targets.xy.shape}. Expected finite (easting, northing) in metres, shape ({n}, 2)."
        raise BadInput(msg)
    domain = targets.domain
    if domain is not None and (
        domain.ndim != 2 or domain.shape[1] != 2 or not len(domain) or not np.isfinite(domain).all()
    ):
        msg = f"Targets have a domain of shape {domain.shape}. Expected finite (easting, northing) in metres, shape (m, 2) with m >= 1."
        raise BadInput(msg)
    for name in ("groups", "parcels", "support"):
        part = getattr(targets, name)
        if part is not None and part.shape != (n,):
            msg = f"Targets have {name} of shape {part.shape}. Expected ({n},), one per unit."
            raise BadInput(msg)


def _check_regression(targets: Targets) -> None:
    if targets.values.shape != (len(targets),) or targets.classes:
        msg = f"Regression targets have values {targets.values.shape} and {len(targets.classes)} classes. Expected ({len(targets)},) and none."
        raise BadInput(msg)
    _check_finite(targets)


def _check_classification(targets: Targets) -> None:
    if targets.values.shape != (len(targets),):
        msg = f"Classification targets have values of shape {targets.values.shape}. Expected ({len(targets)},) class names."
        raise BadInput(msg)
    if list(targets.classes) != sorted(set(targets.classes)) or len(targets.classes) < 2:
        msg = f"Targets have classes {targets.classes}. Expected at least two names, sorted, each once."
        raise BadInput(msg)
    strange = sorted({str(name) for name in targets.values} - set(targets.classes))
    if strange or not all(isinstance(name, str) for name in targets.values):
        msg = f"Targets hold classes that are not listed ({quoted(strange, 5)}). Expected: {', '.join(targets.classes)}. Mend: add them to the label's classes in city.json, or correct the table."
        raise BadInput(msg)


def _check_composition(targets: Targets) -> None:
    shape = (len(targets), len(targets.classes))
    if targets.values.shape != shape or shape[1] < 2:
        msg = f"Composition targets have values {targets.values.shape} and {shape[1]} column names. Expected (n, k) and k >= 2 names."
        raise BadInput(msg)
    _check_finite(targets)
    off = (np.abs(targets.values.sum(axis=1) - 1) > _SHARE_TOLERANCE) | (targets.values < 0).any(axis=1)
    if off.any():
        msg = f"Shares of {int(off.sum())} units do not add up to 1 ({quoted(targets.ids[off])}). Expected shares >= 0 with sum 1 ± 0.001. Mend: divide each row by its sum."
        raise BadInput(msg)


def _check_finite(targets: Targets) -> None:
    bad = ~np.isfinite(targets.values.reshape(len(targets), -1)).all(axis=1)
    if bad.any():
        msg = f"Targets of {int(bad.sum())} units are NaN or infinite ({quoted(targets.ids[bad])}). Expected finite numbers. Mend: leave units without a known value out."
        raise BadInput(msg)


def _check_scales(targets: Targets) -> None:
    scales = [targets.report_log_scale] + ([] if targets.log1p_scale is None else [targets.log1p_scale])
    if any(not np.isfinite(scale) or scale <= 0 for scale in scales):
        msg = f"Targets have log scales {scales}. Expected positive numbers."
        raise BadInput(msg)
    if targets.log1p_scale is None:
        return
    if targets.kind != "regression":
        msg = f"Targets of kind {targets.kind!r} have log1p_scale {targets.log1p_scale}. Expected None: only a regression is modelled on log1p."
        raise BadInput(msg)
    if (targets.values < 0).any():
        below = targets.values < 0
        msg = f"{int(below.sum())} values are negative ({quoted(targets.ids[below])}). Expected values >= 0 for log1p. Mend: log1p_scale=None."
        raise BadInput(msg)


_CHECKS = {
    "regression": _check_regression,
    "classification": _check_classification,
    "composition": _check_composition,
}
