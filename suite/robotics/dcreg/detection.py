"""Which directions of a registration are weak: DCReg's analysis, and those it is compared with.

H is (rows, 6, 6), rotation first. A mask is (rows, 6): roll, pitch, yaw, x, y, z.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .eigen import symmetric

THRESHOLD = 10.0
#: Gate of full-Hessian methods, for 1,500 correspondences: H grows with their number.
GATE = 120.0
# A block is singular where its smallest eigenvalue is at most this, times its largest entry.
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
    unknown too: its inverse is the rotational block of H^-1. The same for S_t.

    Parameters
    ----------
    sign
        For a control: +1 adds where the complement subtracts.
    """
    own = diagonal_blocks(H)
    coupling = torch.stack((H[:, :3, 3:], H[:, 3:, :3]), dim=1)
    values, vectors = symmetric(own)
    weak = values.amin(dim=-1) <= SINGULAR * own.abs().amax(dim=(-2, -1))
    values = values.masked_fill(weak.unsqueeze(-1), 1.0)
    # Through the inverse of the other block: H_tt for the rotation, H_RR for the translation.
    into = coupling @ vectors.flip(1)
    return own + sign * (into / values.flip(1).unsqueeze(-2)) @ into.mT, weak.any(dim=1)


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
    values, vectors = aligned(*symmetric(blocks))
    largest = values.amax(dim=-1, keepdim=True)
    ratios = largest / values.clamp(min=FLOOR)
    mask = (ratios > threshold).flatten(1)
    if singular is None:
        singular = torch.zeros_like(mask[:, 0])
    return Characterisation(
        values, vectors, ratios.amax(dim=-1), mask | singular.unsqueeze(-1), singular
    )


def aligned(values: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenpairs in the order of the axes x, y, z: values (..., 3), vectors (..., 3, 3).

    Each axis in turn takes the eigenvector, not yet taken, with its largest entry there; its sign
    makes that entry positive.
    """
    size = vectors.abs()
    first = size[..., 0, :].argmax(dim=-1, keepdim=True)
    left = size[..., 1, :].scatter(-1, first, -1.0)
    second = left.argmax(dim=-1, keepdim=True)
    order = torch.cat((first, second, 3 - first - second), dim=-1)
    vectors = vectors.gather(-1, order.unsqueeze(-2).expand_as(vectors))
    entries = vectors.diagonal(dim1=-2, dim2=-1)
    signs = torch.ones_like(entries).copysign(entries)
    return values.gather(-1, order), vectors * signs.unsqueeze(-2)


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
