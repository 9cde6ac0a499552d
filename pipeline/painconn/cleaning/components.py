"""Independent components: fit, label, remove.

The decomposition is extended-infomax ICA solved by Picard (Ablin 2018, doi:10.1109/TSP.2018.2844203), the labels are
those of ICLabel (Pion-Tonachini 2019, doi:10.1016/j.neuroimage.2019.05.026).
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mne.io import BaseRaw
    from mne.preprocessing import ICA

ComponentMethod = Literal["picard", "none"]

LABELS = ("brain", "muscle artifact", "eye blink", "heart beat", "line noise", "channel noise", "other")
"""ICLabel's classes, in the order of its output."""

REMOVED_LABELS = frozenset({"eye blink", "muscle artifact", "heart beat", "line noise"})
"""Classes that are removed; "other" and "channel noise" may hold brain signal and stay."""

MAX_ITERATIONS = 500


@dataclass(frozen=True, eq=False)
class Component:
    """One independent component and what was decided about it.

    Parameters
    ----------
    index : int
        Position in the decomposition.
    label : str
        ICLabel's most probable class.
    probability : float
        Its probability.
    removed : bool
        Whether the component was taken out of the data.
    weights : ndarray, shape (good_channels,)
        Its scalp map, in the order of the good channels.
    """

    index: int
    label: str
    probability: float
    removed: bool
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decomposition:
    """A fitted ICA with its labelled components.

    Parameters
    ----------
    ica : mne.preprocessing.ICA
        Fitted on the good channels at the rank.
    components : tuple of Component
        In the order of the decomposition.
    converged : bool
        Whether Picard reached its tolerance before its last iteration.
    """

    ica: "ICA"
    components: tuple[Component, ...]
    converged: bool

    @property
    def removed(self) -> list[int]:
        """Indices of the removed components."""
        return [component.index for component in self.components if component.removed]


def _fit(raw: "BaseRaw", *, rank: int, seed: int) -> "ICA":
    from mne.preprocessing import ICA

    ica = ICA(
        n_components=rank,
        method="picard",
        fit_params={"ortho": False, "extended": True},
        max_iter=MAX_ITERATIONS,
        random_state=seed % 2**32,
        verbose="WARNING",
    )
    with warnings.catch_warnings():
        # whether it converged is in the result
        warnings.filterwarnings("ignore", message="Picard did not converge")
        ica.fit(raw, picks="eeg", reject_by_annotation=True, verbose="WARNING")
    # nothing beyond the rank may come back when components are removed
    ica.n_pca_components = rank
    return ica


def _probabilities(raw: "BaseRaw", ica: "ICA") -> NDArray[np.float64]:
    from mne_icalabel.iclabel import iclabel_label_components

    with warnings.catch_warnings():
        # a recording may be narrower than the range ICLabel was trained on; the effective low-pass is in the result
        warnings.filterwarnings("ignore", message="The provided Raw instance is not filtered between 1 and 100 Hz")
        return np.asarray(iclabel_label_components(raw, ica, inplace=False, backend="onnx"), dtype=float)


def decompose(raw: "BaseRaw", *, rank: int, threshold: float, seed: int) -> Decomposition:
    """Fit ICA at the rank and decide which components are artefacts.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG, high-passed at 1 Hz, low-passed at 100 Hz or below, average reference, bad channels in ``info["bads"]``.
    rank : int
        Number of components.
    threshold : float
        Smallest probability at which an eye, muscle, heart or line component is removed.
    seed : int
        Seed of the start of the decomposition.

    Returns
    -------
    decomposition : Decomposition
        To be applied with :func:`remove_components`.
    """
    ica = _fit(raw, rank=rank, seed=seed)
    probabilities = _probabilities(raw, ica)
    maps = ica.get_components()
    components = []
    for index, row in enumerate(probabilities):
        label, probability = LABELS[int(row.argmax())], float(row.max())
        removed = label in REMOVED_LABELS and probability >= threshold
        components.append(Component(index, label, probability, removed, maps[:, index].copy()))
    return Decomposition(ica, tuple(components), bool(ica.n_iter_ < MAX_ITERATIONS))


def remove_components(raw: "BaseRaw", decomposition: Decomposition) -> "BaseRaw":
    """Return a copy without the removed components and without anything beyond the rank."""
    return decomposition.ica.apply(raw.copy(), exclude=decomposition.removed, verbose="WARNING")
