"""What is measured of every answer: U, (rows, d, k), or a path of iterates."""

import torch

from .contenders import EVERY


def measure(problem, U):
    """Return the columns of the evidence, each (rows,).

    Returns
    -------
    dict
        ``error`` ||U U' - X*||_F; ``size`` ||U U'||_F, near 0 where the steps were used up before
        the signal grew; ``loss`` f(U) and ``loss_at_truth`` f(X*), the l1 loss.
    """
    return {
        "error": problem.error(U),
        "size": torch.linalg.matrix_norm(U @ U.mT),
        "loss": problem.loss(U),
        "loss_at_truth": problem.loss_at_truth(),
    }


def measure_path(problem, path):
    """Return `measure` of the last iterate, and ``error_t`` of each iterate t of the path.

    Columns and no trace: figures are drawn from columns.
    """
    errors = {f"error_{EVERY * i}": problem.error(U) for i, U in enumerate(path)}
    return {**measure(problem, path[-1]), **errors}
