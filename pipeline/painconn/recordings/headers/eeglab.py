"""EEGLAB ``.set``, with the samples inside or in an ``.fdt`` beside it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from painconn.recordings.headers.matfile import Array, look_through
from painconn.recordings.headers.outline import (
    Companion,
    HeaderFault,
    Outline,
    check_size,
    checked_channels,
    checked_rate,
    checked_samples,
)

_FLOAT_BYTES = 4


def companions_of(path: Path) -> Iterator[Companion]:
    """Yield the file of samples, when they are not in the ``.set``."""
    samples = _samples_file(path, _fields(path))
    if samples is not None:
        yield Companion(samples.name, samples, "samples")


def outline_of(path: Path) -> Outline:
    """Return the outline of a continuous data set.

    Raises
    ------
    HeaderFault
        Also: it holds epochs.
    """
    outline = outline_of_epochs(path)
    if outline.n_epochs > 1:
        raise HeaderFault(
            f"{outline.n_epochs} epochs",
            "a continuous recording",
            "for epochs already cut: end its name in -epo.set and use layout: epochs",
        )
    return Outline(outline.n_channels, outline.n_samples, outline.sfreq_hz)


def outline_of_epochs(path: Path) -> Outline:
    """Return the outline of a data set of epochs."""
    fields = _fields(path)
    n_channels = checked_channels(_whole(fields, "nbchan"), "nbchan")
    n_samples = checked_samples(_whole(fields, "pnts"), "pnts")
    n_epochs = checked_samples(_whole(fields, "trials") if "trials" in fields else 1, "trials")
    sfreq_hz = checked_rate(_number(fields, "srate"), "srate")
    _check_duration(fields, n_samples, sfreq_hz)
    _check_labels(fields, n_channels)
    samples = _samples_file(path, fields)
    if samples is None:
        shape = tuple(size for size in fields["data"].shape if size > 1)
        if fields["data"].kind != "number":
            raise HeaderFault("data that are no numbers", "a matrix, or the name of the .fdt")
        if shape != tuple(size for size in (n_channels, n_samples, n_epochs) if size > 1):
            found = " x ".join(map(str, fields["data"].shape))
            raise HeaderFault(f"data of {found}", f"{n_channels} channels x {n_samples} samples x {n_epochs}")
    else:
        frame = _FLOAT_BYTES * n_channels
        check_size(samples.stat().st_size, frame * n_samples * n_epochs, frame, sfreq_hz)
    return Outline(n_channels, n_samples, sfreq_hz, n_epochs)


def _fields(path: Path) -> Mapping[str, Array]:
    variables = look_through(path)
    if "EEG" in variables:
        nested = variables["EEG"].fields
        if nested is None:
            raise HeaderFault("EEG that is no single data set", "one data set in one file")
        return nested
    if "data" not in variables:
        raise HeaderFault("no EEG structure", "a data set saved by EEGLAB")
    return variables


def _samples_file(path: Path, fields: Mapping[str, Array]) -> Path | None:
    """Return the ``.fdt`` as the reader finds it: by the name in ``data``, else by that of the ``.set``."""
    data = fields.get("data")
    if data is None:
        raise HeaderFault("no field data", "a data set saved by EEGLAB")
    if data.kind != "text":
        return None
    name = str(data.value or "")
    if not name.lower().endswith(".fdt"):
        raise HeaderFault(
            "data that name no .fdt", "samples, or the name of an .fdt", "load it in EEGLAB and save it again"
        )
    named = path.parent / name
    beside = path.with_suffix(".fdt")
    return beside if not named.exists() and beside.exists() else named


def _whole(fields: Mapping[str, Array], name: str) -> int:
    value = _number(fields, name)
    if value != int(value):
        raise HeaderFault(f"{name} is not a whole number", "a whole number")
    return int(value)


def _number(fields: Mapping[str, Array], name: str) -> float:
    array = fields.get(name)
    if array is None or not isinstance(array.value, float) or not abs(array.value) < 1e15:
        raise HeaderFault(f"{name} is not a number", "a finite number")
    return array.value


def _check_duration(fields: Mapping[str, Array], n_samples: int, sfreq_hz: float) -> None:
    """Compare first and last time (seconds), where both are stated, with samples and rate."""
    limits = [fields[name].value for name in ("xmin", "xmax") if name in fields]
    first, last = limits if len(limits) == 2 else (None, None)
    if not (isinstance(first, float) and isinstance(last, float) and first < last):
        return
    if abs((last - first) * sfreq_hz + 1 - n_samples) > max(1.0, 1e-4 * n_samples):
        raise HeaderFault(
            f"{(last - first):.3f} s by xmin and xmax",
            f"{(n_samples - 1) / sfreq_hz:.3f} s by pnts and srate",
            "load it in EEGLAB (eeg_checkset) and save it again",
        )


def _check_labels(fields: Mapping[str, Array], n_channels: int) -> None:
    places = fields.get("chanlocs")
    if places is None or places.size == 0:
        return
    n_places = places.size
    if places.kind == "struct" and places.fields is not None and "labels" in places.fields:
        # One structure of columns, as some exporters write it.
        n_places = max(places.fields["labels"].size if places.fields["labels"].kind != "text" else 1, 1)
    if n_places != n_channels:
        raise HeaderFault(f"{n_places} chanlocs", f"{n_channels} for nbchan {n_channels}")
