"""Every contender answers at every profile, and every estimand is right on invented numbers."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from suite.robotics.dcreg import bench_dcreg as bench
from suite.robotics.dcreg import contenders as who
from suite.robotics.dcreg import problem as problems
from suite.robotics.dcreg import races
from suite.robotics.dcreg.evaluate import AXES, clouds, measure, measure_detection
from suite.robotics.dcreg.linear import detection

FILES = PaperFiles(find_root(), "robotics", "dcreg")


@dataclass(frozen=True)
class Streams:
    """Stand-in for the engine's streams."""

    replicates: range
    device: str = "cpu"

    def each(self, purpose="problem"):
        return [np.random.default_rng([*map(ord, purpose), i]) for i in self.replicates]

    def torch(self, purpose):
        return torch.Generator().manual_seed(sum(map(ord, purpose)))


@pytest.mark.parametrize("profile", ["smoke", "standard", "full"])
def test_claims_fit_the_bench_file(profile):
    """Every name in claim.toml resolves at every profile, and each has all claims."""
    paper = bind(FILES, profile)
    assert paper.claims == paper.file.claims


# Linear problems keep their N: with few points none may lie on the end wall.
SMALL = {"M": 300, "batch": 2, "draws": 8}


def shrunk(cells, experiment):
    """Return the settings of a design's first unit at a size that takes no time."""
    fixed = {name: value for name, value in cells[0].items() if name not in experiment.stack}
    same = [cell for cell in cells if fixed.items() <= cell.items()]
    settings = fixed | {name: tuple(cell[name] for cell in same) for name in experiment.stack}
    settings |= {name: value for name, value in SMALL.items() if name in settings}
    return settings | ({"N": 60} if "M" in settings else {}), len(same)


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        *itertools.product(
            ["standard", "full"],
            ["marginals", "detection", "solving", "corridors", "steps", "frames"],
        ),
        ("full", "gates"),
    ],
)
def test_every_contender_answers(name, profile):
    """With the profile's cells, two replicates a block: finite columns, one entry per row."""
    paper = bind(FILES, profile)
    experiment = paper.experiments[name]
    n = 1 if experiment.seconds else 2
    for contender in experiment.contenders.values():
        if contender.pin == "open3d":
            continue  # 400 MB, and not installed: see test_peers
        settings, cells = shrunk(paper.cells_of(name, contender.name), experiment)
        streams = Streams(range(n))
        problem = experiment.problem(**settings, streams=streams, n=n)
        private = {"streams": streams} if contender.wants_streams else {}
        answer = contender.function(problem, **private)
        for column, values in experiment.measure(problem, answer).items():
            assert values.shape == (n * cells,), (contender.name, column)
            assert torch.isfinite(values.double()).all(), (contender.name, column)
        assert problem.calls.shape == (n * cells,)
        if experiment.exhibit is not None:
            for kept in experiment.exhibit(problem, answer).values():
                assert len(kept) == cells


def test_cylinder_contenders_answer():
    """On every 25th point of two clones all eight end with finite errors."""
    for contender in bench.cylinder.contenders.values():
        problem = problems.cylinders(25, streams=Streams(range(2)), n=2)
        columns = measure(problem, contender.function(problem))
        assert all(torch.isfinite(values.double()).all() for values in columns.values())


def test_a_thinned_cylinder_is_a_smaller_one():
    """Every fourth point of a cylinder of radius 40 m, as one of 20 m: as dense as the whole."""
    whole, few = (
        problems.cylinders(stride, streams=Streams(range(1)), n=1).source[0] for stride in (1, 4)
    )
    torch.testing.assert_close(few, whole[::4] / 2)
    assert float(few[:, :2].norm(dim=1).max()) == pytest.approx(20, abs=1e-3)


def test_a_control_with_the_clamp_in_h_ends_elsewhere():
    """DCReg and plain Gauss-Newton end at one pose; with the clamp in H no run does."""
    ends = {}
    for contender in (who.dcreg, who.none, who.clamped):
        problem = problems.registrations(
            ["corridor_0.03"], 1500, 300, streams=Streams(range(2)), n=2
        )
        columns = measure(problem, contender(problem))
        ends[contender.__name__] = {
            name: columns[name].numpy()[:, None] for name in ("t_x", "t_y", "t_z")
        }
    assert bench.share_elsewhere(ends["dcreg"], ends["none"]).tolist() == [0, 0]
    assert bench.share_elsewhere(ends["clamped"], ends["none"]).tolist() == [1, 1]


def test_exhibits_hold_replicate_0_of_every_scene_as_registered():
    """In a box the source, as registered, lies on the target; the start is 0.3 m away."""
    problem = problems.registrations(
        ["box", "corridor_0"], 3000, 200, streams=Streams(range(3)), n=3
    )
    kept = clouds(problem, who.dcreg(problem))
    assert kept["target"].shape == (2, 1500, 3)
    assert kept["source"].shape == (2, 200, 3)
    assert float((kept["source"][0].abs().amax(dim=1) - 4).abs().max()) < 0.1
    np.testing.assert_allclose(kept["start"].norm(dim=1), 0.3)
    assert float(kept["end"][0].norm()) < 0.05
    assert kept["weak"][0].tolist() == [False] * 6
    along = kept["directions"][1, 1, :, 0].abs()  # the mode of x, in the scene's frame
    assert kept["weak"][1, 3]
    assert float(along[0]) > 0.95


def test_frames_are_fresh_in_every_round_and_counted_together():
    """Round 1 has other clouds than round 0; calls are those of all registrations of the round."""
    first, second = (
        races.frames("box", 2, 500, 100, streams=Streams(range(i, i + 1)), n=1) for i in (0, 1)
    )
    assert not torch.equal(first.registration.source, second.registration.source)
    assert first.registration.rows == 2
    answer = races.none(first)
    assert first.calls.tolist() == [int(answer.iterations.sum())]
    again = races.frames("box", 2, 500, 100, streams=Streams(range(1)), n=1)
    assert torch.equal(again.registration.source, first.registration.source)


def cells(**columns):
    """Return a subject: settings (cell,), measures (replicate, cell)."""
    return {name: np.asarray(values) for name, values in columns.items()}


def test_the_worst_axis_counts_in_either_direction():
    """Of +0.02 and -0.3 the worst is 0.3, and 0.3 over 0.02 exceeds a half by 0.28 - ln 1.5."""
    settings = {"scene": ["box"], "frame": ["in the scene"]}
    ratios = {f"ln_ratio_{axis}": [[0.01]] for axis in AXES}
    good = cells(**settings, **ratios)
    bad = cells(**settings, **(ratios | {"ln_ratio_x": [[0.02]], "ln_ratio_yaw": [[-0.3]]}))
    assert bench.worst_axis(bad) == {"box, in the scene": pytest.approx(0.3)}
    gain = bench.worst_axis_gain(good, bad)["box, in the scene"]
    assert gain == pytest.approx(0.29 - np.log(1.5))


def test_units_move_masks_and_condition_numbers():
    """The largest of all cells, whatever its sign."""
    found = bench.moved_by_units(
        cells(
            changed=[[0, 2]], ln_cond_moved_rotation=[[0, -3.0]], ln_cond_moved_translation=[[0, 0]]
        )
    )
    assert {name: values.tolist() for name, values in found.items()} == {
        "mask": [2], "condition of rotation": [3], "condition of translation": [0],
    }  # fmt: skip


def test_labels_are_counted_by_scene_and_by_frame():
    """Right in both scenes at one frame and in one at the other, against none and one."""
    settings = {"scene": ["box", "plane"] * 2, "frame": ["near", "near", "far", "far"]}
    ours = cells(**settings, right=[[1, 1, 1, 0]])
    theirs = cells(**settings, right=[[0, 0, 0, 1]])
    assert {k: v.tolist() for k, v in bench.more_scenes_right(ours, theirs).items()} == {
        "near": [1.0], "far": [0.0],
    }  # fmt: skip
    near = {name: values[..., :2] for name, values in ours.items()}
    assert {k: v.tolist() for k, v in bench.scenes_right(near).items()} == {
        "box": [True], "plane": [True],
    }  # fmt: skip


def test_right_means_all_six_axes():
    """Against another truth in one axis a detector is wrong."""
    problem = detection(["box"], ["in the scene"], 500, streams=Streams(range(1)), n=1)
    from suite.robotics.dcreg.detectors import schur

    assert measure_detection(problem, schur(problem))["right"].tolist() == [True]
    problem.truth[0, 5] = True
    assert measure_detection(problem, schur(problem))["right"].tolist() == [False]


def test_ratios_are_positive_where_the_subject_is_better():
    """Half the error, a fifth of the iterations and of the time: ln 2, 0 and 0."""
    ours = cells(scene=["a"], error=[[1.0]], iterations=[[2]], seconds=[[1.0]], pcg_steps=[[3.0]])
    theirs = cells(
        scene=["a"], error=[[2.0]], iterations=[[10]], seconds=[[5.0]], pcg_steps=[[6.0]]
    )
    ours |= cells(frame=["b"], batch=[10], answered=[[10]])
    theirs |= cells(frame=["b"], batch=[10], answered=[[20]])
    assert bench.accuracy_gain(ours, theirs)["a"] == pytest.approx(np.log(2))
    assert bench.error_ratio(ours, theirs) == pytest.approx(np.log(2))
    assert bench.iterations_over_fivefold(ours, theirs)["a"] == pytest.approx(0)
    assert bench.frames_over_fivefold(ours, theirs) == pytest.approx(0)
    assert bench.fewer_steps(ours, theirs)["a, b"] == pytest.approx(np.log(2))
    # Whoever answers twice as many in five times the time is 2.5 times as slow.
    assert bench.steps_over_fivefold(ours, theirs)["10"] == pytest.approx(np.log(0.5))
    assert bench.microseconds(ours)["10"] == pytest.approx(np.log(1e5))


def test_elsewhere_is_more_than_a_micrometre_in_space():
    """Two coordinates off by 0.8 um each are elsewhere; one alone is not."""
    origin = cells(t_x=[[0.0, 0.0]], t_y=[[0.0, 0.0]], t_z=[[0.0, 0.0]])
    moved = cells(t_x=[[8e-7, 8e-7]], t_y=[[8e-7, 0.0]], t_z=[[0.0, 0.0]])
    assert bench.share_elsewhere(moved, origin).tolist() == [0.5]


def test_axes_unlike_the_printed_mask():
    """z alone is as printed; roll beside it is one axis off, and x in the place of z two."""
    flags = np.zeros((3, 1, 6))
    flags[0, 0, 5] = flags[1, 0, 5] = flags[1, 0, 0] = flags[2, 0, 3] = 1
    subject = {f"flag_{i}": flags[..., i] for i in range(6)}
    assert bench.axes_unlike_printed(subject).tolist() == [0, 1, 2]


def test_exactness_is_that_of_the_worst_system():
    """The largest distance over cells, by replicate."""
    assert bench.off_exact({"off": np.array([[1e-9, 3e-8], [0, 0]])}).tolist() == [3e-8, 0]
