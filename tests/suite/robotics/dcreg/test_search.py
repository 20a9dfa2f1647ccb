"""Nearest points against brute force; what is remembered changes nothing."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from claimbench.evidence.streams import Streams
from suite.robotics.dcreg import contenders, grid, scenes, search
from suite.robotics.dcreg.problem import _pairs, registrations


def clouds(rows=3, M=400, seed=0):
    """Return random points (rows, M, 3)."""
    return torch.randn(
        rows, M, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )


@pytest.mark.parametrize("kind", [search.Tree, grid.Grid])
@pytest.mark.parametrize("k", [1, 2, 10])
def test_searches_agree_with_sorted_distances(kind, k, monkeypatch):
    """Tree and grid, also in several chunks, give the k nearest in order."""
    monkeypatch.setattr(grid, "CHUNK", 20_000)
    points, x = clouds()[0], clouds(seed=1)[0, :50]
    expected = np.argsort(cdist(x, points), axis=1)[:, :k]
    found = kind(points).query(x, k)
    assert found.dtype == torch.long
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("distance", [0.0, 0.05, 0.4, 3.0, 100.0])
def test_grid_is_exact_near_and_far(distance):
    """On a scene's surface, however far away, the grid finds what the tree finds."""
    chosen = np.random.default_rng(0).choice(scenes.surface("stairs").points, 3000)
    points = torch.from_numpy(chosen)
    random = torch.Generator().manual_seed(4)
    step = torch.randn(100, 3, dtype=torch.float64, generator=random)
    x = points[:100] + distance * step / step.norm(dim=1, keepdim=True)
    x = x + 1e-3 * torch.randn(100, 3, dtype=torch.float64, generator=random)
    one, other = (kind(points) for kind in (grid.Grid, search.Tree))
    # Distances, not indices: on a surface in whole millimetres some are equal.
    for k in (1, 5):
        away = [(points[kind.query(x, k)] - x[:, None]).norm(dim=-1) for kind in (one, other)]
        torch.testing.assert_close(*away, atol=1e-12, rtol=0)


def test_registrations_by_grid_are_those_by_tree(monkeypatch):
    """A whole registration, normals included, is the same whichever search it has: a GPU's too."""
    answers = []
    for kind in (search.Tree, grid.Grid):
        monkeypatch.setattr(search, "Tree", kind)
        _pairs.cache_clear()
        streams = Streams("robotics/dcreg", "test", 0, range(1))
        problem = registrations(["box"], M=600, N=80, streams=streams, n=1)
        assert isinstance(problem.targets.searches[0], kind)
        answers.append(contenders.dcreg(problem))
    _pairs.cache_clear()
    torch.testing.assert_close(answers[0].t, answers[1].t, atol=1e-12, rtol=0)
    assert torch.equal(answers[0].iterations, answers[1].iterations)


@pytest.mark.parametrize("scale", [0.0, 1e-4, 1e-2, 0.3])
def test_remembered_points_are_those_of_a_search(scale):
    """However far points move between calls, remembering and searching find the same."""
    points, x = clouds(), clouds(seed=1)[:, :200]
    rows = torch.tensor([2, 0])
    one, other = search.Targets(points), search.Targets(points, remember=False)
    random = torch.Generator().manual_seed(2)
    moved = x[rows]
    for _ in range(6):
        expected = torch.from_numpy(
            np.stack(
                [cdist(own, points[row]).argmin(1) for own, row in zip(moved, rows, strict=True)]
            )
        )
        assert torch.equal(one.nearest(rows, moved), expected)
        assert torch.equal(other.nearest(rows, moved), expected)
        moved = moved + scale * torch.randn(moved.shape, dtype=torch.float64, generator=random)


def test_points_at_rest_are_not_searched_again(monkeypatch):
    """A second call with the same points asks the tree nothing; with `remember` off it does."""
    asked = []
    query = search.Tree.query
    monkeypatch.setattr(
        search.Tree, "query", lambda self, x, k: asked.append(len(x)) or query(self, x, k)
    )
    rows, x = torch.tensor([0]), clouds(seed=1)[:1, :200]
    for remember, expected in ((True, [200]), (False, [200, 200])):
        targets = search.Targets(clouds(), remember=remember)
        targets.nearest(rows, x)
        targets.nearest(rows, x)
        assert asked == expected
        asked.clear()


def test_normals_are_principal_directions_of_ten_neighbours():
    """Normals, met or all at once, are numpy's least singular vector of ten neighbours."""
    points = clouds()
    points[..., 2] *= 0.05
    targets, all_at_once = search.Targets(points), search.Targets(points)
    rows, index = (
        torch.tensor([1, 2]),
        torch.randint(400, (2, 30), generator=torch.Generator().manual_seed(3)),
    )
    found = targets.normals_at(rows, index)
    for row in range(2):
        cloud = points[rows[row]].numpy()
        for i in range(30):
            near = np.argsort(cdist(cloud[index[row, i]][None], cloud)[0])[:10]
            _, _, V = np.linalg.svd(cloud[near] - cloud[near].mean(axis=0))
            assert abs(V[2] @ found[row, i].numpy()) == pytest.approx(1, abs=1e-9)
    together = all_at_once.normals()[rows.unsqueeze(1), index]
    torch.testing.assert_close(together, found)


def test_neighbours_are_points_in_order():
    """`neighbours` gives the points themselves, nearest first."""
    points, x = clouds(), clouds(seed=1)[:2, :20]
    rows = torch.tensor([0, 2])
    found = search.Targets(points).neighbours(rows, x, 5)
    distances = (found - x.unsqueeze(2)).norm(dim=-1)
    assert found.shape == (2, 20, 5, 3)
    for own, row, at in zip(distances, rows, x, strict=True):
        np.testing.assert_allclose(own, np.sort(cdist(at, points[row]), axis=1)[:, :5])
