"""Graph measures: batches of whole ``(regions, regions)`` matrices in, one number per graph or per region out.

Conventions of this room: the diagonal is ignored; 0 is no edge; the length of an edge is the reciprocal of its weight;
a graph with an edge that is not finite has NaN everywhere, never 0; a number of one graph depends on that graph and its
seed alone.
"""
