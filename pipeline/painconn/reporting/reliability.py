"""How reliable the features are, and what that does to an effect."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from painconn.reporting.notation import NOT_COMPUTABLE, count, interval, is_number, listing, number, side_name, words
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.tables import Table

_HEADER = (
    "observation",
    "measure",
    "band",
    "inverse",
    "people",
    "edges: median [interval] (quartiles)",
    "blocks: median [interval] (lowest to highest)",
    "edges of one person: median r",
)
_REPEATED = ("people with several sessions", "blocks: ICC(2,1) [interval]", "blocks: ICC(3,1) [interval]")
# Below it the root is mostly error, and what is divided by it is a number of nothing.
_HARDLY_ANY = 0.05
_QUANTITIES = ("spearman_brown", "icc_2_1", "icc_3_1")


def reliability_table(results: StudyResults) -> Table | None:
    """Return reliability of what the targets compare, a row per measure, band and inverse; None when not saved.

    Within an observation, what the primary families are made of comes first. What nothing is known of is named once.
    """
    primary = _primary_bundles(results)
    entries = [
        entry
        for sides in _compared(results)
        for entry in sorted(_entries(results, *sides), key=lambda entry: _bundle(entry) not in primary)
    ]
    if not entries:
        return None
    known = [entry for entry in entries if _is_known(entry)]
    repeated = any("icc_2_1" in entry for entry in entries)
    return Table(
        caption="Split-half reliability over people, from every other epoch or segment of one session "
        f"(Spearman-Brown){', and agreement of single sessions (median over blocks)' if repeated else ''}; in brackets "
        "the 95 % interval of the edge or block in the middle, for this number of people."
        + _unknown([entry for entry in entries if not _is_known(entry)]),
        header=_HEADER + _REPEATED if repeated else _HEADER,
        rows=tuple(_row(entry, repeated=repeated) for entry in known),
    )


def _bundle(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(entry["measure"]), str(entry["inverse"]), str(entry["band"])


def _primary_bundles(results: StudyResults) -> set[tuple[str, str, str]]:
    families = [target.settings.get("primary") or {} for target in results.targets.values()]
    return {
        (str(family.get("measure")), str(family.get("inverse")), str(band))
        for family in families
        for band in family.get("bands") or []
    }


def _is_known(entry: Mapping[str, Any]) -> bool:
    spreads = [spread for quantity in _QUANTITIES for spread in (entry.get(quantity) or {}).values()]
    return any(is_number((spread or {}).get("median")) for spread in [*spreads, entry.get("edges_within_person_r")])


def _unknown(entries: Sequence[Mapping[str, Any]]) -> str:
    """Name what nothing is computable of, bands together."""
    bands: dict[str, list[str]] = {}
    for entry in entries:
        bands.setdefault(f"{words(entry['measure'])} ({_name(entry)}, {entry['inverse']})", []).append(entry["band"])
    told = "; ".join(f"{what}: {listing([words(band) for band in those])}" for what, those in bands.items())
    return f" Nothing is computable of {told}." if told else ""


def _name(entry: Mapping[str, Any]) -> str:
    minus = entry["minus"]
    return f"{side_name(entry)} against {side_name(minus)}, difference" if minus else side_name(entry)


def _compared(results: StudyResults) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any] | None]]:
    """Yield every observation that a target looks at, once, and the differences of those within people."""
    contrasts = [target.settings["contrast"] for target in results.targets.values()]
    singles = [contrast["observation"] for contrast in contrasts if contrast["kind"] != "within"]
    within = [(contrast["b"], contrast["a"]) for contrast in contrasts if contrast["kind"] == "within"]
    singles += [side for pair in within for side in reversed(pair)]
    told: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = []
    for pair in [*((single, None) for single in singles), *within]:
        if pair not in told:
            told.append(pair)
    yield from told


def _entries(
    results: StudyResults, of: Mapping[str, Any], minus: Mapping[str, Any] | None
) -> Iterator[Mapping[str, Any]]:
    """Yield the saved entries of an observation or a difference; the sign of a difference does not matter."""
    wanted = {_key(side) for side in (of, minus) if side}
    for entry in (results.reliability or {}).get("reliability") or []:
        if {_key(side) for side in (entry, entry["minus"]) if side} == wanted:
            yield entry


def _key(side: Mapping[str, Any]) -> tuple[str, str]:
    return str(side["condition"]), str(side.get("window", "epoch"))


def _row(entry: Mapping[str, Any], *, repeated: bool) -> tuple[str, ...]:
    halves = entry.get("spearman_brown") or {}
    edges, blocks = (halves.get(kind) or {} for kind in ("edges", "blocks"))
    row = (
        _name(entry),
        words(entry["measure"]),
        words(entry["band"]),
        str(entry["inverse"]),
        count(entry.get("n_people")),
        _middle(edges, "q25", "q75"),
        _middle(blocks, "lowest", "highest"),
        _median(entry.get("edges_within_person_r")),
    )
    if not repeated:
        return row
    iccs = (_median((entry.get(name) or {}).get("blocks")) for name in ("icc_2_1", "icc_3_1"))
    return (*row, count(entry.get("n_people_repeated")), *iccs)


def _median(spread: Mapping[str, Any] | None) -> str:
    known = spread or {}
    told = number(known.get("median"), absent=NOT_COMPUTABLE)
    low, high = known.get("median_low"), known.get("median_high")
    return f"{told} [{interval(low, high)}]" if is_number(low) and is_number(high) else told


def _middle(spread: Mapping[str, Any], low: str, high: str) -> str:
    if not is_number(spread.get("median")):
        return NOT_COMPUTABLE
    return f"{_median(spread)} ({interval(spread[low], spread[high])})"


def attenuation_sentence(results: StudyResults, target: TargetResults) -> str:
    """Say which true effect stands behind the smallest detectable one, band by band; empty when not saved."""
    detectable = (target.declaration or {}).get("minimum_detectable_effect") or {}
    smallest, primary = detectable.get("one_test"), target.settings.get("primary") or {}
    if not is_number(smallest) or not primary:
        return ""
    contrast = target.settings["contrast"]
    sides = (contrast["observation"], None) if target.kind != "within" else (contrast["b"], contrast["a"])
    blocks = {
        entry["band"]: (entry.get("spearman_brown") or {}).get("blocks") or {}
        for entry in _entries(results, *sides)
        if (entry["measure"], entry["inverse"]) == (primary.get("measure"), primary.get("inverse"))
    }
    told = [_behind(words(band), blocks[band], smallest) for band in primary.get("bands") or [] if band in blocks]
    if not told:
        return ""
    what = "primary blocks" if target.kind != "within" else "difference of the primary blocks within people"
    return (
        f"Errors of measurement shrink an effect to the root of the reliability. Behind an observed "
        f"{detectable.get('effect') or 'effect size'} of {number(smallest)} stands, with the split-half reliability of "
        f"the {what} (median over blocks), a true one of {listing(told)}. Reliability of few people is itself "
        "uncertain, and within one session it tends to come out too high: the true effects are then larger still."
    )


def _behind(band: str, spread: Mapping[str, Any], smallest: float) -> str:
    if not is_number(spread.get("median")):
        return f"unknown size in {band} (reliability {NOT_COMPUTABLE})"
    if not is_number(spread.get("attenuation")):
        return f"unknown size in {band} (reliability {number(spread['median'])}: none was found)"
    if spread["median"] < _HARDLY_ANY:
        return f"unknown size in {band} (reliability {number(spread['median'])}: hardly any was found)"
    return f"{number(smallest / spread['attenuation'])} in {band} (reliability {number(spread['median'])})"
