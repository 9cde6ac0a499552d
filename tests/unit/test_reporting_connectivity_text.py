from painconn.config.connectivity import ConnectivityConfig
from painconn.reporting.citations import Citations
from painconn.reporting.connectivity_text import connectivity_paragraphs


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
    assert "lowered below a measure's own minimum: wpli2 debiased: 10 epochs instead of 20." in text
    assert "at least 10 epochs and 8 cycles" in text
    assert "single precision" in text
    assert "99 surrogates" in text


def test_only_what_was_done_is_described():
    over_time = text_of(measures=["coh"], phase_estimator="over_time")
    assert "coherence (over time; 5 cycles)" in over_time
    assert "multitaper" not in over_time
    assert "Measures over time" not in text_of(measures=["coh"])
    assert "Morlet wavelets of 5 cycles" in text_of(measures=["coh"], spectra="morlet", n_cycles=5)
    assert "one Hann window" in text_of(measures=["coh"], spectra="fourier")
