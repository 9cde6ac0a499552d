"""The head model: a boundary-element solution and a cortical source space, made once per study."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from painconn.cortex.template import SUBJECT

if TYPE_CHECKING:
    import mne

BEM_FILE = "bem-sol.fif"
SOURCES_FILE = "src.fif"
TRANSFORM_FILE = "head-trans.fif"


@dataclass(frozen=True)
class Head:
    """What a forward solution needs to know about a head.

    Attributes
    ----------
    bem : mne.bem.ConductorModel
        Three-shell boundary-element model with its solution.
    sources : mne.SourceSpaces
        One cortical source space per hemisphere.
    transform : mne.transforms.Transform
        From head coordinates to MRI coordinates (surface RAS), in m.
    """

    bem: "mne.bem.ConductorModel"
    sources: "mne.SourceSpaces"
    transform: "mne.transforms.Transform"


def build_head(
    subjects_dir: Path,
    *,
    conductivity_s_per_m: tuple[float, float, float] = (0.3, 0.006, 0.3),
    bem_ico: int = 3,
    source_spacing: str = "ico4",
    subject: str = SUBJECT,
) -> Head:
    """Solve the three-shell boundary-element model and lay sources on the white surface.

    Linear collocation with the isolated-skull correction, as MNE-Python does it (doi:10.1109/10.16463).

    Parameters
    ----------
    subjects_dir : Path
        Holds the FreeSurfer subject (`painconn.cortex.template.write_subject` writes the bundled one).
    conductivity_s_per_m : tuple of float
        Brain, skull, scalp.
    bem_ico : int
        Subdivision of each shell: 3 is 1,280 triangles, 4 is 5,120.
    source_spacing : str
        ``"ico4"`` is 2,562 sources per hemisphere.
    subject : str
        The subject's folder; it must hold surfaces, shells and ``bem/<subject>-trans.fif``.

    Returns
    -------
    head : Head
    """
    import mne

    model = mne.make_bem_model(
        subject, ico=bem_ico, conductivity=conductivity_s_per_m, subjects_dir=subjects_dir, verbose="error"
    )
    bem = mne.make_bem_solution(model, verbose="error")
    sources = mne.setup_source_space(
        subject, spacing=source_spacing, subjects_dir=subjects_dir, add_dist=False, verbose="error"
    )
    return Head(bem, sources, mne.read_trans(subjects_dir / subject / "bem" / f"{subject}-trans.fif", verbose="error"))


def save_head(head: Head, folder: Path) -> None:
    """Write the head into an existing folder, in MNE's own formats."""
    import mne

    mne.write_bem_solution(folder / BEM_FILE, head.bem, overwrite=True, verbose="error")
    mne.write_source_spaces(folder / SOURCES_FILE, head.sources, overwrite=True, verbose="error")
    mne.write_trans(folder / TRANSFORM_FILE, head.transform, overwrite=True, verbose="error")


def load_head(folder: Path) -> Head:
    """Read what `save_head` wrote."""
    import mne

    return Head(
        mne.read_bem_solution(folder / BEM_FILE, verbose="error"),
        mne.read_source_spaces(folder / SOURCES_FILE, verbose="error"),
        mne.read_trans(folder / TRANSFORM_FILE, verbose="error"),
    )
