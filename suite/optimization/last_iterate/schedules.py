"""Step sizes eta_1, ..., eta_T of Liu and Zhou, and the bound that holds for all of them.

Every schedule returns a tensor whose last axis is t. T is an integer, and the shape is that of eta
with t appended; or T is a tensor (rows,), each row has its own horizon, and the shape is
(rows, max T), zero after a row's own T. They lie on T's device, on the CPU where T is an integer.
"""

from __future__ import annotations

import torch
from torch import Tensor

Number = float | Tensor


def times(T: int | Tensor) -> tuple[Tensor, Tensor]:
    """Return t, shape (max T,), and T in a shape that meets it, both float64."""
    T = torch.as_tensor(T, dtype=torch.float64)
    t = torch.arange(1, int(T.max()) + 1, dtype=torch.float64, device=T.device)
    return t, T.unsqueeze(-1)


def scaled(eta: Number, w: Tensor, T: int | Tensor) -> Tensor:
    """Return eta w_t for t <= T, and 0 after that."""
    t, T = times(T)
    eta = torch.as_tensor(eta, dtype=torch.float64, device=T.device)
    return eta.unsqueeze(-1) * torch.where(t <= T, w, 0.0)


def linear_decay(T: int | Tensor, eta: Number, p: float = 2.0) -> Tensor:
    """Return eta (T - t + 1) / T^(1 + 1/p): Theorems 3.3 and 3.4 at p = 2, 5.2 below.

    The last step, to x_{T+1}, is eta / T^(1 + 1/p) and not zero. Zamani and Glineur (2023).
    """
    t, horizon = times(T)
    return scaled(eta, (horizon - t + 1) / horizon ** (1 + 1 / p), T)


def inverse_sqrt(T: int | Tensor, eta: Number) -> Tensor:
    """Return eta / sqrt(t): Theorem 3.1 for unknown T, with a log T factor."""
    return scaled(eta, times(T)[0] ** -0.5, T)


def constant(T: int | Tensor, eta: Number) -> Tensor:
    """Return eta / sqrt(T): Theorem 3.1 for known T, with a log T factor.

    Deviation: the theorem divides eta by sqrt(log T), which leaves a factor sqrt(log T) of the
    bound; the lower bound is about steps without that, as are ours.
    """
    t, horizon = times(T)
    return scaled(eta, (horizon**-0.5).expand(*horizon.shape[:-1], len(t)), T)


def capped(steps: Tensor, L: float) -> Tensor:
    """Return min(1/(2L), eta_t), which Theorem 3.1 asks for where f has an L-smooth part."""
    return steps.clamp(max=1 / (2 * L))


def harmonic(T: int | Tensor, mu: Number, kappa: float = 0.0) -> Tensor:
    """Return 1 / (mu (t + 2 kappa)), strong convexity and unknown T; kappa = L / mu."""
    return scaled(1 / torch.as_tensor(mu, dtype=torch.float64), 1 / (times(T)[0] + 2 * kappa), T)


def double_harmonic(T: int | Tensor, mu: Number, kappa: float = 0.0) -> Tensor:
    """Return 2 / (mu (t + 1 + 4 kappa)), strong convexity and unknown T; kappa = L / mu."""
    w = 2 / (times(T)[0] + 1 + 4 * kappa)
    return scaled(1 / torch.as_tensor(mu, dtype=torch.float64), w, T)


def theory_eta(D: Number, M: Number, sigma: Number) -> Number:
    """Return eta = sqrt(D / (M^2 + sigma^2)) of Theorem 3.3.

    Deviation: the theorem gives the order; the constant here is 1.
    """
    return (D / (M**2 + sigma**2)) ** 0.5


def expected_gap_bound(steps: Tensor, D: Number, M: Number, sigma: Number) -> Tensor:
    """Return the upper bound of E F(x_{T+1}) - F* for mu = 0 and eta_t <= 1/(2L).

    D / sum_t eta_t + 2 (M^2 + sigma^2) sum_t eta_t^2 / (sum_{s >= t} eta_s), the unified lemma
    behind Theorems 3.1 and 3.3.

    Deviation: the theorems state orders; the constants here are derived again.

    Parameters
    ----------
    steps
        (..., T), zero after a row's own horizon.
    D, M, sigma
        D_psi(x*, x_1), the nonsmooth part M and the noise's standard deviation; numbers, or of the
        steps' shape without t.

    Returns
    -------
    Tensor
        (...).
    """
    remaining = steps.flip(-1).cumsum(-1).flip(-1)
    variance = torch.where(steps > 0, steps**2 / remaining, 0.0).sum(-1)
    return D / steps.sum(-1) + 2 * (M**2 + sigma**2) * variance
