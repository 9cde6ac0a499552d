"""Cohorts without any effect, each with one leak planted in it, and the same without the leak."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.engine import over_epochs
from painconn.errors import DesignError
from painconn.prediction.design import make_design
from painconn.prediction.folds import Rows, RowStep

N_EACH, N_FEATURES = 20, 60
A, B = "localized", "widespread"
LABELS = np.repeat([A, B], N_EACH)
SIGNS = np.where(LABELS == B, 1.0, -1.0)
REFUSED = "refused by make_design"

Numbers = NDArray[np.float64]
Generator = np.random.Generator


@dataclass(frozen=True)
class Cohort:
    """What an analysis is given, and what a naive one makes of it.

    Parameters
    ----------
    features : (n, p) array
        A row per "participant" (whatever the table calls so).
    naive_auc : float
        Of the naive analysis.
    labels : (n,) array of str
    sites : (n,) array of str
        Exchangeability strata.
    beside : mapping of str to (n,) array
        What is known of everybody besides the features.
    confound : str
        Name of the one that a study would hold the features against; empty: none.
    steps : tuple of RowStep
        Steps of the fold.
    refused : bool
        Whether the leaking way itself was refused; the cohort is then the one without.
    probed : bool
        Whether the probes are asked.
    """

    features: Numbers
    naive_auc: float
    labels: NDArray[np.str_] = field(default_factory=lambda: LABELS)
    sites: NDArray[np.str_] | None = None
    beside: dict[str, Any] = field(default_factory=dict)
    confound: str = ""
    steps: tuple[RowStep, ...] = ()
    refused: bool = False
    probed: bool = True


@dataclass(frozen=True)
class Canary:
    """A leak, how the naive way falls for it, and what has to show it."""

    leak: str
    naive: str
    make: Callable[[Generator, bool], Cohort]
    expected: frozenset[str]


def naive_auc(features: Numbers, labels: NDArray[np.str_]) -> float:
    """Return what scikit-learn says of rows taken as independent samples, in five shuffled folds."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=float(features.shape[1])))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(model, features, labels == B, cv=folds, scoring="roc_auc").mean())


# What cohorts are made of


def noise(generator: Generator, n: int = 2 * N_EACH, p: int = N_FEATURES) -> Numbers:
    """Return features of people who do not differ: a few directions that many features share, and noise."""
    return generator.normal(size=(n, 3)) @ generator.normal(size=(3, p)) + generator.normal(size=(n, p))


def unrelated(generator: Generator) -> dict[str, Any]:
    """Return covariates that follow nothing."""
    n = 2 * N_EACH
    return {
        "age": generator.normal(50.0, 10.0, n),
        "sex": generator.integers(0, 2, n).astype(float),
        "pain side": generator.integers(0, 2, n).astype(float),
        "epoch count": generator.integers(30, 61, n).astype(float),
        "muscle": generator.normal(0.3, 0.05, n),
        "bad channels": generator.poisson(3.0, n).astype(float),
    }


def carried(generator: Generator, values: Numbers, strength: float = 1.0) -> Numbers:
    """Return features that hold something beside the brain in a third of their columns."""
    features = noise(generator)
    features[:, : N_FEATURES // 3] += strength * ((values - values.mean()) / values.std())[:, None]
    return features


@dataclass(frozen=True)
class ChosenOnAll:
    """Leak: the columns that tell the labels of all rows apart are chosen before the split."""

    signs: Numbers

    def rows(self, order: Rows) -> Self:
        """Return the same step for rows in another order."""
        return replace(self, signs=self.signs[order])

    def __call__(self, values: Numbers, train: Rows) -> Numbers:
        """Keep the ten columns."""
        return values * chosen(values, self.signs)


def chosen(values: Numbers, signs: Numbers) -> NDArray[np.bool_]:
    """Return the ten columns that tell two labels apart best."""
    difference = np.abs(signs @ (values - values.mean(axis=0))) / values.std(axis=0)
    return np.asarray(difference >= np.sort(difference)[-10])


@dataclass(frozen=True)
class HarmonisedOnAll:
    """Leak: site effects are estimated from all rows in a model that "preserves" the labels, as in ComBat."""

    signs: Numbers
    site: Numbers

    def rows(self, order: Rows) -> Self:
        """Return the same step for rows in another order."""
        return replace(self, signs=self.signs[order], site=self.site[order])

    def __call__(self, values: Numbers, train: Rows) -> Numbers:
        """Take the site effect out of every row."""
        return harmonised(values, self.signs, self.site)


def harmonised(values: Numbers, signs: Numbers, site: Numbers) -> Numbers:
    """Return values without the effect of the site in a model that has the labels, too."""
    model = np.column_stack([np.ones(len(site)), site, signs])
    return np.asarray(values - site[:, None] * np.linalg.lstsq(model, values, rcond=None)[0][1])


# The leaks


def epochs_as_samples(generator: Generator, leak: bool) -> Cohort:
    """Twenty epochs of each of 24 people as rows; averaged per person without the leak."""
    labels = np.repeat([A, B], 12)
    own = noise(generator, n=24)
    epochs = np.repeat(own, 20, axis=0) + 2.0 * generator.normal(size=(480, N_FEATURES))
    means = epochs.reshape(24, 20, -1).mean(axis=1)
    refused = False
    if leak:
        try:
            people = np.repeat([f"p{index}" for index in range(24)], 20).tolist()
            make_design(people, np.repeat(labels, 20).tolist(), a=A, b=B, kind="between")
        except DesignError:
            refused = True
    naive = naive_auc(epochs, np.repeat(labels, 20)) if leak else naive_auc(means, labels)
    return Cohort(means, naive, labels=labels, refused=refused)


def epochs_renamed(generator: Generator, leak: bool) -> Cohort:
    """Five epochs of each of 24 people, each under a name of its own; without the leak one of each."""
    labels, n_epochs = np.repeat([A, B], 12), 5 if leak else 1
    own = noise(generator, n=24)
    rows = np.repeat(own, n_epochs, axis=0) + 0.5 * generator.normal(size=(24 * n_epochs, N_FEATURES))
    of_rows = np.repeat(labels, n_epochs)
    return Cohort(rows, naive_auc(rows, of_rows), labels=of_rows, probed=False)


def selection(generator: Generator, leak: bool) -> Cohort:
    """Noise in a thousand columns, ten of which are chosen on everybody."""
    features = generator.normal(size=(2 * N_EACH, 1000))
    naive = naive_auc(features[:, chosen(features, SIGNS)] if leak else features, LABELS)
    return Cohort(features, naive, beside=unrelated(generator), steps=(ChosenOnAll(SIGNS),) if leak else ())


def site(generator: Generator, leak: bool, *, n_elsewhere: int) -> Cohort:
    """Two amplifiers; with the leak all but a few of a group were recorded with one of them."""
    here, there = np.repeat(["north", "south"], N_EACH), np.tile(["north", "south"], N_EACH)
    sites = here.copy() if leak else there
    if leak and n_elsewhere:
        sites[:n_elsewhere], sites[-n_elsewhere:] = "south", "north"
    features = carried(generator, (sites == "south").astype(float))
    return Cohort(features, naive_auc(features, LABELS), sites=sites, beside=unrelated(generator))


def tied(name: str, follows: Callable[[Generator], Numbers]) -> Callable[[Generator, bool], Cohort]:
    """Return a leak: something that the features carry follows the label; without the leak it does not."""

    def make(generator: Generator, leak: bool) -> Cohort:
        values = follows(generator)
        values = values if leak else generator.permutation(values)
        beside = unrelated(generator) | {name: values}
        features = carried(generator, values)
        return Cohort(features, naive_auc(features, LABELS), beside=beside, confound=name)

    return make


def epoch_count(measure: str) -> Callable[[Generator, bool], Cohort]:
    """Return a leak: 60 clean epochs of one group, 20 of the other; the connectivity engine on noise."""

    def make(generator: Generator, leak: bool) -> Cohort:
        counts = np.where(LABELS == A, 60, 20) if leak else np.full(2 * N_EACH, 20)
        rows, lower = [], np.tril_indices(12, -1)
        for count in counts:
            signals = generator.normal(size=(count, 12, 200))
            found = over_epochs(signals, sfreq_hz=100.0, bands_hz={"alpha": (8.0, 13.0)}, measures=[measure])
            rows.append(found.matrices[measure, "alpha"][lower])
        beside = unrelated(generator) | {"epoch count": counts.astype(float)}
        features = np.array(rows)
        return Cohort(features, naive_auc(features, LABELS), beside=beside, confound="epoch count" if leak else "")

    return make


def gaps(generator: Generator, leak: bool) -> Cohort:
    """Gaps in a third of the columns, in most of one group or in as many people of both; naively filled with zeros."""
    features = noise(generator) + 3.0
    rows = np.arange(16) if leak else generator.permutation(2 * N_EACH)[:16]
    features[rows[:, None], np.arange(N_FEATURES // 3)] = np.nan
    return Cohort(features, naive_auc(np.nan_to_num(features), LABELS), beside=unrelated(generator))


def file_order(generator: Generator, leak: bool, *, drift: float) -> Cohort:
    """Files numbered group by group; with the leak the amplifier drifts along the numbers."""
    features = carried(generator, np.arange(2.0 * N_EACH), drift) if leak else noise(generator)
    return Cohort(features, naive_auc(features, LABELS), beside=unrelated(generator))


def duplicated(generator: Generator, leak: bool) -> Cohort:
    """Half of the people are there again under other names, with a little noise of conversion."""
    half = noise(generator, n=N_EACH)
    features = np.vstack([half[:10], half[:10], half[10:], half[10:]]) + 1e-3 * generator.normal(size=(40, N_FEATURES))
    features = features if leak else noise(generator)
    return Cohort(features, naive_auc(features, LABELS), beside=unrelated(generator))


def harmonisation(generator: Generator, leak: bool) -> Cohort:
    """Two sites with unequal groups, harmonised on everybody with the labels preserved."""
    where = np.concatenate([np.repeat([-1.0, 1.0], [16, 4]), np.repeat([-1.0, 1.0], [4, 16])])
    features = generator.normal(size=(2 * N_EACH, 400))
    naive = naive_auc(harmonised(features, SIGNS, where) if leak else features, LABELS)
    return Cohort(features, naive, beside=unrelated(generator), steps=(HarmonisedOnAll(SIGNS, where),) if leak else ())


def label_in_a_column(generator: Generator, leak: bool) -> Cohort:
    """One of the columns was made from the label."""
    features = noise(generator, p=8)
    features[:, 0] += 8.0 * SIGNS if leak else 0.0
    return Cohort(features, naive_auc(features, LABELS), beside=unrelated(generator))


CANARIES = (
    Canary("epochs as samples", "rows shuffled into folds", epochs_as_samples, frozenset([REFUSED])),
    Canary("epochs under names of their own", "the same", epochs_renamed, frozenset(["result_too_good"])),
    Canary("selection before the split", "ten of 1,000 columns chosen on everybody", selection,
           frozenset(["pure_noise", "fitted_inside_fold"])),
    Canary("fitted step outside the fold", "harmonised on everybody, labels preserved", harmonisation,
           frozenset(["pure_noise", "fitted_inside_fold"])),
    Canary("label determined by site", "site ignored", partial(site, n_elsewhere=0), frozenset([REFUSED])),
    Canary("label follows site (17 of 20)", "site ignored", partial(site, n_elsewhere=3), frozenset(["probe_site"])),
    Canary("label determined by age", "age ignored",
           tied("age", lambda generator: 50.0 + 7.0 * SIGNS + generator.normal(0.0, 3.0, 2 * N_EACH)),
           frozenset(["probe_age"])),
    Canary("pain side follows the label", "side ignored",
           tied("pain side", lambda generator: (generator.random(2 * N_EACH) < 0.5 + 0.45 * SIGNS).astype(float)),
           frozenset(["probe_pain_side"])),
    Canary("muscle follows the label", "muscle ignored",
           tied("muscle", lambda generator: 0.3 + 0.07 * SIGNS + generator.normal(0.0, 0.03, 2 * N_EACH)),
           frozenset(["probe_muscle"])),
    Canary("bad channels follow the label", "interpolated and forgotten",
           tied("bad channels", lambda generator: generator.poisson(5.0 + 4.0 * SIGNS).astype(float)),
           frozenset(["probe_bad_channels"])),
    Canary("60 epochs against 20, `plv`", "epochs not equalised", epoch_count("plv"), frozenset(["probe_epoch_count"])),
    Canary("60 epochs against 20, `pli`", "the same", epoch_count("pli"), frozenset(["probe_epoch_count"])),
    Canary("60 epochs against 20, `wpli2_debiased`", "the same", epoch_count("wpli2_debiased"), frozenset()),
    Canary("gaps follow the label", "gaps filled with zeros", gaps, frozenset(["probe_missing_values"])),
    Canary("strong drift along files numbered by group", "order ignored", partial(file_order, drift=2.5),
           frozenset(["probe_file_order"])),
    Canary("weaker drift along files numbered by group", "order ignored", partial(file_order, drift=1.0),
           frozenset(["probe_file_order"])),
    Canary("people there twice under two names", "copies in training and test", duplicated,
           frozenset(["duplicate_recordings"])),
    Canary("a column made from the label", "believed", label_in_a_column, frozenset(["result_too_good"])),
)  # fmt: skip
