"""``painconn check``: everything that can be known before a job starts."""

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from painconn.config.data import Condition
from painconn.config.study import StudyConfig
from painconn.connectivity.gates import why_not_in_band, why_not_over_epochs, why_not_over_time
from painconn.connectivity.transforms import transform
from painconn.errors import DesignError, InputError, PainconnError, Problem
from painconn.paths import Results

if TYPE_CHECKING:
    from painconn.steps.plan import Plan

_BYTES_PER_RECORDING = 60 << 20


def check_study(path: Path, *, data: Path | None = None) -> None:
    """Print what was found and what each band and measure can do; raise with every problem.

    Parameters
    ----------
    path : Path
        Study file.
    data : Path | None
        Data folder instead of the file's.
    """
    from painconn.cli.run import read_study

    study = read_study(path, data)
    results = Results(Path("results") / study.name)
    plan = require_runnable(study, results)
    console = Console(soft_wrap=True)
    recordings = sum(len(session["recordings"]) for session in plan.sessions.values())
    console.print(
        f"{study.name}: {recordings} recordings in {len(plan.sessions)} sessions, {len(plan.montages)} montages",
        highlight=False,
    )
    for gate in study.connectivity.lowered_gates():
        console.print(f"gate lowered: {gate}", highlight=False, markup=False)
    for note in refusals(study):
        console.print(f"not computable: {note}", highlight=False, markup=False)
    unread = [name for name, session in plan.sessions.items() if session["montage"] is None]
    for name in unread:
        console.print(
            f"will be excluded: {name}: no readable header or unknown electrodes", highlight=False, markup=False
        )
    console.print("nothing stands in the way of a run", highlight=False)


def require_runnable(study: StudyConfig, results: Results) -> "Plan":
    """Return the plan of a study that can run.

    Raises
    ------
    InputError
        With every problem of the folders, the tables and the groups at once.
    """
    from painconn.steps.plan import Plan

    problems: list[Problem] = []
    plan = None
    try:
        plan = Plan(study, results)
    except PainconnError as error:
        problems.extend(error.problems)
    problems.extend(_disk_problems(results, plan))
    problems.extend(_people_problems(study, plan))
    if problems or plan is None:
        raise InputError(problems)
    return plan


def _disk_problems(results: Results, plan: "Plan | None") -> Iterator[Problem]:
    folder = results.root.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    sessions = plan.sessions.values() if plan else ()
    wanted = _BYTES_PER_RECORDING * (1 + sum(len(session["recordings"]) for session in sessions))
    if free < wanted:
        yield Problem(
            str(folder), f"{free >> 20} MB free", f"about {wanted >> 20} MB", "free some space or choose another --out"
        )


def _people_problems(study: StudyConfig, plan: "Plan | None") -> Iterator[Problem]:
    """Check tables, labels, covariates and group sizes, before a single recording is cleaned."""
    import pandas as pd

    from painconn.steps.people import covariates_of, people_of, target_people

    covariates = {
        name: covariates_of(
            target.contrast, target.covariates if target.covariates is not None else study.data.covariates
        )
        for name, target in study.targets.items()
    }
    people = pd.DataFrame(index=[])
    if any(target.contrast.kind == "between" for target in study.targets.values()):
        try:
            people = people_of(study.data)
        except PainconnError as error:
            yield from error.problems
            return
    present = (
        {session["participant"] for session in plan.sessions.values()} if plan and plan.sessions else set(people.index)
    )
    for name, target in study.targets.items():
        try:
            target_people(
                people if target.contrast.kind == "between" else pd.DataFrame(index=sorted(present)),
                present,
                target.contrast,
                covariates=covariates[name],
                minimum_per_group=study.data.minimum_per_group,
                where=f"targets.{name}",
            )
        except (InputError, DesignError) as error:
            yield from error.problems


def refusals(study: StudyConfig) -> Iterator[str]:
    """Say which measures the gates will refuse in which bands, from the settings alone, grouped by reason."""
    settings = study.connectivity
    lowpass = [source.recording_lowpass_hz for source in study.data.sources if source.recording_lowpass_hz]
    highest_hz = min([study.cleaning.h_freq_hz, 0.45 * study.cleaning.sfreq_hz, *lowpass])
    for name, condition in study.data.conditions.items():
        refused: dict[tuple[str, str], list[str]] = {}
        for measure, band in product(settings.measures, settings.bands_hz):
            reason = _why_not(study, condition, measure, band, highest_hz)
            if reason:
                refused.setdefault((reason, measure), []).append(band)
        together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for (reason, measure), refusing in refused.items():
            together.setdefault((reason, tuple(refusing)), []).append(measure)
        for (reason, bands), measures in together.items():
            where = "all bands" if len(bands) == len(settings.bands_hz) else " ".join(bands)
            yield f"{', '.join(measures)}, {name}, {where}: {reason}"


def _why_not(study: StudyConfig, condition: Condition, measure: str, band: str, highest_hz: float) -> str | None:
    settings, sfreq_hz = study.connectivity, study.cleaning.sfreq_hz
    band_hz, (min_epochs, min_cycles) = settings.bands_hz[band], settings.gates_of(measure)
    if settings.estimator_of(measure) == "over_time":
        if condition.kind != "rest":
            return "events have no continuous segments"
        if not condition.n_segments:
            return "n_segments is 0"
        length_s = study.cleaning.segment_length_s
        reason = why_not_over_time(band_hz, segment_length_s=length_s, min_cycles=min_cycles)
        return reason or why_not_in_band(band_hz, highest_hz=highest_hz)
    window_s = condition.window_s[1] - condition.window_s[0]
    length_s = study.cleaning.epoch_length_s if condition.kind == "rest" else window_s
    spectra = transform(
        settings.spectra,
        round(length_s * sfreq_hz),
        sfreq_hz=sfreq_hz,
        half_bandwidth_hz=settings.half_bandwidth_hz,
        n_cycles=settings.n_cycles,
    )
    return why_not_over_epochs(
        band_hz,
        n_epochs=condition.n_epochs,
        epoch_length_s=length_s,
        half_bandwidth_hz=spectra.smoothing_hz(band_hz),
        highest_hz=highest_hz,
        min_epochs=min_epochs,
        min_cycles=min_cycles,
    )
