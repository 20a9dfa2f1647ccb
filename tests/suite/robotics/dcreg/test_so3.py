"""Rotations against scipy and against series."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from suite.robotics.dcreg import so3


@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-5, 0.99e-4, 1.01e-4, 1e-2, 1.0, 3.0])
def test_exp_is_the_matrix_exponential(size):
    """Exp(omega) is the exponential of [omega]_x, for long and for short omega."""
    omega = size * torch.nn.functional.normalize(
        torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    for R, each in zip(so3.exp(omega), omega, strict=True):
        np.testing.assert_allclose(R, expm(so3.skew(each).numpy()), atol=2e-15)


@pytest.mark.parametrize("size", [1e-9, 1e-4, 0.5, 3.1])
def test_angle_undoes_exp(size):
    """The angle of Exp(omega) is |omega|, down to a billionth of a radian."""
    omega = torch.tensor([0.48, -0.6, 0.64], dtype=torch.float64) * size
    assert float(so3.angle(so3.exp(omega))) == pytest.approx(size, rel=1e-6)


def test_skew_is_the_cross_product():
    """[v]_x u = v x u."""
    v, u = torch.randn(2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    product = (so3.skew(v) @ u.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(product, torch.linalg.cross(v, u))


def test_roll_pitch_yaw_turn_about_fixed_axes():
    """R = Rz Ry Rx, which scipy calls extrinsic xyz."""
    rpy = torch.tensor([[0.1, -0.4, 2.0], [0.0, 0.3, 0.0]], dtype=torch.float64)
    expected = Rotation.from_euler("xyz", rpy.numpy()).as_matrix()
    np.testing.assert_allclose(so3.from_rpy(rpy), expected, atol=1e-15)
