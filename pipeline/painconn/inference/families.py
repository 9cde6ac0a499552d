"""Declared families of tests: what is primary is said, and hashed, before any label is opened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from painconn.errors import DesignError, Problem
from painconn.provenance import canonical_json, text_hash

Role = Literal["primary", "agreement", "exploratory", "positive_control"]


@dataclass(frozen=True)
class Family:
    """Tests that are corrected together.

    Parameters
    ----------
    name : str
        Name of the family, as printed beside every p value.
    role : {"primary", "agreement", "exploratory", "positive_control"}
        What the family may be used for; ``agreement`` is the primary family under another inverse, exploratory too.
    tests : tuple of str
        Names of the feature columns. All of them count, also those that cannot be computed.
    covariates : tuple of str
        Names of the covariates of the model, the same for every test of the family.

    Raises
    ------
    DesignError
        When the family has no test, or names one twice.
    """

    name: str
    role: Role
    tests: tuple[str, ...]
    covariates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        repeated = sorted(test for test, count in Counter(self.tests).items() if count > 1)
        if repeated or not self.tests:
            found = f"tests named twice: {', '.join(repeated)}" if repeated else "no test"
            raise DesignError(
                Problem(f"family {self.name!r}", found, "one or more different tests", "correct the list of tests")
            )


def family_hash(families: Sequence[Family], contrast: str) -> str:
    """Return the sha256 of the primary families, to be written down before the labels are opened.

    Parameters
    ----------
    families : sequence of Family
        All families; only those with the role ``primary`` count. Their order, and that of tests and covariates, does
        not matter.
    contrast : str
        The comparison, for example ``"widespread - localized"``.

    Returns
    -------
    digest : str
        64 hexadecimal digits.
    """
    declared = sorted(
        [family.name, sorted(family.tests), sorted(family.covariates)]
        for family in families
        if family.role == "primary"
    )
    return text_hash(canonical_json({"contrast": contrast, "families": declared}))
