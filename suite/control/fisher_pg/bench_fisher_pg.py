"""N-PG-IGT and (N)-HARPG, counted in trajectories: do estimate and gap fall as theory says.

Fatkhullin, Barakat, Kireeva and He, "Stochastic policy gradient methods: improved sample complexity
for Fisher-non-degenerate policies", ICML 2023.

Two things are to be known before any slope here is read. The rates of the gap are upper bounds and
no ranking: each method runs on its own schedule, and plain methods on schedules that no theorem
recommends may fall as fast. And what the corrections (transport, Hessian) are for is the estimate
of the gradient: it is worse without them by a power of N, while the gap hardly moves.
"""

import numpy as np
from numpy import log

from claimbench import Experiment, slope

from . import contenders as who
from . import learners, rollouts
from .interface import Ascent, Learner, Player
from .problem import two_channel
from .tasks import measure_task, task

#: A slope is taken over the last so many checkpoints, a factor of 32 in N.
WINDOW = 6


def measure(problem, step):
    """Return the estimate's error before the step, and the gap after it."""
    error = (step.d - problem.mdp.gradient(step.theta)).norm(dim=-1)
    return {"error": error.flatten(), "gap": -problem.mdp.J(step.following).flatten()}


instance_b = Experiment(two_channel, measure, stack=("N",), interface=Ascent)
instance_a = Experiment(two_channel, measure, stack=("N",), interface=Ascent)
dimension = Experiment(two_channel, measure, stack=("N",), interface=Ascent)

instance_b.method(who.n_pg_igt)
instance_b.method(who.n_harpg)
instance_b.method(who.harpg)
instance_b.baseline(pin="igt-untransported")(who.igt_untransported)
instance_b.baseline(pin="harpg-uncorrected")(who.n_harpg_uncorrected)
instance_b.baseline(pin="harpg-uncorrected")(who.harpg_uncorrected)
instance_b.baseline(pin="vanilla-pg")(who.pg)
instance_b.baseline(pin="vanilla-pg")(who.pg_third)
instance_b.baseline(pin="n-pgm")(who.n_pgm)
instance_b.baseline(pin="n-pgm")(who.n_pgm_one)
instance_b.baseline(pin="storm-pg")(who.storm_pg)
instance_b.baseline(pin="is-mbpg")(who.is_mbpg)
instance_b.control(who.igt_reversed)
instance_b.control(who.n_harpg_reversed)
instance_b.control(who.harpg_reversed)

instance_a.method(who.n_pg_igt)
instance_a.method(who.n_harpg)
instance_a.method(who.harpg)
instance_a.baseline(pin="igt-untransported")(who.igt_untransported)
instance_a.baseline(pin="harpg-uncorrected")(who.n_harpg_uncorrected)
instance_a.baseline(pin="harpg-uncorrected")(who.harpg_uncorrected)
instance_a.baseline(pin="vanilla-pg")(who.pg)
instance_a.baseline(pin="vanilla-pg")(who.pg_half)
instance_a.baseline(pin="vanilla-pg")(who.pg_third)
instance_a.baseline(pin="n-pgm")(who.n_pgm)
instance_a.baseline(pin="n-pgm")(who.n_pgm_one)
instance_a.baseline(pin="storm-pg")(who.storm_pg)
instance_a.baseline(pin="is-mbpg")(who.is_mbpg)
instance_a.control(who.harpg_reversed)

dimension.method(who.n_pg_igt)
dimension.method(who.n_harpg)
dimension.baseline(pin="n-pgm")(who.n_pgm)

# Tasks of gymnasium's, on batched twins and on its simulators: evidence only.

GRID = {"gamma_0": (0.03, 0.1, 0.3, 1.0)}

tasks = Experiment(task, measure_task, stack=("N",), interface=Learner)

tasks.method(grid=GRID)(learners.n_pg_igt)
tasks.method(grid=GRID)(learners.n_harpg)
tasks.method(grid=GRID)(learners.harpg)
tasks.baseline(pin="vanilla-pg", grid=GRID)(learners.pg)
tasks.baseline(pin="n-pgm", grid=GRID)(learners.n_pgm)
tasks.baseline(pin="storm-pg", grid=GRID)(learners.storm_pg)
tasks.baseline(pin="sb3-a2c")(learners.a2c)

# An experiment of its own: where MuJoCo is missing, nobody can play, and the twins don't need it.
reacher = Experiment(task, measure_task, stack=("N",), interface=Learner)

reacher.method(pin="reacher", grid=GRID)(learners.n_pg_igt)
reacher.method(pin="reacher", grid=GRID)(learners.n_harpg)
reacher.method(pin="reacher", grid=GRID)(learners.harpg)
reacher.baseline(pin="reacher", grid=GRID)(learners.pg)
reacher.baseline(pin="reacher", grid=GRID)(learners.n_pgm)
reacher.baseline(pin="reacher", grid=GRID)(learners.storm_pg)
reacher.baseline(pin="reacher-a2c")(learners.a2c)

# Steps of CartPole per second.

race = Experiment(rollouts.rollouts, rollouts.measure_rollouts, seconds=True, interface=Player)

race.method(rollouts.twin)
race.baseline(pin="gymnasium-loop")(rollouts.gymnasium_loop)
race.baseline(pin="gymnasium-loop-torch")(rollouts.torch_loop)
race.baseline(pin="gymnasium-vector")(rollouts.gymnasium_vector)
race.control(rollouts.twin_undropped)


def error_of_igt(subject, opponent):
    """Return by how much the error falls faster than is asked of N-PG-IGT, in its two ways.

    Asked are theory's exponent, -2/5, but for 0.05, and a lower one than the opponent's.
    """
    return _error(subject, opponent, -0.35)


def error_of_harpg(subject, opponent):
    """Return by how much the error falls faster than is asked of (N)-HARPG, in its two ways.

    Asked are theory's exponent, -1/2, but for 0.08, and a lower one than the opponent's.
    """
    return _error(subject, opponent, -0.42)


def gap_exponent(subject):
    """Return the slope of the log gap over log N."""
    return _exponent(subject, "gap")


def gap_falls_faster(subject, opponent):
    """Return the opponent's slope of the log gap over log N, less the subject's."""
    return _exponent(opponent, "gap") - _exponent(subject, "gap")


def over_fiftyfold(subject, opponent):
    """Return ln of the ratio of live steps per second over 50, one condition for each cell."""
    ours, theirs = (each["live_steps"] / each["seconds"] for each in (subject, opponent))
    excess = log(ours / theirs) - log(50)
    return {str(skill): excess[:, i] for i, skill in enumerate(subject["skill"])}


def _error(subject, opponent, most):
    own = _exponent(subject, "error")
    return {
        f"error exponent, below {most}": most - own,
        "error exponent, below the uncorrected method's": _exponent(opponent, "error") - own,
    }


def _exponent(subject, name):
    """Return each replicate's least-squares slope of log `name` over log N, infinite if lost."""
    last = np.argsort(subject["N"])[-WINDOW:]
    y = log(subject[name][:, last])
    return np.where(np.isfinite(y).all(axis=1), slope(y, log(subject["N"][last])), np.inf)
