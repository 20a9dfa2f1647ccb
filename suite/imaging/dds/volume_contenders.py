"""Who reconstructs volumes: ADMM-TV steps, and what is left without them; to (P, R, S, d)."""

from __future__ import annotations

from baselines.imaging import dds as pins

from .conjugate_gradient import conjugate_gradient
from .contenders import ETA
from .method import sample
from .schedule import ve_levels, vp_levels
from .volume import AdmmTV

#: Weight of the penalty: of ADMM, so that it decides about speed, not about the minimum. Among the
#: eigenvalues of A'A, at most 1, this one is where CG converges within a few steps.
RHO = 0.03


def admm_tv(problem, *, lamb, eta):
    """DDS on a volume: one ADMM pass on each estimate, total variation across slices."""
    return tied(problem, RHO, lamb, eta)


def admm_tv_released(problem):
    """DDS on a volume with the released rho = 10, lamb = 0.04, for the norm 49 of its A'A."""
    return tied(problem, 10 / 49, 0.04 / 49, ETA)


def without_tv(problem, *, rho, eta):
    """DDS on a volume, lamb = 0: the ablation that the paper lacks."""
    return tied(problem, rho, 0.0, eta)


def tied(problem, rho, lamb, eta):
    """Return the sampler's volume with an ADMM pass in every step."""
    consistency = AdmmTV(problem, rho=rho, lamb=lamb)
    return sample(problem, vp_levels(problem.T), consistency, eta)


def slicewise(problem, *, gamma, eta):
    """DDS in the proximal form, slice by slice: it knows nothing of neighbours."""

    def consistency(x0):
        b = x0 + gamma * problem.back
        return conjugate_gradient(lambda x: x + gamma * problem.gram(x), b, x0, 5)

    return sample(problem, vp_levels(problem.T), consistency, eta)


def diffusion_mbir(problem, *, rho, lamb):
    """DiffusionMBIR: the ADMM pass on the noisy image after predictor and corrector.

    Its d and u are of a noisier image than the one they are used on. At the rho of `admm_tv` that
    brings the noise back and the sampler diverges, so that rho is tuned.
    """
    levels = ve_levels(problem.T // 2)
    return pins.predictor_corrector(
        problem.denoise,
        levels[0].v ** 0.5 * problem.start,
        levels,
        r=0.16,
        draw=problem.noise(),
        between=unchanged,
        after=AdmmTV(problem, rho=rho, lamb=lamb),
    )


def unchanged(x):
    """Return x."""
    return x
