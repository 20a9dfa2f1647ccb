"""A race: what the filter adds to the seconds of a training step, on one net."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from suite.language.tinylm.policy_gradient import grpo_advantage

from .filters import Everything
from .method import AdamModel, Box, TokenFilter, Tokens, capo_loss
from .problem import Training, training


@dataclass
class Steps:
    """Some steps from the pretrained net, and moments that are already there.

    Attributes
    ----------
    moments
        An Adam model after one step: its first look is cheaper than all later ones.
    """

    training: Training
    moments: AdamModel

    @property
    def calls(self) -> Tensor:
        """Completions sampled, (rows,)."""
        return self.training.calls


def steps(task: str, lr: Sequence[float], *, streams: Any, n: int, **settings: Any) -> Steps:
    """Return the steps of a round; settings are those of `training`."""
    made = training(task, lr, streams=streams, n=n, **settings)
    moments = AdamModel()
    loss = capo_loss(grpo_advantage, TokenFilter(Everything(), moments))
    replace(made, steps=1).train(loss, checkpoints=())
    return Steps(made, moments)


class TwiceAdamModel(AdamModel):
    """Does its work twice over."""

    def products(self, tokens: Tokens) -> Tensor:
        """Return u = G h, (K, n, V)."""
        super().products(tokens)
        return super().products(tokens)


def plain_step(problem):
    """GRPO."""
    return problem.training.train(capo_loss(grpo_advantage), checkpoints=())


def plain_step_again(problem):
    """GRPO once more: how much two runs of the same differ."""
    return problem.training.train(capo_loss(grpo_advantage), checkpoints=())


def filtered_step(problem):
    """CAPO with calibrated thresholds."""
    return _filtered(problem, AdamModel())


def twice_filtered_step(problem):
    """CAPO that computes the steps of its tokens twice."""
    return _filtered(problem, TwiceAdamModel())


def _filtered(problem, model):
    made = problem.training
    model.M, model.S, model.t = problem.moments.M, problem.moments.S, problem.moments.t
    box = Box(made.threshold("adam_F"), made.threshold("adam_H"))
    return made.train(capo_loss(grpo_advantage, TokenFilter(box, model)), checkpoints=())


def measure_steps(_, progress):
    """Return the mean reward of the steps, (rows,)."""
    return {"reward": progress.reward.mean(dim=1).cpu().double().numpy()}
