"""Does the last iterate lose the logarithm?  Liu and Zhou, ICLR 2024."""

import numpy as np

from claimbench import Experiment, slope

from . import contenders as who
from .evaluate import measure, measure_bound, measure_gap, measure_iterate
from .hard import hard as hard_problem
from .hard import one_run
from .heavy import P
from .heavy import heavy as heavy_problem
from .instances import inequality as inequality_problem
from .interface import Optimiser, ScheduleRunner
from .simplex import simplex as simplex_problem
from .strong import MU
from .strong import strong as strong_problem
from .tails import measure_quantile
from .tails import tails as tails_problem

# Slopes of sqrt(T) gap over ln T below this are no logarithm.
FLAT = 0.002

hard = Experiment(hard_problem, measure, stack=("octave",), interface=Optimiser)
sweep = Experiment(one_run, measure_iterate, interface=Optimiser)
inequality = Experiment(
    inequality_problem, measure_bound, stack=("schedule", "noise_factor"), interface=ScheduleRunner
)
tails = Experiment(tails_problem, measure_quantile, stack=("delta",), interface=Optimiser)
strong = Experiment(strong_problem, measure_gap, stack=("octave",), interface=Optimiser)
simplex = Experiment(simplex_problem, measure_gap, stack=("k",), interface=Optimiser)
heavy = Experiment(heavy_problem, measure_gap, stack=("T", "k"), interface=Optimiser)

# The instances that are hard for naive steps, and the one where something must be done.

hard.method(who.linear_decay)
hard.baseline(pin="constant-steps")(who.constant)
hard.baseline(pin="jain-phases")(who.phases)
hard.baseline(pin="polyak-average")(who.uniform_average)
hard.baseline(pin="suffix-average")(who.suffix_average)
hard.baseline(pin="polyak-average")(who.average_of_linear_decay)
hard.control(who.inverse_sqrt)
hard.control(who.zero_step)
hard.control(who.ascent)


def log_growth(subject, instance):
    """Return the slope of sqrt(T) gap over ln T on one hard instance, per replicate."""
    cells = subject["instance"] == instance
    T, gap = subject["horizon"][:, cells], subject["gap"][:, cells]
    return slope(np.sqrt(T) * gap, np.log(T))


def free_of_log(subject):
    """Return each condition over what is let through.

    On both hard instances the slope of sqrt(T) gap over ln T, over +-FLAT, and the largest gap over
    the bound in expectation; under `progress` the mean gap plus three standard errors over it.
    """
    conditions = {}
    for instance in ("inverse_sqrt", "constant"):
        growth = log_growth(subject, instance)
        conditions[f"no growth, {instance}"] = growth / FLAT
        conditions[f"no decline, {instance}"] = -growth / FLAT
    over = (subject["gap"] + 3 * subject["standard_error"]) / subject["bound"]
    exact = subject["instance"] != "progress"
    conditions["bound on the hard instances"] = over[:, exact].max(axis=1)
    for cell in np.flatnonzero(~exact):
        conditions[f"progress at T = {2 ** (6 + subject['octave'][cell])}"] = over[:, cell]
    return conditions


def growth_on_inverse_sqrt(subject):
    """Return minus the slope of sqrt(T) gap over ln T where steps eta / sqrt(t) are fooled."""
    return -log_growth(subject, "inverse_sqrt")


def growth_on_constant(subject):
    """Return minus the slope of sqrt(T) gap over ln T where steps eta / sqrt(T) are fooled."""
    return -log_growth(subject, "constant")


# One horizon at a time, beside torch's own SGD.

sweep.method(who.linear_decay)
sweep.baseline(pin="torch-sgd")(who.torch_sgd)
sweep.baseline(pin="inverse-sqrt-steps")(who.inverse_sqrt)
sweep.baseline(pin="constant-steps")(who.constant)
sweep.control(who.one_step_early)


def same_iterate(subject, opponent):
    """Return the largest difference of the coordinates kept, and of the gap, over 1e-12."""
    apart = np.abs(subject["coordinate"] - opponent["coordinate"])
    return {
        "coordinates": apart.max(axis=(1, 2)) / 1e-12,
        "gap": np.abs(subject["gap"] - opponent["gap"]).max(axis=1) / 1e-12,
    }


# The bound in expectation, of every schedule on every instance.


@inequality.method
def last_iterate(scheduled):
    """Run the schedule that the setting names."""
    return who.mirror_descent(scheduled.problem, scheduled.steps)


@inequality.control
def zero_step(scheduled):
    """Stay at x_1 and ask nothing."""
    return scheduled.problem.x1


def within_bound(subject):
    """Return the mean gap plus three standard errors over the bound, by instance.

    It is the largest over schedules and horizons, in every replicate.
    """
    over = (subject["gap"] + 3 * subject["standard_error"]) / subject["bound"]
    names = dict.fromkeys(subject["instance"].tolist())
    return {name: over[:, subject["instance"] == name].max(axis=1) for name in names}


# Quantiles of the gap, with the step size of Theorem 3.4.

tails.method(who.linear_decay)
tails.control(who.zero_step)

#: The exponent of log(1/delta) that the quantiles' ratio may have, and the ratio itself.
EXPONENT, RATIO = 0.15, 3.0


def quantile_ratio(subject):
    """Return at every T growth and size of rho, each over what is let through.

    Growth is the slope of ln rho over ln log(1/delta) at the three smallest delta.
    """
    conditions = {}
    for T in np.unique(subject["T"]):
        cells = np.flatnonzero(subject["T"] == T)
        smallest = cells[np.argsort(subject["delta"][cells])][:3]
        levels = np.log(np.log(1 / subject["delta"][smallest]))
        rho = subject["rho"]
        conditions[f"growth at T = {T}"] = slope(np.log(rho[:, smallest]), levels) / EXPONENT
        conditions[f"ratio at T = {T}"] = rho[:, cells].max(axis=1) / RATIO
    return conditions


# Strong convexity.

strong.method(who.harmonic)
strong.method(who.double_harmonic)
strong.baseline(pin="polyak-average")(who.average_of_harmonic)
strong.baseline(pin="suffix-average")(who.suffix_of_harmonic)
strong.baseline(pin="weighted-average")(who.weighted_average)
strong.control(who.fixed_step)


def rate_beside_log(subject):
    """Return the slope of ln(gap / ln T) over ln T on each instance."""
    rates = {}
    for instance in dict.fromkeys(subject["instance"].tolist()):
        cells = subject["instance"] == instance
        T, gap = subject["horizon"][:, cells], subject["gap"][:, cells]
        rates[instance] = slope(np.log(gap / np.log(T)), np.log(T))
    return rates


def harmonic_expectation(subject):
    """Return the gap over 1 / (2 mu T), less 1, mean over horizons."""
    return (subject["gap"] * 2 * MU * subject["horizon"]).mean(axis=1) - 1


def double_harmonic_expectation(subject):
    """Return the gap over (2T + 1) / (3 mu T (T + 1)), less 1, mean over horizons."""
    T = subject["horizon"]
    return (subject["gap"] * 3 * MU * T * (T + 1) / (2 * T + 1)).mean(axis=1) - 1


# Two geometries of the simplex.

simplex.method(who.kl)
simplex.baseline(pin="euclidean-simplex")(who.euclidean)
simplex.control(who.zero_step)

#: Between which KL's gap over sqrt(log d / T) should stay.
LEAST, MOST = 0.8, 1.6


def _worst(subject, setting):
    """Return the setting's values, and the gaps at each value's worst k, (replicate, value).

    The worst k is that of the largest mean over all replicates, so that one replicate's noise does
    not choose for itself.
    """
    values = np.unique(subject[setting])
    gaps = []
    for value in values:
        gap = subject["gap"][:, subject[setting] == value]
        gaps.append(gap[:, gap.mean(axis=0).argmax()])
    return values, np.stack(gaps, axis=1)


def growth_with_dimension(subject):
    """Return ln of gap over sqrt(log d / T), from the middle of what it should stay between."""
    d, gap = _worst(subject, "d")
    ratio = gap * np.sqrt(subject["horizon"][:, :1] / np.log(d))
    effects = np.log(ratio / np.sqrt(LEAST * MOST))
    return {f"d = {value}": effects[:, i] for i, value in enumerate(d)}


def dimension_advantage(subject, opponent):
    """Return by how much ln(opponent's gap / subject's) rises with d, and ends above ln 2."""
    d, ours = _worst(subject, "d")
    _, theirs = _worst(opponent, "d")
    ratio = np.log(theirs / ours)
    rises = {
        f"rise from d = {d[i]} to {d[i + 1]}": ratio[:, i + 1] - ratio[:, i]
        for i in range(len(d) - 1)
    }
    return {**rises, f"above 2 at d = {d[-1]}": ratio[:, -1] - np.log(2)}


# Heavy tails.

heavy.method(who.mirror)
heavy.baseline(pin="plain-sgd")(who.sgd)
heavy.baseline(pin="clipped-sgd")(who.clipped)
heavy.control(who.zero_step)

#: Between which the exponent of T should lie, and what the gap may be over T^(1/p - 1).
STEEPEST, FLATTEST, LEVEL = -0.40, -0.27, 3.0


def heavy_rate(subject):
    """Return the exponent of T and the level at each T, each over what is let through."""
    T, gap = _worst(subject, "T")
    middle, reach = (STEEPEST + FLATTEST) / 2, (FLATTEST - STEEPEST) / 2
    away = (slope(np.log(gap), np.log(T)) - middle) / reach
    level = gap * T ** (1 - 1 / P) / LEVEL
    return {
        f"no slower than T^{FLATTEST:g}": away,
        f"no faster than T^{STEEPEST:g}": -away,
        **{f"level at T = {value}": level[:, i] for i, value in enumerate(T)},
    }
