"""The hard instances are the paper's: exact, hard for whom they should be, and at these figures."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.optimization.last_iterate import contenders as who
from suite.optimization.last_iterate import schedules
from suite.optimization.last_iterate.bench_last_iterate import FLAT
from suite.optimization.last_iterate.geometry import Euclidean
from suite.optimization.last_iterate.hard import PATHS, Harvey, grids, hard, harvey, one_run
from suite.optimization.last_iterate.method import mirror_descent

INSTANCES = ("inverse_sqrt", "constant")
T_OF_FIXTURES = torch.tensor([64, 256, 1024, 4096])


def rows_of(instance, T):
    """Return the matrix of all H_i, (T + 1, T), by its definition."""
    j = np.arange(1, T + 1)
    a = 1 / (8 * (T - j + 1))
    b = np.sqrt(j) / (2 * np.sqrt(T)) if instance == "inverse_sqrt" else np.full(T, 0.5)
    H = np.tril(np.broadcast_to(a, (T + 1, T)), -1)
    H[np.arange(T), np.arange(T)] = -b
    return H


def scaled_gap(problem, x):
    """Return sqrt(T) f(x)."""
    return (problem.T.sqrt() * problem.gap(x)).numpy()


def growth(problem, x):
    """Return the slope of sqrt(T) gap over ln T."""
    return np.polyfit(np.log(problem.T.numpy()), scaled_gap(problem, x), 1)[0]


@pytest.mark.parametrize("instance", INSTANCES)
@given(seed=st.integers(0, 10**6), T=st.integers(2, 20), support=st.integers(0, 20))
def test_the_oracle_is_that_of_the_whole_matrix(instance, seed, T, support):
    """Value and subgradient are the maximum over all rows and the smallest maximal row.

    Zeros at the end of x, where the oracle stops looking, change nothing; nor does the padding of
    a row by a longer one beside it.
    """
    H, rng = rows_of(instance, T), np.random.default_rng(seed)
    problem = harvey(instance, torch.tensor([T, T + 3]))
    for _ in range(3):
        x = torch.zeros(2, T + 4, dtype=torch.float64)
        x[0, : min(support, T)] = torch.tensor(rng.integers(-3, 4, min(support, T)) / 7)
        v = H @ x[0, :T].numpy()
        i = np.flatnonzero(v >= v.max() - 1e-12)[0]
        g = problem.slope(x)
        np.testing.assert_allclose(g[0, :T], H[i], rtol=1e-15, atol=0)
        assert not g[0, T:].any()
        assert problem.gap(x)[0].item() == pytest.approx(v.max(), abs=1e-15)
        assert torch.equal(problem.slope_of_tensor(x), g)


@pytest.mark.parametrize("instance", INSTANCES)
def test_zero_is_optimal_and_f_is_1_lipschitz(instance):
    """0 lies in the convex hull of the rows, by the recursion of the proof, and no row is long."""
    H = rows_of(instance, 50)
    assert (np.linalg.norm(H, axis=1) <= 1).all()
    weights = np.zeros(51)
    weights[50] = 1
    for j in range(49, -1, -1):
        weights[j] = H[50, j] * weights[j + 1 :].sum() / -H[j, j]
    np.testing.assert_allclose(weights / weights.sum() @ H, 0, atol=1e-15)
    assert harvey(instance, torch.tensor([50])).gap(torch.zeros(1, 51).double()).item() == 0


def the_point_before_the_last(problem):
    """Return x_T of linear decay, which the paper does not speak of."""
    last = schedules.times(problem.T)[0] == problem.T[:, None]
    steps = schedules.linear_decay(problem.T, problem.eta)
    return mirror_descent(problem, steps, average=last.double())


FIXTURES = [
    ("inverse_sqrt", who.inverse_sqrt, (0.2428, 0.3070, 0.3717, 0.4366)),
    ("inverse_sqrt", who.uniform_average, (0.0491, 0.0511, 0.0518)),
    ("inverse_sqrt", who.suffix_average, (0.0816, 0.0852, 0.0864)),
    ("inverse_sqrt", who.linear_decay, (0.0349, 0.0342, 0.0339, 0.0339)),
    ("inverse_sqrt", who.average_of_linear_decay, (0.0142, 0.0141, 0.0141)),
    ("inverse_sqrt", who.phases, (0.0474, 0.0478, 0.0480)),
    ("inverse_sqrt", the_point_before_the_last, (0.0341, 0.0340, 0.0339)),
    ("constant", who.constant, (0.2478, 0.3127, 0.3777, 0.4427)),
    ("constant", who.linear_decay, (0.0553, 0.0549, 0.0547, 0.0547)),
]


@pytest.mark.parametrize(("instance", "contender", "expected"), FIXTURES)
def test_figures_of_two_independent_implementations(instance, contender, expected):
    """sqrt(T) gap at T = 64, 256, ..., to 1024 or 4096, is as a prototype and its audit have it."""
    problem = harvey(instance, T_OF_FIXTURES[: len(expected)])
    np.testing.assert_allclose(scaled_gap(problem, contender(problem)), expected, atol=5.1e-5)
    assert problem.calls.tolist() == problem.T.tolist()


def test_steps_of_one_over_sqrt_t_pay_the_proven_logarithm():
    """f(x_{T+1}) is at least ln T / (32 sqrt T), at every horizon (check 4)."""
    problem = harvey("inverse_sqrt", torch.arange(2, 129))
    scaled = scaled_gap(problem, who.inverse_sqrt(problem))
    assert (scaled >= np.log(problem.T.numpy()) / 32).all()


@pytest.mark.parametrize(
    ("instance", "schedule", "largest"),
    [
        ("inverse_sqrt", schedules.inverse_sqrt, 0.37),
        ("constant", schedules.constant, 0.39),
        ("inverse_sqrt", schedules.linear_decay, 0.12),
        ("constant", schedules.linear_decay, 0.26),
    ],
)
def test_no_run_leaves_the_unit_ball(instance, schedule, largest):
    """Projected and unprojected runs agree bit for bit, and norms are as measured (check 5)."""

    class Watched(Euclidean):
        norms = []  # noqa: RUF012

        def step(self, x, g, eta):
            z = super().step(x, g, eta)
            self.norms.append(float(z.norm(dim=-1).max()))
            return z

    problem = harvey(instance, torch.tensor([64, 256, 1024]))
    steps = schedule(problem.T, problem.eta)
    free = mirror_descent(problem, steps, geometry=Watched())
    ball = mirror_descent(problem, steps, geometry=Euclidean(radius=1.0))
    assert bool((free == ball).all())
    assert max(Watched.norms) == pytest.approx(largest, abs=0.005)


class OfTensors(Harvey):
    """The oracle that other devices have, on the CPU."""

    def slope(self, x):
        return self.slope_of_tensor(x)


@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("contender", [who.inverse_sqrt, who.linear_decay, who.ascent])
def test_both_oracles_lead_to_the_same_bits(instance, contender):
    """Whole runs, rows that finish first among them, end at one point in numpy and in torch."""
    ours = harvey(instance, torch.tensor([1, 2, 64, 100, 300]))
    theirs = OfTensors(T=ours.T, x1=ours.x1, D=0.0, M=2.0, eta=1.0, a=ours.a, b=ours.b)
    assert torch.equal(contender(theirs), contender(ours))


class LargestIndex(Harvey):
    """A mutant whose oracle answers the LARGEST maximal index."""

    def slope(self, x):
        v, T = self.products(x), self.T[-len(x) :, None]
        j = torch.arange(v.shape[1])
        maximal = (v >= v.amax(dim=1, keepdim=True) - 1e-12) & (j <= T)
        i = torch.where(maximal, j, 0).amax(dim=1, keepdim=True)
        a, b = self.a[-len(x) :], self.b[-len(x) :]
        return torch.where(j < i, a, 0.0).scatter(1, i, -b.gather(1, i))


def test_with_the_largest_index_the_instance_is_not_hard():
    """Breaking ties the other way loses the logarithm: the tie is what makes the instance hard."""
    right = harvey("inverse_sqrt", T_OF_FIXTURES[:3])
    wrong = LargestIndex(T=right.T, x1=right.x1, D=0.0, M=2.0, eta=1.0, a=right.a, b=right.b)
    x = who.inverse_sqrt(wrong)
    assert growth(wrong, x) < 0.01
    assert scaled_gap(wrong, x)[0] == pytest.approx(0.072, abs=5e-4)
    assert growth(right, who.inverse_sqrt(right)) > 0.03


def halfway(t, T):
    return (1 - 0.5 * (t - 1) / T) / np.sqrt(T)


MUTANTS = {
    "decay to one half": (halfway, 0.0230, 0.124),
    "a 10% floor": (lambda t, T: np.maximum((T - t + 1) / T, 0.1) / np.sqrt(T), 0.0044, 0.043),
    "increasing": (lambda t, T: t / T**1.5, 0.0458, 0.181),
    "T - t": (lambda t, T: (T - t) / T**1.5, 0.0005, 0.0316),
    "T - t + 2": (lambda t, T: (T - t + 2) / T**1.5, -0.0009, 0.0382),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant_schedules_have_the_figures_of_the_protocol(mutant):
    """Those with a logarithm grow by more than the margin; those off by one differ at T = 64."""
    formula, slope, first = MUTANTS[mutant]
    problem = harvey("inverse_sqrt", torch.tensor([64, 256, 1024]))
    t, T = (part.numpy() for part in schedules.times(problem.T))
    x = mirror_descent(problem, torch.from_numpy(np.where(t <= T, formula(t, T), 0.0)))
    grown = growth(problem, x)
    assert grown == pytest.approx(slope, abs=0.0015)
    assert scaled_gap(problem, x)[0] == pytest.approx(first, abs=6e-4)
    assert abs(scaled_gap(problem, x)[0] - 0.0349) > 5e-4
    assert (abs(grown) > FLAT) == (slope > FLAT)


def test_the_grids_interleave():
    """Replicate r has T = round(2^(6 + octave + r/8)): eight disjoint grids of octaves."""
    T = grids(range(5), range(8)).reshape(5, 8)
    assert T[:, 0].tolist() == [64, 128, 256, 512, 1024]
    assert T[4, 7] == 1878
    assert len(T.unique()) == 40
    assert grids((1,), range(2, 4)).tolist() == [round(2**7.25), round(2**7.375)]


def test_there_are_eight_grids_and_no_more():
    """A ninth replicate would repeat the first one's horizons."""
    with pytest.raises(ValueError, match="8 grids"):
        grids((0,), range(9))


def test_progress_needs_steps():
    """eps |x| has D = 1/2 and eps = 8/sqrt(T) at T = 2^(6 + octave); figures as measured before."""
    streams = SimpleNamespace(
        replicates=range(2),
        device="cpu",
        numpy=lambda purpose: np.random.default_rng(len(purpose)),
    )
    problem = hard("progress", (0, 2), streams=streams, n=2)
    assert problem.T.tolist() == [64, 64, 256, 256]
    assert problem.x1.shape == (4, PATHS)
    x = who.linear_decay(problem)
    scaled = problem.T.sqrt() * problem.gap(x).mean(dim=1)
    assert scaled[2:].mean() == pytest.approx(0.0114, abs=0.001)
    still = problem.T.sqrt() * problem.gap(problem.x1).mean(dim=1)
    torch.testing.assert_close(still, torch.full_like(still, 8))
    steps = schedules.linear_decay(problem.T, problem.eta)
    bound = schedules.expected_gap_bound(steps, problem.D, problem.M, problem.sigma)
    assert float(bound[2] * 16) == pytest.approx(5.91, abs=0.005)


def test_the_hard_experiment_takes_the_grids_of_its_replicates():
    """Instances without noise stack octaves by the replicates' own horizons."""
    streams = SimpleNamespace(replicates=range(1, 3), device="cpu")
    problem = hard("constant", (0, 1), streams=streams, n=2)
    assert problem.T.tolist() == grids((0, 1), range(1, 3)).tolist()
    assert problem.eta == 1.0
    assert one_run("constant", 9, streams=streams, n=2).T.tolist() == [9, 9]
