"""Every contender answers at every profile, and every estimand is right on invented numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from suite.optimization.subgm import bench_subgm as bench
from suite.optimization.subgm import contenders as who
from suite.optimization.subgm.evaluate import measure, measure_path
from suite.optimization.subgm.problem import matrix_recovery

FILES = PaperFiles(find_root(), "optimization", "subgm")


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams."""

    def each(self, purpose):
        return [np.random.default_rng([*map(ord, purpose), i]) for i in self.replicates]


def recovery(d=8, r=2, m=300, T=300, search_rank=8, alpha=1e-3, n=2, **settings):
    streams = Streams(replicates=range(n), device="cpu")
    return matrix_recovery(d, r, m, T, search_rank, alpha, streams=streams, n=n, **settings)


@pytest.mark.parametrize("profile", ["smoke", "standard", "full"])
def test_claims_fit_the_bench_file(profile):
    """Every name in claim.toml resolves at every profile, and each has all claims."""
    paper = bind(FILES, profile)
    assert paper.claims == paper.file.claims


def shrunk(design, experiment):
    """Return the settings of a design's first unit at a size that takes no time."""
    first = design.cells[0]
    fixed = {name: value for name, value in first.items() if name not in experiment.stack}
    cells = [cell for cell in design.cells if fixed.items() <= cell.items()]
    settings = fixed | {name: tuple(cell[name] for cell in cells) for name in experiment.stack}
    small = {"d": 5, "r": 2, "m": 30, "T": min(first["T"], 151)}
    ranks = settings["search_rank"]
    ranks = tuple(min(k, 5) for k in ranks) if isinstance(ranks, tuple) else min(ranks, 5)
    return settings | small | {"search_rank": ranks}, len(cells)


@pytest.mark.parametrize("profile", ["standard", "full"])
@pytest.mark.parametrize(
    "name", ["initialisation", "overparameterisation", "outliers", "gaussian", "rate", "convex"]
)
def test_every_contender_answers(name, profile):
    """With the profile's cells, two replicates a block: finite columns, one entry per row."""
    paper = bind(FILES, profile)
    experiment = paper.experiments[name]
    settings, cells = shrunk(paper.designs[name], experiment)
    for contender in experiment.contenders.values():
        streams = Streams(replicates=range(2), device="cpu")
        problem = experiment.problem(**settings, streams=streams, n=2)
        tuned = {parameter: values[0] for parameter, values in contender.grid.items()}
        answer = contender.function(problem, **tuned)
        for column, values in experiment.measure(problem, answer).items():
            assert values.shape == (2 * cells,), (contender.name, column)
        assert problem.calls.shape == (2 * cells,)


def test_measures_tell_a_stall_at_zero_from_an_error():
    """Size is ||U U'||_F, 0 where nothing has grown; the error is then ||X*||_F."""
    problem = recovery(sigma=0.1)
    zero, one = torch.zeros(2, 8, 8).double(), torch.eye(8).double().expand(2, 8, 8)
    at_zero, at_one = measure(problem, zero), measure(problem, one)
    assert at_zero["size"].tolist() == [0, 0]
    torch.testing.assert_close(at_zero["error"], torch.full((2,), 2.0).double().sqrt())
    torch.testing.assert_close(at_one["size"], torch.full((2,), 8.0).double().sqrt())
    torch.testing.assert_close(at_one["error"], torch.full((2,), 6.0).double().sqrt())
    torch.testing.assert_close(at_zero["loss"], problem.y.abs().mean(dim=1)[:, 0])
    path = measure_path(problem, [zero, one])
    torch.testing.assert_close(path["error_0"], at_zero["error"])
    torch.testing.assert_close(path["error_50"], at_one["error"])
    torch.testing.assert_close(path["error"], at_one["error"])


def test_points_of_a_path_hold_its_ends():
    """Of 151 iterates, U_0, U_50, U_100 and U_150 are kept."""
    assert who.points(iter(range(151))) == [0, 50, 100, 150]


def test_a_path_is_that_of_the_last_iterate():
    """The last point of each path is where the same contender without a path ends."""
    made, again = (recovery(T=100, p=0.2, magnitude=10.0) for _ in range(2))
    assert torch.equal(who.small_path(made)[-1], who.geometric_steps(again))
    made, again = (recovery(T=100, p=0.2, magnitude=10.0) for _ in range(2))
    assert torch.equal(who.large_path(made)[-1], who.large_initialisation(again))
    assert made.calls.tolist() == [100, 100]


def test_the_method_recovers_where_its_controls_do_not():
    """At d = 8 small starts end below 0.01; short steps are used up near zero."""
    noise = {"p": 0.3, "magnitude": 10.0}
    found = {
        contender.__name__: measure(problem, contender(problem))
        for contender, problem in (
            (contender, recovery(m=400, T=500, alpha=1e-4, **noise))
            for contender in (who.geometric_steps, who.spectral_direction, who.short_schedule)
        )
    }
    assert float(found["geometric_steps"]["error"].max()) < 0.01
    assert float(found["spectral_direction"]["error"].max()) < 0.01
    assert float(found["short_schedule"]["size"].max()) < 0.1
    assert float(found["short_schedule"]["error"].min()) > 1.3


def test_clean_measurements_follow_alpha_with_adaptive_steps_only():
    """From alpha = 1e-2 to 1e-4 adaptive steps gain 100 times, constant ones less than 10."""
    settings = {"m": 1000, "T": 300, "alpha": (1e-2, 1e-4)}
    gains = {}
    for contender in (who.adaptive_steps, who.constant_steps):
        problem = recovery(**settings)
        large, small = problem.error(contender(problem)).unflatten(0, (2, 2))
        gains[contender.__name__] = float((large / small).min())
    assert gains["adaptive_steps"] > 100
    assert gains["constant_steps"] < 10


def grid(**settings):
    """Return the product of the settings, the first the slowest, as columns (cell,)."""
    mesh = np.meshgrid(*settings.values(), indexing="ij")
    return {name: part.ravel() for name, part in zip(settings, mesh, strict=True)}


def test_exponents_are_slopes_over_the_three_smallest_alphas():
    """Errors like alpha^1.5 and alpha^2 fall short of 1 by -0.5 and -1; alpha = 0.1 is left out."""
    cells = grid(m=[600, 1500], alpha=[1e-1, 1e-2, 1e-3, 1e-4])
    power = np.where(cells["m"] == 600, 1.5, 2.0)
    error = np.where(cells["alpha"] > 0.05, 7.0, cells["alpha"] ** power)
    found = bench.exponents_short_of({**cells, "error": np.stack((error, 3 * error))})
    assert list(found) == ["exponent 1 at m = 1500", "more at m = 1500 than at 600"]
    np.testing.assert_allclose(found["exponent 1 at m = 1500"], [-1, -1])
    np.testing.assert_allclose(found["more at m = 1500 than at 600"], [-0.5, -0.5])


def test_error_over_rank_takes_one_m_and_leaves_the_exact_rank_out():
    """At the two largest m the errors go like r'^2 and r'^0.5; r' = r does not count."""
    cells = grid(search_rank=[2, 4, 8, 30], m=[300, 400, 600])
    cells["r"] = np.full(12, 2)
    power = np.array([np.nan, 0.5, 2.0])[np.searchsorted([300, 400, 600], cells["m"])]
    error = np.where(cells["search_rank"] == 2, 99.0, cells["search_rank"] ** power)
    made = {**cells, "error": error[None]}
    np.testing.assert_allclose(bench.error_over_rank(made), [2])
    np.testing.assert_allclose(bench.error_over_rank_scarce(made), [0.5])


def test_outlier_conditions_are_named_and_in_orders_of_magnitude():
    """An error of 1e-4 against 1 is four orders ahead, three beyond tenfold, in every cell."""
    cells = grid(p=[0.1, 0.5], magnitude=[10.0, 100.0])
    ours, theirs = ({**cells, "error": np.array([[1e-4, 1e-4, 1e-4, e]])} for e in (1e-3, 1.0))
    theirs["error"] = np.ones((1, 4))
    ahead, beyond = bench.orders_ahead(ours, theirs), bench.orders_beyond_tenfold(ours, theirs)
    assert list(ahead) == [f"p = {p}, magnitude = {g}" for p in (0.1, 0.5) for g in (10, 100)]
    np.testing.assert_allclose(np.concatenate(list(ahead.values())), [4, 4, 4, 3])
    np.testing.assert_allclose(np.concatenate(list(beyond.values())), [3, 3, 3, 2])
    orders = bench.orders_of_error(ours)
    np.testing.assert_allclose(np.concatenate(list(orders.values())), [-4, -4, -4, -3])


def test_rates_under_noise_are_zero_where_the_theorem_holds():
    """Errors sigma / sqrt(m) give 0 for every sigma and m; the middle m is left out of the rate."""
    cells = grid(m=[400, 800, 1600], sigma=[0.1, 0.5])
    error = cells["sigma"] / np.sqrt(cells["m"])
    samples = bench.error_over_samples(
        {**cells, "error": np.where(cells["m"] == 800, 9, error)[None]}
    )
    assert list(samples) == ["sigma = 0.1", "sigma = 0.5"]
    np.testing.assert_allclose(np.concatenate(list(samples.values())), 0, atol=1e-12)
    noise = bench.error_over_noise({**cells, "error": error[None]})
    assert list(noise) == ["m = 400", "m = 800", "m = 1600"]
    np.testing.assert_allclose(np.concatenate(list(noise.values())), 0, atol=1e-12)
    flat = {**cells, "error": np.ones((1, 6))}
    np.testing.assert_allclose(bench.error_over_samples(flat)["sigma = 0.1"], [0.5])
    np.testing.assert_allclose(bench.error_over_noise(flat)["m = 400"], [-1])


def test_overfitting_is_a_lower_loss_and_a_larger_error():
    """Twice the error is ln 2; a loss a tenth below the truth's is -0.1."""
    cells = grid(m=[400, 800], sigma=[0.1])
    ours, theirs = ({**cells, "error": np.full((3, 2), e)} for e in (1.0, 2.0))
    closer = bench.closer_to_truth(ours, theirs)
    assert list(closer) == ["m = 400, sigma = 0.1", "m = 800, sigma = 0.1"]
    np.testing.assert_allclose(closer["m = 400, sigma = 0.1"], np.log([2] * 3))
    loss = {**cells, "loss": np.full((1, 2), 0.9), "loss_at_truth": np.ones((1, 2))}
    np.testing.assert_allclose(bench.loss_above_truth(loss)["m = 800, sigma = 0.1"], [-0.1])


def test_decay_is_from_iteration_150_to_the_last():
    """A path that falls from 1 at t = 150 to 1e-3 at the end is -3, whatever came before."""
    ends = {"error_50": 9.0, "error_150": 1.0, "error_300": 0.5, "error": 1e-3}
    made = {name: np.array([[value]]) for name, value in ends.items()}
    np.testing.assert_allclose(bench.decay(made), [-3])
