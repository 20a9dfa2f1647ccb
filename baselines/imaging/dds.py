"""Opponents of the decomposed diffusion sampler, as functions of arrays and callables.

Images are real, (..., d), and every operation keeps to its image. A level is a pair (a, v): the
diffused image is x_t = a x_0 + sqrt(v) e, e ~ N(0, I); levels come largest noise first.

    denoise(x, level) -> x0              E[x_0 | x_t]
    linearise(x, level) -> x0, pullback  the same, and u -> (d x0 / d x_t)^T u
    residual(x) -> A^T (y - A x), ||y - A x||, the latter (..., 1)
    draw() -> z                          fresh standard normal noise
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

Level = tuple[float, float]
Map = Callable[[Tensor], Tensor]
Draw = Callable[[], Tensor]
Denoise = Callable[[Tensor, Level], Tensor]
Linearise = Callable[[Tensor, Level], tuple[Tensor, Map]]
Residual = Callable[[Tensor], tuple[Tensor, Tensor]]

CLEAN = (1.0, 0.0)


def passes(levels: Sequence[Level]) -> Iterator[tuple[Level, Level]]:
    """Yield each level with the next one; the last goes to no noise at all."""
    return zip(levels, [*levels[1:], CLEAN], strict=True)


def ddim_step(x: Tensor, x0: Tensor, now: Level, then: Level, eta: float, draw: Draw) -> Tensor:
    """Return x at the next level (Song, Meng and Ermon, ICLR 2021, Equations 12 and 16).

    eta = 1 is the ancestral step of DDPM, eta = 0 is deterministic and draws nothing.
    """
    (a, v), (a_next, v_next) = now, then
    e = (x - a * x0) / v**0.5
    spread = eta**2 * v_next / v * max(0.0, 1 - (a / a_next) ** 2)
    mean = a_next * x0 + max(0.0, v_next - spread) ** 0.5 * e
    return mean + spread**0.5 * draw() if spread > 0 else mean


def dps(
    linearise: Linearise,
    residual: Residual,
    x: Tensor,
    levels: Sequence[Level],
    *,
    zeta: float,
    eta: float,
    draw: Draw,
) -> Tensor:
    """Return a sample of diffusion posterior sampling.

    Chung, Kim, Mccann, Klasky and Ye, ICLR 2023, Algorithm 1: an unconditional step, then
    x <- x - zeta grad_{x_t} ||y - A x0(x_t)||, through the denoiser.
    """
    for now, then in passes(levels):
        x0, gradient = _guidance(linearise, residual, x, now)
        x = ddim_step(x, x0, now, then, eta, draw) - zeta * gradient
    return x


def mcg(
    linearise: Linearise,
    residual: Residual,
    gram: Map,
    back: Tensor,
    x: Tensor,
    levels: Sequence[Level],
    *,
    zeta: float,
    eta: float,
    draw: Draw,
) -> Tensor:
    """Return a sample with manifold-constrained gradients.

    Chung, Sim, Ryu and Ye, NeurIPS 2022, Algorithm 1: the step of `dps`, then
    x <- x + A^T (y_j - A x), y_j the measurements diffused to the level of x.

    Parameters
    ----------
    gram, back
        A^T A as a map, and A^T y.

    Deviation: the paper projects onto the measured part with A^T (A A^T)^-1, here A^T: its step of
    a tomograph.
    """
    for now, then in passes(levels):
        x0, gradient = _guidance(linearise, residual, x, now)
        x = ddim_step(x, x0, now, then, eta, draw) - zeta * gradient
        a, v = then
        diffused = a * back + v**0.5 * gram(draw()) if v > 0 else back
        x = x + diffused - gram(x)
    return x


def _guidance(
    linearise: Linearise, residual: Residual, x: Tensor, level: Level
) -> tuple[Tensor, Tensor]:
    x0, pullback = linearise(x, level)
    backward, norm = residual(x0)
    return x0, -pullback(backward / norm)


def diffpir(
    denoise: Denoise,
    prox: Callable[[Tensor, float], Tensor],
    x: Tensor,
    levels: Sequence[Level],
    *,
    sigma: float,
    lam: float,
    zeta: float,
    draw: Draw,
) -> Tensor:
    """Return a restoration of DiffPIR (Zhu et al., CVPR workshops 2023, Algorithm 1).

    Parameters
    ----------
    prox
        (x0, rho) -> argmin ||y - A x||^2 + rho ||x - x0||^2, exact.
    sigma
        Standard deviation of the measurements' noise; rho_t = lam sigma^2 a^2 / v.
    """
    for now, then in passes(levels):
        (a, v), (a_next, v_next) = now, then
        best = prox(denoise(x, now), lam * sigma**2 * a**2 / v)
        e = (x - a * best) / v**0.5
        x = a_next * best
        if v_next > 0:
            x = x + v_next**0.5 * ((1 - zeta) ** 0.5 * e + zeta**0.5 * draw())
    return x


def predictor_corrector(
    denoise: Denoise,
    x: Tensor,
    levels: Sequence[Level],
    *,
    r: float,
    draw: Draw,
    between: Map,
    after: Map,
) -> Tensor:
    """Return a sample of the variance-exploding sampler with Langevin correction.

    Song et al., ICLR 2021, Algorithm 2, and Chung and Ye, Medical Image Analysis 2022 (Score-MRI):
    at every level a corrector, x + s (score) + sqrt(2 s) z with s = 2 (r ||z|| / ||score||)^2,
    then a predictor to the next level. The last predictor adds no noise.

    Parameters
    ----------
    levels
        (1, sigma^2): two evaluations each.
    r
        Signal-to-noise ratio of the corrector.
    between, after
        What makes an image consistent with the measurements, after corrector and predictor.
    """
    for now, then in passes(levels):
        z = draw()
        score = (denoise(x, now) - x) / now[1]
        step = 2 * (r * _norm(z) / _norm(score)) ** 2
        x = between(x + step * score + (2 * step) ** 0.5 * z)
        fall = now[1] - then[1]
        x = x + fall * (denoise(x, now) - x) / now[1]
        if then[1] > 0:
            x = x + fall**0.5 * draw()
        x = after(x)
    return x


def _norm(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dim=-1, keepdim=True)


def conjugate_gradient_iterates(gram: Map, back: Tensor) -> Iterator[Tensor]:
    """Yield the iterates of conjugate gradients on A^T A x = A^T y from zero, each image its own.

    Pruessmann, Weiger, Boernert and Boesiger, MRM 2001 (CG-SENSE); stopping early regularises.
    """
    x, r, p = torch.zeros_like(back), back, back
    squares = (r * r).sum(-1, keepdim=True)
    while True:
        Gp = gram(p)
        curvature = (p * Gp).sum(-1, keepdim=True)
        step = torch.where(curvature > 0, squares / curvature, 0.0)
        x, r = x + step * p, r - step * Gp
        previous, squares = squares, (r * r).sum(-1, keepdim=True)
        p = r + torch.where(previous > 0, squares / previous, 0.0) * p
        yield x


def cg_sense(gram: Map, back: Tensor, error: Map, *, iterations: int) -> Tensor:
    """Return the iterate of least `error`, (...), each image's own: only an oracle can stop so."""
    best, least = torch.zeros_like(back), torch.full(back.shape[:-1], torch.inf).to(back)
    for _, x in zip(range(iterations), conjugate_gradient_iterates(gram, back), strict=False):
        found = error(x)
        better = found < least
        best = torch.where(better[..., None], x, best)
        least = torch.where(better, found, least)
    return best


def total_variation(
    gram: Map, back: Tensor, shape: tuple[int, int], *, weight: float, iterations: int
) -> Tensor:
    """Return argmin ||y - A x||^2 / 2 + weight sum sqrt(dx^2 + dy^2), by ADMM.

    Isotropic (Rudin, Osher and Fatemi, Physica D 1992); the alternating direction method of
    multipliers with three conjugate gradient steps per pass, each from the last image.

    Parameters
    ----------
    shape
        (height, width), their product d.
    """
    rho = 10 * weight
    x = torch.zeros_like(back)
    split, dual = _gradient(x, shape), _gradient(x, shape)

    def product(image: Tensor) -> Tensor:
        return gram(image) + rho * _minus_divergence(_gradient(image, shape))

    for _ in range(iterations):
        x = _descend(product, back + rho * _minus_divergence(split - dual), x, steps=3)
        wanted = _gradient(x, shape) + dual
        size = wanted.square().sum(0, keepdim=True).sqrt()
        split = wanted * (1 - weight / rho / size.clamp(min=weight / rho))
        dual = wanted - split
    return x


def _descend(product: Map, b: Tensor, x: Tensor, *, steps: int) -> Tensor:
    """Return x after conjugate gradient steps on product(x) = b."""
    change = conjugate_gradient_iterates(product, b - product(x))
    for _ in range(steps):
        delta = next(change)
    return x + delta


def _gradient(x: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return forward differences, (2, ..., height, width), zero at the far edges."""
    image = x.unflatten(-1, shape)
    differences = torch.zeros((2, *image.shape)).to(image)
    differences[0][..., :-1, :] = image[..., 1:, :] - image[..., :-1, :]
    differences[1][..., :, :-1] = image[..., :, 1:] - image[..., :, :-1]
    return differences


def _minus_divergence(differences: Tensor) -> Tensor:
    """Return the transpose of `_gradient`, (..., d)."""
    down, across = differences
    image = torch.zeros_like(down)
    image[..., 1:, :] += down[..., :-1, :]
    image[..., :-1, :] -= down[..., :-1, :]
    image[..., :, 1:] += across[..., :, :-1]
    image[..., :, :-1] -= across[..., :, :-1]
    return image.flatten(-2)
