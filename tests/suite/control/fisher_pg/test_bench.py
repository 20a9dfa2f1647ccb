"""Every contender answers, every estimand is right on numbers made by hand, every mutant fails."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from suite.control.fisher_pg import bench_fisher_pg as bench
from suite.control.fisher_pg import contenders as who
from suite.control.fisher_pg.problem import TwoChannel, two_channel

N = (64, 128, 256, 512, 1024, 2048)


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams: one per purpose."""

    device = "cpu"

    def numpy(self, purpose):
        return np.random.default_rng(sum(map(ord, purpose)))


def task(N=(8, 16), n=3, instance="B"):
    return two_channel(instance, N, streams=Streams(), n=n)


def subject(contender, N=N, n=256):
    """Return a contender's evidence as an estimand sees it, (replicate, cell)."""
    made = task(N, n)
    columns = bench.measure(made, contender(made))
    found = {name: column.reshape(len(N), n).T.numpy() for name, column in columns.items()}
    return {name: np.where(np.isnan(x), np.inf, x) for name, x in found.items()} | {
        "N": np.array(N)
    }


@pytest.mark.parametrize("experiment", ["instance_a", "instance_b", "dimension"])
def test_every_contender_answers_at_every_checkpoint(experiment):
    """All contenders return an error and a gap per checkpoint and replicate, and are counted."""
    for name, contender in getattr(bench, experiment).contenders.items():
        made = task(instance="A" if experiment == "instance_a" else "B")
        found = bench.measure(made, contender.function(made))
        two = "harpg" in name
        assert made.calls.tolist() == ([7.0] * 3 + [15.0] * 3 if two else [8.0] * 3 + [16.0] * 3)
        for column in found.values():
            assert column.shape == (6,), name
            assert bool((column > 0).all()), name


def test_errors_are_measured_before_the_step_and_gaps_after_it():
    """error = ||d_t - grad J(theta_t)||, gap = -J(theta_{t+1}), checkpoint by checkpoint."""
    made = task()
    step = who.n_pg_igt(made)
    found = bench.measure(made, step)
    mdp = made.mdp
    for at in range(2):
        rows = slice(3 * at, 3 * at + 3)
        error = (step.d[at] - mdp.gradient(step.theta[at])).norm(dim=1)
        torch.testing.assert_close(found["error"][rows], error)
        torch.testing.assert_close(found["gap"][rows], -mdp.J(step.following[at]))


def test_a_checkpoint_does_not_depend_on_the_others():
    """The run at N = 16 is the same whether N = 8 is looked at as well or not."""
    both, alone = who.n_harpg(task()), who.n_harpg(task(N=(16,)))
    assert all(torch.equal(one[1], other[0]) for one, other in zip(both, alone, strict=True))


def power(exponents, name="gap", N=N):
    """Return evidence whose replicates fall like N to these exponents."""
    N = np.array(N, dtype=float)
    return {name: 3 * N ** np.array(exponents)[:, None], "N": N}


def test_exponents_are_those_of_the_last_six_checkpoints():
    """Earlier checkpoints don't count, in whatever order cells stand; what is lost is infinite."""
    made = power([-0.5, -0.25], N=(16, 32, *N))
    made["gap"][:, :2] = 1e9
    np.testing.assert_allclose(bench.gap_exponent(made), [-0.5, -0.25])
    turned = {"gap": made["gap"][:, ::-1], "N": made["N"][::-1]}
    np.testing.assert_allclose(bench.gap_exponent(turned), [-0.5, -0.25])
    made["gap"][0, 5] = np.inf
    assert bench.gap_exponent(made)[0] == np.inf


def test_error_conditions_are_what_lies_below_theory_and_the_uncorrected_method():
    """-0.40 against -0.38 is 0.05 below what theory asks, and 0.02 below the opponent's."""
    found = bench.error_of_igt(power([-0.4], "error"), power([-0.38], "error"))
    np.testing.assert_allclose(list(found.values()), [[0.05], [0.02]])
    found = bench.error_of_harpg(power([-0.4], "error"), power([-0.45], "error"))
    np.testing.assert_allclose(list(found.values()), [[-0.02], [-0.05]])
    assert "-0.42" in next(iter(found))


def test_a_correction_that_does_nothing_fails():
    """A method that is its own ablation lies below its exponent by nothing, which is not below."""
    same = subject(who.igt_untransported, n=8)
    _, below = bench.error_of_igt(same, same).values()
    assert (below == 0).all()


def test_gaps_are_compared_by_their_exponents():
    """An opponent's -0.3 against -0.45 is 0.15 in favour."""
    np.testing.assert_allclose(bench.gap_falls_faster(power([-0.45]), power([-0.3])), [0.15])


def dropped(task):
    """Return N-HARPG without the product of gradient and score."""
    task.mdp.__class__ = Dropped
    return who.n_harpg(task)


class Dropped(TwoChannel):
    def hessian_vector(self, Psi, draw, v):
        return self._spread(draw, -v.gather(0, draw.place), Psi)


MUTANTS = {
    "look-ahead reversed": (who.igt_reversed, bench.error_of_igt, "igt"),
    "transport left out": (who.igt_untransported, bench.error_of_igt, "igt"),
    "correction reversed": (who.n_harpg_reversed, bench.error_of_harpg, "n_harpg"),
    "correction left out": (who.n_harpg_uncorrected, bench.error_of_harpg, "n_harpg"),
    "score product dropped": (dropped, bench.error_of_harpg, "n_harpg"),
    "plain correction reversed": (who.harpg_reversed, bench.error_of_harpg, "harpg"),
    "plain correction left out": (who.harpg_uncorrected, bench.error_of_harpg, "harpg"),
}


@pytest.fixture(scope="module")
def methods():
    return {
        "igt": subject(who.n_pg_igt),
        "n_harpg": subject(who.n_harpg),
        "harpg": subject(who.harpg),
    }


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_lose_against_their_method_on_the_error(mutant, methods):
    """256 replicates tell every mutant's error exponent from its method's by three deviations."""
    contender, estimand, family = MUTANTS[mutant]
    _, below = estimand(subject(contender), methods[family]).values()
    if np.isfinite(below).all():
        assert below.mean() < -3 * below.std() / 16
    else:
        assert np.median(below) < 0


def test_reversed_harpg_overflows_and_counts_as_the_worst_exponent():
    """Where a run overflows its exponent is infinite, so that the control fails its claim."""
    made = power([-0.5, -0.5], "error")
    made["error"][1, -1] = np.inf
    found = bench.error_of_harpg(made, power([-0.4, -0.4], "error"))
    assert all(effects[1] == -np.inf for effects in found.values())


@pytest.mark.parametrize("profile", ["smoke", "standard", "full"])
def test_claims_fit_the_bench_file(profile):
    """Every name in claim.toml resolves; only HARPG's gap waits for the full profile."""
    paper = bind(PaperFiles(find_root(), "control", "fisher_pg"), profile)
    left = {claim.id for claim in paper.file.claims} - {claim.id for claim in paper.claims}
    assert left == ({"harpg-gap"} if profile == "standard" else set())
