"""Ellipse phantoms: what the components of the prior look like on average."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Ellipses inside the body.
INSIDE = 6


def pixel_centres(side: int) -> tuple[Floats, Floats]:
    """Return x and y of the pixel centres, (side, side) each, in a field of view of [-1, 1]^2.

    The first axis of an image is y, its second axis is x.
    """
    centres = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(centres, centres)
    return x, y


def phantom(generator: np.random.Generator, side: int) -> Floats:
    """Return a body with ellipses of other intensities in it, (side, side), in [0, 1]."""
    x, y = pixel_centres(side)
    width, height = generator.uniform(0.7, 0.9), generator.uniform(0.55, 0.85)
    image = 0.6 * ((x / width) ** 2 + (y / height) ** 2 <= 1)
    for _ in range(INSIDE):
        centre = generator.uniform(-0.5, 0.5, 2)
        axes = generator.uniform(0.08, 0.35, 2)
        angle, value = generator.uniform(0, pi), generator.uniform(-0.4, 0.4)
        along, across = rotated(x - centre[0], y - centre[1], angle)
        image = image + value * ((along / axes[0]) ** 2 + (across / axes[1]) ** 2 <= 1)
    return np.clip(image, 0, 1)


def rotated(x: Floats, y: Floats, angle: float) -> tuple[Floats, Floats]:
    """Return the coordinates along and across a direction at this angle to the x axis."""
    return x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
