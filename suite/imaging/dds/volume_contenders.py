"""Who reconstructs volumes: ADMM-TV steps, and what is left without them; to (P, R, S, d)."""

from __future__ import annotations

from baselines.imaging import dds as pins

from .conjugate_gradient import conjugate_gradient
from .contenders import ETA
from .method import sample
from .schedule import ve_levels, vp_levels
from .volume import AdmmTV

#: Around the released code's rho = 10 and lamb = 0.04.
TV_GRID = {"rho": (1.0, 10.0), "lamb": (0.004, 0.04, 0.4)}


def admm_tv(problem, *, rho, lamb):
    """DDS on a volume: one ADMM pass on each estimate, total variation across slices."""
    consistency = AdmmTV(problem, rho=rho, lamb=lamb)
    return sample(problem, vp_levels(problem.T), consistency, ETA)


def without_tv(problem, *, rho):
    """DDS on a volume, lamb = 0: the ablation that the paper lacks."""
    return admm_tv(problem, rho=rho, lamb=0.0)


def slicewise(problem, *, gamma, eta):
    """DDS in the proximal form, slice by slice: it knows nothing of neighbours."""

    def consistency(x0):
        b = x0 + gamma * problem.back
        return conjugate_gradient(lambda x: x + gamma * problem.gram(x), b, x0, 5)

    return sample(problem, vp_levels(problem.T), consistency, eta)


def diffusion_mbir(problem, *, rho, lamb):
    """DiffusionMBIR: the ADMM pass on the noisy image after predictor and corrector."""
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
