"""File-name patterns with named parts: parse a name into labels, build a name from labels.

A pattern is a relative path such as ``Subject{participant}_{task}.edf`` or ``*/{participant}/{session}.vhdr``: literal
text, the parts ``{participant} {session} {task} {run}``, and ``*`` for anything inside one folder level. A part that
occurs twice must have the same text both times.
"""

import re
from collections.abc import Mapping

from painconn.errors import ConfigError, PathError, Problem

PARTS = ("participant", "session", "task", "run")
LABEL = re.compile(r"[A-Za-z0-9]+")

_TOKEN = re.compile(r"\{(\w*)\}|(\*)")


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Turn a pattern into a regular expression that matches a whole relative path (posix text).

    Parts match any text inside one folder level, so that a hostile label is seen and named rather than overlooked.

    Raises
    ------
    ConfigError
        Unknown parts, no ``{participant}``, two parts without text between them, an absolute path, or ``..``.
    """
    problems = list(_pattern_problems(pattern))
    if problems:
        raise ConfigError(
            Problem(f"data.sources: pattern {pattern!r}", found, wanted, fix) for found, wanted, fix in problems
        )
    expression, seen, at = "", set[str](), 0
    for token in _TOKEN.finditer(pattern):
        expression += re.escape(pattern[at : token.start()])
        part, at = token[1], token.end()
        if token[2]:
            expression += "[^/]*"
        elif part in seen:
            expression += f"(?P={part})"
        else:
            expression += f"(?P<{part}>[^/]+?)"
            seen.add(part)
    return re.compile(expression + re.escape(pattern[at:]), re.DOTALL)


def parse_name(pattern: str, name: str) -> dict[str, str] | None:
    """Return the parts of a relative path (only those the pattern has), or None when it does not fit.

    Raises
    ------
    ConfigError
        The pattern itself is at fault.
    """
    match = compile_pattern(pattern).fullmatch(name)
    return None if match is None else match.groupdict()


def build_name(pattern: str, parts: Mapping[str, str]) -> str:
    """Build the relative path of given labels; :func:`parse_name` is its inverse.

    Raises
    ------
    PathError
        A label is missing or has characters other than letters and digits, the pattern holds ``*``, or the name built
        would be read back as other labels.
    """
    bad = sorted(name for name, label in parts.items() if not LABEL.fullmatch(label))
    if bad or "*" in pattern:
        found = "* in the pattern" if "*" in pattern else ", ".join(f"{name} {parts[name]!r}" for name in bad)
        raise PathError(
            Problem(f"pattern {pattern!r}", found, "labels of letters and digits, and no *", "rename the label")
        )
    try:
        name = _TOKEN.sub(lambda token: parts[token[1]], pattern)
    except KeyError as error:
        raise PathError(
            Problem(f"pattern {pattern!r}", f"no {error.args[0]}", "every part", "give the label")
        ) from None
    read_back = parse_name(pattern, name)
    if read_back is None or any(parts[part] != label for part, label in read_back.items()):
        raise PathError(
            Problem(
                f"pattern {pattern!r}",
                f"{name} reads back as {read_back}",
                f"{dict(parts)}",
                "put _ or - between the parts",
            )
        )
    return name


def _pattern_problems(pattern: str) -> list[tuple[str, str, str]]:
    problems = []
    names = [token[1] for token in _TOKEN.finditer(pattern) if not token[2]]
    unknown = sorted({name for name in names if name not in PARTS})
    if unknown:
        problems.append(
            (f"{{{', '.join(unknown)}}}", f"parts of {', '.join(PARTS)}", "use a known part, or * for any text")
        )
    if "participant" not in names:
        problems.append(
            ("no {participant}", "a pattern that holds {participant}", "e.g. Subject{participant}_{task}.edf")
        )
    if re.search(r"\}[{*]|\*\{|\*\*", pattern):
        problems.append(
            ("parts without text between them", "text such as _ between parts", "put a separator between the parts")
        )
    if pattern.startswith("/") or ".." in pattern.split("/") or "\\" in pattern:
        problems.append(
            (
                "a path that leaves the root",
                "a path below the root, with /",
                "set root to the folder that holds the files",
            )
        )
    if "{" in _TOKEN.sub("", pattern) or "}" in _TOKEN.sub("", pattern):
        problems.append(("a brace without its partner", "{participant}, {session}, {task}, {run}", "close the brace"))
    return problems
