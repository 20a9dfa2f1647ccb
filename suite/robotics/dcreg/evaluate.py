"""The measures: poses against the truth, predictions against draws, masks against the geometry."""

from __future__ import annotations

import torch
from torch import Tensor

from .detection import schur
from .detectors import Detected
from .icp import Answer, pose_error
from .linear import Detection, Marginals, Systems
from .problem import Registration
from .races import Frames
from .solvers import Step

AXES = ("roll", "pitch", "yaw", "x", "y", "z")
BLOCKS = ("rotation", "translation")
#: Points of a scene that are kept for pictures.
SHOWN = 1500


def measure(problem: Registration, answer: Answer) -> dict[str, Tensor]:
    """Return the columns of a registration, each (rows,).

    `error` in m and `turned` in rad, of T_gt^-1 T_est; the position `t_x`, `t_y`, `t_z` in m; the
    iterations, and whether they converged or failed; steps of conjugate gradients, and direct
    solves in their place; `flag_0` to `flag_5`, what the first step called weak: axes for who looks
    at blocks, eigenvectors in ascending order for who looks at the whole of H.
    """
    error, turned = pose_error(problem, answer.R, answer.t)
    none = torch.zeros_like(error)
    flags = torch.zeros(problem.rows, 6) if answer.flags is None else answer.flags
    return {
        "error": error,
        "turned": turned,
        **{f"t_{axis}": answer.t[:, i] for i, axis in enumerate("xyz")},
        "iterations": answer.iterations,
        "converged": answer.converged,
        "failed": answer.failed,
        "pcg_steps": none if answer.steps is None else answer.steps,
        "fallbacks": none if answer.fallbacks is None else answer.fallbacks,
        **{f"flag_{i}": flags[:, i] for i in range(6)},
    }


def clouds(problem: Registration, answer: Answer) -> dict[str, Tensor]:
    """Keep replicate 0 of every scene, in the target's frame, for pictures.

    Returns
    -------
    dict
        `target` and `source` (scenes, 1500, 3), some of their points, the latter as registered;
        `start` (scenes, 3) and `end` (scenes, 3), positions less the true one; `values` (scenes, 2,
        3) and `directions` (scenes, 2, 3, 3), modes of the Schur complements at the initial pose,
        and `weak` (scenes, 6), which of them are weak.
    """
    first = slice(None, None, problem.n)
    R, t = answer.R[first], answer.t[first]
    few = slice(None, None, max(1, problem.targets.points.shape[1] // SHOWN))
    kept = {
        "target": problem.targets.points[first, few].float(),
        "source": (problem.source[first] @ R.mT + t[:, None])[:, :SHOWN].float(),
        "start": problem.t0[first] - problem.t_gt[first],
        "end": t - problem.t_gt[first],
    }
    if answer.first is not None:
        found = schur(answer.first.H[first])
        in_scene = problem.R0[first][:, None] @ found.vectors
        kept |= {"values": found.values, "directions": in_scene, "weak": found.mask}
    return {name: part.cpu() for name, part in kept.items()}


def measure_marginals(problem: Marginals, predicted: Tensor) -> dict[str, Tensor]:
    """Return ln of the empirical over the predicted standard deviation, by axis, each (rows,)."""
    ratio = (problem.empirical / predicted).log()
    return {f"ln_ratio_{axis}": ratio[:, i] for i, axis in enumerate(AXES)}


def measure_detection(problem: Detection, found: Detected) -> dict[str, Tensor]:
    """Return the columns of a detector, each (rows,).

    `right` where the mask is the geometry's; `weak_x` and so on, what it calls weak; `changed`,
    axes that are called otherwise in millimetres; ln of the condition numbers in metres, and how
    far millimetres move it.
    """
    moved = found.condition_mm.log() - found.condition.log()
    return {
        "right": (found.mask == problem.truth).all(dim=1),
        **{f"weak_{axis}": found.mask[:, i] for i, axis in enumerate(AXES)},
        "changed": (found.mask != found.mask_mm).sum(dim=1),
        **{f"ln_cond_{block}": found.condition[:, i].log() for i, block in enumerate(BLOCKS)},
        **{f"ln_cond_moved_{block}": moved[:, i] for i, block in enumerate(BLOCKS)},
    }


def measure_steps(problem: Systems, step: Step) -> dict[str, Tensor]:
    """Return steps of conjugate gradients, and the distance to H^-1 b, m and rad, each (rows,)."""
    return {"pcg_steps": step.steps, "off": _off(problem, step)}


def measure_batch(problem: Systems, step: Step) -> dict[str, Tensor]:
    """Return how many systems were answered, mean steps and the largest distance, each (1,)."""
    return {
        "answered": torch.full((problem.rows,), len(step.dx)),
        "pcg_steps": step.steps.double().mean()[None],
        "off": _off(problem, step).amax()[None],
    }


def _off(problem: Systems, step: Step) -> Tensor:
    count = len(step.dx)
    exact = torch.linalg.solve(problem.H[:count], problem.b[:count])
    return (step.dx - exact).abs().amax(dim=1)


def measure_frames(problem: Frames, answer: Answer) -> dict[str, Tensor]:
    """Return the columns of a round, each (1,): the median of errors, means of the others."""
    error, _ = pose_error(problem.registration, answer.R, answer.t)
    return {
        "error": error.median()[None],
        "iterations": answer.iterations.double().mean()[None],
        "converged": answer.converged.double().mean()[None],
    }
