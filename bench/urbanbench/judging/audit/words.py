"""What names in tables mean: metrics with their bounds, and columns by the words in their heads."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ROLES", "Meaning", "MetricName", "family", "meaning", "plain", "read_metric", "role_of"]


@dataclass(frozen=True)
class Meaning:
    """What is known of a metric.

    Parameters
    ----------
    title
        As it is written.
    higher
        Whether higher is better; None where that is not known.
    low, high
        Bounds that no data can pass, on the scale where 1 is all; None where there is none.
    follows_unit
        Whether it carries the label's unit.
    """

    title: str
    higher: bool | None = None
    low: float | None = None
    high: float | None = None
    follows_unit: bool = False


_SHARE = (True, 0.0, 1.0)
_CORRELATION = (True, -1.0, 1.0)
_ERROR = (False, 0.0, None, True)
MEANINGS: dict[str, Meaning] = {
    "rmse": Meaning("RMSE", *_ERROR), "mae": Meaning("MAE", *_ERROR), "mse": Meaning("MSE", *_ERROR),
    "r2": Meaning("R²", True, None, 1.0), "r2_log": Meaning("R² (log)", True, None, 1.0),
    "mape": Meaning("MAPE", False, 0.0), "l1": Meaning("L1", False, 0.0), "kl": Meaning("KL", False, 0.0),
    "f1": Meaning("F1", *_SHARE), "f1_macro": Meaning("macro F1", *_SHARE), "f1_weighted": Meaning("weighted F1", *_SHARE),
    "f1_micro": Meaning("micro F1", *_SHARE), "accuracy": Meaning("accuracy", *_SHARE), "precision": Meaning("precision", *_SHARE),
    "recall": Meaning("recall", *_SHARE), "auc": Meaning("AUC", *_SHARE), "iou": Meaning("IoU", *_SHARE), "mrr": Meaning("MRR", *_SHARE),
    "ndcg": Meaning("nDCG", *_SHARE), "hits": Meaning("hits", *_SHARE),
    "cosine": Meaning("cosine", *_CORRELATION), "pearson": Meaning("Pearson", *_CORRELATION),
    "spearman": Meaning("Spearman", *_CORRELATION), "kendall": Meaning("Kendall", *_CORRELATION),
}  # fmt: skip

_METRIC_WORDS = (
    ("rmse", r"rmse|rmsd|root mean square(?:d)? error"), ("mape", r"mape"), ("mae", r"mae|mean absolute error"),
    ("mse", r"mse|mean squared error"), ("r2_log", r"r2 log|log r2"), ("r2", r"r2|r squared|rsquared|coefficient of determination"),
    ("f1_macro", r"macro f1|f1 macro|macrof1|f1 score macro"), ("f1_weighted", r"weighted f1|f1 weighted"),
    ("f1_micro", r"micro f1|f1 micro|microf1"), ("f1", r"f1 score|f1"), ("accuracy", r"top 1 acc(?:uracy)?|top 1|accuracy|acc|oa"),
    ("precision", r"precision"), ("recall", r"recall"), ("auc", r"auroc|auc|roc auc"), ("iou", r"miou|iou|jaccard"), ("mrr", r"mrr"),
    ("ndcg", r"ndcg"), ("hits", r"hits|hit rate"), ("l1", r"l1"), ("kl", r"kl divergence|kl"), ("cosine", r"cosine(?: similarity)?"),
    ("pearson", r"pearson(?: r)?|pcc"), ("spearman", r"spearman(?: rho)?"), ("kendall", r"kendall(?: tau)?"),
)  # fmt: skip
_METRICS = tuple((name, re.compile(rf"\b(?:{words})\b")) for name, words in _METRIC_WORDS)
_SD = re.compile(r"\b(?:sd|std|stdev|stddev|std dev|standard deviation|st dev|plusminus)\b|±")
_RANK = re.compile(r"\branks?\b")
_KINDS = {"macro", "micro", "weighted", "log"}
_FILLERS = re.compile(r"\b(?:mean|avg|average|value|score|test)\b")

ROLES: dict[str, tuple[str, ...]] = {
    "model": ("model", "method", "approach", "algorithm", "encoder", "embedding", "representation", "baseline", "system", "backbone", "models", "methods"),
    "city": ("city", "cities", "place", "area", "town", "location", "study area"),
    "task": ("task", "target", "label", "problem", "variable", "dataset", "benchmark"),
    "test": ("table", "split", "protocol", "cv", "validation", "fold", "block size m"),
    "setting": ("setting", "variant", "config", "configuration", "inputs", "input", "modality", "modalities", "head", "probe", "preset", "parameters",
                "classifier", "regressor", "model seed", "features", "ablation"),
    "metric": ("metric", "measure", "metric name"),
    "mean": ("mean", "value", "score", "result", "avg", "average"),
    "sd": ("sd", "std", "stdev", "stddev", "std dev", "standard deviation", "plusminus"),
    "unit": ("unit", "units"),
    "data": ("data version", "data digest", "dataset revision", "dataset version", "targets digest", "revision", "data date", "task version",
             "label version"),
    "units": ("n units", "n samples", "samples", "n regions", "n test", "test units", "n"),
    "repeats": ("n seeds", "repeats", "runs", "n runs", "n repeats", "seeds", "n splits"),
    "values": ("values", "per seed", "per run"),
    "floor": ("kind", "floor", "is floor", "trivial"),
    "splits": ("split digest",),
    "vectors": ("embedding digest",),
    "rank": ("rank", "ranking"),
    "task_kind": ("task kind",),
    "ignored": ("source", "note", "notes", "remark", "remarks", "citation", "reference", "url", "link", "comment", "comments"),
}  # fmt: skip
"""Role of a column to heads that tell it, small letters, blanks for all other signs."""


@dataclass(frozen=True)
class MetricName:
    """What a metric's name or a column's head says.

    Parameters
    ----------
    name
        The metric in our spelling, ``f1[<class>]`` for one class.
    rest
        What the head says besides: a city, mostly.
    unit
        What stands in brackets and is no class: "km", "%".
    sd, rank
        Whether the column has the metric's spread, or ranks by it.
    """

    name: str
    rest: str = ""
    unit: str = ""
    sd: bool = False
    rank: bool = False


def plain(text: str) -> str:
    """Return words in small letters, one blank between them.

    Examples
    --------
    >>> plain("R² (log)"), plain("n_seeds")
    ('r2 log', 'n seeds')
    """
    text = text.casefold().replace("²", "2").replace("^2", "2").replace("±", " plusminus ")
    return re.sub(r"[^\w]+|_+", " ", text).strip()


def family(metric: str) -> str:
    """Return a metric without its class.

    Examples
    --------
    >>> family("f1[Residential]"), family("rmse")
    ('f1', 'rmse')
    """
    return metric.partition("[")[0]


def meaning(metric: str) -> Meaning:
    """Return what is known of a metric; of an unknown one its name."""
    known = MEANINGS.get(family(metric))
    if known is None:
        return Meaning(metric)
    inner = metric.partition("[")[2].rstrip("]")
    return Meaning(f"{known.title} {inner}", known.higher, known.low, known.high) if inner else known


def read_metric(text: str) -> MetricName | None:
    """Read a metric's name; None where no known metric is named.

    Examples
    --------
    >>> read_metric("Singapore RMSE (km)").name, read_metric("Singapore RMSE (km)").rest, read_metric("F1[Civic]").name
    ('rmse', 'Singapore', 'f1[Civic]')
    """
    inner = re.search(r"\[([^]]*)\]", text)
    outside, unit, sd = _brackets(re.sub(r"\[[^]]*\]", " ", text))
    words = plain(outside)
    for name, pattern in _METRICS:
        if found := pattern.search(words):
            said = words[: found.start()] + " " + words[found.end() :]
            rest = _FILLERS.sub(" ", _SD.sub(" ", _RANK.sub(" ", said)))
            full = f"{name}[{inner[1]}]" if inner and name == "f1" else name
            return MetricName(
                full, _as_written(text, rest), unit, sd or bool(_SD.search(said)), bool(_RANK.search(said))
            )
    return None


def _brackets(text: str) -> tuple[str, str, bool]:
    """Return a head without brackets that hold a unit or tell a spread, the unit, and whether they tell a spread."""
    bracket = re.search(r"\(([^)]*)\)", text)
    inside = plain(bracket[1]) if bracket else ""
    if bracket is None or inside in _KINDS or any(pattern.search(inside) for _, pattern in _METRICS):
        return text, "", False
    outside = text.replace(bracket[0], " ")
    if _SD.search(inside):
        return outside, "", True
    return outside, bracket[1].strip() if inside or "%" in bracket[1] else "", False


def _as_written(text: str, rest: str) -> str:
    """Return words with the capitals they have in a text."""
    known = {plain(word): word for word in re.split(r"[\s_/|:,.()\[\]-]+", text)}
    return " ".join(known.get(word, word) for word in rest.split())


def role_of(head: str) -> str | None:
    """Return the role that a column's head tells; None where it tells none.

    Examples
    --------
    >>> role_of("Method"), role_of("n_seeds"), role_of("remarks")
    ('model', 'repeats', None)
    """
    words = plain(head)
    for role, heads in ROLES.items():
        if words in heads:
            return role
    last = words.split()[-2:]
    return next(
        (role for role in ("model", "city", "task") if set(last) & set(ROLES[role]) and "name" in last), None
    )
