"""``painconn predict``: a saved model on new recordings."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from painconn.errors import EXIT_DONE


def predict_recordings(folder: Path, recordings: Sequence[Path], out: Path) -> int:
    """Apply a model, print a line per person and every refusal; return the exit status.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    recordings : sequence of Path
        A dataset, or recordings of one.
    out : Path
        Where the results go.
    """
    from painconn.cli.kernels import prepare_kernels
    from painconn.prediction.model_file import read_model
    from painconn.prediction.saved_model import SavedModel
    from painconn.steps.plan import prepare_environment

    saved = read_model(folder)
    progress, console = Console(stderr=True, soft_wrap=True), Console(soft_wrap=True)
    prepare_environment()
    prepare_kernels(out)
    from painconn.steps.apply import apply_model

    found, refused = apply_model(
        saved, recordings, out, say=lambda line: progress.print(line, markup=False, highlight=False)
    )
    told = _side if isinstance(saved, SavedModel) else partial(_score, level=saved.record.interval_level)
    for row in found.itertuples():
        outside = "" if row.outside == "none" else f"; far outside the training range: {row.outside}"
        line = f"sub-{row.participant} {row.observation}: {told(row)}{outside}"
        console.print(line, markup=False, highlight=False)
    for problem in refused:
        progress.print(f"refused: {problem}", markup=False, highlight=False)
    console.print(f"{saved.statement}\nresults: {out / 'predictions.tsv'}", markup=False, highlight=False)
    return EXIT_DONE


def _side(row: Any) -> str:
    return f"{row.positive} {row.probability:.2f} (95 % {row.ci_low:.2f} to {row.ci_high:.2f})"


def _score(row: Any, *, level: float) -> str:
    beyond = "" if row.beyond == "none" else f"; {row.beyond} every score of the study"
    return f"{row.score} {row.predicted:.4g} ({100 * level:.3g} % {row.pi_low:.4g} to {row.pi_high:.4g}){beyond}"
