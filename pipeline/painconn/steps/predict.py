"""Per target: nested, person-grouped evaluation of the classifier on every feature set."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.data import DataConfig
from painconn.config.targets import Target
from painconn.errors import DesignError, Problem
from painconn.features.edges import symmetric_matrices
from painconn.features.names import KEYS
from painconn.paths import Results
from painconn.prediction.design import Design, make_design
from painconn.prediction.evaluation import Evaluation, evaluate
from painconn.prediction.folds import RowStep
from painconn.prediction.number_design import NumberDesign
from painconn.prediction.number_evaluation import NumberEvaluation, evaluate_numbers
from painconn.prediction.registry import CLASSIFIERS, why_not
from painconn.prediction.regression import ConfoundRegression
from painconn.provenance import seed_for
from painconn.steps.association import halved, score_design
from painconn.steps.baselines import confounds_of, label_baselines
from painconn.steps.blinding import lots_in, mark_of, with_lots
from painconn.steps.declare import feature_sets
from painconn.steps.harmonisation import harmonisation_of, require_seen_sites
from painconn.steps.secondary import secondary_evaluations
from painconn.steps.selection import Selection, read_features, select
from painconn.store import plain, write_arrays, write_atomically, write_json, write_tsv

_WHOLE = "edges"


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Evaluate one target; the first feature set is the primary one, the others are exploratory.

    Two sides are told apart by a classifier, the score of an association is predicted by a regression.

    A classifier of whole matrices has the edges as its primary set: blocks are none.
    """
    target = Target.model_validate(settings["target"])
    settings = with_lots(results, settings)
    table = read_features(results)
    evaluate_set: Callable[..., Evaluation | NumberEvaluation]
    design: Design | NumberDesign
    if target.contrast.kind == "association":
        selection, design = scored_people(table, settings, name)
        evaluate_set, not_scored = partial(evaluate_numbers, design=design), {"task": "regression", "r2": None}
    else:
        selection, design = observations(table, settings, name)
        evaluate_set, not_scored = partial(evaluate, design=design), {"auc": None}
    require_seen_sites(settings, selection, design)
    primary, sets = usable_sets(settings, selection)
    seed = seed_for(settings["seed"], "predict", name)
    confounds, steps = confounds_of(settings, selection), fold_steps(settings, selection)
    for made in ("evaluation.npz", "predictions.tsv"):
        results.target(name, made).unlink(missing_ok=True)
    scores: dict[str, Any] = {}
    predictions = []
    for set_name, columns in sets.items():
        role = "primary" if set_name == primary else "exploratory"
        matrices = symmetric_matrices(columns)
        refused = why_not(target.classifier, matrices)
        if refused:
            scores[set_name] = {"role": role, **not_scored, "reason": f"{target.classifier}: {refused}"}
            continue
        evaluation = evaluate_set(
            selection.features[columns],
            classifier=target.classifier,
            n_permutations=target.n_permutations,
            seed=seed,
            confounds=confounds,
            baselines=label_baselines(table, settings, selection, columns) if role == "primary" else None,
            matrices=matrices,
            steps=steps,
        )
        scores[set_name] = {
            "role": role,
            "confound_regression": target.confound_regression,
            "harmonisation": target.harmonisation,
            **evaluation.scores,
            "null_values": [round(float(value), 6) for value in evaluation.null],
        }
        predictions.append(evaluation.predictions.assign(feature_set=set_name))
        if role == "primary":
            write_atomically(results.target(name, "evaluation.npz"), partial(_save, evaluation))
            if isinstance(design, Design):
                scores[set_name] |= secondary_evaluations(settings, selection, design, columns, steps=steps, seed=seed)
    if primary not in scores:
        reason = why_not_scored(settings, selection)
        scores = {primary: {"role": "primary", **not_scored, "reason": reason}, **scores}
    if predictions:
        write_tsv(results.target(name, "predictions.tsv"), pd.concat(predictions, ignore_index=True))
    record = {
        "feature_sets": scores,
        "primary_feature_set": primary,
        "n_feature_sets": len(scores),
        "missing_on_a_side": missing_on_a_side(settings, selection),
    }
    write_json(results.target(name, "scores.json"), plain(record | mark_of(settings)))


def observations(table: pd.DataFrame, settings: dict[str, Any], name: str) -> tuple[Selection, Design]:
    """Select the observations of a target of two sides and lay out its blocks and folds."""
    selection = _selected(table, settings, name)
    return selection, side_design(selection, settings, name)


def side_design(selection: Selection, settings: dict[str, Any], name: str) -> Design:
    """Lay out blocks and folds of two sides."""
    target = Target.model_validate(settings["target"])
    return make_design(
        selection.participants,
        selection.labels,
        a=selection.a,
        b=selection.b,
        kind="within" if target.contrast.kind == "within" else "between",
        strata=selection.sites,
        n_outer=target.n_outer_folds,
        n_repeats=target.n_repeats,
        seed=seed_for(settings["seed"], "folds", name),
    )


def scored_people(table: pd.DataFrame, settings: dict[str, Any], name: str) -> tuple[Selection, NumberDesign]:
    """Select the people of an association and lay out its folds."""
    selection = _selected(table, settings, name)
    return selection, score_design(selection, settings, name)


def _selected(table: pd.DataFrame, settings: dict[str, Any], name: str) -> Selection:
    return select(
        table,
        DataConfig.model_validate(settings["data"]),
        Target.model_validate(settings["target"]).contrast,
        covariates=list(settings["covariates"]),
        minimum_per_group=settings["minimum_per_group"],
        where=f"targets.{name}",
        lots=lots_in(settings),
    )


def fold_steps(settings: dict[str, Any], selection: Selection) -> list[RowStep]:
    """Return what is learned inside each training set and changes the features, besides gaps and scaling.

    Sites are harmonised first, so that covariates are regressed out of columns on one scale.
    """
    harmonisation = harmonisation_of(settings, selection)
    steps: list[RowStep] = [] if harmonisation is None else [harmonisation]
    if settings["target"]["confound_regression"] == "none":
        return steps
    if not len(selection.covariates.columns):
        where, fix = f"targets.{settings['name']}", "name covariates that differ in this contrast, or write none"
        raise DesignError(
            Problem(f"{where}.confound_regression", "features, and no covariates", "covariates to regress out", fix)
        )
    return [*steps, ConfoundRegression.of(selection.covariates)]


def usable_sets(settings: dict[str, Any], selection: Selection) -> tuple[str, dict[str, list[str]]]:
    """Return the name of the declared set, and every set with the columns that both sides have (empty sets left out).

    A column that one side lacks would be imputed as a constant there: its score would be about what is missing.
    """
    declared = _declared_sets(settings, selection)
    present = pd.DataFrame(_present(selection)).all(axis=1)
    sets = {name: [column for column in wanted if present[column]] for name, wanted in declared.items()}
    return next(iter(declared)), {name: wanted for name, wanted in sets.items() if wanted}


def missing_on_a_side(settings: dict[str, Any], selection: Selection) -> dict[str, list[str]]:
    """Return the columns of the declared sets that are left out of them, by the side on which nobody has a value."""
    declared = list(dict.fromkeys(chain.from_iterable(_declared_sets(settings, selection).values())))
    absent = {side: [one for one in declared if not there[one]] for side, there in _present(selection).items()}
    return {side: columns for side, columns in absent.items() if columns}


def why_not_scored(settings: dict[str, Any], selection: Selection) -> str:
    """Say on which side the columns of the declared set are missing when no column is there on both sides."""
    name, columns = next(iter(_declared_sets(settings, selection).items()))
    if not columns:
        return f"the table has none of the columns of {name}"
    lacking = [side for side, present in _present(selection).items() if not present[columns].any()]
    where = f"for anybody in {' or '.join(lacking)}" if lacking else "on both sides"
    return f"none of its {len(columns)} columns could be computed {where}"


def _declared_sets(settings: dict[str, Any], selection: Selection) -> dict[str, list[str]]:
    columns = [column for column in selection.features.columns if column not in KEYS]
    whole_matrices = CLASSIFIERS[settings["target"]["classifier"]].needs == "matrices"
    declared = feature_sets(settings, columns, whole_matrices=whole_matrices)
    if whole_matrices and _WHOLE in declared:
        return {_WHOLE: declared[_WHOLE], **declared}
    return declared


def _present(selection: Selection) -> dict[str, pd.Series]:
    """Return for each side (or half of a score) which columns at least one of its observations has."""
    selection = halved(selection) if selection.kind == "association" else selection
    return {side: selection.side(side)[0].notna().any() for side in (selection.a, selection.b)}


def _save(evaluation: Evaluation | NumberEvaluation, path: Any) -> None:
    """Keep what the audit looks at: null, labellings, and the rows that were really trained and tested on."""
    splits = [
        (fold.repeat, fold.fold, role, inner, row)
        for fold in evaluation.splits
        for role, inner, rows in (
            (0, -1, fold.train),
            (1, -1, fold.test),
            *((2, index, train) for index, (train, _) in enumerate(fold.inner)),
            *((3, index, test) for index, (_, test) in enumerate(fold.inner)),
        )
        for row in rows
    ]
    arrays: dict[str, np.ndarray] = {
        "null": evaluation.null,
        "labellings": evaluation.labellings.astype(np.int8 if isinstance(evaluation, Evaluation) else float),
        "splits": np.array(splits, dtype=np.int32),
    }
    write_arrays(path, arrays)
