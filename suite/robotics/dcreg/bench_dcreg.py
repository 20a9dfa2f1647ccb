"""Degenerate registration: what Schur complements see, what clamping changes, and what it costs.

Hu, Chen, Jia, Wu, Tan and Waslander, "DCReg: decoupled characterization for efficient degenerate
LiDAR registration", IJRR 2026.
"""

import numpy as np

from claimbench import Experiment

from . import contenders as who
from . import detectors, linear, peers, races, solvers
from . import evaluate as seen
from . import problem as problems
from .interface import Detector, FrameRegistrar, MarginalPredictor, Registrar, StepSolver

#: Two poses are one where they are this near to each other, m: a thousand times rounding.
SAME = 1e-6

marginals = Experiment(
    linear.marginals, seen.measure_marginals, stack=("scene", "frame"), interface=MarginalPredictor
)
detection = Experiment(
    linear.detection, seen.measure_detection, stack=("scene", "frame"), interface=Detector
)
solving = Experiment(
    linear.systems, seen.measure_steps, stack=("scene", "frame"), interface=StepSolver
)
corridors = Experiment(
    problems.registrations, seen.measure, stack=("scene",), exhibit=seen.clouds, interface=Registrar
)
gates = Experiment(problems.registrations, seen.measure, stack=("scene",), interface=Registrar)
cylinder = Experiment(problems.cylinders, seen.measure, exhibit=seen.clouds, interface=Registrar)
steps = Experiment(linear.batch_of_systems, seen.measure_batch, seconds=True, interface=StepSolver)
frames = Experiment(races.frames, seen.measure_frames, seconds=True, interface=FrameRegistrar)

# H1: do the blocks predict the errors?

marginals.method(detectors.schur_marginals)
marginals.baseline(pin="diagonal-blocks")(detectors.diagonal_marginals)
marginals.control(detectors.plus_marginals)


def worst_axis(subject):
    """Return the largest distance of an axis' standard deviation from the predicted one, in ln."""
    return _by(subject, _worst_axis(subject), "scene", "frame")


def worst_axis_gain(subject, opponent):
    """Return by how much the opponent's largest distance exceeds the subject's, over a half."""
    gain = _worst_axis(opponent) - _worst_axis(subject) - np.log(1.5)
    return _by(subject, gain, "scene", "frame")


def _worst_axis(subject):
    return np.max([np.abs(subject[f"ln_ratio_{axis}"]) for axis in seen.AXES], axis=0)


def _by(subject, effects, *names):
    """Return effects, (replicate, cell), by cell, named by these settings."""
    return {
        ", ".join(str(subject[name][cell]) for name in names): effects[:, cell]
        for cell in range(effects.shape[1])
    }


# H2, H3: are masks those of the geometry, in metres and in millimetres?

detection.method(detectors.schur)
detection.baseline(pin="diagonal-blocks")(detectors.diagonal)
detection.baseline(pin="full-hessian")(detectors.me)
detection.baseline(pin="full-hessian")(detectors.fcn)


def moved_by_units(subject):
    """Return what millimetres change: axes called otherwise, and condition numbers, in ln."""
    return {
        "mask": subject["changed"].max(axis=1),
        **{
            f"condition of {block}": np.abs(subject[f"ln_cond_moved_{block}"]).max(axis=1)
            for block in seen.BLOCKS
        },
    }


def scenes_right(subject):
    """Return whether the mask is the geometry's, by scene."""
    return _by(subject, subject["right"] > 0.5, "scene")


def more_scenes_right(subject, opponent):
    """Return in how much larger a share of the scenes the subject is right, by frame."""
    gain = subject["right"] - opponent["right"]
    frames_of = subject["frame"]
    return {str(f): gain[:, frames_of == f].mean(axis=1) for f in dict.fromkeys(frames_of)}


# Module 3: what the preconditioner and its parameter change.

solving.method(solvers.dcreg)
solving.baseline(pin="conjugate-gradients", where={"kappa": (10.0,)})(solvers.identity)
solving.baseline(pin="conjugate-gradients", where={"kappa": (10.0,)})(solvers.jacobi)
solving.control(where={"kappa": (10.0,)})(solvers.random_spd)
solving.control(solvers.three_steps)


def fewer_steps(subject, opponent):
    """Return ln of the opponent's steps of conjugate gradients over the subject's."""
    ratio = np.log(opponent["pcg_steps"] / subject["pcg_steps"])
    return _by(subject, ratio, "scene", "frame")


def off_exact(subject):
    """Return the largest distance of dx to H^-1 b, in m and rad."""
    return subject["off"].max(axis=1)


# H4, H5, H6: whole registrations.

CORRIDORS = {"scene": ("corridor_0", "corridor_0.01", "corridor_0.03", "corridor_0.1")}
WEAK = {"scene": ("corridor_0.01", "corridor_0.03")}

corridors.method(who.dcreg)
corridors.baseline(pin="gauss-newton-icp")(who.none)
corridors.baseline(pin="solution-remapping")(who.me_sr)
corridors.baseline(pin="tikhonov", where=CORRIDORS)(who.me_treg)
corridors.baseline(pin="tikhonov", where=WEAK)(who.me_treg_converged)
corridors.baseline(pin="relative-remapping", where=CORRIDORS)(who.fcn_sr)
corridors.baseline(pin="x-icp-like", where=WEAK)(who.x_icp_like)
corridors.baseline(pin="small-gicp", where=CORRIDORS)(peers.small_gicp)
corridors.baseline(pin="open3d", where=WEAK)(peers.open3d)
corridors.control(where=WEAK)(who.clamped)


def accuracy_gain(subject, opponent):
    """Return ln of the opponent's error over the subject's, by scene."""
    return _by(subject, np.log(opponent["error"] / subject["error"]), "scene")


def share_elsewhere(subject, opponent):
    """Return the share of runs that end more than 1e-6 m from the opponent's."""
    return (_distance(subject, opponent) > SAME).mean(axis=1)


def _distance(subject, opponent):
    """Return the distance of the estimated positions, m, (replicate, cell)."""
    squares = [(subject[f"t_{axis}"] - opponent[f"t_{axis}"]) ** 2 for axis in "xyz"]
    return np.sqrt(np.sum(squares, axis=0))


def iterations_over_fivefold(subject, opponent):
    """Return ln of the opponent's iterations over five times the subject's, by scene."""
    ratio = np.log(opponent["iterations"] / subject["iterations"])
    return _by(subject, ratio - np.log(5), "scene")


# With more points H is larger: gates as printed, and grown with it (full profile, evidence only).

gates.method(who.dcreg)
gates.baseline(pin="solution-remapping")(who.me_sr)
gates.baseline(pin="solution-remapping")(who.me_sr_unscaled)
gates.baseline(pin="tikhonov")(who.me_treg)
gates.baseline(pin="tikhonov")(who.me_treg_unscaled)

# The published cylinder, cloned.

cylinder.method(who.dcreg)
cylinder.baseline(pin="gauss-newton-icp")(who.none)
cylinder.baseline(pin="solution-remapping")(who.me_sr)
cylinder.baseline(pin="truncated-svd")(who.me_tsvd)
cylinder.baseline(pin="truncated-svd-released")(who.me_tsvd_released)
cylinder.baseline(pin="tikhonov")(who.me_treg)
cylinder.baseline(pin="relative-remapping")(who.fcn_sr)
cylinder.control(who.diag)


def error_ratio(subject, opponent):
    """Return ln of the opponent's error over the subject's."""
    return np.log(opponent["error"] / subject["error"]).mean(axis=1)


def axes_unlike_printed(subject):
    """Return how many axes the first step calls otherwise than Table 3: z weak, the others not."""
    printed = [axis == "z" for axis in seen.AXES]
    flags = [subject[f"flag_{i}"] > 0.5 for i in range(6)]
    return np.sum([found != z for found, z in zip(flags, printed, strict=True)], axis=(0, 2))


# Races: one step of many systems, and whole registrations.

BATCH = {"batch": (100,)}

steps.method(solvers.dcreg)
steps.method(where=BATCH)(solvers.dcreg_single)
steps.baseline(pin="gauss-newton-icp")(solvers.direct)
steps.baseline(pin="gauss-newton-icp", where=BATCH)(solvers.direct_single)
steps.baseline(pin="solution-remapping")(solvers.me_sr)
steps.baseline(pin="solution-remapping", where=BATCH)(solvers.me_sr_single)
steps.control(where=BATCH)(solvers.dcreg_looped)

frames.method(races.dcreg)
frames.baseline(pin="gauss-newton-icp")(races.none)
frames.baseline(pin="solution-remapping")(races.me_sr)
frames.baseline(pin="tikhonov")(races.me_treg)
frames.baseline(pin="small-gicp")(races.small_gicp)


def microseconds(subject):
    """Return ln of the microseconds of one step, by batch."""
    return _by(subject, np.log(1e6 * _seconds(subject)), "batch")


def _seconds(subject):
    return subject["seconds"] / subject["answered"]


def steps_over_fivefold(subject, opponent):
    """Return ln of the opponent's seconds for a step over five times the subject's, by batch."""
    return _by(subject, np.log(_seconds(opponent) / _seconds(subject) / 5), "batch")


def frames_over_fivefold(subject, opponent):
    """Return ln of the opponent's seconds for a registration over five times the subject's."""
    return np.log(opponent["seconds"] / subject["seconds"] / 5).mean(axis=1)
