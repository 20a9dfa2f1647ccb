"""Many small matrices with their entries first and the batch last.

Each operation then runs over contiguous numbers, whatever the size of the matrices.
"""

from __future__ import annotations

import torch
from torch import Tensor


def batch_last(A: Tensor) -> Tensor:
    """Return (batch, ...) as contiguous (..., batch); a view of what was so before."""
    return A.movedim(0, -1).contiguous()


def times(A: Tensor, x: Tensor) -> Tensor:
    """Return A x of matrices (i, k, ...) and vectors (k, ...)."""
    product = A[:, 0] * x[0]
    for k in range(1, len(x)):
        product = torch.addcmul(product, A[:, k], x[k])
    return product


def dot(x: Tensor, y: Tensor) -> Tensor:
    """Return x.y of vectors (k, ...)."""
    product = x[0] * y[0]
    for k in range(1, len(x)):
        product = torch.addcmul(product, x[k], y[k])
    return product
