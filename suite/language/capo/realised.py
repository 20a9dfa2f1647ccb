"""Does m_F say how far a step moves the policy?  Against the exact KL of each token's state.

Plain GRPO trains for some steps, with the Adam model of its steps beside it. What the step did to
every sampled token's distribution is known afterwards: KL(pi_old || pi_new), after the update of
all weights and not of the last layer alone.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from suite.language.tinylm.policy_gradient import grpo_advantage, kl_exact, policy_loss
from suite.language.tinylm.sampling import score
from suite.language.tinylm.training import Batch

from .method import AdamModel, SGDModel, Tokens, shifts, tokens_of_batch
from .problem import Training, training

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """One step, as known before its update.

    Attributes
    ----------
    model
        The Adam model with its moments before the step.
    lr
        (K, 1).
    counted
        (K, n), tokens that were sampled and have an advantage.
    """

    tokens: Tokens
    model: AdamModel
    lr: Tensor
    counted: Tensor


@dataclass
class Realised:
    """Steps of plain GRPO, and what each did to the policy.

    Attributes
    ----------
    kl
        One (K, n) for each step; for the measure.
    """

    training: Training
    steps: list[Seen] = field(default_factory=list)
    kl: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        model, nets = AdamModel(), self.training.nets()

        def loss(batch: Batch) -> Tensor:
            A = grpo_advantage(batch.reward)
            with torch.no_grad():
                tokens, mask = tokens_of_batch(batch, A), batch.mask.flatten(1)
                counted = (mask > 0) & (tokens.A != 0)
                # A copy is enough of a snapshot: `learn` replaces the moments.
                self.steps.append(Seen(tokens, copy.copy(model), batch.lr.unsqueeze(-1), counted))
                model.learn(tokens, mask)
            return policy_loss(batch.logp, A, batch.mask)

        def look(batch: Batch) -> None:
            with torch.no_grad():
                logits, _ = score(nets, batch)
                self.kl.append(kl_exact(batch.logits, logits).flatten(1))

        self.training.train(loss, nets=nets, after=look, checkpoints=())

    @property
    def calls(self) -> Tensor:
        """Completions sampled, (rows,)."""
        return self.training.calls


def realised(task: str, lr: Sequence[float], *, streams: Any, n: int, **settings: Any) -> Realised:
    """Return the steps of n runs; settings are those of `training`."""
    return Realised(training(task, lr, streams=streams, n=n, **settings))


# Contenders: what to rank the tokens by, one (K, n) for each step, all from before the update.


def adam_model(problem):
    """m_F with the Adam model of the step."""
    return [_m_F(seen, seen.model) for seen in problem.steps]


def sgd_model(problem):
    """m_F with the SGD model of the step."""
    return [_m_F(seen, SGDModel()) for seen in problem.steps]


def surprise(problem):
    """-log pi(a): the token's own improbability, which costs nothing."""
    return [-torch.log1p(-seen.tokens.v.amax(dim=-1)) for seen in problem.steps]


def shuffled(problem, *, streams):
    """m_F, dealt out to a net's tokens at random."""
    generators, found = streams.each("shuffle"), []
    for scores in adam_model(problem):
        places = np.stack([each.permutation(scores.shape[1]) for each in generators])
        rows = torch.from_numpy(places).to(scores.device).repeat(len(scores) // len(places), 1)
        found.append(scores.gather(1, rows))
    return found


def without_rate(problem):
    """m_F without its lr^2."""
    return [
        scores / seen.lr**2 for scores, seen in zip(adam_model(problem), problem.steps, strict=True)
    ]


def _m_F(seen: Seen, model: AdamModel | SGDModel) -> Tensor:
    return shifts(seen.tokens, model.products(seen.tokens), seen.lr).F


def measure_realised(problem: Realised, scores: Sequence[Tensor]) -> dict[str, Floats]:
    """Return the columns of the evidence, over tokens with an advantage.

    Of shape (rows, steps): Spearman's `correlation` of score and KL, `size`, the mean score over
    the mean KL, the mean `kl`, and how many tokens are `counted`. Where it is none or one, as when
    every group has equal rewards, the others are 0.
    """
    rows = len(scores[0])
    found = {
        name: np.zeros((rows, len(scores))) for name in ("correlation", "size", "kl", "counted")
    }
    for step, (x, kl, seen) in enumerate(zip(scores, problem.kl, problem.steps, strict=True)):
        for row in range(rows):
            counted = seen.counted[row]
            score, truth = (each[row, counted].double().cpu().numpy() for each in (x, kl))
            found["counted"][row, step] = len(score)
            if len(score) > 1:
                found["correlation"][row, step] = spearmanr(score, truth).statistic
                found["size"][row, step] = score.mean() / truth.mean()
                found["kl"][row, step] = truth.mean()
    return found


def exhibit_realised(problem: Realised, scores: Sequence[Tensor]) -> dict[str, Floats]:
    """Return scores and KL of replicate 0 in the second step, tokens with an advantage."""
    step = min(1, len(scores) - 1)
    counted = problem.steps[step].counted[0]
    return {
        "score": scores[step][0, counted].double().cpu().numpy(),
        "kl": problem.kl[step][0, counted].double().cpu().numpy(),
    }
