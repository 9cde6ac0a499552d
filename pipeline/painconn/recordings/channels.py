"""Channels as the study wants them: stripped, renamed, typed, dropped — by name, never by position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from painconn.config.data import Source
from painconn.errors import Problem, RecordingFault
from painconn.recordings.sidecars import Sidecars

_VOLTS = {"v": "V", "volt": "V", "volts": "V"} | {
    f"{prefix}{unit}": symbol
    for symbol, prefixes in (("mV", ("m", "milli")), ("µV", ("u", "micro")), ("nV", ("n", "nano")))
    for prefix in prefixes
    for unit in ("v", "volt", "volts")
}

_KEPT_KINDS = frozenset({"eeg", "eog", "ecg", "emg", "stim"})


@dataclass(frozen=True)
class Channel:
    """One channel that is kept.

    Parameters
    ----------
    index : int
        Position in the file.
    original, name : str
        Name in the file, and in the study.
    kind : str
        eeg, eog, ecg, emg, stim or misc.
    bad : bool
        Marked bad by the sidecar.
    """

    index: int
    original: str
    name: str
    kind: str
    bad: bool


def voltage_unit(text: str) -> str | None:
    """Return which of V, mV, µV and nV a text means (``uV``, ``microV``, ``µV``), or None."""
    # Both signs that look like a small mu are in use.
    return _VOLTS.get(text.strip().casefold().replace("\u03bc", "u").replace("\u00b5", "u"))


def units_of(stated: Mapping[str, str] | None, channels: Sequence[Channel]) -> dict[str, str]:
    """Return the unit that a file states for its channels, by the study's names; those not understood are left out.

    Parameters
    ----------
    stated : mapping of str to str, or None
        What the reader took from the file, by its names.
    channels : sequence of Channel
        Those that are kept.
    """
    told = {channel.name: voltage_unit((stated or {}).get(channel.original, "")) for channel in channels}
    return {name: unit for name, unit in told.items() if unit is not None}


def study_name(original: str, *, strip_prefix: str = "", strip_suffix: str = "") -> str:
    """Remove a prefix and a suffix, as often as they occur, but never the whole name."""
    name = original
    while strip_prefix and name.startswith(strip_prefix) and name != strip_prefix:
        name = name.removeprefix(strip_prefix)
    while strip_suffix and name.endswith(strip_suffix) and name != strip_suffix:
        name = name.removesuffix(strip_suffix)
    return name.strip()


def study_names(names: Sequence[str], source: Source) -> list[str]:
    """Return the names of a file's channels after stripping and renaming."""
    renamed = []
    for original in names:
        stripped = study_name(original, strip_prefix=source.strip_prefix, strip_suffix=source.strip_suffix)
        renamed.append(source.rename_channels.get(stripped, source.rename_channels.get(original, stripped)))
    return renamed


def channels_of(
    where: str, names: Sequence[str], kinds: Sequence[str], *, source: Source, sidecars: Sidecars
) -> list[Channel]:
    """Apply a source's naming to the channels of one file.

    The type is that of the source, else of ``channels.tsv``, else of the file. A name that stands in ``channels.tsv``
    but not in the file means that they do not belong together.

    Raises
    ------
    RecordingFault
        Two channels end up with one name (``names``), or the sidecar names channels that are not there (``sidecar``).
    """
    renamed = study_names(names, source)
    stated = {name.casefold(): kind for name, kind in sidecars.channel_types.items()}
    present = {name.casefold() for name in (*names, *renamed)}
    missing = [name for name in sidecars.channel_types if name.casefold() not in present]
    if missing:
        found = f"channels that are not in the recording: {', '.join(missing)}"
        fix = "correct channels.tsv, or strip_prefix, strip_suffix and rename_channels of this source"
        raise RecordingFault("sidecar", Problem(f"{where}: channels.tsv", found, "the names of the recording", fix))
    bads = {name.casefold() for name in sidecars.bad_channels}
    channels = []
    for index, (original, name, kind) in enumerate(zip(names, renamed, kinds, strict=True)):
        if name in source.drop_channels:
            continue
        by_file = kind if kind in _KEPT_KINDS else "misc"
        by_table = stated.get(original.casefold(), stated.get(name.casefold(), by_file))
        bad = original.casefold() in bads or name.casefold() in bads
        channels.append(Channel(index, original, name, source.channel_types.get(name, by_table), bad))
    kept = [channel.name for channel in channels]
    twice = sorted({name for name in kept if kept.count(name) > 1})
    if twice:
        fix = "drop_channels or rename_channels of this source tell them apart"
        raise RecordingFault("names", Problem(where, f"channel {', '.join(twice)} twice", "each name once", fix))
    return channels
