"""Third parties' point-to-plane registration, one pair of clouds at a time, as functions of arrays.

    target (M, 3), source (N, 3)   points in metres; the source in its own frame
    T (4, 4)                       x = R p + t maps a source point into the target's frame

Packages are imported inside the functions: listing the opponents costs nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Where a source point has no target point this near, it has no partner, metres.
RADIUS = 1.0
#: Neighbours of a normal, the point itself included.
NEIGHBOURS = 10
#: A step below both, in rad and m, ends a registration.
ROTATION, TRANSLATION = 1e-5, 1e-3


class Aligned(NamedTuple):
    """Where a registration ended.

    Attributes
    ----------
    T
        (4, 4).
    iterations
        Linearisations.
    H, b
        (6, 6), (6,), the last normal equations, rotation first: H dx = -b.
    """

    T: Floats
    iterations: int
    converged: bool
    H: Floats
    b: Floats


class GicpTarget(NamedTuple):
    """A target with its normals and its tree, as small_gicp holds them."""

    cloud: Any
    tree: Any


def small_gicp_target(points: Floats) -> GicpTarget:
    """Return small_gicp's cloud with normals of ten neighbours, and its tree, on one thread.

    Deviation: no voxel grid before it, so that all contenders meet the same points.
    """
    import small_gicp

    cloud = small_gicp.PointCloud(points)
    tree = small_gicp.KdTree(cloud, num_threads=1)
    small_gicp.estimate_normals(cloud, tree, num_neighbors=NEIGHBOURS, num_threads=1)
    return GicpTarget(cloud, tree)


def small_gicp(target: GicpTarget, source: Floats, T: Floats, *, iterations: int = 30) -> Aligned:
    """Return small_gicp's point-to-plane registration (Levenberg-Marquardt) on one thread."""
    import small_gicp

    found = small_gicp.align(
        target.cloud,
        small_gicp.PointCloud(source),
        target.tree,
        init_T_target_source=T,
        registration_type="PLANE_ICP",
        max_correspondence_distance=RADIUS,
        num_threads=1,
        max_iterations=iterations,
        rotation_epsilon=ROTATION,
        translation_epsilon=TRANSLATION,
    )
    # It numbers its iterations from 0.
    return Aligned(
        np.array(found.T_target_source),
        found.iterations + 1,
        bool(found.converged),
        np.array(found.H),
        np.array(found.b).reshape(6),
    )


def open3d(
    target: Floats, normals: Floats, source: Floats, T: Floats, *, iterations: int = 30
) -> Aligned:
    """Return Open3D's point-to-plane registration (Gauss-Newton), with these normals (M, 3).

    It stops by fitness and error, each unchanged to 1e-6; it tells neither its last normal
    equations nor its iterations: H and b are zero, and iterations is their cap.
    """
    import open3d as o3d

    clouds = []
    for points in (target, source):
        cloud = o3d.geometry.PointCloud()
        cloud.points = o3d.utility.Vector3dVector(points)
        clouds.append(cloud)
    clouds[0].normals = o3d.utility.Vector3dVector(normals)
    registration = o3d.pipelines.registration
    found = registration.registration_icp(
        clouds[1],
        clouds[0],
        RADIUS,
        T,
        registration.TransformationEstimationPointToPlane(),
        registration.ICPConvergenceCriteria(1e-6, 1e-6, iterations),
    )
    return Aligned(
        np.array(found.transformation),
        iterations,
        converged=True,
        H=np.zeros((6, 6)),
        b=np.zeros(6),
    )
