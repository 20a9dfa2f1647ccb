"""Each rule rejects the tokens that its name says, and as many as it says."""

import numpy as np
import pytest
import torch

from suite.language.capo import filters
from suite.language.capo.method import Box, Shifts, Tokens


def seen(K=2, n=50, V=6):
    """Return tokens, shifts and a mask that leaves out the last five; every fifth has A = 0."""
    generator = torch.Generator().manual_seed(0)
    pi = torch.rand(K, n, V, generator=generator).softmax(dim=-1)
    a = torch.randint(V, (K, n), generator=generator)
    v = torch.nn.functional.one_hot(a, V) - pi
    A = torch.randn(K, n, generator=generator)
    A[:, ::5] = 0
    m = Shifts(torch.randn(K, n, generator=generator), torch.rand(K, n, generator=generator))
    mask = torch.ones(K, n)
    mask[:, 45:] = 0
    return Tokens(pi, torch.zeros(K, n, 3), v, A), m, mask, pi.gather(-1, a.unsqueeze(-1))[..., 0]


def test_everything_is_kept():
    """The plain method's rule rejects nothing."""
    tokens, m, mask, _ = seen()
    assert filters.Everything()(tokens, m, mask).all()


def test_random_rejection_is_independent_of_the_tokens_and_shared_by_cells():
    """It rejects its share, anew at each step, alike in all cells and not in all replicates."""
    tokens, m, mask, _ = seen(K=4)
    rule = filters.AtRandom(0.3, [np.random.default_rng(seed) for seed in (0, 1)])
    first = rule(tokens, m, mask)
    assert torch.equal(first[:2], first[2:])
    assert not torch.equal(first[0], first[1])
    many = torch.stack([rule(tokens, m, mask) for _ in range(400)])
    assert not torch.equal(many[0], first)
    share = 1 - many[:, :2].float().mean(dim=0)
    assert float(share.mean()) == pytest.approx(0.3, abs=0.012)
    assert float((share - 0.3).abs().max()) < 0.12


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_least_probable_tokens_are_rejected(share):
    """Of the tokens that count, as many as the share says, and none more probable than the rest."""
    tokens, m, mask, p = seen()
    kept = filters.LeastProbable(share)(tokens, m, mask)
    for k in range(2):
        gone = ~kept[k] & (mask[k] > 0)
        assert int(gone.sum()) == round(share * 45)
        if gone.any():
            assert p[k, gone].max() <= p[k, kept[k] & (mask[k] > 0)].min()
    assert kept[:, 45:].all()


@pytest.mark.parametrize(("rule", "sign"), [(filters.LargestShift, 1), (filters.SmallestShift, -1)])
def test_extreme_shifts_are_rejected_among_tokens_with_an_advantage(rule, sign):
    """A tenth of those with A != 0 goes, from the top or from the bottom of m_F."""
    tokens, m, mask, _ = seen()
    kept = rule(0.1)(tokens, m, mask)
    counted = (mask > 0) & (tokens.A != 0)
    for k in range(2):
        gone = ~kept[k]
        assert int(gone.sum()) == round(0.1 * int(counted[k].sum()))
        assert counted[k, gone].all()
        assert (sign * m.F[k, gone]).min() >= (sign * m.F[k, counted[k] & kept[k]]).max()


def test_complement_is_the_other_half():
    """A token is kept by exactly one of the two."""
    tokens, m, mask, _ = seen()
    box = Box(0.5, 1.0)
    assert (box(tokens, m, mask) ^ filters.Complement(box)(tokens, m, mask)).all()


def test_ledger_counts_all_sampled_tokens():
    """Shares are of the sampled tokens, those without an advantage among them, bound by bound."""
    box = Box(1.0, 1.0)
    m = Shifts(
        H=torch.tensor([[0.0, 2.0, -2.0, 0.0, 9.0]]), F=torch.tensor([[0.0, 2.0, 0.0, 0.0, 9.0]])
    )
    A = torch.tensor([[1.0, 1.0, -1.0, 0.0, 1.0]])
    tokens = Tokens(torch.zeros(1, 5, 2), torch.zeros(1, 5, 2), torch.zeros(1, 5, 2), A)
    mask = torch.tensor([[1.0, 1, 1, 1, 0]])
    ledger = filters.Ledger(box)
    ledger(tokens, m, mask, mask * box(tokens, m, mask))
    ledger(tokens, m, mask, mask)
    assert [float(one) for one in ledger.rejected] == [0.5, 0.0]
    assert float(ledger.mean("F")) == 0.25
    assert float(ledger.mean("upper_H")) == 0.25
    assert float(ledger.mean("lower_H")) == 0.25
    assert float(ledger.mean("rewarded")) == 0.125
    assert float(filters.Ledger.mean(ledger, "none")) == 0
