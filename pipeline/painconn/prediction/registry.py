"""The classifiers, and the regressions beside them.

Conventions of this file: standard library only at import; a function is named as ``"module:function"`` and loaded on
use. Adding a classifier is one function and one entry. Every function has the same shape,
``(table, labels, folds) -> iterator of FoldScores`` (see :mod:`painconn.prediction.folds`), and learns everything it
needs (imputation, scaling, tuning) inside the training rows of each fold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal


@dataclass(frozen=True)
class ClassifierDefinition:
    """One classifier or regression.

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
    task : {"classification", "regression"}
        Whether it tells two labels apart or predicts a number.
    permutations : {"at once", "one by one"}
        Whether all labellings are solved together, or each is refitted in full (minutes to days, not seconds).
    labelling_s : float
        CPU seconds of one labelling where each is refitted: 40 people, 2,278 columns, 5 folds x 10 repeats. Measured
        (docs/method/prediction.md, Costs), as a rough guide; 0 where all are solved together.
    needs : {"columns", "matrices"}
        ``matrices``: whole matrices of a symmetric measure, that is all its edges.
    linear : bool
        Whether the score is a weighted sum of the prepared columns: such a model has patterns and can be saved.
    """

    name: str
    function: str
    description: str
    doi: str
    task: Literal["classification", "regression"] = "classification"
    permutations: Literal["at once", "one by one"] = "one by one"
    labelling_s: float = 0.0
    needs: Literal["columns", "matrices"] = "columns"
    linear: bool = False

    def load(self) -> Callable[..., Any]:
        """Import and return the function."""
        module, _, function = self.function.partition(":")
        loaded: Callable[..., Any] = getattr(import_module(module), function)
        return loaded


_CLASSIFIERS = (
    ClassifierDefinition(
        name="majority",
        function="painconn.prediction.majority:score_labellings",
        description="No features at all: every row gets the same score. The floor under every other classifier.",
        doi="",
        permutations="at once",
    ),
    ClassifierDefinition(
        name="ridge",
        function="painconn.prediction.ridge:score_labellings",
        description="L2 ridge regression on -1/+1 labels, penalty tuned by inner AUC, solved for all permutations "
        "at once.",
        doi="10.1080/00401706.1970.10488634",
        permutations="at once",
        linear=True,
    ),
    ClassifierDefinition(
        name="lda",
        function="painconn.prediction.discriminant:score_labellings",
        description="Linear discriminant analysis, covariance shrunk to the identity, shrinkage tuned by inner AUC.",
        doi="10.1080/01621459.1989.10478752",
        permutations="at once",
        linear=True,
    ),
    ClassifierDefinition(
        name="cpm",
        function="painconn.prediction.connectome:score_labellings",
        description="Connectome-based predictive modelling: summed columns that correlate with the labels, threshold "
        "tuned by inner AUC.",
        doi="10.1038/nprot.2016.178",
        permutations="at once",
    ),
    ClassifierDefinition(
        name="logistic_ridge",
        function="painconn.prediction.logistic:ridge",
        description="Logistic regression with an L2 penalty tuned by inner AUC.",
        doi="10.2307/2347628",
        linear=True,
        labelling_s=1.8,
    ),
    ClassifierDefinition(
        name="logistic_lasso",
        function="painconn.prediction.logistic:lasso",
        description="Logistic regression with an L1 penalty tuned by inner AUC: few columns are used.",
        doi="10.1111/j.2517-6161.1996.tb02080.x",
        linear=True,
        labelling_s=14.0,
    ),
    ClassifierDefinition(
        name="logistic_elastic_net",
        function="painconn.prediction.logistic:elastic_net",
        description="Logistic regression with an L1 and an L2 penalty in equal parts, tuned by inner AUC.",
        doi="10.1111/j.1467-9868.2005.00503.x",
        linear=True,
        labelling_s=25.0,
    ),
    ClassifierDefinition(
        name="svm_linear",
        function="painconn.prediction.support_vectors:linear",
        description="Linear support vector machine, C tuned by inner AUC.",
        doi="10.1007/BF00994018",
        linear=True,
        labelling_s=0.5,
    ),
    ClassifierDefinition(
        name="svm_rbf",
        function="painconn.prediction.support_vectors:radial",
        description="Support vector machine with a radial kernel of the width of the training rows, C tuned by inner "
        "AUC.",
        doi="10.1007/BF00994018",
        labelling_s=0.5,
    ),
    ClassifierDefinition(
        name="tangent",
        function="painconn.prediction.tangent:score_labellings",
        description="Whole connectivity matrices in the tangent space at their Riemannian mean, then logistic "
        "regression with an L2 penalty tuned by inner AUC.",
        doi="10.1016/j.neucom.2012.12.039",
        needs="matrices",
        labelling_s=1.8,
    ),
    ClassifierDefinition(
        name="random_forest",
        function="painconn.prediction.trees:forest",
        description="Random forest of 200 trees.",
        doi="10.1023/A:1010933404324",
        labelling_s=54.0,
    ),
    ClassifierDefinition(
        name="boosting",
        function="painconn.prediction.trees:boosting",
        description="Histogram gradient boosting, 50 rounds of small trees.",
        doi="10.1214/aos/1013203451",
        labelling_s=130.0,
    ),
)

_REGRESSIONS = (
    ClassifierDefinition(
        name="mean",
        function="painconn.prediction.majority:predict_numbers",
        description="No features at all: every row gets the mean of the training rows.",
        doi="",
        task="regression",
        permutations="at once",
    ),
    ClassifierDefinition(
        name="ridge_regression",
        function="painconn.prediction.ridge:predict_numbers",
        description="L2 ridge regression, penalty tuned by inner squared error.",
        doi="10.1080/00401706.1970.10488634",
        task="regression",
        permutations="at once",
        linear=True,
    ),
    ClassifierDefinition(
        name="cpm_regression",
        function="painconn.prediction.connectome:predict_numbers",
        description="Connectome-based predictive modelling of a number, threshold tuned by inner squared error.",
        doi="10.1038/nprot.2016.178",
        task="regression",
        permutations="at once",
    ),
    ClassifierDefinition(
        name="lasso_regression",
        function="painconn.prediction.logistic:predict_lasso",
        description="Linear regression with an L1 penalty tuned by inner squared error.",
        doi="10.1111/j.2517-6161.1996.tb02080.x",
        task="regression",
        linear=True,
        labelling_s=14.0,
    ),
    ClassifierDefinition(
        name="elastic_net_regression",
        function="painconn.prediction.logistic:predict_elastic_net",
        description="Linear regression with an L1 and an L2 penalty in equal parts, tuned by inner squared error.",
        doi="10.1111/j.1467-9868.2005.00503.x",
        task="regression",
        linear=True,
        labelling_s=25.0,
    ),
    ClassifierDefinition(
        name="svm_linear_regression",
        function="painconn.prediction.support_vectors:predict_linear",
        description="Linear support vector regression, C tuned by inner squared error.",
        doi="10.1007/BF00994018",
        task="regression",
        linear=True,
        labelling_s=0.5,
    ),
    ClassifierDefinition(
        name="svm_rbf_regression",
        function="painconn.prediction.support_vectors:predict_radial",
        description="Support vector regression with a radial kernel, C tuned by inner squared error.",
        doi="10.1007/BF00994018",
        task="regression",
        labelling_s=0.5,
    ),
    ClassifierDefinition(
        name="tangent_regression",
        function="painconn.prediction.tangent:predict_numbers",
        description="Whole connectivity matrices in the tangent space, then ridge regression.",
        doi="10.1016/j.neucom.2012.12.039",
        task="regression",
        needs="matrices",
        labelling_s=1.8,
    ),
    ClassifierDefinition(
        name="random_forest_regression",
        function="painconn.prediction.trees:predict_forest",
        description="Random forest of 200 trees for a number.",
        doi="10.1023/A:1010933404324",
        task="regression",
        labelling_s=54.0,
    ),
    ClassifierDefinition(
        name="boosting_regression",
        function="painconn.prediction.trees:predict_boosting",
        description="Histogram gradient boosting for a number, 50 rounds of small trees.",
        doi="10.1214/aos/1013203451",
        task="regression",
        labelling_s=130.0,
    ),
)

CLASSIFIERS: dict[str, ClassifierDefinition] = {
    definition.name: definition for definition in (*_CLASSIFIERS, *_REGRESSIONS)
}


def why_not(classifier: str, matrices: Sequence[Any]) -> str:
    """Say why a classifier cannot be used on columns that hold these matrices; empty when it can."""
    if CLASSIFIERS[classifier].needs == "matrices" and not matrices:
        return "the columns are not all edges of a symmetric measure, so there is no whole matrix"
    return ""


def names_of(task: str) -> list[str]:
    """Return the names of the classifiers, or of the regressions."""
    return [name for name, definition in CLASSIFIERS.items() if definition.task == task]
