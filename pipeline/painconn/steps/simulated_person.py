"""One simulated person in memory: from the signals at the electrodes to feature rows, as a study analyses its own.

Filters, reference, kernels, connectivity and blocks are those of a run. What is not done is what needs artefacts to
mean something: no channel, component or epoch is taken out.
"""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painconn.cleaning.epochs import remove_evoked, samples_of
from painconn.cleaning.signal import effective_lowpass
from painconn.config.data import Condition
from painconn.config.study import StudyConfig
from painconn.cortex.forward import make_forward
from painconn.cortex.head import build_head
from painconn.cortex.lead_field import lead_field
from painconn.cortex.montage import place_electrodes
from painconn.cortex.parcellations import parcellation_of
from painconn.cortex.template import write_subject
from painconn.features.rows import Continuous, ObservationFeatures
from painconn.steps.kernels import BandKernel, SourceSpace, make_kernels

Signals = NDArray[np.float64]
Span = tuple[float, float]


@dataclass(frozen=True)
class Timing:
    """Where the conditions of a study lie in a recording.

    Attributes
    ----------
    spans_s : mapping of str to (float, float)
        Start and end of each condition of rest.
    onsets_s : mapping of str to array, shape (events,)
        Times of the events of each condition of events.
    """

    spans_s: Mapping[str, Span]
    onsets_s: Mapping[str, Signals]


@dataclass(frozen=True)
class Line:
    """The analysis of a study, with its head solved for one montage.

    Attributes
    ----------
    study : StudyConfig
        Only the measures and inverses that are wanted are among its own.
    space : SourceSpace
        Sources, regions and lead field of the channels, in their order.
    """

    study: StudyConfig
    space: SourceSpace

    @property
    def channels(self) -> tuple[str, ...]:
        """Return the channels, in the order of the data."""
        return self.space.field.channel_names

    @property
    def lowpass_hz(self) -> float:
        """Return the low-pass that clean data of this study have."""
        cleaning = self.study.cleaning
        stated = [one.recording_lowpass_hz for one in self.study.data.sources if one.recording_lowpass_hz]
        return effective_lowpass(
            h_freq_hz=cleaning.h_freq_hz, sfreq_hz=cleaning.sfreq_hz, recording_lowpass_hz=min(stated, default=None)
        )


def make_line(
    study: StudyConfig, channels: Collection[str], *, measures: Collection[str], inverses: Collection[str]
) -> Line:
    """Solve the bundled head of a study for electrodes at template positions.

    Parameters
    ----------
    study : StudyConfig
        The study; every other setting of it stays.
    channels : collection of str
        Names of the 10-05 system, in the order of the data.
    measures, inverses : collection of str
        Those of the study that are wanted.

    Returns
    -------
    line : Line
    """
    connectivity = study.connectivity.model_copy(update={"measures": tuple(measures), "n_surrogates": 0})
    cortex = study.cortex.model_copy(update={"inverses": tuple(inverses)})
    features = study.features.model_copy(update={"groups": study.groups, "graph_measures": ()})
    with tempfile.TemporaryDirectory() as folder:
        write_subject(Path(folder))
        head = build_head(
            Path(folder), conductivity_s_per_m=cortex.conductivity_s_per_m, source_spacing=cortex.source_spacing
        )
    field = lead_field(make_forward(head, place_electrodes(channels)))
    space = SourceSpace(field, parcellation_of(cortex.parcellation), None, {"kind": "bundled"})
    changed = {"connectivity": connectivity, "cortex": cortex, "features": features}
    return Line(study.model_copy(update=changed), space)


def person_rows(
    line: Line, data_v: Signals, timing: Timing, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], ObservationFeatures]:
    """Analyse one person's recording.

    Parameters
    ----------
    line : Line
        How.
    data_v : array, shape (channels, times)
        Volts, at the rate of the study (``cleaning.sfreq_hz``), without artefacts; any reference.
    timing : Timing
        Where the conditions are; all of them give the kernels, as in a run.
    wanted : collection of (condition, window)
        Observations to return.

    Returns
    -------
    rows : dict of (condition, window) to ObservationFeatures
        Columns of the table, and of its halves.
    """
    study = line.study
    sfreq_hz = study.cleaning.sfreq_hz
    clean = _filtered(data_v, line)
    observations = _observations(clean, study, timing)
    kernels = make_kernels(
        line.space,
        observations,
        {"cortex": study.cortex.model_dump(mode="json"), "connectivity": study.connectivity.model_dump(mode="json")},
        {"rank": {"used": len(clean) - 1}, "sfreq_hz": sfreq_hz, "lowpass_hz": line.lowpass_hz},
    )
    regions = line.space.parcellation.region_names
    rows = {}
    for condition, window in wanted:
        settings = study.data.conditions[condition]
        row = ObservationFeatures(
            study.connectivity,
            study.features,
            sfreq_hz=sfreq_hz,
            highest_hz=line.lowpass_hz,
            channels=line.channels,
            epoch_overlap=study.cleaning.epoch_overlap if settings.kind == "rest" else 0.0,
        )
        data = observations[condition, window]
        for inverse, own in kernels.items():
            for made in own:
                row.add_regions(inverse, regions, made.regions(data), bands=made.bands)
                if made.kernel.n_components > 1:
                    row.add_components(inverse, regions, made.components(data), bands=made.bands)
                segments = _continuous(made, clean, study, settings, timing.spans_s.get(condition))
                row.add_continuous(inverse, regions, segments, bands=made.bands)
        rows[condition, window] = row
    return rows


def _filtered(data_v: Signals, line: Line) -> Signals:
    """Return the data as cleaning leaves them: high-pass, low-pass, average reference."""
    from mne.filter import filter_data

    cleaning = line.study.cleaning
    passed = filter_data(data_v, cleaning.sfreq_hz, cleaning.l_freq_hz, line.lowpass_hz, verbose="error")
    return np.asarray(passed - passed.mean(axis=0))


def _observations(clean: Signals, study: StudyConfig, timing: Timing) -> dict[tuple[str, str], Signals]:
    """Cut the epochs of every condition, (epochs, channels, times)."""
    sfreq_hz, found = study.cleaning.sfreq_hz, {}
    for name, condition in study.data.conditions.items():
        if condition.kind == "rest":
            length = round(study.cleaning.epoch_length_s * sfreq_hz)
            step = max(1, round((1 - study.cleaning.epoch_overlap) * length))
            first = round(timing.spans_s[name][0] * sfreq_hz)
            found[name, "epoch"] = _cut(clean, first + step * np.arange(condition.n_epochs), length)
            continue
        length = samples_of(condition.window_s[1] - condition.window_s[0], sfreq_hz=sfreq_hz)
        onsets = np.round(timing.onsets_s[name][: condition.n_epochs] * sfreq_hz).astype(int)
        for window, starts in (("pre", onsets - length), ("post", onsets + round(condition.window_s[0] * sfreq_hz))):
            found[name, f"{window}_evoked"] = _cut(clean, starts, length)
            found[name, window] = remove_evoked(found[name, f"{window}_evoked"])
    return found


def _cut(clean: Signals, starts: NDArray[np.intp], length: int) -> Signals:
    return np.stack([clean[:, start : start + length] for start in starts])


def _continuous(
    made: BandKernel, clean: Signals, study: StudyConfig, condition: Condition, span_s: Span | None
) -> Continuous | str:
    if span_s is None or not condition.n_segments:
        return "this condition has no continuous segments"
    sfreq_hz = study.cleaning.sfreq_hz
    first, length = round(span_s[0] * sfreq_hz), round(study.cleaning.segment_length_s * sfreq_hz)
    spans = [[first + number * length, first + (number + 1) * length] for number in range(condition.n_segments)]
    return lambda: [(made.regions(clean), spans)]
