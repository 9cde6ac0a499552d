"""Per session: a page on what cleaning did."""

from typing import Any

from painconn.paths import Results, SessionKey
from painconn.reporting.quality import quality_page
from painconn.steps.quality_rows import quality_rows
from painconn.store import read_result, write_text


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Draw the page from the sidecar of the cleaned session (``settings`` is empty: there is nothing to choose)."""
    key = SessionKey.parse(name)
    cleaned = read_result(results.cleaned(key), verify=False)
    if cleaned["status"] == "ok":
        # the page and the table of all recordings say the same
        cleaned["quality"] = {row["recording"]: row for row in quality_rows(cleaned, {})}
    write_text(results.quality_page(key), quality_page(key.name, cleaned))
