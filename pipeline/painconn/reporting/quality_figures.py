"""Figures of a quality page: spectra, channels on the head, maps of components, what was used along the time."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from painconn.reporting.drawing import GREY, INK, PALE, SIDE_A, SIDE_B, Picture, render
from painconn.reporting.notation import plural, words
from painconn.reporting.scalp import draw_head, draw_map, flat_positions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MAPS_KEPT = 10
MOST_MAPS = 24
_MAPS_PER_ROW = 6
_PER_ROW = 3

_FATES = {"used": SIDE_A, "kept": "#7fb8d8", "dropped": SIDE_B}
"""Colours of epochs: used for the numbers; clean, not drawn into the equal number; rejected."""
_SEGMENT_COLOUR = "#1b7f4b"
_STRETCH_COLOUR = "#8c0019"


def spectra(cleaned: Mapping[str, Any]) -> Picture | None:
    """Draw the mean spectrum of the good channels of each recording, as read and cleaned."""
    if not cleaned["spectra"]:
        return None
    top_hz, line_hz = cleaned["lowpass_hz"] * 1.3, cleaned.get("line_freq_hz")
    n_rows = math.ceil(len(cleaned["spectra"]) / _PER_ROW)

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(n_rows, min(_PER_ROW, len(cleaned["spectra"])), squeeze=False, sharey=True).ravel()
        for panel, (name, spectrum) in zip(panels, cleaned["spectra"].items(), strict=False):
            if line_hz:
                panel.axvline(line_hz, color=PALE, linewidth=0.8)
            _line(panel, spectrum["freqs_hz"], spectrum["before_db"], top_hz, color=SIDE_B, label="as read")
            _line(panel, spectrum["after_freqs_hz"], spectrum["after_db"], top_hz, color=SIDE_A, label="cleaned")
            panel.set(title=name, xlabel="frequency (Hz)", ylabel="power (dB re 1 µV²/Hz)")
        panels[0].legend()
        for panel in panels[len(cleaned["spectra"]) :]:
            panel.set_axis_off()

    width = 3.6 * min(_PER_ROW, len(cleaned["spectra"]))
    return render(
        "Spectra before and after",
        alt=f"Mean power spectra of {plural(len(cleaned['spectra']), 'recording')}, as read and cleaned.",
        caption="Mean power spectrum of the good channels. Look for lines left at the mains frequency, for a peak near "
        "10 Hz that cleaning must not touch, and for a flat or rising tail, which points to muscle.",
        size_in=(max(width, 4.2), 2.7 * n_rows),
        draw=draw,
    )


def _line(panel: "Axes", freqs_hz: Sequence[float], power_db: Sequence[float], top_hz: float, **style: Any) -> None:
    """Draw what lies between 0.5 Hz and the top; the rest would set the scale."""
    shown = [(hz, db) for hz, db in zip(freqs_hz, power_db, strict=True) if 0.5 <= hz <= top_hz]
    panel.plot([hz for hz, _ in shown], [db for _, db in shown], linewidth=1.1, **style)


def channels(cleaned: Mapping[str, Any]) -> Picture | None:
    """Draw good and bad channels on the head; None without positions."""
    flat = flat_positions(cleaned.get("positions_m") or {})
    if not flat:
        return None
    bads = cleaned["bads"]

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        draw_head(axis)
        axis.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.4))
        for name, (x, y) in flat.items():
            bad = name in bads
            axis.plot(x, y, "s" if bad else "o", color=SIDE_B if bad else PALE, markersize=7 if bad else 5)
            axis.annotate(
                name, (x, y), xytext=(0, 4), textcoords="offset points", ha="center", va="bottom",
                fontsize=7.5 if bad else 5.5, color=SIDE_B if bad else GREY, fontweight="bold" if bad else "normal",
            )  # fmt: skip

    return render(
        "Channels on the head",
        alt=f"{len(flat)} channels from above; bad: {', '.join(bads) or 'none'}.",
        caption="Seen from above, nose up. Squares: bad channels, interpolated from their neighbours.",
        size_in=(3.9, 3.8),
        draw=draw,
    )


def drawn_components(cleaned: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the components that get a map: removed ones first, then the first kept ones, in their order.

    A decomposition sorts its components by the variance they explain.
    """
    mapped = [component for component in cleaned["components"] if component.get("weights")]
    removed = [component for component in mapped if component["removed"]]
    kept = [component for component in mapped if not component["removed"]][:MOST_MAPS_KEPT]
    return [*removed, *kept][:MOST_MAPS]


def components(cleaned: Mapping[str, Any]) -> Picture | None:
    """Draw the maps of components on the head; None without maps or positions."""
    flat, shown = flat_positions(cleaned.get("positions_m") or {}), drawn_components(cleaned)
    good = cleaned["good_channels"]
    if not shown or not all(name in flat for name in good):
        return None
    n_rows = math.ceil(len(shown) / _MAPS_PER_ROW)
    n_removed = sum(component["removed"] for component in shown)

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(n_rows, _MAPS_PER_ROW, squeeze=False).ravel()
        for panel, component in zip(panels, shown, strict=False):
            draw_map(panel, [flat[name] for name in good], component["weights"])
            removed = component["removed"]
            told = f"{component['index']} {'removed' if removed else 'kept'}"
            told += f"\n{component['label']} {component['probability']:.2f}"
            colour, weight = (SIDE_B, "bold") if removed else (INK, "normal")
            panel.set_title(told, fontsize=7, color=colour, fontweight=weight)
        for panel in panels[len(shown) :]:
            panel.set_axis_off()

    total = len(cleaned["components"])
    return render(
        "Maps of components",
        alt=f"Scalp maps of {n_removed} removed and {len(shown) - n_removed} kept components.",
        caption=f"{plural(n_removed, 'removed component')}, then the {len(shown) - n_removed} largest of "
        f"{total - n_removed} kept ones; title: number, most likely class, its probability. Red and blue: "
        "opposite signs, which mean nothing by themselves. Eyes: one-sided to the front; muscle: one small spot at the "
        "edge; heart: a slope over the whole head; brain: smooth, one or two poles.",
        size_in=(7.6, 1.55 * n_rows),
        draw=draw,
    )


def timeline(cleaned: Mapping[str, Any]) -> Picture | None:
    """Draw bad stretches, epochs and segments along the time; None without a recording that has a duration.

    Epochs that were cut elsewhere have no time between them.
    """
    durations_s = cleaned.get("duration_s") or {}
    lanes = {name: recording_lanes(cleaned, name) for name in durations_s}
    lanes = {name: found for name, found in lanes.items() if found}
    if not lanes:
        return None

    def draw(figure: "Figure") -> None:
        heights = [len(found) + 1 for found in lanes.values()]
        panels = figure.subplots(len(lanes), 1, squeeze=False, height_ratios=heights).ravel()
        for panel, (name, found) in zip(panels, lanes.items(), strict=True):
            for row, (_, colour, spans) in enumerate(found):
                panel.broken_barh(spans, (-row - 0.38, 0.76), facecolors=colour, linewidth=0)
            panel.set_yticks([-row for row in range(len(found))], [label for label, _, _ in found], fontsize=8)
            panel.set(title=name, xlabel="time (s)", xlim=(0, durations_s[name]), ylim=(-len(found) + 0.4, 0.6))

    return render(
        "What was used, along the time",
        alt=f"Time lines of {plural(len(lanes), 'recording')}: bad stretches, epochs, segments.",
        caption="Per recording: stretches that are never used, by reason; epochs of each condition (used; clean but "
        "not drawn into the equal number of everybody; dropped); segments for measures over time.",
        size_in=(7.6, sum(0.24 * len(found) + 0.85 for found in lanes.values())),
        draw=draw,
    )


Spans = list[tuple[float, float]]


def epoch_spans(record: Mapping[str, Any], recording: str) -> list[tuple[float, float, str]]:
    """Return start and length in s, and the fate, of each epoch that was cut from a recording."""
    times = (record.get("epoch_times_s") or {}).get(recording, ())
    fates = (record.get("epoch_fate") or {}).get(recording, ())
    return [
        (float(start), float(stop) - float(start), str(fate)) for (start, stop), fate in zip(times, fates, strict=True)
    ]


def recording_lanes(cleaned: Mapping[str, Any], recording: str) -> list[tuple[str, str, Spans]]:
    """Return label, colour and spans (start and length, in s) of each lane of a recording that has any."""
    lanes: list[tuple[str, str, Spans]] = []
    by_reason: dict[str, Spans] = {}
    for onset_s, duration_s, reason in (cleaned.get("stretches") or {}).get(recording, ()):
        by_reason.setdefault(words(str(reason).removeprefix("BAD_")), []).append((onset_s, duration_s))
    lanes += [(f"never used: {reason}", _STRETCH_COLOUR, spans) for reason, spans in by_reason.items()]
    for name, record in cleaned["conditions"].items():
        spans_by_fate: dict[str, Spans] = {fate: [] for fate in _FATES}
        for start_s, length_s, fate in epoch_spans(record, recording):
            spans_by_fate[fate].append((start_s, length_s))
        lanes += [
            (f"{name}: {fate} ({len(spans)})", _FATES[fate], spans) for fate, spans in spans_by_fate.items() if spans
        ]
        segments = [
            (start / cleaned["sfreq_hz"], (stop - start) / cleaned["sfreq_hz"])
            for start, stop in record["segments"].get(recording, ())
        ]
        if segments:
            lanes.append((f"{name}: segments ({len(segments)})", _SEGMENT_COLOUR, segments))
    return lanes
