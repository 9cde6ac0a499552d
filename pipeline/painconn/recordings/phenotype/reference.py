"""How far a value lies from those of controls: z, and the modified t that knows how few controls there are.

The controls give a mean (or a regression on age, sex ...) and a spread. z takes both as if they were the
population's. With n controls they are not: z of a further person like them has heavier tails than the normal curve.
The modified t divides by the error of prediction and is compared with Student's distribution (Crawford & Howell 1998,
Clin Neuropsychol 12:482-486; with covariates the usual prediction from a regression), so that its false-positive rate
is what it says at any n.
"""

from dataclasses import dataclass

import numpy as np

FEWEST_FREE = 4
"""Controls beyond the number of fitted terms without which there is no reference."""


@dataclass(frozen=True)
class Distance:
    """Where values lie against controls; arrays of people.

    Parameters
    ----------
    z : array
        Distance from what is expected, in standard deviations of the controls.
    p : array
        One-sided probability of a value this high in somebody like the controls (modified t).
    """

    z: np.ndarray
    p: np.ndarray


@dataclass(frozen=True)
class Reference:
    """A least-squares fit to controls.

    Parameters
    ----------
    design : array (controls, terms)
        Intercept and covariates.
    values : array (controls,)
        Their values.
    """

    design: np.ndarray
    values: np.ndarray

    @property
    def n(self) -> int:
        """Number of controls."""
        return len(self.values)

    @property
    def n_free(self) -> int:
        """Degrees of freedom of the spread."""
        return self.n - self.design.shape[1]

    @property
    def sd(self) -> float:
        """Standard deviation of the controls around what is expected of them."""
        return float(np.sqrt(np.sum(self._residuals**2) / self.n_free))

    @property
    def _inverse(self) -> np.ndarray:
        return np.linalg.inv(self.design.T @ self.design)

    @property
    def _residuals(self) -> np.ndarray:
        return self.values - self.design @ (self._inverse @ self.design.T @ self.values)

    def distance(self, design: np.ndarray, values: np.ndarray) -> Distance:
        """Return where other people lie; NaN where a value or a covariate is not known."""
        from scipy.stats import t

        expected = design @ (self._inverse @ self.design.T @ self.values)
        leverage = np.einsum("ij,jk,ik->i", design, self._inverse, design)
        z = (values - expected) / self.sd
        return Distance(z, t.sf(z / np.sqrt(1 + leverage), self.n_free))

    def distance_of_controls(self) -> Distance:
        """Return where each control lies against the others; NaN for one without whom the fit is not possible."""
        from scipy.stats import t

        leverage = np.einsum("ij,jk,ik->i", self.design, self._inverse, self.design)
        left = np.where(leverage < 1 - 1e-9, 1 - leverage, np.nan)
        n_free = self.n_free - 1
        variance = np.maximum(self.n_free * self.sd**2 - self._residuals**2 / left, 0) / n_free
        with np.errstate(divide="ignore", invalid="ignore"):
            z = self._residuals / left / np.sqrt(variance)
        return Distance(z, t.sf(z * np.sqrt(left), n_free))

    def expected_false_positives(self, cut: float) -> float:
        """Return the share of people like the controls who are expected above a cut of z, with this few controls.

        Exact for normal values and no covariate; with covariates for somebody of average leverage.
        """
        from scipy.stats import t

        return float(t.sf(cut / np.sqrt(1 + self.design.shape[1] / self.n), self.n_free))
