r"""The graph measures: one function each, from :class:`Networks` to (graphs,) or (graphs, regions).

Conventions of this file: :math:`w_{ij} \ge 0` is a weight, :math:`a_{ij}` 1 where it is above 0, *n* the number of
regions, :math:`d_{ij}` the length of the shortest path with edge lengths :math:`1 / w_{ij}`, infinite where there is
none. On binarised graphs all of them are the binary measures of the same name.
"""

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.graph.networks import Networks

_ROUND_OFF = 1e-10

Values = NDArray[np.float64]


def degree(networks: Networks) -> Values:
    r"""Count the edges of a node, :math:`k_i = \sum_j a_{ij}`; (graphs, regions), from 0 to n - 1."""
    return networks.adjacency.sum(axis=-1)


def strength(networks: Networks) -> Values:
    r"""Sum of the weights of a node's edges, :math:`s_i = \sum_j w_{ij}`; (graphs, regions)."""
    return networks.weights.sum(axis=-1)


def clustering(networks: Networks) -> Values:
    r"""Clustering of a node: mean intensity of the triangles around it.

    .. math:: c_i = \frac{\sum_{jk} (w_{ij} w_{jk} w_{ki})^{1/3}}{k_i (k_i - 1)}

    Weights are taken as they are (not divided by the largest of the graph), so the unit is that of the weights.

    Returns
    -------
    values : array, shape (graphs, regions)
        In [0, largest weight]; 0 for a node with fewer than two neighbours.

    References
    ----------
    Onnela et al. 2005, 10.1103/PhysRevE.71.065103.
    """
    return networks.clustering


def local_efficiency(networks: Networks) -> Values:
    r"""Efficiency of the graph that a node's neighbours form among themselves.

    .. math:: e_i = \frac{1}{k_i (k_i - 1)} \sum_{j \ne h} 1 / d_{jh}(N_i)

    with :math:`d(N_i)` the distances inside the neighbourhood of i, without i.

    Returns
    -------
    values : array, shape (graphs, regions)
        In the unit of the weights; 0 for a node with fewer than two neighbours.

    References
    ----------
    Latora and Marchiori 2001, 10.1103/PhysRevLett.87.198701.
    """
    from painconn.connectivity.graph.path_kernels import local_efficiencies

    return local_efficiencies(networks.weights)


def betweenness(networks: Networks) -> Values:
    r"""Share of the shortest paths between other nodes that run through a node.

    .. math:: b_i = \frac{2}{(n - 1)(n - 2)} \sum_{s < t} \sigma_{st}(i) / \sigma_{st}

    with :math:`\sigma_{st}` the number of shortest paths; lengths that agree to 1e-10 are the same length.

    Returns
    -------
    values : array, shape (graphs, regions)
        In [0, 1]; NaN with fewer than three regions.

    References
    ----------
    Brandes 2001, 10.1080/0022250X.2001.9990249.
    """
    from painconn.connectivity.graph.path_kernels import betweennesses

    return betweennesses(networks.weights)


def global_efficiency(networks: Networks) -> Values:
    r"""Mean over pairs of :math:`1 / d_{ij}`; a pair without a path counts 0.

    Returns
    -------
    values : array, shape (graphs,)
        In the unit of the weights; 0 for a graph without edges.

    References
    ----------
    Latora and Marchiori 2001, 10.1103/PhysRevLett.87.198701.
    """
    return networks.path_summaries[:, 0]


def path_length(networks: Networks) -> Values:
    r"""Characteristic path length: mean of :math:`d_{ij}` over the pairs that a path connects.

    Pairs without a path are left out, so that a graph in pieces can look short: read it beside
    :func:`disconnected_pairs`, or take :func:`global_efficiency`.

    Returns
    -------
    values : array, shape (graphs,)
        In the reciprocal unit of the weights; NaN for a graph without edges.

    References
    ----------
    Rubinov and Sporns 2010, 10.1016/j.neuroimage.2009.10.003.
    """
    return networks.path_summaries[:, 1]


def disconnected_pairs(networks: Networks) -> Values:
    """Share of the pairs of nodes that no path connects, (graphs,), in [0, 1]."""
    return networks.path_summaries[:, 2]


def modularity(networks: Networks) -> Values:
    r"""Modularity of the best partition found.

    .. math:: Q = \frac{1}{2m} \sum_{ij} \left(w_{ij} - \frac{s_i s_j}{2m}\right) \delta(c_i, c_j)

    with :math:`2m = \sum_i s_i`. The partition of greatest Q cannot be searched for exhaustively: this is the best of
    several seeded starts of the Louvain method, and a lower bound of the greatest. See :attr:`Networks.partitions`.

    Returns
    -------
    values : array, shape (graphs,)
        In [-0.5, 1]; NaN for a graph without edges.

    References
    ----------
    Newman 2006, 10.1073/pnas.0601602103; Blondel et al. 2008, 10.1088/1742-5468/2008/10/P10008.
    """
    return networks.partitions[0]


def assortativity(networks: Networks) -> Values:
    """Correlation of the degrees at the two ends of an edge, over edges.

    Returns
    -------
    values : array, shape (graphs,)
        In [-1, 1]; NaN when all nodes with an edge have the same degree.

    References
    ----------
    Newman 2002, 10.1103/PhysRevLett.89.208701.
    """
    return _correlation_over_edges(networks, degree(networks))


def strength_assortativity(networks: Networks) -> Values:
    """Correlation of the strengths at the two ends of an edge, over edges (each counts once whatever its weight).

    Returns
    -------
    values : array, shape (graphs,)
        In [-1, 1]; NaN when all nodes with an edge have the same strength.

    References
    ----------
    Rubinov and Sporns 2010, 10.1016/j.neuroimage.2009.10.003.
    """
    return _correlation_over_edges(networks, strength(networks))


def _correlation_over_edges(networks: Networks, values: Values) -> Values:
    """Correlate a node value at one end of an edge with that at the other, each edge in both directions."""
    degrees = degree(networks)
    with np.errstate(invalid="ignore", divide="ignore"):
        n_ends = degrees.sum(axis=-1, keepdims=True)
        mean = (degrees * values).sum(axis=-1, keepdims=True) / n_ends
        centred = values - mean
        variance = (degrees * centred**2).sum(axis=-1) / n_ends[:, 0]
        neighbours = np.matmul(networks.adjacency, centred[..., None])[..., 0]
        covariance = (centred * neighbours).sum(axis=-1) / n_ends[:, 0]
        varies = np.sqrt(variance) > _ROUND_OFF * mean[:, 0]
        return np.where(varies, covariance / variance, np.nan)


def normalised_clustering(networks: Networks) -> Values:
    r"""Mean clustering over its mean in null graphs of the same degrees, :math:`\gamma = C / C_{null}`.

    Returns
    -------
    values : array, shape (graphs,)
        About 1 for a random graph; NaN where the null graphs have no triangles.

    References
    ----------
    Humphries and Gurney 2008, 10.1371/journal.pone.0002051; Maslov and Sneppen 2002, 10.1126/science.1065103.
    """
    null = networks.null_summaries[..., 0].mean(axis=-1)
    return networks.clustering.mean(axis=-1) / np.where(null > 0, null, np.nan)


def normalised_path_length(networks: Networks) -> Values:
    r"""Harmonic-mean path length over its mean in null graphs of the same degrees, :math:`\lambda = L / L_{null}`.

    :math:`L = 1 / E` with E the global efficiency: pairs without a path then count in the graph and in its null graphs
    alike, instead of being left out of one more than of the other.

    Returns
    -------
    values : array, shape (graphs,)
        About 1 for a random graph, usually a little above for others; NaN for a graph without edges.

    References
    ----------
    Newman 2003, 10.1137/S003614450342480 (harmonic mean); Humphries and Gurney 2008, 10.1371/journal.pone.0002051.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        null = (1 / networks.null_summaries[..., 1]).mean(axis=-1)
        return 1 / (global_efficiency(networks) * null)


def small_worldness(networks: Networks) -> Values:
    r"""Small-worldness, :math:`\sigma = \gamma / \lambda`; (graphs,), about 1 for a random graph.

    References
    ----------
    Humphries and Gurney 2008, 10.1371/journal.pone.0002051.
    """
    return normalised_clustering(networks) / normalised_path_length(networks)
