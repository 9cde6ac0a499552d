"""Which classifiers of a study are refitted for every labelling, and about how long that takes."""

from collections.abc import Iterator

from painconn.config.study import StudyConfig
from painconn.prediction.registry import CLASSIFIERS, names_of

# The workload of `ClassifierDefinition.labelling_s`.
_N_PEOPLE, _N_COLUMNS, _N_FOLDS = 40, 2278, 50
_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86400.0


def refit_warnings(study: StudyConfig) -> Iterator[str]:
    """Say of every target whose classifier is refitted for each labelling how many fits, and how long."""
    for name, target in study.targets.items():
        classifier = CLASSIFIERS[target.classifier]
        if classifier.permutations == "at once":
            continue
        n_folds = target.n_outer_folds * target.n_repeats
        refits = f"{target.n_permutations} permutations x {n_folds} folds = {target.n_permutations * n_folds:,} refits"
        cost_s = classifier.labelling_s * target.n_permutations * n_folds / _N_FOLDS
        quick = [other for other in names_of(classifier.task) if _is_quick(other)]
        yield (
            f"targets.{name}.classifier {classifier.name} is refitted for every labelling: {refits} for each "
            f"feature set, about {_duration(cost_s)} of one core with {_N_PEOPLE} people and {_N_COLUMNS:,} "
            f"columns; solved for all labellings at once, in seconds: {', '.join(quick)}; or lower n_permutations"
        )


def _is_quick(name: str) -> bool:
    """Whether it learns from the features and solves all labellings together."""
    found = CLASSIFIERS[name]
    return found.permutations == "at once" and bool(found.doi)


def _duration(seconds: float) -> str:
    for unit_s, unit in ((_DAY_S, "days"), (_HOUR_S, "hours"), (_MINUTE_S, "minutes")):
        if seconds >= 1.5 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return "a minute"
