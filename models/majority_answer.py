"""Floor of retrieval: how often a candidate's text is an answer in lessons, whatever the query shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import RunRefused
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class MajorityAnswer(Model):
    """Candidates in the order of how often their text is the answer of a lesson that asks the same in words, or of any lesson where none asks so.

    A query is its question alone. A row has a column per question of the lessons, one for all other questions, and one that makes all candidates
    equally long. Candidates without a text are not covered.
    """

    card: ClassVar[ModelCard] = ModelCard(
        title="Majority answer",
        summary="How often a candidate's text is the answer to such a question in lessons; the query's picture and graph are not looked at.",
        needs=(),
        embeds=("image", "text", "graph"),
        floor=True,
        family="retrieval",
        transfers="inductive",
        transfers_why="answers are counted where it learns",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return frequencies (n, questions + 2)."""
        learned = self.learn(view, seed=seed, device=device)
        return self.embed_with(learned, view, units=units, seed=seed, device=device)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Return question to answers and how often lessons give them; "" holds all questions."""
        from urbanbench.city.item_view import of_items
        from urbanbench.learned import Learned

        del seed, device
        told: dict[str, Counter[str]] = {"": Counter()}
        for lesson in of_items(view).lessons:
            answer = lesson.positive.text
            if answer:
                told[""][answer] += 1
                told.setdefault(lesson.anchor.text, Counter())[answer] += lesson.anchor.text != ""
        return Learned(
            {}, {"answers": {question: dict(sorted(some.items())) for question, some in told.items()}}
        )

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return frequencies as `embed`, of answers counted elsewhere.

        Raises
        ------
        RunRefused
            No candidate is a text.
        """
        import numpy as np

        from urbanbench.city.item_view import of_items
        from urbanbench.space import EmbeddingSpace

        del seed, device
        items = of_items(view)
        if not any(one.text for name, one in items.items.items() if items.sides[name] == "candidate"):
            msg = "Majority answer counts answers in words. Expected candidates with a text; those of this task are pictures."
            raise RunRefused(msg)
        answers = {question: some for question, some in learned.facts["answers"].items() if question}
        questions = [*sorted(answers), ""]
        totals = [max(sum(learned.facts["answers"][one].values()), 1) for one in questions]
        vectors = np.zeros((len(units), len(questions) + 1))
        covered = np.zeros(len(units), dtype=bool)
        for row, name in enumerate(units.ids):
            item = items.items.get(name)
            if item is None or (items.sides[name] == "candidate" and not item.text):
                continue
            covered[row] = True
            if items.sides[name] == "query":
                vectors[row, questions.index(item.text if item.text in answers else "")] = 1.0
                continue
            vectors[row, :-1] = [
                learned.facts["answers"][one].get(item.text, 0) / total
                for one, total in zip(questions, totals, strict=True)
            ]
            # Shares of one answer add up to less than one per question, so this is the length that is left to the longest.
            vectors[row, -1] = np.sqrt(len(questions) - np.sum(vectors[row, :-1] ** 2))
        return EmbeddingSpace("item", np.array(units.ids), vectors.astype(np.float32), covered)
