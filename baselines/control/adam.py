"""Adam (Kingma and Ba, ICLR 2015), for training in short processes."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """The arithmetic of ``torch.optim.Adam(..., fused=True)``, to the last bit.

    Making one of torch's own loads its compiler: three seconds in every worker, of which nothing
    is used here.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self._parameters = list(parameters)
        self._means, self._squares = (
            [torch.zeros_like(one) for one in self._parameters] for _ in range(2)
        )
        self._steps = [torch.zeros((), device=one.device) for one in self._parameters]

    def step(self, lr: float) -> None:
        """Take a step of rate lr along the gradients, all of which must be there; forget them."""
        with torch.no_grad():
            adam(
                self._parameters,
                [one.grad for one in self._parameters],
                self._means,
                self._squares,
                [],
                self._steps,
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=lr,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )
        for one in self._parameters:
            one.grad = None
