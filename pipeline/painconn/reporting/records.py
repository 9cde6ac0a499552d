"""Rows of a table, one mapping each."""

from typing import Any

import pandas as pd


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as mappings from column name to value."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")]
