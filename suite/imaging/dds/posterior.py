"""What the data say at best: the exact posterior mean of prior A, and its mean squared error.

With P_k = Sigma_k^-1 + A'A / s^2 the posterior is again a mixture, of N(m_k, P_k^-1). By Woodbury
P_k = M - Q_k D Q_k' with M = I / tau^2 + A'A / s^2, whose eigenvectors are those of A'A, so that
only r x r matrices are met.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .mixture import MixturePrior
from .operators import Operator


@dataclass(frozen=True, eq=False)
class Posterior:
    """The best that an estimator can do.

    Attributes
    ----------
    mean
        m*, (P, R, d).
    mmse
        (P, R), the trace of the posterior covariance over d: the expected mean squared error of m*.
    weight
        (P, R, K), of the components.
    """

    mean: Tensor
    mmse: Tensor
    weight: Tensor


def posterior(prior: MixturePrior, operator: Operator, y: Tensor, s: float) -> Posterior:
    """Return the posterior of y = A x + s n; complex n has s in both of its parts."""
    tau, Q = prior.tau, prior.Q
    P, K, d, r = Q.shape

    def M_inverse(b: Tensor) -> Tensor:
        return s**2 * operator.solve(b, s**2 / tau**2)

    # Of every row and component: M^-1 Q, (P, R, K, r, d).
    MQ = M_inverse(Q.mT.reshape(P, 1, K * r, d)).unflatten(2, (K, r))
    lam = prior.lam.unsqueeze(1)
    # P_k^-1 = M^-1 + M^-1 Q S^-1 Q' M^-1 with S = D^-1 - Q' M^-1 Q, taken with sqrt(D) on both
    # sides, since D is near zero where lam is.
    root = (lam / (tau**2 * (lam + tau**2))).sqrt()
    scale = root.unsqueeze(-1) * root.unsqueeze(-2)
    S = torch.eye(r, dtype=Q.dtype, device=Q.device) - scale * (MQ @ Q.unsqueeze(1))
    L = torch.linalg.cholesky(S)

    means = prior.mean.unsqueeze(1).expand(-1, y.shape[1], -1, -1)
    residual = y.unsqueeze(2) - operator.forward(means)
    b = operator.adjoint(residual) / s**2
    columns = root.unsqueeze(-1) * (MQ @ b.unsqueeze(-1))
    along = root.unsqueeze(-1) * torch.cholesky_solve(columns, L)
    step = M_inverse(b) + (along.mT @ MQ).squeeze(-2)
    mean = prior.mean.unsqueeze(1) + step

    misfit = residual.abs().square().flatten(3).sum(dim=-1) / s**2
    log_det = 2 * L.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
    log_det = log_det + (lam + tau**2).log().sum(dim=-1)
    weight = torch.softmax(-(misfit - (b * step).sum(dim=-1) + log_det) / 2, dim=-1)

    w = operator.eigenvalues
    trace = s**2 * (1 / (w + s**2 / tau**2)).sum(dim=-1) + (d - w.shape[-1]) * tau**2
    removed = torch.cholesky_solve(scale * (MQ @ MQ.mT), L)
    traces = trace.unsqueeze(-1) + removed.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    centre = (weight.unsqueeze(-1) * mean).sum(dim=2)
    between = (mean - centre.unsqueeze(2)).square().sum(dim=-1)
    return Posterior(centre, (weight * (traces + between)).sum(dim=-1) / d, weight)
