"""Do conjugate gradients from the Tweedie estimate save evaluations?  Chung, Lee and Ye, ICLR 2024.

Error against the least there is, on a prior whose posterior is known exactly. Every contender plays
at numbers of evaluations of its own, and all at 4 in the smoke profile; an estimand takes each at
the most that the claim selects.
"""

import numpy as np

from claimbench import Experiment

from . import contenders as who
from . import opponents, prior_b, race
from . import volume_contenders as volumes
from .evaluate import exhibit, measure
from .interface import Sampler
from .problem import ct as ct_problem
from .problem import mri
from .volume import volume as volume_problem

mri_low = Experiment(mri, measure, exhibit=exhibit, interface=Sampler)
mri_noisy = Experiment(mri, measure, exhibit=exhibit, interface=Sampler)
ct = Experiment(ct_problem, measure, exhibit=exhibit, interface=Sampler)
ablation = Experiment(mri, measure, interface=Sampler)
volume = Experiment(volume_problem, measure, exhibit=exhibit, interface=Sampler)
clock = Experiment(race.batch, race.measure, seconds=True, interface=Sampler)
peer = Experiment(mri, measure, interface=Sampler)
learned = Experiment(prior_b.learned_mri, prior_b.measure, interface=Sampler)
learned_clock = Experiment(
    race.learned_batch, race.measure_learned, seconds=True, interface=Sampler
)

#: Below this multiple of DPS's error, at 1000 evaluations, an accuracy is equal to it.
EQUAL = 1.05
#: CG-SENSE must be worse than this multiple of the least error, or the problem is trivial.
TRIVIAL = 5.0
#: Gains in dB that the paper prints over DPS: Table 1 (without noise) and Table 3 (with noise).
PRINTED_CLEAN, PRINTED_NOISY = 4.05, 5.0

# Three problems, never pooled. The grids: equal numbers of trials for all who have one.

ETAS = (0.0, 0.5)
DPS_GRID = {"step": (0.5, 1.0, 2.0), "eta": (0.0, 1.0)}

mri_low.method(
    grid={"gamma": (1.0, 5.0, 25.0), "eta": ETAS}, where={"evaluations": (4, 5, 10, 20, 50)}
)(who.dds)
mri_noisy.method(
    grid={"gamma": (1.0, 5.0, 25.0), "eta": ETAS}, where={"evaluations": (4, 5, 10, 20, 50)}
)(who.dds)
ct.method(
    grid={"gamma": (10.0, 30.0, 100.0), "eta": ETAS}, where={"evaluations": (4, 5, 10, 20, 50)}
)(who.dds)


def opponents_of_all(experiment):
    """Register whoever plays on all three problems, on equal terms."""
    experiment.baseline(pin="dps", grid=DPS_GRID, where={"evaluations": (4, 50, 100, 1000)})(
        opponents.dps
    )
    experiment.baseline(
        pin="diffpir",
        grid={"lam": (1.0, 3.0, 7.0), "zeta": (0.3, 1.0)},
        where={"evaluations": (4, 20, 50)},
    )(opponents.diffpir)
    experiment.baseline(pin="mcg", grid=DPS_GRID, where={"evaluations": (4, 50)})(opponents.mcg)
    experiment.baseline(
        pin="gradient-rule",
        grid={"weight": (0.5, 1.0, 1.9), "eta": ETAS},
        where={"evaluations": (4, 50)},
    )(opponents.gradient_rule)
    experiment.baseline(
        pin="ddnm-rule",
        grid={"cut": (0.01, 0.03, 0.1), "eta": ETAS},
        where={"evaluations": (4, 50)},
    )(opponents.ddnm_rule)
    experiment.baseline(
        pin="total-variation",
        grid={"strength": (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)},
        where={"evaluations": (0,)},
    )(opponents.total_variation)
    experiment.baseline(pin="cg-sense", where={"evaluations": (0,)})(opponents.cg_sense)
    experiment.baseline(pin="zero-filled", where={"evaluations": (0,)})(opponents.zero_filled)
    experiment.baseline(pin="posterior-mean", where={"evaluations": (0,)})(opponents.posterior_mean)
    experiment.control(where={"evaluations": (4, 50)})(who.no_consistency)


opponents_of_all(mri_low)
opponents_of_all(mri_noisy)
opponents_of_all(ct)
mri_low.baseline(
    pin="score-mri",
    grid={"weight": (0.5, 1.0), "r": (0.08, 0.16, 0.32)},
    where={"evaluations": (4, 100, 1000)},
)(opponents.score_mri)


def decibels(subject, opponent):
    """Return by how many dB the opponent's error is the larger one, (replicate,)."""
    return 10 * np.log10(_error(opponent) / _error(subject))


def _error(subject):
    """Return the error at the most evaluations, (replicate,)."""
    return subject["mse"][:, np.argmax(subject["evaluations"])]


def beyond_half_of_clean_gain(subject, opponent):
    """Return `decibels` beyond half of what the paper prints without noise."""
    return decibels(subject, opponent) - PRINTED_CLEAN / 2


def beyond_half_of_noisy_gain(subject, opponent):
    """Return `decibels` beyond half of what the paper prints with noise."""
    return decibels(subject, opponent) - PRINTED_NOISY / 2


def evaluations_to_equal_accuracy(subject, opponent):
    """Return the least evaluations to the accuracy of the opponent's last, over the opponent's.

    Of geometric means over replicates; who never gets there needs infinitely many.
    """
    level = EQUAL * _levels(opponent)[np.argmax(opponent["evaluations"])]
    return _least(subject, level) / _least(opponent, level)


def _least(subject, level):
    enough = subject["evaluations"][_levels(subject) <= level]
    return enough.min() if len(enough) else np.inf


def _levels(subject):
    """Return geometric means of MSE over MMSE, (cell,)."""
    return np.exp(subject["log_ratio"].mean(axis=0))


def decibels_beyond_trivial(subject):
    """Return by how many dB the error is above `TRIVIAL` times the least."""
    return 10 * np.log10(subject["ratio"][:, 0] / TRIVIAL)


def excess(subject):
    """Return MSE over MMSE, less one."""
    return subject["ratio"][:, 0] - 1


# The ablation: rules of data consistency on one sampler, eta = 0.85, noiseless form.

ablation.method(who.cg_5)
ablation.method(who.cg_1)
ablation.method(who.cg_2)
ablation.method(who.cg_3)
ablation.method(who.cg_7)
ablation.method(who.cg_10)
ablation.baseline(pin="gradient-rule")(opponents.one_gradient_step)
ablation.baseline(pin="ddnm-rule", grid={"cut": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)})(
    opponents.projection
)
ablation.baseline(pin="ddnm-rule")(opponents.uncut_projection)
ablation.control(who.cg_from_zero)

# Volumes of CT.

LAMBS = (1e-4, 3e-4, 1e-3)
FEW = {"evaluations": (4, 50)}

volume.method(grid={"lamb": LAMBS, "eta": ETAS}, where=FEW)(volumes.admm_tv)
volume.method(where=FEW)(volumes.admm_tv_released)
volume.baseline(pin="dds-without-tv", grid={"rho": (0.0, 0.03, 0.3), "eta": ETAS}, where=FEW)(
    volumes.without_tv
)
volume.baseline(pin="dds-slicewise", grid={"gamma": (10.0, 30.0, 100.0), "eta": ETAS}, where=FEW)(
    volumes.slicewise
)
volume.baseline(
    pin="diffusion-mbir",
    grid={"rho": (0.001, 0.003, 0.01), "lamb": (3e-4, 1e-3)},
    where={"evaluations": (4, 200, 4000)},
)(volumes.diffusion_mbir)
volume.control(where=FEW)(who.no_consistency)

# Seconds, at hyper-parameters that are fixed: races tune nothing.

clock.method(where={"evaluations": (4, 5, 10, 20, 50)})(who.dds)
clock.baseline(pin="dps", where={"evaluations": (4, 50, 100, 1000)})(opponents.dps)
clock.baseline(pin="diffpir", where={"evaluations": (4, 20, 50)})(opponents.diffpir)
clock.baseline(pin="score-mri", where={"evaluations": (4, 100)})(opponents.score_mri)
clock.control(where={"evaluations": (4, 50)})(who.dds_of_many_steps)


def seconds_saved(subject, opponent):
    """Return ln of the opponent's seconds over the subject's, at equal numbers of evaluations."""
    return np.log(opponent["seconds"] / subject["seconds"])[:, 0]


# A third party's samplers beside ours.

peer.baseline(pin="dps", grid=DPS_GRID, where={"evaluations": (1000,)})(opponents.dps)
peer.baseline(
    pin="diffpir",
    grid={"lam": (1.0, 3.0, 7.0), "zeta": (0.3, 1.0)},
    where={"evaluations": (50,)},
)(opponents.diffpir)
peer.baseline(
    pin="deepinv-dps",
    grid={"weight": (300.0, 1000.0, 2000.0, 3000.0, 5000.0, 10000.0)},
    where={"evaluations": (1000,)},
)(opponents.deepinv_dps)
peer.baseline(
    pin="deepinv-diffpir",
    grid={"lam": (1.0, 3.0, 7.0), "zeta": (0.3, 1.0)},
    where={"evaluations": (50,)},
)(opponents.deepinv_diffpir)


# Prior B, a network: does the comparison survive its errors, and what does it cost in seconds?

learned.method(grid={"gamma": (1.0, 5.0, 25.0), "eta": ETAS}, where={"evaluations": (50,)})(who.dds)
learned.baseline(pin="dps", grid=DPS_GRID, where={"evaluations": (1000,)})(opponents.dps)
learned.baseline(
    pin="diffpir",
    grid={"lam": (1.0, 3.0, 7.0), "zeta": (0.3, 1.0)},
    where={"evaluations": (50,)},
)(opponents.diffpir)
learned.baseline(
    pin="score-mri",
    grid={"weight": (0.5, 1.0), "r": (0.08, 0.16, 0.32)},
    where={"evaluations": (4000,)},
)(opponents.score_mri)
learned.control(where={"evaluations": (50,)})(who.no_consistency)

learned_clock.method(where={"evaluations": (50,)})(who.dds)
learned_clock.baseline(pin="dps", where={"evaluations": (1000,)})(opponents.dps)
learned_clock.baseline(pin="score-mri", where={"evaluations": (4000,)})(opponents.score_mri)
learned_clock.control(where={"evaluations": (1000,)})(opponents.diffpir)


def seconds_saved_beyond_tenfold(subject, opponent):
    """Return ln of the ratio of seconds over 10, each side at its own number of evaluations."""
    return np.log(opponent["seconds"] / subject["seconds"] / 10)[:, 0]


def seconds_saved_beyond_printed(subject, opponent):
    """Return the same over 80, the ratio that the abstract prints."""
    return np.log(opponent["seconds"] / subject["seconds"] / 80)[:, 0]
