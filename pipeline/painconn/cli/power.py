"""``painconn power``: how many people a study needs, by simulation with its own design."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from painconn.errors import EXIT_DONE, ConfigError, DesignError, InputError, PainconnError, Problem

if TYPE_CHECKING:
    from painconn.config.study import StudyConfig
    from painconn.steps.planned_cohort import PlannedCohort

_EFFECTS = (0.5, 0.8, 1.2)
_EVERY_S = 15.0
_LARGEST_EFFECT = 3.0


def plan_power(
    path: Path,
    *,
    data: Path | None,
    out: Path | None,
    target: str | None,
    cap: str | None,
    effects: str,
    n_people: int,
    seed: int | None,
    cores: int | None,
) -> int:
    """Say how many people a target of a study needs; write table, numbers and figure.

    Parameters
    ----------
    path : Path
        Study file.
    data, out : Path or None
        Data folder instead of the file's; where the plan goes, by default ``results/<study name>/power``.
    target : str or None
        Name of the target; None: the first.
    cap : str or None
        A cap by name instead of the channels of the recordings.
    effects : str
        Sizes of the true effect with commas between them; empty: 0.5, 0.8, 1.2.
    n_people : int
        People in the simulated pool.
    seed : int or None
        None: that of the study.
    cores : int or None
        Processes; None takes all.

    Returns
    -------
    status : int
        Exit status.

    Raises
    ------
    PainconnError
        The study file, the data folder or an option is at fault, or the simulation cannot represent the study.
    """
    # Set before the first import of what reads it; with one thread a process, numbers do not hang on the machine.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from painconn.cli.kernels import prepare_kernels
    from painconn.cli.run import read_study
    from painconn.steps.plan import prepare_environment

    if data is not None and not data.is_dir():
        raise InputError(Problem("--data", f"no folder {data}", "the folder of the recordings", "correct the path"))
    study = read_study(path, data)
    chosen = _target(study, target)
    sizes = _effects(effects)
    folder = out if out is not None else Path("results") / study.name / "power"
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem("--out", f"{folder}, a file", "a folder or a free name", "choose another --out"))
    prepare_environment()
    prepare_kernels(folder)

    from painconn.steps.people import covariates_of
    from painconn.steps.planned_cohort import plan_cohort
    from painconn.steps.planning import plan_study
    from painconn.steps.simulated_pool import make_bench

    named = study.targets[chosen].covariates
    covariates = covariates_of(study.targets[chosen].contrast, study.data.covariates if named is None else named)
    channels, today = _montage_and_people(study, chosen, cap)
    _require_computable(study, chosen, len(channels))
    cohort = plan_cohort(study, chosen, channels, covariates)
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"planning {chosen}: {len(channels)} channels, {n_people} simulated people", highlight=False)
    bench = make_bench(study, chosen, cohort, effects=sizes, seed=study.seed if seed is None else seed)
    n_cores = cores or os.cpu_count() or 1
    plan = plan_study(bench, n_people=n_people, today=today, cores=n_cores, tell=_Teller(console))
    record = {"study": study.name, "target": chosen, **_design(study, chosen, cohort), **plan.record}
    _write(folder, plan.table, record)
    spoken = Console(soft_wrap=True)
    for line in summary(record):
        spoken.print(line, markup=False, highlight=False)
    spoken.print(f"table, numbers, figure: {folder}", markup=False, highlight=False)
    return EXIT_DONE


class _Teller:
    """Tells how far the work is, now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = time.monotonic()

    def __call__(self, what: str, done: int, *, total: int) -> None:
        now = time.monotonic()
        if done < total and now - self._said < _EVERY_S:
            return
        self._said = now
        self._console.print(f"{done} of {total} {what}", highlight=False)


def _target(study: "StudyConfig", name: str | None) -> str:
    if name is None:
        return next(iter(study.targets))
    if name not in study.targets:
        known = ", ".join(study.targets)
        raise ConfigError(Problem("--target", name, f"one of {known}", "name a target of the study file"))
    return name


def _effects(text: str) -> tuple[float, ...]:
    if not text:
        return _EFFECTS
    try:
        sizes = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        sizes = ()
    if not sizes or not all(0 < size <= _LARGEST_EFFECT for size in sizes):
        wanted = f"numbers above 0 and at most {_LARGEST_EFFECT:g} with commas between them, such as 0.5,0.8"
        raise ConfigError(Problem("--effects", text, wanted, "correct the option"))
    return sizes


def _montage_and_people(
    study: "StudyConfig", target: str, cap: str | None
) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
    """Return the channels to plan with, and how many people the study has; None when its recordings are not there."""
    from painconn.simulation.caps import CAPS

    if cap is not None and cap not in CAPS:
        raise ConfigError(Problem("--cap", cap, f"one of {', '.join(CAPS)}", "name one of these caps"))
    there = all(Path(source.root).is_dir() for source in study.data.sources)
    if study.data.sources[0].layout == "features" or not there:
        if cap is None and study.data.sources[0].layout != "features":
            problem = Problem(
                "data.sources",
                "no recordings there",
                "recordings to take the channels from, or a cap",
                f"give --data DIR, or --cap with one of {', '.join(CAPS)}",
            )
            raise InputError(problem)
        return CAPS[cap] if cap else (), None
    return _from_recordings(study, target, CAPS[cap] if cap else None)


def _from_recordings(
    study: "StudyConfig", target: str, cap: tuple[str, ...] | None
) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
    from collections import Counter

    from painconn.paths import Results
    from painconn.steps.plan import Plan

    plan = Plan(study, Results(Path("results") / study.name), write=False)
    keys = Counter(session["montage"] for session in plan.sessions.values() if session["montage"])
    if cap is None and not keys:
        problem = Problem(
            "data.sources", "no recording with known electrodes", "one to take the channels from", "give --cap"
        )
        raise InputError(problem)
    channels = cap or tuple(plan.inventory["montages"][keys.most_common(1)[0][0]]["names"])
    return channels, _people_today(study, target, {session["participant"] for session in plan.sessions.values()})


def _people_today(study: "StudyConfig", target: str, recorded: set[str]) -> tuple[int, ...] | None:
    """Return how many people with recordings there are of each group, or in all for a contrast within people."""
    from painconn.recordings.participants import label_groups
    from painconn.steps.people import people_of

    contrast = study.targets[target].contrast
    if contrast.kind == "within":
        return (len(recorded),) if recorded else None
    try:
        people = people_of(study.data)
        labels = label_groups(
            people[people.index.isin(recorded)], str(contrast.column), (str(contrast.a), str(contrast.b))
        ).labels
    except PainconnError:
        # A study that has no table yet can be planned; a run would say what is wrong with the table.
        return None
    counts = tuple(int((labels == side).sum()) for side in (contrast.a, contrast.b))
    return counts if min(counts) > 1 else None


def _require_computable(study: "StudyConfig", target: str, n_channels: int) -> None:
    """Refuse a primary measure that no run could compute, before anything is simulated."""
    from painconn.cli.foresight import refused, unanswerable

    if study.data.sources[0].layout == "features":
        return
    only = study.model_copy(update={"targets": {target: study.targets[target]}})
    problems = list(unanswerable(only, refused(only, [n_channels])))
    if problems:
        raise DesignError(problems)


def _design(study: "StudyConfig", target: str, cohort: "PlannedCohort") -> dict[str, Any]:
    chosen = study.targets[target]
    return {
        "measure": chosen.primary.measure,
        "inverse": chosen.primary.inverse,
        "bands_hz": {band: list(study.connectivity.bands_hz[band]) for band in chosen.primary.bands},
        "observations": [
            {"condition": name, "window": window, "n_epochs": study.data.conditions[name].n_epochs}
            for name, window in cohort.observations
        ],
        "sfreq_hz": study.cleaning.sfreq_hz,
    }


def _write(folder: Path, table: Any, record: Mapping[str, Any]) -> None:
    from painconn.reporting.power_figure import power_figure
    from painconn.store import plain, write_json, write_text, write_tsv

    picture = power_figure(table, people=_people_word(record), n_people=record["n_people"])
    write_tsv(folder / "power.tsv", table)
    write_text(folder / "power.svg", picture.svg)
    write_json(folder / "power.json", plain(record))


def _people_word(record: Mapping[str, Any]) -> str:
    return "people per group" if record["kind"] == "between" else "people"


def summary(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that say what a plan found.

    Parameters
    ----------
    record : mapping
        As in ``power.json``.
    """
    seen = ", ".join(f"{one['n_epochs']} epochs of {one['condition']}" for one in record["observations"])
    yield (
        f"{record['study']}, {record['target']}: {record['measure']} ({record['inverse']}), {len(record['channels'])} "
        f"channels, {seen}; {record['family_size']} primary tests"
    )
    for block in record["blocks"]:
        yield ""
        yield f"{block['band']}: {' with '.join(block['groups'])}"
        true = _told(block["r_with_true_coupling"])
        yield f"  reliability {_told(block['reliability'])}; correlation with the true coupling {true}"
        yield from (f"  {_effect_line(effect, record)}" for effect in block["effects"])
        if block["detectable_today"]:
            groups, found = " + ".join(map(str, record["today"])), _told(block["detectable_today"]["0.8"], record)
            yield f"  today's {groups} people find a true d of {found} with 80 % power"
    alarms = record["false_alarms"]
    yield ""
    yield (
        f"without any effect {alarms['share']:.1%} of {alarms['drawn']} drawn studies found something "
        f"({alarms['low']:.1%} to {alarms['high']:.1%}; wanted {record['alpha']:.0%})"
    )
    yield (
        f"Rests on {record['n_people']} simulated people and {record['n_drawn']} drawn studies for each effect and "
        "number of people. The signals have no artefacts: people and epochs that cleaning takes come on top."
    )
    yield from (f"note: {note}" for note in record["notes"])


def _effect_line(effect: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    needed = effect["people"]["0.8"]
    n, largest = needed["n"], record["largest_n"]
    low, high = (f"more than {largest}" if needed[end] is None else str(needed[end]) for end in ("low", "high"))
    word = _people_word(record)
    told = f"{n} {word} for 80 % power ({low} to {high})" if n else f"more than {largest} {word} for 80 % power"
    told += f" (interval from {low})" if not n and needed["low"] else ""
    return f"true d {effect['d']:g} is measured as {_told(effect['d_measured'])}: {told}"


def _told(estimate: Mapping[str, Any], record: Mapping[str, Any] | None = None) -> str:
    """Say a number with its interval; with a record, what is missing is more than its largest effect."""
    beyond = "not known"
    if record is not None:
        beyond = f"more than {max(effect['d'] for block in record['blocks'] for effect in block['effects']):g}"
    value, low, high = (beyond if estimate[end] is None else f"{estimate[end]:.2f}" for end in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
