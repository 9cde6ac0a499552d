"""Figures of the classifier: AUC against its null, probabilities per person and what they are worth, learning curve."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from painconn.reporting.drawing import GREY, INK, PALE, SIDE_A, SIDE_B, Picture, render
from painconn.reporting.notation import is_number, number, p_text, plural, words
from painconn.reporting.performance import Performance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def auc_against_null(
    models: Sequence[Performance], baselines: Sequence[Performance], *, people: str, title: str
) -> Picture | None:
    """Draw each observed AUC with its interval over the distribution under permuted labels.

    Parameters
    ----------
    models, baselines : sequence of Performance
        Feature sets (the primary one first) and baselines, in drawing order.
    people : str
        How many people the scores rest on, in words.
    title : str
        Heading of the figure.

    Returns
    -------
    picture : Picture or None
        None when there is no AUC at all.
    """
    rows = [(score, score.auc) for score in (*models, *baselines) if is_number(score.auc)]
    if not rows:
        return None
    n_models = sum(is_number(score.auc) for score in models)

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.axvline(0.5, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        names = []
        for index, (score, auc) in enumerate(rows):
            baseline = index >= n_models
            _auc_row(axis, score, auc, height=len(rows) - 1 - index, primary=index == 0, baseline=baseline)
            role = " (baseline)" if baseline else " (exploratory)" if score.exploratory else ""
            names.append(f"{words(score.name)}{role}")
        axis.set_yticks(range(len(rows)), names[::-1])
        axis.set(xlim=(0, 1), ylim=(-0.45, len(rows) - 0.1))
        axis.set_xlabel("area under the ROC curve (0.5 = chance)")
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)

    n_null = {len(score.null_values) for score, _ in rows if score.null_values}
    permuted = f"{' / '.join(str(n) for n in sorted(n_null))} permutations" if n_null else "no saved permutations"
    caption = (
        f"Out-of-fold AUC with its 95 % interval where one was saved ({people}). Grey: the same statistic, with the "
        f"same folds and tuning, under permuted labels ({permuted}). A dot inside its grey hill is what chance gives "
        "here. The first row was declared to answer the question; the others stand beside it for comparison. An AUC of "
        "the confounds as high as that of the EEG means that the EEG may carry nothing but the confounds."
    )
    alt = "AUC per model: " + "; ".join(f"{words(score.name)} {number(auc)}, {p_text(score.p)}" for score, auc in rows)
    return render(title, alt=alt, caption=caption, size_in=(7.2, 0.62 * len(rows) + 0.8), draw=draw)


def _auc_row(axis: "Axes", score: Performance, auc: float, *, height: int, primary: bool, baseline: bool) -> None:
    if score.null_values:
        counts, edges = np.histogram(score.null_values, bins=np.linspace(0, 1, 51))
        hill = height + 0.75 * counts / max(counts.max(), 1)
        axis.stairs(hill, edges, baseline=height, fill=True, facecolor=PALE, edgecolor="none")
    colour = SIDE_B if primary else (GREY if baseline else INK)
    if is_number(score.low) and is_number(score.high):
        axis.plot([score.low, score.high], [height, height], color=colour, linewidth=2.2, solid_capstyle="butt")
    axis.plot(auc, height, "D" if baseline else "o", markersize=7, color=colour, zorder=3)
    axis.annotate(
        number(auc),
        (auc, height),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
        fontsize=8,
        color=colour,
    )


def probabilities(people: pd.DataFrame, *, sides: tuple[str, str], n_repeats: int, title: str) -> Picture | None:
    """Draw each person's mean out-of-fold probability of side b, by true side.

    Parameters
    ----------
    people : DataFrame
        Columns side (0 for a, 1 for b) and probability, a row per observation.
    sides : tuple of str
        Names of side a and side b.
    n_repeats : int
        Repeats that each mean is taken over.
    title : str
        Heading of the figure.

    Returns
    -------
    picture : Picture or None
        None when there is no probability for both sides.
    """
    values = [people.loc[people["side"] == index, "probability"].dropna().to_numpy(dtype=float) for index in (0, 1)]
    if not all(len(value) for value in values):
        return None

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.axvline(0.5, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        for height, (value, colour, mark) in enumerate(zip(values, (SIDE_A, SIDE_B), ("o", "s"), strict=True)):
            _dots(axis, value, height, colour, mark)
        axis.set_yticks((0, 1), [f"{side} ({len(value)})" for side, value in zip(sides, values, strict=True)])
        axis.set(xlim=(0, 1), ylim=(-0.5, 1.5), xlabel=f"mean out-of-fold probability of {sides[1]}")
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)

    caption = (
        f"One dot per observation ({len(values[0])} {sides[0]}, {len(values[1])} {sides[1]}): the probability of "
        f"{sides[1]} that models which never saw this person gave, averaged over {plural(n_repeats, 'repeat')}. Bars: "
        f"medians. Good separation would put all of {sides[1]} right of all of {sides[0]}. Probabilities from "
        "different folds come from different models; the AUC therefore compares pairs inside a fold only and can "
        "differ from what this picture suggests."
    )
    medians = [number(np.median(value)) for value in values]
    alt = f"Dots of out-of-fold probability; median {medians[0]} in {sides[0]}, {medians[1]} in {sides[1]}."
    return render(title, alt=alt, caption=caption, size_in=(7.2, 2.1), draw=draw)


def _dots(axis: "Axes", values: "np.ndarray", height: int, colour: str, mark: str) -> None:
    """Draw dots spread evenly around a height by their rank, so that equal values stay visible."""
    spread = (np.arange(len(values)) * 0.618 % 1 - 0.5) * 0.5
    axis.plot(np.sort(values), height + spread, mark, color=colour, markersize=5, alpha=0.75, markeredgewidth=0)
    median = float(np.median(values))
    axis.plot([median, median], [height - 0.36, height + 0.36], color=colour, linewidth=2.2)


def probability_curves(saved: Mapping[str, Any], *, sides: tuple[str, str], people: str, title: str) -> Picture | None:
    """Draw observed shares against predicted probabilities, and net benefit against the threshold.

    Parameters
    ----------
    saved : mapping
        The feature set's part of ``scores.json``.
    sides : tuple of str
        Names of side a and side b.
    people : str
        How many people the scores rest on, in words.
    title : str
        Heading of the figure.

    Returns
    -------
    picture : Picture or None
        None when no curves were saved.
    """
    calibration, decisions = saved.get("calibration"), saved.get("decision_curve")
    if not calibration or not decisions:
        return None

    def draw(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2)
        _calibration_axis(left, calibration["bins"], sides[1])
        _decision_axis(right, decisions)

    prevalence = number(100 * decisions["prevalence"], 0)
    caption = (
        f"Left: in each of {plural(len(calibration['bins']), 'bin')} of observations with similar out-of-fold "
        f"probability (mean over repeats; {people}), the share that were {sides[1]}, with Wilson intervals; numbers: "
        f"observations. On the diagonal probabilities mean what they say. Right: net benefit of acting on everybody "
        f"above a threshold probability, where one false alarm costs threshold / (1 - threshold) of a hit; band: "
        f"{decisions['interval_method']}. The model is of use where its line lies above both others. "
        f"{prevalence} % of this sample are {sides[1]} by its design: in a clinic the share is another one, and with "
        "it probabilities and net benefit."
    )
    best = max(decisions["net_benefit"])
    in_bins = [
        f"predicted {number(one['predicted'])} observed {number(one['observed'])}" for one in calibration["bins"]
    ]
    alt = f"Calibration: {', '.join(in_bins)}. Decision curve: highest net benefit of the model {number(best)}."
    return render(title, alt=alt, caption=caption, size_in=(7.2, 3.0), draw=draw)


def _calibration_axis(axis: "Axes", bins: Sequence[Mapping[str, Any]], side: str) -> None:
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    for one in bins:
        axis.plot([one["predicted"]] * 2, [one["low"], one["high"]], color=SIDE_B, linewidth=1.4)
        axis.annotate(
            str(one["n"]), (one["predicted"], one["high"]), xytext=(0, 3), textcoords="offset points",
            ha="center", fontsize=7, color=GREY,
        )  # fmt: skip
    axis.plot([one["predicted"] for one in bins], [one["observed"] for one in bins], "o-", color=SIDE_B, markersize=5)
    axis.set(xlim=(0, 1), ylim=(0, 1.08), xlabel=f"predicted probability of {side}", ylabel="observed share")


def _decision_axis(axis: "Axes", curve: Mapping[str, Any]) -> None:
    thresholds = curve["thresholds"]
    axis.fill_between(thresholds, curve["net_benefit_low"], curve["net_benefit_high"], color=PALE, linewidth=0)
    axis.plot(thresholds, curve["net_benefit"], color=SIDE_B, label="model")
    axis.plot(thresholds, curve["treat_all"], color=INK, linewidth=0.9, linestyle=(0, (4, 3)), label="act on everybody")
    axis.axhline(curve["treat_none"], color=GREY, linewidth=0.9, label="act on nobody")
    # Acting on everybody falls without bound: below this, nothing is of use.
    axis.set(xlim=(0, 1), ylim=(-0.15, max(0.05, 1.1 * max(curve["net_benefit_high"]))))
    axis.set(xlabel="threshold probability", ylabel="net benefit")
    axis.legend(fontsize=7, loc="upper right")


def learning_curve(score: Performance, *, people: str, title: str) -> Picture | None:
    """Draw AUC against the number of people learned from; None when no curve was saved."""
    points = score.learning_curve
    if len(points) < 2:
        return None

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.axhline(0.5, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        sizes = [point.n_people for point in points]
        axis.plot(sizes, [point.auc for point in points], "o-", color=SIDE_B)
        axis.set(xlabel="people learned from (mean over folds)", ylabel="out-of-fold AUC", ylim=(0, 1))
        axis.set_xticks(sizes, [number(size, 1) for size in sizes])

    caption = (
        f"AUC of {words(score.name)} when learning from fewer people (whole sample: {people}; few repeats, no "
        "interval). A curve that still rises suggests that more people would help; a flat curve at 0.5 does not show "
        "that there is nothing to find."
    )
    alt = "Learning curve: " + ", ".join(f"{number(point.n_people, 1)} people {number(point.auc)}" for point in points)
    return render(title, alt=alt, caption=caption, size_in=(5.2, 2.8), draw=draw)
