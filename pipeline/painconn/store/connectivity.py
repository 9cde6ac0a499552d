"""Saved connectivity, read back with everything needed to understand it, for other tools."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from painconn.errors import InputError, Problem
from painconn.store.files import read_arrays, read_result, read_tsv

if TYPE_CHECKING:
    import mne_connectivity
    import xarray

_LABELS = ("condition", "window", "inverse", "measure", "band")
_FACTS = ("n_epochs", "epoch_length_s", "half_bandwidth_hz", "n_tapers")
_SHAPED = ("array", "band_hz", "value_range", "unscored_pairs")
_COMPUTED = ("spectra", "precision")
_UNIT, _ORIENTATION = "1", "row leads column"

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """A row and column of the matrices.

    Attributes
    ----------
    name : str
    hemisphere : str | None
        ``L`` or ``R``.
    position_mm : tuple of float | None
        x, y, z in surface RAS of fsaverage, which equals MNI305.
    """

    name: str
    hemisphere: str | None
    position_mm: tuple[float, float, float] | None


@dataclass(frozen=True)
class SavedMatrix:
    """One matrix and what it was estimated from.

    Attributes
    ----------
    measure, band, condition, window, inverse : str
        Which one.
    kind : str
        ``symmetric``, ``antisymmetric`` or ``directed``; the row leads the column.
    estimator : {'over_epochs', 'over_time'}
        What the samples were: epochs, or the time points of contiguous segments.
    band_hz, value_range : tuple of float
        Half-open band; possible values, None where there is no bound. Values have no unit.
    n_epochs, epoch_length_s : int, float
        Epochs (or segments) and their length.
    spectra, precision : str
        How it was computed.
    half_bandwidth_hz, n_tapers, n_cycles : float | int | None
        Smoothing in frequency; None where there is none of the kind.
    shrinkage : float | None
        How far a partial measure was shrunk; it depends on all regions.
    gates : dict
        ``min_epochs`` and ``min_cycles`` that it was held to.
    unscored_pairs : tuple of (int, int)
        Pairs (row > column) without a value: so alike that the measure has nothing to tell apart.
    values : array, shape (regions, regions) | None
        NaN on the diagonal and where a region or pair could not be scored; None when the matrix was not computable.
    reason : str | None
        Why it was not.
    surrogate_mean, surrogate_q95 : array, shape (regions, regions) | None
        Floor over surrogates, of the magnitude for antisymmetric measures.
    surrogates : dict | None
        Kind, number and seed of the surrogates, and why edges are without a bound.
    """

    measure: str
    band: str
    condition: str
    window: str
    inverse: str
    kind: str
    estimator: str
    band_hz: tuple[float, float]
    value_range: tuple[float | None, float | None]
    n_epochs: int
    epoch_length_s: float
    spectra: str
    precision: str
    half_bandwidth_hz: float | None
    n_tapers: int | None
    n_cycles: float | None
    shrinkage: float | None
    gates: Mapping[str, float]
    unscored_pairs: tuple[tuple[int, int], ...]
    values: Matrix | None
    reason: str | None
    surrogate_mean: Matrix | None
    surrogate_q95: Matrix | None
    surrogates: Mapping[str, Any] | None

    @property
    def low_hz(self) -> float:
        """Lower edge of the band."""
        return self.band_hz[0]

    @property
    def high_hz(self) -> float:
        """Upper edge of the band, not in it."""
        return self.band_hz[1]

    @property
    def label(self) -> str:
        """Condition, window, inverse, measure and band in one text."""
        return "/".join(getattr(self, name) for name in _LABELS)

    def computed(self) -> Matrix:
        """Return the values.

        Raises
        ------
        InputError
            When the matrix was not computable; the message says why.
        """
        if self.values is None:
            raise InputError(Problem(self.label, f"not computable: {self.reason}", "a matrix", "choose another one"))
        return self.values


@dataclass(frozen=True)
class SavedConnectivity:
    """The matrices of a session.

    Attributes
    ----------
    participant, session, site : str
    regions : tuple of Region
        In the order of rows and columns.
    matrices : tuple of SavedMatrix
        Also those that were not computable.
    """

    participant: str
    session: str
    site: str
    regions: tuple[Region, ...]
    matrices: tuple[SavedMatrix, ...]

    def select(self, **labels: str) -> "SavedConnectivity":
        """Return the matrices with these labels: any of condition, window, inverse, measure and band.

        Raises
        ------
        InputError
            When there is none, or no such label; the message names those that there are.
        """
        unknown = [name for name in labels if name not in _LABELS]
        if unknown:
            raise InputError(
                Problem("connectivity", f"unknown label {', '.join(unknown)}", ", ".join(_LABELS), "choose among these")
            )
        chosen = [each for each in self.matrices if all(getattr(each, name) == labels[name] for name in labels)]
        if not chosen:
            wanted = ", ".join(f"{name} {value}" for name, value in labels.items())
            there = "; ".join(f"{name}: {', '.join(self._distinct(name))}" for name in _LABELS)
            raise InputError(Problem("connectivity", f"no matrix of {wanted}", there, "choose among these"))
        return replace(self, matrices=tuple(chosen))

    def _distinct(self, label: str) -> list[str]:
        return list(dict.fromkeys(getattr(each, label) for each in self.matrices))

    def one(self) -> SavedMatrix:
        """Return the matrix when there is one; several are an :class:`InputError` that says what to select by."""
        if len(self.matrices) != 1:
            several = ", ".join(f"{name} ({', '.join(self._distinct(name))})" for name in _LABELS)
            raise InputError(Problem("connectivity", f"{len(self.matrices)} matrices", "one", f"select by {several}"))
        return self.matrices[0]

    def to_mne(self) -> "mne_connectivity.Connectivity":
        """Return the one selected matrix as MNE-Connectivity holds it.

        Returns
        -------
        connectivity : mne_connectivity.Connectivity
            Whole (``indices="all"``): ``get_data("dense")[i, j]`` is the value of row ``i`` and column ``j``, the row
            being the seed as in MNE-Connectivity; its own results leave the upper triangle 0, this one does not.

        Raises
        ------
        InputError
            When there are several matrices, or it was not computable.
        """
        from mne_connectivity import Connectivity

        matrix = self.one()
        about = {name: getattr(matrix, name) for name in (*_LABELS, "estimator", "band_hz", *_COMPUTED)}
        return Connectivity(
            matrix.computed().ravel(),
            n_nodes=len(self.regions),
            names=[region.name for region in self.regions],
            indices="all",
            method=matrix.measure,
            n_epochs_used=matrix.n_epochs,
            **about,
        )

    def to_xarray(self) -> "xarray.DataArray":
        """Return all matrices as one labelled array.

        Returns
        -------
        connectivity : xarray.DataArray
            Dimensions ``observation`` (with coordinates condition and window), ``inverse``, ``measure`` (estimator,
            kind), ``band`` (low_hz, high_hz), ``region_row`` and ``region_column``; coordinates ``n_epochs``,
            ``epoch_length_s``, ``half_bandwidth_hz``, ``n_tapers`` and ``reason`` for every matrix. NaN where not
            computable.
        """
        import xarray

        observations = list(dict.fromkeys((each.condition, each.window) for each in self.matrices))
        axes = {name: self._distinct(name) for name in ("inverse", "measure", "band")}
        shape = (len(observations), *(len(axis) for axis in axes.values()))
        values = np.full((*shape, len(self.regions), len(self.regions)), np.nan)
        facts = {name: np.full(shape, np.nan) for name in _FACTS}
        reasons = np.full(shape, "", dtype=object)
        for each in self.matrices:
            place = (
                observations.index((each.condition, each.window)),
                *(axis.index(getattr(each, name)) for name, axis in axes.items()),
            )
            values[place] = np.nan if each.values is None else each.values
            for name, array in facts.items():
                array[place] = getattr(each, name) if getattr(each, name) is not None else np.nan
            reasons[place] = each.reason or ""
        dims = ("observation", *axes)
        names = [region.name for region in self.regions]
        coordinates = {name: (dims, array) for name, array in {**facts, "reason": reasons.astype(str)}.items()}
        about = {name: getattr(self, name) for name in ("participant", "session", "site")}
        about |= {name: ", ".join(self._distinct(name)) for name in _COMPUTED}
        return xarray.DataArray(
            values,
            dims=(*dims, "region_row", "region_column"),
            coords={
                "observation": ["/".join(pair) for pair in observations],
                "condition": ("observation", [condition for condition, _ in observations]),
                "window": ("observation", [window for _, window in observations]),
                **axes,
                **self._described("measure", axes["measure"], ("estimator", "kind")),
                **self._described("band", axes["band"], ("low_hz", "high_hz")),
                "region_row": names,
                "region_column": names,
                **coordinates,
            },
            name="connectivity",
            attrs={"units": _UNIT, "orientation": _ORIENTATION, **about},
        )

    def _described(self, label: str, values: list[str], names: tuple[str, ...]) -> dict[str, tuple[str, list[Any]]]:
        """Return further coordinates along the dimension of a label."""
        first = {getattr(each, label): each for each in reversed(self.matrices)}
        return {name: (label, [getattr(first[value], name) for value in values]) for name in names}


def read_connectivity(sidecar: Path, **labels: str) -> SavedConnectivity:
    """Read the connectivity of a session, its files verified.

    Parameters
    ----------
    sidecar : Path
        ``*_desc-connectivity_relmat.json`` below ``derivatives/connectivity/``.
    **labels : str
        Only the matrices with these labels; see :meth:`SavedConnectivity.select`.

    Returns
    -------
    connectivity : SavedConnectivity

    Raises
    ------
    IntegrityError
        When a file is missing or is not the one that the sidecar names.
    InputError
        When the session was excluded, or no matrix has the labels.
    """
    record = read_result(sidecar)
    if record["status"] != "ok":
        reasons = "; ".join(row["found"] for row in record["exclusions"])
        raise InputError(Problem(str(sidecar), f"excluded: {reasons}", "a session in use", "choose another session"))
    arrays = read_arrays(sidecar.with_name(record["values"]))
    table = read_tsv(sidecar.with_name(record["region_table"]))
    return SavedConnectivity(
        record["participant"],
        record["session"],
        record["site"],
        tuple(_region(row) for row in table.to_dict("records")),
        tuple(_matrix(one, arrays) for one in record["matrices"]),
    ).select(**labels)


def _region(row: Mapping[Any, Any]) -> Region:
    point = [float(row[axis]) for axis in ("x_mm", "y_mm", "z_mm")]
    return Region(
        row["name"],
        row["hemisphere"] if isinstance(row["hemisphere"], str) else None,
        (point[0], point[1], point[2]) if np.isfinite(point).all() else None,
    )


def _matrix(record: Mapping[str, Any], arrays: Mapping[str, Matrix]) -> SavedMatrix:
    facts = {name: value for name, value in record.items() if name not in _SHAPED}
    surrogates = record["surrogates"]
    return SavedMatrix(
        **facts,
        band_hz=_pair(record["band_hz"]),
        value_range=_pair(record["value_range"]),
        unscored_pairs=tuple(_pair(pair) for pair in record["unscored_pairs"]),
        values=None if record["array"] is None else arrays[record["array"]],
        surrogate_mean=None if surrogates is None else arrays[surrogates["mean"]],
        surrogate_q95=None if surrogates is None else arrays[surrogates["q95"]],
    )


def _pair(values: Sequence[Any]) -> tuple[Any, Any]:
    first, second = values
    return first, second
