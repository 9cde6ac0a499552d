"""Whose head a session is analysed with, and where the parts of that head lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painconn.config.head import PARTICIPANT, HeadConfig
from painconn.cortex.template import HEMISPHERES, SHELLS, SUBJECT
from painconn.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

FSAVERAGE = "fsaverage"
FETCH = 'python -c "import mne; mne.datasets.fetch_fsaverage()"'
"""How a person gets fsaverage; painconn reads a head that is there and never fetches one."""

_PLACES = ("subjects_dir", "transform", "bem_solution")


@dataclass(frozen=True)
class HeadParts:
    """A head before anything is computed.

    Attributes
    ----------
    label : str
        Letters and digits: the participant for a head of one's own, else the subject's name without other characters.
    kind : {"bundled", "fsaverage", "individual"}
    subject : str
        Name of the FreeSurfer subject.
    own : bool
        Whether it belongs to one participant: what is wrong with it then excludes this participant and nobody else.
    subjects_dir : Path or None
        Folder of the FreeSurfer subjects; None for the bundled head, which is written when it is needed, and when no
        folder is known.
    transform : Path or None
        File of the transform between head and MRI; None for heads that have the bundled one's.
    bem_solution : Path or None
        Ready boundary-element solution; None when it is made here.
    """

    label: str
    kind: str
    subject: str
    own: bool = False
    subjects_dir: Path | None = None
    transform: Path | None = None
    bem_solution: Path | None = None

    def as_settings(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        places = {name: str(getattr(self, name)) for name in _PLACES if getattr(self, name) is not None}
        return {"label": self.label, "kind": self.kind, "subject": self.subject, "own": self.own, **places}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "HeadParts":
        """Return the head that `as_settings` described."""
        places = {name: Path(settings[name]) if name in settings else None for name in _PLACES}
        return cls(settings["label"], settings["kind"], settings["subject"], settings["own"], **places)

    @property
    def files(self) -> dict[str, Path]:
        """Every file that is read, by what it is called in messages (below the subject's folder, or by its role)."""
        if self.kind == "bundled" or self.subjects_dir is None:
            return {}
        names = [f"surf/{side}.{surface}" for surface in ("white", "sphere") for side in HEMISPHERES]
        if self.bem_solution is None:
            names += [f"bem/{shell}.surf" for shell in SHELLS]
        if self.kind == "individual":
            names += [f"surf/{side}.sphere.reg" for side in HEMISPHERES]
            names += [f"label/{side}.aparc.annot" for side in HEMISPHERES]
        files = {name: self.subjects_dir / self.subject / name for name in names}
        roles = {"the transform": self.transform, "the BEM solution": self.bem_solution}
        return files | {role: path for role, path in roles.items() if path is not None}

    def problems(self) -> "Iterator[Problem]":
        """Yield what of this head is not there; nothing when it can be built."""
        where = f"head of participant {self.label}" if self.own else f"head {self.subject}"
        if self.kind != "bundled" and self.subjects_dir is None:
            found = "no folder of FreeSurfer subjects: cortex.subjects_dir is null and MNE-Python has no SUBJECTS_DIR"
            yield Problem(where, found, "a folder that holds it", self._advice("set cortex.subjects_dir"))
            return
        absent = [name for name, path in self.files.items() if not path.is_file()]
        if absent and self.subjects_dir is not None and not (self.subjects_dir / self.subject).is_dir():
            absent = ["subject folder", *(name for name in absent if name.startswith("the "))]
        if absent:
            fix = "correct cortex.subjects_dir, subject or transform"
            if self.own:
                fix += ", or leave this participant out"
            wanted = "surfaces of recon-all, three shells (mne watershed_bem) and a transform"
            found = f"missing: {', '.join(absent)} ({self.subject})"
            yield Problem(where, found, wanted, self._advice(fix))

    def _advice(self, fix: str) -> str:
        return f"{fix}, or fetch it: {FETCH}" if self.kind == FSAVERAGE else fix


def head_of(head: HeadConfig, participant: str) -> HeadParts:
    """Return whose head a participant is analysed with.

    Parameters
    ----------
    head : HeadConfig
        Paths already resolved against the study file.
    participant : str
        Label of the participant.
    """
    if head.template == "bundled":
        return HeadParts(SUBJECT, "bundled", SUBJECT)
    subjects_dir = head.subjects_dir or _configured_folder()
    solution = _filled(head.bem_solution, participant)
    if head.template == FSAVERAGE:
        return HeadParts(FSAVERAGE, FSAVERAGE, FSAVERAGE, subjects_dir=subjects_dir, bem_solution=solution)
    subject = str(head.subject).replace(PARTICIPANT, participant)
    own = any(PARTICIPANT in str(part) for part in (head.subject, head.transform, head.bem_solution))
    label = (
        participant
        if own
        else "".join(character for character in subject if character.isascii() and character.isalnum())
    )
    return HeadParts(label, "individual", subject, own, subjects_dir, _filled(head.transform, participant), solution)


def _filled(pattern: Path | None, participant: str) -> Path | None:
    return None if pattern is None else Path(str(pattern).replace(PARTICIPANT, participant))


def _configured_folder() -> Path | None:
    import mne

    folder = mne.get_config("SUBJECTS_DIR")
    return Path(folder) if folder else None


def require_complete(parts: HeadParts) -> None:
    """Refuse a head of which something is missing.

    Raises
    ------
    InputError
        With everything that is missing.
    """
    problems = list(parts.problems())
    if problems:
        raise InputError(problems)
