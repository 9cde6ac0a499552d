"""What the connect step saves of a session: matrices with a record each, the table of regions, the feature rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.config.connectivity import ConnectivityConfig
from painconn.connectivity.definition import ALWAYS_DOUBLE
from painconn.connectivity.estimate import Connectivity, Key
from painconn.connectivity.registry import MEASURES
from painconn.connectivity.surrogates import SurrogateFloor, SurrogateKind
from painconn.features.names import join
from painconn.store import MISSING, Writer, write_arrays

CONVENTIONS = {
    "orientation": "row leads column (directed and antisymmetric measures)",
    "unit": "1",
    "missing": "NaN: the diagonal, and what was not computable",
    "coordinates": "mm, surface RAS of fsaverage (equal to MNI305)",
}
SURROGATES: SurrogateKind = "shift_epochs"
Point = tuple[float, float, float]

_REGION_COLUMNS = ("index", "name", "hemisphere", "x_mm", "y_mm", "z_mm")

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Floors:
    """Surrogate floors of the matrices of an estimate, and the seed they come from."""

    values: Mapping[Key, SurrogateFloor]
    seed: int


def matrix_records(
    settings: ConnectivityConfig,
    estimate: Connectivity,
    floors: Floors | None,
    *,
    condition: str,
    window: str,
    inverse: str,
) -> tuple[list[dict[str, Any]], Arrays]:
    """Describe every matrix of an estimate, missing ones with the reason.

    Parameters
    ----------
    settings : ConnectivityConfig
        What was asked for.
    estimate : Connectivity
        What was found.
    floors : Floors | None
        Where surrogates were asked for.
    condition, window, inverse : str
        Where it belongs.

    Returns
    -------
    records : list of dict
        JSON types; ``array`` names the array, null where it is missing.
    arrays : dict of str to array
    """
    records, arrays = [], {}
    for measure in settings.measures_of(estimate.estimator):
        for band, band_hz in settings.bands_hz.items():
            name = join(condition, window, measure, inverse, band)
            matrix = estimate.matrices.get((measure, band))
            floor = floors.values.get((measure, band)) if floors else None
            if matrix is not None:
                arrays[name] = np.asarray(matrix)
            if floor is not None:
                arrays |= {join(name, "surrogate_mean"): floor.mean, join(name, "surrogate_q95"): floor.q95}
            records.append(
                {
                    "array": None if matrix is None else name,
                    "measure": measure,
                    "band": band,
                    "band_hz": list(band_hz),
                    "condition": condition,
                    "window": window,
                    "inverse": inverse,
                    "kind": MEASURES[measure].kind,
                    "value_range": list(MEASURES[measure].value_range),
                    "estimator": estimate.estimator,
                    "n_epochs": estimate.n_epochs,
                    "epoch_length_s": estimate.epoch_length_s,
                    "precision": "float64" if MEASURES[measure].takes in ALWAYS_DOUBLE else settings.precision,
                    "shrinkage": estimate.shrinkage.get(band) if MEASURES[measure].takes == "cross" else None,
                    "gates": dict(zip(("min_epochs", "min_cycles"), settings.gates_of(measure), strict=True)),
                    "unscored_pairs": [list(pair) for pair in estimate.unscored_pairs.get((measure, band), ())],
                    "reason": estimate.not_computable.get((measure, band)),
                    "surrogates": _surrogates(name, floors.seed, floor) if floors and floor else None,
                    **_spectra(settings, estimate, band),
                }
            )
    return records, arrays


def _spectra(settings: ConnectivityConfig, estimate: Connectivity, band: str) -> dict[str, Any]:
    """Say what smooths a matrix in frequency: the spectra over epochs, a band-pass over time."""
    over_epochs = estimate.estimator == "over_epochs"
    return {
        "spectra": settings.spectra if over_epochs else "band-pass",
        "half_bandwidth_hz": estimate.smoothing_hz.get(band),
        "n_tapers": estimate.n_tapers,
        "n_cycles": settings.n_cycles if over_epochs and settings.spectra == "morlet" else None,
    }


def _surrogates(name: str, seed: int, floor: SurrogateFloor) -> dict[str, Any]:
    return {
        "kind": SURROGATES,
        "n": floor.n_surrogates,
        "seed": seed,
        "of_magnitude": floor.of_magnitude,
        "mean": join(name, "surrogate_mean"),
        "q95": join(name, "surrogate_q95"),
        "without_bound": floor.without_bound,
    }


def connectivity_writers(
    sidecar: Path, arrays: Arrays, regions: Sequence[str], centroids: Mapping[str, Point]
) -> tuple[dict[str, str], dict[str, Writer]]:
    """Return the names of the files of a session, for its record, and their writers.

    Parameters
    ----------
    sidecar : Path
        The record's own file.
    arrays : mapping of str to array
    regions : sequence of str
        Region of every row and column.
    centroids : mapping of str to (x, y, z)
        A point per region for figures, in mm, MNI305; a region without one has none in the table.
    """
    values = sidecar.with_suffix(".npz").name
    table = sidecar.name.replace("_relmat.json", "_regions.tsv")
    writers: dict[str, Writer] = {
        values: partial(_save_arrays, arrays),
        table: partial(_save_regions, regions, centroids),
    }
    return {"values": values, "region_table": table}, writers


def feature_writer(
    rows: Sequence[Mapping[str, float]],
    halves: Sequence[tuple[Mapping[str, float], Mapping[str, float]]],
    spectra_db: Sequence[NDArray[np.float64]],
    freqs_hz: NDArray[np.float64],
) -> Writer:
    """Return the writer of the feature rows of a session.

    Parameters
    ----------
    rows : sequence of mapping
        Columns of each observation, the same for all.
    halves : sequence of two mappings
        Connectivity columns of each observation, from every other epoch.
    spectra_db : sequence of array, shape (frequencies,)
        Sensor spectrum of each observation.
    freqs_hz : array, shape (frequencies,)
    """
    names = list(rows[0])
    arrays = {
        "columns": np.array(names),
        "values": np.array([[row[name] for name in names] for row in rows]),
        "halves": np.array([[[one[half].get(name, np.nan) for name in names] for one in halves] for half in (0, 1)]),
        "spectra_db": np.array(spectra_db),
        "spectra_freqs_hz": freqs_hz,
    }
    return partial(_save_arrays, arrays)


def _save_arrays(arrays: Arrays, path: Path) -> None:
    write_arrays(path, arrays)


def _save_regions(regions: Sequence[str], centroids: Mapping[str, Point], path: Path) -> None:
    """Write the region of every row and column, with a point for figures."""
    lines = ["\t".join(_REGION_COLUMNS)]
    for index, name in enumerate(regions):
        hemisphere = {"lh": "L", "rh": "R"}.get(name.rpartition("-")[2], MISSING)
        point = [f"{value:.2f}" for value in centroids[name]] if name in centroids else [MISSING] * 3
        lines.append("\t".join([str(index), name, hemisphere, *point]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
