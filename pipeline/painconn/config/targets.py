"""``targets``: the questions of a study, and the controls that stand beside every answer."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Label, Name, Section, Window
from painconn.prediction.registry import CLASSIFIERS


class Observation(Section):
    """Which rows of the table are meant."""

    condition: Label = Field(description="A condition of `data.conditions`")
    window: Window = Field("epoch", description="rest: epoch · events: pre, post, pre_evoked, post_evoked")


class Contrast(Section):
    """b minus a: two groups of people in one observation, or two observations of the same people."""

    kind: Literal["between", "within"] = Field(
        description="between people (a label) or within people (two observations)"
    )
    column: str | None = Field(None, description="between: the label's column of the participants table")
    a: str | Observation = Field(description="between: the reference group · within: the reference observation")
    b: str | Observation = Field(description="between: the group of interest · within: the observation of interest")
    observation: Observation | None = Field(None, description="between: the rows used")

    @model_validator(mode="after")
    def _fits_kind(self) -> Self:
        sides = (self.a, self.b)
        if self.kind == "between" and (self.column is None or self.observation is None):
            raise ValueError("a between contrast needs column and observation")
        if self.kind == "between" and not all(isinstance(side, str) for side in sides):
            raise ValueError("a between contrast names two labels as a and b")
        if self.kind == "within" and not all(isinstance(side, Observation) for side in sides):
            raise ValueError("a within contrast names two observations as a and b, e.g. a: {condition: rest}")
        if self.kind == "within" and (self.column is not None or self.observation is not None):
            raise ValueError("column and observation belong to between contrasts")
        if self.a == self.b:
            raise ValueError("a and b are the same")
        return self


class PrimaryFamily(Section):
    """The tests declared before labels are opened; all others are exploratory."""

    measure: str = Field("wpli2_debiased", description="A measure of `connectivity.measures`")
    inverse: str = Field("lcmv", description="An inverse of `cortex.inverses`")
    bands: tuple[Name, ...] = Field(("theta", "alpha", "beta"), min_length=1, description="Bands below 30 Hz")


class Target(Section):
    """One question, with its test and its classifier."""

    contrast: Contrast = Field(description="What is compared")
    primary: PrimaryFamily = Field(
        PrimaryFamily(), description="Blocks within and between the functional groups x these bands"
    )
    covariates: tuple[str, ...] | None = Field(
        None, description="Covariates of this target; null: those of `data.covariates`"
    )
    classifier: str = Field("ridge", description="Of `painconn list classifiers`")
    n_permutations: int = Field(
        1000, ge=100, description="Permutations of the comparison and of the whole classifier pipeline"
    )
    n_outer_folds: int = Field(5, ge=3, description="Outer folds; the inner folds are the remaining outer folds")
    n_repeats: int = Field(10, ge=1, description="Repeats of the outer folds")
    too_good_auc: float | None = Field(
        None,
        gt=0.5,
        le=1,
        description="An AUC above this counts as a leak until shown otherwise; null: 0.95 between, 0.98 within people",
    )

    @field_validator("classifier")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in CLASSIFIERS:
            raise ValueError(f"unknown classifier {name}; there are: {', '.join(CLASSIFIERS)}")
        return name


class PositiveControl(Section):
    """An effect that must be there if the line works: one feature, one contrast, one direction."""

    contrast: Contrast = Field(description="What is compared")
    feature: str = Field(description="A column of the table, e.g. power_rel__sensors__alpha__mean")
    expected: Literal["lower", "higher"] = Field(description="How b is expected to compare with a")
