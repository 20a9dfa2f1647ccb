"""Every contender answers at every profile, and every estimand is right on invented numbers."""

import numpy as np
import pytest
import torch

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from claimbench.evidence.streams import Streams
from suite.imaging.dds import bench_dds as bench
from suite.imaging.dds import contenders as who
from suite.imaging.dds import opponents, race
from suite.imaging.dds.evaluate import exhibit, measure
from suite.imaging.dds.problem import ct, mri
from suite.imaging.dds.schedule import Level
from suite.imaging.dds.volume import volume

FILES = PaperFiles(find_root(), "imaging", "dds")


def streams(n=4, first=0):
    return Streams("imaging/dds", "test", 0, range(first, first + n))


@pytest.mark.parametrize("profile", ["smoke", "standard", "full"])
def test_claims_fit_the_bench_file(profile):
    """Every name in claim.toml resolves; only the network's claims wait for the full profile."""
    paper = bind(FILES, profile)
    judged = [claim.id for claim in paper.claims]
    left = {claim.experiment for claim in paper.file.claims if claim.id not in judged}
    assert left == (set() if profile == "full" else {"learned", "learned_clock"})


@pytest.mark.parametrize(
    "name",
    [
        "mri_low",
        "mri_noisy",
        "ct",
        "ablation",
        "volume",
        "clock",
        "peer",
        "learned",
        "learned_clock",
    ],
)
def test_every_contender_answers(name):
    """At full, on 16 pixels a side and at 4 evaluations: finite columns, one entry per row."""
    paper = bind(FILES, "full")
    experiment, design = paper.experiments[name], paper.designs[name]
    small = {"side": 16, "evaluations": 4} | ({"slices": 2} if name == "volume" else {})
    small |= {"channels": 8, "steps": 2} if name.startswith("learned") else {}
    n = 1 if experiment.seconds else 4
    small |= {"size": 4} if experiment.seconds else {}
    for contender in experiment.contenders.values():
        if contender.pin and contender.pin.startswith("deepinv"):
            pytest.importorskip("deepinv")
        settings = {**design.cells[0], **small}
        problem = experiment.problem(**settings, streams=streams(n), n=n)
        tuned = {parameter: values[0] for parameter, values in contender.grid.items()}
        own = {"streams": streams(n)} if contender.wants_streams else {}
        columns = experiment.measure(problem, contender.function(problem, **tuned, **own))
        for column, values in columns.items():
            assert values.shape == (n,), (contender.name, column)
            assert torch.as_tensor(values).isfinite().all(), (contender.name, column)
        assert problem.calls.shape == (n,)


def test_all_who_are_tuned_have_as_many_trials():
    """Six combinations each; who has no grid has nothing to tune or says why in its pin."""
    grids = {
        (name, contender.name): np.prod([len(values) for values in contender.grid.values()])
        for name, experiment in bind(FILES, "standard").experiments.items()
        for contender in experiment.contenders.values()
        if contender.grid
    }
    assert set(grids.values()) == {6}
    assert {("mri_low", "dds"), ("mri_low", "dps"), ("ct", "diffpir")} <= set(grids)


def test_contenders_count_what_they_ask():
    """DPS pays a product with the Jacobian for each evaluation, others none; no one asks more."""
    for contender, parameters, backward in (
        (who.dds, {}, 0),
        (opponents.dps, {}, 1),
        (opponents.mcg, {"step": 0.1, "eta": 1.0}, 1),
        (opponents.diffpir, {}, 0),
        (opponents.score_mri, {}, 0),
        (opponents.gradient_rule, {"weight": 1.0, "eta": 0.0}, 0),
        (opponents.ddnm_rule, {"cut": 0.01, "eta": 0.0}, 0),
        (who.no_consistency, {}, 0),
        (opponents.cg_sense, {}, None),
    ):
        problem = mri(4, 0.01, 16, streams=streams(), n=4)
        contender(problem, **parameters)
        asked = 4 if backward is not None else 0
        assert problem.calls.tolist() == [asked] * 4
        assert problem.backward.tolist() == [asked * (backward or 0)] * 4


@pytest.mark.parametrize("make", [mri, ct])
def test_the_residual_is_that_of_the_operator(make):
    """A'(y - A x) and its norm, from A'y and A'A alone, are those of A itself."""
    problem = make(4, 0.05, 16, streams=streams(), n=4)
    for x in (problem.truth, problem.start, torch.zeros_like(problem.truth)):
        left = problem.y - problem.operator.forward(x)
        if problem.y.is_complex():
            left = problem.operator.masked(left)
        backward, norm = opponents.residual_of(problem)(x)
        torch.testing.assert_close(backward, problem.operator.adjoint(left))
        torch.testing.assert_close(norm[..., 0], left.abs().square().flatten(2).sum(-1).sqrt())


@pytest.mark.parametrize("make", [mri, ct])
def test_deepinv_is_given_the_same_operator_denoiser_and_data(make):
    """Flat and real: forward and adjoint stay adjoint, y is y, and the denoiser is counted."""
    problem = make(4, 0.05, 16, streams=streams(), n=4)
    parts = opponents.as_deepinv(problem)
    x, u = (problem.start.flatten(0, 1), problem.truth.flatten(0, 1))
    y = parts["forward"](u)
    torch.testing.assert_close(y, parts["y"], atol=0.5, rtol=0)  # that is the noise
    torch.testing.assert_close((parts["forward"](x) * y).sum(-1), (x * parts["adjoint"](y)).sum(-1))
    torch.testing.assert_close(parts["adjoint"](parts["y"]), problem.back.flatten(0, 1))
    found = parts["denoise"](x, 0.25)
    expected = problem.denoise(problem.start, Level(1.0, 0.25)).flatten(0, 1)
    torch.testing.assert_close(found, expected)
    assert problem.calls.tolist() == [2.0] * 4


def test_deepinv_restores_what_dps_and_diffpir_do():
    """On 16 pixels a side deepinv's samplers come within a factor of three of ours."""
    pytest.importorskip("deepinv")
    found = {}
    for contender, T, parameters in (
        (opponents.dps, 200, {}),
        (opponents.deepinv_dps, 200, {"weight": 1000.0}),
        (opponents.diffpir, 50, {}),
        (opponents.deepinv_diffpir, 50, {"lam": 3.0, "zeta": 0.3}),
    ):
        problem = mri(T, 0.01, 16, streams=streams(), n=4)
        own = {"streams": streams()} if contender.__name__.startswith("deepinv") else {}
        answer = contender(problem, **parameters, **own)
        assert problem.calls.tolist() == [T] * 4
        found[contender.__name__] = float(measure(problem, answer)["log_ratio"].mean())
    assert abs(found["dps"] - found["deepinv_dps"]) < np.log(3)
    assert abs(found["diffpir"] - found["deepinv_diffpir"]) < np.log(3)


def test_measures_are_errors_over_the_least():
    """The posterior mean moved by 0.1 in every pixel has 0.01 more than its own error, or so."""
    problem = mri(0, 0.01, 16, streams=streams(8), n=8)
    best = problem.posterior.mean
    zero = measure(problem, problem.truth)
    assert zero["mse"].tolist() == [0] * 8
    moved = measure(problem, problem.truth + 0.1)
    torch.testing.assert_close(moved["mse"], torch.full((8,), 0.01).double())
    torch.testing.assert_close(moved["ratio"], 0.01 / moved["mmse"])
    torch.testing.assert_close(moved["log_ratio"], moved["ratio"].log())
    own = (best - problem.truth).square().mean(-1)
    torch.testing.assert_close(measure(problem, best)["mse"], problem.rows(own))


def test_exhibits_are_pictures_of_the_first_replicate():
    """Of an image the image, of a volume its first slice; error is reconstruction less truth."""
    flat = mri(0, 0.01, 16, streams=streams(), n=4)
    deep = volume(0, 0.005, 3, side=16, streams=streams(), n=4)
    for problem, truth in ((flat, flat.truth[0, 0]), (deep, deep.truth[0, 0, 0])):
        found = exhibit(problem, problem.back)
        assert set(found) == {"truth", "reconstruction", "error", "posterior_mean"}
        torch.testing.assert_close(found["truth"], truth.reshape(16, 16))
        torch.testing.assert_close(found["error"], found["reconstruction"] - found["truth"])


def test_a_race_times_a_batch_as_one_replicate():
    """Its images are those of as many replicates; calls and measures are single numbers."""
    problem = race.batch(4, 0.01, 8, 16, streams=streams(1, first=1), n=1)
    plain = mri(4, 0.01, 16, streams=streams(8, first=8), n=8)
    torch.testing.assert_close(problem.truth, plain.truth)
    found = race.measure(problem, who.dds(problem))
    assert problem.calls.tolist() == [4]
    own = measure(plain, who.dds(plain))
    torch.testing.assert_close(found["log_ratio"][0], own["log_ratio"].mean())
    assert found["images"].tolist() == [8]


def subject(evaluations, ratios, **columns):
    """Return evidence with these MSE / MMSE, (replicate, cell), and an MMSE of 0.1."""
    ratios = np.asarray(ratios, dtype=float)
    return {
        "evaluations": np.asarray(evaluations),
        "ratio": ratios,
        "log_ratio": np.log(ratios),
        "mse": ratios / 10,
        **columns,
    }


def test_gains_compare_the_most_evaluations_of_each_side():
    """An error of 2 at 50 against one of 20 at 1000 is 10 dB, whatever they had before."""
    ours, theirs = subject([20, 50], [[9, 2], [9, 4]]), subject([50, 1000], [[1, 20], [1, 4]])
    np.testing.assert_allclose(bench.decibels(ours, theirs), [10, 0])
    np.testing.assert_allclose(bench.beyond_half_of_clean_gain(ours, theirs), [7.975, -2.025])
    np.testing.assert_allclose(bench.beyond_half_of_noisy_gain(ours, theirs), [7.5, -2.5])


def test_evaluations_to_equal_accuracy_are_the_least_within_five_percent():
    """DPS ends at 2.0 and gets within 2.1 at 100; DDS does so at 20, or never."""
    theirs = subject([50, 100, 1000], [[3.0, 2.09, 2.0]] * 4)
    for ratios, expected in (
        ([3, 2.5, 2.09, 2.2], 20 / 100),
        ([2, 2, 2, 2], 5 / 100),
        ([3, 3, 3, 2.11], np.inf),
    ):
        ours = subject([5, 10, 20, 50], [ratios] * 4)
        assert bench.evaluations_to_equal_accuracy(ours, theirs) == pytest.approx(expected)
    # Geometric means over replicates: 1 and 4 make 2.
    ours = subject([5, 10], [[8, 1], [8, 4]])
    assert bench.evaluations_to_equal_accuracy(ours, theirs) == pytest.approx(10 / 100)


def test_guard_rails_are_zero_where_they_bind():
    """Five times the least error is 0 dB beyond trivial; the least error itself has no excess."""
    np.testing.assert_allclose(bench.decibels_beyond_trivial(subject([0], [[5], [50]])), [0, 10])
    np.testing.assert_allclose(bench.excess(subject([0], [[1], [1.2]])), [0, 0.2])


def test_seconds_are_compared_as_logarithms():
    """Half the seconds are ln 2 saved; a twentieth is ln 2 beyond tenfold, a 160th beyond 80."""
    one, *others = ({"seconds": np.full((3, 1), s)} for s in (1.0, 2.0, 20.0, 160.0))
    for estimand, other in zip(
        (
            bench.seconds_saved,
            bench.seconds_saved_beyond_tenfold,
            bench.seconds_saved_beyond_printed,
        ),
        others,
        strict=True,
    ):
        np.testing.assert_allclose(estimand(one, other), np.log([2] * 3))


def test_no_contender_is_below_the_least_error():
    """On 32 images of 16 pixels a side nobody's mean error is below MMSE by more than chance."""
    n = 32
    for make, noise in ((mri, 0.01), (mri, 0.05), (ct, 0.005)):
        for contender, T in (
            (who.dds, 10),
            (opponents.diffpir, 10),
            (opponents.dps, 10),
            (opponents.posterior_mean, 0),
        ):
            problem = make(T, noise, 16, streams=streams(n), n=n)
            ratio = measure(problem, contender(problem))["ratio"].numpy()
            error = ratio.std(ddof=1) / n**0.5
            assert ratio.mean() > 1 - 3 * error, (make.__name__, noise, contender.__name__)


def test_without_consistency_the_data_are_not_heard():
    """Its answer is the same for other data, and DDS's is not."""
    quiet, loud = (mri(4, noise, 16, streams=streams(), n=4) for noise in (0.01, 0.05))
    torch.testing.assert_close(who.no_consistency(quiet), who.no_consistency(loud))
    assert float((who.dds(quiet) - who.dds(loud)).abs().max()) > 0.01


def test_five_steps_from_zero_do_not_hear_the_denoiser():
    """Their answer does not depend on where the sampler starts."""
    one, other = (mri(4, 0.01, 16, streams=streams(), n=4) for _ in range(2))
    other.start = -one.start
    torch.testing.assert_close(who.cg_from_zero(one), who.cg_from_zero(other))
    assert float((who.cg_5(one) - who.cg_5(other)).abs().max()) > 1e-3
