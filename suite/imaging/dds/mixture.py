"""Prior A: mixtures of Gaussians on images, with an exact denoiser in place of a network.

    x_0 ~ sum_k pi_k N(mu_k, Sigma_k),   Sigma_k = Q_k diag(lam_k) Q_k' + tau^2 I,   pi_k = 1 / K

Q_k has r columns, so that nothing of size d x d is ever met: with W = [Q_1 .. Q_K, mu_1 .. mu_K]
the denoiser is one product with W, a softmax, and one product back. P mixtures stand side by side,
each with rows of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from math import pi
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .phantoms import Floats, phantom, pixel_centres, rotated
from .schedule import Level

#: Components, rank of their covariances, and the standard deviation that is left in all directions.
K, RANK, TAU = 4, 48, 0.03
#: Standard deviation of the texture, and how much of it is left outside the body.
TEXTURE, OUTSIDE = 0.25, 0.25

#: A product with the transposed Jacobian of the denoiser at a point.
Pullback = Callable[[Tensor], Tensor]


class _Gains(NamedTuple):
    """What a level alone decides: m_k = c x + rest mu_k + Q_k (D h) with h = Q_k' (x - a mu_k).

    D is (P, 1, K, r); offset, (P, 1, K), is the part of the components' log-weights without x.
    """

    c: float
    rest: float
    slope: float
    D: Tensor
    offset: Tensor


class _Seen(NamedTuple):
    """A point seen by the components: w, (P, R, K), and D h, (P, R, K, r)."""

    gains: _Gains
    w: Tensor
    Dh: Tensor


@dataclass(frozen=True, eq=False)
class MixturePrior:
    """P mixtures of K Gaussians each.

    Attributes
    ----------
    mean
        mu, (P, K, d).
    Q
        (P, K, d, r), orthonormal columns.
    lam
        (P, K, r), what the variance along these columns is above tau^2.
    tau
        The standard deviation in all directions.
    """

    mean: Tensor
    Q: Tensor
    lam: Tensor
    tau: float = TAU

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        """Return the mean of x_0 given x_t, (P, R, d), for x_t = `x`, (P, R, d)."""
        return self._posterior_mean(x, self._seen(x, level))

    def linearise(self, x: Tensor, level: Level) -> tuple[Tensor, Pullback]:
        """Return what `denoise` does, and products with its Jacobian at x.

        The Jacobian is (a / v) Cov(x_0 | x_t): symmetric, so that no automatic differentiation is
        needed for a gradient with respect to x_t.
        """
        seen = self._seen(x, level)
        gains, w, Dh = seen

        def pullback(u: Tensor) -> Tensor:
            Qu, mu_u = self._projected(u)
            along = torch.add((Dh * Qu).sum(dim=-1), mu_u, alpha=gains.rest)
            centred = along - (w * along).sum(dim=-1, keepdim=True)
            spread = w * centred * (level.a / level.v)
            columns = torch.addcmul(w.unsqueeze(-1) * gains.D * Qu, spread.unsqueeze(-1), Dh)
            return self._combined(u, gains, columns, spread)

        return self._posterior_mean(x, seen), pullback

    def draw(self, component: Tensor, latent: Tensor, white: Tensor) -> Tensor:
        """Return images made of standard normal numbers.

        Parameters
        ----------
        component
            (P, R), k.
        latent, white
            (P, R, ..., r) and (P, R, ..., d): for the columns of Q_k, and for the rest.
        """
        row = torch.arange(len(self.mean), device=component.device)[:, None]
        between = [1] * (latent.ndim - 3)
        mean, lam = (
            part[row, component].reshape(*component.shape, *between, -1)
            for part in (self.mean, self.lam)
        )
        columns = (lam.sqrt() * latent).reshape(*component.shape, -1, lam.shape[-1])
        image = (columns @ self.Q[row, component].mT).reshape(white.shape)
        return mean + image + self.tau * white

    def to(self, *where: torch.dtype | str) -> MixturePrior:
        """Return the same mixtures in another type, or on another device."""
        return MixturePrior(*(part.to(*where) for part in (self.mean, self.Q, self.lam)), self.tau)

    @cached_property
    def _W(self) -> Tensor:
        """[Q_1 .. Q_K, mu_1 .. mu_K], (P, d, K r + K)."""
        P, _, d, _ = self.Q.shape
        columns = self.Q.permute(0, 2, 1, 3).reshape(P, d, -1)
        return torch.cat((columns, self.mean.mT), dim=-1).contiguous()

    @cached_property
    def _Q_mean(self) -> Tensor:
        """Q_k' mu_k, (P, 1, K, r)."""
        return (self.mean.unsqueeze(-2) @ self.Q).squeeze(-2).unsqueeze(1)

    @cached_property
    def _mean_squared(self) -> Tensor:
        """|mu_k|^2, (P, 1, K)."""
        return self.mean.square().sum(dim=-1).unsqueeze(1)

    @cached_property
    def _known(self) -> dict[Level, _Gains]:
        """Gains of the levels met so far: at few rows they cost as much as the products with W."""
        return {}

    def _gains(self, level: Level) -> _Gains:
        if level not in self._known:
            a, v = level
            s_0 = a**2 * self.tau**2 + v
            lam = self.lam.unsqueeze(1)
            s = a**2 * lam + s_0
            c = a * self.tau**2 / s_0
            # |x|^2 / s_0 is the same for all components, and left out.
            offset = -(a**2 * self._mean_squared / s_0 + s.log().sum(dim=-1)) / 2
            self._known[level] = _Gains(c, 1 - a * c, a / s_0, a * v / s_0 * lam / s, offset)
        return self._known[level]

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return Q_k' x, (P, R, K, r), and mu_k' x, (P, R, K)."""
        P, K, r = self.lam.shape
        seen = torch.bmm(x, self._W)
        return seen[..., : K * r].view(P, -1, K, r), seen[..., K * r :]

    def _combined(self, x: Tensor, gains: _Gains, columns: Tensor, means: Tensor) -> Tensor:
        """Return c x and the sum of Q_k columns_k and rest means_k mu_k, (P, R, d)."""
        weights = torch.cat((columns.flatten(-2), gains.rest * means), dim=-1)
        return torch.baddbmm(x, weights, self._W.mT, beta=gains.c)

    def _seen(self, x: Tensor, level: Level) -> _Seen:
        gains = self._gains(level)
        Qx, mu_x = self._projected(x)
        h = torch.sub(Qx, self._Q_mean, alpha=level.a)
        Dh = gains.D * h
        # h_j^2 (1 / s_0 - 1 / s_j) / 2 is a / (2 v) D_j h_j^2.
        log_w = torch.add(gains.offset, mu_x, alpha=gains.slope)
        log_w = log_w.add_((h * Dh).sum(dim=-1), alpha=level.a / (2 * level.v))
        return _Seen(gains, torch.softmax(log_w, dim=-1), Dh)

    def _posterior_mean(self, x: Tensor, seen: _Seen) -> Tensor:
        return self._combined(x, seen.gains, seen.w.unsqueeze(-1) * seen.Dh, seen.w)


@cache
def mixture_priors(seeds: tuple[int, ...] = (0, 1, 2, 3), side: int = 32) -> MixturePrior:
    """Return one mixture for each seed, float64 on the CPU, d = side^2."""
    components = [
        [_component(generator, side) for _ in range(K)]
        for generator in map(np.random.default_rng, seeds)
    ]
    mean, Q, lam = (
        torch.tensor(np.array([[one[part] for one in row] for row in components]))
        for part in range(3)
    )
    return MixturePrior(mean, Q, lam)


def _component(generator: np.random.Generator, side: int) -> tuple[Floats, Floats, Floats]:
    """Return mu, (d,), Q, (d, r), and lam, (r,): a phantom with a texture in it."""
    mean = 2 * phantom(generator, side).ravel() - 1
    length, ratio = 2 * generator.uniform(0.06, 0.14), generator.uniform(0.5, 2.0)
    angle = generator.uniform(0, pi)
    x, y = (part.ravel() for part in pixel_centres(side))
    along, across = rotated(x, y, angle)
    along, across = along / (length * ratio**0.5), across / (length / ratio**0.5)
    squared = np.subtract.outer(along, along) ** 2 + np.subtract.outer(across, across) ** 2
    E = OUTSIDE + (1 - OUTSIDE) * (mean > -0.9)
    covariance = TEXTURE**2 * np.exp(-squared / 2) * np.outer(E, E)
    return mean, *leading_eigenpairs(covariance, min(RANK, side**2), generator)


def leading_eigenpairs(
    matrix: Floats, r: int, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return r leading eigenvectors, (d, r), and eigenvalues of a positive semi-definite matrix.

    By subspace iteration, a tenth of the time of a full decomposition: what it leaves out of the
    matrix is left out of the prior, which is what its Q and lam say.
    """
    size = min(r + 20, len(matrix))
    basis = generator.standard_normal((len(matrix), size))
    for _ in range(4):
        basis = np.linalg.qr(matrix @ basis)[0]
    values, vectors = np.linalg.eigh(basis.T @ matrix @ basis)
    return basis @ vectors[:, ::-1][:, :r], np.maximum(values[::-1][:r], 0)
