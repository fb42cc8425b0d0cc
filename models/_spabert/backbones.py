"""BERT by name: the packaged small one, a folder, the hub, or an untrained one over hashed words; and where its head comes from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput
from urbanbench.models._spabert.net import SpatialBert, TokenHead
from urbanbench.models._spabert.words import HashedTokenizer, PretrainedTokenizer, Tokenizer
from urbanbench.toolkit.texts.text_encoders import (
    HASHING,
    is_packaged,
    name_text_encoder,
    packaged_folder,
    read_weights,
)

if TYPE_CHECKING:
    from transformers import BertConfig

NEW_HEAD, PRETRAINED_HEAD = "new, tied to the word embeddings", "pretrained"
WITH_HEAD = frozenset({"BertForMaskedLM", "BertForPreTraining"})
HASHED_WORDS = 4096


@dataclass(frozen=True, eq=False)
class Backbone:
    """A model before training on the city.

    Parameters
    ----------
    net
        BERT and a head, in eval mode on the CPU.
    tokenizer
        What splits strings for it.
    head
        `NEW_HEAD` or `PRETRAINED_HEAD`.
    """

    net: SpatialBert
    tokenizer: Tokenizer
    head: str


def load_backbone(word: str, *, scale: float) -> Backbone:
    """Load BERT; new weights are drawn from torch's current random state.

    Parameters
    ----------
    word
        "minilm", "hashing" (an untrained BERT of 2 layers over hashed words), a folder with a BERT of Hugging Face, or its name on the
        hub.
    scale
        Weight of the distance embeddings.

    Raises
    ------
    ExtraMissing
        The weights are not on this machine and cannot be fetched.
    BadInput
        The model is no BERT, or says that it has a head and has none.
    """
    if word == HASHING:
        return _untrained(scale)
    place = _place(word)
    return read_weights(word, place, lambda local_only: _load(word, place, scale, local_only=local_only))


def name_backbone(word: str) -> str:
    """Return the honest name of what a word chooses."""
    return "untrained-bert-2x128-hashed-words" if word == HASHING else name_text_encoder(word)


def head_of(word: str) -> str:
    """Return `NEW_HEAD` or `PRETRAINED_HEAD`: what the settings of the model that a word chooses say, without loading weights."""
    if word == HASHING:
        return NEW_HEAD
    place = _place(word)
    config = read_weights(word, place, lambda local_only: _config(word, place, local_only=local_only))
    return PRETRAINED_HEAD if _claims_head(config) else NEW_HEAD


def _untrained(scale: float) -> Backbone:
    from transformers import BertConfig, BertModel

    tokenizer = HashedTokenizer(HASHED_WORDS)
    config = BertConfig(
        vocab_size=tokenizer.size,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=512,
    )
    return Backbone(SpatialBert(BertModel(config), _head(config), scale).eval(), tokenizer, NEW_HEAD)


def _place(word: str) -> str:
    return str(packaged_folder(word)) if is_packaged(word) else word


def _config(word: str, place: str, *, local_only: bool) -> BertConfig:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(place, local_files_only=local_only)
    if config.model_type != "bert":
        msg = f"Text encoder {word!r} is a model of type {config.model_type!r}. SpaBERT expected 'bert', whose embeddings it adds distances to. Mend: --set text_encoder=bert-base-uncased, or bert-base-multilingual-cased for names in many scripts."
        raise BadInput(msg)
    return config  # type: ignore[no-any-return]  # AutoConfig gives the class of the type just checked


def _claims_head(config: BertConfig) -> bool:
    return bool(WITH_HEAD & set(config.architectures or ()))


def _load(word: str, place: str, scale: float, *, local_only: bool) -> Backbone:
    import torch
    from transformers import AutoTokenizer, BertForMaskedLM, BertModel

    config = _config(word, place, local_only=local_only)
    given: dict[str, Any] = {"local_files_only": local_only, "dtype": torch.float32}
    with _silent_transformers():
        tokenizer = PretrainedTokenizer(AutoTokenizer.from_pretrained(place, local_files_only=local_only))
        if not _claims_head(config):
            bert = BertModel.from_pretrained(place, **given)
            return Backbone(SpatialBert(bert, _head(config), scale).eval(), tokenizer, NEW_HEAD)
        loaded: Any = BertForMaskedLM.from_pretrained(place, output_loading_info=True, **given)
    whole, told = loaded
    if lacking := sorted(one for one in told["missing_keys"] if "decoder" not in one):
        msg = f"Text encoder {word!r} says that it is {config.architectures}, but {len(lacking)} of its weights are missing ({', '.join(lacking[:2])}). Expected a whole model."
        raise BadInput(msg)
    net = SpatialBert(whole.bert, _read_head(whole.cls.predictions, config), scale).eval()
    return Backbone(net, tokenizer, PRETRAINED_HEAD)


def _head(config: BertConfig) -> TokenHead:
    return TokenHead(config.hidden_size, config.vocab_size, config.layer_norm_eps)


def _read_head(predictions: Any, config: BertConfig) -> TokenHead:
    """Take over the weights of transformers' head, whose output layer is tied to the word embeddings."""
    head, transform = _head(config), predictions.transform
    head.dense.load_state_dict(transform.dense.state_dict())
    head.norm.load_state_dict(transform.LayerNorm.state_dict())
    head.bias.data.copy_(predictions.bias.data)
    return head


@contextmanager
def _silent_transformers() -> Iterator[None]:
    """Keep transformers' progress bars and its report of weights that were not used off stderr."""
    from transformers.utils import logging

    from urbanbench.toolkit.texts._text_nets import quiet_transformers

    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with quiet_transformers():
            yield
    finally:
        logging.set_verbosity(level)
