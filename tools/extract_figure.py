"""Copy one figure of a report page into a file: ``python tools/extract_figure.py PAGE CAPTION_START OUT.svg``."""

import re
import sys
from pathlib import Path


def main(page: str, caption: str, out: str) -> None:
    """Find the figure whose caption contains the text and write its SVG."""
    for figure in re.findall(r"<figure>(.*?)</figure>", Path(page).read_text(encoding="utf-8"), flags=re.DOTALL):
        told = re.sub(r"<[^>]+>", "", figure[figure.index("<figcaption>") :])
        if caption in told:
            svg = figure[figure.index("<svg") : figure.index("</svg>") + len("</svg>")]
            if "xmlns=" not in svg.split(">", 1)[0]:
                svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
            Path(out).write_text(svg + "\n", encoding="utf-8")
            return
    raise SystemExit(f"no figure with a caption that contains {caption!r}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
