"""Who trains the nets: plain policy gradients, CAPO, and other ways to tame a step."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from torch import Tensor

from suite.language.tinylm.policy_gradient import (
    dr_grpo_advantage,
    grpo_advantage,
    mean_of_sentences,
    mean_over_length,
    reinforce_advantage,
)
from suite.language.tinylm.training import Progress

from . import filters
from .method import AdamModel, Box, SGDModel, TokenFilter, capo_loss

#: The official recipes' (delta_F, delta_H), for GRPO and for Dr.GRPO.
RECIPE, DR_RECIPE = (1e-4, 1e-2), (1e-3, 5e-4)
#: What the rules that know only a share reject.
SHARE = 0.02
TIGHT = 0.1


@dataclass(frozen=True)
class Run:
    """What every contender returns.

    Attributes
    ----------
    ledger
        What was rejected; None where there is no filter.
    thresholds
        delta_F and delta_H, where there are any: numbers or (rows, 1).
    """

    progress: Progress
    ledger: filters.Ledger | None = None
    thresholds: tuple[Tensor | float, Tensor | float] = (inf, inf)


# Plain.


def grpo(problem):
    """GRPO at the aggressive rate."""
    return Run(problem.train(capo_loss(grpo_advantage)))


def grpo_conservative(problem):
    """GRPO at the conservative rate, with as many completions."""
    return Run(problem.train(capo_loss(grpo_advantage), lr=problem.conservative))


def grpo_clipped(problem):
    """GRPO with a gradient norm of at most 0.1, in place of 1."""
    return Run(problem.train(capo_loss(grpo_advantage), clip=TIGHT))


def dr_grpo(problem):
    """Dr.GRPO at the aggressive rate."""
    return Run(problem.train(capo_loss(dr_grpo_advantage, aggregate=mean_over_length)))


def reinforce(problem):
    """REINFORCE without a baseline at the aggressive rate."""
    return Run(problem.train(capo_loss(reinforce_advantage)))


# CAPO.


def capo(problem):
    """CAPO with thresholds calibrated on plain GRPO."""
    return _filtered(problem, _calibrated(problem))


def capo_printed(problem):
    """CAPO with the thresholds of the official recipe."""
    return _filtered(problem, RECIPE)


def capo_sgd(problem):
    """CAPO with the SGD model of the step, and thresholds calibrated for it."""
    return _filtered(problem, _calibrated(problem, "sgd"), model=SGDModel)


def capo_policy_only(problem):
    """CAPO with the bound on m_F alone."""
    return _filtered(problem, (_calibrated(problem)[0], inf))


def capo_objective_only(problem):
    """CAPO with the bound on m_H alone."""
    return _filtered(problem, (inf, _calibrated(problem)[1]))


def capo_95(problem):
    """CAPO with the 95% quantiles as thresholds."""
    return _filtered(problem, _calibrated(problem, quantile=0.95))


def capo_99(problem):
    """CAPO with the 99% quantiles as thresholds."""
    return _filtered(problem, _calibrated(problem, quantile=0.99))


def capo_995(problem):
    """CAPO with the 99.5% quantiles as thresholds."""
    return _filtered(problem, _calibrated(problem, quantile=0.995))


def dr_capo(problem):
    """Dr.GRPO with CAPO's filter; thresholds calibrated on plain GRPO."""
    return _filtered(problem, _calibrated(problem), dr_grpo_advantage, mean_over_length)


def dr_capo_printed(problem):
    """Dr.GRPO with CAPO's filter and the thresholds of its official recipe."""
    return _filtered(problem, DR_RECIPE, dr_grpo_advantage, mean_over_length)


def rein_capo(problem):
    """REINFORCE with CAPO's filter; thresholds calibrated on plain GRPO."""
    return _filtered(problem, _calibrated(problem), reinforce_advantage)


# Other filters.


def random_rejection(problem, *, streams):
    """GRPO without 2% of the tokens, drawn at random."""
    return _chosen(problem, filters.AtRandom(SHARE, streams.each("rejection")), SGDModel)


def low_probability_rejection(problem):
    """GRPO without the 2% of the tokens that were least probable."""
    return _chosen(problem, filters.LeastProbable(SHARE), SGDModel)


def largest_shift_rejection(problem):
    """GRPO without the 2% of the tokens with an advantage whose m_F is largest."""
    return _chosen(problem, filters.LargestShift(SHARE), AdamModel)


def reversed_filter(problem):
    """GRPO without the 2% of the tokens with an advantage whose m_F is smallest."""
    return _chosen(problem, filters.SmallestShift(SHARE), AdamModel)


def complement_filter(problem):
    """CAPO inside out: what it accepts is rejected, and what it rejects is trained on."""
    return _chosen(problem, filters.Complement(Box(*_calibrated(problem))), AdamModel)


def _calibrated(problem, model="adam", quantile=0.98):
    return tuple(problem.threshold(f"{model}_{symbol}", quantile) for symbol in "FH")


def _filtered(
    problem, thresholds, advantage=grpo_advantage, aggregate=mean_of_sentences, *, model=AdamModel
):
    box = Box(*thresholds)
    ledger = filters.Ledger(box)
    loss = capo_loss(advantage, TokenFilter(box, model(), ledger), aggregate=aggregate)
    return Run(problem.train(loss), ledger, thresholds)


def _chosen(problem, rule, model):
    ledger = filters.Ledger()
    loss = capo_loss(grpo_advantage, TokenFilter(rule, model(), ledger))
    return Run(problem.train(loss), ledger)
