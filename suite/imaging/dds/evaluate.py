"""What is measured of every answer, images (P, R, ..., d): its error, and the least there is."""

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
    mse = problem.rows((xh - problem.truth).square().flatten(2).mean(dim=-1))
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
    """Return pictures of replicate 0, (side, side); of a volume its first slice."""
    side = round(xh.shape[-1] ** 0.5)
    parts = {
        "truth": problem.truth,
        "reconstruction": xh,
        "error": xh - problem.truth,
        "posterior_mean": problem.posterior.mean,
    }
    return {name: part[0, 0].reshape(-1, side, side)[0] for name, part in parts.items()}
