"""What lies how far around a picture, and in which direction?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.card import TaskCard
from urbanbench.retrieval_task import RetrievalTask

if TYPE_CHECKING:
    from urbanbench.asking.nearby import Asked
    from urbanbench.asking.together import Sheet
    from urbanbench.city.city import City
    from urbanbench.items import Lesson
    from urbanbench.scoring.retrieval.questions import Questions

__all__ = ["SpatialGrounding"]


class SpatialGrounding(RetrievalTask):
    """What lies how far around a picture, and in which direction?"""

    card = TaskCard(
        title="Spatial grounding",
        question="What lies around a picture, how far away, and in which direction?",
        kind="retrieval",
        level="item",
        query=("image", "graph", "text"),
        candidates=("text",),
        positive="the answer that the city's map gives",
        leaks=("coordinates", "name", "street", "district"),
        layers=("street_views",),
        note="Four forms, each with answers of its own: the kind of the nearest place; class of the nearest street and where its nearest crossing lies; how far two kinds of places are from one another; how far and where a landmark lies. The graph is the evidence: it tells kinds and offsets, and no node or edge has an answer in the words of the candidates except the kinds of places.",
    )

    def questions(self, city: City) -> Questions:
        """Ask questions of every form about pictures of the test blocks, as many of each form as of the others."""
        from urbanbench.asking.ground import open_ground
        from urbanbench.asking.together import Sheet
        from urbanbench.errors import RunRefused

        ground = open_ground(city)
        if not ground.has_surroundings:
            msg = f"City {city.name!r} has neither streets nor POIs, so nothing lies around its pictures that could be asked for. Expected one of the layers pois and roads. Mend: add one (docs/your_city.md), or choose -t geolocation,image-retrieval."
            raise RunRefused(msg)
        sheet = Sheet(ground, "spatial-grounding", "Answer the question about the place of this picture.")
        _ask(sheet)
        return sheet.finish(_lessons(sheet))


def _ask(sheet: Sheet) -> None:
    """Write what may be answered anywhere in the city as candidates, and ask about pictures of the test blocks."""
    from urbanbench.asking.ground import MOST_ASKED
    from urbanbench.asking.nearby import FORMS, asked_of
    from urbanbench.seeds import generator

    ground = sheet.ground
    draw = generator(0, "spatial grounding", "asked")
    left = dict.fromkeys(FORMS, MOST_ASKED // len(FORMS))
    for k in draw.permutation(ground.asked).tolist():
        for one in asked_of(ground, k, draw):
            choice = _choice(sheet, one)
            if left[one.form]:
                left[one.form] -= 1
                sheet.query(f"{one.form} {k}", sheet.picture(k, one.question), choice)


def _choice(sheet: Sheet, one: Asked) -> str:
    from urbanbench.items import Item

    key = f"{one.form}: {one.answer}"
    sheet.candidate(key, Item(text=one.answer), likeness=one.likeness, group=one.form)
    return key


def _lessons(sheet: Sheet) -> list[Lesson]:
    """Return pairs of the pictures that may be learned from; their answers, which name no place, may be chosen as well."""
    from urbanbench.asking.lessons import lessons_of
    from urbanbench.asking.nearby import asked_of
    from urbanbench.items import Item, Lesson
    from urbanbench.seeds import generator

    ground, draw = sheet.ground, generator(0, "spatial grounding", "learned")
    answers = []
    for k in ground.learned.tolist():
        for one in asked_of(ground, k, draw):
            _choice(sheet, one)
            answers.append(Lesson("answer", sheet.picture(k, one.question), Item(text=one.answer)))
    return [*lessons_of(sheet, ("caption", "path")), *answers]
