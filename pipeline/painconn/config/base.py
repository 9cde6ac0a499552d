"""What every section of a study file shares."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$", max_length=64)]
"""A participant, session, condition or target label: letters and digits, always text (``001`` stays ``001``)."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
"""A name given inside a study file (band, target, covariate): a letter, then letters, digits or underscores."""

Window = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")]


class Section(BaseModel):
    """A frozen section that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
