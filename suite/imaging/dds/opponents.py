"""The baselines, bound to the problem: a problem to images (P, R, d)."""

from __future__ import annotations

import torch

from baselines.imaging import dds as pins

from .contenders import ETA
from .method import sample
from .schedule import Level, ve_levels, vp_levels

#: Iterations of CG-SENSE, of which an oracle takes the best.
SENSE_ITERATIONS = 30
#: Below it an eigenvalue of A'A is rounding: the pseudo-inverse as it is in exact arithmetic.
ROUNDING = 1e-12


# With the denoiser and its Jacobian.


def dps(problem, *, step=1.0, eta=1.0):
    """Diffusion posterior sampling by ancestral (eta = 1) or DDIM steps; zeta = step zeta_0(T)."""
    return pins.dps(
        problem.linearise,
        residual_of(problem),
        problem.start,
        vp_levels(problem.T),
        zeta=step * usual_zeta(problem.T),
        eta=eta,
        draw=problem.noise(),
    )


def mcg(problem, *, step, eta):
    """Manifold-constrained gradients, then one gradient step towards the diffused data."""
    return pins.mcg(
        problem.linearise,
        residual_of(problem),
        problem.gram,
        problem.back,
        problem.start,
        vp_levels(problem.T),
        zeta=step * usual_zeta(problem.T),
        eta=eta,
        draw=problem.noise(),
    )


def usual_zeta(T):
    """Return the step around which is tuned: larger where there are fewer."""
    return 0.5 if T >= 1000 else 2.0


def residual_of(problem):
    """Return x -> A'(y - A x) and ||y - A x||, (P, R, 1), the norm from A'y and A'A alone.

    Sums are in float64: in float32 their difference would cancel.
    """
    squared = problem.y.abs().square().flatten(2).sum(-1, keepdim=True, dtype=torch.float64)

    def residual(x):
        backward = problem.back - problem.gram(x)
        along = (x * (problem.back + backward)).sum(-1, keepdim=True, dtype=torch.float64)
        norm = (squared - along).clamp(min=torch.finfo(x.dtype).tiny).sqrt()
        return backward, norm.to(x.dtype)

    return residual


# With the denoiser alone.


def diffpir(problem, *, lam=3.0, zeta=0.3):
    """DiffPIR: the exact proximal point, and the noise that it implies."""

    def prox(x0, rho):
        return problem.operator.solve(problem.back + rho * x0, rho)

    return pins.diffpir(
        problem.denoise,
        prox,
        problem.start,
        vp_levels(problem.T),
        sigma=problem.sigma,
        lam=lam,
        zeta=zeta,
        draw=problem.noise(),
    )


def score_mri(problem, *, weight=1.0, r=0.16):
    """Score-MRI: predictor and corrector from sigma = 50, each with a gradient step to the data."""
    levels = ve_levels(problem.T // 2)
    consistency = towards_data(problem, weight)
    return pins.predictor_corrector(
        problem.denoise,
        levels[0].v ** 0.5 * problem.start,
        levels,
        r=r,
        draw=problem.noise(),
        between=consistency,
        after=consistency,
    )


# Rules of data consistency on the sampler of DDS.


def gradient_rule(problem, *, weight, eta):
    """One gradient step, as Score-MRI's, in place of conjugate gradients."""
    return sample(problem, vp_levels(problem.T), towards_data(problem, weight), eta)


def towards_data(problem, weight):
    """Return x -> x + weight A'(y - A x)."""
    return lambda x: x + weight * (problem.back - problem.gram(x))


def ddnm_rule(problem, *, cut, eta):
    """Projection onto the data, as DDNM's, eigenvalues of A'A below `cut` left out."""

    def consistency(x0):
        backward = problem.back - problem.gram(x0)
        return x0 + problem.operator.pseudo_inverse(backward, cut)

    return sample(problem, vp_levels(problem.T), consistency, eta)


# The same at the ablation's eta.


def one_gradient_step(problem):
    """One gradient step of weight 1."""
    return gradient_rule(problem, weight=1.0, eta=ETA)


def projection(problem, *, cut):
    """Projection, eigenvalues below a tuned `cut` left out."""
    return ddnm_rule(problem, cut=cut, eta=ETA)


def uncut_projection(problem):
    """Projection with the pseudo-inverse as it is written."""
    return ddnm_rule(problem, cut=ROUNDING, eta=ETA)


# Without a denoiser.


def zero_filled(problem):
    """A'y."""
    return problem.back


def cg_sense(problem):
    """Conjugate gradients from zero, stopped by an oracle at each image's best iterate."""
    return pins.cg_sense(
        problem.gram,
        problem.back,
        lambda x: (x - problem.truth).square().mean(-1),
        iterations=SENSE_ITERATIONS,
    )


def total_variation(problem, *, strength):
    """Least squares with isotropic total variation of weight strength sigma^2."""
    side = round(problem.back.shape[-1] ** 0.5)
    return pins.total_variation(
        problem.gram,
        problem.back,
        (side, side),
        weight=strength * problem.sigma**2,
        iterations=3 * side,  # enough to cross the image
    )


def posterior_mean(problem):
    """Return the best estimate there is, exactly: the reference."""
    return problem.posterior.mean


# deepinv's.


def deepinv_dps(problem, *, streams, weight):
    """Run deepinv's DPS, in float32."""
    from baselines.imaging import dds_deepinv as peer

    parts = as_deepinv(problem)
    seed = int(streams.numpy("noise").integers(2**31))
    found = peer.dps(**parts, evaluations=problem.T, weight=weight, seed=seed)
    return found.view_as(problem.back)


def deepinv_diffpir(problem, *, streams, lam, zeta):
    """Run deepinv's DiffPIR."""
    from baselines.imaging import dds_deepinv as peer

    parts = as_deepinv(problem)
    seed = int(streams.numpy("noise").integers(2**31))
    found = peer.diffpir(**parts, evaluations=problem.T, lam=lam, zeta=zeta, seed=seed)
    return found.view_as(problem.back)


def as_deepinv(problem):
    """Return denoiser, operator and data on flat rows, complex data as pairs of real numbers."""
    shape, side = problem.back.shape, round(problem.back.shape[-1] ** 0.5)
    measured = problem.y.shape

    def packed(y):
        y = torch.view_as_real(y.resolve_conj()) if y.is_complex() else y
        return y.reshape(shape[:2].numel(), -1)

    def unpacked(y):
        if problem.y.is_complex():
            return torch.view_as_complex(y.reshape(*measured, 2).contiguous())
        return y.reshape(measured)

    return {
        "denoise": lambda x, v: problem.denoise(x.view(shape), Level(1.0, v)).view(x.shape),
        "forward": lambda x: packed(problem.operator.forward(x.view(shape))),
        "adjoint": lambda y: problem.operator.adjoint(unpacked(y)).flatten(0, 1),
        "y": packed(problem.y),
        "shape": (side, side),
        "sigma": problem.sigma,
    }
