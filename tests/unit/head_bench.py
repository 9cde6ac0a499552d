"""The bundled head and its lead fields, solved once for all tests of a process."""

import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import mne
import numpy as np

from painconn.cortex.forward import make_forward
from painconn.cortex.head import Head, build_head
from painconn.cortex.lead_field import LeadField, lead_field
from painconn.cortex.montage import place_electrodes
from painconn.cortex.template import write_subject

TEN_TWENTY = tuple(
    name for name in mne.channels.make_standard_montage("fsaverage_1020").ch_names if name not in ("Fpz", "Oz")
)
MONTAGES = {
    19: TEN_TWENTY,
    32: tuple(mne.channels.make_standard_montage("biosemi32").ch_names),
    64: tuple(mne.channels.make_standard_montage("biosemi64").ch_names),
}


class Bundled(NamedTuple):
    """The head, and MNE-Python's labels of its Desikan-Killiany regions by name."""

    head: Head
    labels: dict[str, mne.Label]


@cache
def bundled() -> Bundled:
    with tempfile.TemporaryDirectory() as folder:
        subject = write_subject(Path(folder))
        labels = mne.read_labels_from_annot(subject, "aparc", subjects_dir=folder, verbose="error")
        return Bundled(build_head(Path(folder)), {label.name: label for label in labels})


@cache
def forward_of(n_channels: int) -> mne.Forward:
    return make_forward(bundled().head, place_electrodes(MONTAGES[n_channels]))


@cache
def field_of(n_channels: int) -> LeadField:
    return lead_field(forward_of(n_channels))


@cache
def source_places_m() -> np.ndarray:
    """Return where the sources are, (sources, 3), in MRI coordinates."""
    return np.concatenate([space["rr"][space["vertno"]] for space in bundled().head.sources])


def covariance_of(data: np.ndarray) -> np.ndarray:
    referenced = data - data.mean(axis=0)
    return referenced @ referenced.T / referenced.shape[1]


def mixed_noise(rng: np.random.Generator, channels: int, samples: int = 4000) -> np.ndarray:
    return rng.normal(size=(channels, channels)) @ rng.normal(size=(channels, samples)) * 1e-6
