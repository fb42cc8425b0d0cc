"""Parameters of an embedder, read from the signatures of its constructor and of its method fit."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from urbanbench.errors import BadInput

__all__ = ["Parameter", "parameters_of", "takes"]

GIVEN = (
    "self",
    "regions_gdf",
    "features_gdf",
    "joint_gdf",
    "neighbourhood",
    "trainer_kwargs",
    "dataloader_kwargs",
)
"""What the adapter gives itself."""

_SCALARS = (bool, int, float, str)
_LISTS = (list, tuple, Sequence)
_MANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Parameter:
    """One parameter that can be set from the command line.

    Parameters
    ----------
    name
        Its name.
    kind
        Annotation of the model's field: a scalar, an optional scalar, or a tuple of scalars.
    default
        Default of the field; an empty tuple leaves the embedder its own default.
    method
        Who takes it: "__init__", "fit", or "trainer" and "dataloader" for the keyword arguments that fit passes on.
    """

    name: str
    kind: Any
    default: Any
    method: str


def takes(embedder: type, method: str, name: str) -> bool:
    """Tell whether a method of an embedder has a parameter of this name; False where there is no such method."""
    found = getattr(embedder, method, None)
    return found is not None and name in inspect.signature(found).parameters


def parameters_of(embedder: type, defaults: Mapping[str, Any]) -> list[Parameter]:
    """Return what can be set of an embedder.

    Parameters
    ----------
    embedder
        Its class.
    defaults
        Defaults that go before its own.

    Raises
    ------
    BadInput
        A parameter without default that cannot be written as a word.
    """
    methods = [method for method in ("__init__", "fit") if hasattr(embedder, method)]
    found = [one for method in methods for one in _of_method(embedder, method, defaults)]
    names = {one.name for one in found}
    if takes(embedder, "fit", "trainer_kwargs") and "max_epochs" not in names:
        found.append(Parameter("max_epochs", int | None, None, "trainer"))
    if takes(embedder, "fit", "dataloader_kwargs") and "batch_size" not in names:
        found.append(Parameter("batch_size", int | None, None, "dataloader"))
    return found


def _of_method(embedder: type, method: str, defaults: Mapping[str, Any]) -> list[Parameter]:
    hints = _hints(getattr(embedder, method))
    found = []
    for name, one in inspect.signature(getattr(embedder, method)).parameters.items():
        if name in GIVEN or one.kind in _MANY:
            continue
        default = defaults.get(name, one.default)
        kind = _kind(hints.get(name, type(default)), optional=default is None)
        if kind is not None and default is not inspect.Parameter.empty:
            found.append(Parameter(name, kind, _plain(default, kind), method))
        elif default is inspect.Parameter.empty:
            msg = f"{embedder.__name__} has the parameter {name!r} without a default. Expected one for every parameter but the frames. Give it one in a subclass."
            raise BadInput(msg)
    return found


def _hints(method: Any) -> dict[str, Any]:
    try:
        return get_type_hints(method)
    except (NameError, TypeError):  # a name that exists for type checkers only
        return {}


def _kind(hint: Any, *, optional: bool) -> Any:
    """Return the annotation under which a value of this kind can be written as a word; None where it cannot."""
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for part in parts:
        if get_origin(part) in _LISTS and get_args(part)[0] in _SCALARS:
            return tuple[get_args(part)[0], ...]  # type: ignore[misc]  # made at run time
    scalars = [str if get_origin(part) is Literal else part for part in parts]
    scalars = [part for part in scalars if part in _SCALARS]
    if not scalars:
        return None
    return reduce(or_, [*scalars, *([None] if optional or type(None) in parts else [])])


def _plain(default: Any, kind: Any) -> Any:
    return tuple(default or ()) if get_origin(kind) is tuple else default
