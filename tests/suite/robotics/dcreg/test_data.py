"""The pinned clouds lie on the surfaces that they are named after."""

import numpy as np
import pytest

from claimbench.data import array
from suite.robotics.dcreg import data, scenes


@pytest.mark.parametrize("scene", scenes.SCENES)
def test_points_lie_on_their_surface(scene):
    """Each point satisfies its surface's equation along a unit normal."""
    points, normals = scenes.surface(scene)
    assert points.shape == normals.shape == (data.POINTS, 3)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-12)
    along = np.abs((points * normals).sum(axis=1))
    levels = {
        "corridor": (1.5, 1.25, 20.0),
        "tunnel": (),
        "plane": (1.5,),
        "box": (4.0,),
        "stairs": (0.6, *0.3 * np.arange(12), *0.17 * np.arange(1, 13)),
    }[scene.split("_")[0]]
    if scene == "tunnel":
        np.testing.assert_allclose(along, 3.0, atol=1e-3)
    else:
        assert np.abs(along[:, None] - levels).min(axis=1).max() < 1e-9


@pytest.mark.parametrize(("scene", "f"), scenes.CORRIDORS.items())
def test_end_wall_has_its_share(scene, f):
    """A fraction f of a corridor's points is on the end wall; walls and floor share by width."""
    _, normals = scenes.surface(scene)
    shares = normals.mean(axis=0)
    np.testing.assert_allclose(
        shares, [f, (1 - f) * 5 / 11, (1 - f) * 6 / 11], atol=2 / data.POINTS
    )


def test_box_and_stairs_are_uniform_in_area():
    """Normals share as areas do: a cube's by thirds, the stairs' by treads, risers and walls."""
    np.testing.assert_allclose(scenes.surface("box").normals.mean(axis=0), [1 / 3] * 3, atol=1e-4)
    areas = np.array([12 * 0.17 * 1.2, 2 * 3.6 * 3.04, 12 * 0.3 * 1.2])
    np.testing.assert_allclose(
        scenes.surface("stairs").normals.mean(axis=0), areas / areas.sum(), atol=1e-4
    )


@pytest.mark.parametrize("clone", range(scenes.CLONES))
def test_cylinder_has_a_floor_at_zero(clone):
    """3,775 of 7,562 points have z = 0 exactly and fill a disk; the others are 40 m out."""
    points = scenes.cylinder(clone)
    floor, wall = points[: data.FLOOR], points[data.FLOOR :]
    assert len(points) == 7562
    assert (floor[:, 2] == 0).all()
    radius = np.hypot(*floor[:, :2].T)
    assert radius.max() <= 40.0001
    # Uniform in area: half of it lies beyond 40 / sqrt(2).
    assert (radius > 40 / np.sqrt(2)).mean() == pytest.approx(0.5, abs=0.04)
    np.testing.assert_allclose(np.hypot(*wall[:, :2].T), 40, atol=1e-4)
    assert wall[:, 2].mean() == pytest.approx(10, abs=0.5)


def test_free_motions_leave_the_surface():
    """The truth of H3: a motion is unobservable where it moves no point along its normal."""
    for scene in scenes.SCENES:
        points, normals = scenes.surface(scene)
        moments = np.concatenate((np.cross(points, normals), normals), axis=1)
        free = np.abs(moments[::50]).max(axis=0) < 2e-3
        assert tuple(free) == scenes.unobservable(scene)


def test_building_writes_the_pinned_files(tmp_path, monkeypatch):
    """`build` writes the pinned bytes: of one scene and of all cylinders here."""
    monkeypatch.setattr(data, "SCENES", ("corridor_0", "corridor_0.01"))
    data.build(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 + scenes.CLONES
    for file in tmp_path.iterdir():
        np.testing.assert_array_equal(
            np.load(file, allow_pickle=False), array(f"{scenes.FOLDER}/{file.name}")
        )
