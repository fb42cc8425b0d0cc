"""Weights that are trained and loaded are counted, each once."""

from __future__ import annotations

import gc

import numpy as np
from torch import nn

from urbanbench.toolkit.kept.weight_counts import counting_weights, loads_weights, trains_weights
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training.state import TrainingState


def size(net):
    return sum(one.numel() for one in net.parameters())


def test_the_training_loop_counts_what_its_optimiser_holds():
    net, other = nn.Linear(3, 2), nn.Linear(2, 5)
    with counting_weights() as counts:
        TrainingState([{"params": list(net.parameters()), "lr": 0.1}], [net], "cpu")
        TrainingState([{"params": [*net.parameters(), *other.parameters()], "lr": 0.1}], [net, other], "cpu")
    assert counts.to_record() == {"trained": 8 + 15, "frozen": 0}


def test_loaded_encoders_are_frozen_unless_they_are_trained():
    with counting_weights() as counts:
        text, picture = load_text_encoder("hashing"), load_image_encoder("tiny-cnn")
        trains_weights(picture.parameters())
    assert counts.to_record() == {"trained": size(picture), "frozen": size(text)}


def test_weights_that_are_gone_lend_their_place_to_no_others():
    with counting_weights() as counts:
        for _ in range(50):
            trains_weights([np.zeros(3)])
            gc.collect(0)
    assert counts.to_record()["trained"] == 150


def test_outside_of_a_count_nothing_is_kept_and_the_network_comes_back():
    net = nn.Linear(2, 2)
    assert loads_weights(net) is net
    trains_weights(net.parameters())
