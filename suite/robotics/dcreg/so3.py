"""Rotations: exponential map, angle, roll-pitch-yaw; batched over leading axes."""

from __future__ import annotations

import torch
from torch import Tensor

# Below it sin(x)/x and (1 - cos x)/x^2 lose digits, and two terms of their series are exact.
SMALL = 1e-4


def skew(v: Tensor) -> Tensor:
    """Return [v]_x, (..., 3, 3), with [v]_x u = v x u; `v` is (..., 3)."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    rows = (zero, -z, y, z, zero, -x, -y, x, zero)
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def exp(omega: Tensor) -> Tensor:
    """Return Exp(omega), (..., 3, 3), by Rodrigues' formula; `omega` is (..., 3), in rad."""
    squared = (omega * omega).sum(-1)
    theta = squared.sqrt()
    safe = theta.clamp(min=SMALL)
    a = torch.where(theta < SMALL, 1 - squared / 6, safe.sin() / safe)
    b = torch.where(theta < SMALL, 0.5 - squared / 24, (1 - safe.cos()) / safe**2)
    K = skew(omega)
    identity = torch.eye(3, dtype=omega.dtype, device=omega.device)
    return identity + a[..., None, None] * K + b[..., None, None] * (K @ K)


def angle(R: Tensor) -> Tensor:
    """Return the angle of rotations (..., 3, 3), (...), in rad; exact also where it is small."""
    sine = torch.stack(
        (R[..., 2, 1] - R[..., 1, 2], R[..., 0, 2] - R[..., 2, 0], R[..., 1, 0] - R[..., 0, 1]), -1
    ).norm(dim=-1)
    cosine = R.diagonal(dim1=-2, dim2=-1).sum(-1) - 1
    return torch.atan2(sine, cosine)


def from_rpy(rpy: Tensor) -> Tensor:
    """Return Rz(yaw) Ry(pitch) Rx(roll), (..., 3, 3), of roll, pitch, yaw (..., 3), in rad."""
    about = torch.eye(3, dtype=rpy.dtype, device=rpy.device)
    x, y, z = (exp(rpy[..., axis, None] * about[axis]) for axis in range(3))
    return z @ y @ x
