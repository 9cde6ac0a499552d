"""Lay simulated people beside real ones, and let a classifier tell them apart (docs/method/realism.md).

Usage: python tools/measure_realism.py --data DIR [--page docs/method/realism.md] [--figure docs/images/realism.svg]

DIR holds eegmat-rest-arithmetic and eegmmidb-eyes-open. The tables of the page and the figure are written anew; they
hold summaries over people only.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from painconn.cortex.montage import place_electrodes
from painconn.cortex.template import write_subject
from painconn.reporting.drawing import GREY, INK, SIDE_A, SIDE_B, render
from painconn.simulation.caps import CAP_19
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.head import SimulationHead, build_simulation_head
from painconn.simulation.people import roster
from painconn.simulation.person import simulate_person
from painconn.simulation.presets import DEMO
from painconn.simulation.realism import RANGE_HZ, describe, spectrum
from painconn.simulation.realistic import BACKBONE, REALISTIC
from painconn.simulation.specification import Artefacts, Block, Contacts, Covariates, Protocol, Spread
from tell_apart import giveaways, tell_apart

Array = NDArray[np.float64]

SEED = 7
SFREQ_HZ = 160.0
DURATION_S = 60.0
N_BESIDE_THREE = 12
N_SHOWN = 12
FORMER_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
NONE = Spread(0.0, 0.0, 0.0, 0.0)
SIMULATED: Mapping[str, CohortSpec] = {
    "demo": DEMO,
    "realistic": replace(DEMO, **REALISTIC, couplings=(BACKBONE,), effects=()),
}
"""The brains that are compared with real ones; whatever else differs from DEMO is matched to the recordings."""
CLEANED = Artefacts(**{name: NONE for name in vars(Artefacts()) if name.endswith("_uv") and name != "sensor_noise_uv"})
"""What a recording holds after its authors removed artefacts: amplifier noise only."""
STUDENTS = Covariates(age=Spread(20.0, 2.0, 17.0, 26.0))


def prepared(raw: mne.io.BaseRaw, channels: Sequence[str]) -> Array:
    """Return 60 s of the channels in microvolts: 1-40 Hz, common average, 160 Hz, for everybody alike."""
    raw = raw.copy().pick(list(channels)).reorder_channels(list(channels)).load_data(verbose="error")
    raw.filter(*RANGE_HZ, verbose="error").set_eeg_reference("average", verbose="error")
    raw.resample(SFREQ_HZ, verbose="error")
    return np.asarray(1e6 * raw.get_data(stop=round(DURATION_S * SFREQ_HZ)))


def eegmat_people(folder: Path) -> dict[str, Array]:
    """Return the people of EEGMAT at rest."""
    people = {}
    for path in sorted(folder.glob("Subject*_1.edf")):
        raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
        plain = {name: name.removeprefix("EEG ") for name in raw.ch_names}
        raw.rename_channels({name: FORMER_NAMES.get(short, short) for name, short in plain.items()})
        people[path.stem] = prepared(raw, CAP_19)
    return people


def eegmmidb_people(folder: Path) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Return channels and people of EEGMMIDB with open eyes."""
    people: dict[str, Array] = {}
    channels: tuple[str, ...] = ()
    for path in sorted(folder.glob("S*R01.edf")):
        raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
        mne.datasets.eegbci.standardize(raw)
        channels = tuple(raw.ch_names)
        people[path.stem] = prepared(raw, channels)
    return channels, people


def like_eegmat(spec: CohortSpec, n_people: int, name: str) -> CohortSpec:
    """Return a cohort recorded as EEGMAT was: students at rest, 19 channels, 500 Hz, brain and amplifier only."""
    return replace(
        spec,
        name=name,
        n_per_group={"people": n_people},
        channels=CAP_19,
        effects=(),
        protocol=Protocol(blocks=(Block(duration_s=60.0),), pause_s=0.0, n_pinpricks=0, sfreq_hz=500.0),
        artefacts=CLEANED,
        contacts=Contacts(noisy_probability=0.0, flat_probability=0.0),
        covariates=STUDENTS,
    )


def like_eegmmidb(spec: CohortSpec, n_people: int, name: str, channels: tuple[str, ...]) -> CohortSpec:
    """Return a cohort recorded as EEGMMIDB was: 64 channels, 160 Hz, raw, mains of 60 Hz."""
    return replace(
        spec,
        name=name,
        n_per_group={"people": n_people},
        channels=channels,
        reference="TP9",
        effects=(),
        protocol=Protocol(blocks=(Block(duration_s=60.0),), pause_s=0.0, n_pinpricks=0, sfreq_hz=160.0, line_hz=60.0),
        contacts=Contacts(noisy_probability=0.0, flat_probability=0.0),
    )


def head_of(spec: CohortSpec) -> SimulationHead:
    """Build the head of a cohort."""
    with tempfile.TemporaryDirectory() as folder:
        write_subject(Path(folder))
        return build_simulation_head(spec, Path(folder))


def simulated_people(spec: CohortSpec, head: SimulationHead, *, seed: int) -> dict[str, Array]:
    """Return the people of a cohort, prepared like the real ones."""
    return {
        f"{spec.name}-{label}": prepared(simulate_person(spec, label, group, seed=seed, head=head), spec.channels)
        for label, group in roster(spec, seed=seed)
    }


def table_of(people: Mapping[str, Array], channels: Sequence[str]) -> pd.DataFrame:
    """Return a row per person, columns (family, number)."""
    positions_m = np.array(list(place_electrodes(channels).values()))
    rows: dict[str, dict[tuple[str, str], float]] = {}
    for name, data_uv in people.items():
        found = describe(data_uv, sfreq_hz=SFREQ_HZ, channels=tuple(channels), positions_m=positions_m)
        rows[name] = {(family, number): value for family, all_ in found.items() for number, value in all_.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(columns=["family", "number"])


SHOWN: Mapping[tuple[str, str], tuple[str, int]] = {
    ("amplitude", "median_uv"): ("amplitude, µV", 1),
    ("amplitude", "spread"): ("differences of amplitude between channels, sd of ln", 2),
    ("aperiodic", "exponent"): ("aperiodic exponent, 2-40 Hz, no knee", 2),
    ("aperiodic", "exponent_sd"): ("its sd over the channels of a person", 2),
    ("aperiodic", "misfit_db"): ("misfit of the line, dB", 1),
    ("relative power", "delta"): ("share of 1-40 Hz: delta 1-4 Hz", 3),
    ("relative power", "theta"): ("theta 4-8 Hz", 3),
    ("relative power", "alpha"): ("alpha 8-13 Hz", 3),
    ("relative power", "beta"): ("beta 13-30 Hz", 3),
    ("relative power", "gamma"): ("30-40 Hz", 3),
    ("alpha peak", "peak_hz"): ("alpha peak, Hz", 1),
    ("alpha peak", "prominence_db"): ("its height above the line, dB", 1),
    ("alpha peak", "width_hz"): ("its width at half height, Hz", 1),
    ("spatial correlation", "0_50_mm"): ("correlation of channels 0-50 mm apart", 2),
    ("spatial correlation", "50_80_mm"): ("correlation of channels 50-80 mm apart", 2),
    ("spatial correlation", "80_110_mm"): ("correlation of channels 80-110 mm apart", 2),
    ("spatial correlation", "110_140_mm"): ("correlation of channels 110-140 mm apart", 2),
    ("spatial correlation", "140_170_mm"): ("correlation of channels 140-170 mm apart", 2),
    ("spatial correlation", "170_250_mm"): ("correlation of channels 170 mm apart or more", 2),
    ("variability", "delta"): ("epoch to epoch, sd of ln power: delta", 2),
    ("variability", "theta"): ("theta", 2),
    ("variability", "alpha"): ("alpha", 2),
    ("variability", "beta"): ("beta", 2),
    ("kurtosis", "broadband"): ("excess kurtosis: 1-40 Hz", 2),
    ("kurtosis", "alpha"): ("alpha", 2),
    ("envelope memory", "alpha_0.5_s"): ("autocorrelation of the alpha envelope: 0.5 s", 2),
    ("envelope memory", "alpha_1_s"): ("1 s", 2),
    ("envelope memory", "alpha_2_s"): ("2 s", 2),
    ("envelope memory", "alpha_5_s"): ("5 s", 2),
    ("coupling", "theta_coherence_q50"): ("coherence, median of pairs: theta", 2),
    ("coupling", "alpha_coherence_q50"): ("alpha", 2),
    ("coupling", "beta_coherence_q50"): ("beta", 2),
    ("coupling", "theta_wpli_q90"): ("debiased wPLI, 90 % of pairs below: theta", 3),
    ("coupling", "alpha_wpli_q90"): ("alpha", 3),
    ("coupling", "beta_wpli_q90"): ("beta", 3),
}
"""Numbers of the page: their name there and their decimals."""


def side_by_side(tables: Mapping[str, pd.DataFrame], *, of_range: bool) -> str:
    """Return the shown numbers of each table as Markdown: mean ± sd over people, or lowest to highest."""

    def cell(values: pd.Series, decimals: int) -> str:
        first, second = (values.min(), values.max()) if of_range else (values.mean(), values.std())
        return f"{first:.{decimals}f}{' to ' if of_range else ' ± '}{second:.{decimals}f}"

    rows = []
    for name, (label, decimals) in SHOWN.items():
        if all(name in table.columns for table in tables.values()):
            rows.append([label, *(cell(table[name], decimals) for table in tables.values())])
    return markdown(["", *(f"{name} ({len(table)})" for name, table in tables.items())], rows)


def classifier_table(scores: Mapping[str, pd.DataFrame]) -> str:
    """Return the AUC of each family in each comparison as Markdown, with interval and the forest's AUC."""
    families = next(iter(scores.values()))
    rows = [
        [
            family,
            f"{families.loc[family, 'n_numbers']:.0f}",
            *(
                "{auc:.2f} ({low:.2f}-{high:.2f}), {forest:.2f}".format(**found.loc[family])
                for found in scores.values()
            ),
        ]
        for family in families.index
    ]
    return markdown(["family", "numbers", *scores], rows)


def giveaway_table(lost: pd.Series, alone: pd.Series, real: pd.DataFrame, simulated: pd.DataFrame) -> str:
    """Return what gives the simulation away as Markdown: first the families, then the most telling single numbers."""
    families = markdown(
        ["family shuffled", "Brier score rises by"],
        [[family, f"{round(value, 3) + 0.0:.3f}"] for family, value in lost.sort_values(ascending=False).items()],
    )
    rows = [
        [
            name[0],
            name[1].replace("_", " "),
            f"{value:.2f}",
            f"{real[name].mean():.3f}",
            f"{simulated[name].mean():.3f}",
        ]
        for name, value in alone.head(N_SHOWN).items()
    ]
    return families + "\n\n" + markdown(["family", "number", "AUC alone", "real", "simulated"], rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def filled(page: str, tables: Mapping[str, str]) -> str:
    """Return the page with what stands between the marks of each table replaced."""
    for name, table in tables.items():
        start, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
        before, _, rest = page.partition(start)
        page = f"{before}{start}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    return page


def draw(people: Mapping[str, Mapping[str, Array]], scores: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Draw spectra, correlation by distance and the classifier; median and quartiles over people, no single person."""
    colours = dict(zip(people, (INK, SIDE_B, SIDE_A), strict=True))
    places_m = np.array(list(place_electrodes(CAP_19).values()))
    tables = {name: table_of(group, CAP_19) for name, group in people.items()}

    def body(figure: Figure) -> None:
        spectra, distance, classifier = figure.subplots(1, 3, width_ratios=(1.2, 1, 1.1))
        for name, group in people.items():
            freqs_hz, _ = spectrum(next(iter(group.values())), SFREQ_HZ)
            shown = (freqs_hz >= 1) & (freqs_hz <= 40)
            levels = np.array(
                [10 * np.log10(spectrum(data, SFREQ_HZ)[1].mean(axis=0)[shown]) for data in group.values()]
            )
            low, middle, high = np.quantile(levels, (0.25, 0.5, 0.75), axis=0)
            spectra.fill_between(freqs_hz[shown], low, high, color=colours[name], alpha=0.15, linewidth=0)
            spectra.plot(freqs_hz[shown], middle, color=colours[name], label=name)
            correlation = tables[name]["spatial correlation"]
            centres_mm = [np.mean([float(edge) for edge in column.split("_")[:2]]) for column in correlation]
            distance.errorbar(
                centres_mm, correlation.mean(), correlation.std(), color=colours[name], marker="o", markersize=3
            )
        spectra.set(xscale="log", xlabel="Hz", ylabel="dB (µV²/Hz)", title="Spectrum, mean of channels")
        spectra.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
        spectra.legend()
        reach_mm = 1e3 * np.linalg.norm(np.ptp(places_m, axis=0))
        distance.set(xlabel="mm between electrodes", title="Correlation of channels", xlim=(50, reach_mm))
        distance.axhline(0, color=GREY, linewidth=0.6)
        for offset, (name, found) in enumerate(scores.items()):
            rows = np.arange(len(found))[::-1] - 0.22 * (offset - 1)
            reach = np.abs(found[["low", "high"]].to_numpy().T - found["auc"].to_numpy())
            colour = (SIDE_B, SIDE_A, GREY)[offset]
            classifier.errorbar(
                found["auc"], rows, xerr=reach, fmt="o", color=colour, markersize=3, linewidth=0.8, label=name
            )
        classifier.set_yticks(np.arange(len(found))[::-1], list(found.index))
        classifier.axvline(0.5, color=GREY, linewidth=0.6)
        classifier.set(xlim=(0, 1.02), xlabel="AUC", title="Told apart")
        figure.legend(*classifier.get_legend_handles_labels(), loc="outside lower right", ncols=len(scores), fontsize=8)

    picture = render(
        "Realism", alt="Real and simulated people at rest", caption=str(path.name), size_in=(11.0, 3.8), draw=body
    )
    path.write_text(picture.svg, encoding="utf-8")


def main() -> None:
    """Measure, and write the tables and the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--page", type=Path, default=Path("docs/method/realism.md"))
    parser.add_argument("--figure", type=Path, default=Path("docs/images/realism.svg"))
    chosen = parser.parse_args()
    people: dict[str, dict[str, Array]] = {"EEGMAT": eegmat_people(chosen.data / "eegmat-rest-arithmetic")}
    head, n_people = head_of(like_eegmat(DEMO, 1, "head")), len(people["EEGMAT"])
    for name, spec in SIMULATED.items():
        people[name] = simulated_people(like_eegmat(spec, n_people, name), head, seed=SEED)
    twins = simulated_people(like_eegmat(SIMULATED["realistic"], n_people, "twins"), head, seed=SEED + 1)
    tables = {name: table_of(group, CAP_19) for name, group in people.items()}
    real = tables["EEGMAT"]
    scores = {f"real v {name}": tell_apart(real, tables[name]) for name in SIMULATED}
    scores["realistic v realistic"] = tell_apart(tables["realistic"], table_of(twins, CAP_19))
    channels, raw_people = eegmmidb_people(chosen.data / "eegmmidb-eyes-open")
    raw_head = head_of(like_eegmmidb(DEMO, 1, "head", channels))
    raw_tables = {"EEGMMIDB": table_of(raw_people, channels)}
    for name, spec in SIMULATED.items():
        cohort = like_eegmmidb(spec, N_BESIDE_THREE, name, channels)
        raw_tables[name] = table_of(simulated_people(cohort, raw_head, seed=SEED), channels)
    text = filled(
        chosen.page.read_text(encoding="utf-8"),
        {
            "eegmat": side_by_side(tables, of_range=False),
            "classifier": classifier_table(scores),
            "giveaways": giveaway_table(*giveaways(real, tables["realistic"]), real, tables["realistic"]),
            "eegmmidb": side_by_side(raw_tables, of_range=True),
        },
    )
    chosen.page.write_text(text, encoding="utf-8")
    draw(people, scores, chosen.figure)


if __name__ == "__main__":
    main()
