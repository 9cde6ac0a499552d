from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from painconn.cleaning.epochs import remove_evoked
from painconn.cli.power import plan_power, summary
from painconn.config.loader import load_study
from painconn.config.study import StudyConfig
from painconn.config.targets import Contrast, Observation
from painconn.connectivity.engine import over_epochs
from painconn.errors import DesignError, PainconnError
from painconn.features.edges import block_pairs
from painconn.simulation.caps import CAP_19, CAP_32
from painconn.simulation.person import electrode_signals
from painconn.simulation.planning import seen_effect
from painconn.steps.drawn_studies import ALPHA, Planted, Pool, draw_studies
from painconn.steps.kernels import pooled_covariance
from painconn.steps.planned_cohort import plan_cohort, planned_covariates, planned_person, planned_timing
from painconn.steps.planning import plan_study
from painconn.steps.simulated_person import person_rows
from painconn.steps.simulated_pool import make_bench, measure_people, measure_person, workers

PRE_POST = Contrast(
    kind="within",
    a=Observation(condition="pinprick", window="pre"),
    b=Observation(condition="pinprick", window="post"),
)


@pytest.fixture(scope="module")
def study(repository):
    return load_study(repository / "configs" / "studies" / "demo.yaml")


def changed(study: StudyConfig, **sections) -> StudyConfig:
    """Return the study with some fields of sections (or of its target) replaced."""
    updates = {}
    for name, fields in sections.items():
        if name == "target":
            updates["targets"] = {key: one.model_copy(update=fields) for key, one in study.targets.items()}
        else:
            updates[name] = getattr(study, name).model_copy(update=fields)
    return study.model_copy(update=updates)


def planned(study, channels=CAP_32, covariates=("age", "sex")):
    return plan_cohort(study, "hyperalgesia", channels, covariates)


def normal_pool(rng, *, effect, n_people=3000, n_tests=1, shared=0.0):
    """Return people whose tests are normal, with an effect of exactly this size in the first one."""
    common = rng.standard_normal((n_people, 1))
    values = np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.standard_normal((n_people, n_tests))
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    moved = values + effect * (np.arange(n_tests) == 0)
    names = tuple(f"test{number}" for number in range(n_tests))
    both = np.stack([values, moved])[:, :, None]
    return Pool("between", names, ("alpha",) * n_tests, (0.0, effect), both, both, np.empty((n_people, 0)))


def test_an_effect_that_moves_both_observations_counts_by_what_it_does_to_their_difference(rng):
    without = rng.standard_normal((200, 2, 1))
    # Kernels of both observations together: a third of the effect leaks into the first one.
    values = np.stack([without, without + np.array([[0.3], [0.9]])])
    pool = Pool("within", ("test",), ("alpha",), (0.0, 0.9), values, values, np.empty((200, 0)))
    effect = seen_effect(*pool.sides(1, 0), rng.integers(200, size=(3, 200)), kind="within")
    change = (without[:, 1] - without[:, 0]).ravel()
    assert effect.value == pytest.approx(0.6 / change.std(ddof=1))


def test_a_drawn_study_finds_what_the_t_test_finds(rng):
    pool = normal_pool(rng, effect=0.8)
    counts = draw_studies(pool, [Planted(0, np.array([True]))], 20, n_drawn=400, seed=1)
    power = TTestIndPower().power(0.8, 20, ALPHA)
    # 199 rearrangements and the larger of two p values cost a little.
    assert power - 0.12 < counts.found[0, 0] / 400 < power + 0.07


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_without_an_effect_one_study_in_twenty_finds_something(rng, shared):
    pool = normal_pool(rng, effect=0.5, n_tests=21, shared=shared)
    counts = draw_studies(pool, [], 15, n_drawn=400, seed=2)
    interval = stats.binomtest(counts.false_alarms, 400).proportion_ci(0.999)
    assert interval.low <= ALPHA
    assert counts.false_alarms / 400 > 0.01


@pytest.mark.parametrize("n_covariates", [0, 3])
def test_observations_that_differ_by_nothing_differ_in_no_more_than_one_drawn_study_in_twenty(rng, n_covariates):
    values = rng.standard_normal((1, 30, 2, 40))
    names = tuple(f"test{number}" for number in range(40))
    covariates = rng.standard_normal((30, n_covariates))
    pool = Pool("within", names, ("alpha",) * 40, (0.0,), values, values, covariates)
    counts = draw_studies(pool, [], 80, n_drawn=200, seed=2)
    assert stats.binomtest(counts.false_alarms, 200).proportion_ci(0.999).low <= ALPHA


@pytest.mark.slow
def test_a_covariate_without_meaning_costs_little_and_the_draws_follow_the_seed(rng):
    pool = normal_pool(rng, effect=1.0)
    planted = [Planted(0, np.array([True]))]
    bare = draw_studies(pool, planted, 20, n_drawn=150, seed=3)
    more = replace(pool, covariates=rng.standard_normal((pool.n_people, 2)))
    adjusted = draw_studies(more, planted, 20, n_drawn=150, seed=3)
    assert abs(int(adjusted.found[0, 0]) - int(bare.found[0, 0])) <= 15
    assert np.array_equal(draw_studies(more, planted, 20, n_drawn=150, seed=3).found, adjusted.found)
    assert not np.array_equal(
        draw_studies(pool, planted, 10, n_drawn=150, seed=3).found,
        draw_studies(pool, planted, 10, n_drawn=150, seed=4).found,
    )


def test_the_plan_has_the_design_of_the_study(study):
    cohort = planned(study)
    assert cohort.observations == (("rest", "epoch"),)
    assert len(cohort.tests) == 63
    assert [block.test for block in cohort.planted] == [
        "wpli2_debiased__lcmv__theta__affective-lh__affective-rh",
        "wpli2_debiased__lcmv__alpha__sensory-lh__sensory-rh",
        "wpli2_debiased__lcmv__beta__sensory-lh__sensory-rh",
    ]
    assert {block.couplings[0].span for block in cohort.planted} == {"recording"}
    assert cohort.spec.protocol.n_pinpricks == 30
    assert cohort.spec.protocol.rest_s >= 22 * 2.0
    assert cohort.spec.reference not in cohort.spec.channels
    timing = planned_timing(study, cohort, "0001", seed=1)
    assert len(timing.onsets_s["pinprick"]) == 30
    assert timing.spans_s["rest"][1] < timing.onsets_s["pinprick"].min() - 1.25


def test_a_contrast_within_people_has_a_coupling_in_each_of_its_observations(study):
    cohort = planned(changed(study, target={"contrast": PRE_POST}), covariates=())
    assert {tuple(one.span for one in block.couplings) for block in cohort.planted} == {("pre", "post")}
    people = [planned_person(cohort, f"{number:04d}", d=0.8, seed=3) for number in range(300)]
    first, second = cohort.planted[1].couplings
    change = np.array([one.coupling[second.name] - one.coupling[first.name] for one in people])
    assert change.mean() / change.std(ddof=1) == pytest.approx(-0.8, abs=0.15)


def test_an_effect_moves_the_couplings_by_its_size_and_nothing_else(study):
    cohort = planned(study)
    without, with_effect = (
        [planned_person(cohort, f"{number:04d}", d=d, seed=3) for number in range(300)] for d in (0.0, 0.8)
    )
    name = cohort.planted[1].couplings[0].name
    first, second = (np.array([one.coupling[name] for one in people]) for people in (without, with_effect))
    assert (first - second).mean() / first.std(ddof=1) == pytest.approx(0.8, abs=0.1)
    one, other = without[7], with_effect[7]
    assert replace(other, coupling=one.coupling) == one
    assert planned_covariates(cohort, one, seed=3)[0] == one.covariates["age"]


def test_a_measure_of_envelopes_gets_a_coupling_of_envelopes(study):
    primary = study.targets["hyperalgesia"].primary.model_copy(update={"measure": "aec_orth"})
    cohort = planned(changed(study, target={"primary": primary}))
    assert {block.couplings[0].kind for block in cohort.planted} == {"amplitude"}


@pytest.mark.parametrize(
    ("change", "found", "fix"),
    [
        ({"cortex": {"parcellation": "schaefer_100_7"}}, "schaefer_100_7", "copy of the study file"),
        ({"features": {"groups": {"a": ("V1-lh",), "b": ("insula-lh",)}}}, "V1-lh", "groups of these regions"),
        ({"features": {"groups": {"a": ("insula-lh",)}}}, "one group of one region", "add regions"),
        (
            {
                "target": {
                    "contrast": PRE_POST.model_copy(
                        update={"b": Observation(condition="pinprick", window="pre_evoked")}
                    )
                }
            },
            "same time",
            "before and after one kind",
        ),
        (
            {"target": {"contrast": PRE_POST.model_copy(update={"kind": "association"})}},
            "association",
            "between people",
        ),
        ({"connectivity": {"bands_hz": {"theta": (1.0, 2.0), "alpha": (2.0, 3.0), "beta": (3.0, 4.0)}}}, "Hz", "band"),
    ],
)
def test_what_the_simulation_cannot_represent_is_refused_with_what_to_do(study, change, found, fix):
    with pytest.raises(DesignError) as refused:
        planned(changed(study, **change))
    assert found in str(refused.value)
    assert fix in str(refused.value)


def test_a_ready_table_and_numbered_electrodes_are_refused(study):
    source = study.data.sources[0].model_copy(update={"layout": "features"})
    with pytest.raises(DesignError, match="layout features"):
        planned(changed(study, data={"sources": (source,)}))
    with pytest.raises(DesignError, match="--cap"):
        planned(study, channels=("E1", "E2", "E3"))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"target": "nobody"}, "--target"),
        ({"cap": "cap_7"}, "--cap"),
        ({"effects": "0.5,big"}, "--effects"),
        ({"effects": "-1"}, "--effects"),
        ({}, "no recordings there"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_simulated(repository, tmp_path, options, found):
    study = (repository / "configs" / "studies" / "demo.yaml").read_text(encoding="utf-8")
    (tmp_path / "demo.yaml").write_text(study.replace("../../data/demo", "nowhere"), encoding="utf-8")
    given = {"data": None, "target": None, "cap": None, "effects": "", "seed": None, "cores": 1} | options
    with pytest.raises(PainconnError) as refused:
        plan_power(tmp_path / "demo.yaml", out=tmp_path / "out", n_people=20, **given)
    assert refused.value.exit_status == 2
    assert found in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_plan_does_not_start_when_its_folder_is_a_file(repository, tmp_path):
    (tmp_path / "out").touch()
    given = {"data": None, "target": None, "effects": "", "seed": None, "cores": 1, "n_people": 20}
    with pytest.raises(PainconnError, match=r"--out .* a file"):
        plan_power(repository / "configs/studies/demo.yaml", out=tmp_path / "out", cap="cap_19", **given)


@pytest.fixture(scope="module")
def bench(study):
    small = changed(study, cortex={"source_spacing": "ico3"})
    cohort = planned(small, channels=CAP_19)
    cohort = replace(cohort, spec=replace(cohort.spec, head=replace(cohort.spec.head, bem_ico=2)))
    return make_bench(small, "hyperalgesia", cohort, effects=(0.8, 2.0), seed=5)


@pytest.mark.slow
def test_a_person_is_analysed_as_by_hand(bench):
    study, cohort = bench.line.study, bench.cohort
    person = planned_person(cohort, "0001", d=0.0, seed=5)
    data_v = 1e-6 * electrode_signals(cohort.spec, person, seed=5, head=bench.head)
    timing = planned_timing(study, cohort, "0001", seed=5)
    row = person_rows(bench.line, data_v, timing, cohort.observations)["rest", "epoch"]

    import mne

    from painconn.cortex.covariance import noise_covariance
    from painconn.cortex.kernels import make_region_kernel, make_source_kernel

    raw = mne.io.RawArray(data_v, mne.create_info(list(CAP_19), 250.0, "eeg", verbose="error"), verbose="error")
    raw = raw.filter(1.0, 100.0, verbose="error").set_eeg_reference("average", verbose="error")
    events = np.column_stack([np.arange(22) * 500, np.zeros(22, int), np.ones(22, int)])
    options = {"baseline": None, "preload": True, "verbose": "error"}
    rest = mne.Epochs(raw, events, tmin=0.0, tmax=499 / 250, **options).get_data(verbose="error")
    samples = np.round(timing.onsets_s["pinprick"] * 250).astype(int)
    around = np.column_stack([samples, np.zeros(30, int), np.ones(30, int)])
    post = mne.Epochs(raw, around, tmin=0.0, tmax=312 / 250, **options).get_data(verbose="error")
    pre = mne.Epochs(raw, around, tmin=-313 / 250, tmax=-1 / 250, **options).get_data(verbose="error")
    pooled = {("rest", "epoch"): rest, ("pinprick", "pre_evoked"): pre, ("pinprick", "post_evoked"): post}
    assert not np.allclose(remove_evoked(post), post)
    covariance, space = pooled_covariance(pooled), bench.line.space
    noise = noise_covariance("adhoc", covariance, rank=18, pre_event_v=None)
    sources = make_source_kernel("lcmv", space.field, covariance, noise, rank=18, cortex=study.cortex)
    kernel = make_region_kernel(sources, space.field, space.parcellation, covariance)
    found = over_epochs(
        kernel.values @ rest, sfreq_hz=250.0, bands_hz={"alpha": (8.0, 13.0)}, measures=["wpli2_debiased"]
    )
    matrix = found.matrices["wpli2_debiased", "alpha"]
    regions = list(space.parcellation.region_names)
    for a, b in block_pairs(study.groups):
        if a != b:
            part = matrix[np.ix_(*([regions.index(one) for one in study.groups[group]] for group in (a, b)))]
            assert row.columns[f"wpli2_debiased__lcmv__alpha__{a}__{b}"] == pytest.approx(part.mean(), abs=1e-9)


@pytest.mark.slow
def test_a_small_plan_is_whole_and_follows_from_its_seed(bench):
    told = []

    def tell(what, done, *, total):
        told.append((what, done, total))

    options = {"n_people": 5, "today": (12, 10), "cores": 1, "tell": tell, "n_drawn": 12, "sizes": (10, 20)}
    plan = plan_study(bench, **options)
    assert told[-1] == ("sizes of drawn studies", 2, 2)
    assert len(plan.table) == 3 * 2 * 2
    powers = plan.table[["power_low", "power", "power_high"]].to_numpy()
    assert ((powers >= 0) & (powers <= 1)).all()
    assert (powers[:, 0] <= powers[:, 1]).all()
    assert (powers[:, 1] <= powers[:, 2]).all()
    # A coupling that falls by two standard deviations is measured as less than that, and as more than nothing.
    alpha = next(block for block in plan.record["blocks"] if block["band"] == "alpha")
    small, large = (effect["d_measured"]["value"] for effect in alpha["effects"])
    assert 0 < small < large < 2.0
    text = "\n".join(
        summary({"study": "demo", "target": "t", "measure": "m", "inverse": "i", "observations": [], **plan.record})
    )
    assert "5 simulated people" in text
    assert "12 drawn studies" in text
    assert "today's 12 + 10 people" in text


@pytest.mark.slow
def test_a_person_hangs_on_nobody_else_and_on_no_process(bench):
    second, first = measure_person(bench, 1), measure_person(bench, 0)
    with workers(bench, 2) as run:
        elsewhere = measure_people(bench, 2, run, lambda done: None)
    # To the bit where a process has one thread, which the command sees to; else to rounding.
    assert np.allclose([first.values, second.values], [one.values for one in elsewhere], rtol=0, atol=1e-9)
    assert not np.array_equal(first.values, second.values)
