"""Write the tables of a finished recovery grid into docs/method/recovery.md.

``python tools/tabulate_recovery.py results/recovery-full``: the folder that
``snakemake -s workflow/recovery/Snakefile --configfile workflow/recovery/full.yaml`` made. Every number comes from its
``edges.tsv``.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from painconn.store import read_tsv

PAGE = Path(__file__).resolve().parents[1] / "docs" / "method" / "recovery.md"
BEGIN, END = "<!-- begin {} (tools/tabulate_recovery.py) -->", "<!-- end {} -->"
INVERSES = ("lcmv", "eloreta")
MEASURE = "wpli2_debiased"


def found(row: Mapping[str, Any]) -> str:
    """Return the planted edges found, in per cent with the interval."""
    return "{:.0f} ({:.0f}-{:.0f})".format(
        *(100 * row[name] for name in ("sensitivity", "sensitivity_low", "sensitivity_high"))
    )


def strict(row: Mapping[str, Any]) -> str:
    """Return the edges above the threshold that are not planted, in per cent."""
    return f"{100 * row['strict_false_rate']:.0f}"


def rank(row: Mapping[str, Any]) -> str:
    """Return the median rank of a planted edge."""
    return f"{row['rank_median']:.0f}"


def auc(row: Mapping[str, Any]) -> str:
    """Return the AUC of planted edges among the others, with the interval."""
    return f"{row['auc']:.2f} ({row['auc_low']:.2f}-{row['auc_high']:.2f})"


def response(row: Mapping[str, Any]) -> str:
    """Return how far planted edges and the others answer to the coupling, in standard deviations."""
    return f"{row['response']:.1f}, {row['response_other']:.1f}"


def bias(row: Mapping[str, Any]) -> str:
    """Return the bias, and the value in the cortex."""
    return f"{row['bias']:+.2f} ({row['cortex']:.2f})"


CELLS = {
    "planted found, %": found,
    "not planted, %": strict,
    "AUC": auc,
    "rank": rank,
    "response, of others": response,
    "bias (in the cortex)": bias,
}


def table(scores: pd.DataFrame, by: Mapping[str, str], columns: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table: a row per value of `by` (column: heading), the inverses side by side."""
    heads = [f"{name}, `{inverse}`" for name in columns for inverse in INVERSES]
    yield "| " + " | ".join((*by.values(), *heads)) + " |"
    yield "|---" * (len(by) + len(heads)) + "|"
    for values, part in scores.groupby(list(by), sort=False):
        rows = part.set_index("inverse")
        cells = [CELLS[name](rows.loc[inverse]) for name in columns for inverse in INVERSES]
        told = [f"`{value}`" if column == "measure" else said(value) for column, value in zip(by, values, strict=True)]
        yield "| " + " | ".join((*told, *cells)) + " |"


def said(value: Any) -> str:
    """Return a value of the grid in words."""
    return str(value).replace("cap_", "").replace("_", " ")


def tables(scores: pd.DataFrame) -> dict[str, Iterator[str]]:
    """Return the lines of every table of the page by name."""
    clean = scores[scores["cleaning"] == "artefact_free"]
    both_cleanings = scores[
        (scores["cohort"] == "bridge") & (scores["montage"] == "cap_32") & (scores["n_epochs"] == 60)
    ]
    return {
        "montages": table(
            clean[(clean["cohort"] == "bridge") & (clean["measure"] == MEASURE)],
            {"montage": "channels", "n_epochs": "epochs"},
            ("planted found, %", "not planted, %", "AUC", "rank"),
        ),
        "couplings": table(
            clean[(clean["n_epochs"] == 120) & (clean["measure"] == MEASURE)],
            {"cohort": "coupling", "montage": "channels"},
            ("planted found, %", "not planted, %", "AUC", "response, of others"),
        ),
        "measures": table(
            clean[(clean["cohort"].isin(("bridge", "amplitude", "zero_lag"))) & (clean["n_epochs"] == 120)].query(
                "montage == 'cap_64'"
            ),
            {"cohort": "coupling", "measure": "measure"},
            ("planted found, %", "not planted, %", "response, of others", "bias (in the cortex)"),
        ),
        "cleaned": table(
            both_cleanings,
            {"measure": "measure", "cleaning": "cleaning"},
            ("planted found, %", "not planted, %", "AUC", "bias (in the cortex)"),
        ),
    }


def main() -> None:
    """Read the grid and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder of the grid, with edges.tsv")
    scores = read_tsv(parser.parse_args().results / "edges.tsv").dropna(subset=["sensitivity"])
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in tables(scores).items():
        begin, end = BEGIN.format(name), END.format(name)
        before, rest = text.split(begin)
        text = before + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
