"""Toyville, the built-in city: generated from a seed, every layer present, best reachable scores known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from urbanbench.errors import UnknownName
from urbanbench.source import CitySource

if TYPE_CHECKING:
    from urbanbench.datasets._toyville_town import Town

VERSION = 2
"""Raised by every change that gives other bytes for the same fields."""


@dataclass(frozen=True)
class Toyville(CitySource):
    """A made-up city in which every layer tells a known part of the truth.

    Each region has a hidden density, wealth, access and mix of uses. Layers show noisy parts of them: buildings and
    satellite images mainly density, street views mainly wealth, places and building shapes mainly use. Labels are known
    functions of the hidden values plus known noise, so city.json can state for every label the best reachable score.

    Attributes
    ----------
    size
        "tiny" (60 regions), "small" (300), "city" (3,000) or "metro" (30,000 regions, 500,000 places, a million buildings); "metro-4" and
        "metro-16" are a quarter and a sixteenth of a metro, to measure on before it.
    seed
        Same seed, same bytes of every file.
    images
        Whether street views and satellite images are drawn; None leaves it to the size (all but the metros, which would have 390,000 files).

    Examples
    --------
    >>> Toyville(size="tiny").key()
    'toyville-v2-tiny-seed0-images'
    """

    size: str = "small"
    seed: int = 0
    images: bool | None = None

    title: ClassVar[str] = "Toyville, the generated built-in city"
    sizes: ClassVar[tuple[str, ...]] = ("tiny", "small", "city", "metro-16", "metro-4", "metro")

    def __post_init__(self) -> None:
        """Refuse a size that does not exist."""
        if self.size not in self.sizes:
            raise UnknownName("toyville size", self.size, self.sizes)

    @property
    def draws_images(self) -> bool:
        """Whether pictures are drawn, the size's default filled in."""
        return not self.size.startswith("metro") if self.images is None else self.images

    def build(self, folder: Path) -> None:
        """Write the city folder (format 1)."""
        from urbanbench.datasets._toyville_folder import write_town

        write_town(folder, self.town(), images=self.draws_images)

    def town(self) -> Town:
        """Return the plan and the hidden truth behind the folder: for tests, and for studies of what a model learns."""
        from urbanbench.datasets._toyville_town import Town

        return Town(self.size, self.seed)

    def key(self) -> str:
        """Name this city's content for the cache."""
        return (
            f"toyville-v{VERSION}-{self.size}-seed{self.seed}-{'images' if self.draws_images else 'noimages'}"
        )
