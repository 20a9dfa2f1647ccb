"""Eigenvalues of many symmetric 3x3 matrices at once.

A library calls LAPACK once for each matrix: at a batch of 10,000 that takes several times as long.
"""

from __future__ import annotations

from math import pi
from typing import NamedTuple

import torch
from torch import Tensor

SWEEPS = 12
#: Off-diagonal entries this small against the geometric mean of their diagonal ones are zero.
ROUNDING = 1e-15
# Added to the denominator of a rotation that has nothing to turn.
TINY = 1e-300


class Eigen(NamedTuple):
    """A = V diag(values) V'.

    Attributes
    ----------
    values
        (..., 3), in no order.
    vectors
        (..., 3, 3), V: column a belongs to value a.
    """

    values: Tensor
    vectors: Tensor


def symmetric(A: Tensor) -> Eigen:
    """Return the eigenvalues and orthonormal eigenvectors of symmetric A, (..., 3, 3).

    Cyclic Jacobi rotations, each on all matrices; small eigenvalues of a positive definite matrix
    keep more digits than a tridiagonal reduction would leave them.
    """
    # Entries first, matrices last: each operation below then runs over one contiguous row.
    flat = A.reshape(-1, 9).T.contiguous()
    a = {(i, j): flat[3 * i + j] for i in range(3) for j in range(i, 3)}
    identity = torch.eye(3, dtype=A.dtype, device=A.device)
    V = list(identity.unsqueeze(-1).expand(3, 3, flat.shape[1]).unbind(0))
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
            a[pr], a[qr] = c * a[pr] - s * a[qr], s * a[pr] + c * a[qr]
            V[p], V[q] = c * V[p] - s * V[q], s * V[p] + c * V[q]
    values = torch.stack([a[i, i] for i in range(3)], dim=-1)
    # V holds columns, (3, matrices) each.
    vectors = torch.stack(V).permute(2, 1, 0)
    return Eigen(values.reshape(A.shape[:-1]), vectors.reshape(A.shape))


def least_direction(A: Tensor) -> Tensor:
    """Return the unit eigenvector of the smallest eigenvalue of symmetric A, (..., 3, 3).

    In closed form: the eigenvalue as a root of the characteristic polynomial, the eigenvector as
    the longest column of the adjugate of A - lambda I. Where the two smallest eigenvalues are equal
    any direction may come out.
    """
    flat = A.reshape(-1, 9).T.contiguous()
    xx, xy, xz, _, yy, yz, _, _, zz = flat.unbind(0)
    mean = (xx + yy + zz) / 3
    x, y, z = xx - mean, yy - mean, zz - mean
    off = xy * xy + xz * xz + yz * yz
    radius = ((x * x + y * y + z * z + 2 * off) / 6).sqrt()
    half_det = (x * (y * z - yz * yz) - xy * (xy * z - yz * xz) + xz * (xy * yz - y * xz)) / 2
    phi = torch.acos((half_det / (radius**3 + TINY)).clamp(-1, 1)) / 3
    # The smallest of radius * 2 cos(phi + 2 pi k / 3).
    least = 2 * radius * torch.cos(phi + 2 * pi / 3)
    x, y, z = x - least, y - least, z - least
    adjugate = torch.stack(
        (
            y * z - yz * yz, xz * yz - xy * z, xy * yz - xz * y,
            xz * yz - xy * z, x * z - xz * xz, xy * xz - x * yz,
            xy * yz - xz * y, xy * xz - x * yz, x * y - xy * xy,
        )
    ).view(3, 3, -1)  # fmt: skip
    longest = adjugate.diagonal().argmax(dim=-1)
    column = adjugate.permute(2, 0, 1)[torch.arange(len(longest), device=A.device), longest]
    return (column / column.norm(dim=-1, keepdim=True)).reshape(A.shape[:-1])


def _is_diagonal(a: dict[tuple[int, int], Tensor]) -> bool:
    """Return whether the off-diagonal entries of all matrices are rounding errors."""
    return all(
        bool((a[p, q].square() <= ROUNDING**2 * (a[p, p] * a[q, q]).abs()).all())
        for p, q in ((0, 1), (0, 2), (1, 2))
    )
