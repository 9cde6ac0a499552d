"""``data.inclusion``: how good a recording has to be, in numbers of the quality table."""

from typing import Self

from pydantic import Field, model_validator

from painconn.config.base import Section


class Limits(Section):
    """Smallest and largest value at which a recording is included; one of them at least."""

    min: float | None = Field(None, description="Smallest value that is included; null: no limit")
    max: float | None = Field(None, description="Largest value that is included; null: no limit")

    @model_validator(mode="after")
    def _say_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("state min, max or both, e.g. {max: 0.35}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing would be included")
        return self

    def allow(self, value: float) -> bool:
        """Whether a value is inside; the limits themselves are."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def __str__(self) -> str:
        stated = (("at least", self.min), ("at most", self.max))
        return ", ".join(f"{words} {value:g}" for words, value in stated if value is not None)
