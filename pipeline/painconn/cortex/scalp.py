"""Distance from electrodes to a triangulated scalp."""

import numpy as np
from numpy.typing import NDArray


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
