"""What can be foreseen of every recording from its name, its header and its sidecars, before anything is computed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rich.console import Console

from painconn.config.data import Condition, Source
from painconn.config.study import StudyConfig
from painconn.errors import RecordingFault
from painconn.recordings.findings import Finding
from painconn.recordings.forecast import (
    eeg_names,
    header_findings,
    most_epochs,
    most_pieces,
    ready_length_s,
    silent_cap,
    silent_course,
)
from painconn.recordings.readers import Header, read_header, sidecars_of
from painconn.recordings.sidecars import Sidecars

if TYPE_CHECKING:
    import mne

_EXCLUDED = "recording excluded"
_NAMED_TOGETHER = 3
_EVERY = 100


@dataclass(frozen=True)
class Foreseen:
    """One line of the outlook: which recording (session, condition), what follows, and the usual four."""

    where: str
    found: str
    wanted: str
    consequence: str
    fix: str

    @classmethod
    def of_fault(cls, fault: RecordingFault, consequence: str = _EXCLUDED, where: str = "") -> "Foreseen":
        """Return the line of a fault."""
        problem = fault.problems[0]
        return cls(where or problem.where, problem.found, problem.wanted, consequence, problem.fix)


@dataclass
class Outlook:
    """What will happen.

    Parameters
    ----------
    lines : list of Foreseen
        In the order of sessions.
    present : dict of str to set of str
        Participants from whom a condition can be had, as far as headers tell.
    n_recordings, n_excluded : int
        Recordings, and those among them that cannot be used.
    ready_lengths_s : set of float
        Lengths of ready epochs.
    """

    lines: list[Foreseen] = field(default_factory=list)
    present: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    n_recordings: int = 0
    n_excluded: int = 0
    ready_lengths_s: set[float] = field(default_factory=set)

    def texts(self) -> Iterator[str]:
        """Yield the lines as text; recordings of which the same is to be said share one."""
        together: dict[tuple[str, str, str, str], list[str]] = {}
        for line in self.lines:
            together.setdefault((line.found, line.wanted, line.consequence, line.fix), []).append(line.where)
        for (found, wanted, consequence, fix), places in together.items():
            where = ", ".join(places[:_NAMED_TOGETHER])
            more = len(places) - _NAMED_TOGETHER
            where += f" and {more} more" if more > 0 else ""
            yield f"{where} · found: {found} · wanted: {wanted} · then: {consequence} · do: {fix}"


@dataclass(frozen=True)
class _Seen:
    """A recording whose header could be read."""

    row: dict[str, Any]
    source: Source
    header: Header
    sidecars: Sidecars

    @property
    def path(self) -> str:
        return str(self.row["path"])

    @cached_property
    def course(self) -> "mne.io.RawArray":
        return silent_course(self.header)


def look_ahead(
    study: StudyConfig, inventory: dict[str, Any], console: Console, *, without: Collection[str] = ()
) -> Outlook:
    """Read every header of a study and say what will be excluded, and why.

    Parameters
    ----------
    study : StudyConfig
        The study.
    inventory : dict
        From :func:`painconn.steps.inventory.load_inventory`.
    console : Console
        Where progress is shown when there are many recordings.
    without : collection of str
        Names of sessions that are excluded already.
    """
    outlook = Outlook()
    sources = {source.site: source for source in study.data.sources}
    rows = [(session, row) for session in inventory["sessions"] for row in session["recordings"]]
    outlook.n_recordings = len(rows)
    usable: dict[str, list[_Seen]] = defaultdict(list)
    for session, row in _shown(rows, console):
        try:
            seen = _see(row, sources[session["site"]])
            _admit(seen, inventory["montages"].get(session["montage"]), study, outlook)
        except RecordingFault as fault:
            outlook.lines.append(Foreseen.of_fault(fault, where=row["path"]))
            outlook.n_excluded += 1
            continue
        usable[session["name"]].append(seen)
    for session in inventory["sessions"]:
        if session["name"] not in without:
            _conditions(usable[session["name"]], session, study, outlook)
    outlook.lines += _from_nobody(study, outlook)
    outlook.lines += [
        Foreseen(one["recording"], one["found"], one["wanted"], "not part of the study", one["fix"])
        for one in inventory["unplaced"]
    ]
    return outlook


def _shown(rows: list[Any], console: Console) -> Iterable[Any]:
    """Show how many headers are read: a bar on a terminal, a line every now and then elsewhere."""
    if console.is_terminal:
        from rich.progress import track

        yield from track(rows, description="headers", console=console, transient=True)
        return
    for number, row in enumerate(rows, start=1):
        yield row
        if number % _EVERY == 0:
            console.print(f"{number} of {len(rows)} headers read", highlight=False)


def _see(row: dict[str, Any], source: Source) -> _Seen:
    path = source.root / row["path"]
    return _Seen(row, source, read_header(path, source, source.root), sidecars_of(path, source, source.root))


def _admit(seen: _Seen, montage: dict[str, Any] | None, study: StudyConfig, outlook: Outlook) -> None:
    """Take a recording through what its header decides; all that is only noted goes to the outlook.

    Raises
    ------
    RecordingFault
        It will be excluded; where several reasons do, all of them but the last are in the outlook.
    """
    header, limits = seen.header, study.data.checks
    findings = list(header_findings(header, sidecars=seen.sidecars, source=seen.source, limits=limits))
    faults = [finding.fault(seen.path) for finding in findings if finding.consequence == "exclude recording"]
    if eeg_names(header):
        faults += _misfits(seen, montage, study, findings)
    length_s = ready_length_s(header)
    if length_s is not None:
        outlook.ready_lengths_s.add(round(length_s, 6))
    outlook.lines += [_noted(seen.path, finding) for finding in findings if finding.consequence != "exclude recording"]
    if faults:
        outlook.lines += [Foreseen.of_fault(fault, where=seen.path) for fault in faults[:-1]]
        raise faults[-1]


def _misfits(
    seen: _Seen, montage: dict[str, Any] | None, study: StudyConfig, findings: list[Finding]
) -> Iterator[RecordingFault]:
    """Yield why the channels or the rate do not fit session and study; what is only noted joins the findings."""
    from painconn.cleaning.signal import check_rate
    from painconn.steps.placement import placed_channels

    silent = silent_cap(seen.header)
    try:
        findings += placed_channels(silent, montage, study.data.checks, cap=seen.source.montage)[1]
    except RecordingFault as fault:
        yield fault
    try:
        check_rate(silent, sfreq_hz=study.cleaning.sfreq_hz, where=seen.path)
    except RecordingFault as fault:
        yield fault


def _noted(where: str, finding: Finding) -> Foreseen:
    consequence = {"note": "noted, recording used", "mark channel": "these channels are interpolated"}
    return Foreseen(
        where, finding.value, finding.limit, consequence.get(finding.consequence, finding.consequence), finding.fix
    )


def _conditions(usable: list[_Seen], session: dict[str, Any], study: StudyConfig, outlook: Outlook) -> None:
    """Say which conditions of a session can be had: recorded, with their block or events, and with enough epochs."""
    for name, condition in study.data.conditions.items():
        where = f"{session['name']}, condition {name}"
        if not any(_holds(row, name, condition) for row in session["recordings"]):
            told = ("no recording of this condition", "a recording of it", "condition not available here")
            outlook.lines.append(Foreseen(where, *told, "nothing, if it was not recorded"))
            continue
        serving = [seen for seen in usable if _holds(seen.row, name, condition)]
        serving = [seen for seen in serving if _is_annotated(seen, name, condition, outlook)]
        if serving and _gives_enough(serving, where, condition, study, outlook):
            outlook.present[name].add(session["participant"])


def _holds(row: dict[str, Any], name: str, condition: Condition) -> bool:
    return row["task"] in ("", condition.task or name)


def _is_annotated(seen: _Seen, name: str, condition: Condition, outlook: Outlook) -> bool:
    """Whether a recording has the block or the events of a condition."""
    if seen.source.layout == "epochs" or not (condition.events or condition.block):
        return True
    from painconn.recordings.admission import check_condition

    where = f"{seen.path}, condition {name}"
    try:
        findings = check_condition(seen.course, name=name, condition=condition, where=seen.path, sidecars=seen.sidecars)
    except RecordingFault as fault:
        outlook.lines.append(Foreseen.of_fault(fault, "condition excluded here", where))
        return False
    outlook.lines += [_noted(where, finding) for finding in findings]
    return True


def _gives_enough(serving: list[_Seen], where: str, condition: Condition, study: StudyConfig, outlook: Outlook) -> bool:
    """Whether the recordings of a session can give the epochs of a condition; segments are told, too."""
    cleaning = study.cleaning
    lengths = {"length_s": cleaning.epoch_length_s, "overlap": cleaning.epoch_overlap}
    epochs = sum(most_epochs(seen.header, condition, **lengths) for seen in serving)
    if epochs < condition.n_epochs:
        told = (f"{epochs} epochs at most", f"{condition.n_epochs}", "condition excluded here")
        fix = "lower n_epochs for everybody, or leave this recording out"
        outlook.lines.append(Foreseen(where, *told, fix))
        return False
    pieces = sum(most_pieces(seen.header, condition, length_s=cleaning.segment_length_s) for seen in serving)
    if pieces < condition.n_segments:
        found = f"{pieces} segments of {cleaning.segment_length_s:g} s at most"
        then, fix = "measures over time not computable here", "lower n_segments for everybody"
        outlook.lines.append(Foreseen(where, found, f"{condition.n_segments}", then, fix))
    return True


def _from_nobody(study: StudyConfig, outlook: Outlook) -> Iterator[Foreseen]:
    fix = "see what is said about its recordings, or take the condition out of the study"
    for name in study.data.conditions:
        if not outlook.present[name]:
            where = f"data.conditions.{name}"
            yield Foreseen(where, "nobody from whom it can be had", "at least one person", "not in the results", fix)
