"""The one evaluator of the training runs: greedy accuracy, and what was rejected."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .contenders import Run
from .problem import Training

Floats = NDArray[np.float64]


def measure(problem: Training, run: Run) -> dict[str, Floats]:
    """Return the columns of the evidence.

    Of shape (rows,): greedy accuracy at the `start` and at the end (`final`); `rejected` and
    `peak_rejected`, mean and largest share of a step's sampled tokens; the mean shares beyond each
    bound, `rejected_F`, `rejected_upper_H`, `rejected_lower_H`, and of tokens with A > 0,
    `rejected_rewarded`; `delta_F` and `delta_H`, 0 where there is none.

    Of shape (rows, checkpoints): `accuracy` after so many `completions`, and the mean `reward` and
    share of tokens `rejection` since the checkpoint before.
    """
    accuracy = _numpy(run.progress.accuracy)
    rejected = torch.zeros_like(run.progress.reward)
    shares = dict.fromkeys(("F", "upper_H", "lower_H", "rewarded"), np.zeros(problem.rows))
    if run.ledger is not None:
        rejected = torch.stack(run.ledger.rejected, dim=1)
        shares = {name: _numpy(run.ledger.mean(name)) for name in shares}
    per_step = problem.prompts * problem.group
    completions = np.array([float(step * per_step) for step in problem.checkpoints])
    return {
        "start": np.full(problem.rows, float(problem.arrays["greedy_accuracy"])),
        "final": accuracy[:, -1],
        "rejected": _numpy(rejected.mean(dim=1)),
        "peak_rejected": _numpy(rejected.amax(dim=1)),
        **{f"rejected_{name}": share for name, share in shares.items()},
        "delta_F": _finite(problem, run.thresholds[0]),
        "delta_H": _finite(problem, run.thresholds[1]),
        "accuracy": accuracy,
        "completions": np.broadcast_to(completions, accuracy.shape).copy(),
        "reward": _between(problem, run.progress.reward),
        "rejection": _between(problem, rejected),
    }


def _between(problem: Training, each: Tensor) -> Floats:
    """Return means over the steps from one checkpoint to the next, of (rows, steps)."""
    edges = (0, *problem.checkpoints)
    parts = [each[:, first:last].mean(dim=1) for first, last in pairwise(edges)]
    return _numpy(torch.stack(parts, dim=1))


def _finite(problem: Training, threshold: Any) -> Floats:
    values = _numpy(torch.as_tensor(threshold)).reshape(-1)
    return np.broadcast_to(np.where(np.isfinite(values), values, 0.0), problem.rows).copy()


def _numpy(values: Tensor) -> Floats:
    return values.detach().cpu().double().numpy()
