"""Per session: every recording read, checked and laid out alike; what cannot be used becomes an exclusion."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painconn.cleaning.channels import Reasons, merged
from painconn.cleaning.segments import mark_stretches
from painconn.cleaning.session import check_recording
from painconn.config.checks import Checks
from painconn.config.data import Condition, Source
from painconn.errors import Problem, RecordingFault
from painconn.recordings.admission import admit_recording, check_condition, marked_channels
from painconn.recordings.findings import Finding, exclusion_record
from painconn.recordings.fingerprint import signature_of
from painconn.recordings.sidecars import Sidecars
from painconn.steps.hands import Hands
from painconn.steps.placement import placed_channels

if TYPE_CHECKING:
    from mne.io import BaseRaw

logger = logging.getLogger(__name__)

Exclusion = dict[str, str]


@dataclass
class Readings:
    """The recordings of a session that can be used, by name, and what was found in all of them.

    Parameters
    ----------
    raws : dict of str to mne.io.BaseRaw
        EEG channels in the order and places of the session's montage, then those of eyes and heart; stretches without
        signal, and those that a person decided about, are marked.
    paths : dict of str to str
        Path of each, relative to the root of its source.
    sidecars : dict of str to Sidecars
        What its sidecars say.
    fingerprints : dict of str to list of float
        See :func:`painconn.recordings.fingerprint.signature_of`.
    bads : dict of str to tuple of str
        Channels marked at the door, with the checks that did.
    findings : list of dict
        Rows of the table of findings.
    """

    raws: "dict[str, BaseRaw]" = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    sidecars: dict[str, Sidecars] = field(default_factory=dict)
    fingerprints: dict[str, list[float]] = field(default_factory=dict)
    bads: Reasons = field(default_factory=dict)
    findings: list[dict[str, str]] = field(default_factory=list)

    def note(self, path: str, findings: Iterable[Finding]) -> None:
        """Keep what was found in a recording."""
        self.findings += [{"recording": path, **finding.as_record()} for finding in findings]

    def serving(
        self, recordings: list[str], name: str, condition: Condition, excluded: Callable[[str, RecordingFault], None]
    ) -> list[str]:
        """Return the recordings that pass the checks of a condition; they look at the recordings as read.

        Parameters
        ----------
        recordings : list of str
            Those that may hold the condition.
        name, condition : str, Condition
            What is asked for.
        excluded : callable
            Told of each recording that cannot serve while another one can.

        Raises
        ------
        RecordingFault
            When there are recordings and none can serve.
        """
        faults: dict[str, RecordingFault] = {}
        for recording in recordings:
            raw, sidecars = self.raws[recording], self.sidecars[recording]
            try:
                found = check_condition(raw, name=name, condition=condition, where=recording, sidecars=sidecars)
            except RecordingFault as fault:
                faults[recording] = fault
                continue
            self.note(self.paths[recording], found)
        if faults and len(faults) == len(recordings):
            raise next(iter(faults.values()))
        for recording, reason in faults.items():
            excluded(recording, reason)
        return [recording for recording in recordings if recording not in faults]


def recording_name(row: dict[str, str]) -> str:
    """Return the name of a recording inside its session: task and run, or the file's stem when there is neither."""
    parts = [f"{kind}-{row[kind]}" for kind in ("task", "run") if row[kind]]
    return "_".join(parts) or "recording"


def descriptions(conditions: Iterable[Condition]) -> tuple[str, ...]:
    """Return the annotations that the conditions ask for; no other text of a recording is kept."""
    return tuple({text for condition in conditions for text in (*condition.events, condition.block) if text})


def read_session(
    settings: dict[str, Any],
    source: Source,
    *,
    sfreq_hz: float,
    hands: Hands,
    readings: Readings,
    exclusions: list[Exclusion],
) -> None:
    """Read what can be read into `readings`; a recording that cannot be used is an exclusion of its own.

    Parameters
    ----------
    settings : dict
        The slice of the study for this step: session, montage, conditions, checks.
    source : Source
        Where the recordings lie.
    sfreq_hz : float
        Lowest rate that can be used.
    hands : Hands
        What a person decided; stretches are marked here.
    readings : Readings
        Filled here; it also holds what was found when nothing can be used.
    exclusions : list of dict
        Extended here.

    Raises
    ------
    RecordingFault
        When no recording is left.
    """
    limits = Checks.model_validate(settings["checks"])
    wanted = descriptions(Condition.model_validate(value) for value in settings["conditions"].values())
    root = Path(source.root)
    last: RecordingFault | None = None
    for row in settings["session"]["recordings"]:
        name, path = recording_name(row), row["path"]
        try:
            raw, sidecars, findings = admit_recording(
                root / path, source=source, root=root, descriptions=wanted, limits=limits
            )
            placed, differing = placed_channels(raw, settings["montage"], limits, cap=source.montage)
            findings += differing
            placed = mark_stretches(placed, [span for finding in findings for span in finding.stretches_s])
            placed = hands.mark(placed, name, alone=len(settings["session"]["recordings"]) == 1)
            check_recording(placed, sfreq_hz=sfreq_hz, where=path)
        except RecordingFault as fault:
            last = fault
            logger.warning("%s excluded: %s", path, fault)
            exclusions.append({"recording": path, "condition": "", "step": "clean", **fault.as_record()})
            readings.findings.append({"recording": path, **exclusion_record(fault)})
            continue
        readings.fingerprints[name] = signature_of(raw.get_data(picks="eeg", verbose="WARNING"), raw.info["sfreq"])
        readings.raws[name], readings.paths[name], readings.sidecars[name] = placed, path, sidecars
        readings.bads = merged(readings.bads, marked_channels(findings))
        readings.note(path, findings)
    if not readings.raws:
        found = f"none of {len(settings['session']['recordings'])} recordings can be used"
        problem = Problem(
            settings["session"]["name"], found, "at least one", "see the other exclusions of this session"
        )
        raise RecordingFault(last.check if last else "recordings", problem)
