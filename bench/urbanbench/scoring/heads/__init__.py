"""Heads: small supervised models that turn frozen vectors into predictions; one file each, loaded by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from urbanbench.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from urbanbench.scoring.heads.contract import Head

__all__ = ["HEADS", "HeadInfo", "get_head"]


@dataclass(frozen=True)
class HeadInfo:
    """Name card of a head.

    Parameters
    ----------
    name
        Name on the command line.
    title
        Name in tables.
    summary
        One line.
    target
        "module:Class", imported when the head is asked for.
    version
        Raised whenever the same vectors, targets, split and seed give other predictions; results of an earlier version are computed
        again. `select` fits other heads: when one of those rises, it does too.
    of_a_floor
        Whether it is the whole of a floor (`mean`, `spatial-lag`) and not a reader of vectors that one may choose.
    """

    name: str
    title: str
    summary: str
    target: str
    version: int = 1
    of_a_floor: bool = False


_HERE = "urbanbench.scoring.heads"
HEADS: dict[str, HeadInfo] = {
    info.name: info
    for info in (
        HeadInfo(
            "mlp",
            "MLP",
            "Perceptron 256-128 with early stopping; all seeds trained at once.",
            f"{_HERE}.mlp:MlpHead",
            version=2,
        ),
        HeadInfo(
            "ridge",
            "Ridge",
            "Ridge regression, for classes a ridge classifier; penalty chosen inside train.",
            f"{_HERE}.ridge:RidgeHead",
        ),
        HeadInfo(
            "lightgbm",
            "LightGBM",
            "Boosted trees, stopped early on validation.",
            f"{_HERE}.lightgbm_head:LightgbmHead",
        ),
        HeadInfo("rf", "Random forest", "Random forest of 100 trees.", f"{_HERE}.forest:ForestHead"),
        HeadInfo(
            "knn",
            "kNN",
            "Distance-weighted nearest training units, k chosen on validation.",
            f"{_HERE}.knn:KnnHead",
            of_a_floor=True,
        ),
        HeadInfo(
            "mean",
            "Mean",
            "Training mean, most frequent class or mean shares; ignores the vectors.",
            f"{_HERE}.mean:MeanHead",
            of_a_floor=True,
        ),
        HeadInfo(
            "select",
            "Best head",
            "Best of mlp, ridge, lightgbm and rf by validation score, per seed.",
            f"{_HERE}.select:SelectHead",
            version=2,
        ),
    )
}


def get_head(name: str, **params: Any) -> Head:
    """Build a head by name.

    Parameters
    ----------
    name
        A key of `HEADS`.
    params
        Fields of the head's dataclass.

    Raises
    ------
    UnknownName
        No head of this name.
    BadInput
        A parameter the head does not have.
    """
    if name not in HEADS:
        raise UnknownName(kind="head", name=name, known=HEADS)
    module, _, attribute = HEADS[name].target.partition(":")
    cls = getattr(importlib.import_module(module), attribute)
    known = sorted(cls.__dataclass_fields__)
    strange = sorted(set(params) - set(known))
    if strange:
        msg = f"Head {name!r} has no parameter {strange[0]!r}. Its parameters: {', '.join(known) or 'none'}."
        raise BadInput(msg)
    return cast("Head", cls(**params))
