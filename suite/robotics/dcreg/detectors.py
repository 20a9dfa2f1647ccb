"""Contenders that look at H alone: what they say of errors, and which directions they call weak."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from . import detection
from .linear import Detection, Marginals


def schur_marginals(problem: Marginals) -> Tensor:
    """Return the errors' standard deviations (rows, 6) by S_R^-1 and S_t^-1."""
    blocks, _ = detection.schur_blocks(problem.H)
    return _deviations(blocks, problem.sigma)


def diagonal_marginals(problem: Marginals) -> Tensor:
    """Return them by H_RR^-1 and H_tt^-1: each block as if the other's motion were known."""
    return _deviations(detection.diagonal_blocks(problem.H), problem.sigma)


def plus_marginals(problem: Marginals) -> Tensor:
    """Return them by Schur complements that add where they must subtract."""
    blocks, _ = detection.schur_blocks(problem.H, sign=+1.0)
    return _deviations(blocks, problem.sigma)


def _deviations(blocks: Tensor, sigma: float) -> Tensor:
    variances = torch.linalg.inv(blocks).diagonal(dim1=-2, dim2=-1)
    return sigma * variances.sqrt().flatten(1)


class Detected(NamedTuple):
    """What a detector finds, with translations in metres and in millimetres.

    Attributes
    ----------
    mask, mask_mm
        (rows, 6): roll, pitch, yaw, x, y, z.
    condition, condition_mm
        (rows, 2): of the rotational and the translational block; of H, twice, for who has no
        blocks.
    """

    mask: Tensor
    condition: Tensor
    mask_mm: Tensor
    condition_mm: Tensor


def schur(problem: Detection) -> Detected:
    """Analyse the Schur complements: the method."""
    return _in_blocks(problem, detection.schur)


def diagonal(problem: Detection) -> Detected:
    """Analyse H_RR and H_tt."""
    return _in_blocks(problem, detection.diagonal)


def _in_blocks(problem: Detection, detect: Callable[..., detection.Characterisation]) -> Detected:
    metres, millimetres = detect(problem.H), detect(problem.H_mm)
    return Detected(metres.mask, metres.condition, millimetres.mask, millimetres.condition)


def me(problem: Detection) -> Detected:
    """Analyse the whole of H by an absolute gate."""
    masks = [detection.me_mask(H, gate=problem.gate) for H in (problem.H, problem.H_mm)]
    return _in_whole(problem, *masks)


def fcn(problem: Detection) -> Detected:
    """Analyse the whole of H by ratio."""
    return _in_whole(problem, *(detection.fcn_mask(H) for H in (problem.H, problem.H_mm)))


def _in_whole(problem: Detection, mask: Tensor, mask_mm: Tensor) -> Detected:
    condition, condition_mm = (
        detection.full_condition(H)[:, None].expand(-1, 2) for H in (problem.H, problem.H_mm)
    )
    return Detected(mask, condition, mask_mm, condition_mm)
