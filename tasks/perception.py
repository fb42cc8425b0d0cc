"""What do people find of a street scene?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.card import TaskCard
from urbanbench.retrieval_task import RetrievalTask

if TYPE_CHECKING:
    from urbanbench.asking.perceived import Perceived
    from urbanbench.asking.together import Sheet
    from urbanbench.city.city import City
    from urbanbench.items import Lesson
    from urbanbench.scoring.retrieval.questions import Questions

__all__ = ["Perception"]


class Perception(RetrievalTask):
    """What do people find of a street scene?"""

    card = TaskCard(
        title="Urban perception",
        question="Which of these sentences says what people find of a picture, and of which picture do people find this?",
        kind="retrieval",
        level="item",
        query=("image", "graph", "text"),
        candidates=("text", "image", "graph"),
        positive="the sentence made of the picture's labels, or a picture with these labels; equal sentences are right as well",
        leaks=("coordinates", "name", "street", "district"),
        layers=("street_views",),
        note="Needs labels of street views whose names begin with perception and whose licence is stated; scores are told as thirds of those that may be learned from. Half of the questions are the other way round: the sentence is given, the picture is asked for.",
    )

    def questions(self, city: City) -> Questions:
        """Ask about every labelled picture of the test blocks."""
        from urbanbench.asking.ground import open_ground
        from urbanbench.asking.perceived import perceived
        from urbanbench.asking.together import Sheet

        ground = open_ground(city, placed=False)
        found = perceived(ground)
        sheet = Sheet(ground, "perception", "Choose what fits, as people see it.")
        _ask(sheet, found)
        return sheet.finish(_lessons(sheet, found))


def _question(found: Perceived) -> str:
    return f"How do people find this place: {', '.join(found.words)}?"


def _ask(sheet: Sheet, found: Perceived) -> None:
    """Write every picture as a candidate and its sentence as one, and ask for each by the other."""
    from urbanbench.asking.ground import MOST_ASKED
    from urbanbench.items import Item

    ground, question = sheet.ground, _question(found)
    for k in ground.asked[: MOST_ASKED // 2].tolist():
        if k not in found.text:
            continue
        text, view = found.text[k], ground.view_ids[k]
        sheet.candidate(text, Item(text=text), likeness=found.likeness[k], group="answers")
        sheet.candidate(view, sheet.picture(k), answer=text, likeness=found.likeness[k], group="pictures")
        sheet.query(f"what {view}", sheet.picture(k, question), text)
        sheet.query(f"which {view}", Item(text=text), view)


def _lessons(sheet: Sheet, found: Perceived) -> list[Lesson]:
    from urbanbench.items import Item, Lesson

    question = _question(found)
    return [
        Lesson("answer", sheet.picture(k, question), Item(text=found.text[k]))
        for k in sheet.ground.learned.tolist()
        if k in found.text
    ]
