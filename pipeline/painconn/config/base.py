"""What every section of a study file shares."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

_LABEL_PATTERN = r"^[A-Za-z0-9]+$"
_NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$"

PATTERNS = {
    _LABEL_PATTERN: "letters and digits only",
    _NAME_PATTERN: "a letter, then letters and digits, with single underscores between them",
}
"""The patterns of names, in words."""

Label = Annotated[str, StringConstraints(pattern=_LABEL_PATTERN, max_length=64)]
"""A participant, session, condition or target label: letters and digits, always text (``001`` stays ``001``)."""

Name = Annotated[str, StringConstraints(pattern=_NAME_PATTERN, max_length=64)]
"""A name given inside a study file (band, covariate): a letter, then letters and digits, single underscores between.

Two underscores separate the parts of a column's name.
"""

Window = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")]


class Section(BaseModel):
    """A frozen section that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
