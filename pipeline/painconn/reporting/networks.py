"""Networks of edges on the page and in the methods text."""

from collections.abc import Mapping
from typing import Any

from painconn.reporting.citations import Citations
from painconn.reporting.effect_figures import ALPHA
from painconn.reporting.notation import count, listing, number, p_cell, place, plural, words
from painconn.reporting.records import records
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.tables import Table

_MOST_REGIONS = 8
_MOST_ROWS = 20


def _saved(target: TargetResults) -> Mapping[str, Any] | None:
    return (target.declaration or {}).get("networks")


def network_sentences(target: TargetResults) -> tuple[str, ...]:
    """Say what was looked for and found; nothing when it was not looked for."""
    saved = _saved(target)
    if not saved:
        return ()
    thresholds = listing([f"{level:g}" for level in saved["thresholds"]])
    found = plural(saved["n_components"], "connected component") + " of two edges or more"
    return (
        f"In {words(saved['family'])} ({count(saved['n_computed'])} of {count(saved['family_size'])} edges computed; "
        f"all bands together) {found} lay above the thresholds z = {thresholds}; {count(saved['n_significant'])} with "
        f"p < .05, corrected for all components and for the {count(saved['n_choices'])} choices of threshold and "
        f"size (number of edges, or their sum). Threshold-free: {plural(saved['n_edges_enhanced'], 'edge')} with "
        "family-wise p < .05.",
        "A network is one finding: its regions and edges as a whole differ more than chance components do; no single "
        "edge of it is thereby shown to differ, and its borders move with the threshold.",
    )


def networks_table(target: TargetResults) -> Table | None:
    """Return the components with the smallest p; None when none was found."""
    table = target.networks
    if table is None or table.empty:
        return None
    top = table.sort_values(["p_fwe", "threshold"], kind="stable").head(_MOST_ROWS)
    rows = tuple(
        (
            str(row["network"]),
            words(str(row["band"])),
            str(row["sign"]),
            number(row["threshold"], 1),
            count(row["extent"]),
            count(row["n_regions"]),
            number(row["intensity"]),
            p_cell(row["p_extent"]),
            p_cell(row["p_intensity"]),
            p_cell(row["p_fwe"]),
            _regions(str(row["regions"])),
        )
        for row in records(top)
    )
    return Table(
        caption=f"Exploratory: the {len(rows)} of {plural(len(table), 'component')} with the smallest p in "
        f"{target.name} (family {words(str(top['family'].iloc[0]))}, {count(top['family_size'].iloc[0])} edges). "
        f"higher and lower: in {target.sides[1]} than in {target.sides[0]}. p (edges) and p (sum) hold for their "
        "threshold alone, p (all choices) for the whole search; below .05 in bold. The same edges return at several "
        "thresholds.",
        header=(
            "network", "band", "sign", "threshold z", "edges", "regions", "sum above threshold", "p (edges)", "p (sum)",
            "p (all choices)", "where",
        ),
        rows=rows,
        marked=frozenset(index for index, p in enumerate(top["p_fwe"]) if p < ALPHA),
    )  # fmt: skip


def _regions(names: str) -> str:
    regions = [place(name) for name in names.split()]
    if len(regions) <= _MOST_REGIONS:
        return ", ".join(regions)
    return f"{', '.join(regions[:_MOST_REGIONS])} and {len(regions) - _MOST_REGIONS} more"


def network_method(results: StudyResults, cited: Citations) -> list[str]:
    """Say how networks were looked for; nothing when no target did."""
    saved = [found for target in results.targets.values() if (found := _saved(target))]
    if not saved:
        return []
    first = saved[0]
    thresholds = listing([f"{level:g}" for level in first["thresholds"]])
    return [
        "Exploratory network-based statistic "
        f"{cited.cite('zalesky2010')}: edges whose normal score exceeds z = {thresholds} form components, higher and "
        "lower values apart, bands as separate parts of one graph. Size is the number of edges, or the sum of what "
        "they exceed the threshold by; both are compared with the largest component of the same rearrangements as in "
        "the comparison, and the smallest of all these p with its own distribution. Threshold-free enhancement of "
        "edges "
        f"{cited.cite('baggio2018', 'smith2009')}: extent^{first['extent_exponent']:g} height^"
        f"{first['height_exponent']:g} {cited.cite('vinokur2015')}, integrated exactly; family-wise p by its maximum."
    ]
