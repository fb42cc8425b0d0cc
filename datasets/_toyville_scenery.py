"""Painting one street-level picture of toyville: a small perspective painter for walls, trees and cars.

World coordinates are seen from a camera 1.6 m above the street: x metres to the right, z metres ahead, h metres up.
The field of view is 90 degrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 96, 64
SHARPER = 2
"""Pictures are drawn this many times larger and then reduced."""
FOCAL = WIDTH * SHARPER / 2
HORIZON = 0.56 * HEIGHT * SHARPER
CAMERA_M = 1.6

Colour = tuple[int, int, int]


def blend(low: Colour, high: Colour, share: float) -> Colour:
    """Mix two colours; share 0 gives the first."""
    a, b, c = (round(one + (two - one) * share) for one, two in zip(low, high, strict=True))
    return a, b, c


def shade(colour: Colour, factor: float) -> Colour:
    """Make a colour darker or lighter."""
    a, b, c = (max(0, min(255, round(part * factor))) for part in colour)
    return a, b, c


@dataclass
class Painter:
    """Draws things given in metres onto one picture.

    Attributes
    ----------
    turn
        Tangent of the angle by which the camera looks to the right of the scene's z axis.
    """

    turn: float = 0.0

    def __post_init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH * SHARPER, HEIGHT * SHARPER))
        self.draw = ImageDraw.Draw(self.image)

    def point(self, x: float, z: float, h: float) -> tuple[float, float]:
        """Project a point to pixels (right, down)."""
        return FOCAL * (1 + x / z - self.turn), HORIZON - FOCAL * (h - CAMERA_M) / z

    def backdrop(self, sky: Colour, ground: Colour) -> None:
        """Fill sky, paler towards the horizon, and ground."""
        for band in range(4):
            top, below = HORIZON * band / 4, HORIZON * (band + 1) / 4
            self.draw.rectangle((0, top, WIDTH * SHARPER, below), fill=blend(sky, (236, 240, 244), band / 5))
        self.draw.rectangle((0, HORIZON, WIDTH * SHARPER, HEIGHT * SHARPER), fill=ground)

    def ground(self, left: float, right: float, near: float, far: float, colour: Colour) -> None:
        """Paint a flat rectangle between two x and two z."""
        corners = [self.point(x, z, 0) for x, z in ((left, near), (left, far), (right, far), (right, near))]
        self.draw.polygon(corners, fill=colour)

    def tree(self, x: float, z: float, size_m: float, leaves: Colour) -> None:
        """Paint a trunk and a crown of two greens."""
        (px, foot), (_, crown) = self.point(x, z, 0), self.point(x, z, 1.25 * size_m)
        r = 0.62 * FOCAL * size_m / z
        self.draw.rectangle((px - 0.13 * r, crown, px + 0.13 * r, foot), fill=(92, 68, 48))
        self.draw.ellipse((px - r, crown - r, px + r, crown + r), fill=leaves)
        light = shade(leaves, 1.22)
        self.draw.ellipse((px - 0.7 * r, crown - 0.85 * r, px + 0.25 * r, crown + 0.1 * r), fill=light)

    def car(self, x: float, z: float, size: tuple[float, float], colour: Colour, *, aside: bool) -> None:
        """Paint a parked car from behind or, `aside`, from the side; size is (width or length, height) in metres."""
        wide, high = size
        left, right = x - wide / 2, x + wide / 2
        self._box(left, right, z, 0.25, 0.62 * high, colour)
        inset = 0.22 * wide if aside else 0.1 * wide
        self._box(left + inset, right - inset, z, 0.6 * high, high, shade(colour, 0.8))
        self._box(left + 1.25 * inset, right - 1.25 * inset, z, 0.64 * high, 0.92 * high, (186, 206, 218))
        for wheel in (left + 0.2 * wide, right - 0.2 * wide):
            self._box(wheel - 0.3, wheel + 0.3, z, 0.0, 0.5, (28, 28, 30))

    def _box(self, left: float, right: float, z: float, low: float, high: float, colour: Colour) -> None:
        (a, b), (c, d) = self.point(left, z, high), self.point(right, z, low)
        self.draw.rectangle((a, b, max(a, c), max(b, d)), fill=colour)

    def finish(self) -> Image.Image:
        """Return the picture at its final size."""
        return self.image.reduce(SHARPER)


@dataclass(frozen=True)
class Wall:
    """An upright rectangle from (x, z) `start` to `end`, `high` metres tall."""

    start: tuple[float, float]
    end: tuple[float, float]
    high: float

    @property
    def length(self) -> float:
        """Length on the ground in metres."""
        return float(((self.start[0] - self.end[0]) ** 2 + (self.start[1] - self.end[1]) ** 2) ** 0.5)

    def patch(
        self, painter: Painter, across: tuple[float, float], up: tuple[float, float], colour: Colour
    ) -> None:
        """Paint a rectangle on the wall: `across` as shares of its length, `up` in metres."""
        corners = [self._corner(painter, u, h) for u, h in _around(across, up)]
        painter.draw.polygon(corners, fill=colour)

    def _corner(self, painter: Painter, u: float, h: float) -> tuple[float, float]:
        x = self.start[0] + u * (self.end[0] - self.start[0])
        z = self.start[1] + u * (self.end[1] - self.start[1])
        return painter.point(x, z, h)


def _around(across: tuple[float, float], up: tuple[float, float]) -> Iterator[tuple[float, float]]:
    yield across[0], up[0]
    yield across[0], up[1]
    yield across[1], up[1]
    yield across[1], up[0]
