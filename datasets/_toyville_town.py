"""One town: everything that is drawn for a size and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from urbanbench.datasets._toyville_buildings import Buildings, build_buildings
from urbanbench.datasets._toyville_labels import Labels, build_labels
from urbanbench.datasets._toyville_latents import Latents, draw_latents
from urbanbench.datasets._toyville_plan import SIZES, Plan, build_plan
from urbanbench.datasets._toyville_pois import Pois, build_pois
from urbanbench.datasets._toyville_roads import Roads, build_roads


@dataclass(frozen=True)
class Town:
    """Everything that is drawn for a size and a seed, each part at first use."""

    size: str
    seed: int

    @cached_property
    def plan(self) -> Plan:
        """Streets, blocks and regions."""
        return build_plan(SIZES[self.size], self.seed)

    @cached_property
    def latents(self) -> Latents:
        """The hidden truth."""
        return draw_latents(self.plan)

    @cached_property
    def buildings(self) -> Buildings:
        """All buildings."""
        return build_buildings(self.plan, self.latents)

    @cached_property
    def pois(self) -> Pois:
        """All places."""
        return build_pois(self.plan, self.latents, self.buildings)

    @cached_property
    def roads(self) -> Roads:
        """All ways."""
        return build_roads(self.plan, self.latents)

    @cached_property
    def labels(self) -> Labels:
        """All labels."""
        return build_labels(self.plan, self.latents, self.buildings)
