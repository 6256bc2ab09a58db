"""Loads as a table for a spreadsheet."""

import csv
import io
import unicodedata
from collections.abc import Iterable

#: What a formula begins with; the last is the minus of typographers.
_FORMULA = ("=", "+", "-", "@", "\N{MINUS SIGN}")


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
    # In some countries a semicolon begins the next cell, whatever is quoted; a line break the next line.
    cell = "".join(" " if each == ";" or _kind(each) in ("Cc", "Zl", "Zp") else each for each in cell)
    return f"'{cell}" if _beginning(cell).startswith(_FORMULA) else cell


def _beginning(cell: str) -> str:
    """The first character that one sees, in its plain form: a full-width equals sign is one, too."""
    plain = unicodedata.normalize("NFKC", cell)
    return next((each for each in plain if _kind(each)[0] not in "CZM"), "")


def _kind(character: str) -> str:
    return unicodedata.category(character)
