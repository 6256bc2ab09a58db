"""What the example applications share: the freight companies' first data, and how the pages look."""

from pathlib import Path

__all__ = ["STATIC"]

#: The stylesheet and the script of the pages, which are the same in every framework.
STATIC = Path(__file__).parent / "static"
