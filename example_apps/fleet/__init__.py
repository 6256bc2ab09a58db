"""What the example applications share: the freight companies, and how the pages look."""

from pathlib import Path

__all__ = ["SHARED_TEMPLATES", "STATIC", "TEMPLATES"]

#: The stylesheet and the script of the pages, which are the same in every framework.
STATIC = Path(__file__).parent / "static"
#: The pages of the frameworks that use Jinja.
TEMPLATES = Path(__file__).parent / "templates"
#: What Jinja and Django read alike.
SHARED_TEMPLATES = Path(__file__).parent / "shared_templates"
