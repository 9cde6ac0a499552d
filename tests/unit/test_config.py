import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.loader import load_study, study_from_mapping, with_data_root
from painconn.connectivity.engine import over_epochs
from painconn.connectivity.graph.thresholds import edges_at
from painconn.connectivity.registry import MEASURES
from painconn.connectivity.surrogates import surrogate_floor
from painconn.cortex.registry import PARCELLATIONS
from painconn.errors import ConfigError
from painconn.steps.declare import families

MINIMAL = """\
name: tiny
data:
  sources:
    - {root: data, layout: bids}
  conditions:
    rest: {kind: rest, n_epochs: 30}
targets:
  pain:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
"""


@pytest.fixture
def study_file(tmp_path):
    def write(text):
        path = tmp_path / "study.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems_of(path):
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    return caught.value.problems


def test_a_minimal_study_takes_every_default_and_resolves_paths(study_file):
    path = study_file(MINIMAL)
    study = load_study(path)
    assert study.cleaning.ica == "picard"
    assert study.data.sources[0].root == path.parent / "data"
    assert with_data_root(study, path.parent / "elsewhere").data.sources[0].root == path.parent / "elsewhere"


def test_the_shipped_studies_and_the_default_file_are_valid(repository):
    files = [*(repository / "configs" / "studies").glob("*.yaml"), repository / "configs" / "default.yaml"]
    assert len(files) >= 3
    for path in files:
        load_study(path)


def test_generated_files_are_in_sync(repository):
    command = [sys.executable, "tools/generate_config.py", "--check"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_default_file_holds_the_defaults_of_the_models(repository):
    study = load_study(repository / "configs" / "default.yaml")
    for section in (study.cleaning, study.cortex, study.connectivity, study.features):
        assert section == type(section)()


def test_labels_stay_text(study_file):
    text = MINIMAL.replace("a: localized, b: widespread", "a: 001, b: no").replace(
        "data:\n", "data:\n  participants: {exclude: [010, 1e3]}\n", 1
    )
    study = load_study(study_file(text))
    assert (study.targets["pain"].contrast.a, study.targets["pain"].contrast.b) == ("001", "no")
    assert study.data.participants.exclude == ("010", "1e3")


def test_every_problem_at_once_with_file_line_and_hint(study_file):
    text = (
        MINIMAL.replace("n_epochs: 30", "n_epoch: 30").replace("layout: bids", "layout: bidds")
        + "cleening: {}\nseed: soon\n"
    )
    path = study_file(text)
    found = problems_of(path)
    text_of = "\n".join(str(problem) for problem in found)
    assert "did you mean n_epochs?" in text_of
    assert "did you mean cleaning?" in text_of
    assert f"{path}, line 4, data.sources.0.layout" in text_of
    assert "line 11, seed" in text_of
    assert len(found) >= 5


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (MINIMAL + "name: again\n", "first in line 1"),
        (MINIMAL + "seed: !!python/object/apply:os.system ['true']\n", "without a tag"),
        (MINIMAL + "seed: [1\n", "valid YAML"),
        ("- just\n- a list\n", "mapping of sections"),
        ("", "data"),
        (MINIMAL.replace("condition: rest}", "condition: sleep}"), "condition sleep is not among"),
        (MINIMAL.replace("condition: rest}", "condition: rest, window: post}"), "window post does not exist"),
        (MINIMAL.replace("a: localized", "a: widespread"), "a and b are the same"),
        (MINIMAL + "connectivity: {measures: [wpli2_debias]}\n", "did you mean wpli2_debiased?"),
        (MINIMAL + "connectivity: {measures: [cohy]}\n", "use coh (magnitude) and imcoh (imaginary part)"),
        (MINIMAL + "connectivity: {measures: [coh, coh]}\n", "measure coh is named twice"),
        (
            MINIMAL + "connectivity: {bands_hz: {alpha: [13, 8]}}\n",
            "found: band alpha: 13-8 Hz · wanted: 0 < low < high",
        ),
        (MINIMAL + "connectivity: {phase_estimator: over_time}\n", "not estimated over time: it corrects"),
        (MINIMAL + "connectivity: {phase_estimator: over_time}\n", "did you mean wpli?"),
        (MINIMAL + "connectivity: {phase_estimator: over_time, measures: [psi]}\n", "frequency bins of epochs"),
        (MINIMAL + "connectivity: {phase_estimator: epochs}\n", "over_epochs"),
        (MINIMAL + "connectivity: {spectra: morlet, measures: [psi]}\n", "multitaper or fourier, not morlet"),
        (MINIMAL + "connectivity: {precision: float16}\n", "float32"),
        (MINIMAL + "connectivity: {n_surrogates: 49}\n", "found: 49 · wanted: 0, or at least 50"),
        (
            MINIMAL + "features: {graph_measures: [betweennes]}\n",
            "betweennes; did you mean betweenness? · wanted: one of: degree",
        ),
        (MINIMAL + "features: {graph_measures: [degree, degree]}\n", "graph measure degree is named twice"),
        (MINIMAL + "features: {graph_densities: [0.2]}\n", "found: 1 density · wanted: at least two"),
        (MINIMAL + "features: {graph_densities: [0.2, 0.2]}\n", "density 0.2 before 0.2 · wanted: an increasing order"),
        (MINIMAL + "features: {graph_densities: [0, 0.5, 1.5]}\n", "density 0, 1.5 · wanted: above 0 and at most 1"),
        (MINIMAL + "features: {graph_nulls: 0}\n", "found: 0 · wanted: greater than or equal to 1"),
        (MINIMAL + "connectivity: {bands_hz: {al__pha: [8, 13]}}\n", "with single underscores between them"),
        (MINIMAL + "    primary: {bands: [foo]}\n", "targets.pain.primary.bands · found: band foo is not among"),
        (MINIMAL + "cortex: {inverses: [magic]}\n", "unknown inverse magic"),
        (MINIMAL.replace("layout: bids", "layout: folder"), "needs a pattern"),
        (MINIMAL.replace("kind: rest", "kind: events"), "descriptions of its events"),
        (MINIMAL + "cleaning: {l_freq_hz: .nan}\n", "l_freq_hz"),
    ],
)
def test_a_bad_study_says_what_is_wrong(study_file, bad, expected):
    assert expected in "\n".join(str(problem) for problem in problems_of(study_file(bad)))


def test_a_band_of_muscle_cannot_be_primary(study_file):
    text = MINIMAL + "    primary: {bands: [low_gamma]}\n"
    assert "can only be exploratory" in str(problems_of(study_file(text))[0])


def test_a_preset_sets_several_options_and_a_written_key_wins(study_file):
    cleaning = load_study(study_file(MINIMAL + "cleaning: {preset: already_clean, line_noise: notch}\n")).cleaning
    assert (cleaning.ica, cleaning.bad_channels, cleaning.line_noise) == ("none", "none", "notch")


def test_a_mapping_with_lost_labels_is_refused_and_one_without_is_taken(tmp_path):
    values = yaml.safe_load(MINIMAL)
    assert study_from_mapping(values, source="module", folder=tmp_path).name == "tiny"
    values["targets"]["pain"]["contrast"]["a"] = 1
    values["data"]["conditions"][7] = values["data"]["conditions"].pop("rest")
    with pytest.raises(ConfigError) as caught:
        study_from_mapping(values, source="module", folder=tmp_path)
    text = str(caught.value)
    assert "may have been 001" in text
    assert "quote the key" in text


def test_a_missing_study_file_names_it(tmp_path):
    assert "no such file" in str(problems_of(tmp_path / "absent.yaml")[0])


def test_measures_of_several_components_and_components_go_together(study_file):
    measures = "connectivity: {measures: [wpli2_debiased, mim]}\n"
    components = "cortex: {aggregation: pca_flip, n_components: 3}\n"
    (alone,) = problems_of(study_file(MINIMAL + measures))
    assert "measure mim relates regions of several components, and cortex.n_components is 1" in str(alone)
    (unused,) = problems_of(study_file(MINIMAL + components))
    assert "3 components per region, and connectivity.measures has none" in str(unused)
    assert "mim" in str(unused)
    study = load_study(study_file(MINIMAL + measures + components))
    assert (study.cortex.n_components, study.connectivity.measures) == (3, ("wpli2_debiased", "mim"))


def test_all_problems_of_a_section_are_told_at_once(study_file):
    text = MINIMAL + "connectivity: {measures: [cohy, nothing, pli, pli], precision: half, n_cycles: 0}\n"
    told = "\n".join(map(str, problems_of(study_file(text))))
    for expected in ("cohy is complex", "unknown measure nothing", "pli is named twice", "float64", "greater than 0"):
        assert expected in told


def test_what_sections_say_of_each_other_is_not_hidden_by_another_problem(study_file):
    text = MINIMAL + "    primary: {bands: [foo], measure: dpli}\n"
    for other in ("seed: soon\n", "connectivity: {n_surrogates: 1}\n", "cortex: {inverses: [none]}\n"):
        told = "\n".join(map(str, problems_of(study_file(text + other))))
        assert "band foo is not among connectivity.bands_hz" in told
        assert "measure dpli is not among connectivity.measures" in told
        assert len(problems_of(study_file(text + other))) == 3
    for hiding in ("connectivity: {measures: [nothing]}\n", "connectivity: {bands_hz: {foo: [8, 4]}}\n"):
        assert len(problems_of(study_file(text + hiding))) == 2


def test_all_problems_of_graph_options_are_told_at_once(study_file):
    options = "{graph_measures: [degre, hubs, strength, strength], graph_densities: [0.5, 0.4, 2], graph_nulls: -1}"
    told = "\n".join(map(str, problems_of(study_file(f"{MINIMAL}features: {options}\n"))))
    for expected in (
        "did you mean degree?",
        "unknown graph measure hubs; there are",
        "graph measure strength is named twice",
        "density 2, wanted above 0",
        "density 0.5 before 0.4",
        "features.graph_nulls",
    ):
        assert expected in told


def test_graph_measures_need_a_symmetric_measure(study_file):
    text = MINIMAL + "    primary: {measure: imcoh}\nconnectivity: {measures: [imcoh, dpli]}\n"
    load_study(study_file(text))
    (problem,) = problems_of(study_file(text + "features: {graph_measures: [degree]}\n"))
    assert "none of connectivity.measures (imcoh, dpli) is symmetric" in str(problem)
    assert "no undirected graph" in str(problem)
    load_study(study_file(text.replace("dpli", "coh") + "features: {graph_measures: [degree]}\n"))


@pytest.mark.parametrize("density", [0.0002, 0.00022, 0.5 / 2278, 0.001])
def test_a_density_without_an_edge_is_refused_as_the_graphs_would(study_file, density):
    text = f"{MINIMAL}features: {{graph_measures: [degree], graph_densities: [{density}, 0.5]}}\n"
    try:
        edges_at(density, 68)
    except ValueError:
        assert "keeps no edge among 68 regions" in str(problems_of(study_file(text))[0])
    else:
        load_study(study_file(text))


@pytest.mark.parametrize("estimator", ["over_epochs", "over_time"])
@pytest.mark.parametrize("definition", MEASURES.values(), ids=list(MEASURES))
def test_every_measure_is_a_column_or_is_refused_with_the_reason(definition, estimator):
    chosen = {"measures": [definition.name], "phase_estimator": estimator}
    if definition.kind != "hermitian" and (
        definition.takes not in ("sums", "bins") or estimator in definition.estimators
    ):
        settings = ConnectivityConfig.model_validate(chosen)
        assert settings.estimator_of(definition.name) in definition.estimators
        assert settings.measures_of(settings.estimator_of(definition.name)) == [definition.name]
    else:
        with pytest.raises(ValidationError, match=r"complex|not estimated"):
            ConnectivityConfig.model_validate(chosen)


def _is_valid(settings):
    try:
        ConnectivityConfig.model_validate(settings)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", [name for name in MEASURES if _is_valid({"measures": [name]})])
def test_wavelets_are_refused_for_exactly_the_measures_that_the_engine_cannot_make_of_them(name, rng):
    settings = ConnectivityConfig.model_validate({"measures": [name]})
    if settings.estimator_of(name) == "over_time":
        assert _is_valid({"measures": [name], "spectra": "morlet"})
        return
    signals = rng.standard_normal((20, 2, 250))
    bands_hz = {"alpha": (8.0, 13.0)}
    found = over_epochs(signals, sfreq_hz=125.0, bands_hz=bands_hz, measures=[name], spectra="morlet")
    assert _is_valid({"measures": [name], "spectra": "morlet"}) == ((name, "alpha") in found.matrices)


def test_a_primary_family_without_a_block_is_refused(study_file):
    primary = MINIMAL + "    primary: {measure: imcoh}\nconnectivity: {measures: [imcoh]}\n"
    load_study(study_file(primary))
    with pytest.raises(ConfigError, match="imcoh has no block within a group"):
        load_study(study_file(primary + "features: {groups: {sensory: [insula-lh, insula-rh]}}\n"))


def test_gates_are_the_measures_own_and_a_lowered_one_is_said():
    assert ConnectivityConfig().lowered_gates() == []
    own = MEASURES["wpli2_debiased"]
    assert ConnectivityConfig().gates_of("wpli2_debiased") == (own.min_epochs, own.min_cycles)
    lowered = ConnectivityConfig.model_validate({"min_epochs": 10, "min_cycles": 3}).lowered_gates()
    assert "wpli2_debiased: 10 epochs instead of 20" in lowered
    assert "aec_orth: 3 cycles instead of 5" in lowered
    assert not any(told.startswith("aec_orth") and "epochs" in told for told in lowered)
    assert ConnectivityConfig.model_validate({"min_epochs": 100}).lowered_gates() == []


def test_the_fewest_surrogates_are_those_of_the_engine(rng):
    def compute(signals):
        return {("coh", "alpha"): np.ones((2, 2))}

    signals = rng.standard_normal((25, 2, 10))
    fewest = next(n for n in range(1, 100) if _is_valid({"n_surrogates": n}))
    assert surrogate_floor(signals, compute, n_surrogates=fewest, seed=1)
    with pytest.raises(ValueError, match="n_surrogates"):
        surrogate_floor(signals, compute, n_surrogates=fewest - 1, seed=1)


def test_groups_are_those_of_the_parcellation_unless_given(study_file):
    assert load_study(study_file(MINIMAL)).groups == PARCELLATIONS["desikan_killiany"].groups
    schaefer = load_study(study_file(MINIMAL + "cortex: {parcellation: schaefer_100_7}\n"))
    assert len(schaefer.groups) == 14
    own = "cortex: {parcellation: pain_12}\nfeatures: {groups: {one: [insula-lh], two: [insula-rh, postcentral-rh]}}\n"
    assert dict(load_study(study_file(MINIMAL + own)).groups) == {
        "one": ("insula-lh",),
        "two": ("insula-rh", "postcentral-rh"),
    }


def test_groups_that_do_not_fit_the_regions_are_told_all_at_once(study_file):
    text = (
        "cortex: {parcellation: schaefer_100_7}\n"
        "features:\n  groups:\n    visual: [Vis_1-lh, Vis_99-lh]\n    pain: [insula-lh, Vis_1-lh]\n"
        "    Vis_2-rh: [Vis_3-rh]\n    a__b: [Vis_4-rh]\n    none: []\n"
    )
    told = "\n".join(str(problem) for problem in problems_of(study_file(MINIMAL + text)))
    for expected in (
        "Vis_99-lh is no region of schaefer_100_7; did you mean Vis_9-lh?",
        "insula-lh is no region of schaefer_100_7",
        "Vis_1-lh is already in visual",
        "the group Vis_2-rh is called as a region",
        "two underscores",
        "features.groups.none · found: no region",
    ):
        assert expected in told, expected


def test_no_groups_mean_no_blocks_which_only_a_ready_table_can_do_without(study_file):
    (problem,) = problems_of(study_file(MINIMAL + "features: {groups: {}}\n"))
    assert "features.groups · found: no groups: the tests of a primary family are blocks" in str(problem)
    ready = MINIMAL.replace("layout: bids", "layout: features, features_table: table.tsv")
    study = load_study(study_file(ready + "features: {groups: {}}\n"))
    assert dict(study.groups) == {}
    settings = study.model_dump(mode="json") | {"groups": {}, "target": study.targets["pain"].model_dump(mode="json")}
    settings |= {"covariates": [], "inverses": list(study.cortex.inverses)}
    (primary,) = families(settings, ["participant_score", "quality__n_epochs"])
    assert primary.tests == ("participant_score",)


def test_a_parcellation_of_ones_own_needs_groups_and_one_kind_of_file(study_file):
    (problem,) = problems_of(study_file(MINIMAL + "cortex: {parcellation: schaefer_100}\n"))
    assert "did you mean schaefer_100_7" in str(problem)
    for files, expected in (
        ("{coordinates: r.tsv}", "features.groups"),
        ("{coordinates: r.tsv, annot: {lh: l.annot, rh: r.annot}}", "both annot and coordinates"),
        ("{space: mni305}", "neither annot nor coordinates"),
        ("{coordinates: r.tsv, radius: 3}", "the unknown key radius"),
        ("{annot: {lh: l.annot}}", "a value for rh"),
    ):
        told = [str(problem) for problem in problems_of(study_file(f"{MINIMAL}cortex: {{parcellation: {files}}}\n"))]
        assert any(expected in line for line in told), (files, told)


def test_files_of_regions_resolve_against_the_study_file(study_file):
    groups = "features: {groups: {one: [a-lh, b-lh]}}\n"
    path = study_file(MINIMAL + "cortex: {parcellation: {annot: {lh: own/lh.annot, rh: /there/rh.annot}}}\n" + groups)
    annot = load_study(path).cortex.parcellation.annot
    assert (annot.lh, annot.rh) == (path.resolve().parent / "own" / "lh.annot", Path("/there/rh.annot"))
    path = study_file(MINIMAL + "cortex: {parcellation: {coordinates: regions.tsv}}\n" + groups)
    assert load_study(path).cortex.parcellation.coordinates == path.resolve().parent / "regions.tsv"


@pytest.mark.parametrize(
    ("contrast", "message"),
    [
        ({"kind": "association", "column": "pain"}, "an association contrast needs column and observation"),
        (
            {"kind": "association", "column": "pain", "observation": {"condition": "rest"}, "a": "low"},
            "an association has no sides",
        ),
        ({"kind": "between", "column": "g", "observation": {"condition": "rest"}}, "names two labels as a and b"),
    ],
)
def test_a_contrast_says_what_its_kind_needs(contrast, message):
    from painconn.config.targets import Contrast

    with pytest.raises(ValueError, match=message):
        Contrast.model_validate(contrast)


@pytest.mark.parametrize("thresholds", [[3.0, 2.5], [2.5, 2.5], [-1.0, 2.0]])
def test_thresholds_of_networks_rise(thresholds):
    from painconn.config.targets import Networks

    with pytest.raises(ValueError, match="rise"):
        Networks.model_validate({"thresholds": thresholds})
    assert Networks.model_validate({"thresholds": []}).thresholds == ()
