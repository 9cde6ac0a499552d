"""The classifiers that a target can name.

Conventions of this file: standard library only at import; a function is named as ``"module:function"`` and loaded on
use. Adding a classifier is one function and one entry. Every function has the same shape,
``score_labellings(table, signs, folds) -> iterator of FoldScores`` (see :mod:`painconn.prediction.folds`), and learns
everything it needs (imputation, scaling, tuning) inside the training rows of each fold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class ClassifierDefinition:
    """One classifier.

    Parameters
    ----------
    name : str
        Name used in a study file.
    function : str
        ``"module:function"`` that scores one or many labellings on given folds.
    description : str
        One sentence for the lists, the documentation and the report.
    doi : str
        Where the method comes from; empty when there is nothing to cite.
    """

    name: str
    function: str
    description: str
    doi: str

    def load(self) -> Callable[..., Any]:
        """Import and return the function."""
        module, _, function = self.function.partition(":")
        loaded: Callable[..., Any] = getattr(import_module(module), function)
        return loaded


CLASSIFIERS: dict[str, ClassifierDefinition] = {
    definition.name: definition
    for definition in (
        ClassifierDefinition(
            name="majority",
            function="painconn.prediction.majority:score_labellings",
            description="No features at all: every row gets the same score. The floor under every other classifier.",
            doi="",
        ),
        ClassifierDefinition(
            name="ridge",
            function="painconn.prediction.ridge:score_labellings",
            description="L2 ridge regression on -1/+1 labels, penalty tuned by inner AUC, solved for all permutations "
            "at once.",
            doi="10.1080/00401706.1970.10488634",
        ),
    )
}
