"""InfoNCE against loops over its formula."""

import math

import pytest
import torch

from urbanbench.errors import UnknownName
from urbanbench.toolkit.training.contrastive import cosines, info_nce, info_nce_chance, nt_xent, same_row


def naive(query, key, temperature, exclude):
    """Eq. 7 as printed, number by number."""
    total, b = 0.0, len(query)
    for i in range(b):

        def score(j, i=i):
            cosine = float(query[i] @ key[j] / (query[i].norm() * key[j].norm()))
            return math.exp(cosine / temperature)

        below = sum(score(j) for j in range(b) if j == i or exclude is None or not exclude[i, j])
        total -= math.log(score(i) / below)
    return total / b


@pytest.fixture
def vectors():
    made = torch.Generator().manual_seed(3)
    return torch.randn(7, 5, generator=made, dtype=torch.float64), torch.randn(
        7, 5, generator=made, dtype=torch.float64
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("temperature", [0.5, 0.1])
def test_loss_equals_the_formula(vectors, masked, temperature):
    query, key = vectors
    exclude = same_row(torch.tensor([0, 1, 0, 2, 1, 3, 0])) if masked else None
    one = info_nce(query, key, temperature=temperature, exclude=exclude, direction="query_to_key")
    assert float(one) == pytest.approx(naive(query, key, temperature, exclude))
    both = info_nce(query, key, temperature=temperature, exclude=exclude)
    back = naive(key, query, temperature, None if exclude is None else exclude.T)
    assert float(both) == pytest.approx((naive(query, key, temperature, exclude) + back) / 2)


def test_the_true_pair_counts_even_if_excluded(vectors):
    query, key = vectors
    everything = torch.ones(7, 7, dtype=torch.bool)
    assert float(info_nce(query, key, exclude=everything)) == pytest.approx(0.0, abs=1e-12)


def test_vectors_that_tell_nothing_lose_the_log_of_the_candidates():
    same = torch.ones(16, 4)
    assert float(info_nce(same, same)) == pytest.approx(math.log(16))
    assert info_nce_chance(torch.zeros(16, 16, dtype=torch.bool)) == pytest.approx(math.log(16))


@pytest.mark.parametrize("direction", ["both", "query_to_key"])
def test_the_stated_chance_is_the_loss_of_vectors_that_tell_nothing(direction):
    exclude = torch.rand(9, 9, generator=torch.Generator().manual_seed(1)) < 0.4
    assert exclude.diagonal().any()
    same = torch.ones(9, 4, dtype=torch.float64)
    loss = info_nce(same, same, exclude=exclude, direction=direction)
    assert info_nce_chance(exclude, direction=direction) == pytest.approx(float(loss), abs=1e-12)
    assert info_nce_chance(exclude) != pytest.approx(info_nce_chance(exclude, direction="query_to_key"))


def test_an_unknown_direction_has_no_chance():
    with pytest.raises(UnknownName, match="direction 'key_to_query'"):
        info_nce_chance(torch.zeros(2, 2, dtype=torch.bool), direction="key_to_query")


def test_same_row_marks_equal_labels_but_never_itself():
    marked = same_row(torch.tensor([4, 9, 4]))
    assert marked.tolist() == [[False, False, True], [False, False, False], [True, False, False]]


def test_an_unknown_direction_is_named(vectors):
    with pytest.raises(UnknownName, match="direction 'key_to_query'"):
        info_nce(*vectors, direction="key_to_query")


def test_cosines_stay_exact_where_products_are_taken_in_bfloat16():
    draw = torch.Generator().manual_seed(0)
    query, key = torch.randn(20, 8, generator=draw), torch.randn(30, 8, generator=draw)
    wanted = torch.nn.functional.cosine_similarity(query[:, None], key[None], dim=2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = cosines(query, key)
        assert (query @ key.T).dtype == torch.bfloat16
    assert made.dtype == torch.float32
    torch.testing.assert_close(made, wanted, atol=1e-6, rtol=0)
    assert cosines(query.double(), key.double()).dtype == torch.float64


@pytest.mark.parametrize("label", [None, [0, 1, 0, 2, 1, 3, 0]])
def test_nt_xent_equals_a_loop_over_all_vectors(vectors, label):
    query, key = vectors
    both, names = torch.cat([query, key]), [*range(7)] if label is None else label
    total, candidates = 0.0, []
    for i in range(14):
        partner = (i + 7) % 14
        others = [j for j in range(14) if j == partner or names[j % 7] != names[i % 7]]
        scores = {j: math.exp(float(torch.cosine_similarity(both[i], both[j], dim=0)) / 0.3) for j in others}
        total -= math.log(scores[partner] / sum(scores.values()))
        candidates.append(math.log(len(others)))
    exclude = None if label is None else same_row(torch.tensor(label))
    loss, chance = nt_xent(query, key, temperature=0.3, exclude=exclude)
    assert float(loss) == pytest.approx(total / 14)
    assert chance == pytest.approx(sum(candidates) / 14)


def test_nt_xent_of_vectors_that_tell_nothing_is_its_chance():
    same, exclude = torch.ones(6, 4), same_row(torch.tensor([0, 0, 1, 2, 2, 2]))
    for told in (None, exclude):
        loss, chance = nt_xent(same, same, exclude=told)
        assert float(loss) == pytest.approx(chance)
    assert nt_xent(same, same)[1] == pytest.approx(math.log(11))
