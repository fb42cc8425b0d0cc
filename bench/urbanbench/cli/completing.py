"""What Tab offers behind an option: names that are known without opening a city or importing a model.

A list is completed behind its last comma. Nothing heavy is imported: a shell waits for the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = [
    "EXPERIMENTS",
    "METRICS",
    "PROTOCOLS",
    "RUNGS",
    "anything",
    "cities",
    "devices",
    "experiments",
    "formats",
    "heads",
    "inputs",
    "lists",
    "metrics",
    "models",
    "plots",
    "presets",
    "probes",
    "protocols",
    "splits",
    "tasks",
]

RUNGS = ("random", "block", "buffered", "knndm", "group:", "city-out", "ladder")
METRICS = (
    "rmse",
    "mae",
    "r2",
    "r2_log",
    "f1_macro",
    "f1_weighted",
    "accuracy",
    "l1",
    "kl",
    "cosine",
    "hit@1",
    "hit@3",
    "hit@5",
    "hit@10",
    "mrr",
    "hit@1/100",
    "hit@3/100",
    "hit@5/100",
    "hit@10/100",
    "mrr/100",
    "within_100m",
    "within_500m",
    "within_1km",
    "median_error_m",
)
PROTOCOLS = (
    "default",
    "paper:hgi",
    "paper:cityfm",
    "paper:urbanmfm",
    "paper:regiondcl",
    "paper:mvure",
    "paper:mvure-code",
)
EXPERIMENTS = (
    "ablation",
    "attribution",
    "case1",
    "case2",
    "cities",
    "figure4",
    "figure5",
    "full",
    "granularity",
    "ladder",
    "leaned",
    "protocols",
    "readouts",
    "table3",
    "table4",
    "table5",
    "table6",
    "table7",
    "table8",
    "transfer",
    "uge",
    "unified",
)
"""Names whose registries import NumPy: written here too, and held against them by a test."""
_LISTS = (
    "models",
    "tasks",
    "cities",
    "protocols",
    "splits",
    "heads",
    "probes",
    "inputs",
    "metrics",
    "experiments",
)
_GROUPS = ("floors", "attribution", "learned", "all")

Completer = Callable[[str], list[str]]


def _offered(known: Iterable[str], incomplete: str) -> list[str]:
    """Return the names that begin so; of a list its last part is completed, and what stands there already is not offered again."""
    before, comma, last = incomplete.rpartition(",")
    there = set(before.split(","))
    return [f"{before}{comma}{name}" for name in known if name.startswith(last) and name not in there]


def models(incomplete: str) -> list[str]:
    """Offer models, and words for several."""
    from urbanbench.registry import names

    return _offered([*names("model"), *_GROUPS], incomplete)


def tasks(incomplete: str) -> list[str]:
    """Offer tasks."""
    from urbanbench.registry import names

    return _offered([*names("task"), "label:"], incomplete)


def cities(incomplete: str) -> list[str]:
    """Offer built-in cities and those in the folders of URBANBENCH_DATA."""
    from urbanbench.registry import city_names

    return _offered(city_names(), incomplete)


def heads(incomplete: str) -> list[str]:
    """Offer heads."""
    from urbanbench.scoring.heads import HEADS

    return _offered(HEADS, incomplete)


def probes(incomplete: str) -> list[str]:
    """Offer probes."""
    from urbanbench.scoring.probes.catalogue import PROBES

    return _offered([*PROBES, "all"], incomplete)


def inputs(incomplete: str) -> list[str]:
    """Offer inputs."""
    from urbanbench.inputs import FULL, INPUTS

    return _offered([FULL, *INPUTS], incomplete)


def splits(incomplete: str) -> list[str]:
    """Offer rungs of the split ladder."""
    return _offered(RUNGS, incomplete)


def metrics(incomplete: str) -> list[str]:
    """Offer metrics."""
    return _offered(METRICS, incomplete)


def protocols(incomplete: str) -> list[str]:
    """Offer protocols."""
    return _offered(PROTOCOLS, incomplete)


def experiments(incomplete: str) -> list[str]:
    """Offer experiments."""
    return _offered(EXPERIMENTS, incomplete)


def plots(incomplete: str) -> list[str]:
    """Offer what `urbanbench plot` draws."""
    from urbanbench.plots.catalogue import PLOTS

    return _offered([*PLOTS, *EXPERIMENTS], incomplete)


def lists(incomplete: str) -> list[str]:
    """Offer what `urbanbench list` lists."""
    return _offered(_LISTS, incomplete)


def presets(incomplete: str) -> list[str]:
    """Offer the presets learned models have."""
    return _offered(("small", "paper", "quick"), incomplete)


def devices(incomplete: str) -> list[str]:
    """Offer devices."""
    return _offered(("auto", "cpu", "cuda"), incomplete)


def formats(incomplete: str) -> list[str]:
    """Offer formats of tables."""
    return _offered(("text", "md", "csv", "tex", "html"), incomplete)


def anything(incomplete: str) -> list[str]:
    """Offer every name `urbanbench describe` knows."""
    every = (models, tasks, cities, protocols, splits, heads, probes, inputs, metrics)
    return list(dict.fromkeys(name for offer in every for name in offer(incomplete)))
