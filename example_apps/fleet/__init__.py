"""What the example applications share: the freight companies, and how the pages look."""

from pathlib import Path

__all__ = ["STATIC", "TEMPLATES"]

#: The stylesheet and the script of the pages, which are the same in every framework.
STATIC = Path(__file__).parent / "static"
#: The pages of the frameworks that use Jinja.
TEMPLATES = Path(__file__).parent / "templates"
