"""What a contender may use of a problem of this paper, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Annotated, Protocol

from torch import Tensor

from .mixture import Pullback
from .operators import Operator
from .schedule import Level, passes, predicted_noise, vp_levels


class Reconstruction(Protocol):
    """y = A x + sigma n, for images of P priors, R of each; d pixels, in slices if it is a volume.

    Attributes
    ----------
    T
        Evaluations of the denoiser that may be spent; 0 for those who do without. From 100 on,
        everything is float32, else float64.
    operator
        A, with `forward`, `adjoint`, `gram` (A'A) and `solve`; the norm of A is 1.
    y
        What was measured: complex in MRI, real in CT.
    sigma
        Standard deviation of the noise, in real and in imaginary parts; pixels are about 1.
    back
        A'y.
    start
        N(0, I): where all samplers start.
    dims
        How many of the last axes make one image: 1, or 2 for a volume.
    calls, backward
        Evaluations of the denoiser, and products with its Jacobian, so far; of a race one number
        for all images.
    """

    T: int
    operator: Operator
    y: Annotated[Tensor, "(P, R, *data)"]
    sigma: float
    back: Annotated[Tensor, "(P, R, *slices, d) float"]
    start: Annotated[Tensor, "(P, R, *slices, d) float"]
    dims: int
    calls: Annotated[Tensor, "(n,) number, counts evaluations"]
    backward: Annotated[Tensor, "(n,) number, counts products"]

    def gram(self, x: Tensor) -> Tensor:
        """Return A'A x."""

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        """Return E[x_0 | x_t = x] at x_t = a x_0 + sqrt(v) e; one evaluation."""

    def linearise(self, x: Tensor, level: Level) -> tuple[Tensor, Pullback]:
        """Return the same, and u to its transposed Jacobian times u, counted apart."""

    def noise(self) -> Callable[[], Tensor]:
        """Return a function that draws z ~ N(0, I), the same draws for all contenders."""


class Sampler(Protocol):
    """Reconstructs the images."""

    def __call__(self, problem: Reconstruction, /) -> Annotated[Tensor, "(P, R, *slices, d) float"]:
        """Return the images, in the units of the truth."""


def naive_sampler(problem: Reconstruction) -> Tensor:
    """Denoise from level to level, with one gradient step towards the data after each."""
    if problem.T == 0:
        return problem.back.clone()
    x = problem.start
    for i, j in passes(vp_levels(problem.T)):
        x0 = problem.denoise(x, i)
        e = predicted_noise(x, x0, i)
        xh = x0 + problem.back - problem.gram(x0)
        x = j.a * xh + sqrt(j.v) * e
    return x
