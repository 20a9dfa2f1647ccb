"""M steps of conjugate gradients, each image for itself."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: An image whose residual's norm falls below it takes no further step (released code).
STOP = 1e-5


def conjugate_gradient(
    product: Callable[[Tensor], Tensor], b: Tensor, x: Tensor, M: int, *, dims: int = 1
) -> Tensor:
    """Return x after at most M steps on Op(x) = b.

    Deviation: inner products are those of each image or volume, not of the whole batch; and who
    begins below the stopping rule stays there, where the released code takes one step.

    Parameters
    ----------
    product
        Op, symmetric and positive semi-definite.
    dims
        How many of the last axes make one image: 1 for images, 2 for volumes.
    """
    axes = tuple(range(-dims, 0))

    def inner(left: Tensor, right: Tensor) -> Tensor:
        return (left * right).sum(dim=axes, keepdim=True)

    if M == 0:
        return x
    r = b - product(x)
    p, rs = r, inner(r, r)
    for step in range(1, M + 1):
        Ap = product(p)
        a = torch.where(rs < STOP**2, 0.0, rs / inner(p, Ap))
        x = x + a * p
        if step == M:
            break
        r = r - a * Ap
        rn = inner(r, r)
        p = r + torch.where(rs < STOP**2, 0.0, rn / rs) * p
        rs = rn
    return x
