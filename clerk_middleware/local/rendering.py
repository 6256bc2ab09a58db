"""Making LocalClerk's pages, locked down, and reading the forms that are on them."""

from __future__ import annotations

import secrets
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from .hints import hints_for
from .instance import Instance
from .origins import OriginPolicy
from .records import Session

__all__ = ["PageRenderer", "no_store", "read_form"]


class PageRenderer:
    """Makes pages of the templates in this package."""

    def __init__(self, instance: Instance, origins: OriginPolicy) -> None:
        self._instance = instance
        self._origins = origins
        self._templates = Environment(
            loader=PackageLoader("clerk_middleware.local"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        )

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        session: Session | None = None,
        form_action: str | None = None,
        **context: Any,
    ) -> Response:
        """The page of `template`; `form_action` is where its forms may lead besides where all may."""
        nonce = secrets.token_urlsafe(16)
        subject = self._instance.subject_of(session) if session else None
        values = {
            "user": subject.user if subject else None,
            "subject": subject,
            "error": None,
            "returns_to": None,
            "hints": hints_for(request, self._instance, self._origins),
            **context,
            "nonce": nonce,
            "instance": self._instance.seed,
            "publishable_key": self._instance.publishable_key,
            "root": request.scope.get("root_path", ""),
            "query": f"?{request.url.query}" if request.url.query else "",
        }
        html = self._templates.get_template(template).render(values)
        form_actions = " ".join(filter(None, (self._origins.form_action(), form_action)))
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action {form_actions}"
        )
        headers = {
            "content-security-policy": policy,
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
        }
        return no_store(HTMLResponse(html, status, headers))

    def message(self, request: Request, status: int, title: str, text: str) -> Response:
        """A page that says what went wrong."""
        return self.page(request, "message.html", status=status, title=title, text=text)


async def read_form(request: Request, *, applications: OriginPolicy | None = None) -> dict[str, str]:
    """The form's fields, once it is certain that a page of this origin sent them, or of `applications`.

    Browsers name the origin of every POST; what names none is no browser and has no cookies of one.
    """
    origin = request.headers.get("origin")
    if origin is not None:
        own = origin.lower().partition("://")[2] == request.headers.get("host", "").lower()
        trusted = own or (applications is not None and applications.allows(origin))
    else:
        trusted = request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    if not trusted:
        raise HTTPException(403, "The form was sent by a page of another origin.")
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def no_store(response: Response) -> Response:
    """`response`, which nobody keeps."""
    response.headers["cache-control"] = "no-store"
    return response
