"""The last-layer model is the sheet's: fixed figures, autograd's derivatives, the exact KL."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.language.capo import method
from suite.language.capo.method import (
    AdamModel,
    Box,
    SGDModel,
    Shifts,
    TokenFilter,
    shifts,
    tokens_of,
)


def random_tokens(seed=0, K=2, n=5, V=6, d=4):
    """Return random tokens of K nets, with logits z = W h, in float64."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)
    W, h, A = draw(K, V, d), draw(K, n, d), draw(K, n)
    a = torch.randint(V, (K, n), generator=generator)
    return W, a, tokens_of(h @ W.mT, h, a, A)


def example():
    """Return the sheet's numeric example (check 1)."""
    pi = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    h = torch.tensor([1.0, 0.0], dtype=torch.float64)
    a, A = torch.tensor([[0]]), torch.ones(1, 1, dtype=torch.float64)
    return tokens_of(pi.log().view(1, 1, 3), h.view(1, 1, 2), a, A)


def surrogate(W, h, a, A, pi):
    """Return A pi_new(a) / pi_old(a) of one token."""
    return A * (W @ h).softmax(0)[a] / pi[a]


def test_numeric_example():
    """V = 3, lr = 0.1: m_H = 0.037994 and m_F = 0.000722 (check 1)."""
    tokens = example()
    m = shifts(tokens, SGDModel().products(tokens), 0.1)
    assert float(m.H) == pytest.approx(0.037994, abs=1e-12)
    assert float(m.F) == pytest.approx(0.000722, abs=1e-12)


@pytest.mark.parametrize(
    ("broken", "m_H"),
    [("sign", 0.039450), ("without uFu", 0.038722), ("without (v.u)^2", 0.037272)],
)
def test_numeric_example_tells_mutants_apart(broken, m_H):
    """A wrong sign, and each omission, gives another fourth digit than 0.037994."""
    tokens = example()
    u, lr = SGDModel().products(tokens), 0.1
    vu = float((tokens.v * u).sum())
    uFu = float((tokens.pi * u**2).sum() - (tokens.pi * u).sum() ** 2)
    curvature = {"sign": vu**2 + uFu, "without uFu": vu**2, "without (v.u)^2": -uFu}[broken]
    assert lr * vu + lr**2 / 2 * curvature == pytest.approx(m_H, abs=1e-9)
    assert abs(float(shifts(tokens, u, lr).H) - m_H) > 5e-4


def test_shifts_are_those_of_the_full_matrices():
    """The cheap form equals products with g, H and the Fisher matrix on vec(W) (check 10)."""
    _, _, tokens = random_tokens()
    G = torch.randn(2, 5, 6, 4, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    m = shifts(tokens, (G @ tokens.h.unsqueeze(-1)).squeeze(-1), 0.3)
    for k in range(2):
        for i in range(5):
            pi, h, v, A = (part[k, i] for part in tokens)
            F = torch.diag(pi) - torch.outer(pi, pi)
            H = A * torch.kron(torch.outer(v, v) - F, torch.outer(h, h))
            fisher = torch.kron(torch.outer(v, v), torch.outer(h, h))
            g, step = A * torch.outer(v, h).flatten(), 0.3 * G[k, i].flatten()
            expected = g @ step + step @ H @ step / 2
            torch.testing.assert_close(m.H[k, i], expected)
            torch.testing.assert_close(m.F[k, i], step @ fisher @ step / 2)


def test_gradient_and_curvature_are_autograds():
    """m_H's two terms are the first two derivatives of A pi_new(a)/pi_old(a) along G."""
    W, a, tokens = random_tokens()
    G = torch.randn(6, 4, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    u = (G @ tokens.h.unsqueeze(-1)).squeeze(-1)
    pi, h, _, A = (part[1, 2] for part in tokens)
    along = lambda s: surrogate(W[1] + s * G, h, a[1, 2], A, pi)
    at = torch.zeros((), dtype=torch.float64)
    slope = torch.autograd.functional.jacobian(along, at)
    curve = torch.autograd.functional.hessian(along, at)
    once, twice = (float(shifts(tokens, u, lr).H[1, 2]) for lr in (1.0, 2.0))
    assert 2 * once - twice / 2 == pytest.approx(float(slope))  # lr^2 eliminated
    assert twice - 2 * once == pytest.approx(float(curve))


def test_finite_differences_leave_a_cubic_rest():
    """(surrogate change - m_H) / lr^3 settles as lr falls, with the SGD model (check 3)."""
    W, a, tokens = random_tokens(seed=3)
    u = SGDModel().products(tokens)
    pi, h, v, A = (part[0, 0] for part in tokens)
    g = A * torch.outer(v, h)
    rests = []
    for lr in (1e-2, 1e-3, 1e-4):
        change = surrogate(W[0] + lr * g, h, a[0, 0], A, pi) - A
        rests.append(float(change - shifts(tokens, u, lr).H[0, 0]) / lr**3)
    assert abs(rests[0]) > 1e-3
    assert rests[1] == pytest.approx(rests[2], rel=0.02)
    assert rests[0] == pytest.approx(rests[1], rel=0.15)


def test_mean_over_actions_is_the_fisher_form_and_the_kl():
    """E_a m_F = lr^2/2 u^T F u to rounding, and KL(pi || pi_new) to second order (checks 2, 9)."""
    W, _, tokens = random_tokens(n=1, K=1)
    pi, h = tokens.pi[0, 0], tokens.h[0, 0]
    G = torch.randn(6, 4, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    V, u, F = len(pi), G @ h, torch.diag(pi) - torch.outer(pi, pi)
    every = tokens_of(
        (W[0] @ h).expand(1, V, V), h.expand(1, V, -1), torch.arange(V).view(1, V),
        torch.ones(1, V, dtype=torch.float64),
    )  # fmt: skip
    off = []
    for length in (0.05, 0.01):
        lr = length / float(u.norm())
        mean = float((pi * shifts(every, u.expand(1, V, V), lr).F[0]).sum())
        assert mean == pytest.approx(float(lr**2 / 2 * u @ F @ u), rel=1e-12)
        new = ((W[0] + lr * G) @ h).log_softmax(0)
        off.append(abs(mean / float((pi * (pi.log() - new)).sum()) - 1))
    assert off[0] < 0.01
    assert off[1] == pytest.approx(off[0] / 5, rel=0.1)  # of first order in lr


@given(st.integers(0, 2**16))
def test_an_advantage_of_zero_moves_nothing_by_gradient(seed):
    """With A = 0 the SGD model has m_H = m_F = 0; Adam's moments may still move it (check 4)."""
    _, _, tokens = random_tokens(seed)
    idle = tokens._replace(A=torch.zeros_like(tokens.A))
    m = shifts(idle, SGDModel().products(idle), 0.1)
    assert not m.H.any()
    assert not m.F.any()
    model = AdamModel()
    model.learn(tokens, torch.ones_like(tokens.A))
    m = shifts(idle, model.products(idle), 0.1)
    assert not m.H.any()
    assert (m.F > 0).all()


def test_adam_step_without_moments_has_one_length_for_all_gradients():
    """|G| = 1, .744, .484, .877, 3.162 at t = 0, 1, 9, 79 and infinity (checks 7, 9)."""
    g = torch.tensor([[0.1, -5.0]], dtype=torch.float64)
    zero = torch.zeros_like(g)
    expected = {0: 1.0, 1: 0.744, 9: 0.484, 79: 0.877, 10**6: 3.162}
    for t, length in expected.items():
        G = method.adam_step(g.clone(), zero, zero, t)
        assert G.sign().equal(g.sign())
        np.testing.assert_allclose(G.abs(), length, atol=6e-4)


def test_adam_model_looks_one_update_ahead():
    """The step it proposes is torch.optim.Adam's own, moments being those of earlier updates."""
    _, _, tokens = random_tokens(K=1, n=3)
    weight = torch.zeros(6, 4, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([weight], lr=1.0, betas=(0.9, 0.999), eps=1e-8)
    model = AdamModel()
    accepted = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
    g = tokens.A[0, :, None, None] * tokens.v[0].unsqueeze(-1) * tokens.h[0].unsqueeze(-2)
    for _ in range(4):
        weight.grad = -(g[0] + g[2]) / 2  # torch descends, g ascends
        adam.step()
        model.learn(tokens, accepted)
    before = weight.detach().clone()
    weight.grad = -g[1]
    adam.step()
    expected = (weight.detach() - before) @ tokens.h[0, 1]
    torch.testing.assert_close(model.products(tokens)[0, 1], expected)


def test_first_step_is_the_gradient_and_moments_stay_while_looking():
    """Before any update G = g; proposing steps changes no moment."""
    _, _, tokens = random_tokens()
    model = AdamModel()
    torch.testing.assert_close(model.products(tokens), SGDModel().products(tokens))
    model.learn(tokens, torch.ones_like(tokens.A))
    M, S = model.M.clone(), model.S.clone()
    model.products(tokens)
    assert torch.equal(model.M, M)
    assert torch.equal(model.S, S)
    assert model.t == 1


def test_moments_decay_where_all_tokens_are_rejected():
    """The mean gradient of no tokens is zero: M falls by 0.9, S by 0.999 (check 6)."""
    _, _, tokens = random_tokens()
    model = AdamModel()
    model.learn(tokens, torch.ones_like(tokens.A))
    M, S = model.M, model.S
    rejected = torch.ones_like(tokens.A)
    rejected[0] = 0
    model.learn(tokens, rejected)
    torch.testing.assert_close(model.M[0], 0.9 * M[0])
    torch.testing.assert_close(model.S[0], 0.999 * S[0])
    assert not torch.allclose(model.M[1], 0.9 * M[1])
    assert model.t == 2


def test_shifts_scale_with_lr_not_with_the_advantage_in_the_adam_limit():
    """Without moments to speak of, m_F grows as lr^2 and does not feel a doubled A (check 7)."""
    _, _, tokens = random_tokens()
    model = AdamModel()
    model.learn(tokens, torch.zeros_like(tokens.A))
    one = shifts(tokens, model.products(tokens), 0.1).F
    torch.testing.assert_close(shifts(tokens, model.products(tokens), 0.2).F, 4 * one)
    doubled = tokens._replace(A=2 * tokens.A)
    torch.testing.assert_close(
        shifts(doubled, model.products(doubled), 0.1).F, one, rtol=1e-5, atol=0
    )


def test_rates_may_differ_between_nets():
    """lr of shape (K, 1) gives each net what its own number gives."""
    _, _, tokens = random_tokens()
    u = SGDModel().products(tokens)
    both = shifts(tokens, u, torch.tensor([[0.1], [0.3]], dtype=torch.float64))
    for k, lr in enumerate((0.1, 0.3)):
        torch.testing.assert_close(both.H[k], shifts(tokens, u, lr).H[k])


def test_acceptance_is_a_box():
    """A token stays inside both bounds, on either side of zero; on a bound it goes."""
    m = Shifts(
        H=torch.tensor([[0.0, 0.1, -0.1, 0.09, -0.09, 0.0]]),
        F=torch.tensor([[0.0, 0.0, 0.0, 0.009, 0.009, 0.01]]),
    )
    assert Box(0.01, 0.1)(None, m, None).tolist() == [[True, False, False, True, True, False]]
    assert Box(float("inf"), float("inf"))(None, m, None).all()


def batch_of(K=2, P=2, G=3, T=4, V=6, d=4):
    """Return a random batch whose last token of each sentence was never sampled."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(K, P, G, T, V, generator=generator, dtype=torch.float64)
    tokens = torch.randint(V, (K, P, G, T), generator=generator)
    mask = torch.ones(K, P, G, T, dtype=torch.float64)
    mask[..., -1] = 0
    return SimpleNamespace(
        logits=logits,
        hidden=torch.randn(K, P, G, T, d, generator=generator, dtype=torch.float64),
        tokens=tokens,
        logp=logits.log_softmax(-1).gather(-1, tokens.unsqueeze(-1))[..., 0],
        mask=mask,
        reward=torch.randn(K, P, G, generator=generator, dtype=torch.float64),
        lr=torch.full((K,), 0.1, dtype=torch.float64),
    )


def test_a_filter_masks_by_its_rule_and_learns_from_what_it_accepts():
    """What is left is the completion mask times the rule, and the moments are of that alone."""
    batch, model, shown = batch_of(), AdamModel(), []
    odd = torch.arange(24).remainder(2).expand(2, 24).bool()
    token_filter = TokenFilter(lambda *_: odd, model, lambda *seen: shown.append(seen))
    left = token_filter(batch, batch.reward)
    expected = batch.mask * odd.view_as(batch.mask)
    assert torch.equal(left, expected)
    reference, tokens = AdamModel(), method.tokens_of_batch(batch, batch.reward)
    reference.learn(tokens, expected.flatten(1))
    torch.testing.assert_close(model.M, reference.M)
    reference.learn(tokens, batch.mask.flatten(1))
    assert not torch.allclose(model.M, reference.M)
    (seen,) = shown
    torch.testing.assert_close(seen[1], shifts(tokens, SGDModel().products(tokens), 0.1))
    assert torch.equal(seen[2], batch.mask.flatten(1))
    assert torch.equal(seen[3], expected.flatten(1))


def test_tokens_of_a_batch_have_the_advantage_of_their_sentence():
    """Flattened in the order prompt, completion, token."""
    batch = batch_of()
    tokens = method.tokens_of_batch(batch, batch.reward)
    assert tokens.A[1].view(2, 3, 4)[1, 2].tolist() == [float(batch.reward[1, 1, 2])] * 4
    a = batch.tokens[1, 1, 2, 3]
    expected = -batch.logits[1, 1, 2, 3].softmax(-1)
    expected[a] += 1
    torch.testing.assert_close(tokens.v[1, 23], expected)
    torch.testing.assert_close(tokens.h[1, 23], batch.hidden[1, 1, 2, 3])


def test_loss_is_the_mean_over_sentences_of_means_over_accepted_tokens():
    """By a plain loop: sum over accepted tokens of -A, divided by their number or by 1."""
    batch = batch_of()
    keep = torch.zeros_like(batch.mask)
    keep[0, 0, 0, :2] = keep[0, 1, 1, 0] = keep[1, 1, 2, :3] = 1
    batch.logp.requires_grad_()
    loss = method.capo_loss(lambda reward: reward, lambda _batch, _A: keep)(batch)
    (found,) = torch.autograd.grad(loss.sum(), [batch.logp])
    for k, p, g in np.ndindex(2, 2, 3):
        number = max(1, int(keep[k, p, g].sum()))
        expected = -float(batch.reward[k, p, g]) * keep[k, p, g] / number / 6
        torch.testing.assert_close(found[k, p, g], expected)
