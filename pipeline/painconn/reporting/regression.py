"""How well the score of an association was predicted: sentence, table, figures and method, from the saved scores."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from painconn.reporting.citations import Citations
from painconn.reporting.drawing import GREY, INK, PALE, SIDE_B, Picture, render
from painconn.reporting.notation import count, interval, is_number, listing, number, p_cell, p_text, words
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.tables import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALPHA = 0.05

Scores = Mapping[str, Any]


def predicted_in_brief(target: TargetResults) -> str:
    """Return R2 with interval and p in a few words, or why there is none; empty when nothing was saved."""
    saved = _primary(target)
    if not saved:
        return ""
    if not is_number(saved.get("r2")):
        return f"prediction NOT COMPUTABLE: {saved.get('reason')}"
    low, high = saved["r2_ci"]
    p = p_text(saved["permutation"]["p"], symbol="permutation p")
    return f"predicted with R² {number(saved['r2'])}, 95 % interval {interval(low, high)}, {p}"


def predicted_meaning(target: TargetResults) -> str:
    """Say what the R2 allows one to conclude; empty when there is none."""
    saved = _primary(target)
    if not is_number(saved.get("r2")):
        return ""
    if saved["permutation"]["p"] < ALPHA and saved["r2"] > 0:
        low, high = saved["r2_ci"]
        doubt = (
            f" The 95 % interval of its R² {interval(low, high)} reaches below 0 all the same: such a model may do "
            "worse than the mean."
            if low < 0
            else ""
        )
        return (
            f"A model predicts the score of people it never saw better than shuffled scores allow.{doubt} Whether that "
            "is the brain or a confound is decided by the baselines below, and whether it holds elsewhere by other "
            "people's data."
        )
    low, high = saved["r2_ci"]
    return (
        "No evidence that the score of a new person can be predicted with these features. The data are compatible with "
        f"any expected R² {interval(low, high)}: absence of evidence, not evidence of absence."
    )


def regression_table(target: TargetResults, people: str) -> Table | None:
    """Return one row per feature set and baseline; None when nothing was saved."""
    models = list(target.feature_sets.items())
    if not models:
        return None
    named = [(words(name) + (" (exploratory)" if index else ""), saved) for index, (name, saved) in enumerate(models)]
    named += [(f"{words(name)} (baseline)", saved) for name, saved in (models[0][1].get("baselines") or {}).items()]
    rows = []
    for name, saved in named:
        low, high = saved.get("r2_ci") or (None, None)
        permutation = saved.get("permutation") or {}
        rows.append(
            (
                name,
                count(saved["n_features"]) if "n_features" in saved else "–",
                number(saved.get("r2")),
                interval(low, high),
                p_cell(permutation.get("p")),
                number(permutation.get("null_mean")),
                number(saved.get("within_fold_r")),
                number(saved.get("within_fold_rank_r")),
                number(saved.get("mae")),
                number(saved.get("rmse")),
                number(saved.get("calibration_slope")),
            )
        )
    caption = (
        f"Out-of-fold prediction of {target.settings['contrast']['column']} ({people}). The first row answers the "
        "question. R² is 0 for a model that predicts the mean of the people it learned from, and below 0 for a worse "
        "one; by chance it lies below 0. Correlations are those inside test folds. Errors are in units of the score; "
        "a slope below 1 means that predictions lie too far apart."
    )
    header = (
        "features", "columns", "R²", "95 % interval", "permutation p", "mean R², shuffled scores", "r", "rank r",
        "mean absolute error", "root mean squared error", "calibration slope",
    )  # fmt: skip
    return Table(caption=caption, header=header, rows=tuple(rows))


def regression_sentences(target: TargetResults) -> list[str]:
    """Say what the features add to each baseline; nothing where nothing was saved."""
    saved = _primary(target)
    increments = {"confounds": saved.get("increment")} | dict(saved.get("increment_over") or {})
    sentences = []
    for name, one in increments.items():
        if not one:
            continue
        low, high = one["increment_ci"]
        notes = [str(one[key]) for key in ("interval_coverage_note", "interval_warning") if one.get(key)]
        columns = listing([words(str(column)) for column in saved["baselines"][name]["columns"][:12]])
        sentences.append(
            f"What the EEG adds to the {words(name)} ({columns}): R² {number(one[f'r2_features_and_{name}'])} with "
            f"both, {number(one[f'r2_{name}'])} with the {words(name)} alone, increment {number(one['increment'])}, "
            f"95 % interval {interval(low, high)}{''.join(f'; {note}' for note in notes)}."
        )
    return sentences


def regression_notes(target: TargetResults) -> tuple[str, ...]:
    """Return what is known about the coverage of the interval."""
    saved = _primary(target)
    return tuple(str(saved[key]) for key in ("interval_coverage_note", "interval_warning") if saved.get(key))


def regression_pictures(target: TargetResults, people: str) -> tuple[Picture, ...]:
    """Draw R2 against shuffled scores, true against predicted scores, and the learning curve."""
    drawn = (_r2_against_null(target, people), _predicted_scores(target), _learning_curve(target, people))
    return tuple(picture for picture in drawn if picture)


def regression_method(results: StudyResults, cited: Citations) -> list[str]:
    """Say how scores were predicted; nothing when no target asked for it."""
    if not any(_is_regression(target) for target in results.targets.values()):
        return []
    return [
        "Scores of people were predicted by regression; everything learned (imputation, scaling, tuning) was learned "
        "inside the training fold. Folds were dealt without looking at the scores, so that scores could be shuffled "
        "among the people of a site with the same folds, repeats and tuning. R² is one minus the ratio of squared "
        "errors to those of the mean of the training people, summed over the folds of a repeat and averaged over "
        f"repeats {cited.cite('poldrack2020')}. Correlations are those of deviations from the mean of the test fold."
    ]


def _is_regression(target: TargetResults) -> bool:
    return target.kind == "association" and bool(target.feature_sets)


def _primary(target: TargetResults) -> Scores:
    return target.feature_sets.get(target.primary_feature_set) or {}


def _r2_against_null(target: TargetResults, people: str) -> Picture | None:
    saved = [(name, one) for name, one in target.feature_sets.items() if is_number(one.get("r2"))]
    if not saved:
        return None
    ends = [end for _, one in saved for end in (*one["r2_ci"], *one.get("null_values", ()))]
    lowest = max(min(ends), -1.0)

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.axvline(0.0, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        for index, (_, one) in enumerate(saved):
            _r2_row(axis, one, height=len(saved) - 1 - index, lowest=lowest, colour=INK if index else SIDE_B)
        axis.set_yticks(range(len(saved)), [words(name) for name, _ in saved][::-1])
        axis.set(xlim=(lowest - 0.05, 1.0), ylim=(-0.45, len(saved) - 0.1))
        axis.set_xlabel("R² on people held out (0 = predicting the mean)")
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)

    caption = (
        f"Cross-validated R² with its 95 % interval ({people}). Grey: the same statistic, with the same folds and "
        "tuning, under shuffled scores. A dot inside its grey hill is what chance gives here. The first row was "
        "declared to answer the question; the others stand beside it for comparison."
    )
    told = "; ".join(f"{words(name)} {number(one['r2'])}, {p_text(one['permutation']['p'])}" for name, one in saved)
    title = f"{target.name}: R² against shuffled scores"
    return render(
        title, alt=f"R² per model: {told}", caption=caption, size_in=(7.2, 0.62 * len(saved) + 0.8), draw=draw
    )


def _r2_row(axis: "Axes", saved: Scores, *, height: int, lowest: float, colour: str) -> None:
    import numpy as np

    null = np.clip(saved.get("null_values") or [], lowest, 1.0)
    if len(null):
        counts, edges = np.histogram(null, bins=np.linspace(lowest, 1.0, 51))
        hill = height + 0.75 * counts / max(counts.max(), 1)
        axis.stairs(hill, edges, baseline=height, fill=True, facecolor=PALE, edgecolor="none")
    low, high = saved["r2_ci"]
    axis.plot([max(low, lowest - 0.05), high], [height, height], color=colour, linewidth=2.2, solid_capstyle="butt")
    axis.plot(saved["r2"], height, "o", markersize=7, color=colour, zorder=3)


def _predicted_scores(target: TargetResults) -> Picture | None:
    people = _mean_predictions(target)
    if people is None:
        return None
    score = str(target.settings["contrast"]["column"])

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        ends = [people[["score", "predicted"]].to_numpy().min(), people[["score", "predicted"]].to_numpy().max()]
        axis.plot(ends, ends, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        axis.plot(people["predicted"], people["score"], "o", color=SIDE_B, markersize=5, alpha=0.75, markeredgewidth=0)
        axis.set(xlabel=f"predicted {score} (mean over repeats)", ylabel=f"true {score}")

    caption = (
        f"One dot per person ({len(people)}): the score, and what models that never saw this person predicted, "
        "averaged over repeats. On the dashed line a prediction is right. Predictions of different folds come from "
        "different models, so that R² and correlation are not computed from this picture."
    )
    alt = f"True against predicted {score} of {len(people)} people."
    return render(f"{target.name}: true and predicted scores", alt=alt, caption=caption, size_in=(4.6, 3.6), draw=draw)


def _mean_predictions(target: TargetResults) -> pd.DataFrame | None:
    predictions = target.predictions
    if predictions is None or "predicted" not in predictions:
        return None
    own = predictions[predictions["feature_set"] == target.primary_feature_set]
    return own.groupby("participant")[["score", "predicted"]].mean() if len(own) else None


def _learning_curve(target: TargetResults, people: str) -> Picture | None:
    points = _primary(target).get("learning_curve") or []
    if len(points) < 2:
        return None
    sizes, reached = [point["n_train_participants"] for point in points], [point["r2"] for point in points]

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.axhline(0.0, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        axis.plot(sizes, reached, "o-", color=SIDE_B)
        axis.set(xlabel="people learned from (mean over folds)", ylabel="R² on people held out")
        axis.set_xticks(sizes, [number(size, 1) for size in sizes])

    caption = (
        f"R² of {words(target.primary_feature_set)} when learning from fewer people (whole sample: {people}; few "
        "repeats, no interval). A curve that still rises suggests that more people would help."
    )
    told = ", ".join(f"{number(size, 1)} people {number(r2)}" for size, r2 in zip(sizes, reached, strict=True))
    title = f"{target.name}: learning curve of the prediction"
    return render(title, alt=f"Learning curve: {told}", caption=caption, size_in=(5.2, 2.8), draw=draw)
