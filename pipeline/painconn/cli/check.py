"""``painconn check``: everything that can be known before a job starts."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from painconn.cli.foresight import Refused, dependent_regions, notes, refusals, refused, refused_primary, unanswerable
from painconn.cli.refits import refit_warnings
from painconn.cli.sites import inseparable_sites, tied_sites
from painconn.config.study import StudyConfig
from painconn.config.targets import Contrast, Target
from painconn.errors import DesignError, InputError, PainconnError, Problem
from painconn.paths import Results

if TYPE_CHECKING:
    import pandas as pd

    from painconn.cli.outlook import Outlook
    from painconn.cortex.template import Parcellation
    from painconn.steps.plan import Plan

_BYTES_PER_RECORDING = 60 << 20


@dataclass
class Examined:
    """What a study was found to be, before anything is computed.

    Parameters
    ----------
    study : StudyConfig
        The study.
    plan : Plan or None
        Its sessions and montages; None when the folders are at fault.
    outlook : Outlook or None
        What the headers foretell; None when they were not read.
    features : DataFrame or None
        A ready table.
    regions : Parcellation or None
        The regions of the study; None when they are at fault.
    problems : list of Problem
        What stands in the way of a run.
    """

    study: StudyConfig
    plan: "Plan | None" = None
    outlook: "Outlook | None" = None
    features: "pd.DataFrame | None" = None
    regions: "Parcellation | None" = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def channels(self) -> list[int]:
        """Number of channels of each montage."""
        return [len(montage["names"]) for montage in self.plan.inventory["montages"].values()] if self.plan else []

    @property
    def refused(self) -> Refused:
        """Why measures cannot be computed in bands of conditions."""
        n_regions = len(self.regions.region_names) if self.regions else None
        return refused(self.study, self.channels, n_regions=n_regions, ready_length_s=self.epoch_length_s)

    @property
    def epoch_length_s(self) -> float | None:
        """Length of ready epochs (the shortest); None where epochs are cut here."""
        return min(self.outlook.ready_lengths_s, default=None) if self.outlook else None

    def present(self, contrast: Contrast) -> set[str] | None:
        """Return the people from whom every side of a contrast can be had; None when nothing is known of them."""
        sides = contrast.observations
        if self.features is not None:
            table = self.features
            rows = [table[(table["condition"] == side.condition) & (table["window"] == side.window)] for side in sides]
            return set.intersection(*(set(found["participant"]) for found in rows))
        if self.outlook is not None:
            return set.intersection(*(self.outlook.present[side.condition] for side in sides))
        if self.plan is not None and self.plan.sessions:
            return {session["participant"] for session in self.plan.sessions.values()}
        return None


def check_study(path: Path, *, data: Path | None = None) -> None:
    """Print what was found, what will be excluded, and what each band and measure can do; raise with every problem.

    Nothing is written.

    Parameters
    ----------
    path : Path
        Study file.
    data : Path | None
        Data folder instead of the file's.

    Raises
    ------
    PainconnError
        With everything that stands in the way of a run, after all else was printed.
    """
    from painconn.cli.run import read_study

    study = read_study(path, data)
    console = Console(soft_wrap=True)
    examined = examine(study, Results(Path("results") / study.name), write=False)
    for line in _told(examined):
        console.print(line, highlight=False, markup=False)
    if examined.problems:
        raise InputError(examined.problems)
    console.print("nothing stands in the way of a run", highlight=False)


def require_runnable(study: StudyConfig, results: Results) -> "Plan":
    """Return the plan of a study that can run; headers are read before the first run into a results folder.

    Raises
    ------
    InputError
        With every problem of the folders, the tables and the groups at once.
    """
    examined = examine(study, results, headers=not results.table.is_file())
    if examined.problems or examined.plan is None:
        raise InputError(examined.problems)
    return examined.plan


def examine(study: StudyConfig, results: Results, *, write: bool = True, headers: bool = True) -> Examined:
    """Look at everything that needs no long computation.

    Parameters
    ----------
    study : StudyConfig
        The study.
    results : Results
        Where a run would write.
    write : bool
        Whether the inventory is kept there.
    headers : bool
        Whether the header of every recording is read.
    """
    from painconn.steps.plan import Plan
    from painconn.steps.regions import regions_of

    examined = Examined(study)
    try:
        examined.plan = Plan(study, results, write=write)
    except PainconnError as error:
        examined.problems.extend(error.problems)
    try:
        examined.regions = regions_of(study)
    except PainconnError as error:
        examined.problems.extend(error.problems)
    if study.data.sources[0].layout == "features":
        _read_table(examined)
    elif examined.plan is not None:
        _look_ahead(examined, headers=headers)
    examined.problems.extend(_disk_problems(results, examined.plan))
    examined.problems.extend(dict.fromkeys(_people_problems(examined)))
    examined.problems.extend(_table_problems(examined))
    examined.problems.extend(inseparable_sites(examined))
    examined.problems.extend(unanswerable(study, examined.refused))
    return examined


def _read_table(examined: Examined) -> None:
    from painconn.recordings.features_table import read_features

    source = examined.study.data.sources[0]
    try:
        examined.features = read_features(source, Path(source.root))
    except PainconnError as error:
        examined.problems.extend(error.problems)


def _look_ahead(examined: Examined, *, headers: bool) -> None:
    from painconn.cli.decisions import foreseen_decisions
    from painconn.cli.heads import foreseen_heads
    from painconn.cli.outlook import look_ahead

    assert examined.plan is not None  # noqa: S101 — the caller looked
    inventory = examined.plan.inventory
    sayings = []
    for foreseen in (foreseen_heads(examined.plan), foreseen_decisions(examined.study, inventory)):
        try:
            sayings += list(foreseen)
        except PainconnError as error:
            examined.problems.extend(error.problems)
    if not headers:
        return
    without = {session for session, _ in sayings}
    examined.outlook = look_ahead(examined.study, inventory, Console(stderr=True, soft_wrap=True), without=without)
    examined.outlook.lines += [line for _, line in sayings]


def _told(examined: Examined) -> Iterator[str]:
    study = examined.study
    yield from _counted(examined)
    yield from _label_lines(examined)
    if examined.outlook is not None:
        yield from (f"foreseen: {line}" for line in examined.outlook.texts())
    for gate in study.connectivity.lowered_gates():
        yield f"gate lowered: {gate}"
    reasons = examined.refused
    for name, bands, reason in refused_primary(study, reasons):
        told = f"PRIMARY TESTS NOT COMPUTABLE in {name}: {study.targets[name].primary.measure}, {' '.join(bands)}"
        yield f"{told}: {reason}"
    for note in refusals(study, reasons):
        yield f"not computable: {note}"
    if examined.regions is not None and examined.features is None:
        for warning in dependent_regions(len(examined.regions.region_names), examined.channels):
            yield f"warning: {warning}"
    if not study.blinded:
        yield from (f"warning: {told}" for told in tied_sites(examined))
    for warning in refit_warnings(study):
        yield f"warning: {warning}"
    for note in notes(study):
        yield f"note: {note}"


def _counted(examined: Examined) -> Iterator[str]:
    """Say what is there, and what of it will be left."""
    study, plan, outlook = examined.study, examined.plan, examined.outlook
    if examined.features is not None:
        people = examined.features["participant"].nunique()
        yield f"{study.name}: a table of {len(examined.features)} observations of {people} participants"
    elif plan is not None:
        recordings = sum(len(session["recordings"]) for session in plan.sessions.values())
        people = len({session["participant"] for session in plan.sessions.values()})
        yield (
            f"{study.name}: {recordings} recordings of {people} participants in {len(plan.sessions)} sessions, "
            f"{len(plan.montages)} montages"
        )
    if outlook is not None:
        have = ", ".join(f"{name} from {len(outlook.present[name])}" for name in study.data.conditions)
        yield f"foreseen: {outlook.n_excluded} of {outlook.n_recordings} recordings excluded; participants with {have}"
        yield "(flat, noisy or wrongly scaled signals are only seen when the samples are read)"


def _label_lines(examined: Examined) -> Iterator[str]:
    """Tell whom the phenotype rule calls what, before anything depends on it."""
    from painconn.steps.people import labels_of

    if examined.study.blinded:
        yield "blinded: labels are dealt by lot; whom they call what is not shown"
        return
    try:
        labels = labels_of(examined.study.data)
    except PainconnError:
        return
    if labels is not None:
        yield f"phenotype {labels.summary()}"
        yield from (f"note: phenotype: {note}" for note in labels.notes)


def _disk_problems(results: Results, plan: "Plan | None") -> Iterator[Problem]:
    folder = results.root.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    sessions = plan.sessions.values() if plan else ()
    # What an earlier run of the study left is not written a second time.
    left = _size_below(results.root / "derivatives") + _size_below(results.root / "group")
    wanted = _BYTES_PER_RECORDING * (1 + sum(len(session["recordings"]) for session in sessions)) - left
    if free < wanted:
        yield Problem(
            str(folder), f"{free >> 20} MB free", f"about {wanted >> 20} MB", "free some space or choose another --out"
        )


def _size_below(folder: Path) -> int:
    """Add up the sizes of files; one that goes while they are counted does not count."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            size += path.lstat().st_size
    return size


def _table_problems(examined: Examined) -> Iterator[Problem]:
    """Check what a ready table must hold for the targets: the rows they name, and several sites to harmonise."""
    table = examined.features
    if table is None:
        return
    there = sorted({f"{row.condition} ({row.window})" for row in table[["condition", "window"]].itertuples()})
    sites = sorted(set(table["site"]))
    for name, target in examined.study.targets.items():
        if not examined.present(target.contrast):
            sides = [f"{side.condition} ({side.window})" for side in target.contrast.observations]
            found = f"nobody with rows of {' and '.join(sides)} in the table of features"
            fix = "correct condition and window of the contrast, or the table"
            yield Problem(f"targets.{name}.contrast", found, f"one of: {', '.join(there)}", fix)
        if target.harmonisation != "none" and len(sites) < 2:
            found = f"{target.harmonisation}, and the table of features has one site ({', '.join(sites)})"
            fix = "name the sites in a column site of the table, or write none"
            yield Problem(f"targets.{name}.harmonisation", found, "several sites", fix)


def _people_problems(examined: Examined) -> Iterator[Problem]:
    """Check tables, labels, covariates, ratings and group sizes among those who will be left."""
    import pandas as pd

    from painconn.steps.people import covariates_of, people_of, target_people

    study = examined.study
    people = pd.DataFrame(index=[])
    between = any(target.contrast.among_people for target in study.targets.values())
    if between or study.data.phenotype.makes_labels:
        try:
            people = people_of(study.data)
        except PainconnError as error:
            yield from error.problems
            return
    for name, target in study.targets.items():
        contrast = target.contrast
        found = examined.present(contrast)
        if not found and examined.features is not None:
            # That nobody has such a row is a problem of the table, not of the people.
            yield from _rating_problems(people.iloc[:0], name, target)
            continue
        present = set(people.index) if found is None else found
        chosen = target.covariates if target.covariates is not None else study.data.covariates
        judged = people.iloc[:0]
        try:
            chosen_people = target_people(
                people if contrast.among_people else pd.DataFrame(index=sorted(present)),
                present,
                contrast,
                covariates=covariates_of(contrast, chosen),
                minimum_per_group=study.data.minimum_per_group,
                where=f"targets.{name}",
            )
        except (InputError, DesignError) as error:
            yield from error.problems
        else:
            judged = people.loc[people.index.isin(chosen_people.labels.index)]
        yield from _rating_problems(judged, name, target)


def _rating_problems(people: "pd.DataFrame", name: str, target: Target) -> Iterator[Problem]:
    """Check the columns that a label was made from, in the people of a target; of nobody that they are there."""
    from painconn.recordings.participants import covariate_columns

    if not target.contrast.among_people:
        return
    where = f"targets.{name}.ratings"
    try:
        covariate_columns(people, target.ratings, setting=where)
    except InputError as error:
        yield from (replace(problem, where=f"{where}, {problem.where}") for problem in error.problems)
