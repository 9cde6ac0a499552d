"""What the headers of recordings say before any job, kept between runs so that only new or changed ones are opened."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from painconn.config.data import Source
from painconn.cortex.montage import montage_key, place_electrodes
from painconn.errors import IntegrityError, RecordingFault
from painconn.provenance import canonical_json, code_hash, text_hash
from painconn.recordings.copies import sample_digest
from painconn.recordings.door import FileAtDoor
from painconn.recordings.layout import RecordingFile
from painconn.store import read_json, write_json

_THAT_MATTER = {
    "layout", "montage", "strip_prefix", "strip_suffix", "rename_channels", "channel_types", "drop_channels",
}  # fmt: skip

logger = logging.getLogger(__name__)

Stamp = list[tuple[str, int, int]]


class Headers:
    """Montages and sample digests of recordings.

    Parameters
    ----------
    path : Path
        Where they are kept; a damaged file, or one that other code wrote, counts as none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.montages: dict[str, Any] = {}
        self._code = code_hash("painconn.steps.headers")
        self._kept = _read(path, self._code)
        self._used: dict[str, list[str | None]] = {}

    def read(self, source: Source, file: RecordingFile, stamp: Stamp) -> tuple[str | None, str | None]:
        """Return the montage key of a recording, and a digest of its samples.

        Parameters
        ----------
        source, file : Source, RecordingFile
            The recording.
        stamp : list of (str, int, int)
            Name, size and time of change of every file that it depends on.

        Returns
        -------
        montage : str or None
            None when the header cannot be read or an electrode is unknown (the clean step says why).
        samples : str or None
            None when the header cannot be read or the samples do not change at all.
        """
        name = text_hash(canonical_json([source.model_dump(mode="json", include=_THAT_MATTER), file.path, stamp]))
        entry = self._kept["recordings"].get(name)
        if entry is None:
            try:
                montage, samples = _look(source, file)
            except (MemoryError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 — one recording must not stop the others; its clean job tells
                logger.warning("%s: header could not be read (%s)", file.path, type(error).__name__)
                return None, None
            key = None if montage is None else montage_key(montage["names"], _places(montage))
            self._kept["montages"] |= {key: montage} if key else {}
            entry = [key, samples]
        self._used[name] = entry
        key, samples = entry
        if key is not None:
            self.montages[key] = self._kept["montages"][key]
        return key, samples

    def save(self) -> None:
        """Keep what was asked for; nothing is written when all of it was there."""
        kept = {
            "code": self._code,
            "montages": {key: self._kept["montages"][key] for key in sorted(self.montages)},
            "recordings": self._used,
        }
        if kept != self._kept:
            write_json(self.path, kept)


def _read(path: Path, code: str) -> dict[str, Any]:
    try:
        kept = read_json(path)
        known = {None, *kept["montages"]}
        if kept["code"] == code and all(key in known for key, _ in kept["recordings"].values()):
            return dict(kept)
    except (IntegrityError, AttributeError, KeyError, TypeError, ValueError):
        pass  # it only saves time
    return {"code": code, "montages": {}, "recordings": {}}


def _look(source: Source, file: RecordingFile) -> tuple[dict[str, Any] | None, str | None]:
    from painconn.recordings.readers import read_header

    path = source.root / file.path
    try:
        header = read_header(path, source, source.root)
    except RecordingFault:
        return None, None
    samples = sample_digest(FileAtDoor(path, source.root))
    eeg = [name for name, kind in zip(header.names, header.types, strict=True) if kind == "eeg"]
    positions: Mapping[str, ArrayLike] | None = header.positions_m
    if positions is None:
        try:
            positions = place_electrodes(eeg, montage=source.montage)
        except RecordingFault:
            return None, samples
    if set(positions) != set(eeg):
        # The recording will be excluded for it; it must not give its gaps to the others of the session.
        return None, samples
    places = [np.asarray(place, float).tolist() for place in positions.values()]
    return {"names": list(positions), "positions_m": places}, samples


def _places(montage: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(place) for name, place in zip(montage["names"], montage["positions_m"], strict=True)}
