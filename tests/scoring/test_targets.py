from dataclasses import replace

import numpy as np
import pytest

from urbanbench.errors import BadInput
from urbanbench.scoring.protocol import Protocol


def test_targets_are_read_only_copies(build_targets):
    values = np.arange(120.0)
    targets = build_targets(values=values)
    values[0] = 99.0
    assert targets.values[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        targets.values[0] = 1.0


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("regression", {"level": "town"}, "level 'town'"),
        ("regression", {"values": np.zeros(5)}, r"values \(5,\)"),
        ("regression", {"values": np.full(120, np.nan)}, "120 units are NaN"),
        ("regression", {"ids": np.array(["x"] * 120)}, "119 repeated ids"),
        ("regression", {"xy": np.zeros((120, 3))}, "easting, northing"),
        ("regression", {"groups": np.zeros(7)}, r"groups of shape \(7,\)"),
        ("regression", {"groups": np.array([None] * 120)}, "120 missing values in groups"),
        ("regression", {"parcels": np.full(120, np.nan)}, "120 missing values in parcels"),
        ("regression", {"classes": ("a", "b")}, "2 classes"),
        ("regression", {"values": np.full(120, -1.0), "log1p_scale": 1.0}, "120 values are negative"),
        ("regression", {"log1p_scale": 0.0}, "positive numbers"),
        ("classification", {"classes": ("c", "a", "b")}, "sorted"),
        ("classification", {"classes": ("a", "b")}, "not listed"),
        ("classification", {"log1p_scale": 1.0}, "only a regression"),
        ("composition", {"values": np.full((120, 3), 0.5)}, "120 units do not add up to 1"),
        ("composition", {"values": np.full((120, 2), 0.5)}, r"\(120, 2\) and 3 column names"),
    ],
)
def test_targets_refuse_what_cannot_be_scored(build_targets, kind, changes, message):
    with pytest.raises(BadInput, match=message):
        build_targets(kind, **changes)


def test_an_unknown_kind_is_refused_with_the_known_ones(build_targets):
    with pytest.raises(
        BadInput, match=r"kind 'ranking'\. Expected one of: regression, classification, composition"
    ):
        replace(build_targets(), kind="ranking")


def test_shares_may_miss_one_by_a_thousandth(build_targets):
    shares = np.tile([0.2, 0.3, 0.5004], (120, 1))
    assert build_targets("composition", values=shares).values.shape == (120, 3)


def test_digest_follows_content_only(build_targets):
    plain = build_targets()
    assert plain.digest() == build_targets().digest()
    others = [
        plain.with_values(plain.values + 1e-9),
        build_targets(log1p_scale=1.0, values=np.abs(plain.values)),
        build_targets(groups=np.arange(120) // 10),
        build_targets(parcels=np.arange(120) // 10),
        build_targets(unit="persons"),
    ]
    assert len({one.digest() for one in [plain, *others]}) == 6


def test_codes_point_into_the_class_list(build_targets):
    targets = build_targets("classification")
    assert [targets.classes[code] for code in targets.codes] == targets.values.tolist()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (1, 1)}, "each once"),
        ({"block_size_m": -5.0}, "metres > 0"),
        ({"fractions": (0.5, 0.5, 0.5)}, "add up to 1"),
        ({"fractions": (1.0, 0.0, 0.0)}, "positive shares"),
    ],
)
def test_protocol_refuses_what_cannot_be_run(words, message):
    with pytest.raises(BadInput, match=message):
        Protocol(**words)


def test_protocol_is_json_like():
    assert Protocol(fractions=(0.7, 0.1, 0.2), seeds=(3, 4)).to_dict() == {
        "split": "random",
        "head": "mlp",
        "seeds": [3, 4],
        "block_size_m": None,
        "fractions": [0.7, 0.1, 0.2],
    }
