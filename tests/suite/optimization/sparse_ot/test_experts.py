"""The mixture of experts routes within capacity, trains, and is scored by its test images."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from suite.optimization.sparse_ot import experts


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams."""

    def each(self, purpose):
        return [np.random.default_rng((len(purpose), i)) for i in self.replicates]


ROUTES = [experts.top_one, experts.expert_choice, experts.sinkhorn, experts.sparse_transport]


def digits(steps=1, n=2):
    streams = Streams(replicates=range(n), device="cpu")
    return experts.digits(8, steps, streams=streams, n=n)


@pytest.fixture(scope="module")
def logits():
    return 2 * torch.randn(3, 64, 8, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("route", ROUTES)
def test_no_expert_takes_more_than_its_capacity(route, logits):
    """Every router gives 0 or 1 and at most 8 tokens to an expert."""
    taken = route(logits, 8)
    assert set(taken.unique().tolist()) <= {0.0, 1.0}
    assert int(taken.sum(dim=1).max()) <= 8


def test_token_choice_gives_each_token_its_best_expert_or_none(logits):
    """A token that is taken is taken by its best expert, and at capacity the best gates stay."""
    taken = experts.top_one(logits, 8)
    assert bool((taken.sum(dim=-1) <= 1).all())
    assert bool((logits.argmax(dim=-1) == taken.argmax(dim=-1))[taken.sum(dim=-1) == 1].all())
    crowded = torch.zeros(1, 3, 8, dtype=torch.float64)
    crowded[0, :, 0] = torch.tensor([2.0, 3.0, 1.0])
    assert experts.top_one(crowded, 2)[0, :, 0].tolist() == [1, 1, 0]


def test_sparse_transport_takes_every_token_at_balance(logits):
    """At capacity 8 for 64 tokens and 8 experts no token is left over."""
    assert bool((experts.sparse_transport(logits, 8).sum(dim=-1) >= 1).all())


def test_lost_tokens_add_nothing():
    """A token that no expert takes has logits of zero."""
    problem = digits()
    found = experts.forward(
        problem.weights, problem.x[:, :64], lambda logits, k: torch.zeros_like(logits), 8
    )
    assert bool((found == 0).all())


def test_training_learns_and_replicates_do_not_meet():
    """Forty steps beat chance clearly, and a replicate trains the same alone and in company."""
    trained = experts.train(digits(steps=40), experts.expert_choice)
    found = experts.measure(digits(), trained)
    assert bool((found["accuracy"] > 0.3).all())
    alone = experts.train(digits(steps=40, n=1), experts.expert_choice)
    for ours, theirs in zip(alone.weights, trained.weights, strict=True):
        torch.testing.assert_close(ours[0], theirs[0], rtol=1e-9, atol=1e-12)


def test_accuracy_counts_the_test_images():
    """Experts that ignore their input and always say 3 are right on the threes."""
    problem = digits(n=1)
    router, first, second = (torch.zeros_like(w) for w in problem.weights)
    first[..., 0] = 1.0
    second[..., 0, 3] = 1.0
    route = lambda logits, k: torch.ones_like(logits)
    found = experts.measure(problem, experts.Trained((router, first, second), route))
    threes = (problem.y[:, -experts.TEST :] == 3).double().mean()
    assert float(found["accuracy"][0]) == pytest.approx(float(threes))
    assert float(found["lost_tokens"][0]) == 0
