"""Reinforcement learning from one pretrained net, for every contender on the same prompts.

Rows are (lr, replicate): the cells of a stack meet the same problems and the same random numbers.
All replicates start from one net: an interval is conditional on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from suite.language.tinylm.arithmetic import TASKS, Task
from suite.language.tinylm.model import Transformer
from suite.language.tinylm.supervised import architecture_of
from suite.language.tinylm.training import Batch, Draws, Progress, Recipe
from suite.language.tinylm.training import train as train_nets

from .calibration import start

#: Shares of tokens that lie within the thresholds.
QUANTILES = (0.95, 0.98, 0.99, 0.995)
#: How often a run meets the test problems.
CHECKPOINTS = 5


@dataclass
class Training:
    """Nets to be trained, all by the same number of completions.

    Attributes
    ----------
    lr
        (cells,), the aggressive rates of the stack.
    conservative
        The learning rate of the run that is known to be stable.
    arrays
        The net that all start from, with accuracies and thresholds: see `calibration.start`.
    calls
        (rows,), completions sampled.
    """

    task: Task
    architecture: Any
    lr: tuple[float, ...]
    conservative: float
    steps: int
    prompts: int
    group: int
    arrays: Mapping[str, Any]
    streams: Any
    n: int
    calls: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.calls = torch.zeros(self.rows, dtype=torch.float64)

    @property
    def rows(self) -> int:
        """Number of nets."""
        return len(self.lr) * self.n

    @property
    def device(self) -> str:
        """Of the tensors."""
        return self.streams.device

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Steps after which a run meets the test problems; the last is its end."""
        return tuple(-(-self.steps * k // CHECKPOINTS) for k in range(1, CHECKPOINTS + 1))

    def rates(self) -> Tensor:
        """Return the learning rate of each row, (rows,)."""
        return torch.tensor(self.lr, device=self.device).repeat_interleave(self.n)

    def threshold(self, name: str, quantile: float = 0.98) -> Tensor:
        """Return a calibrated threshold of each row, (rows, 1): "adam_F", "adam_H", ..."""
        found = torch.as_tensor(self.arrays[name])[:, QUANTILES.index(quantile)]
        return found.float().to(self.device).repeat_interleave(self.n).unsqueeze(-1)

    def nets(self) -> Transformer:
        """Return the pretrained net, once for each row."""
        return Transformer(self.architecture, [self.arrays] * self.rows, self.device)

    def train(
        self,
        loss: Callable[[Batch], Tensor],
        *,
        lr: Tensor | float | None = None,
        clip: float = 1.0,
        nets: Transformer | None = None,
        after: Callable[[Batch], object] | None = None,
        checkpoints: Sequence[int] | None = None,
    ) -> Progress:
        """Train all rows and return their progress.

        Parameters
        ----------
        lr
            The highest rate, by default each row's own.
        """
        recipe = Recipe(
            lr=self.rates() if lr is None else lr,
            steps=self.steps,
            prompts=self.prompts,
            group=self.group,
            clip=clip,
        )
        self.calls += self.steps * self.prompts * self.group
        return train_nets(
            self.nets() if nets is None else nets,
            self.task,
            recipe,
            Draws(self.streams, cells=len(self.lr)),
            loss,
            checkpoints=self.checkpoints if checkpoints is None else checkpoints,
            after=after,
        )


def training(
    task: str,
    lr: Sequence[float],
    conservative: float = 3e-4,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    pretraining: int = 2000,
    steps: int = 80,
    prompts: int = 12,
    group: int = 8,
    *,
    streams: Any,
    n: int,
) -> Training:
    """Return n runs for each learning rate of a stack, all from one pretrained net.

    Parameters
    ----------
    task
        A name in `TASKS`.
    conservative
        The rate of the run that is known to be stable.
    pretraining
        Steps of supervised training at most.
    steps, prompts, group
        A step has prompts * group completions.
    """
    arrays = streams.kept(
        start,
        task=task,
        width=width,
        layers=layers,
        heads=heads,
        pretraining=pretraining,
        lr=list(lr),
        prompts=prompts,
        group=group,
        quantiles=list(QUANTILES),
        device=streams.device,
    )
    return Training(
        task=TASKS[task],
        architecture=architecture_of(TASKS[task], width, layers, heads),
        lr=tuple(lr),
        conservative=conservative,
        steps=steps,
        prompts=prompts,
        group=group,
        arrays=arrays,
        streams=streams,
        n=n,
    )
