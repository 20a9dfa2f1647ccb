"""Eigenvalues of many symmetric 3x3 matrices at once.

A library calls LAPACK once for each matrix, which takes several times as long in a large batch.
Here entries come first and the batch last, so that each operation runs over contiguous numbers.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

#: Fewer matrices than these are faster one by one, in LAPACK.
FEW = 500
SWEEPS = 12
#: Off-diagonal entries this small against the geometric mean of their diagonal ones are zero.
ROUNDING = 1e-15
# Added to a denominator that is zero where there is nothing to turn, or no shape.
TINY = 1e-300


def symmetric(A: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues (3, ...) and orthonormal eigenvectors (3, 3, ...) of symmetric A.

    Column a of the vectors, [:, a], belongs to value a; they are in no order.

    Parameters
    ----------
    A
        (3, 3, ...), of which the upper triangle is read.
    """
    if A[0, 0].numel() < FEW:
        values, V = torch.linalg.eigh(A.movedim((0, 1), (-2, -1)), UPLO="U")
        return values.movedim(-1, 0), V.movedim((-2, -1), (0, 1))
    return _turned_to_diagonal(A)


def _turned_to_diagonal(A: Tensor) -> tuple[Tensor, Tensor]:
    """Return what `symmetric` does, by Jacobi rotations of all matrices at once."""
    a = {(i, j): A[i, j] for i in range(3) for j in range(i, 3)}
    identity = torch.eye(3, dtype=A.dtype, device=A.device)
    V = [column.reshape(3, *[1] * (A.dim() - 2)).expand_as(A[0]) for column in identity]
    for _ in range(SWEEPS):
        if _is_diagonal(a):
            break
        for p, q, r in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
            pr, qr = (min(p, r), max(p, r)), (min(q, r), max(q, r))
            twice = 2 * a[p, q]
            difference = a[q, q] - a[p, p]
            length = torch.hypot(difference, twice) + TINY
            t = twice / (difference + length.copysign(difference))
            c = (1 + t * t).rsqrt()
            s = t * c
            shift = t * a[p, q]
            a[p, p], a[q, q] = a[p, p] - shift, a[q, q] + shift
            a[p, q] = torch.zeros_like(shift)
            a[pr], a[qr] = _turned(a[pr], a[qr], c, s)
            V[p], V[q] = _turned(V[p], V[q], c, s)
    return torch.stack([a[i, i] for i in range(3)]), torch.stack(V, dim=1)


def _turned(x: Tensor, y: Tensor, c: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    return torch.addcmul(c * x, s, y, value=-1), torch.addcmul(s * x, c, y)


def _is_diagonal(a: dict[tuple[int, int], Tensor]) -> bool:
    """Return whether the off-diagonal entries of all matrices are rounding errors."""
    return all(
        bool((a[p, q].square() <= ROUNDING**2 * (a[p, p] * a[q, q]).abs()).all())
        for p, q in ((0, 1), (0, 2), (1, 2))
    )


def least_direction(A: Tensor) -> Tensor:
    """Return the unit eigenvector (3, ...) of the smallest eigenvalue of symmetric A, (3, 3, ...).

    The longest column of the adjugate of A - lambda I. Where the two smallest eigenvalues are
    equal, any direction may come out.
    """
    least = _least_value(A)
    x, y, z = (A[i, i] - least for i in range(3))
    xy, xz, yz = A[0, 1], A[0, 2], A[1, 2]
    across = xz * yz - xy * z, xy * yz - xz * y, xy * xz - x * yz
    first = torch.stack((y * z - yz * yz, across[0], across[1]))
    second = torch.stack((across[0], x * z - xz * xz, across[2]))
    third = torch.stack((across[1], across[2], x * y - xy * xy))
    longest = torch.where(first[0] >= second[1], first, second)
    longest = torch.where(torch.maximum(first[0], second[1]) >= third[2], longest, third)
    return longest / longest.norm(dim=0)


def _least_value(A: Tensor) -> Tensor:
    """Return the smallest eigenvalue, (...), of symmetric A, (3, 3, ...), in closed form.

    A root of the characteristic polynomial: right to rounding of the largest eigenvalue, except
    where the two smallest are equal; there half of the digits are lost.
    """
    mean = (A[0, 0] + A[1, 1] + A[2, 2]) / 3
    x, y, z = (A[i, i] - mean for i in range(3))
    xy, xz, yz = A[0, 1], A[0, 2], A[1, 2]
    off = xy * xy + xz * xz + yz * yz
    radius = ((x * x + y * y + z * z + 2 * off) / 6).sqrt()
    half_det = (x * (y * z - yz * yz) - xy * (xy * z - yz * xz) + xz * (xy * yz - y * xz)) / 2
    phi = torch.acos((half_det / (radius**3 + TINY)).clamp(-1, 1)) / 3
    # The smallest of mean + 2 radius cos(phi + 2 pi k / 3).
    return mean + 2 * radius * torch.cos(phi + 2 * pi / 3)
