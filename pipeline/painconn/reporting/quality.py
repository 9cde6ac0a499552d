"""The quality page of one session: spectra before and after, channels, components, epochs; one file, no scripts."""

import html
import io
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "td,th{border-bottom:1px solid #ccc;padding:.25rem .75rem;text-align:left}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem}svg{max-width:100%;height:auto}"
)


def quality_page(name: str, cleaned: dict[str, Any]) -> str:
    """Return the page of a session.

    Parameters
    ----------
    name : str
        BIDS name of the session.
    cleaned : dict
        The sidecar of its cleaned data.

    Returns
    -------
    page : str
        HTML that opens without a network.
    """
    parts = [_exclusions(cleaned), _findings(cleaned)]
    if cleaned["status"] == "ok":
        parts += [_spectra(cleaned), _channels(cleaned), _components(cleaned), _conditions(cleaned), _numbers(cleaned)]
    body = "".join(parts)
    title = html.escape(f"Quality of {name}")
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    head += f"<style>{_STYLE}</style></head>"
    return f"{head}<body><h1>{title}</h1>{body}</body></html>\n"


def _table(header: list[str], rows: list[list[Any]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(_text(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    if value is None:
        return "not computable"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _exclusions(cleaned: dict[str, Any]) -> str:
    rows = [
        [row.get(key, "") for key in ("recording", "condition", "check", "found", "wanted", "fix")]
        for row in cleaned["exclusions"]
    ]
    if not rows:
        return "<p>Nothing of this session was excluded.</p>"
    header = ["recording", "condition", "check", "found", "wanted", "what to do"]
    return "<h2>Excluded</h2>" + _table(header, rows)


def _findings(cleaned: dict[str, Any]) -> str:
    columns = ("recording", "check", "found", "consequence", "stretches_s", "fix")
    rows = [[row[key] for key in columns] for row in cleaned["findings"]]
    header = ["recording", "check", "found", "what followed", "stretches (s)", "what to do"]
    return "<h2>Findings at the door</h2>" + _table(header, rows) if rows else ""


def _spectra(cleaned: dict[str, Any]) -> str:
    if not cleaned["spectra"]:
        return ""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(cleaned["spectra"]), 3.2), layout="constrained")
    panels = figure.subplots(1, len(cleaned["spectra"]), squeeze=False)[0]
    for panel, (name, spectrum) in zip(panels, cleaned["spectra"].items(), strict=True):
        panel.plot(spectrum["freqs_hz"], spectrum["before_db"], color="0.6", label="as read")
        panel.plot(spectrum["after_freqs_hz"], spectrum["after_db"], color="#0072b2", label="cleaned")
        panel.set(title=name, xlabel="frequency (Hz)", ylabel="power (dB)", xlim=(0, cleaned["lowpass_hz"] * 1.3))
        panel.legend(frameon=False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    return "<h2>Mean spectrum of the good channels</h2>" + svg[svg.index("<svg") :]


def _channels(cleaned: dict[str, Any]) -> str:
    rows = [[name, ", ".join(reasons)] for name, reasons in cleaned["bads"].items()]
    total = len(cleaned["bads"]) + len(cleaned["good_channels"])
    text = f"<h2>Channels</h2><p>{len(rows)} of {total} channels were bad and interpolated.</p>"
    return text + (_table(["channel", "why"], rows) if rows else "")


def _components(cleaned: dict[str, Any]) -> str:
    if not cleaned["components"]:
        return "<h2>Components</h2><p>No independent components were computed.</p>"
    rows = [
        [c["index"], c["label"], f"{c['probability']:.2f}", "removed" if c["removed"] else "kept"]
        for c in cleaned["components"]
    ]
    note = "" if cleaned["ica_converged"] else "<p>The decomposition did not converge.</p>"
    return "<h2>Components</h2>" + note + _table(["component", "most likely", "probability", ""], rows)


def _conditions(cleaned: dict[str, Any]) -> str:
    rows = []
    for name, record in cleaned["conditions"].items():
        threshold = None if record["threshold_v"] is None else record["threshold_v"] * 1e6
        segments = record["segments_reason"] or sum(len(spans) for spans in record["segments"].values())
        rows.append([name, record["n_cut"], record["n_kept"], record["n_epochs"], threshold, segments])
    header = ["condition", "epochs cut", "kept", "used", "rejection threshold (µV)", "continuous segments"]
    return "<h2>Epochs</h2>" + _table(header, rows)


def _numbers(cleaned: dict[str, Any]) -> str:
    if not cleaned["quality"]:
        return ""
    names = list(next(iter(cleaned["quality"].values())))
    rows = [[name, *(values.get(name) for values in cleaned["quality"].values())] for name in names]
    return "<h2>Numbers</h2>" + _table(["", *cleaned["quality"]], rows)
