"""SpaBERT: places read by a language model, each among its neighbours and with their distances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._spabert.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._spabert.pretrain import Pretrained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

POI_FILTERS = ("paper", "all")

SMALL: dict[str, Any] = {
    "text_encoder": "minilm",
    "max_tokens": 128,
    "use_kind": True,
    "batch": 32,
    "epochs": None,
    "min_epochs": 5,
    "max_steps": 100_000,
    "lr": 1e-4,
    "lr_head": 1e-3,
}
"""Preset `small`: to the plateau on two cores. `quick` is the same for a first look, ended by a cap long before it has converged."""


@dataclass(frozen=True)
class SpaBERT(Model):
    """SpaBERT, trained on a city's own POIs.

    A pivot's name and the names of its nearest POIs make a sentence; each token also says how far east and north of the pivot its POI
    lies. BERT learns to guess hidden tokens and hidden whole names. A POI's vector is the mean last hidden state of its own tokens
    in its own sentence.

    Parameters
    ----------
    text_encoder
        The BERT to start from: "minilm", the packaged small one; a folder or a name on the hub, "bert-base-multilingual-cased" for names in
        many scripts; or "hashing", a small untrained one.
    poi_filter
        "paper" keeps POIs by their tags as UrbanMFM's authors do, so that models see the same POIs; "all" keeps every object with a
        primary OpenStreetMap key.
    use_name, use_kind
        Whether a POI is called by its name where it has one; whether what it is ("cafe") is written behind the name.
    neighbours, max_tokens, separators
        Most neighbours and tokens of a sentence, and whether [SEP] stands between POIs.
    distance_scale, fill_distance
        Weight of the distance embeddings; distance of [CLS], [SEP] and padding, in steps of 11.1 m.
    mask_share
        Probability with which a token or a whole name is hidden.
    parity_bugs
        Masks and loss as in the authors' code: whole-name masks one token to the left, loss on all tokens and padding.
    train
        Whether to train at all; without, vectors are those of the weights started from.
    batch, epochs, min_epochs, max_steps, patience, precision, lr, lr_head
        Schedule, see `urbanbench.toolkit.training.schedule.Schedule`; learning rates of BERT and of the masked-language head.
    radius_m
        How far from a building's outline POIs are read, in metres.
    """

    text_encoder: str = "bert-base-uncased"
    poi_filter: str = "paper"
    use_name: bool = True
    use_kind: bool = False
    neighbours: int = 20
    max_tokens: int = 300
    separators: bool = True
    distance_scale: float = 0.01
    fill_distance: float = 20.0
    mask_share: float = 0.15
    parity_bugs: bool = False
    train: bool = True
    batch: int = 12
    epochs: int | None = 1
    min_epochs: int = 0
    max_steps: int | None = None
    patience: int = 6
    precision: str = "auto"
    lr: float = 5e-5
    lr_head: float = 5e-5
    radius_m: float = 100.0

    card: ClassVar[ModelCard] = CARD
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "small": SMALL,
        "quick": SMALL | {"min_epochs": 0, "max_steps": 60},
    }

    def __post_init__(self) -> None:
        """Check what no part checks itself.

        Raises
        ------
        UnknownName
            No such POI filter.
        BadInput
            A number outside of its range.
        """
        if self.poi_filter not in POI_FILTERS:
            raise UnknownName("POI filter", self.poi_filter, POI_FILTERS)
        for name, least in (("neighbours", 1), ("max_tokens", 3), ("min_epochs", 0), ("batch", 2)):
            if getattr(self, name) < least:
                msg = f"Parameter {name!r} of SpaBERT is {getattr(self, name)}. Expected at least {least}."
                raise BadInput(msg)
        if not 0 < self.mask_share < 1:
            msg = f"Parameter 'mask_share' of SpaBERT is {self.mask_share}. Expected a share above 0 and below 1."
            raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return vectors (n, dim) of POIs, regions or buildings.

        Raises
        ------
        RunRefused
            The view has fewer than 4 POIs.
        BadInput
            Sentences longer than the encoder can read, or an encoder that is no BERT.
        ExtraMissing
            The encoder's weights cannot be found.
        """
        from urbanbench.models._spabert.readout import embed_units

        return embed_units(self, self.pretrain(view, seed=seed, device=device), view, units)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Train on the view and return the weights."""
        from urbanbench.models._spabert.transfer import learned_of

        return learned_of(self, self.pretrain(view, seed=seed, device=device))

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return vectors of any city's units from weights learned in one."""
        from urbanbench.models._spabert.readout import embed_units
        from urbanbench.models._spabert.transfer import trained_elsewhere

        trained = trained_elsewhere(self, learned, view, seed=seed, device=device)
        return embed_units(self, trained, view, units)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Pretrained:
        """Train on the view and return the model with its losses."""
        from urbanbench.models._spabert.pretrain import pretrain

        return pretrain(self, view, seed=seed, device=device)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder, whether it is trained on the city, and where its masked-language head comes from."""
        from urbanbench.models._spabert.backbones import head_of, name_backbone

        del view
        how = "trained" if self.train else "frozen"
        made = {"text": f"{name_backbone(self.text_encoder)} ({how})"}
        return made | {"masked-language head": head_of(self.text_encoder)} if self.train else made
