"""``data.phenotype``: which rule makes the label, and from which columns of which table."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from painconn.config.base import Name, Section
from painconn.config.names import named_twice, unknown_name
from painconn.recordings.registry import PHENOTYPES

_TABLE = {"rule", "table", "sheet", "id_column", "only"}


class Controls(Section):
    """Who the people without pain are."""

    column: str = Field(description="Column of the participants table (or of the phenotype table) that says so")
    value: str = Field(description="Value of that column for controls; their label is `control`")


class Phenotype(Section):
    """Which rule makes the label, and from which columns of which table."""

    rule: Name = Field("given_column", description="A rule of `painconn list phenotypes`")
    column: str | None = Field(
        None,
        description="given_column: column offered to contrasts as `phenotype`; null: contrasts name their own column",
    )
    table: Path | None = Field(
        None,
        description="Table that the rule reads (tsv, csv, xlsx), e.g. phenotype/pinprick.tsv; relative to the first "
        "source's root; null: the participants table",
    )
    sheet: str | None = Field(None, description="Sheet of an xlsx table; null: the only one that can be seen")
    id_column: str | None = Field(
        None, description="Column of the participant label in that table; null: as in the participants table"
    )
    only: Mapping[str, str] = Field({}, description="Rows that count: column: value, e.g. {session_id: ses-01}")
    columns: Mapping[str, str | tuple[str, ...]] = Field(
        {},
        description="What the rule needs: column that holds it (pinprick: or several columns, one per trial); a column "
        "that has the name of what is needed does not have to be written here",
    )
    sites: Mapping[Literal["painful", "remote"], str] = Field(
        {"painful": "painful", "remote": "remote"},
        description="pinprick, one row per trial: text in the column `site` for the painful and the remote site",
    )
    controls: Controls | None = Field(
        None, description="People without pain: they get the label `control`; pinprick needs them as its reference"
    )
    cut: PositiveFloat | None = Field(
        None, description="Cut-off of the rule (pinprick: z; body_map: painful sites); null: the rule's own"
    )
    neighbours: tuple[PositiveFloat, ...] | None = Field(
        None, description="Cut-offs of the sensitivity table; null: the rule's own"
    )
    adjust_for: tuple[str, ...] | None = Field(
        None,
        description="pinprick: columns that the z values are adjusted for; null: age and sex where that is possible",
    )
    rating_range: tuple[float, float] = Field(
        (0.0, 100.0), description="pinprick: lowest and highest possible rating; a rating outside stops the study"
    )
    offset: PositiveFloat | None = Field(
        None, description="pinprick: added to ratings before the logarithm; null: a thousandth of the rating range"
    )

    @property
    def makes_labels(self) -> bool:
        """Whether there is a rule to apply, or every contrast names its own column."""
        return self.rule != "given_column" or self.column is not None

    @model_validator(mode="after")
    def _options_fit_the_rule(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        if self.rule not in PHENOTYPES:
            yield unknown_name("rule", self.rule, PHENOTYPES)
            return
        rule = PHENOTYPES[self.rule]
        fields = type(self).model_fields
        # Not those that were written down: a study that went through JSON has every option written down.
        changed = {name for name, field in fields.items() if getattr(self, name) != field.default}
        for option in sorted(changed - _TABLE - set(rule.options)):
            yield f"{option} is not an option of the rule {rule.name} (those are: {', '.join(rule.options)})"
        for role, column in self.columns.items():
            if role not in rule.columns:
                yield unknown_name(f"column of the rule {rule.name},", role, rule.columns)
            elif not isinstance(column, str) and role not in rule.repeated:
                yield f"columns.{role} names several columns, and the rule {rule.name} takes one"
        if self.rule == "pinprick" and self.controls is None:
            yield "the rule pinprick needs controls: {column: ..., value: ...}, its reference"
        low, high = self.rating_range
        if not 0 <= low < high:
            yield f"rating_range {low:g} to {high:g}: wanted 0 <= lowest < highest"
        if set(self.sites) != {"painful", "remote"} or len(set(self.sites.values())) < 2:
            yield "sites: wanted two different texts, one for painful and one for remote"
        yield from named_twice("cut-off", [f"{cut:g}" for cut in self.neighbours or ()])
