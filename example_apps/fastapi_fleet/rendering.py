"""Pages from templates. Every template finds `current_auth`, and shows only links that lead somewhere."""

from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clerk_middleware_fastapi import clerk_context
from example_apps.fleet import SHARED_TEMPLATES, TEMPLATES
from example_apps.fleet.companies import name_of
from example_apps.fleet.workplace import in_frame


def _frame(request: Request) -> dict[str, Any]:
    """What every page shows or asks."""
    workplace = in_frame(request.app.state.fleet, request.auth)
    shown = {
        "current_auth": request.auth,
        "here": request.url.path,
        "components": request.app.state.components,
    }
    return {**shown, **workplace}


_templates = Jinja2Templates(
    env=Environment(
        loader=FileSystemLoader([Path(__file__).parent / "templates", TEMPLATES, SHARED_TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ),
    context_processors=[_frame, clerk_context],  # which has csp_nonce, for scripts
)
_templates.env.filters["name_of"] = name_of


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    return _templates.TemplateResponse(request, template, context, status_code=status)
