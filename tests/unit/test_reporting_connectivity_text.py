from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.reporting.citations import Citations
from painconn.reporting.connectivity_text import connectivity_paragraphs, graph_paragraphs


def text_of(**settings):
    chosen = ConnectivityConfig.model_validate(settings)
    return "\n".join(connectivity_paragraphs(chosen, Citations(), segment_length_s=10.0))


def test_the_default_text_names_spectra_smoothing_estimators_and_gates():
    text = text_of()
    assert "multitaper estimates [2] with a half-bandwidth of 1 Hz" in text
    assert "debiased wPLI (over epochs; at least 20 epochs and 5 cycles)" in text
    assert "orthogonalised AEC (over time; 5 cycles)" in text
    assert "contiguous segments of 10 s" in text
    assert "flagged below 60 epochs" in text
    for absent in ("lowered", "single precision", "surrogates", "Morlet", "Hann"):
        assert absent not in text


def test_lowered_gates_precision_and_surrogates_are_said():
    text = text_of(min_epochs=10, min_cycles=8, precision="float32", n_surrogates=99)
    assert "lowered below a measure's own minimum: debiased wPLI: 10 epochs instead of 20." in text
    assert "at least 10 epochs and 8 cycles" in text
    assert "All measures were computed in single precision." in text
    assert "99 surrogates" in text


def test_single_precision_is_said_only_of_what_was_computed_in_it():
    assert "Computed in single precision: coherence." in text_of(measures=["coh", "gc"], precision="float32")
    assert "single precision" not in text_of(measures=["gc", "pcoh"], precision="float32")


def test_only_what_was_done_is_described():
    over_time = text_of(measures=["coh"], phase_estimator="over_time", n_surrogates=99)
    assert "coherence (over time; 5 cycles)" in over_time
    for absent in ("multitaper", "flagged", "surrogates"):
        assert absent not in over_time
    assert "Measures over time" not in text_of(measures=["coh"])
    assert "Morlet wavelets of 5 cycles" in text_of(measures=["coh"], spectra="morlet", n_cycles=5)
    assert "one Hann window" in text_of(measures=["coh"], spectra="fourier")


def test_graph_measures_are_described_only_when_there_are_some():
    def told(**chosen):
        connectivity = ConnectivityConfig.model_validate({"measures": ["coh", "imcoh"]})
        return "".join(graph_paragraphs(connectivity, FeaturesConfig.model_validate(chosen), Citations()))

    assert told() == ""
    text = told(graph_measures=["betweenness", "global_efficiency"], graph_densities=[0.1, 0.2])
    assert text.startswith("Graph measures of coherence: ")
    assert "asks for, weighted; area under the curve over densities 0.1 and 0.2, divided by their range." in text
    assert "global efficiency: Mean of 1 / distance over pairs [2]" in text
    assert "Null graphs" not in text
    text = told(graph_measures=["small_worldness"], graph_binarise=True, graph_nulls=30)
    assert "all of weight 1;" in text
    assert "Null graphs of the same degrees: 30 per graph and density." in text
