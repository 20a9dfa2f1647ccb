"""Load the pinned problem sets."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from claimbench.data import array

from .arithmetic import Task

Part = Literal["train", "validation", "test"]


def problems(task: Task, part: Part, device: str = "cpu") -> Tensor:
    """Return the operands of a problem set, (problems, m), int64, in their pinned order."""
    operands = array(f"language/tinylm/{task.name}_{part}.npy")
    return torch.from_numpy(operands.astype("int64")).to(device)
