"""The recovery workflow on its small grid: everything that the full one does, on few people."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from running import planned, run

from painconn.cortex.template import parcellation
from painconn.simulation.recovery import planted_pairs
from painconn.simulation.recovery_grid import read_grid
from painconn.store import read_arrays, read_tsv

pytestmark = pytest.mark.slow


def recover(repository, folder, configfile, *options):
    workflow = repository / "workflow" / "recovery"
    command = ["snakemake", "-s", str(workflow / "Snakefile"), "--configfile", str(configfile), "--cores", "2"]
    done = run(sys.executable, *command, *options, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return planned(done.stdout + done.stderr)


@pytest.fixture(scope="module")
def small(repository):
    return repository / "workflow" / "recovery" / "small.yaml"


@pytest.fixture(scope="module")
def grid(small):
    return read_grid(yaml.safe_load(small.read_text()))


@pytest.fixture(scope="module")
def recovered(repository, small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recovery")
    recover(repository, folder, small)
    return folder


def results_of(recovered, cohort=None):
    out = recovered / "results" / "recovery-small"
    return out if cohort is None else out / f"cohort~{cohort}" / "montage~cap_32" / "cleaning~artefact_free"


def test_every_method_is_scored_and_told_in_tables_and_figures(recovered, grid):
    edges, groups = (read_tsv(results_of(recovered) / f"{kind}.tsv") for kind in ("edges", "groups"))
    part = grid.parts[0]
    wanted = {(i, m, n) for i in part.inverses for m in part.measures for n in part.n_epochs}
    assert set(zip(edges["inverse"], edges["measure"], edges["n_epochs"], strict=True)) == wanted
    assert Counter(edges["n_people"]) == {grid.cohorts["lagged"].n_per_group["everybody"]: len(wanted)}
    assert (groups["n_per_group"].tolist(), groups["n_pool"].tolist()) == ([3], [3])
    assert groups["power"].notna().all()
    figures = sorted(path.name for path in results_of(recovered).glob("*.svg"))
    assert figures == ["recovery-lagged-auc.svg", "recovery-lagged-sensitivity.svg", "recovery-power.svg"]
    assert all((results_of(recovered) / name).stat().st_size < 200_000 for name in figures)
    told = (results_of(recovered) / "recovery.md").read_text()
    assert told.count("| lagged |") == len(part.measures)


def test_the_coupling_is_in_the_cortex_and_only_where_it_was_planted(recovered, grid):
    cell = grid.cell("lagged", "cap_32", "artefact_free")
    lagged, null = (read_arrays(results_of(recovered, name) / "edges.npz") for name in ("lagged", "null"))
    n_planted = planted_pairs(parcellation().region_names, cell.people.couplings).sum()
    assert lagged["cortex__wpli2_debiased__alpha__20"].shape == (3, n_planted)
    assert lagged["cortex__wpli2_debiased__alpha__20"].min() > 0.9
    assert null["cortex__wpli2_debiased__alpha__20"].shape == (3, 0)


def test_the_planted_edges_answer_to_the_coupling_and_more_than_the_others(recovered):
    edges = read_tsv(results_of(recovered) / "edges.tsv").set_index("measure")
    lagged = edges.loc["wpli2_debiased"]
    assert lagged["response_low"] > 0
    assert lagged["response"] > 2 * lagged["response_other"]
    assert lagged["auc"] > 0.6
    # Leakage and noise take from what there is; nothing adds to it.
    assert lagged["bias_high"] < 0


def test_the_null_cohort_is_the_same_people(recovered):
    lagged, null = (read_arrays(results_of(recovered, name) / "edges.npz") for name in ("lagged", "null"))
    name = "lcmv__coh__alpha__20"
    likeness = np.corrcoef(lagged[name], null[name])[:3, 3:]
    themselves = np.eye(3, dtype=bool)
    assert likeness[themselves].min() > likeness[~themselves].max() + 0.15


def test_a_change_makes_again_what_it_touches_and_nothing_else(recovered, repository, small, tmp_path):
    assert recover(repository, recovered, small, "-n") == {}
    changed = tmp_path / "changed.yaml"
    changed.write_text(small.read_text().replace("n_studies: 20", "n_studies: 30"))
    assert recover(repository, recovered, changed, "-n") == {"score_groups": 1, "write_tables": 1, "all": 1}


def test_a_grid_at_fault_is_told_before_anything_starts(repository, small, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(small.read_text().replace("aec_orth", "aec_ort"))
    snakefile = repository / "workflow" / "recovery" / "Snakefile"
    done = run(sys.executable, "snakemake", "-s", str(snakefile), "--configfile", str(wrong), "-n", cwd=tmp_path)
    assert done.returncode != 0
    assert "parts[1].measures · found: aec_ort" in done.stdout + done.stderr
    assert not (Path(tmp_path) / "results").exists()
