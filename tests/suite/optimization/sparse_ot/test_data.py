"""The palettes are k-means of the pictures, in whole numbers, the same bytes everywhere."""

import numpy as np
import pytest

from claimbench.data import array
from suite.optimization.sparse_ot import data, problem


def test_palette_of_few_colours_is_those_colours():
    """A picture of 64 colours has them as its palette, with their numbers of pixels."""
    colours = np.stack(np.meshgrid([0, 80, 160, 240], [3, 90, 170, 250], [7, 60, 130, 200]), -1)
    colours = np.unique(colours.reshape(-1, 3), axis=0).astype(np.uint8)
    counts = np.arange(1, 65)
    pixels = np.random.default_rng(0).permutation(np.repeat(colours, counts, axis=0))
    found, members = data.palette(pixels)
    np.testing.assert_array_equal(found, colours)
    np.testing.assert_array_equal(members, counts)


@pytest.mark.parametrize("picture", data.PICTURES)
def test_pinned_palette_is_a_fixed_point_of_k_means(picture):
    """Each colour of the pinned palette is the rounded mean of the pixels nearest to it."""
    pixels = data.photograph(picture)[:: data.STRIDE, :: data.STRIDE].reshape(-1, 3).astype(int)
    colours = array(f"{problem.FOLDER}/{picture}_colours.npy").astype(int)
    members = array(f"{problem.FOLDER}/{picture}_pixels.npy")
    assert colours.shape == (64, 3)
    nearest = ((pixels[:, None] - colours[None]) ** 2).sum(-1).argmin(1)
    np.testing.assert_array_equal(np.bincount(nearest, minlength=64), members)
    means = np.array([pixels[nearest == i].mean(axis=0) for i in range(64)])
    assert np.abs(means - colours).max() <= 0.5 + 1e-12


def test_building_writes_the_pinned_files(tmp_path):
    """`build` writes a palette and its weights for each picture, equal to the pinned ones."""
    data.build(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 * len(data.PICTURES)
    for file in tmp_path.iterdir():
        np.testing.assert_array_equal(
            np.load(file, allow_pickle=False), array(f"{problem.FOLDER}/{file.name}")
        )
