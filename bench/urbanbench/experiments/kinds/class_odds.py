"""How sure a head is of each class, for units it did not train on: probabilities where it gives them, else votes over seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.atomic import replacing
from urbanbench.errors import BadInput
from urbanbench.scoring.features import Features
from urbanbench.scoring.heads import get_head
from urbanbench.scoring.splits import make_splits
from urbanbench.store import ResultStore

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.result import Cell, RunResult
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets
    from urbanbench.space import EmbeddingSpace

__all__ = ["SOFT_HEADS", "class_odds", "has_odds", "load_odds", "save_odds", "votes"]

SOFT_HEADS = frozenset({"mlp"})
"""Heads for which a class and its share 1 are the same target: their shares are then the probabilities behind their classes."""
_MADE_FROM = b"made_from"


def class_odds(
    space: EmbeddingSpace, targets: Targets, protocol: Protocol, *, device: str = "cpu"
) -> pd.DataFrame:
    """Fit the head as an evaluation does and return the probabilities it decides by.

    The head is given each unit's class as shares, 1 for its own. The perceptron fits both by the same softmax and cross entropy from
    the same weights and rows, so the class with the largest probability is the one the evaluation predicts.

    Parameters
    ----------
    space
        A row for every labelled unit.
    targets
        Classes of the units.
    protocol
        Split, head and seeds.
    device
        "cpu" or "cuda".

    Returns
    -------
    DataFrame
        One row per seed and test unit: seed, unit_id, true, then one column per class, adding up to 1.

    Raises
    ------
    BadInput
        Targets that are no classes, or a head that gives no probabilities.
    """
    if targets.kind != "classification" or protocol.head not in SOFT_HEADS:
        msg = f"Head {protocol.head!r} has no class probabilities for a {targets.kind}. Expected classes and one of: {', '.join(sorted(SOFT_HEADS))}."
        raise BadInput(msg)
    import pandas as pd

    aligned = space.take(targets.ids.tolist())
    features = Features(aligned.vectors, np.asarray(aligned.covered, dtype=bool))
    splits = make_splits(targets, protocol)  # stratified by class, so made before classes become shares
    shares = np.eye(len(targets.classes))[targets.codes]
    soft = replace(targets, kind="composition", values=shares)
    outputs = get_head(protocol.head).fit_predict(features, soft, splits, seeds=protocol.seeds, device=device)
    rows = np.concatenate([split.test for split in splits])
    frame = pd.DataFrame({"seed": np.repeat(protocol.seeds, [len(split.test) for split in splits])})
    names = np.array(targets.classes, dtype=object)
    frame["unit_id"], frame["true"] = targets.ids[rows].astype(object), names[targets.codes[rows]]
    found = np.concatenate([output.predicted_test for output in outputs])
    return frame.join(pd.DataFrame(found, columns=list(targets.classes)))


def votes(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return predicted classes in the form of `class_odds`: 1 for the class predicted, 0 for the others.

    Parameters
    ----------
    predictions
        Columns seed, unit_id, true, predicted.
    """
    import pandas as pd

    classes = sorted(set(predictions["true"]) | set(predictions["predicted"]))
    chosen = {name: (predictions["predicted"] == name).astype(float) for name in classes}
    return predictions[["seed", "unit_id", "true"]].assign(**pd.DataFrame(chosen))


def save_odds(folder: Path, cell: Cell, odds: pd.DataFrame, made_from: tuple[str, str]) -> None:
    """Keep probabilities beside the predictions of a results folder; `made_from` are the digests of vectors and targets."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(odds, preserve_index=False)
    table = table.replace_schema_metadata({_MADE_FROM: _said(made_from)})
    with replacing(_path(folder, cell)) as part:
        pq.write_table(table, part, compression="zstd")


def has_odds(folder: Path, cell: Cell, made_from: tuple[str, str]) -> bool:
    """Whether there are probabilities of a cell from these vectors and targets."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_schema(_path(folder, cell)).metadata or {}
    except (OSError, pa.ArrowException):
        return False
    return bool(found.get(_MADE_FROM) == _said(made_from))


def load_odds(folder: Path, result: RunResult) -> pd.DataFrame | None:
    """Return the probabilities behind a result; None where there are none from the same vectors and targets."""
    import pyarrow.parquet as pq

    embedding, targets = (
        str(result.provenance.get(name, "")) for name in ("embedding_digest", "targets_digest")
    )
    if not has_odds(folder, result.cell, (embedding, targets)):
        return None
    frame: pd.DataFrame = pq.read_table(_path(folder, result.cell)).to_pandas()
    return frame


def _said(made_from: tuple[str, str]) -> bytes:
    return " ".join(made_from).encode()


def _path(folder: Path, cell: Cell) -> Path:
    predictions = ResultStore(folder).predictions_of(cell)
    return predictions.with_suffix(".classes.parquet")
