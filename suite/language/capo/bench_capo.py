"""Does it stabilise policy gradients to leave out a few tokens?  Melo, Abate and Gal, 2025.

All runs of an experiment start from one pretrained net: intervals are conditional on it. Learning
rate and thresholds are those that plain GRPO gave, see claim.toml.
"""

import numpy as np

from claimbench import Experiment

from . import contenders as who
from . import guarantee as theorem
from . import overhead as race
from . import realised as kl
from . import speed as trl
from .evaluate import measure
from .interface import Guarantee, Speeder, StepTrainer, TokenScore, Trainer
from .problem import training

#: A run has collapsed that ends below this share of the accuracy it began with.
COLLAPSED = 0.5
#: Plain GRPO is damaged where it ends below this share of its best.
DAMAGED = 0.9

addition = Experiment(training, measure, stack=("lr",), interface=Trainer)
variants = Experiment(training, measure, stack=("lr",), interface=Trainer)
carries = Experiment(training, measure, stack=("lr",), interface=Trainer)
realised = Experiment(
    kl.realised,
    kl.measure_realised,
    stack=("lr",),
    exhibit=kl.exhibit_realised,
    interface=TokenScore,
)
guarantee = Experiment(theorem.processes, theorem.measure_guarantee, interface=Guarantee)
overhead = Experiment(
    race.steps, race.measure_steps, stack=("lr",), seconds=True, interface=StepTrainer
)
speed = Experiment(trl.speed, trl.measure_speed, seconds=True, interface=Speeder)

addition.method(who.capo)
addition.method(who.capo_printed)
addition.baseline(pin="grpo")(who.grpo)
addition.baseline(pin="grpo")(who.grpo_conservative)
addition.control(who.random_rejection)
addition.control(who.reversed_filter)
addition.control(who.complement_filter)

variants.method(who.capo)
variants.method(who.capo_sgd)
variants.method(who.capo_policy_only)
variants.method(who.capo_objective_only)
variants.method(who.dr_capo)
variants.method(who.dr_capo_printed)
variants.method(who.rein_capo)
variants.baseline(pin="grpo")(who.grpo)
variants.baseline(pin="grpo")(who.grpo_clipped)
variants.baseline(pin="dr-grpo")(who.dr_grpo)
variants.baseline(pin="reinforce")(who.reinforce)
variants.baseline(pin="token-rejection")(who.low_probability_rejection)
variants.baseline(pin="token-rejection")(who.largest_shift_rejection)
variants.control(who.random_rejection)

carries.method(who.capo)
carries.method(who.capo_95)
carries.method(who.capo_99)
carries.method(who.capo_995)
carries.method(who.capo_printed)
carries.method(who.capo_sgd)
carries.method(who.dr_capo)
carries.method(who.rein_capo)
carries.baseline(pin="grpo")(who.grpo)
carries.baseline(pin="grpo")(who.grpo_clipped)
carries.baseline(pin="dr-grpo")(who.dr_grpo)
carries.baseline(pin="reinforce")(who.reinforce)
carries.baseline(pin="token-rejection")(who.low_probability_rejection)
carries.control(who.random_rejection)

realised.method(kl.adam_model)
realised.method(kl.sgd_model)
realised.baseline(pin="surprise")(kl.surprise)
realised.control(kl.shuffled)
realised.control(kl.without_rate)

guarantee.method(theorem.guarantee)
guarantee.control(theorem.objective_alone)

overhead.method(race.filtered_step)
overhead.method(race.plain_step_again)
overhead.baseline(pin="grpo")(race.plain_step)
overhead.control(race.twice_filtered_step)

speed.method(trl.stacked)
speed.baseline(pin="trl-grpo")(trl.trl)
speed.control(trl.plain_loop)


def accuracy_lost(subject, opponent):
    """Return by how much the subject ends below the opponent, (replicate,); mean over rates."""
    return (opponent["final"] - subject["final"]).mean(axis=1)


def accuracy_gained(subject, opponent):
    """Return by how much the subject ends above the opponent, (replicate,); mean over rates."""
    return -accuracy_lost(subject, opponent)


def accuracy_lost_where_damaged(subject, opponent):
    """Return `accuracy_lost` at the least lr from which on the opponent is damaged.

    That is: where the opponent's mean final accuracy is below 0.9 of its best over all rates, and
    at all higher rates too. NaN where it is nowhere.
    """
    order = np.argsort(opponent["lr"])
    mean = opponent["final"].mean(axis=0)[order]
    sound = np.flatnonzero(mean >= DAMAGED * mean.max())
    first = sound[-1] + 1
    if first == len(order):
        return np.full(len(opponent["final"]), np.nan)
    cell = order[first]
    return opponent["final"][:, cell] - subject["final"][:, cell]


def collapses_prevented(subject, opponent):
    """Return 1 where only the opponent collapsed, -1 where only the subject did, else 0."""
    return (_collapsed(opponent) - _collapsed(subject)).mean(axis=1)


def _collapsed(of):
    return (of["final"] < COLLAPSED * of["start"]).astype(float)


def reaches_sooner(subject, opponent):
    """Return whether the subject meets the opponent's final accuracy before the opponent does.

    At the checkpoints, replicate by replicate; a subject that never meets it does not.
    """
    level = opponent["final"][:, 0, None]
    ours, theirs = (_first(of["accuracy"][:, 0], level) for of in (subject, opponent))
    return ours < theirs


def _first(accuracy, level):
    """Return the first checkpoint at which the level is met, or how many there are."""
    met = accuracy >= level
    return np.where(met.any(axis=1), met.argmax(axis=1), met.shape[1])


def tokens_rejected(subject):
    """Return the mean share of sampled tokens that were rejected, over all steps."""
    return subject["rejected"].mean(axis=1)


def rank_correlation(subject):
    """Return the mean over steps of Spearman's correlation with the realised KL."""
    return _mean_over_steps(subject, subject["correlation"])


def log_size(subject):
    """Return the mean over steps of ln(mean score / mean realised KL)."""
    with np.errstate(divide="ignore"):
        return _mean_over_steps(subject, np.log(subject["size"]))


def _mean_over_steps(subject, values):
    """Return means, (replicate,), over the steps in which tokens had an advantage."""
    return values.mean(axis=(1, 2), where=subject["counted"] > 1)


def excess(subject):
    """Return by how much the bound lies above the true change, by setting."""
    cells = zip(subject["gamma"], subject["lr"], strict=True)
    return {
        f"gamma = {gamma:g}, lr = {lr:g}": subject["excess"][:, cell]
        for cell, (gamma, lr) in enumerate(cells)
    }


def log_seconds(subject, opponent):
    """Return ln of the subject's seconds over the opponent's, round by round."""
    return np.log(subject["seconds"] / opponent["seconds"])[:, 0]


def log_seconds_per_completion(subject, opponent):
    """Return ln of the subject's seconds per completion over the opponent's, round by round."""
    ours = subject["seconds"] / subject["completions"]
    return np.log(ours / (opponent["seconds"] / opponent["completions"]))[:, 0]
