"""The contract of a retrieval task: a declaration and `questions`; targets and evaluation are inherited."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from urbanbench.errors import Conformance, RunRefused
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.retrieval.words import AREA, COSINE
from urbanbench.task import Task

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.scoring.evaluate import Scores
    from urbanbench.scoring.retrieval.questions import Questions
    from urbanbench.space import EmbeddingSpace

__all__ = ["RetrievalTask", "query_places"]


class RetrievalTask(Task):
    """Something asked with pictures, texts or graphs, and chosen among candidates: what a query is, what a candidate, which is right, what leaks.

    A task is its card and one method. The card says `query`, `candidates`, `positive` and `leaks`, and which `layers` of a city it is made of;
    its kind is "retrieval" and its level "item".

    Examples
    --------
    >>> from urbanbench.card import TaskCard
    >>> class WhereIsIt(RetrievalTask):
    ...     card = TaskCard(
    ...         title="Where is it", question="Which street was a picture taken in?", kind="retrieval", level="item",
    ...         query=("image",), candidates=("text",), positive="the street it was taken in", leaks=("coordinates", "street"),
    ...         layers=("street_views", "roads"),
    ...     )
    ...     def questions(self, city):
    ...         '''Return urbanbench.scoring.retrieval.questions.Questions.'''
    >>> WhereIsIt().protocol.split, WhereIsIt().protocol.head
    ('area', 'cosine')
    """

    protocol: ClassVar[Protocol] = Protocol(split=AREA, head=COSINE)

    @abstractmethod
    def questions(self, city: City) -> Questions:
        """Make the questions of a city: items, lessons from another part of it, and which candidate is right.

        The same city gives the same questions, whatever is asked of them: nothing is drawn here by a run's seeds. Queries and candidates come from
        blocks that no lesson's picture lies in, and nothing on the query side tells what the card's `leaks` name.

        Raises
        ------
        RunRefused
            The city has too little for a single question, and why.
        """

    def targets(self, city: City) -> Questions:  # type: ignore[override]
        """Return the questions of a city.

        Raises
        ------
        RunRefused
            The city lacks a layer that the task is made of, or a label that it names.
        Conformance
            `questions` gave something else.
        """
        from urbanbench.scoring.retrieval.questions import Questions

        absent = [layer for layer in self.card.layers if layer not in city.layers]
        if absent:
            msg = f"Task {self.card.title!r} asks about {' and '.join(map(repr, absent))}. City {city.name!r} has no such layer; its layers: {', '.join(sorted(city.layers)) or 'none'}."
            raise RunRefused(msg)
        if self.card.label and self.card.label not in city.labels:
            msg = f"City {city.name!r} has no label {self.card.label!r}, which task {self.card.title!r} asks about. Its labels: {', '.join(sorted(city.labels)) or 'none'}."
            raise RunRefused(msg)
        found = self.questions(city)
        if not isinstance(found, Questions):
            msg = f"{type(self).__name__}.questions returned {type(found).__name__}. Expected urbanbench.scoring.retrieval.questions.Questions."
            raise Conformance(msg)
        return found

    def evaluate(  # type: ignore[override]
        self,
        space: EmbeddingSpace,
        targets: Questions,
        *,
        protocol: Protocol | None = None,
        device: str = "cpu",
    ) -> Scores:
        """Score vectors of items: candidate sets are drawn and ranked by the cosine for every seed of the protocol.

        Parameters
        ----------
        space
            Vectors of all items.
        targets
            What `targets` gave.
        protocol
            Its seeds draw the candidate sets; the task's own when left out.
        device
            Not used: ranking runs on the CPU.
        """
        from urbanbench.scoring.retrieval.evaluate import evaluate

        del device
        return evaluate(space, targets, (protocol or self.protocol).seeds)


def query_places(questions: Questions, city: City) -> dict[str, tuple[float, float]] | None:
    """Return where each query belongs on the map, (easting, northing) in metres; None where that is not known of all.

    It is the place of the answer, or where the picture was taken that is asked about or asked for. Queries at one place resemble each other.
    """
    found: dict[str, tuple[float, float]] = {}
    placed, pictures = questions.placed, _picture_places(city)
    for row, (name, right) in enumerate(zip(questions.queries, questions.positive, strict=True)):
        exam = questions.exam
        shown = [exam.items[one].image for one in (name, right) if exam.items[one].image]
        views = [exam.pictures.get(one, one) for one in shown]
        if placed[row] and questions.query_xy is not None:
            east, north = questions.query_xy[row].tolist()
            found[name] = (east, north)
        elif views and views[0] in pictures:
            found[name] = pictures[views[0]]
        else:
            return None
    return found


def _picture_places(city: City) -> dict[str, tuple[float, float]]:
    if "street_views" not in city.layers:
        return {}
    shapes = city.street_views.geometry
    return dict(zip(shapes.index, zip(shapes.x.tolist(), shapes.y.tolist(), strict=True), strict=True))
