"""The load that several steps create, or try to."""

from __future__ import annotations

LOAD = {"origin": "Asheville", "destination": "Savannah", "cargo": "Paper", "tons": "12.5"}
