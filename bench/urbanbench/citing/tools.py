"""Tools and methods behind every table, with the citations their authors ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from urbanbench import __version__
from urbanbench.citing.entry import Entry
from urbanbench.citing.methods import methods_cited
from urbanbench.citing.reading import read_citations
from urbanbench.scoring.splits import rung_name

__all__ = ["TITLE", "encoders_cited", "tools_cited"]

TITLE = "urbanbench: a benchmark suite that compares urban representation models behind one embed interface"
_URL = "https://github.com/urbanbench/urbanbench"

_PACKAGES: Mapping[str, str] = {
    "numpy": "Harris, Millman, van der Walt, Gommers, Virtanen, Cournapeau, et al.: Array programming with NumPy. Nature 585 (2020), doi:10.1038/s41586-020-2649-2",
    "scipy": "Virtanen, Gommers, Oliphant, Haberland, Reddy, Cournapeau, et al.: SciPy 1.0: fundamental algorithms for scientific computing in Python. Nature Methods 17 (2020), doi:10.1038/s41592-019-0686-2",
    "torch": "Paszke, Gross, Massa, Lerer, Bradbury, Chanan, et al.: PyTorch: An Imperative Style, High-Performance Deep Learning Library (NeurIPS 2019), arXiv:1912.01703",
    "torch-geometric": "Fey, Lenssen: Fast Graph Representation Learning with PyTorch Geometric (ICLR Workshop on Representation Learning on Graphs and Manifolds 2019), arXiv:1903.02428",
    "transformers": "Wolf, Debut, Sanh, Chaumond, Delangue, Moi, et al.: Transformers: State-of-the-Art Natural Language Processing (EMNLP System Demonstrations 2020), arXiv:1910.03771",
    "scikit-learn": "Pedregosa, Varoquaux, Gramfort, Michel, Thirion, Grisel, et al.: Scikit-learn: Machine Learning in Python. Journal of Machine Learning Research 12 (2011)",
    "lightgbm": "Ke, Meng, Finley, Wang, Chen, Ma, Ye, Liu: LightGBM: A Highly Efficient Gradient Boosting Decision Tree (NeurIPS 2017)",
    "pandas": "McKinney: Data Structures for Statistical Computing in Python (Proceedings of the 9th Python in Science Conference 2010), doi:10.25080/Majora-92bf1922-00a",
    "gensim": "Řehůřek, Sojka: Software Framework for Topic Modelling with Large Corpora (LREC Workshop on New Challenges for NLP Frameworks 2010)",
}
_HEADS: Mapping[str, tuple[str, ...]] = {
    "mlp": ("torch",),
    "ridge": ("scikit-learn",),
    "rf": ("scikit-learn",),
    "knn": ("scikit-learn",),
    "lightgbm": ("lightgbm",),
    "select": ("torch", "scikit-learn", "lightgbm"),
}
_ENCODERS: Mapping[str, str] = {
    "minilm": "Wang, Wei, Dong, Bao, Yang, Zhou: MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers (NeurIPS 2020), arXiv:2002.10957",
    "efficientnet": "Tan, Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks (ICML 2019), arXiv:1905.11946",
    "inception": "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture for Computer Vision (CVPR 2016), arXiv:1512.00567",
    "resnet": "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (CVPR 2016), arXiv:1512.03385",
    "clip": "Radford, Kim, Hallacy, Ramesh, Goh, Agarwal, et al.: Learning Transferable Visual Models From Natural Language Supervision (ICML 2021), arXiv:2103.00020",
    "glove": "Pennington, Socher, Manning: GloVe: Global Vectors for Word Representation (EMNLP 2014), doi:10.3115/v1/D14-1162",
    "bert-": "Devlin, Chang, Lee, Toutanova: BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding (NAACL 2019), arXiv:1810.04805",
}
"""Frozen parts by a word in a row's stand-ins."""


def tools_cited(results: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Return entries of urbanbench, of the packages that computed any of these rows, of its heads, and of the statistics of tables, comparisons and these splits.

    Parameters
    ----------
    results
        Result files' contents.
    """
    used = {name for one in results for name in _packages(one)}
    cited = [entry for name, text in _PACKAGES.items() if name in used for entry in read_citations(text)]
    rungs = {rung_name(str(_mapping(one.get("spec")).get("split") or "")) for one in results}
    return [_own(results), *cited, *methods_cited(rungs)]


def encoders_cited(results: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Return entries of the frozen encoders that rows say they used."""
    said = " ".join(
        str(value).lower()
        for one in results
        for value in (*_mapping(_mapping(one.get("model")).get("variant")).values(),
                      *_mapping(_mapping(one.get("spec")).get("parameters")).values())
    )  # fmt: skip
    return [entry for word, text in _ENCODERS.items() if word in said for entry in read_citations(text)]


def _own(results: Sequence[Mapping[str, Any]]) -> Entry:
    versions = sorted(
        {str(_mapping(one.get("provenance")).get("urbanbench") or "") for one in results} - {""}
    )
    years = sorted(str(_mapping(one.get("provenance")).get("started_utc") or "")[:4] for one in results)
    fields = {
        "author": "{The urbanbench developers}",
        "title": TITLE,
        "year": years[-1] if years and years[-1].isdigit() else "",
        "version": ", ".join(versions) or __version__,
        "url": _URL,
    }
    return Entry("software", "urbanbench", fields)


def _packages(one: Mapping[str, Any]) -> set[str]:
    """Return the packages a row rests on: those of its head, and of a learned model those it names beside the usual ones."""
    head = str(_mapping(one.get("spec")).get("head") or "")
    named = {str(name).lower() for name in _mapping(_mapping(one.get("provenance")).get("packages"))}
    learned = not _mapping(one.get("model")).get("floor")
    own = named if learned else set()
    return {"numpy", *_HEADS.get(head, ()), *own}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
