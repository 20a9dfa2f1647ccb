"""Which directions of a registration are weak: DCReg's analysis, and those it is compared with.

H is (rows, 6, 6), rotation first. A mask is (rows, 6): roll, pitch, yaw, x, y, z.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .eigen import symmetric
from .small import batch_last

THRESHOLD = 10.0
#: Gate of full-Hessian methods, for 1,500 correspondences: H grows with their number.
GATE = 120.0
#: A block is singular where a pivot is at most this, times its largest entry. Deviation: the
#: release asks that of its smallest eigenvalue, which no pivot is below.
SINGULAR = 1e-12
FLOOR = 1e-12


class Characterisation(NamedTuple):
    """What is known of the rotational (0) and the translational (1) block of each system.

    Attributes
    ----------
    values, vectors
        (rows, 2, 3) and (rows, 2, 3, 3): column a of a block is the mode of physical axis a.
    condition
        (rows, 2), of each block.
    mask
        (rows, 6), the weak directions; all of them where the system is singular.
    singular
        (rows,), whether H_RR or H_tt has no inverse, so that there is no Schur complement.
    """

    values: Tensor
    vectors: Tensor
    condition: Tensor
    mask: Tensor
    singular: Tensor


def diagonal_blocks(H: Tensor) -> Tensor:
    """Return H_RR and H_tt, (rows, 2, 3, 3)."""
    return torch.stack((H[:, :3, :3], H[:, 3:, 3:]), dim=1)


def schur_blocks(H: Tensor, *, sign: float = -1.0) -> tuple[Tensor, Tensor]:
    """Return S_R and S_t, (rows, 2, 3, 3), and which rows are singular, (rows,).

    S_R = H_RR - H_Rt H_tt^-1 H_tR is the information on the rotation when the translation is
    unknown too: its inverse is the rotational block of H^-1. The same for S_t. A singular row has
    no complement: its blocks are those of H.

    Parameters
    ----------
    sign
        For a control: +1 adds where the complement subtracts.
    """
    H = batch_last(H)
    own = torch.stack((H[:3, :3], H[3:, 3:]), dim=2)
    # Of each block, the other one, and what leads from it to the other: H_tR for the rotation.
    other = own.flip(2)
    coupling = torch.stack((H[3:, :3], H[:3, 3:]), dim=2)
    S, singular = own, torch.zeros_like(own[0, 0], dtype=torch.bool)
    for w, pivot in _eliminated(other, coupling):
        singular = singular | ~(pivot > SINGULAR * other.abs().amax(dim=(0, 1)))
        S = torch.addcmul(S, w.unsqueeze(1), (w / pivot).unsqueeze(0), value=sign)
    either = singular.any(dim=0)
    return torch.where(either, own, S).permute(3, 2, 0, 1), either


def _eliminated(A: Tensor, C: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return rows w_k, (3, ...), and pivots d_k, (...), with C' A^-1 C = sum w_k w_k' / d_k.

    By A = L D L' and L W = C: entries first, A and C are (3, 3, ...).
    """
    first = A[0, 0]
    l10, l20 = A[0, 1] / first, A[0, 2] / first
    second = A[1, 1] - l10 * A[0, 1]
    rest = A[1, 2] - l20 * A[0, 1]
    l21 = rest / second
    third = A[2, 2] - l20 * A[0, 2] - l21 * rest
    w0 = C[0]
    w1 = C[1] - l10 * w0
    w2 = C[2] - l20 * w0 - l21 * w1
    return [(w0, first), (w1, second), (w2, third)]


def characterise(
    blocks: Tensor, singular: Tensor | None = None, *, threshold: float = THRESHOLD
) -> Characterisation:
    """Return the modes of two blocks, each assigned to a physical axis (module 2).

    A mode is weak where lambda_max / lambda exceeds the threshold, within its own block.

    Parameters
    ----------
    blocks
        (rows, 2, 3, 3).
    singular
        (rows,), none by default.
    """
    values, vectors = aligned(*symmetric(blocks.permute(2, 3, 1, 0).contiguous()))
    ratios = values.amax(dim=0) / values.clamp(min=FLOOR)
    weak = ratios > threshold
    if singular is None:
        singular = torch.zeros_like(weak[0, 0])
    mask = (weak | singular).permute(2, 1, 0).flatten(1)
    condition = ratios.amax(dim=0).T
    return Characterisation(
        values.permute(2, 1, 0), vectors.permute(3, 2, 0, 1), condition, mask, singular
    )


def aligned(values: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenpairs in the order of the axes: values (3, ...), vectors (3, 3, ...).

    Axis x takes the eigenvector with its largest entry there, then axis y one of those left; signs
    make these entries positive.
    """
    pairs = [torch.cat((values[i, None], vectors[:, i])) for i in range(3)]
    for axis, i in ((0, 1), (0, 2), (1, 2)):
        swap = pairs[i][1 + axis].abs() > pairs[axis][1 + axis].abs()
        pairs[axis], pairs[i] = (
            torch.where(swap, pairs[i], pairs[axis]),
            torch.where(swap, pairs[axis], pairs[i]),
        )
    columns = [
        pair[1:] * torch.ones_like(pair[1 + axis]).copysign(pair[1 + axis])
        for axis, pair in enumerate(pairs)
    ]
    return torch.stack([pair[0] for pair in pairs]), torch.stack(columns, dim=1)


def schur(H: Tensor, *, threshold: float = THRESHOLD) -> Characterisation:
    """Return DCReg's analysis: modes of the Schur complements (module 1)."""
    return characterise(*schur_blocks(H), threshold=threshold)


def diagonal(H: Tensor, *, threshold: float = THRESHOLD) -> Characterisation:
    """Return the same analysis of H_RR and H_tt: each block as if the other were known."""
    return characterise(diagonal_blocks(H), threshold=threshold)


def contributions(vectors: Tensor) -> Tensor:
    """Return the share of physical axis k in mode a, [..., k, a]; columns sum to 1."""
    return vectors.square()


# On the whole of H: radians and metres in one spectrum.


def absolute_flags(values: Tensor, *, gate: float = GATE) -> Tensor:
    """Return which eigenvalues (rows, 6) lie below the gate."""
    return values < gate


def relative_flags(values: Tensor, *, ratio: float = THRESHOLD) -> Tensor:
    """Return which eigenvalues (rows, 6) are more than `ratio` times smaller than the largest."""
    return values.amax(dim=-1, keepdim=True) / values.clamp(min=FLOOR) > ratio


def labels(vectors: Tensor, flags: Tensor) -> Tensor:
    """Return flags of eigenvectors, (rows, 6), as a mask of axes.

    In the order given, each eigenvector is named after its largest entry's axis not yet taken.
    """
    size = vectors.abs()
    mask = torch.zeros_like(flags)
    for mode in range(6):
        axis = size[..., mode].argmax(dim=-1, keepdim=True)
        mask = mask.scatter(-1, axis, flags[:, mode, None])
        size = size.scatter(-2, axis.unsqueeze(-1).expand(-1, 1, 6), -1.0)
    return mask


def me_mask(H: Tensor, *, gate: float = GATE) -> Tensor:
    """Return the mask of full-Hessian methods with an absolute gate, ascending eigenvalues."""
    values, vectors = torch.linalg.eigh(H)
    return labels(vectors, absolute_flags(values, gate=gate))


def fcn_mask(H: Tensor, *, ratio: float = THRESHOLD) -> Tensor:
    """Return the mask of full-Hessian methods by ratio, ascending eigenvalues."""
    values, vectors = torch.linalg.eigh(H)
    return labels(vectors, relative_flags(values, ratio=ratio))


def full_condition(H: Tensor) -> Tensor:
    """Return cond(H), (rows,)."""
    values = torch.linalg.eigvalsh(H)
    return values[:, -1] / values[:, 0].clamp(min=FLOOR)
