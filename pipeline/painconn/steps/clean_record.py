"""The record of a cleaned session: every decision and number that a page or a table needs later."""

from typing import Any

import numpy as np

from painconn.cleaning.components import Component, Decomposition
from painconn.cleaning.quality import recording_quality
from painconn.cleaning.segments import bad_stretches
from painconn.cleaning.session import CleanedSession
from painconn.config.cleaning import CleaningConfig

_MAP_DECIMALS = 4


def session_record(cleaned: CleanedSession, cleaning: CleaningConfig) -> dict[str, Any]:
    """Return what was found and done in a session, for its sidecar.

    Parameters
    ----------
    cleaned : CleanedSession
        From :func:`painconn.cleaning.session.clean_session`.
    cleaning : CleaningConfig
        What was asked for.
    """
    return {
        "bads": {name: list(reasons) for name, reasons in cleaned.bads.items()},
        "good_channels": list(cleaned.good_channels),
        "rank": {
            "used": cleaned.rank.final,
            "tracked": cleaned.rank.tracked,
            "data": cleaned.rank.data,
            "components_removed": cleaned.rank.n_removed,
        },
        "line_noise": {"method": cleaning.line_noise, "components_removed": _line_components(cleaned)},
        "reference": {"method": cleaning.reference, "channels": list(cleaning.mastoids)},
        "components": [_component(component) for component in cleaned.components],
        "ica": _ica(cleaned.decomposition, cleaning),
        "lowpass_hz": cleaned.lowpass_hz,
        "sfreq_hz": cleaned.sfreq_hz,
        "line_freq_hz": cleaned.line_freq_hz,
        "duration_s": {name: raw.n_times / float(raw.info["sfreq"]) for name, raw in cleaned.raws.items()},
        "stretches": {
            name: [[round(onset_s, 3), round(duration_s, 3), why] for onset_s, duration_s, why in bad_stretches(raw)]
            for name, raw in cleaned.raws.items()
        },
        "quality": {name: _json_numbers(recording_quality(cleaned, name)) for name in cleaned.raws},
        "spectra": {
            name: {
                "freqs_hz": cleaned.before[name].freqs_hz.tolist(),
                "before_db": cleaned.before[name].psd_db.tolist(),
                "after_freqs_hz": cleaned.after[name].freqs_hz.tolist(),
                "after_db": cleaned.after[name].psd_db.tolist(),
            }
            for name in cleaned.raws
        },
    }


def _line_components(cleaned: CleanedSession) -> dict[str, dict[str, list[int]]]:
    """Return, per recording and frequency, the number of directions in each chunk of time."""
    return {
        name: {f"{freq_hz:g}": list(counts) for freq_hz, counts in found.items()}
        for name, found in cleaned.line_components.items()
        if found
    }


def _component(component: Component) -> dict[str, Any]:
    # A map means something up to its size only.
    weights = component.weights / np.abs(component.weights).max()
    return {
        "index": component.index,
        "label": component.label,
        "probability": component.probability,
        "removed": component.removed,
        "reasons": list(component.reasons),
        "eog_correlation": component.eog_correlation,
        "ecg_correlation": component.ecg_correlation,
        "similarity": component.similarity,
        "runs_removed": component.runs_removed,
        "weights": np.round(weights, _MAP_DECIMALS).tolist(),
    }


def _ica(decomposition: Decomposition | None, cleaning: CleaningConfig) -> dict[str, Any] | None:
    if decomposition is None:
        return None
    return {
        "method": cleaning.ica,
        "converged": decomposition.converged,
        "fingerprint": decomposition.fingerprint,
        "n_repetitions": cleaning.ica_repetitions,
        "run": decomposition.run,
        "similarity_by_run": list(decomposition.similarity_by_run),
        "removed_by_run": list(decomposition.removed_by_run),
    }


def _json_numbers(values: dict[str, float]) -> dict[str, float | None]:
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
