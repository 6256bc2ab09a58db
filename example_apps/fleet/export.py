"""Loads as a table for a spreadsheet."""

import csv
import io
from collections.abc import Iterable


def as_csv(loads: Iterable[tuple[int, str, str, str]]) -> str:
    """A line a load: its number, origin, destination and status."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(("number", "from", "to", "status"))
    rows.writerows(
        (number, as_text(origin), as_text(destination), status)
        for number, origin, destination, status in loads
    )
    return table.getvalue()


def as_text(cell: str) -> str:
    """A spreadsheet would run what somebody typed, were it a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell
