"""``data.phenotype``: how a label column comes about."""

from pydantic import Field

from painconn.config.base import Name, Section


class Phenotype(Section):
    """How a label column comes about."""

    rule: Name = Field("given_column", description="A rule of `painconn list phenotypes`")
    column: str | None = Field(
        None,
        description="given_column: column offered to contrasts as `phenotype`; null: contrasts name their own column",
    )
