"""Linear measurements of real images, A: multi-coil MRI with few columns, and CT with few views.

Images are (..., d), measurements (..., *shape). ||A|| <= 1. `gram` and what is made of eigenvectors
use forms of A'A that are quick; they are equal to `adjoint(forward(x))` up to rounding.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from functools import cached_property
from math import pi
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .phantoms import Floats, pixel_centres

#: What of k-space is read around its centre.
CENTRE = 0.08


class Operator(ABC):
    """A, its exact adjoint, and functions of A'A."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return A x of images (P, R, ..., d)."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """Return A' y: real, since images are."""

    @abstractmethod
    def gram(self, x: Tensor) -> Tensor:
        """Return A'A x."""

    @abstractmethod
    def to(self, dtype: torch.dtype) -> Operator:
        """Return the same in another real type."""

    @property
    @abstractmethod
    def eigenvalues(self) -> Tensor:
        """Those of A'A: (P, R, d), or (P, R, m) with others zero; or the same for all, (m,)."""

    @abstractmethod
    def _spectral(self, b: Tensor, values: Tensor, null: float) -> Tensor:
        """Return A'A's function of b that is `values` on the eigenvectors, `null` elsewhere."""

    def solve(self, b: Tensor, rho: float) -> Tensor:
        """Return (A'A + rho I)^-1 b, exactly.

        Parameters
        ----------
        b
            (P, R, d), or several for every row, (P, R, m, d).
        """
        return self._spectral(b, 1 / (self.eigenvalues + rho), 1 / rho)

    def pseudo_inverse(self, b: Tensor, cut: float) -> Tensor:
        """Return (A'A)^+ b with eigenvalues below `cut` taken for zero; A^+ r has b = A' r."""
        w = self.eigenvalues
        return self._spectral(b, torch.where(w >= cut, 1 / w, 0.0), 0.0)


class MultiCoilMRI(Operator):
    """A x = mask F(S x): S the coils' sensitivities, F the centred orthonormal Fourier transform.

    The mask picks columns of k-space, so that A'A mixes no image rows: it is `side` real blocks,
    one for each image row.

    Parameters
    ----------
    mask
        (P, R, side), one where a column is read.
    coils
        (C, side, side), complex.
    """

    def __init__(self, mask: Tensor, coils: Tensor) -> None:
        self.mask, self.coils = mask, coils
        self._side = coils.shape[-1]
        phases = torch.eye(self._side, dtype=coils.dtype, device=coils.device)
        F = _fourier(phases, dims=(-1,), transform=torch.fft.fftn).mT
        K = (F.mH * mask.unsqueeze(-2)) @ F
        shared = torch.einsum("ciu,civ->iuv", coils.conj(), coils)
        #: (P, R, side, side, side): for each image row, its block of A'A.
        self._blocks = (K.unsqueeze(2) * shared).real.contiguous()

    def forward(self, x: Tensor) -> Tensor:
        """Return (P, R, ..., C, side, side), complex, zero where nothing is read."""
        images = x.unflatten(-1, (1, self._side, self._side)) * self.coils
        return self.masked(_fourier(images, dims=(-2, -1), transform=torch.fft.fftn))

    def adjoint(self, y: Tensor) -> Tensor:
        """Return (P, R, ..., d), the real part of the coils' images put together."""
        images = _fourier(self.masked(y), dims=(-2, -1), transform=torch.fft.ifftn)
        return (self.coils.conj() * images).sum(dim=-3).real.flatten(-2)

    def gram(self, x: Tensor) -> Tensor:
        """Return A'A x, block by block."""
        return _by_rows(self._blocks, x)

    def to(self, dtype: torch.dtype) -> MultiCoilMRI:
        """Return the same in another real type."""
        return MultiCoilMRI(self.mask.to(dtype), self.coils.to(dtype.to_complex()))

    @property
    def eigenvalues(self) -> Tensor:
        """(P, R, d), in the order of the image rows."""
        return self._eigen[0].flatten(-2)

    @cached_property
    def _eigen(self) -> tuple[Tensor, Tensor]:
        w, V = torch.linalg.eigh(self._blocks)
        return w.clamp(min=0), V

    def _spectral(self, b: Tensor, values: Tensor, null: float) -> Tensor:  # noqa: ARG002  V is whole
        V = self._eigen[1]
        values = values.unflatten(-1, V.shape[2:4])
        if b.ndim > 3:  # of many columns: one product each
            return _by_rows((V * values.unsqueeze(-2)) @ V.mT, b)
        return _by_rows(V, _by_rows(V.mT, b) * values.flatten(-2))

    def masked(self, y: Tensor) -> Tensor:
        """Return y with zeros where nothing is read."""
        mask = self.mask
        return y * mask.reshape(*mask.shape[:2], *[1] * (y.ndim - 3), -1)


class CT(Operator):
    """Parallel beams: every pixel's centre is projected, and split between two detector bins.

    Parameters
    ----------
    matrix
        (m, d), of norm 1.
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix
        with warnings.catch_warnings():
            # torch calls its compressed rows beta; the dense product takes five times as long.
            warnings.simplefilter("ignore", UserWarning)
            self._rows, self._columns = matrix.to_sparse_csr(), matrix.T.to_sparse_csr()

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., m)."""
        return _product(self._rows, x)

    def adjoint(self, y: Tensor) -> Tensor:
        """Return (..., d), the exact transpose."""
        return _product(self._columns, y)

    def gram(self, x: Tensor) -> Tensor:
        """Return A'A x."""
        return self.adjoint(self.forward(x))

    def to(self, dtype: torch.dtype) -> CT:
        """Return the same in another real type."""
        return CT(self.matrix.to(dtype))

    @property
    def eigenvalues(self) -> Tensor:
        """(m,), the same for all rows; the other d - m are zero."""
        return self._eigen[0]

    @cached_property
    def _eigen(self) -> tuple[Tensor, Tensor]:
        _, s, V = torch.linalg.svd(self.matrix, full_matrices=False)
        return s.square(), V

    def _spectral(self, b: Tensor, values: Tensor, null: float) -> Tensor:
        V = self._eigen[1]
        return null * b + (b @ V.mT * (values - null)) @ V


def mri(mask: Floats, coils: int, device: str, dtype: torch.dtype) -> MultiCoilMRI:
    """Return the operator of masks (P, R, side) and of that many smooth coils."""
    S = torch.as_tensor(sensitivities(coils, mask.shape[-1]), device=device)
    return MultiCoilMRI(torch.as_tensor(mask, dtype=dtype, device=device), S.to(dtype.to_complex()))


def sensitivities(coils: int, side: int) -> Any:
    """Return coils around the field of view, (C, side, side), squared moduli adding to one."""
    x, y = pixel_centres(side)
    S = []
    for c in range(coils):
        t = 2 * pi * c / coils + pi / 4
        squared = (x - 1.1 * np.cos(t)) ** 2 + (y - 1.1 * np.sin(t)) ** 2
        phase = t + pi / 2 * (x * np.cos(t) + y * np.sin(t))
        S.append(np.exp(-squared / (2 * 0.9**2) + 1j * phase))
    return np.array(S) / np.sqrt((np.abs(S) ** 2).sum(axis=0))


def column_mask(generator: np.random.Generator, side: int, acceleration: int) -> Floats:
    """Return which of the columns are read, (side,): those at the centre, and others at random.

    Deviation: without replacement, so that always side // acceleration columns are read.
    """
    centre = int(CENTRE * side)
    first = side // 2 - centre // 2
    inside = np.arange(first, first + centre)
    others = np.setdiff1d(np.arange(side), inside)
    mask = np.zeros(side)
    mask[inside] = 1
    mask[generator.choice(others, side // acceleration - centre, replace=False)] = 1
    return mask


def ct(side: int, angles: int, device: str, dtype: torch.dtype) -> CT:
    """Return the operator of views evenly spaced over half a turn, divided by its norm."""
    matrix = projection_matrix(side, angles)
    return CT(torch.as_tensor(matrix / np.linalg.norm(matrix, 2), dtype=dtype, device=device))


def projection_matrix(side: int, angles: int) -> Floats:
    """Return the matrix of CT, (angles * bins, side^2), with bins as wide as pixels.

    Bins cover the diagonal: 46 of them for a side of 32.
    """
    bins = 2 * int(np.ceil(side / np.sqrt(2)))
    x, y = (part.ravel() for part in pixel_centres(side))
    pixels = np.arange(side**2)
    matrix = np.zeros((angles, bins, side**2))
    for k in range(angles):
        t = pi * k / angles
        place = (x * np.cos(t) + y * np.sin(t)) * side / 2 + (bins - 1) / 2
        left = np.floor(place).astype(int)
        matrix[k, left, pixels] += left + 1 - place
        matrix[k, left + 1, pixels] += place - left
    return matrix.reshape(-1, side**2)


def _fourier(x: Tensor, dims: tuple[int, ...], transform: Any) -> Tensor:
    """Return the centred orthonormal transform."""
    x = transform(torch.fft.ifftshift(x, dim=dims), dim=dims, norm="ortho")
    return torch.fft.fftshift(x, dim=dims)


def _by_rows(blocks: Tensor, x: Tensor) -> Tensor:
    """Return blocks (P, R, side, side, side) applied to the image rows of x (P, R, ..., d)."""
    side = blocks.shape[-1]
    if x.ndim == 3:  # one product for all
        flat = torch.bmm(x.reshape(-1, 1, side), blocks.mT.reshape(-1, side, side))
        return flat.view(x.shape)
    rows = x.reshape(*x.shape[:2], -1, side, side).transpose(2, 3)
    found = (rows @ blocks.mT).transpose(2, 3)
    return found.reshape(*found.shape[:2], *x.shape[2:])


def _product(matrix: Tensor, x: Tensor) -> Tensor:
    """Return a sparse matrix applied to the last axis."""
    return (matrix @ x.reshape(-1, x.shape[-1]).T).T.reshape(*x.shape[:-1], -1)
