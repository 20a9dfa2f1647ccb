"""Palettes of photographs: 64 colours by k-means, and how many pixels each stands for.

The photographs are files inside scikit-image's wheel. The paper's own pictures (graffiti and a
rainbow bridge) are in no package.

Deviation: other photographs than the paper's, and 64 colours in place of 256: the figures of its
notebook are not comparable number by number.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PICTURES = ("astronaut", "chelsea", "coffee")
COLOURS = 64
SEED = 0
# Every fourth row and column: a second of work, and the palette changes by a few units.
STRIDE = 4
ROUNDS = 100


def build(folder: Path) -> None:
    """Write ``<picture>_colours.npy`` and ``<picture>_pixels.npy`` for every picture."""
    for picture in PICTURES:
        colours, pixels = palette(photograph(picture)[::STRIDE, ::STRIDE].reshape(-1, 3))
        np.save(folder / f"{picture}_colours.npy", colours, allow_pickle=False)
        np.save(folder / f"{picture}_pixels.npy", pixels, allow_pickle=False)


def photograph(picture: str) -> NDArray[np.uint8]:
    """Return the pixels (rows, columns, 3) of a photograph inside scikit-image's wheel."""
    import skimage.data

    return getattr(skimage.data, picture)()


def palette(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return 64 colours by k-means, one start, in whole numbers throughout.

    Centres are whole colours at every step, so that ties and sums, and with them the bytes, are
    the same on every machine. A library's k-means would not promise that.

    Parameters
    ----------
    pixels
        (pixels, 3).

    Returns
    -------
    tuple
        Colours (64, 3), 0..255, in ascending order, and how many pixels are nearest to each.
    """
    pixels = pixels.astype(np.int64)
    centres = np.unique(_spread(pixels, np.random.RandomState(SEED)), axis=0)
    for _ in range(ROUNDS):
        nearest = _squared(pixels, centres).argmin(axis=1)
        members = np.bincount(nearest, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, pixels)
        weight = np.maximum(members, 1)[:, None]
        rounded = (2 * sums + weight) // (2 * weight)
        moved = np.unique(np.where(members[:, None] > 0, rounded, centres), axis=0)
        if np.array_equal(moved, centres):
            break
        centres = moved
    nearest = _squared(pixels, centres).argmin(axis=1)
    return centres.astype(np.uint8), np.bincount(nearest, minlength=len(centres))


def _spread(pixels: NDArray[np.int64], random: np.random.RandomState) -> NDArray[np.int64]:
    """Return 64 pixels, each drawn in proportion to its squared distance from those before it."""
    chosen = pixels[random.randint(len(pixels))][None]
    nearest = _squared(pixels, chosen)[:, 0]
    while len(chosen) < COLOURS:
        up_to = nearest.cumsum()
        new = pixels[np.searchsorted(up_to, random.randint(up_to[-1]), side="right")][None]
        nearest = np.minimum(nearest, _squared(pixels, new)[:, 0])
        chosen = np.concatenate((chosen, new))
    return chosen


def _squared(pixels: NDArray[np.int64], colours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the squared distances (pixels, colours)."""
    return ((pixels[:, None] - colours[None]) ** 2).sum(axis=-1)
