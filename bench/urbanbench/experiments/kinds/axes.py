"""What the columns of a matrix are: which places share a table, and what stands above tables and columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from urbanbench.board.columns import heading
from urbanbench.experiments.kinds.contender import Place

__all__ = ["AXES", "Axis"]


class Axis(ABC):
    """The columns of a matrix."""

    @abstractmethod
    def table(self, place: Place) -> tuple[str, ...]:
        """Return what places of one table share."""

    @abstractmethod
    def column(self, place: Place, metric: str) -> str:
        """Return the heading of a place's column, `metric` its main metric."""

    @abstractmethod
    def title(self, place: Place, metric: str) -> str:
        """Return the title of the section of a place, `metric` the main metric of its first column."""

    @abstractmethod
    def facts(self, place: Place, seeds: int) -> Sequence[str]:
        """Return what holds for the section of a place, `seeds` how many splits were drawn."""


class _Tasks(Axis):
    """One table per city, split and head, a column per task."""

    def table(self, place: Place) -> tuple[str, ...]:
        return place.city, place.split, place.head

    def column(self, place: Place, metric: str) -> str:
        return f"{place.task} {heading(metric)}"

    def title(self, place: Place, metric: str) -> str:
        del metric
        return f"{place.city_name} · {place.split}"

    def facts(self, place: Place, seeds: int) -> Sequence[str]:
        return f"head {place.head}", f"{seeds} seeds"


class _Cities(Axis):
    """One table per task and head, a column per city and split."""

    def table(self, place: Place) -> tuple[str, ...]:
        return place.task, place.head

    def column(self, place: Place, metric: str) -> str:
        del metric
        return f"{place.city_name} {place.split}"

    def title(self, place: Place, metric: str) -> str:
        return f"{place.task}, {heading(metric)} · head {place.head}"

    def facts(self, place: Place, seeds: int) -> Sequence[str]:
        del place
        return (f"{seeds} seeds",)


class _Protocols(Axis):
    """One table per city and task, a column per split and head of ours and per protocol of a paper."""

    def table(self, place: Place) -> tuple[str, ...]:
        return place.city, place.task

    def column(self, place: Place, metric: str) -> str:
        del metric
        return " ".join(word for word in (place.split, place.head) if word)

    def title(self, place: Place, metric: str) -> str:
        return f"{place.city_name} · {place.task}, {heading(metric)}"

    def facts(self, place: Place, seeds: int) -> Sequence[str]:
        del place
        return (f"{seeds} of our own splits",)


AXES: dict[str, Axis] = {"tasks": _Tasks(), "cities": _Cities(), "protocols": _Protocols()}
"""By name."""
