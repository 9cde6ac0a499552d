from functools import cache
from pathlib import Path

import pytest
from cohort_runs import HEALTHY, PARTNER, Run, differing, run_cohort, saved_arrays
from recording_faults import FAULTS, FIF_FAULTS, MEASURED_FAULTS, SURVIVORS
from small_cohort import STUDY, Signals, recordings_of, simulate, write_participants


@pytest.fixture(scope="session")
def people(tmp_path_factory) -> dict[str, Signals]:
    labels = (HEALTHY, PARTNER)
    return dict(zip(labels, simulate(tmp_path_factory.mktemp("heads") / "subjects", *labels), strict=True))


@pytest.fixture(scope="session")
def alone(people, tmp_path_factory) -> Run:
    """The healthy person in a study of nobody else."""
    folder = tmp_path_factory.mktemp("alone")
    for recording in recordings_of(folder / "bids", HEALTHY, people[HEALTHY], ("rest", "pinprick")):
        recording.write()
    write_participants(folder / "bids", {HEALTHY: "localized"})
    return run_cohort(folder, STUDY)


@pytest.fixture(scope="session")
def head_folder(alone) -> Path:
    return alone.plan.results.root.parent


@pytest.fixture(scope="session")
def crowd(people, head_folder, tmp_path_factory) -> Run:
    """The healthy person among everybody who is broken."""
    folder = tmp_path_factory.mktemp("crowd")
    bids, files = folder / "bids", folder / "files"
    files.mkdir()
    for recording in recordings_of(bids, HEALTHY, people[HEALTHY], ("rest", "pinprick")):
        recording.write()
    for number, fault in enumerate((*FAULTS, *SURVIVORS)):
        fault.write(bids, people[PARTNER].later(0.37 * number))
    for number, (fault, write) in enumerate(FIF_FAULTS):
        write(files, fault.label, people[PARTNER].later(20 + 0.37 * number))
    for number, fault in enumerate(MEASURED_FAULTS):
        fault.write(folder / "caps", people[PARTNER].later(30 + 0.37 * number))
    faults = (*FAULTS, *SURVIVORS, *MEASURED_FAULTS, *(fault for fault, _ in FIF_FAULTS))
    labels = [HEALTHY, *(fault.label for fault in faults)]
    write_participants(bids, dict.fromkeys(labels, "widespread") | {HEALTHY: "localized"})
    pattern = "sub{participant}_{task}_raw.fif"
    source = "    - {root: caps, layout: bids, montage: digitised, site: caps, line_freq_hz: 50}\n"
    source += f"    - {{root: files, layout: folder, pattern: '{pattern}', site: lab, line_freq_hz: 50}}\n"
    return run_cohort(folder, STUDY.replace("  conditions:", source + "  conditions:"), head_from=head_folder)


@pytest.fixture(scope="session")
def changed_numbers(alone):
    """Return what names every number of the healthy person that differs between a run and the one alone."""
    expected_row, expected_arrays = alone.features(HEALTHY), saved_arrays(alone)
    assert len(expected_row) == 5
    assert any(name.endswith("/values") for name in expected_arrays)

    @cache
    def changed(run: Run) -> list[str]:
        rows = run.features(HEALTHY)
        own = rows[expected_row.columns]
        unequal = (own != expected_row) & ~(own.isna() & expected_row.isna())
        # Columns that only other people have are missing for the healthy one, never filled.
        filled = rows.drop(columns=expected_row.columns).notna()
        columns = [column for table in (unequal, filled) for column in table.columns[table.any()]]
        return differing(expected_arrays, saved_arrays(run)) + columns

    return changed
