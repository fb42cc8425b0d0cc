"""The same question in several cities: every model on all it can use, a column per city and split."""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.matrix import Matrix
from urbanbench.experiments.kinds.paper_rows import FLOOR_ROWS, MODEL_ROWS

__all__ = ["EXPERIMENT"]

EXPERIMENT = Matrix(
    name="cities",
    title="Every model in every city",
    item="none",
    any_model=True,
    question="Is what is best in one city best in another, for neighbours of labelled regions and for districts without labels?",
    across="cities",
    cities=("singapore", "singapore_typed", "new_york", "manhattan", "toyville"),
    heads=("mlp", "select"),
    contenders=(
        *(row for row in MODEL_ROWS if ("with_pe", "true") not in row.settings),
        Contender("frozen ImageNet features", "imagenet-features"),
    ),
    references=(
        *FLOOR_ROWS,
        Contender("spatial-lag", "spatial-lag"),
        Contender("neighbour-counts", "neighbour-counts"),
        Contender("places-counts", "places-counts"),
        Contender("random codes, averaged", "random-codes"),
        Contender("random codes, summed", "random-codes", (("pooling", "sum"),)),
        Contender("text codes, averaged", "text-codes"),
    ),
    notes=(
        "Rows see different inputs: a gap may come from the data as well as from the model.",
        "singapore_typed is Singapore with the kinds of its public-housing blocks; manhattan a part of New York whose buildings have kinds.",
    ),
)
