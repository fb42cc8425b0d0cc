"""Facades of toyville: how a wall looks by the use of its block and by the wealth it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp

from urbanbench.datasets._toyville_scenery import Colour, Painter, Wall, blend, shade

FLOOR_M = 3.2
GLASS: Colour = (74, 92, 112)
SIGNS_PLAIN: tuple[Colour, ...] = ((226, 52, 44), (244, 196, 32), (30, 150, 220), (238, 84, 160))
SIGNS_FINE: tuple[Colour, ...] = ((36, 62, 52), (58, 44, 40), (26, 36, 66), (150, 122, 60))

# Plaster of a poor and of a wealthy wall, three of each.
SHABBY: tuple[Colour, ...] = ((124, 112, 100), (112, 104, 98), (134, 116, 98))
SMART: tuple[Colour, ...] = ((240, 224, 192), (236, 212, 176), (226, 226, 220))


@dataclass(frozen=True)
class Look:
    """What a region shows of itself in the street.

    Attributes
    ----------
    care
        Condition and colour of facades, [0, 1], 1 is wealthy.
    green, cars, storeys
        Shown statistics, about standard normal: greenery, size of cars, height of buildings.
    """

    care: float
    green: float
    cars: float
    storeys: float


Luck = Iterator[float]
"""Uniform random numbers in [0, 1), one after another."""


def plain_floors(look: Look, luck: Luck) -> int:
    """Draw a number of floors."""
    return max(1, round(2.4 * exp(0.45 * look.storeys) * (0.75 + 0.5 * next(luck))))


def _plaster(look: Look, luck: Luck) -> Colour:
    pick = int(3 * next(luck))
    return shade(blend(SHABBY[pick], SMART[pick], look.care), 0.94 + 0.12 * next(luck))


def _windows(painter: Painter, wall: Wall, first: int, colour: Colour, frame: Colour) -> None:
    """Paint rows of windows from floor `first` up."""
    many = max(1, min(5, int(wall.length / 3.4)))
    for floor in range(first, min(8, int(wall.high / FLOOR_M))):
        low = floor * FLOOR_M + 1.0
        for place in range(many):
            left = (place + 0.28) / many
            wall.patch(painter, (left - 0.06 / many, left + 0.5 / many), (low - 0.15, low + 1.6), frame)
            wall.patch(painter, (left, left + 0.44 / many), (low, low + 1.45), colour)


def _stains(painter: Painter, wall: Wall, colour: Colour, look: Look, luck: Luck) -> None:
    """Streak a neglected wall."""
    for _ in range(round(4 * (1 - look.care))):
        left, low = 0.9 * next(luck), 0.7 * wall.high * next(luck)
        wall.patch(painter, (left, left + 0.09), (low, low + 0.3 * wall.high), shade(colour, 0.8))


def _homes(painter: Painter, wall: Wall, look: Look, luck: Luck) -> None:
    colour = _plaster(look, luck)
    wall.patch(painter, (0, 1), (0, wall.high), colour)
    _stains(painter, wall, colour, look, luck)
    _windows(painter, wall, 0, GLASS, blend(shade(colour, 0.85), (252, 250, 244), look.care))
    roof = blend((96, 84, 78), (176, 84, 58), look.care)
    wall.patch(painter, (0, 1), (wall.high, wall.high + 0.9), roof)
    wall.patch(painter, (0.46, 0.54), (0, 2.2), blend((70, 62, 56), (110, 46, 36), look.care))


def _shops_below(painter: Painter, wall: Wall, look: Look, luck: Luck) -> None:
    wall.patch(painter, (0.04, 0.96), (0.3, 2.5), (58, 72, 84))
    signs = SIGNS_FINE if next(luck) < look.care else SIGNS_PLAIN
    for place in range(2):
        sign = signs[int(4 * next(luck))]
        wall.patch(painter, (0.03 + 0.49 * place, 0.48 + 0.49 * place), (2.5, 3.4), sign)
        if signs is SIGNS_FINE:
            wall.patch(painter, (0.1 + 0.49 * place, 0.4 + 0.49 * place), (2.85, 3.05), (226, 206, 150))


def _mixed(painter: Painter, wall: Wall, look: Look, luck: Luck) -> None:
    _homes(painter, wall, look, luck)
    _shops_below(painter, wall, look, luck)


def _offices(painter: Painter, wall: Wall, look: Look, luck: Luck) -> None:
    frame = shade((150, 158, 166), 0.8 + 0.35 * look.care)
    wall.patch(painter, (0, 1), (0, wall.high), frame)
    for floor in range(1, min(9, int(wall.high / FLOOR_M) + 1)):
        low = floor * FLOOR_M
        wall.patch(
            painter,
            (0.03, 0.97),
            (low + 0.4, min(low + 2.6, wall.high)),
            shade((92, 130, 160), 0.9 + 0.2 * next(luck)),
        )
    _shops_below(painter, wall, look, luck)


def _works(painter: Painter, wall: Wall, look: Look, luck: Luck) -> None:
    tone = blend((122, 118, 114), (158, 168, 178), 0.5 * look.care + 0.5 * next(luck))
    wall.patch(painter, (0, 1), (0, wall.high), tone)
    for rib in range(8):
        wall.patch(painter, (rib / 8, rib / 8 + 0.03), (0, wall.high), shade(tone, 0.86))
    wall.patch(painter, (0.3, 0.55), (0, 3.6), (86, 90, 94))
    wall.patch(painter, (0, 1), (wall.high - 0.7, wall.high), (96, 110, 124))
    if next(luck) < 0.5:
        wall.patch(painter, (0.8, 0.88), (wall.high, wall.high + 9), (134, 96, 84))


def _school(painter: Painter, wall: Wall, look: Look, luck: Luck) -> None:
    brick = blend((132, 86, 70), (182, 98, 72), look.care)
    wall.patch(painter, (0, 1), (0, wall.high), brick)
    for floor in range(int(wall.high / FLOOR_M)):
        wall.patch(painter, (0.05, 0.95), (floor * FLOOR_M + 1.0, floor * FLOOR_M + 2.4), (206, 216, 214))
    wall.patch(painter, (0.5, 0.515), (wall.high, wall.high + 4), (210, 210, 210))
    wall.patch(
        painter,
        (0.515, 0.6),
        (wall.high + 2.6, wall.high + 4),
        (40, 92, 180) if next(luck) < 0.5 else (200, 40, 44),
    )


def _civic(painter: Painter, wall: Wall, look: Look, luck: Luck) -> None:
    stone = blend((150, 144, 134), (222, 214, 196), look.care)
    wall.patch(painter, (0, 1), (0, wall.high), stone)
    wall.patch(painter, (0.1, 0.9), (0.6, wall.high - 1.2), shade(stone, 0.66))
    for column in range(6):
        left = 0.1 + column * 0.15
        wall.patch(
            painter, (left, left + 0.06), (0.4, wall.high - 1.2), shade(stone, 1.06 + 0.02 * next(luck))
        )
    wall.patch(painter, (0, 1), (wall.high, wall.high + 0.8), shade(stone, 0.82))


def _station(painter: Painter, wall: Wall, look: Look, luck: Luck) -> None:
    wall.patch(painter, (0, 1), (0, wall.high), shade((176, 182, 186), 0.85 + 0.2 * look.care))
    wall.patch(painter, (0, 1), (0.8, 3.6), (70, 84, 98))
    wall.patch(
        painter, (0, 1), (wall.high - 1.4, wall.high), (34, 78, 140) if next(luck) < 0.7 else (160, 40, 40)
    )
    wall.patch(painter, (0.4, 0.6), (wall.high - 1.2, wall.high - 0.3), (250, 250, 250))


@dataclass(frozen=True)
class Style:
    """How the buildings of one block type stand on the street.

    Attributes
    ----------
    paint
        Paints one facade.
    length_m
        Usual length of a facade.
    gap_m
        Usual gap to the next.
    floors
        Factor on the usual number of floors.
    setback_m
        Distance from the pavement.
    """

    paint: Callable[[Painter, Wall, Look, Luck], None]
    length_m: float
    gap_m: float
    floors: float
    setback_m: float


STYLES: dict[str, Style] = {
    "residential": Style(_homes, 15, 4, 1.0, 2.5),
    "mixed": Style(_mixed, 16, 0.4, 1.3, 0.5),
    "commercial": Style(_offices, 20, 1, 1.8, 0.5),
    "industrial": Style(_works, 34, 7, 0.9, 4),
    "educational": Style(_school, 30, 8, 0.9, 5),
    "civic": Style(_civic, 24, 8, 1.0, 5),
    "transport": Style(_station, 40, 5, 0.8, 3),
}
"""Block type -> style; recreation has no facades."""
