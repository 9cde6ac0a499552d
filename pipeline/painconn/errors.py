"""The error family: what went wrong, told the same way everywhere.

Conventions of this file: a :class:`Problem` says where, what was found, what was wanted and what to do.
An error carries *all* problems of its kind, never only the first. :class:`RecordingFault` is a data fault
(this recording cannot be used and becomes an exclusion); everything else is for the person at the keyboard.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

EXIT_DONE = 0
EXIT_JOB_FAILED = 1
EXIT_USER = 2
EXIT_AUDIT_FAILED = 3


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in the project's one message shape.

    Parameters
    ----------
    where : str
        File, field, row or line, as precise as it is known.
    found, wanted : str
        What is there, and what must be there instead.
    fix : str
        What the reader of the message can do about it.
    """

    where: str
    found: str
    wanted: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where} · found: {self.found} · wanted: {self.wanted} · do: {self.fix}"


class PainconnError(Exception):
    """Base of every error that the project raises on purpose.

    Parameters
    ----------
    problems : Problem or iterable of Problem
        Everything of this kind that is wrong.
    """

    exit_status = EXIT_USER

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(PainconnError):
    """The study file (or another setting) is at fault."""


class InputError(PainconnError):
    """The data folder or a table of the user is at fault; nothing can start."""


class DesignError(PainconnError):
    """The study as it stands cannot answer the question (too few people, one class, no folds)."""


class PathError(PainconnError):
    """A label or a path is not allowed, or points outside its root."""


class IntegrityError(PainconnError):
    """A result on disk is not what its sidecar says."""

    exit_status = EXIT_JOB_FAILED


class RecordingFault(PainconnError):  # noqa: N818 — the word of the field for a data fault
    """A recording (or session, or condition) that cannot be used; the others go on without it.

    Parameters
    ----------
    check : str
        Short name of the check that refused it, for the exclusion table.
    problem : Problem
        What is wrong with it.
    """

    def __init__(self, check: str, problem: Problem) -> None:
        self.check = check
        super().__init__(problem)

    def as_record(self) -> dict[str, str]:
        """Return the exclusion as plain text fields (check, where, found, wanted, fix)."""
        return {"check": self.check, **asdict(self.problems[0])}
