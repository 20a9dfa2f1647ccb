"""Where all runs start: one pretrained net, and thresholds found from plain GRPO on it.

The thresholds are fixed before CAPO first runs: they are quantiles of what plain GRPO's tokens do
in a short run, on seeds that no judged run uses. A judged run then keeps them for all its steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from suite.language.tinylm.arithmetic import TASKS
from suite.language.tinylm.model import Transformer
from suite.language.tinylm.policy_gradient import grpo_advantage
from suite.language.tinylm.supervised import architecture_of, pretrain
from suite.language.tinylm.training import Draws, Recipe, train

from .filters import Everything
from .method import AdamModel, SGDModel, Shifts, TokenFilter, Tokens, capo_loss

MODELS = {"adam": AdamModel, "sgd": SGDModel}
#: Runs, steps of a run, and the first and last step whose tokens are pooled, from 0.
RUNS, STEPS, FIRST, LAST = 3, 10, 3, 8


@dataclass(frozen=True)
class Seeds:
    """Streams of the calibration's runs: a generator for each run and purpose."""

    device: str

    def each(self, purpose: str) -> list[np.random.Generator]:
        """Return one generator for each run."""
        tag = int.from_bytes(purpose.encode()[:4], "little")
        return [np.random.default_rng([tag, run]) for run in range(RUNS)]


def start(
    *,
    task: str,
    width: int,
    layers: int,
    heads: int,
    pretraining: int,
    lr: Sequence[float],
    prompts: int,
    group: int,
    quantiles: Sequence[float],
    device: str,
) -> dict[str, Tensor]:
    """Return the weights of a pretrained net, with the thresholds for each lr and quantile.

    Returns
    -------
    dict
        What `pretrain` returns, and ``adam_F``, ``adam_H``, ``sgd_F``, ``sgd_H``: each
        (len(lr), len(quantiles)).
    """
    weights = pretrain(task, width, layers, heads, most=pretraining, device=device)
    architecture = architecture_of(TASKS[task], width, layers, heads)
    thresholds = {}
    for name, model in MODELS.items():
        rows = len(lr) * RUNS
        nets = Transformer(architecture, [weights] * rows, device)
        rates = torch.tensor(lr, device=device).repeat_interleave(RUNS)
        recipe = Recipe(lr=rates, steps=STEPS, prompts=prompts, group=group)
        pool = Pool(recipe)
        loss = capo_loss(grpo_advantage, TokenFilter(Everything(), model(), pool))
        train(nets, TASKS[task], recipe, Draws(Seeds(device), cells=len(lr)), loss)
        thresholds |= pool.thresholds(name, quantiles, len(lr))
    return weights | thresholds


class Pool:
    """Collects m_F over factor^2 and abs(m_H) over factor, the schedule's factor of the step."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe, self._step = recipe, 0
        self._F: list[list[Tensor]] = []
        self._H: list[list[Tensor]] = []

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor, accepted: Tensor) -> None:  # noqa: ARG002
        """Keep the step's tokens with an advantage, row by row, if the step counts."""
        factor = self._recipe.factor(self._step)
        if FIRST <= self._step <= LAST:
            counted = (mask > 0) & (tokens.A != 0)
            self._F.append([x[one] / factor**2 for x, one in zip(m.F, counted, strict=True)])
            self._H.append([x[one].abs() / factor for x, one in zip(m.H, counted, strict=True)])
        self._step += 1

    def thresholds(self, name: str, quantiles: Sequence[float], cells: int) -> dict[str, Tensor]:
        """Return the quantiles over steps and runs, (cells, len(quantiles)), of m_F and m_H."""
        at = torch.tensor(quantiles, dtype=torch.float64)
        found = {}
        for symbol, steps in (("F", self._F), ("H", self._H)):
            rows = [torch.cat(list(row)).double().cpu() for row in zip(*steps, strict=True)]
            pooled = [torch.cat(rows[cell * RUNS : (cell + 1) * RUNS]) for cell in range(cells)]
            found[f"{name}_{symbol}"] = torch.stack([_quantiles(one, at) for one in pooled])
        return found


def _quantiles(x: Tensor, at: Tensor) -> Tensor:
    """Return the quantiles; without any x nothing bounds, and they are infinite."""
    return torch.quantile(x, at) if len(x) else torch.full_like(at, torch.inf)
