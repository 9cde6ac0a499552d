"""The quality page of one session: what cleaning found, did and left; one file, no scripts, nothing loaded."""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from painconn.config.quality_numbers import QUALITY_NUMBERS
from painconn.reporting import quality_figures
from painconn.reporting.drawing import Picture
from painconn.reporting.notation import NOT_COMPUTABLE, is_number, plural, significant, words

_STYLE = (
    "body{font:16px/1.5 system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;max-width:62rem;margin:2rem auto;"
    "padding:0 1rem;color:#1b1f24}"
    "h1{font-size:1.6rem;margin:0}"
    "h2{font-size:1.2rem;margin:2.2rem 0 .6rem;padding-top:.5rem;border-top:1px solid #1b1f24}"
    "table{border-collapse:collapse;margin:.8rem 0;font-size:.88rem}"
    "td,th{border-bottom:1px solid #d5d9df;padding:.25rem .8rem .25rem .3rem;text-align:left;vertical-align:top;"
    "font-variant-numeric:tabular-nums}th{border-bottom:2px solid #1b1f24}"
    "tr.marked td{font-weight:700;color:#a34700}"
    "figure{margin:.8rem 0 1.4rem}svg{max-width:100%;height:auto}"
    "figcaption,.note{color:#4b5563;font-size:.9rem;max-width:46rem}"
    "details{margin:.6rem 0}summary{cursor:pointer}"
    ".scroll{overflow-x:auto}"
)


def quality_page(name: str, cleaned: Mapping[str, Any]) -> str:
    """Return the page of a session.

    Parameters
    ----------
    name : str
        BIDS name of the session.
    cleaned : mapping
        The sidecar of its cleaned data, its ``quality`` as in the quality table. What it does not hold is not on the
        page.

    Returns
    -------
    page : str
        HTML that opens without a network.
    """
    parts = [_exclusions(cleaned), _findings(cleaned)]
    if cleaned["status"] == "ok":
        parts = [
            _summary(cleaned), *parts, _hands(cleaned), _spectra(cleaned), _channels(cleaned), _components(cleaned),
            _time(cleaned), _conditions(cleaned), _numbers(cleaned),
        ]  # fmt: skip
    body = "".join(parts)
    title = html.escape(f"Quality of {name}")
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    head += f"<style>{_STYLE}</style></head>"
    return f"{head}<body><h1>{title}</h1>{body}</body></html>\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]], *, marked: frozenset[int] = frozenset()) -> str:
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in header)
    body = "".join(
        ('<tr class="marked">' if index in marked else "<tr>")
        + "".join(f"<td>{html.escape(_text(cell))}</td>" for cell in row)
        + "</tr>"
        for index, row in enumerate(rows)
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOT_COMPUTABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return significant(value) if is_number(value) else str(value)


def _figure(picture: Picture | None) -> str:
    if picture is None:
        return ""
    return f"<figure>{picture.svg}<figcaption>{html.escape(picture.caption)}</figcaption></figure>"


def _summary(cleaned: Mapping[str, Any]) -> str:
    n_bad, n_good = len(cleaned["bads"]), len(cleaned["good_channels"])
    removed = sum(component["removed"] for component in cleaned["components"])
    epochs = "; ".join(
        f"{name}: {plural(record['n_epochs'], 'epoch')} used of {record['n_kept']} kept of {record['n_cut']}"
        for name, record in cleaned["conditions"].items()
    )
    told = (
        f"{n_bad} of {n_bad + n_good} channels bad and interpolated; {plural(removed, 'component')} removed; rank "
        f"{cleaned['rank']['used']}; {significant(cleaned['sfreq_hz'])} Hz, low-pass "
        f"{significant(cleaned['lowpass_hz'])} Hz"
    )
    sentences = [sentence for sentence in (told, epochs, _done(cleaned)) if sentence]
    return f"<p>{html.escape('. '.join(sentences))}.</p>"


def _done(cleaned: Mapping[str, Any]) -> str:
    """Say how line noise was removed and what the reference is, where it was recorded."""
    methods = [(name, (cleaned.get(name) or {}).get("method")) for name in ("line_noise", "reference")]
    return "; ".join(f"{words(name)}: {words(method)}" for name, method in methods if method).capitalize()


def _exclusions(cleaned: Mapping[str, Any]) -> str:
    rows = [
        [row.get(key, "") for key in ("recording", "condition", "check", "found", "wanted", "fix")]
        for row in cleaned["exclusions"]
    ]
    if not rows:
        return "<p>Cleaning excluded nothing of this session.</p>"
    header = ["recording", "condition", "check", "found", "wanted", "what to do"]
    return "<h2>Excluded</h2>" + _table(header, rows)


def _findings(cleaned: Mapping[str, Any]) -> str:
    columns = ("recording", "check", "found", "consequence", "stretches_s", "fix")
    rows = [[row[key] for key in columns] for row in cleaned["findings"]]
    header = ["recording", "check", "found", "what followed", "stretches (s)", "what to do"]
    return "<h2>Findings at the door</h2>" + _table(header, rows) if rows else ""


def _hands(cleaned: Mapping[str, Any]) -> str:
    """Show the decisions that a person took; they win over the automatic ones."""
    rows = cleaned.get("hands") or []
    if not rows:
        return ""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return "<h2>Decided by hand</h2>" + _table(
        [words(name) for name in columns], [[row.get(key, "") for key in columns] for row in rows]
    )


def _spectra(cleaned: Mapping[str, Any]) -> str:
    picture = quality_figures.spectra(cleaned)
    return f"<h2>Spectra</h2>{_figure(picture)}" if picture else ""


def _channels(cleaned: Mapping[str, Any]) -> str:
    rows = [[name, ", ".join(reasons)] for name, reasons in cleaned["bads"].items()]
    total = len(cleaned["bads"]) + len(cleaned["good_channels"])
    text = f"<h2>Channels</h2><p>{len(rows)} of {total} channels were bad and interpolated.</p>"
    return text + (_table(["channel", "why"], rows) if rows else "") + _figure(quality_figures.channels(cleaned))


def _components(cleaned: Mapping[str, Any]) -> str:
    found = cleaned["components"]
    if not found:
        return "<h2>Components</h2><p>No independent components were computed.</p>"
    removed = [component for component in found if component["removed"]]
    extra = [
        (key, told)
        for key, told in (("eog_correlation", "r with EOG"), ("ecg_correlation", "r with ECG"))
        if any(component.get(key) is not None for component in found)
    ]
    rows = [
        [
            component["index"], component["label"], component["probability"],
            *(component.get(key) for key, _ in extra),
            f"removed: {', '.join(component.get('reasons') or ['label'])}" if component["removed"] else "kept",
        ]
        for component in sorted(found, key=lambda component: not component["removed"])
    ]  # fmt: skip
    header = ["component", "most likely", "probability", *(told for _, told in extra), "decision"]
    note = "" if cleaned["ica"]["converged"] else "<p>The decomposition did not converge.</p>"
    note += (
        f'<p class="note">Fingerprint of this decomposition: <b>{html.escape(cleaned["ica"]["fingerprint"])}</b>. A '
        "decision by hand about a component names it beside the number of the component.</p>"
    )
    return (
        f"<h2>Components</h2><p>{len(removed)} of {len(found)} components were removed.</p>{note}"
        + _figure(quality_figures.components(cleaned))
        + f"<details><summary>All {len(found)} components</summary>"
        + _table(header, rows, marked=frozenset(range(len(removed))))
        + "</details>"
    )


def _time(cleaned: Mapping[str, Any]) -> str:
    picture = quality_figures.timeline(cleaned)
    return f"<h2>Time</h2>{_figure(picture)}" if picture else ""


def _conditions(cleaned: Mapping[str, Any]) -> str:
    rows = []
    for name, record in cleaned["conditions"].items():
        threshold = "none" if record["threshold_v"] is None else record["threshold_v"] * 1e6
        segments = record["segments_reason"] or sum(len(spans) for spans in record["segments"].values())
        rows.append([name, record["n_cut"], record["n_kept"], record["n_epochs"], threshold, segments])
    header = ["condition", "epochs cut", "kept", "used", "rejection threshold (µV)", "continuous segments"]
    return "<h2>Epochs</h2>" + _table(header, rows)


def _numbers(cleaned: Mapping[str, Any]) -> str:
    by_recording = cleaned["quality"]
    rows = [
        [name, *(values.get(name) for values in by_recording.values()), number.unit, number.description]
        for name, number in QUALITY_NUMBERS.items()
        if any(name in values for values in by_recording.values())
    ]
    if not rows:
        return ""
    return "<h2>Numbers</h2>" + _table(["", *by_recording, "unit", "meaning"], rows)
