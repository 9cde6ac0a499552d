"""``painconn demo``: a simulated pain cohort through the whole workflow."""

from pathlib import Path

from rich.console import Console

from painconn.provenance import SHIPPED

_SEED = 20260


def run_demo(out: Path, *, cores: int | None) -> int:
    """Simulate the cohort of the demo study below ``out/data`` (once), run the study, return its exit status."""
    from painconn.cli.run import run_study
    from painconn.simulation.presets import PRESETS
    from painconn.simulation.write import write_cohort

    console = Console(stderr=True, soft_wrap=True)
    data = out / "data" / "pain"
    if not data.is_dir():
        console.print("simulating 8 people with localized and 8 with widespread pain", highlight=False)
        write_cohort(PRESETS["demo"], data, seed=_SEED)
    return run_study(SHIPPED / "configs" / "studies" / "demo.yaml", data=data, out=out, cores=cores)
