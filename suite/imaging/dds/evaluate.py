"""What is measured of every answer: images (P, R, d), against the truth and the least error."""

from __future__ import annotations


def measure(problem, xh):
    """Return the columns of the evidence, each (n,).

    Returns
    -------
    dict
        ``mse`` per pixel; ``mmse``, what the best estimate is expected to have on these data;
        ``ratio`` of the two and its logarithm ``log_ratio``, the criterion of tuning;
        ``backward``, products with the denoiser's Jacobian.
    """
    mse = problem.rows((xh - problem.truth).square().mean(dim=-1))
    mmse = problem.rows(problem.posterior.mmse)
    ratio = mse / mmse
    return {
        "mse": mse,
        "mmse": mmse,
        "ratio": ratio,
        "log_ratio": ratio.log(),
        "backward": problem.backward,
    }


def exhibit(problem, xh):
    """Return replicate 0's pictures, each (side, side)."""
    side = round(xh.shape[-1] ** 0.5)
    parts = {
        "truth": problem.truth,
        "reconstruction": xh,
        "error": xh - problem.truth,
        "posterior_mean": problem.posterior.mean,
    }
    return {name: part[0, 0].reshape(side, side) for name, part in parts.items()}
