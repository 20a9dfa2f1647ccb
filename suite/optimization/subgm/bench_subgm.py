"""Does a small start make robust recovery forget the rank it was told?  Ma and Fattahi, 2022.

Every estimand takes what differs between profiles (m, r') from the evidence itself.
"""

from itertools import pairwise

import numpy as np

from claimbench import Experiment, slope

from . import contenders as who
from . import opponents
from .evaluate import measure, measure_path
from .interface import Recovery, RecoveryPath
from .problem import matrix_recovery

initialisation = Experiment(matrix_recovery, measure, stack=("alpha",), interface=Recovery)
overparameterisation = Experiment(
    matrix_recovery, measure, stack=("search_rank", "alpha"), interface=Recovery
)
outliers = Experiment(matrix_recovery, measure, stack=("p", "magnitude"), interface=Recovery)
gaussian = Experiment(matrix_recovery, measure, stack=("sigma",), interface=Recovery)
rate = Experiment(matrix_recovery, measure_path, interface=RecoveryPath)
convex = Experiment(matrix_recovery, measure, interface=Recovery)


# Clean measurements: the error follows alpha.

initialisation.method(who.adaptive_steps)
initialisation.control(who.constant_steps)


def exponents(subject):
    """Return the slopes of log10 error over log10 alpha <= 1e-2, by m, each (replicate,)."""
    small = subject["alpha"] <= 0.01
    return {
        m: slope(
            np.log10(subject["error"][:, small & (subject["m"] == m)]),
            np.log10(subject["alpha"][small & (subject["m"] == m)]),
        )
        for m in np.unique(subject["m"])
    }


def exponents_short_of(subject):
    """Return by how much the exponent falls short of 1 at the largest m, and of that at less m."""
    found = exponents(subject)
    most = max(found)
    short = {f"exponent 1 at m = {most}": 1 - found[most]}
    for low, high in pairwise(found):
        short[f"more at m = {high} than at {low}"] = found[low] - found[high]
    return short


# Outliers on both sides: the error does not follow r'.

overparameterisation.method(who.geometric_steps)


def error_over_rank(subject):
    """Return the slope of ln error over ln r', r' > r, at the largest m."""
    return _error_over_rank(subject, subject["m"].max())


def error_over_rank_scarce(subject):
    """Return the slope of ln error over ln r', r' > r, at the largest m but one."""
    return _error_over_rank(subject, np.unique(subject["m"])[-2])


def _error_over_rank(subject, m):
    cells = (subject["m"] == m) & (subject["search_rank"] > subject["r"])
    return slope(np.log(subject["error"][:, cells]), np.log(subject["search_rank"][cells]))


# Outliers on one side.

outliers.method(who.geometric_steps)
outliers.method(who.spectral_direction)
outliers.baseline(pin="l2-descent")(opponents.l2_descent)
outliers.baseline(pin="exact-rank-subgm")(opponents.exact_rank)
outliers.control(who.short_schedule)


def conditions(subject, effects, *names):
    """Return effects, (replicate, cell), by cell, named by these settings."""
    return {
        ", ".join(f"{name} = {subject[name][cell]:g}" for name in names): effects[:, cell]
        for cell in range(effects.shape[1])
    }


def orders_beyond_tenfold(subject, opponent):
    """Return log10 of the opponent's error over ten times the subject's."""
    return {name: orders - 1 for name, orders in orders_ahead(subject, opponent).items()}


def orders_ahead(subject, opponent):
    """Return log10 of the opponent's error over the subject's."""
    orders = np.log10(opponent["error"]) - np.log10(subject["error"])
    return conditions(subject, orders, "p", "magnitude")


def orders_of_error(subject):
    """Return log10 error."""
    return conditions(subject, np.log10(subject["error"]), "p", "magnitude")


# Gaussian noise.

gaussian.method(who.geometric_steps)
gaussian.control(who.large_initialisation)
gaussian.control(who.short_schedule)


def error_over_samples(subject):
    """Return the slope of ln error over ln m, from the least and the largest m, over -1/2."""
    least, most = subject["m"].min(), subject["m"].max()
    found = {}
    for sigma in np.unique(subject["sigma"]):
        cells = (subject["sigma"] == sigma) & np.isin(subject["m"], (least, most))
        exponent = slope(np.log(subject["error"][:, cells]), np.log(subject["m"][cells]))
        found[f"sigma = {sigma:g}"] = exponent + 0.5
    return found


def error_over_noise(subject):
    """Return the slope of ln error over ln sigma, over 1."""
    found = {}
    for m in np.unique(subject["m"]):
        cells = subject["m"] == m
        exponent = slope(np.log(subject["error"][:, cells]), np.log(subject["sigma"][cells]))
        found[f"m = {m:g}"] = exponent - 1
    return found


def closer_to_truth(subject, opponent):
    """Return ln of the opponent's error over the subject's."""
    ratio = np.log(opponent["error"]) - np.log(subject["error"])
    return conditions(subject, ratio, "m", "sigma")


def loss_above_truth(subject):
    """Return f(U) over f(X*), less one."""
    return conditions(subject, subject["loss"] / subject["loss_at_truth"] - 1, "m", "sigma")


# The rate: errors along the path.

rate.method(who.small_path)
rate.baseline(pin="exact-rank-subgm")(opponents.exact_rank_path)
rate.baseline(pin="diminishing-subgm")(opponents.diminishing_path)
rate.control(who.large_path)
rate.baseline(pin="constant-subgm")(who.constant_path)


def decay(subject):
    """Return log10 of the last error over the error at t = 150."""
    last, early = subject["error"][:, 0], subject["error_150"][:, 0]
    return np.log10(last) - np.log10(early)


# The convex relaxation, where it can be afforded.

convex.method(who.geometric_steps)
convex.baseline(pin="nuclear-norm-l1", grid={"weight": (0.0, 0.5, 1.0)})(opponents.convex)
convex.baseline(pin="exact-rank-subgm")(opponents.exact_rank)
convex.control(who.large_initialisation)

#: X* counts as recovered below this error.
RECOVERED = 0.01


def recovered_at_more(subject, opponent):
    """Return at how many m more than the opponent the subject recovers X*."""
    ours, theirs = ((of["error"] < RECOVERED).sum(axis=1) for of in (subject, opponent))
    return ours - theirs
