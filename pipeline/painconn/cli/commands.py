"""The commands: thin, each calls what does the work."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="painconn",
    help="From pain EEG to a defensible classifier: connectivity, group statistics, honest prediction.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

StudyFile = Annotated[
    Path, typer.Argument(metavar="STUDY.yaml", help="A study file; `painconn init` writes one", show_default=False)
]
DataFolder = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of the recordings, instead of the root in the file")
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Results folder; default results/<study name>")
]
Cores = Annotated[int | None, typer.Option("--cores", min=1, help="Processor cores; default all")]


class Registry(StrEnum):
    """What `painconn list` can show."""

    measures = "measures"
    graph_measures = "graph_measures"
    classifiers = "classifiers"
    inverses = "inverses"
    parcellations = "parcellations"
    readers = "readers"
    checks = "checks"
    phenotypes = "phenotypes"
    datasets = "datasets"
    presets = "presets"


class RecordingFormat(StrEnum):
    """How `painconn simulate` can write a recording."""

    brainvision = "brainvision"
    edf = "edf"


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where data and results go")] = Path("results/demo"),
    cores: Cores = None,
) -> None:
    """Simulate a small pain cohort, run the whole workflow on it, end with the report."""
    from painconn.cli.demo import run_demo

    raise typer.Exit(run_demo(out, cores=cores))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A folder of recordings", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="STUDY.yaml", help="Study file to write; default: print it")
    ] = None,
) -> None:
    """Look at a folder of recordings and write a study file ready to edit."""
    from painconn.cli.init import write_proposal

    write_proposal(folder, out)


@app.command()
def check(study: StudyFile, data: DataFolder = None) -> None:
    """Find everything that can be known before a job starts; all problems at once."""
    from painconn.cli.check import check_study

    check_study(study, data=data)


@app.command(context_settings={"allow_extra_args": True})
def run(
    context: typer.Context,
    study: StudyFile,
    data: DataFolder = None,
    out: OutFolder = None,
    cores: Cores = None,
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Where jobs run: default, slurm, or a profile folder")
    ] = "default",
) -> None:
    """Run a study from recordings to report; options after `--` go to snakemake."""
    from painconn.cli.run import run_study

    raise typer.Exit(run_study(study, data=data, out=out, cores=cores, profile=profile, extra=context.args))


@app.command()
def lock(study: StudyFile, data: DataFolder = None, out: OutFolder = None) -> None:
    """Freeze a blinded study (settings, exclusions, features) before its labels are opened."""
    from painconn.cli.lock import lock_study

    lock_study(study, data=data, out=out)


@app.command()
def fetch(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A name of `painconn list datasets`", show_default=False)
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the data", show_default=False)],
    mirror: Annotated[
        Path | None, typer.Option("--from", metavar="MIRROR", help="A local copy instead of the provider")
    ] = None,
    participants: Annotated[
        str, typer.Option("--participants", metavar="A,B,...", help="Only these people; default everybody")
    ] = "",
    first: Annotated[int | None, typer.Option("--first", min=1, help="Only so many people")] = None,
    max_gb: Annotated[float, typer.Option("--max-gb", min=0, help="Stop before bringing more than this")] = 20,
    workers: Annotated[int, typer.Option("--workers", min=1, max=16, help="Files at a time")] = 4,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the conditions of use that are shown")
    ] = False,
) -> None:
    """Fetch an open dataset by name: every file verified by sha256; run again to go on."""
    from painconn.cli.fetch import fetch as fetch_by_name

    raise typer.Exit(
        fetch_by_name(
            dataset,
            to,
            mirror=mirror,
            participants=participants,
            first=first,
            max_gb=max_gb,
            workers=workers,
            accept_licence=accept_licence,
        )
    )


@app.command()
def simulate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make", show_default=False)],
    preset: Annotated[
        str | None, typer.Option("--preset", metavar="NAME", help="A name of `painconn list presets`; default planted")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", metavar="FILE", help="A truth file (YAML) that declares the cohort")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes")] = 0,
    cores: Cores = None,
    file_format: Annotated[
        RecordingFormat, typer.Option("--format", help="Format of the recordings")
    ] = RecordingFormat.brainvision,
) -> None:
    """Simulate a BIDS dataset with known couplings and group effects; the truth lies beside it."""
    from painconn.cli.simulate import simulate as simulate_cohort

    simulate_cohort(out, preset=preset, truth=truth, seed=seed, cores=cores, file_format=file_format.value)


@app.command()
def power(
    study: StudyFile,
    data: DataFolder = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder of the plan; default results/<study name>/power")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Target to plan; default the first of the file")
    ] = None,
    cap: Annotated[
        str | None,
        typer.Option("--cap", metavar="NAME", help="cap_19, cap_32 or cap_64 instead of the recordings' channels"),
    ] = None,
    effects: Annotated[
        str, typer.Option("--effects", metavar="D,D,...", help="True effects, standardised; default 0.5,0.8,1.2")
    ] = "",
    people: Annotated[int, typer.Option("--people", min=20, help="Simulated people; more: narrower intervals")] = 100,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Default: that of the study")] = None,
    cores: Cores = None,
) -> None:
    """Say how many people a study needs, by simulation with its own design."""
    from painconn.cli.power import plan_power

    raise typer.Exit(
        plan_power(
            study,
            data=data,
            out=out,
            target=target,
            cap=cap,
            effects=effects,
            n_people=people,
            seed=seed,
            cores=cores,
        )
    )


@app.command()
def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder of a model: RESULTS/group/TARGET/model", show_default=False)
    ],
    recordings: Annotated[
        list[Path], typer.Argument(metavar="RECORDING...", help="A dataset, or files of one", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Results folder")] = Path("results/prediction"),
) -> None:
    """Apply a saved model to new recordings; never a diagnosis."""
    from painconn.cli.predict import predict_recordings

    raise typer.Exit(predict_recordings(model, recordings, out))


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A results folder", show_default=False)]) -> None:
    """Rebuild the page from saved results."""
    from painconn.cli.run import print_outcome
    from painconn.paths import Results
    from painconn.steps.report import rebuild

    results = Results(folder)
    rebuild(results)
    raise typer.Exit(print_outcome(results))


@app.command("list")
def list_registry(registry: Annotated[Registry, typer.Argument(help="What to list", show_default=False)]) -> None:
    """List what a study file can name."""
    from painconn.cli.listing import print_registry

    print_registry(registry.value)
