"""Where was a picture taken?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.card import TaskCard
from urbanbench.retrieval_task import RetrievalTask

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.scoring.retrieval.questions import Questions

__all__ = ["Geolocation"]


class Geolocation(RetrievalTask):
    """Where was a picture taken?"""

    card = TaskCard(
        title="Geolocation",
        question="Which of these texts says where a picture was taken?",
        kind="retrieval",
        level="item",
        query=("image", "graph"),
        candidates=("text",),
        positive="the text about the place where the picture was taken; equal texts are right as well",
        leaks=("coordinates", "name", "street", "district"),
        layers=("street_views",),
        note="Texts name the nearest street with its class, the area, the region, and how far and where the middle of the city lies, as far as the city has them. Blocks asked about share no picture with lessons, but a street may cross the border.",
    )

    def questions(self, city: City) -> Questions:
        """Ask for the place of every picture of the test blocks."""
        from urbanbench.asking.ground import open_ground
        from urbanbench.asking.lessons import lessons_of
        from urbanbench.asking.together import Sheet
        from urbanbench.asking.where import location_texts, quarters
        from urbanbench.items import Item

        ground = open_ground(city)
        sheet = Sheet(ground, "geolocation", "Find the text that says where this picture was taken.")
        texts, sides = location_texts(ground), quarters(ground)
        of_text: dict[str, list[int]] = {}
        for k in ground.asked.tolist():
            of_text.setdefault(texts[k], []).append(k)
        for text, some in of_text.items():
            # A text lies in the middle of the places that it is about: mostly of one.
            place = ground.xy[some].mean(axis=0)
            sheet.candidate(text, Item(text=text), likeness=sides[some[0]], xy=place)
            for k in some:
                sheet.query(ground.view_ids[k], sheet.picture(k), text, xy=place)
        return sheet.finish(lessons_of(sheet, ("caption", "path", "location")))
