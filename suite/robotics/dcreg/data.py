"""One noise-free cloud for each scene and five clones of the published cylinder.

Whole numbers throughout where the surface is plane; angles are rounded to the unit of the file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .scenes import (
    CLONES,
    CORRIDORS,
    END,
    FACES,
    SCENES,
    TUNNEL_HALF_LENGTH,
    TUNNEL_RADIUS,
    Face,
)

#: More than the largest profile draws: 200,000 target and 20,000 source points.
POINTS = 225_000
#: The published cylinder, in units of 0.1 mm: points on its floor and on its wall.
FLOOR, WALL = 3_775, 3_787
RADIUS, HEIGHT = 400_000, 200_000


def build(folder: Path) -> None:
    """Write ``<scene>.npy``, (225000, 4) in mm and the normal's axis, and ``cylinder_<k>.npy``."""
    for seed, scene in enumerate(SCENES):
        np.save(folder / f"{scene}.npy", cloud(scene, np.random.RandomState(seed)))
    for clone in range(CLONES):
        drawn = cylinder(np.random.RandomState(1000 + clone))
        np.save(folder / f"cylinder_{clone}.npy", drawn)


def cloud(scene: str, random: np.random.RandomState) -> NDArray[np.int16]:
    """Return points uniform in area, (225000, 4): x, y, z in mm, and the axis of the normal."""
    if scene == "tunnel":
        return _tunnel(random)
    if scene not in CORRIDORS:
        return _faces(FACES[scene], POINTS, random)
    end = round(CORRIDORS[scene] * POINTS)
    sides = _faces(FACES["corridor"], POINTS - end, random)
    return np.concatenate((sides, _rectangle(END, end, random)))


def cylinder(random: np.random.RandomState) -> NDArray[np.int32]:
    """Return floor and wall, (7562, 3) in 0.1 mm; every point of the floor has z = 0 exactly."""
    radius = RADIUS * np.sqrt(random.random_sample(FLOOR))
    floor = _polar(radius, random, np.zeros(FLOOR, dtype=np.int64))
    wall = _polar(np.full(WALL, RADIUS), random, random.randint(0, HEIGHT + 1, size=WALL))
    return np.concatenate((floor, wall)).astype(np.int32)


def _faces(faces: tuple[Face, ...], count: int, random: np.random.RandomState) -> NDArray[np.int16]:
    """Return `count` points, on each face in proportion to its area."""
    up_to = np.cumsum([face.area for face in faces])
    upper = count * up_to // up_to[-1]
    counts = np.diff(upper, prepend=0)
    return np.concatenate(
        [_rectangle(face, int(n), random) for face, n in zip(faces, counts, strict=True)]
    )


def _rectangle(face: Face, count: int, random: np.random.RandomState) -> NDArray[np.int16]:
    low, high = np.array(face.low), np.array(face.high)
    points = random.randint(low, high + 1, size=(count, 3))
    axis = np.full((count, 1), face.axis)
    return np.concatenate((points, axis), axis=1).astype(np.int16)


def _tunnel(random: np.random.RandomState) -> NDArray[np.int16]:
    x = random.randint(-TUNNEL_HALF_LENGTH, TUNNEL_HALF_LENGTH + 1, size=POINTS)
    across = _polar(np.full(POINTS, TUNNEL_RADIUS), random, x)
    # Its normal is along no axis: 3 says that it is found from the point.
    return np.column_stack((x, across[:, :2], np.full(POINTS, 3))).astype(np.int16)


def _polar(
    radius: NDArray[np.generic], random: np.random.RandomState, third: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return points at uniform angles, (count, 3), rounded to whole numbers."""
    around = 2 * np.pi * random.random_sample(len(radius))
    across = np.rint(np.stack((radius * np.cos(around), radius * np.sin(around)), axis=1))
    return np.column_stack((across.astype(np.int64), third))
