"""Pages from templates. Every template finds `auth`, and shows only links that lead somewhere."""

from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clerk_middleware import SessionAuth

from .current import company_of, memberships_of
from .fleet import name_of


def _signed_in(request: Request) -> dict[str, Any]:
    """What the frame of every page shows."""
    auth, fleet = request.auth, request.app.state.fleet
    if not isinstance(auth, SessionAuth):
        return {"auth": auth, "company": None, "memberships": {}}
    return {"auth": auth, "company": company_of(fleet, auth), "memberships": memberships_of(fleet, auth)}


_templates = Jinja2Templates(
    env=Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ),
    context_processors=[_signed_in],
)
_templates.env.filters["name_of"] = name_of


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    return _templates.TemplateResponse(request, template, context, status_code=status)
