"""Many small matrices with their entries first and the batch last.

Each operation then runs over contiguous numbers, whatever the size of the matrices.
"""

from __future__ import annotations

from torch import Tensor


def batch_last(A: Tensor) -> Tensor:
    """Return (batch, ...) as contiguous (..., batch); a view of what was so before."""
    return A.movedim(0, -1).contiguous()


def times(A: Tensor, x: Tensor) -> Tensor:
    """Return A x, (i, ...), of matrices (i, k, ...) and vectors (k, ...)."""
    return (A * x).sum(dim=1)


def dot(x: Tensor, y: Tensor) -> Tensor:
    """Return x.y, (...), of vectors (k, ...)."""
    return (x * y).sum(dim=0)
