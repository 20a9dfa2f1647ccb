"""Does the last iterate lose the logarithm?  Liu and Zhou, ICLR 2024."""

import numpy as np

from claimbench import Experiment, slope

from . import contenders as who
from .evaluate import measure, measure_bound, measure_iterate
from .hard import hard as hard_problem
from .hard import one_run
from .instances import inequality as inequality_problem

# Slopes of sqrt(T) gap over ln T below this are no logarithm.
FLAT = 0.002

hard = Experiment(hard_problem, measure, stack=("octave",))
sweep = Experiment(one_run, measure_iterate)
inequality = Experiment(inequality_problem, measure_bound, stack=("schedule", "noise_factor"))

# The instances that are hard for naive steps, and the one where something must be done.

hard.method(who.linear_decay)
hard.baseline(who.constant)
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
sweep.baseline(who.inverse_sqrt)
sweep.baseline(who.constant)
sweep.baseline(pin="jain-phases")(who.phases)
sweep.baseline(pin="polyak-average")(who.uniform_average)
sweep.baseline(pin="suffix-average")(who.suffix_average)
sweep.baseline(pin="polyak-average")(who.average_of_linear_decay)
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
    """Stay at x_1."""
    return who.mirror_descent(scheduled.problem, 0 * scheduled.steps)


def within_bound(subject):
    """Return the mean gap plus three standard errors over the bound, named by instance."""
    over = (subject["gap"] + 3 * subject["standard_error"]) / subject["bound"]
    names = dict.fromkeys(subject["instance"].tolist())
    return {name: over[:, subject["instance"] == name] for name in names}
