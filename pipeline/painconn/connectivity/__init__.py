"""Connectivity: arrays ``(epochs, regions, times)`` in, whole ``(regions, regions)`` matrices out.

Conventions of this room: row leads column; bands are half-open ``[low, high)``; a value that cannot be computed is NaN,
never 0; debiased measures may be negative and are never clipped. Neither MNE nor matplotlib is imported here.
"""
