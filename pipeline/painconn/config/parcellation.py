"""``cortex.parcellation``: regions that come with the package by name, or the user's own by their files."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from painconn.config.base import Section
from painconn.config.names import unknown_name
from painconn.cortex.registry import PARCELLATIONS


class AnnotFiles(Section):
    """FreeSurfer annotations of both hemispheres."""

    lh: Path = Field(description="`.annot` file of the left hemisphere; relative to the study file")
    rh: Path = Field(description="`.annot` file of the right hemisphere; relative to the study file")


class UserParcellation(Section):
    """Regions of one's own, from annotation files or from coordinates; `features.groups` has to be given with it."""

    annot: AnnotFiles | None = Field(None, description="Annotations of fsaverage5, fsaverage6 or fsaverage")
    coordinates: Path | None = Field(
        None, description="Tab-separated table with the columns name, x_mm, y_mm, z_mm, radius_mm"
    )
    space: Literal["mni152", "mni305"] = Field("mni152", description="Space of the coordinates; mni305 is fsaverage's")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.annot is None) == (self.coordinates is None):
            found = "both annot and coordinates" if self.annot else "neither annot nor coordinates"
            raise ValueError(f"{found}, wanted one of them")
        return self

    def in_folder(self, folder: Path) -> "UserParcellation":
        """Return the section with its relative paths resolved against a folder."""
        if self.annot is not None:
            files = {side: folder / path.expanduser() for side, path in self.annot}
            return self.model_copy(update={"annot": AnnotFiles(**files)})
        assert self.coordinates is not None  # noqa: S101 - one of the two is given
        return self.model_copy(update={"coordinates": folder / self.coordinates.expanduser()})


def _known(name: str) -> str:
    if name not in PARCELLATIONS:
        raise ValueError(unknown_name("parcellation", name, PARCELLATIONS))
    return name


def _tag(value: Any) -> str:
    return "str" if isinstance(value, str) else UserParcellation.__name__


ParcellationChoice = Annotated[
    Annotated[str, AfterValidator(_known), Tag("str")] | Annotated[UserParcellation, Tag(UserParcellation.__name__)],
    Discriminator(_tag),
]
"""A name of `painconn.cortex.registry.PARCELLATIONS`, or a section that names files."""
