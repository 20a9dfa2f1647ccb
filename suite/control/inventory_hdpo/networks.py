"""The policy networks of the paper, stacked: weights (rows, in, out), one network per row.

All rows are trained as one batch of products (``torch.baddbmm``); they share nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import elu, softplus


class StackedMLP:
    """Fully connected networks with ELU, one per row.

    Attributes
    ----------
    parameters
        W_1 (rows, in, out), b_1 (rows, 1, out), W_2, ...
    """

    def __init__(
        self, sizes: Sequence[int], problem: Any, generator: torch.Generator, *, bias: float | None
    ) -> None:
        """Draw weights uniform on +-1/sqrt(fan-in), the same for all cells of a replicate.

        Parameters
        ----------
        sizes
            Of the input, the hidden layers and the output.
        problem
            An `InventoryProblem`, which has n replicates in each of its cells.
        generator
            Of the weights; networks of several parts draw them one after another.
        bias
            What the last bias starts at; None draws it like the others.
        """
        self.parameters: list[Tensor] = []
        for fan_in, out in pairwise(sizes):
            for height in (fan_in, 1):
                drawn = torch.rand(problem.n, height, out, generator=generator)
                drawn = (2 * drawn - 1) / fan_in**0.5
                self.parameters.append(drawn.repeat(problem.cells, 1, 1).to(problem.device))
        if bias is not None:
            self.parameters[-1].fill_(bias)
        for parameter in self.parameters:
            parameter.requires_grad_()

    def __call__(self, x: Tensor) -> Tensor:
        """Return (rows, B, out) of x, (rows, B, in)."""
        *hidden, W, b = self.parameters
        for V, c in zip(hidden[::2], hidden[1::2], strict=True):
            x = elu(torch.baddbmm(c, x, V))
        return torch.baddbmm(b, x, W)


class OneStore:
    """One store's order from its own inventory: [32, 32], softplus(output).

    Deviation: two hidden layers, and a last bias of 5, so that first orders are near the mean
    demand of 5; the official default is three layers, and softplus(output + 1) with a last bias
    drawn like the others. It learns faster.
    """

    def __init__(self, problem: Any, generator: torch.Generator) -> None:
        self.network = StackedMLP(
            (problem.network.longest, 32, 32, 1), problem, generator, bias=5.0
        )
        self.parameters = self.network.parameters

    def __call__(self, x: Tensor) -> Tensor:
        """Return orders (rows, B, 1)."""
        return softplus(self.network(x.flatten(-2)))
