"""Electrodes and a triangulated scalp: how far they are from it, and where they meet it."""

import numpy as np
from numpy.typing import NDArray

_EDGE = 1e-9


def surface_distance(points: NDArray, vertices: NDArray, triangles: NDArray) -> NDArray[np.float64]:
    """Return the distance from each point to the nearest place on a surface (inside triangles, not only vertices).

    Parameters
    ----------
    points : array, shape (points, 3)
    vertices : array, shape (vertices, 3)
        In the unit of `points`.
    triangles : array of int, shape (triangles, 3)

    Returns
    -------
    distance : array, shape (points,)
        Unsigned, in the unit of `points`.
    """
    corners = np.asarray(vertices, float)[np.asarray(triangles, int)]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.array([_nearest(point, corners, normal) for point in np.asarray(points, float)])


def onto_surface(points: NDArray, centre: NDArray, vertices: NDArray, triangles: NDArray) -> NDArray[np.float64]:
    """Move each point along the ray from a centre to where the ray leaves a closed surface.

    Parameters
    ----------
    points : array, shape (points, 3)
        None at the centre.
    centre : array, shape (3,)
        Inside the surface.
    vertices : array, shape (vertices, 3)
        In the unit of `points`.
    triangles : array of int, shape (triangles, 3)

    Returns
    -------
    moved : array, shape (points, 3)
        The outermost crossing of each ray.

    Raises
    ------
    ValueError
        A ray does not meet the surface.
    """
    corners = np.asarray(vertices, float)[np.asarray(triangles, int)] - centre
    moved = []
    for point in np.asarray(points, float) - centre:
        # The crossing is corners.T @ weights = factor * point with weights that sum to 1 and are not negative.
        weights = np.linalg.solve(np.swapaxes(corners, 1, 2), point[:, np.newaxis])[..., 0]
        factors = 1 / weights.sum(axis=1)
        crossed = (weights * np.sign(factors)[:, np.newaxis] >= -_EDGE).all(axis=1) & (factors > 0)
        if not crossed.any():
            raise ValueError("a ray that does not meet the surface")
        moved.append(centre + factors[crossed].max() * point)
    return np.array(moved)


def _nearest(point: NDArray, corners: NDArray, normal: NDArray) -> float:
    squared_norm = np.einsum("ij,ij->i", normal, normal)
    to_edges = []
    above = np.ones(len(corners), bool)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        edge, offset = corners[:, second] - corners[:, first], point - corners[:, first]
        along = np.clip(np.einsum("ij,ij->i", offset, edge) / np.einsum("ij,ij->i", edge, edge), 0, 1)
        to_edges.append(np.linalg.norm(offset - along[:, np.newaxis] * edge, axis=1))
        above &= np.einsum("ij,ij->i", np.cross(edge, offset), normal) >= 0
    height = np.abs(np.einsum("ij,ij->i", point - corners[:, 0], normal)) / np.sqrt(squared_norm)
    return float(min(np.min(to_edges), np.min(np.where(above, height, np.inf))))
