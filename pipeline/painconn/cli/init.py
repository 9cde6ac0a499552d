"""``painconn init``: a proposal for a study file."""

from pathlib import Path

from rich.console import Console

from painconn.errors import InputError, Problem


def write_proposal(folder: Path, out: Path | None) -> None:
    """Write (or print) a study file proposed for a folder; an existing file is never overwritten.

    Raises
    ------
    InputError
        When the folder holds no recording, or the study file exists.
    """
    from painconn.recordings.proposal import propose_study
    from painconn.store import write_text

    if out is not None and out.exists():
        raise InputError(
            Problem(str(out), "a file", "a name that is free", "choose another --out or move the file away")
        )
    text = propose_study(folder)
    console = Console(soft_wrap=True)
    if out is None:
        console.print(text, markup=False, highlight=False)
        return
    write_text(out, text)
    console.print(
        f"written: {out} — read the comments in it, then: painconn check {out}", markup=False, highlight=False
    )
