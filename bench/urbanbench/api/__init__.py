"""What a notebook calls: cities, vectors, scores and verdicts as objects that show themselves.

The command line is written on the same functions. Wherever a model, a task or a city is asked for, its name, a path to its file or
folder, its class or the object itself will do.

Examples
--------
>>> import urbanbench as ub
>>> city = ub.load_city("toyville:tiny")
>>> space = ub.embed("poi-counts", city)
>>> result = ub.evaluate(space, "popdensity", head="ridge")
>>> result.scores.shape
(10, 4)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.api.boards import Leaderboard, leaderboard
    from urbanbench.api.cities import ShownCity, load_city
    from urbanbench.api.comparing import Comparison, compare
    from urbanbench.api.evaluating import evaluate
    from urbanbench.api.pictures import Picture
    from urbanbench.api.results import Result, Results, load_results
    from urbanbench.api.running import run
    from urbanbench.api.spaces import Embedding, embed

_HOMES = {
    "Comparison": "comparing",
    "Embedding": "spaces",
    "Leaderboard": "boards",
    "Picture": "pictures",
    "Result": "results",
    "Results": "results",
    "ShownCity": "cities",
    "compare": "comparing",
    "embed": "spaces",
    "evaluate": "evaluating",
    "leaderboard": "boards",
    "load_city": "cities",
    "load_results": "results",
    "run": "running",
}

__all__ = [
    "Comparison",
    "Embedding",
    "Leaderboard",
    "Picture",
    "Result",
    "Results",
    "ShownCity",
    "compare",
    "embed",
    "evaluate",
    "leaderboard",
    "load_city",
    "load_results",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}. Known: {', '.join(__all__)}."
    raise AttributeError(msg)
