"""The problems are the protocol's instances, and their evaluations are counted."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from suite.optimization.sparse_ot import problem as problems

KS = (1, 2, 20)
GRID = [(gamma, k) for gamma in (1.0, 10.0) for k in KS]


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams."""

    def each(self, purpose):
        return [np.random.default_rng((len(purpose), i)) for i in self.replicates]


def streams(first=0, count=2):
    return Streams(replicates=range(first, first + count), device="cpu")


def plane(first=0, count=2, grid=GRID, weights="unequal"):
    gamma, k = zip(*grid, strict=True)
    return problems.plane(gamma, weights, k, streams=streams(first, count), n=count)


def test_points_in_the_plane_are_those_of_the_seed():
    """P3 of replicate s is made of the normal points of RandomState(s), targets sheared, moved."""
    made = plane(first=3)
    for row, seed in enumerate((3, 4)):
        r = np.random.RandomState(seed)
        xs, xt = r.randn(20, 2), r.randn(20, 2) @ np.array([[1, -0.8], [-0.8, 1]]) + 4
        C = ((xs[:, None] - xt[None]) ** 2).sum(-1)
        np.testing.assert_allclose(made.C[row].numpy(), C, rtol=1e-13)


def test_unequal_weights_are_those_of_the_shifted_seed():
    """P3w of replicate s draws a, then b, from RandomState(1000 + s)."""
    made = plane(first=5, grid=[(1.0, 2)])
    for row, seed in enumerate((5, 6)):
        r = np.random.RandomState(1000 + seed)
        a, b = r.rand(20) + 0.1, r.rand(20) + 0.1
        np.testing.assert_array_equal(made.a[row].numpy(), a / a.sum())
        np.testing.assert_array_equal(made.b[row].numpy(), b / b.sum())


def test_a_stack_is_laid_out_as_cell_then_replicate():
    """Row (cell, replicate) of a stack has the cell's settings and the replicate's instance."""
    made = plane()
    assert made.n == len(made.a) == 2 * len(GRID)
    for cell, (gamma, k) in enumerate(GRID):
        for replicate in range(2):
            row = 2 * cell + replicate
            assert (float(made.gamma[row]), int(made.k[row])) == (gamma, k)
            assert torch.equal(made.C[row], made.C[replicate])
            assert torch.equal(made.a[row], made.a[replicate])


def test_uniform_weights_are_uniform():
    """P3u has the points of P3w and weights of 1/20."""
    made = plane(weights="uniform")
    assert bool((made.a == 1 / 20).all())
    assert bool((made.b == 1 / 20).all())
    assert torch.equal(made.C, plane().C)


def test_marginals_have_one_sum_everywhere():
    """Row and column marginals have equal sums on every problem, so that a plan exists."""
    tested = [
        plane(),
        problems.gaussians(("A", "B"), (1, 2), streams=streams(count=1), n=1),
        problems.gaussians(("demo",), (2,), streams=streams(count=1), n=1),
        problems.colours(
            ("astronaut-coffee", "coffee-chelsea"), (1, 2), streams=streams(count=1), n=1
        ),
        problems.routing((8,), streams=streams(), n=2),
        problems.clouds(20, 3, 2, streams=streams(), n=2),
    ]
    for made in tested:
        torch.testing.assert_close(made.a.sum(1), made.b.sum(1), rtol=1e-12, atol=0)
        assert bool((made.b > 0).all())


def test_pair_b_adds_its_peaks_at_equal_height():
    """The two peaks of pair B are equally high before the sum is normalised once."""
    b = problems.gaussians(("B",), (1,), streams=streams(count=1), n=1).b[0].numpy()
    x = np.arange(32)
    both = np.exp(-((x - 8) ** 2) / 50) + np.exp(-((x - 24) ** 2) / 50)
    np.testing.assert_allclose(b, both / both.sum(), rtol=1e-13)
    # Normalising each peak first would lift the one that the last bin cuts off.
    assert abs(b[8] - b[24]) < 1e-3 * b[8]


def test_costs_of_the_line_are_divided_by_their_maximum():
    """P1, P2 and the demo have costs (x - y)^2 / max, and the demo its own gamma."""
    made = problems.gaussians(("demo",), (2,), streams=streams(count=1), n=1)
    assert made.C.shape == (1, 100, 100)
    assert float(made.C.max()) == 1.0
    assert float(made.C[0, 3, 7]) == pytest.approx(16 / 99**2)
    assert float(made.gamma[0]) == 0.1


def test_router_gates_are_the_softmax_of_the_seed():
    """P5 has C = -softmax of 2 RandomState(s).randn(64, 8), one per token and 8 per expert."""
    made = problems.routing((8,), streams=streams(first=7), n=2)
    logits = 2 * np.random.RandomState(7).randn(64, 8)
    odds = np.exp(logits)
    np.testing.assert_allclose(made.C[0], -odds / odds.sum(1, keepdims=True), rtol=1e-12)
    assert bool((made.a == 1).all())
    assert bool((made.b == 8).all())


def test_a_race_has_fresh_problems_in_every_round():
    """No two problems of a race are equal, within a round or between rounds."""
    made = problems.clouds(20, 3, 2, streams=streams(count=2), n=2)
    assert made.n == 2
    assert len({row.numpy().tobytes() for row in made.C}) == 6
    torch.testing.assert_close(made.C.amax(dim=(1, 2)), torch.ones(6, dtype=torch.float64))


def test_evaluations_are_counted_per_problem_and_summed_per_replicate():
    """A counted function adds one at every call; calls sums a replicate's batch."""
    made = problems.clouds(20, 3, 2, streams=streams(count=2), n=2)
    for i, one in enumerate(made.each()):
        double = one.counted(lambda x: 2 * x)
        assert [double(x) for x in range(i)] == [2 * x for x in range(i)]
    assert made.evaluations.tolist() == [0, 1, 2, 3, 4, 5]
    assert made.calls.tolist() == [3, 12]


def test_problems_come_one_at_a_time_for_those_who_take_no_batch():
    """`each` gives the arrays of every problem, or of the first so many."""
    made = plane()
    assert len(list(made.each(3))) == 3
    ones = list(made.each())
    assert len(ones) == len(made.a)
    np.testing.assert_array_equal(ones[5].C, made.C[5].numpy())
    assert ones[5].k == int(made.k[5])


def test_equal_instances_are_recognised_whatever_their_k():
    """Cells that differ in k only share an instance; other gamma or seeds do not."""
    made = plane()
    first, instance = made.instances()
    assert len(first) == 2 * 2
    for row in range(len(made.a)):
        same = int(first[instance[row]])
        assert torch.equal(made.C[same], made.C[row])
        assert torch.equal(made.a[same], made.a[row])
        assert float(made.gamma[same]) == float(made.gamma[row])
