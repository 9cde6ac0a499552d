"""What stands in the quality table: name, unit, range and meaning of each number, told the same way everywhere."""

from dataclasses import dataclass


@dataclass(frozen=True)
class QualityNumber:
    """A number of the quality table.

    Parameters
    ----------
    name : str
        Column of ``group/quality.tsv``.
    unit, range : str
        In words.
    of : str
        ``recording`` or ``session``: a number of a session is the same in all rows of the session.
    description : str
        What is measured.
    compared : bool
        Whether a recording can stand out by it; False for what the study file sets or another column implies.
    log : bool
        Whether recordings are compared by its logarithm: positive numbers that spread over several sizes.
    """

    name: str
    unit: str
    range: str
    of: str
    description: str
    compared: bool = True
    log: bool = False


def _numbers() -> tuple[QualityNumber, ...]:
    number, session, recording = QualityNumber, "session", "recording"
    share, whole = "0 to 1", "0 and above"
    return (
        number("n_channels", "channels", "1 and above", session, "EEG channels", compared=False),
        number("n_bad_channels", "channels", whole, session, "bad channels; all are interpolated", compared=False),
        number("fraction_interpolated", "share", share, session, "interpolated channels / all channels"),
        number("components_removed", "components", whole, session, "independent components removed"),
        number(
            "components_removed_eye_blink", "components", whole, session, "... of the eyes (blinks and movements)",
            compared=False,
        ),
        number("components_removed_muscle_artifact", "components", whole, session, "... of muscle", compared=False),
        number("components_removed_heart_beat", "components", whole, session, "... of the heart", compared=False),
        number("components_removed_line_noise", "components", whole, session, "... of the mains", compared=False),
        number(
            "components_removed_channel_noise", "components", whole, session,
            "... of a single channel, where the study file names that class", compared=False,
        ),
        number("fraction_epochs_kept", "share", share, session, "epochs kept / epochs cut, over all conditions"),
        number("rank_tracked", "dimensions", whole, session, "good channels - 1 (average reference)", compared=False),
        number("rank_data", "dimensions", whole, recording, "numerical rank of the recording as read", compared=False),
        number("rank_used", "dimensions", whole, session, "rank of the cleaned data, passed to the inverse"),
        number(
            "alpha_reactivity_db", "dB", "any; above 0 is plausible", session,
            "posterior alpha power, eyes closed minus eyes open; of sessions with conditions of both kinds",
        ),
        number(
            "muscle_index", "share", share, recording,
            "power in 30-45 Hz / power in 1-45 Hz, median over temporal channels, after cleaning",
            log=True,
        ),
        number(
            "muscle_index_top_hz", "Hz", "above 0", recording,
            "upper edge of the two bands: 45 Hz or the low-pass", compared=False,
        ),
        number(
            "drowsiness_index", "ratio", "above 0", recording,
            "theta (4-8 Hz) / alpha (8-13 Hz) power over posterior channels, median over windows of 2 s",
            log=True,
        ),
        number(
            "drowsiness_trend", "log ratio", "any; above 0: theta gains on alpha", recording,
            "ln of the theta/alpha ratio, last third minus first third of the recording",
        ),
        number(
            "posterior_alpha_db", "dB re 1 µV²", "any", recording,
            "alpha power (8-13 Hz) over posterior channels, median over windows of 2 s",
        ),
        number(
            "blink_rate_per_min", "1/min", whole, recording,
            "blinks at the frontal pole per minute, before components are removed",
        ),
        number(
            "line_noise_ratio_before", "ratio", "above 0; 1: does not stand out", recording,
            "power within 1 Hz of the mains frequency / power 1-5 Hz beside it, as read", log=True,
        ),
        number(
            "line_noise_ratio_after", "ratio", "above 0; 1: does not stand out", recording, "... after cleaning",
            log=True,
        ),
        number(
            "median_peak_to_peak_uv", "µV", "above 0", recording,
            "peak-to-peak in windows of 2 s, median over channels and windows, after cleaning", log=True,
        ),
        number("minutes_recorded", "min", "above 0", recording, "length of the recording"),
        number("minutes_retained", "min", whole, recording, "... outside stretches marked as bad"),
        number("lowpass_hz", "Hz", "above 0", session, "low-pass edge of the cleaned data", compared=False),
    )  # fmt: skip


QUALITY_NUMBERS = {number.name: number for number in _numbers()}
"""Every number of the quality table by the name of its column, in their order."""
