"""What a saved model is: its record, its numbers, and what it answers about a person it never saw.

Conventions of this file: the format of a record says of which kind it is. A classifier answers with a probability, a
regression with a score; both keep whatever a new recording must be (the contract) and the range they were made in.
"""

from dataclasses import dataclass
from math import isclose
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from painconn.prediction.linear import Draws, LinearClassifier, LinearModel
from painconn.prediction.model_card import NEVER, NEVER_OF_SCORES
from painconn.prediction.number_linear import FoldModels, attainable_level, count_deciding, guaranteed_level

CLASSIFIER_FORMAT = "painconn-model-1"
REGRESSION_FORMAT = "painconn-regression-1"
LEVEL = 0.95

_MOST_FEATURES = 200_000


Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
"""Text that is printed: a control character would do something to the terminal."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Calibration(_Strict):
    """From scores to probabilities."""

    slope: float = Field(ge=0)
    intercept: float
    threshold: float = Field(gt=0, lt=1)


class _Fitted(_Strict):
    """The first fields of a record: what was fitted."""

    format: str
    target: Line
    classifier: Line
    setting: float
    intercept: float


class _Made(_Strict):
    """The last fields of a record: what it was made from."""

    n_participants: int = Field(ge=2)
    feature_set: str
    features: tuple[str, ...] = Field(min_length=1, max_length=_MOST_FEATURES)
    contract: dict[str, Any]
    performance: dict[str, Any]
    made_with: dict[str, Any]


class _Sides(_Fitted):
    calibration: Calibration
    kind: Literal["between", "within"]
    negative: Line
    positive: Line
    n_negative: int = Field(ge=1)
    n_positive: int = Field(ge=1)


class _Scores(_Fitted):
    score: Line
    lowest: float
    highest: float
    interval_level: float = Field(gt=0, lt=1)
    guaranteed_level: float = Field(ge=0, lt=1)
    errors: tuple[Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)], ...] = Field(min_length=2)


class ModelRecord(_Made, _Sides):
    """Everything of a classifier that is no array."""

    format: Literal["painconn-model-1"]


class RegressionRecord(_Made, _Scores):
    """Everything of a regression that is no array.

    ``errors`` are the largest ones of the people of each fold, as many as can be the end of an interval, by size.
    """

    format: Literal["painconn-regression-1"]

    @model_validator(mode="after")
    def _fields_fit_each_other(self) -> Self:
        n, n_folds = self.n_participants, len(self.errors)
        level = attainable_level(n, LEVEL)
        guaranteed, n_deciding = guaranteed_level(n, n_folds, level), count_deciding(n, level)
        wanted = []
        if not isclose(self.interval_level, level):
            wanted.append(f"interval_level {level:g} with {n} participants")
        if not isclose(self.guaranteed_level, guaranteed, abs_tol=1e-12):
            wanted.append(f"guaranteed_level {guaranteed:g} with {n} participants and {n_folds} folds")
        if max(map(len, self.errors)) > n_deciding or sum(map(len, self.errors)) < n_deciding:
            wanted.append(f"at most {n_deciding} errors of a fold, and at least {n_deciding} in all")
        if self.lowest > self.highest:
            wanted.append("a lowest score that is not above the highest")
        if wanted:
            raise ValueError("; ".join(wanted))
        return self


@dataclass(frozen=True)
class SavedModel:
    """A classifier with what it was made from.

    Parameters
    ----------
    record : ModelRecord
        Names, numbers and the contract that recordings must keep.
    model : LinearClassifier
        The classifier.
    draws : Draws
        The same of other samples of the participants.
    low, high : (p,) arrays
        Smallest and largest training value of each column.
    """

    statement: ClassVar[str] = NEVER

    record: ModelRecord
    model: LinearClassifier
    draws: Draws
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def answer(self, values: NDArray[np.float64]) -> dict[str, Any]:
        """Return sides, score and probability of the positive side with its interval, of a row of columns (p,)."""
        low, high = self.draws.interval(self.model.standardised(values[None, :]), LEVEL)[:, 0]
        return {
            "negative": self.record.negative,
            "positive": self.record.positive,
            "score": self.model.scores(values[None, :])[0],
            "probability": self.model.probability(values[None, :])[0],
            "ci_low": low,
            "ci_high": high,
        }

    def about(self) -> dict[str, Any]:
        """Return what the answers are about, for a file beside them."""
        names = ("target", "classifier", "negative", "positive")
        model = {name: getattr(self.record, name) for name in names}
        return {"statement": self.statement, "model": model, "interval_level": LEVEL}


@dataclass(frozen=True)
class SavedRegression:
    """A regression with what it was made from.

    Parameters
    ----------
    record : RegressionRecord
        Names, numbers and the contract that recordings must keep.
    model : LinearModel
        The regression.
    folds : FoldModels
        The same without the people of each fold, and how far it misses them.
    low, high : (p,) arrays
        Smallest and largest training value of each column.
    """

    statement: ClassVar[str] = NEVER_OF_SCORES

    record: RegressionRecord
    model: LinearModel
    folds: FoldModels
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def answer(self, values: NDArray[np.float64]) -> dict[str, Any]:
        """Return the score predicted from a row of columns (p,), its interval, and whether the study had such scores.

        ``beyond`` is ``above`` or ``below`` for a prediction that nobody of the study had, else ``none``.
        """
        low, high = self.folds.interval(self.model.standardised(values[None, :]), self.record.interval_level)[:, 0]
        predicted = self.model.scores(values[None, :])[0]
        above, below = predicted > self.record.highest, predicted < self.record.lowest
        return {
            "score": self.record.score,
            "predicted": predicted,
            "pi_low": low,
            "pi_high": high,
            "beyond": "above" if above else "below" if below else "none",
        }

    def about(self) -> dict[str, Any]:
        """Return what the answers are about, for a file beside them."""
        names = ("target", "classifier", "score", "lowest", "highest")
        return {
            "statement": self.statement,
            "model": {name: getattr(self.record, name) for name in names},
            "interval_level": self.record.interval_level,
            "guaranteed_level": self.record.guaranteed_level,
        }


Saved = SavedModel | SavedRegression
