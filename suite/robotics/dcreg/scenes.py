"""The scenes: rectangles in whole millimetres, a tunnel and a cylinder, with their normals.

Their clouds are drawn by ``data.py`` and pinned; a replicate takes its points from them.

Deviation: in-plane coordinates are whole millimetres, a tenth of the noise of 1 cm. Every plane of
a scene is exact; only the tunnel's radius is rounded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from claimbench.data import array

FOLDER = "robotics/dcreg"
Floats = NDArray[np.float64]
Millimetres = tuple[int, int, int]


class Face(NamedTuple):
    """An axis-parallel rectangle: points between two corners, in mm."""

    low: Millimetres
    high: Millimetres

    @property
    def axis(self) -> int:
        """The axis of its normal."""
        return [a == b for a, b in zip(self.low, self.high, strict=True)].index(True)

    @property
    def area(self) -> int:
        """In mm^2."""
        sides = [b - a for a, b in zip(self.low, self.high, strict=True) if b > a]
        return sides[0] * sides[1]


def _corridor() -> tuple[Face, ...]:
    """Return two walls, floor and ceiling, open at both ends."""
    x, y, z = 20_000, 1_500, 1_250
    return (
        Face((-x, -y, -z), (x, -y, z)),
        Face((-x, y, -z), (x, y, z)),
        Face((-x, -y, -z), (x, y, -z)),
        Face((-x, -y, z), (x, y, z)),
    )


def _box(half: int = 4_000) -> tuple[Face, ...]:
    """Return the six sides of a cube."""
    faces = []
    for axis in range(3):
        for side in (-half, half):
            low, high = [-half] * 3, [half] * 3
            low[axis] = high[axis] = side
            faces.append(Face((low[0], low[1], low[2]), (high[0], high[1], high[2])))
    return tuple(faces)


def _stairs(steps: int = 12, run: int = 300, rise: int = 170, half: int = 600) -> tuple[Face, ...]:
    """Return risers and treads, and a wall to either side that ends 1 m above the last step."""
    faces = []
    for k in range(steps):
        x, z = k * run, k * rise
        faces.append(Face((x, -half, z), (x, half, z + rise)))
        faces.append(Face((x, -half, z + rise), (x + run, half, z + rise)))
    top = steps * rise + 1_000
    faces += [Face((0, y, 0), (steps * run, y, top)) for y in (-half, half)]
    return tuple(faces)


#: The end wall at x = 20 m, which a corridor has a fraction f of its points on.
END = Face((20_000, -1_500, -1_250), (20_000, 1_500, 1_250))
FACES = {
    "corridor": _corridor(),
    "plane": (Face((-20_000, -20_000, -1_500), (20_000, 20_000, -1_500)),),
    "box": _box(),
    "stairs": _stairs(),
}
#: Fractions f of a corridor's points on its end wall, by scene.
CORRIDORS = {"corridor_0": 0.0, "corridor_0.01": 0.01, "corridor_0.03": 0.03, "corridor_0.1": 0.1}
SCENES = (*CORRIDORS, "tunnel", "plane", "box", "stairs")
#: In mm: a cylinder along x.
TUNNEL_RADIUS, TUNNEL_HALF_LENGTH = 3_000, 20_000
CLONES = 5
#: Motions that leave the surface where it is: roll, pitch, yaw, x, y, z.
UNOBSERVABLE = {
    "corridor_0": (False, False, False, True, False, False),
    "tunnel": (True, False, False, True, False, False),
    "plane": (False, False, True, True, True, False),
}
OBSERVABLE = (False,) * 6


class Surface(NamedTuple):
    """Points on a surface, noise-free, in m, and its unit normals there: both (points, 3)."""

    points: Floats
    normals: Floats


@lru_cache(maxsize=len(SCENES))
def surface(scene: str) -> Surface:
    """Return the pinned cloud of a scene, 225,000 points."""
    stored = array(f"{FOLDER}/{scene}.npy")
    points = stored[:, :3] / 1000.0
    if scene == "tunnel":
        normals = points * (0, 1, 1)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    else:
        # The last column is the axis of the normal.
        normals = np.eye(3)[stored[:, 3]]
    for values in (points, normals):
        values.setflags(write=False)
    return Surface(points, normals)


def unobservable(scene: str) -> tuple[bool, ...]:
    """Return which motions the scene leaves free: roll, pitch, yaw, x, y, z."""
    return UNOBSERVABLE.get(scene, OBSERVABLE)


def cylinder(clone: int) -> Floats:
    """Return one of five clones of the published cylinder, (7562, 3) in m: its floor is at z = 0.

    Deviation: drawn as the sheet of the cloud describes it, in tenths of a millimetre, since the
    released cloud has no licence; its printed figures are not comparable digit by digit.
    """
    return array(f"{FOLDER}/cylinder_{clone}.npy") / 10_000.0
