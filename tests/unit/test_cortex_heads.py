"""Heads other than the bundled one: full fsaverage, individuals, and everything that can be wrong with them.

The subjects are the bundled head under other names, so that the right answer is known.
"""

import json
import shutil

import edfio
import mne
import numpy as np
import pytest
from fake_subjects import SHELLS, change, refine, shuffle_vertices, write_fake, write_transform
from pydantic import ValidationError

from painconn.cli.check import examine
from painconn.config.cortex import CortexConfig
from painconn.config.loader import load_study
from painconn.cortex.forward import make_forward
from painconn.cortex.head import build_head_of, head_identity
from painconn.cortex.heads import HeadParts, head_of
from painconn.cortex.lead_field import lead_field
from painconn.cortex.montage import place_electrodes
from painconn.cortex.own_surface import on_own_surface, read_own_surface
from painconn.cortex.parcellations import parcellation_of
from painconn.cortex.regions import region_labels
from painconn.cortex.template import HEMISPHERES
from painconn.errors import InputError, RecordingFault
from painconn.paths import Results
from painconn.steps import forward, head
from painconn.steps.made_with import MadeWith
from painconn.steps.plan import Plan
from painconn.store import read_json, read_result

TEN = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
QUICK = {"conductivity_s_per_m": (0.3, 0.006, 0.3), "source_spacing": "ico3"}
MONTAGE = "0" * 12
FIELDS = {"conductivity_s_per_m": [0.3, 0.006, 0.3], "source_spacing": "ico3"}


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    """One pristine individual with its transform and a coarse solution, and a full fsaverage of more vertices."""
    folder = tmp_path_factory.mktemp("subjects")
    write_fake(folder, "person")
    refine(write_fake(folder, "fsaverage"))
    write_transform(folder / "person-trans.fif")
    model = mne.make_bem_model("person", ico=2, subjects_dir=folder, verbose="error")
    mne.write_bem_solution(folder / "coarse-bem-sol.fif", mne.make_bem_solution(model, verbose="error"))
    return folder


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    return build_head_of(head_of(CortexConfig(), "01"), tmp_path_factory.mktemp("bundled"), bem_ico=2, **QUICK)


@pytest.fixture
def own(subjects, tmp_path):
    """A copy of the individual that a test may spoil."""
    shutil.copytree(subjects / "person", tmp_path / "subjects" / "person")
    return person_in(tmp_path / "subjects", subjects / "person-trans.fif", subjects / "coarse-bem-sol.fif")


def person_in(subjects_dir, transform, solution=None, *, own=True):
    return HeadParts("01", "individual", "person", own, subjects_dir, transform, solution)


def field_of(built, names=TEN):
    return lead_field(make_forward(built, place_electrodes(names)))


def topographies(field):
    gain = field.gain_v_per_am[:, :, 2]
    return gain / np.linalg.norm(gain, axis=0)


def run_steps(results, parts, positions_m, **limits):
    head.run(results, {"head": parts.as_settings(), **FIELDS}, parts.label)
    montage = {"names": list(positions_m), "positions_m": [list(place) for place in positions_m.values()]}
    distances = {"warn_electrode_distance_mm": 10.0, "max_electrode_distance_mm": 25.0} | limits
    key = f"{MONTAGE}_head-{parts.label}"
    forward.run(results, {"head": parts.label, "montage": montage, **distances}, key)
    return read_result(results.forward(key))


@pytest.mark.slow
def test_full_fsaverage_is_the_bundled_head_with_finer_normals(subjects, bundled, tmp_path):
    parts = head_of(CortexConfig(template="fsaverage", subjects_dir=subjects), "01")
    full = build_head_of(parts, tmp_path, bem_ico=2, **QUICK)
    assert full.sources[0]["np"] > 4 * bundled.sources[0]["np"] - 10
    assert list(tmp_path.iterdir()) == []
    fine, coarse = field_of(full), field_of(bundled)
    np.testing.assert_array_equal(fine.vertices, coarse.vertices)
    regions = parcellation_of("schaefer_100_7")
    assert len(set(region_labels(regions, fine.vertices))) == 101
    alike = np.sum(topographies(fine) * topographies(coarse), axis=0)
    assert np.median(alike) > 0.99
    one, other = (head_identity(built, parts, source_spacing="ico3") for built in (full, bundled))
    assert one["checksum"] == other["checksum"]


@pytest.mark.slow
def test_an_individual_like_the_bundled_head_has_its_lead_field(subjects, bundled, tmp_path):
    transform = write_transform(tmp_path / "a-trans.fif", inverted=True)
    built = build_head_of(person_in(subjects, transform), tmp_path, bem_ico=2, **QUICK)
    mine, wanted = field_of(built), field_of(bundled)
    along = wanted.gain_v_per_am[:, :, 2]
    np.testing.assert_allclose(mine.gain_v_per_am[:, :, 2], along, atol=1e-4 * np.abs(along).max())


def test_a_ready_solution_is_used_only_for_its_own_conductivities(subjects, bundled, own, tmp_path):
    along = field_of(bundled).gain_v_per_am[:, :, 2]
    mine = field_of(build_head_of(own, tmp_path, **QUICK)).gain_v_per_am[:, :, 2]
    np.testing.assert_allclose(mine, along, atol=1e-4 * np.abs(along).max())
    with pytest.raises(InputError, match=r"0\.3, 0\.006, 0\.3 S/m · wanted: three shells with 0\.3, 0\.012, 0\.3 S/m"):
        build_head_of(own, tmp_path, conductivity_s_per_m=(0.3, 0.012, 0.3), source_spacing="ico3")


@pytest.mark.parametrize("regions", ["desikan_killiany", "pain_12", "schaefer_100_7"])
def test_regions_follow_a_surface_whose_vertices_are_numbered_otherwise(own, rng, regions):
    origin = shuffle_vertices(own.subjects_dir / "person", rng)
    template = parcellation_of(regions)
    every = tuple(np.arange(10242) for _ in HEMISPHERES)
    moved = on_own_surface(template, read_own_surface(own.files, "person"), every)
    assert moved.region_names == template.region_names
    for side in HEMISPHERES:
        np.testing.assert_array_equal(moved.vertex_regions[side], template.vertex_regions[side][origin[side]])


def test_labels_drawn_on_the_person_win_over_the_registration(own):
    folder = own.subjects_dir / "person" / "surf"
    for side in HEMISPHERES:
        change(folder / f"{side}.sphere.reg", lambda vertices: -vertices)
    template = parcellation_of("desikan_killiany")
    every = tuple(np.arange(10242) for _ in HEMISPHERES)
    surface = read_own_surface(own.files, "person")
    drawn = on_own_surface(template, surface, every)
    np.testing.assert_array_equal(drawn.vertex_regions["lh"], template.vertex_regions["lh"])
    through = on_own_surface(parcellation_of("schaefer_100_7"), surface, every)
    assert (through.vertex_regions["lh"] != parcellation_of("schaefer_100_7").vertex_regions["lh"]).mean() > 0.9


def test_regions_without_a_source_exclude_this_person(own):
    few = (np.arange(3), np.arange(3))
    with pytest.raises(RecordingFault, match=r"no source in .*insula-lh"):
        on_own_surface(parcellation_of("pain_12"), read_own_surface(own.files, "person"), few)


def test_labels_of_another_surface_are_refused(own):
    refine(own.subjects_dir / "person")
    with pytest.raises(InputError, match=r"lh: 10242 labels on 40962 vertices.*\n.*rh: 10242 labels"):
        read_own_surface(own.files, "person")


def test_a_usable_head_describes_itself_and_every_electrode(own, tmp_path):
    results = Results(tmp_path / "results")
    positions = place_electrodes(TEN)
    centre = np.mean(list(positions.values()), axis=0)
    outward = positions["C3"] - centre
    positions["C3"] = positions["C3"] + 0.014 * outward / np.linalg.norm(outward)
    record = run_steps(results, own, positions)
    assert record["status"] == "ok"
    made = record["head"]
    assert (made["label"], made["kind"], made["subject"]) == ("01", "individual", "person")
    assert made["conductivity_s_per_m"] == pytest.approx([0.3, 0.006, 0.3], rel=1e-6)
    assert (made["n_triangles"], made["n_sources"], made["source_spacing"]) == ([320] * 3, 1284, "ico3")
    assert made == read_result(results.head("01"))["head"]
    each = record["electrode_distance_mm"]["each"]
    assert list(each) == list(TEN)
    assert max(each, key=each.__getitem__) == "C3"
    assert 10 < each["C3"] < 25
    (finding,) = record["findings"]
    assert finding["channels"] == "C3"
    assert finding["consequence"] == "note"
    texts = [path.read_text() for path in results.root.rglob("*.json")]
    assert len(texts) == 2
    assert not any(str(tmp_path) in text or "coarse-bem-sol" in text for text in texts)


def test_one_checksum_is_one_head(own, tmp_path):
    def checksum():
        return head_identity(build_head_of(own, tmp_path, **QUICK), own, source_spacing="ico3")["checksum"]

    before = checksum()
    assert checksum() == before
    for side in HEMISPHERES:
        change(own.subjects_dir / "person" / "surf" / f"{side}.white", lambda vertices: vertices + 0.01)
    assert checksum() != before


@pytest.mark.parametrize(
    "lost", ["surf/rh.white", "surf/lh.sphere.reg", "label/lh.aparc.annot", "bem/outer_skull.surf", "the transform"]
)
def test_what_is_missing_of_a_persons_head_is_named_and_excludes_nobody_else(own, tmp_path, lost):
    parts = person_in(own.subjects_dir, own.transform)
    if lost == "the transform":
        parts = person_in(own.subjects_dir, tmp_path / "nowhere-trans.fif")
    else:
        parts.files[lost].unlink()
    record = run_steps(Results(tmp_path / "results"), parts, place_electrodes(TEN))
    assert record["status"] == "excluded"
    (reason,) = record["exclusions"]
    assert (reason["step"], reason["check"]) == ("head", "head")
    assert reason["found"] == f"missing: {lost} (person)"
    assert "head of participant 01" in reason["where"]
    assert str(tmp_path) not in json.dumps(record)
    with pytest.raises(InputError, match="missing"):
        head.run(Results(tmp_path / "other"), {"head": parts.as_settings() | {"own": False}, **FIELDS}, "01")


def test_crossing_shells_are_told_from_damaged_ones(own, tmp_path):
    parts = person_in(own.subjects_dir, own.transform)
    change(parts.files[SHELLS[0]], lambda vertices: vertices * 1.2)
    with pytest.raises(InputError, match=r"not completely inside one another.*mne watershed_bem"):
        build_head_of(parts, tmp_path, bem_ico=2, **QUICK)
    parts.files[SHELLS[0]].write_bytes(b"QUOKKA" * 20)
    with pytest.raises(InputError, match="inner_skull, outer_skull, outer_skin: cannot be used") as caught:
        build_head_of(parts, tmp_path, bem_ico=2, **QUICK)
    assert "QUOKKA" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("spoiled", ["the transform", "the BEM solution", "surf/lh.white", "surf/rh.sphere"])
def test_a_damaged_file_is_a_reason_and_no_crash(own, tmp_path, spoiled):
    for name in ("transform", "bem_solution"):
        shutil.copy(getattr(own, name), tmp_path / name)
    parts = person_in(own.subjects_dir, tmp_path / "transform", tmp_path / "bem_solution")
    path = parts.files[spoiled]
    path.write_bytes(path.read_bytes()[:40])
    record = run_steps(Results(tmp_path / "results"), parts, place_electrodes(TEN))
    assert record["exclusions"][0]["check"] == "head"
    assert "cannot be used" in record["exclusions"][0]["found"]


def test_a_cortex_through_the_inner_skull_excludes_this_person(own, tmp_path):
    for side in HEMISPHERES:
        change(own.subjects_dir / "person" / "surf" / f"{side}.white", lambda vertices: vertices * 1.3)
    record = run_steps(Results(tmp_path / "results"), own, place_electrodes(TEN))
    (reason,) = record["exclusions"]
    assert reason["check"] == "head"
    assert "of 1284 sources lie inside the inner skull" in reason["found"]


def test_the_transform_of_somebody_else_shows_in_the_distances(own, tmp_path):
    transform = write_transform(tmp_path / "wrong-trans.fif", shift_m=(0, 0.04, 0.03))
    parts = person_in(own.subjects_dir, transform, own.bem_solution)
    record = run_steps(Results(tmp_path / "results"), parts, place_electrodes(TEN))
    (reason,) = record["exclusions"]
    assert reason["check"] == "electrode_distance"
    assert "whose transform" in reason["fix"]


def test_every_misplaced_option_is_told_at_once():
    with pytest.raises(ValidationError) as caught:
        CortexConfig(subjects_dir="x", transform="t", conductivity_s_per_m=(0.3, 0, 0.3), subject="{person}")
    told = str(caught.value)
    wanted = ("subjects_dir has", "transform has", "subject has", "three values above 0", "subject: the only part")
    assert all(words in told for words in wanted)
    with pytest.raises(ValidationError, match=r"needs subject; template individual needs transform"):
        CortexConfig(template="individual")
    with pytest.raises(ValidationError, match="beyond max_electrode_distance_mm"):
        CortexConfig(warn_electrode_distance_mm=30)


def test_a_head_without_participant_in_its_names_is_everybodys(tmp_path):
    fields = {"template": "individual", "subjects_dir": tmp_path, "transform": "t-trans.fif"}
    shared = {head_of(CortexConfig(subject="child_8y", **fields), person) for person in ("01", "02")}
    assert {(parts.label, parts.own) for parts in shared} == {("child8y", False)}
    theirs = [head_of(CortexConfig(subject="sub-{participant}", **fields), person) for person in ("01", "02")]
    assert [(parts.label, parts.subject, parts.own) for parts in theirs] == [
        ("01", "sub-01", True),
        ("02", "sub-02", True),
    ]


STUDY = """\
name: heads
data:
  sources:
    - {{root: data, layout: folder, pattern: "S{{participant}}_{{task}}.edf"}}
  conditions:
    rest: {{kind: rest, n_epochs: 20}}
    math: {{kind: rest, n_epochs: 20}}
  minimum_per_group: 2
cleaning: {{sfreq_hz: 100}}
cortex: {{{cortex}}}
targets:
  tasks: {{contrast: {{kind: within, a: {{condition: rest}}, b: {{condition: math}}}}}}
"""
INDIVIDUAL = (
    'template: individual, subjects_dir: fs, subject: "sub-{participant}", transform: "t/sub-{participant}-trans.fif"'
)


@pytest.fixture
def study(tmp_path, rng):
    """Recordings of three people; 01 and 02 have subjects and transforms (empty files), 03 has none."""
    for person in ("01", "02", "03"):
        for task in ("rest", "math"):
            write_edf(tmp_path / "data" / f"S{person}_{task}.edf", rng)
    for person in ("01", "02"):
        transform = tmp_path / "t" / f"sub-{person}-trans.fif"
        parts = HeadParts(person, "individual", f"sub-{person}", True, tmp_path / "fs", transform)
        for path in parts.files.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def write(cortex=INDIVIDUAL):
        (tmp_path / "study.yaml").write_text(STUDY.format(cortex=cortex))
        return load_study(tmp_path / "study.yaml")

    return write


def write_edf(path, rng):
    path.parent.mkdir(exist_ok=True)
    signals = rng.normal(scale=20, size=(len(TEN), 6000))
    known = {"physical_dimension": "uV", "physical_range": (-200, 200)}
    edfio.Edf([edfio.EdfSignal(row, 100, label=name, **known) for name, row in zip(TEN, signals, strict=True)]).write(
        path
    )


def test_everybody_has_a_head_job_and_a_forward_job_of_their_own(study, tmp_path):
    plan = Plan(study(), Results(tmp_path / "results"))
    (montage,) = plan.montages
    assert list(plan.heads) == ["01", "02", "03"]
    assert list(plan.forwards) == [f"{montage}_head-{person}" for person in plan.heads]
    files = {plan.results.forward(key) for key in plan.forwards} | {plan.results.head(label) for label in plan.heads}
    assert len(files) == 6
    connect = json.loads(plan.settings_connect("sub-02"))
    assert connect["session"]["montage"] == f"{montage}_head-02"
    assert len(plan.head_files("01")) == 12
    assert plan.head_files("03") == []


def test_a_shared_head_keeps_one_job_and_the_plain_montage_key(study, tmp_path):
    plan = Plan(study("template: bundled"), Results(tmp_path / "results"))
    assert list(plan.heads) == ["fsaverage5"]
    assert list(plan.forwards) == plan.montages


@pytest.mark.parametrize("changed", ["conductivity_s_per_m: [0.33, 0.0041, 0.33]", "source_spacing: ico3"])
def test_another_head_model_reruns_head_forward_and_connect_and_never_clean(study, tmp_path, changed):
    before, after = (
        MadeWith(Plan(study(cortex), Results(tmp_path / "results"))) for cortex in ("template: bundled", changed)
    )
    (montage,) = before.plan.montages
    jobs = [("head", "fsaverage5"), ("forward", montage), ("connect", "sub-01"), ("clean", "sub-01")]
    assert [before.of(*job) != after.of(*job) for job in jobs] == [True, True, True, False]


def test_check_foresees_who_has_no_head_and_counts_on_the_others(study, tmp_path):
    examined = examine(study(), Results(tmp_path / "results"), write=False)
    assert examined.problems == []
    lines = list(examined.outlook.texts())
    absent = "missing: subject folder, the transform (sub-03)"
    assert [line for line in lines if absent in line and line.startswith("sub-03 ") and "session excluded" in line]
    assert not [line for line in lines if line.startswith(("sub-01", "sub-02"))]
    assert examined.outlook.present["rest"] == {"01", "02"}
    assert [line for line in lines if "electrodes by name (template)" in line]


def test_check_says_how_to_get_fsaverage_and_fetches_nothing(study, tmp_path, monkeypatch):
    monkeypatch.setattr(mne.datasets, "fetch_fsaverage", lambda *_, **__: pytest.fail("fetched without being asked"))
    examined = examine(study("template: fsaverage, subjects_dir: fs"), Results(tmp_path / "results"), write=False)
    (problem,) = examined.problems
    assert problem.found == "missing: subject folder (fsaverage)"
    assert "mne.datasets.fetch_fsaverage()" in problem.fix


def test_the_folder_that_mne_is_set_to_is_used_when_none_is_given(subjects, monkeypatch):
    monkeypatch.setenv("SUBJECTS_DIR", str(subjects))
    assert list(head_of(CortexConfig(template="fsaverage"), "01").problems()) == []
    monkeypatch.setattr(mne, "get_config", lambda *_: None)
    (problem,) = head_of(CortexConfig(template="fsaverage"), "01").problems()
    assert "cortex.subjects_dir is null" in problem.found


def test_the_exclusion_of_a_head_is_passed_on_without_solving_anything(study, tmp_path):
    plan = Plan(study(), Results(tmp_path / "results"))
    key = plan.forward_of("sub-03")
    head.run(plan.results, json.loads(plan.settings_head("03")), "03")
    forward.run(plan.results, json.loads(plan.settings_forward(key)), key)
    passed = read_json(plan.results.forward(key))
    assert passed["exclusions"] == read_json(plan.results.head("03"))["exclusions"]
    assert passed["montage"] == key
