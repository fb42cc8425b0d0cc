"""The city-source contract: something that can build a city folder by itself."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

__all__ = ["CitySource"]


class CitySource(ABC):
    """A city that is generated or fetched. Write one as a frozen dataclass whose fields say which city is built.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from urbanbench.source import CitySource
    >>> @dataclass(frozen=True)
    ... class Hamlet(CitySource):
    ...     size: str = "small"
    ...     title = "A hamlet"
    ...
    ...     def build(self, folder):
    ...         (folder / "city.json").write_text("{}")
    >>> Hamlet(size="tiny").key()
    'hamlet-size=tiny'
    """

    title: ClassVar[str]
    sizes: ClassVar[tuple[str, ...]] = ()
    """Words that may follow the name after a colon (``toyville:tiny``); they set the field `size`."""

    @abstractmethod
    def build(self, folder: Path) -> None:
        """Write the city folder (format 1) into an empty folder; same fields, same bytes."""

    def key(self) -> str:
        """Name this city's content for the cache: class name and every field."""
        names: list[str] = (
            [f.name for f in dataclasses.fields(self)] if dataclasses.is_dataclass(self) else []
        )
        parts = [f"{name}={getattr(self, name)}" for name in names]
        return "-".join([type(self).__name__.lower(), *parts])
