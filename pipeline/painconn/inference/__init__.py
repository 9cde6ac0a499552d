"""Group comparison: permutation tests over declared families, effect sizes, evidence for no effect, power."""

from painconn.inference.association import correlate
from painconn.inference.comparison import compare_between, compare_within
from painconn.inference.families import Family, family_hash
from painconn.inference.power import minimum_detectable_effect
from painconn.inference.results import COLUMNS, Comparison

__all__ = [
    "COLUMNS",
    "Comparison",
    "Family",
    "compare_between",
    "compare_within",
    "correlate",
    "family_hash",
    "minimum_detectable_effect",
]
