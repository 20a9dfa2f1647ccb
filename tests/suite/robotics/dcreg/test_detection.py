"""The detectors: what Schur complements are, and what they do not depend on."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.robotics.dcreg import detection, scenes, so3
from suite.robotics.dcreg.correspondences import jacobian


def points_of(scene, rows=4, N=300, seed=0):
    """Return points and exact normals of a scene, (rows, N, 3) each."""
    surface = scenes.surface(scene)
    chosen = np.random.default_rng(seed).integers(len(surface.points), size=(rows, N))
    return torch.from_numpy(surface.points[chosen]), torch.from_numpy(surface.normals[chosen])


def hessian(p, n):
    """Return J'J, (rows, 6, 6), of points and normals in the body frame."""
    g = jacobian(p, n)
    return g.mT @ g


@pytest.fixture(name="H")
def _H():
    return torch.cat([hessian(*points_of(s)) for s in ("corridor_0.03", "box", "stairs")])


def test_complements_invert_to_blocks_of_the_inverse(H):
    """Check 1: S_R^-1 and S_t^-1 are the diagonal blocks of H^-1."""
    S, singular = detection.schur_blocks(H)
    blocks = detection.diagonal_blocks(torch.linalg.inv(H))
    error = (torch.linalg.inv(S) - blocks).abs().amax(dim=(2, 3)) / blocks.abs().amax(dim=(2, 3))
    assert not singular.any()
    assert error.max() < 1e-12


def test_adding_the_complement_is_noticed(H):
    """A plus in place of the minus does not invert to the blocks of H^-1: Check 1 sees it."""
    S, _ = detection.schur_blocks(H, sign=1.0)
    blocks = detection.diagonal_blocks(torch.linalg.inv(H))
    error = (torch.linalg.inv(S) - blocks).abs().amax(dim=(2, 3)) / blocks.abs().amax(dim=(2, 3))
    assert error.amax(dim=1).min() > 1e-3


def test_rotational_complement_does_not_depend_on_the_origin():
    """Check 2: p -> p + d leaves S_R and changes S_t; H_RR changes."""
    p, n = points_of("stairs")
    d = torch.tensor([1.0, -2.0, 5.0]).double()
    (here, _), (there, _) = (detection.schur_blocks(hessian(q, n)) for q in (p, p + d))
    size = here[:, 0].abs().amax()
    torch.testing.assert_close(here[:, 0] / size, there[:, 0] / size, atol=1e-11, rtol=0)
    assert (here[:, 1] - there[:, 1]).abs().max() > 0.01 * here[:, 1].abs().max()
    blocks = [detection.diagonal_blocks(hessian(q, n))[:, 0] for q in (p, p + d)]
    assert (blocks[0] - blocks[1]).abs().max() > 0.1 * blocks[0].abs().max()


@given(unit=st.floats(1e-3, 1e3), scene=st.sampled_from(["corridor_0.03", "box", "stairs"]))
def test_conditions_of_blocks_do_not_depend_on_the_unit(unit, scene):
    """Check 2: cond(S_R), cond(S_t) and masks are the same in any unit of translation."""
    H = hessian(*points_of(scene))
    scale = torch.tensor([1, 1, 1, unit, unit, unit]).double()
    found, scaled = detection.schur(H), detection.schur(H * scale * scale[:, None])
    torch.testing.assert_close(found.condition, scaled.condition, rtol=1e-8, atol=0)
    assert torch.equal(found.mask, scaled.mask)


def test_condition_of_the_whole_grows_with_the_square_of_the_unit():
    """Check 2: in millimetres cond(H) is about a million times what it is in metres."""
    H = hessian(*points_of("corridor_0.1"))
    scale = torch.tensor([1, 1, 1, 1e-3, 1e-3, 1e-3]).double()
    ratio = detection.full_condition(H * scale * scale[:, None]) / detection.full_condition(H)
    assert ((ratio > 1e5) & (ratio < 1e7)).all()


def test_modes_are_assigned_to_axes_and_stay_orthonormal(H):
    """Check 6: V'V = I, contribution ratios sum to 1, and every pair is one of S."""
    S, _ = detection.schur_blocks(H)
    found = detection.schur(H)
    V = found.vectors
    identity = torch.eye(3).to(V).expand_as(V)
    torch.testing.assert_close(V.mT @ V, identity, atol=1e-13, rtol=0)
    ones = torch.ones_like(found.values)
    torch.testing.assert_close(detection.contributions(V).sum(dim=-2), ones)
    size = S.abs().amax(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(S @ V / size, V * found.values.unsqueeze(-2) / size)
    assert (V.diagonal(dim1=-2, dim2=-1) >= 0).all()


def greedy(vectors):
    """Return the order of columns, one matrix at a time, as the release has it."""
    order: list[int] = []
    for axis in range(3):
        left = [a for a in range(3) if a not in order]
        order.append(max(left, key=lambda a: abs(vectors[axis, a])))
    return order


@given(seed=st.integers(0, 10_000))
def test_assignment_is_the_greedy_one(seed):
    """Axis x takes its best eigenvector, then y of those left: for any orthonormal V."""
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    values, vectors = detection.aligned(torch.arange(3.0).double(), torch.from_numpy(Q))
    order = greedy(Q)
    assert values.tolist() == order
    np.testing.assert_array_equal(vectors.abs(), np.abs(Q[:, order]))
    assert (vectors.diagonal() >= 0).all()


def test_exact_plane_is_all_degenerate():
    """Check 7: one exact plane, however it lies, has a singular H_tt: every direction is weak."""
    p, n = points_of("plane")
    R = so3.exp(torch.tensor([[0.0, 0, 0], [0.3, -0.2, 0.5], [1, 2, 3], [0, 1, 0]]).double())
    found = detection.schur(hessian(p @ R.mT, n @ R.mT))
    assert found.singular.all()
    assert found.mask.all()
    assert torch.isfinite(found.values).all()


def test_singular_rows_leave_the_others_alone():
    """A batch with a singular system gives the others what they get by themselves."""
    plane, box = hessian(*points_of("plane", 1)), hessian(*points_of("box", 1))
    mixed = detection.schur(torch.cat((plane, box)))
    assert mixed.singular.tolist() == [True, False]
    torch.testing.assert_close(mixed.condition[1:], detection.schur(box).condition)


def test_labels_name_each_eigenvector_once():
    """An eigenvector is named after its largest axis, unless a weaker one has taken it."""
    vectors = torch.eye(6).double()[None, [3, 0, 1, 2, 4, 5]].mT.clone()
    flags = torch.tensor([[True, False, False, False, False, True]])
    assert detection.labels(vectors, flags).tolist() == [[False] * 3 + [True, False, True]]
    # Both of the first two are largest at x: the second gets what is left.
    vectors[0, :, 1] = torch.tensor([0.5, 0, 0, 0.8, 0, 0]).double()
    flags = torch.tensor([[False, True, False, False, False, False]])
    assert detection.labels(vectors, flags).tolist() == [[True] + [False] * 5]


def test_full_masks_agree_with_their_definition():
    """Below the gate, or more than ten times below the largest: on a diagonal H."""
    H = torch.diag_embed(torch.tensor([[1000.0, 119, 121, 2000, 99, 5000]]).double())
    assert detection.me_mask(H).int().tolist() == [[0, 1, 0, 0, 1, 0]]
    assert detection.me_mask(H, gate=1500.0).int().tolist() == [[1, 1, 1, 0, 1, 0]]
    assert detection.fcn_mask(H).int().tolist() == [[0, 1, 1, 0, 1, 0]]
