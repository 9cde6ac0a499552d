"""Measure how well template heads localise, and draw the maps (docs/method/localisation.md).

Usage: python tools/measure_localisation.py [--per-region 10] [--figures docs/images]

Sources are planted in a head that differs from that of the analysis in one way after the other, and looked for with
every inverse. Printed: Markdown tables with the number of planted sources and 95 % intervals.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import quantile_test
from statsmodels.stats.proportion import proportion_confint

from painconn.config.cortex import CortexConfig
from painconn.cortex.forward import make_forward
from painconn.cortex.head import build_head
from painconn.cortex.kernels import make_region_kernel
from painconn.cortex.lead_field import LeadField, lead_field
from painconn.cortex.leakage import leakage_of
from painconn.cortex.montage import place_electrodes
from painconn.cortex.template import parcellation, write_subject
from painconn.reporting.surface import point_values, region_values, surface_figure
from painconn.simulation.localisation import (
    READ_OUTS,
    Analysis,
    background_covariance,
    draw_sources,
    error_map,
    localise,
)
from painconn.simulation.truth import Truth, TruthSpec, build_truth

REGIONS = {
    "postcentral": "S1 (postcentral)",
    "insula": "insula",
    "rostralanteriorcingulate": "rostral ACC",
    "caudalanteriorcingulate": "dorsal ACC",
    "medialorbitofrontal": "medial orbitofrontal",
    "superiorfrontal": "superior frontal",
    "supramarginal": "supramarginal (holds S2)",
    "lateraloccipital": "lateral occipital (control)",
}
INVERSES = ("lcmv", "eloreta", "sloreta", "dspm", "minimum_norm")
TWO = ("lcmv", "eloreta")
SEED, N_CAPS, PATCH_MM = 62, 6, 10.0
SCALES = ((0.95, 1.05, 1.0), (1.05, 1.0, 0.95), (1.0, 0.95, 1.05))
"""Heads of three people: narrow and long, broad and low, short and high."""
ELECTRODES: dict[str, Any] = {"jitter_m": 0.005, "cap_shift_m": 0.005}
FOLDS: dict[str, Any] = {"tilt_deg": 30.0}
THIN, THICK = (0.3, 0.012, 0.3), (0.3, 0.00375, 0.3)
CRIME, PLAIN, ALL = "same sources (inverse crime)", "other sources", "all of it"
TRUTHS: dict[str, tuple[TruthSpec, ...]] = {
    CRIME: (TruthSpec(source_spacing="ico4", shared_sources=True),),
    PLAIN: (TruthSpec(),),
    "+ electrodes off by 5 mm, cap by 5 mm": (TruthSpec(**ELECTRODES),),
    "+ true skull 1:25": (TruthSpec(conductivity_s_per_m=THIN),),
    "+ true skull 1:80": (TruthSpec(conductivity_s_per_m=THICK),),
    "+ head 5 % off in size": tuple(TruthSpec(scale=scale) for scale in SCALES),
    "+ gyri turned by 30°": (TruthSpec(**FOLDS),),
    ALL: tuple(
        TruthSpec(scale=scale, conductivity_s_per_m=skull, **ELECTRODES, **FOLDS)
        for scale, skull in zip(SCALES, (THIN, THICK, THIN), strict=True)
    ),
}
LOADINGS = (0.2, 0.5)
CAPS = {
    "electrodes 2 mm": TruthSpec(jitter_m=0.002),
    "electrodes 5 mm": TruthSpec(jitter_m=0.005),
    "cap slid 5 mm": TruthSpec(cap_shift_m=0.005),
    "cap slid 10 mm": TruthSpec(cap_shift_m=0.01),
}
"""Errors of electrodes alone, all else known but the sources."""


def montages() -> dict[int, tuple[str, ...]]:
    """Return channel names by number of channels; the smaller montages are parts of the larger."""
    known = mne.channels.make_standard_montage
    low = tuple(name for name in known("fsaverage_1020").ch_names if name not in ("Fpz", "Oz"))
    return {64: tuple(known("biosemi64").ch_names), 32: tuple(known("biosemi32").ch_names), 19: low}


def bundled_field(electrodes: tuple[str, ...]) -> LeadField:
    """Return the lead field of named electrodes on the bundled head."""
    with tempfile.TemporaryDirectory() as folder:
        write_subject(Path(folder))
        return lead_field(make_forward(build_head(Path(folder)), place_electrodes(electrodes)))


def analyses() -> dict[int, Analysis]:
    """Return the analysis of each montage on the bundled head."""
    field = bundled_field(montages()[64])
    return {n_channels: Analysis(field.pick(names)) for n_channels, names in montages().items()}


def measure(
    truths: Sequence[Truth], analysis: Analysis, inverses: Sequence[str], *, per_region: int, **planting: Any
) -> pd.DataFrame:
    """Plant sources in every region, shared out among the heads, and return a row for each that was looked for."""
    names = [f"{region}-{side}" for region in REGIONS for side in ("lh", "rh")]
    rng = np.random.default_rng(SEED)
    sources = rng.permutation(draw_sources(truths[0], names, per_region, rng))
    rows = []
    for inverse in inverses:
        for number, truth in enumerate(truths):
            seen = truth.seen_by(analysis.field.channel_names)
            for found in localise(seen, analysis, inverse, sources[number :: len(truths)], seed=SEED, **planting):
                right = {"region_right": found.region_right, "hemisphere_right": found.hemisphere_right}
                rows.append({"inverse": inverse, **asdict(found), **right})
    return pd.DataFrame(rows)


def median_error(rows: pd.DataFrame) -> str:
    """Return the median error with its interval, and within what 90 % of errors are."""
    errors = rows["error_mm"].to_numpy()
    low, high = quantile_test(errors, p=0.5).confidence_interval(0.95)
    return f"{np.median(errors):.0f} ({low:.0f}-{high:.0f}), {np.quantile(errors, 0.9):.0f}"


def rate(right: pd.Series | NDArray[np.bool_]) -> str:
    """Return a percentage with its interval (Wilson)."""
    low, high = proportion_confint(np.sum(right), len(right), method="wilson")
    return f"{100 * np.mean(right):.0f} ({100 * low:.0f}-{100 * high:.0f})"


def summary(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return error, rate of right regions and rate of right sides."""
    return median_error(rows), rate(rows["region_right"]), rate(rows["hemisphere_right"])


HEADER = "error, mm | right region, % | right side, %"
REGION_HEADER = f"region | channels | inverse | n | {HEADER} | of patches found here, right, %"


def across(found: dict[str, pd.DataFrame], read_out: str, cell: Callable[[pd.DataFrame], str]) -> list[tuple[str, ...]]:
    """Return a row for each truth with a cell for each inverse."""
    return [
        (name, *(cell(rows[(rows["inverse"] == inverse) & (rows["read_out"] == read_out)]) for inverse in INVERSES))
        for name, rows in found.items()
    ]


def print_table(title: str, header: str, rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n\n| {header} |\n{'|---' * (header.count('|') + 1)}|")
    print(*(f"| {' | '.join(row)} |" for row in rows), sep="\n", flush=True)


def by_inverse(label: str, found: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield a row for each inverse and read-out."""
    for inverse, rows in found.groupby("inverse", sort=False):
        for read_out in READ_OUTS:
            yield label, f"`{inverse}`", read_out, *summary(rows[rows["read_out"] == read_out])


def by_region(n_channels: int, found: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield a row for each region and inverse, for the read-out by ratio."""
    ratio = found[found["read_out"] == "ratio"]
    for region, name in REGIONS.items():
        for inverse, rows in ratio.groupby("inverse", sort=False):
            planted = rows[_stem(rows["region"]) == region]
            named = rows[_stem(rows["found_region"]) == region]
            trust = f"{rate(named['region_right'])}, n = {len(named)}" if len(named) else "-, n = 0"
            yield name, str(n_channels), f"`{inverse}`", str(len(planted)), *summary(planted), trust


def _stem(regions: pd.Series) -> pd.Series:
    return regions.str.rpartition("-")[0]


def visibility(truth: Truth) -> list[tuple[str, str]]:
    """Return how much variance a region's dipoles give the scalp, relative to the median dipole of the cortex."""
    gain = truth.gain_v_per_am[0] - truth.gain_v_per_am[0].mean(axis=0)
    shown = np.mean(gain**2, axis=0)
    labels, names = truth.regions("desikan_killiany"), np.array(parcellation().region_names)
    of_region = np.char.rpartition(names, "-")[:, 0]
    cells = []
    for region, name in REGIONS.items():
        members = np.isin(labels, np.flatnonzero(of_region == region))
        low, middle, high = np.quantile(shown[members] / np.median(shown), [0.25, 0.5, 0.75])
        cells.append((name, f"{middle:.2f} ({low:.2f}-{high:.2f})"))
    return cells


def draw(folder: Path, made: dict[int, Analysis], truth: Truth) -> None:
    """Draw where eLORETA goes astray with each montage, and what share of a region's estimate is its own."""
    folder.mkdir(parents=True, exist_ok=True)
    errors, shares = {}, {}
    for n_channels, analysis in made.items():
        seen = truth.seen_by(analysis.field.channel_names)
        found = error_map(seen, analysis, "eloreta")
        spread = point_values(found, truth.vertices)
        inside = {side: labels >= 0 for side, labels in parcellation().vertex_regions.items()}
        title = f"{n_channels} channels, median {np.median(found):.0f} mm"
        errors[title] = {side: np.where(inside[side], values, np.nan) for side, values in spread.items()}
    for inverse in TWO:
        analysis = made[64]
        covariance = background_covariance(analysis.field.gain_v_per_am[:, :, 2])
        sources = analysis.kernel(inverse, covariance)
        regions = make_region_kernel(sources, analysis.field, parcellation(), covariance)
        own = leakage_of(regions, analysis.field, parcellation(), sources).own_share
        shares[f"{inverse}, 64 channels"] = region_values(100 * own, parcellation().vertex_regions)
    for name, maps, label, limits, colours in (
        ("localisation-error", errors, "error, mm", (0.0, 40.0), "YlOrRd"),
        ("own-share", shares, "own share, %", (0.0, 30.0), "YlGnBu"),
    ):
        figure = surface_figure(maps, label=label, limits=limits, colours=colours)
        figure.savefig(folder / f"{name}.png", dpi=80, metadata={"Software": None})


Truths = Mapping[str, Sequence[Truth]]
Plant = Callable[..., pd.DataFrame]


def print_dipoles(made: dict[int, Analysis], truths: Truths, plant: Plant) -> None:
    """Print the easy case."""
    found = {name: plant(truths[name], made[64], INVERSES) for name in (CRIME, PLAIN)}
    print_table(
        f"Single dipoles, 64 channels, SNR 1, n = {_number(found[CRIME])}",
        f"truth | inverse | read-out | {HEADER}",
        [row for name, rows in found.items() for row in by_inverse(name, rows)],
    )


def print_truths(found: dict[str, pd.DataFrame]) -> None:
    """Print what each error of the head costs each inverse."""
    inverses = " | ".join(f"`{inverse}`" for inverse in INVERSES)
    known_as = f"patches of {PATCH_MM:g} mm, 64 channels, SNR 1, n = {_number(found[PLAIN])}"
    for read_out in READ_OUTS:
        for title, cell in (
            ("Error in mm: median (interval), 90 %", median_error),
            ("Right region in %", lambda rows: rate(rows["region_right"])),
        ):
            print_table(f"{title}; {read_out}; {known_as}", f"truth | {inverses}", across(found, read_out, cell))


def print_montages(found: dict[tuple[str, int], pd.DataFrame]) -> None:
    """Print what fewer channels cost, over all regions and for each."""
    print_table(
        "Fewer channels",
        f"truth | inverse | read-out | {HEADER}",
        [row for (name, n), rows in found.items() for row in by_inverse(f"{name}, {n} channels", rows)],
    )
    print_table(
        "Regions, all of it, read-out by ratio",
        REGION_HEADER,
        [row for (name, n), rows in found.items() if name == ALL for row in by_region(n, _two(rows))],
    )


def print_strengths(usual: pd.DataFrame, analysis: Analysis, heads: Sequence[Truth], plant: Plant) -> None:
    """Print what weaker sources and another regularisation change when all of the head is wrong."""
    equal = plant(heads, analysis, TWO, equal_moment=True)
    weaker = {
        "SNR 1 for each": _two(usual),
        "SNR 0.25 for each": plant(heads, analysis, TWO, snr=0.25),
        "equal moments, SNR 1 for the median": equal,
    }
    print_table(
        "Weaker sources, all of it, 64 channels",
        f"strength | inverse | read-out | {HEADER}",
        [row for name, rows in weaker.items() for row in by_inverse(name, rows)],
    )
    print_table("Equal moments, all of it, 64 channels, read-out by ratio", REGION_HEADER, [*by_region(64, equal)])
    loaded = {analysis.cortex.lcmv_regularisation: usual[usual["inverse"] == "lcmv"]}
    for share in LOADINGS:
        other = replace(analysis, cortex=CortexConfig(lcmv_regularisation=share))
        loaded[share] = plant(heads, other, ("lcmv",))
    print_table(
        "LCMV by its regularisation, all of it, 64 channels",
        f"regularisation | inverse | read-out | {HEADER}",
        [row for share, rows in loaded.items() for row in by_inverse(f"{share:g}", rows)],
    )


def print_caps(analysis: Analysis, plant: Plant) -> None:
    """Print what errors of electrodes cost when all else is known but the sources."""
    worn = {name: [build_truth(spec, montages()[64], n_caps=N_CAPS, seed=SEED)] for name, spec in CAPS.items()}
    print_table(
        "Errors of electrodes alone, 64 channels",
        f"truth | inverse | read-out | {HEADER}",
        [row for name, heads in worn.items() for row in by_inverse(name, plant(heads, analysis, TWO))],
    )


def _two(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["inverse"].isin(TWO)]


def _number(rows: pd.DataFrame) -> int:
    return len(rows) // len(INVERSES) // len(READ_OUTS)


def main() -> None:
    """Print the tables and draw the maps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-region", type=int, default=10, help="planted sources in each region of each side")
    parser.add_argument("--figures", type=Path, help="folder for the maps; none are drawn without it")
    options = parser.parse_args()
    made = analyses()
    truths = {
        name: [build_truth(spec, montages()[64], n_caps=N_CAPS, seed=SEED + place) for place, spec in enumerate(specs)]
        for name, specs in TRUTHS.items()
    }
    dipole = partial(measure, per_region=options.per_region)
    patch = partial(dipole, patch_radius_mm=PATCH_MM)
    print_dipoles(made, truths, dipole)
    at_64 = {name: patch(heads, made[64], INVERSES) for name, heads in truths.items()}
    print_truths(at_64)
    print_montages(
        {
            (name, n): at_64[name] if n == 64 else patch(truths[name], made[n], INVERSES)
            for name in (PLAIN, ALL)
            for n in made
        }
    )
    print_strengths(at_64[ALL], made[64], truths[ALL], patch)
    print_caps(made[64], patch)
    relative = visibility(truths[PLAIN][0])
    print_table("Variance at the scalp, relative to the median dipole", "region | median (quartiles)", relative)
    if options.figures:
        draw(options.figures, made, truths[PLAIN][0])


if __name__ == "__main__":
    main()
