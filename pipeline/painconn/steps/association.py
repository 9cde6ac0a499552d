"""The rows of an association: the score as numbers, its folds, and people as the two halves of the score."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.targets import Target
from painconn.prediction.design import Design, make_design
from painconn.prediction.number_design import NumberDesign, make_number_design
from painconn.prediction.probes import halves
from painconn.provenance import seed_for
from painconn.steps.selection import Selection


def score_design(selection: Selection, settings: dict[str, Any], name: str) -> NumberDesign:
    """Lay out the folds of an association."""
    target = Target.model_validate(settings["target"])
    return make_number_design(
        selection.participants,
        [float(label) for label in selection.labels],
        score=str(target.contrast.column),
        strata=selection.sites,
        n_outer=target.n_outer_folds,
        n_repeats=target.n_repeats,
        seed=seed_for(settings["seed"], "folds", name),
    )


def halved(selection: Selection) -> Selection:
    """Return the people of an association as two sides, those with lower and those with higher scores.

    What is asked of sides (is a column missing on one of them, is it tied to age or site) is asked of these.
    """
    high = halves(pd.Series(selection.labels).astype(float))
    labels = np.where(high, selection.b, selection.a).tolist()
    return replace(selection, kind="between", labels=labels)


def halves_design(selection: Selection) -> Design:
    """Lay out the two halves of a score for what is asked of them.

    Nobody is tested in their folds and no label is exchanged in their blocks; a score tied to the site has halves all
    the same.

    Raises
    ------
    DesignError
        When fewer than 3 people are in one half.
    """
    return make_design(selection.participants, selection.labels, a=selection.a, b=selection.b, kind="between")
