"""How often simulated intervals hold the truth, which is the mean of the estimates."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def coverage_of(estimates: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    """Return truth, spread and coverage of one estimate and its interval (low, high) per simulated cohort."""
    value, low, high = np.array(estimates).T
    truth = float(value.mean())
    missed_low, missed_high = float(np.mean(high < truth)), float(np.mean(low > truth))
    return {
        "truth": round(truth, 4),
        "sd": round(float(value.std()), 4),
        "coverage": round(1.0 - missed_low - missed_high, 4),
        "interval_below_truth": round(missed_low, 4),
        "interval_above_truth": round(missed_high, 4),
        "mean_width": round(float(np.mean(high - low)), 4),
        "n_simulations": len(estimates),
    }
