"""What is known about independent components: their decomposition, ICLabel's opinion, agreement with EOG and ECG."""

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mne.io import BaseRaw
    from mne.preprocessing import ICA

ComponentMethod = Literal["picard", "infomax", "fastica", "none"]

LABELS = ("brain", "muscle artifact", "eye blink", "heart beat", "line noise", "channel noise", "other")
"""ICLabel's classes, in the order of its output."""


class _HyperbolicTangent:
    """The density of Picard's extended infomax: the same numbers as its own ``tanh``, to the last bit.

    Its own makes six arrays of the size of the recording per iteration and one exponential that nobody uses; keeping
    three nearly halves the time of ICA. numexpr, the other way out, would take every core there is.
    """

    def __init__(self) -> None:
        self._kept: dict[str, NDArray[np.float64]] = {}

    def _array(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        if name not in self._kept or self._kept[name].shape != shape:
            self._kept[name] = np.empty(shape)
        return self._kept[name]

    def log_lik(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the negative log density, log cosh up to a constant; overwritten by the next call."""
        size, tail = self._array("size", samples.shape), self._array("tail", samples.shape)
        np.abs(samples, out=size)
        np.multiply(size, -2.0, out=tail)
        np.log1p(np.exp(tail, out=tail), out=tail)
        return np.add(size, tail, out=size)

    def score_and_der(self, samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return its first and second derivative; both are overwritten by the next call."""
        score, slope = self._array("score", samples.shape), self._array("slope", samples.shape)
        for row, first, second in zip(samples, score, slope, strict=True):
            np.tanh(row, out=first)
            np.subtract(1.0, np.square(first, out=second), out=second)
        return score, slope


_GRADIENT_TOLERANCE = 1e-4
"""Of a gradient that a recording of n samples knows to about 1 / sqrt(n), 0.004 for 5 min at 250 Hz. Iterating on to
1e-7, the library's default, moves the components less than another seed does (`tools/measure_ica_tolerance.py`)."""

SETTINGS: dict[str, tuple[dict[str, Any], int]] = {
    "picard": ({"ortho": False, "extended": True, "check_fun": False, "tol": _GRADIENT_TOLERANCE}, 500),
    "infomax": ({"extended": True}, 500),
    "fastica": ({}, 1000),
}
"""Fit parameters and most iterations of each method. Extended: sub-Gaussian sources (line noise) are found as well."""


def fit_components(raw: "BaseRaw", *, method: ComponentMethod, rank: int, seed: int) -> tuple["ICA", bool]:
    """Decompose the good EEG channels into as many components as they have dimensions.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG, high-passed at 1 Hz, bad channels in ``info["bads"]``; stretches annotated as bad are left out.
    method : {"picard", "infomax", "fastica"}
        Extended infomax solved by Picard (Ablin 2018, doi:10.1109/TSP.2018.2844203) or by gradient steps, or FastICA.
    rank : int
        Number of components.
    seed : int
        Seed of the start.

    Returns
    -------
    ica : mne.preprocessing.ICA
        Fitted.
    converged : bool
        Whether the method reached its tolerance before its last iteration.
    """
    from mne.preprocessing import ICA

    settings, max_iter = SETTINGS[method]
    fit_params = settings | {"fun": _HyperbolicTangent()} if method == "picard" else settings
    ica = ICA(
        n_components=rank,
        method=method,
        fit_params=fit_params,
        max_iter=max_iter,
        random_state=seed % 2**32,
        verbose="WARNING",
    )
    with warnings.catch_warnings():
        # it is a hyperbolic tangent, which Picard knows by name only
        warnings.filterwarnings("ignore", message="Using a different density than tanh")
        # whether it converged is in the result
        warnings.filterwarnings("ignore", message="(Picard|FastICA) did not converge")
        ica.fit(raw, picks="eeg", reject_by_annotation=True, verbose="WARNING")
    # nothing beyond the rank may come back when components are removed
    ica.n_pca_components = rank
    return ica, bool(ica.n_iter_ < max_iter)


def label_probabilities(raw: "BaseRaw", ica: "ICA") -> NDArray[np.float64]:
    """Return ICLabel's probabilities, shape (components, 7), in the order of `LABELS`.

    Pion-Tonachini 2019, doi:10.1016/j.neuroimage.2019.05.026. Trained on 1-100 Hz, average reference.
    """
    from mne_icalabel.iclabel import iclabel_label_components

    eeg = raw if len(ica.ch_names) == len(raw.ch_names) else raw.copy().pick(ica.ch_names, verbose="WARNING")
    with warnings.catch_warnings():
        # a recording may be narrower than the range ICLabel was trained on; the effective low-pass is in the result
        warnings.filterwarnings("ignore", message="The provided Raw instance is not filtered between 1 and 100 Hz")
        # the method is in the result as well
        warnings.filterwarnings("ignore", message="The provided ICA instance was fitted with a .fastica. algorithm")
        return np.asarray(iclabel_label_components(eeg, ica, inplace=False, backend="onnx"), dtype=float)


def largest_correlation(raw: "BaseRaw", ica: "ICA", kind: Literal["eog", "ecg"]) -> NDArray[np.float64] | None:
    """Return how well each component follows the eye or heart channels.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG that was decomposed and, where recorded, channels of type EOG and ECG.
    ica : mne.preprocessing.ICA
        Fitted.
    kind : {"eog", "ecg"}
        Compared at 1-10 Hz (EOG) or 8-16 Hz (ECG).

    Returns
    -------
    correlations : ndarray, shape (components,) | None
        Largest absolute Pearson correlation over the good channels of that kind; None without such a channel.
    """
    kinds = raw.get_channel_types()
    channels = [
        name
        for name, found in zip(raw.ch_names, kinds, strict=True)
        if found == kind and name not in raw.info["bads"] and np.ptp(raw.get_data(picks=[name], verbose="WARNING")) > 0
    ]
    if not channels:
        return None
    # score_sources filters the whole recording; what it does not look at is left out
    low_hz, high_hz = {"eog": (1.0, 10.0), "ecg": (8.0, 16.0)}[kind]
    beside = raw.copy().pick([*ica.ch_names, *channels], verbose="WARNING")
    return np.max(
        [
            np.abs(ica.score_sources(beside, name, l_freq=low_hz, h_freq=high_hz, verbose="WARNING"))
            for name in channels
        ],
        axis=0,
    )
