"""``targets``: the questions of a study, and the controls that stand beside every answer."""

from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Label, Name, Section, Window
from painconn.prediction.registry import CLASSIFIERS, names_of


class Observation(Section):
    """Which rows of the table are meant."""

    condition: Label = Field(description="A condition of `data.conditions`")
    window: Window = Field("epoch", description="rest: epoch · events: pre, post, pre_evoked, post_evoked")


class Contrast(Section):
    """b minus a: two groups of people in one observation, or two observations of the same people; or a score."""

    kind: Literal["between", "within", "association"] = Field(
        description="between people (a label), within people (two observations), or association with a score of people"
    )
    column: str | None = Field(
        None, description="between: the label's column of the participants table · association: the score's"
    )
    a: str | Observation | None = Field(
        None, description="between: the reference group · within: the reference observation"
    )
    b: str | Observation | None = Field(
        None, description="between: the group of interest · within: the observation of interest"
    )
    observation: Observation | None = Field(None, description="between and association: the rows used")

    @property
    def among_people(self) -> bool:
        """Whether people are compared with other people, by something of the participants table."""
        return self.kind != "within"

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Return the observations that are looked at."""
        return tuple(side for side in (self.a, self.b, self.observation) if isinstance(side, Observation))

    @model_validator(mode="after")
    def _fits_kind(self) -> Self:
        sides = (self.a, self.b)
        if self.among_people and (self.column is None or self.observation is None):
            article = "an" if self.kind == "association" else "a"
            raise ValueError(f"{article} {self.kind} contrast needs column and observation")
        if self.kind == "between" and not all(isinstance(side, str) for side in sides):
            raise ValueError("a between contrast names two labels as a and b")
        if self.kind == "association" and any(side is not None for side in sides):
            raise ValueError("an association has no sides: a and b belong to between and within contrasts")
        if self.kind == "within" and not all(isinstance(side, Observation) for side in sides):
            raise ValueError("a within contrast names two observations as a and b, e.g. a: {condition: rest}")
        if self.kind == "within" and (self.column is not None or self.observation is not None):
            raise ValueError("column and observation belong to between and association contrasts")
        if self.a == self.b and self.kind != "association":
            raise ValueError("a and b are the same")
        return self


class PrimaryFamily(Section):
    """The tests declared before labels are opened; all others are exploratory."""

    measure: str = Field("wpli2_debiased", description="A measure of `connectivity.measures`")
    inverse: str = Field("lcmv", description="An inverse of `cortex.inverses`")
    bands: tuple[Name, ...] = Field(("theta", "alpha", "beta"), min_length=1, description="Bands below 30 Hz")


class Networks(Section):
    """Components of edges that differ together (exploratory), in bands below 30 Hz of the primary measure."""

    thresholds: tuple[float, ...] = Field(
        (2.5, 3.0, 3.5),
        description="Normal scores (the z of a test) above which edges form components; rising; all count as tries; "
        "none: no networks are looked for",
    )
    extent_exponent: float = Field(0.4, gt=0, le=2, description="E of the threshold-free enhancement")
    height_exponent: float = Field(3.0, ge=0, le=6, description="H of the threshold-free enhancement")

    @field_validator("thresholds")
    @classmethod
    def _rise(cls, thresholds: tuple[float, ...]) -> tuple[float, ...]:
        if any(threshold <= 0 for threshold in thresholds) or any(low >= high for low, high in pairwise(thresholds)):
            raise ValueError("thresholds must be above 0 and rise, e.g. [2.5, 3.0, 3.5]")
        return thresholds


class Target(Section):
    """One question, with its test and its classifier."""

    contrast: Contrast = Field(description="What is compared")
    primary: PrimaryFamily = Field(
        PrimaryFamily(), description="Blocks within and between the functional groups x these bands"
    )
    covariates: tuple[str, ...] | None = Field(
        None, description="Covariates of this target; null: those of `data.covariates`"
    )
    confound_regression: Literal["none", "features"] = Field(
        "none",
        description="features: what the covariates explain of them is taken out inside each training fold; only for "
        "linear classifiers",
    )
    harmonisation: Literal["none", "combat", "centre_site"] = Field(
        "none",
        description="What sites differ in is taken out of the features inside each training fold, never looking at "
        "labels. combat: shift and scale of each site, by empirical Bayes · centre_site: its mean only; for several "
        "sites, groups of people and linear classifiers",
    )
    harmonisation_preserves: Literal["nothing", "covariates"] = Field(
        "nothing",
        description="covariates: differences between sites that the covariates explain stay in; never the label",
    )
    unseen_site: Literal["pooled", "refuse"] = Field(
        "pooled",
        description="People of a site that a training fold has nobody of. pooled: their numbers stay as they are, on "
        "the common scale · refuse: the target is not evaluated",
    )
    ratings: tuple[str, ...] = Field(
        (),
        description="Columns of the participants table that a given label was made from: the EEG is held against a "
        "model of them; a label of `data.phenotype` has its ratings already",
    )
    networks: Networks = Field(Networks(), description="Network-based statistics")
    smallest_effect: float | None = Field(
        None,
        gt=0,
        description="Smallest effect that would matter, for the equivalence test, in units of the effect size; "
        "null: 0.5 (g, dz), 0.3 (r)",
    )
    classifier: str = Field(
        "ridge",
        description="Of `painconn list classifiers`; an association takes a regression, ridge_regression by default",
    )
    n_permutations: int = Field(
        1000, ge=100, description="Permutations of the comparison and of the whole classifier pipeline"
    )
    n_outer_folds: int = Field(5, ge=3, description="Outer folds; the inner folds are the remaining outer folds")
    n_repeats: int = Field(10, ge=1, description="Repeats of the outer folds")
    leave_pair_out: Literal["tiny", "always", "never"] = Field(
        "tiny",
        description="Beside the folds, each pair of people (one of each side) is left out once. tiny: of samples with "
        "at most 10 people on the smaller side and 40 observations, by a classifier that solves all permutations at "
        "once",
    )
    too_good_auc: float | None = Field(
        None,
        gt=0.5,
        le=1,
        description="An AUC above this counts as a leak until shown otherwise; null: 0.95 between, 0.98 within people",
    )
    too_good_r2: float = Field(
        0.9, gt=0, le=1, description="association: an R2 above this counts as a leak until shown otherwise"
    )

    @model_validator(mode="before")
    @classmethod
    def _regression_of_an_association(cls, given: Any) -> Any:
        if isinstance(given, dict) and "classifier" not in given and _kind(given.get("contrast")) == "association":
            return given | {"classifier": "ridge_regression"}
        return given

    @model_validator(mode="after")
    def _classifier_fits_contrast(self) -> Self:
        number = self.contrast.kind == "association"
        known = names_of("regression" if number else "classification")
        if self.classifier not in known:
            other = "tells two sides apart, not a number" if number else "predicts a number, not one of two sides"
            reason = other if self.classifier in CLASSIFIERS else "is unknown"
            raise ValueError(f"classifier {self.classifier} {reason}; there are: {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _steps_of_the_fold_fit(self) -> Self:
        read_from_what_is_left = {"confound_regression": "covariates", "harmonisation": "site"}
        for option, read in read_from_what_is_left.items():
            if getattr(self, option) != "none" and not CLASSIFIERS[self.classifier].linear:
                task = CLASSIFIERS[self.classifier].task
                linear = [name for name in names_of(task) if CLASSIFIERS[name].linear]
                why = f"is not linear and can read the {read} from what is left; linear ones are: {', '.join(linear)}"
                raise ValueError(f"{option} with classifier {self.classifier}, which {why}")
        return self

    @model_validator(mode="after")
    def _harmonisation_has_sites(self) -> Self:
        if self.harmonisation != "none" and self.contrast.kind == "within":
            raise ValueError("harmonisation of a within contrast: both observations of a person are of one site")
        idle = {"harmonisation_preserves": "nothing", "unseen_site": "pooled"}
        named = [option for option, value in idle.items() if getattr(self, option) != value]
        if self.harmonisation == "none" and named:
            raise ValueError(f"{' and '.join(named)} without effect: harmonisation is none")
        return self


def _kind(contrast: Any) -> Any:
    return contrast.get("kind") if isinstance(contrast, dict) else getattr(contrast, "kind", None)


class PositiveControl(Section):
    """An effect that must be there if the line works: one feature, one contrast, one direction."""

    contrast: Contrast = Field(description="What is compared")
    feature: str = Field(description="A column of the table, e.g. power_rel__sensors__alpha__mean")
    expected: Literal["lower", "higher"] = Field(description="How b is expected to compare with a")
