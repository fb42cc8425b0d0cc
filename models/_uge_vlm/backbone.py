"""A vision-language model from a folder, frozen, with LoRA in the attention of its language model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors import SafetensorError
from torch import Tensor, nn

from urbanbench.errors import BadInput
from urbanbench.toolkit.kept.weight_counts import loads_weights
from urbanbench.toolkit.texts._text_nets import quiet_transformers
from urbanbench.toolkit.training.transfer import runs_behind

if TYPE_CHECKING:
    from pathlib import Path

    from urbanbench.models._uge_vlm.families import Family
    from urbanbench.models._uge_vlm.folder import Chosen

__all__ = ["ADAPTED", "Backbone", "Lora", "load_backbone", "with_adapters"]

ADAPTED = r".*language_model.*\.(q_proj|v_proj)"
"""Which layers get adapters: q_proj and v_proj of the language model, and of no picture tower."""


@dataclass(frozen=True)
class Lora:
    """Sizes of the adapters: rank, the number that their sum is scaled by (alpha / rank), and dropout before them."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.1


@dataclass(frozen=True, eq=False)
class Backbone:
    """A model with adapters, and what makes its inputs.

    Parameters
    ----------
    family
        What it is.
    peft
        The whole model as peft wraps it, so that adapters have the names that other programs give them.
    tokenizer, image_processor
        Of transformers.
    """

    family: Family
    peft: Any
    tokenizer: Any
    image_processor: Any

    @property
    def inner(self) -> Any:
        """The model without the head that guesses words."""
        return self.peft.get_base_model().model

    @property
    def config(self) -> Any:
        """Settings of the whole model."""
        return self.peft.get_base_model().config

    @property
    def words(self) -> nn.Embedding:
        """The table of token embeddings."""
        table: nn.Embedding = self.inner.get_input_embeddings()
        return table

    @property
    def dim(self) -> int:
        """Length of a token's vector."""
        return int(self.words.embedding_dim)

    def adapters(self) -> dict[str, Tensor]:
        """Return the adapters' weights by the names that peft's files have, on the CPU in float32."""
        from peft import get_peft_model_state_dict

        state = get_peft_model_state_dict(self.peft)
        return {name: one.detach().float().cpu().contiguous().clone() for name, one in state.items()}

    def put_adapters(self, tensors: Mapping[str, Tensor]) -> None:
        """Give the adapters their weights.

        Raises
        ------
        BadInput
            Other adapters than these layers have.
        """
        from peft import set_peft_model_state_dict

        own = {name: tuple(one.shape) for name, one in self.adapters().items()}
        given = {name: tuple(one.shape) for name, one in tensors.items()}
        if own != given:
            strange = sorted({*own.items()} ^ {*given.items()})[:1]
            msg = f"Adapters do not fit the model: {strange[0][0]!r} {strange[0][1]}. Expected rank and layers of this model. Mend: the weights and the rank they were trained with."
            raise BadInput(msg)
        set_peft_model_state_dict(self.peft, dict(tensors))


def load_backbone(chosen: Chosen, lora: Lora, *, device: str, checkpointing: bool) -> Backbone:
    """Load a model and give it adapters, which are drawn from torch's current random state and change nothing yet.

    Nothing is fetched, and no code of the folder is run. On a GPU weights are bfloat16 and adapters float32; on the CPU all is float32.

    Parameters
    ----------
    chosen
        The folder.
    lora
        Sizes of the adapters.
    device
        Where to.
    checkpointing
        Whether inner values are computed again for the gradient instead of kept.

    Raises
    ------
    BadInput
        A file of the folder is not what it should be.
    """
    family = chosen.family
    kind = torch.bfloat16 if runs_behind(device) else torch.float32
    try:
        with quiet_transformers():
            tokenizer, image_processor, model = _read(chosen.folder, family, kind)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, SafetensorError) as error:
        msg = f"Folder {chosen.folder.name!r} cannot be loaded as {family.title} ({' '.join(str(error).split())[:160]}). Expected whole files of one model. Mend: --set weights=/path/to/another"
        raise BadInput(msg) from error
    loads_weights(model)
    return with_adapters(
        family, model, tokenizer, image_processor, lora, device=device, checkpointing=checkpointing
    )


def _read(folder: Path, family: Family, kind: torch.dtype) -> tuple[Any, Any, Any]:
    """Return tokenizer, image processor and model; errors are those of transformers, or ValueError where weights are missing."""
    # transformers leaves some of its functions without types.
    here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    read_tokenizer: Any = transformers.AutoTokenizer.from_pretrained
    image_class, model_class = (
        getattr(transformers, one) for one in (family.image_class, family.model_class)
    )
    tokenizer, image_processor = read_tokenizer(folder, **here), image_class.from_pretrained(folder, **here)
    model, found = model_class.from_pretrained(
        folder, use_safetensors=True, dtype=kind, output_loading_info=True, **here
    )
    lacking = sorted(map(str, found["missing_keys"] or found["mismatched_keys"]))
    if lacking:  # transformers would draw them at random
        msg = f"{len(lacking)} weights are missing, such as {lacking[0]}"
        raise ValueError(msg)
    return tokenizer, image_processor, model


def with_adapters(
    family: Family,
    model: Any,
    tokenizer: Any,
    image_processor: Any,
    lora: Lora,
    *,
    device: str,
    checkpointing: bool,
) -> Backbone:
    """Freeze a model and give it adapters."""
    settings = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=ADAPTED, bias="none"
    )
    with warnings.catch_warnings():
        # peft asks transformers by a name that transformers will give up
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
        peft = get_peft_model(model, settings, autocast_adapter_dtype=True)
    if checkpointing:
        model.activation_checkpointing_enable()
    return Backbone(family, peft.to(device).eval(), tokenizer, image_processor)
