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


def eliminated(A: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Solve A x = b of symmetric positive definite A, (k, k, ...), without pivoting.

    Returns
    -------
    tuple
        x (k, ...) and the pivots (k, ...): where one is not positive, x means nothing.
    """
    size = len(b)
    A, x = A.clone(), b.clone()
    for k in range(size - 1):
        factors = A[k + 1 :, k] / A[k, k]
        A[k + 1 :, k + 1 :].addcmul_(factors.unsqueeze(1), A[k, k + 1 :].unsqueeze(0), value=-1)
        x[k + 1 :].addcmul_(factors, x[k], value=-1)
    for k in reversed(range(size)):
        x[k] /= A[k, k]
        x[:k].addcmul_(A[:k, k], x[k], value=-1)
    return x, A.diagonal().movedim(-1, 0)
